//! Controls when output may be written to the terminal: above the prompt, and never between the
//! moment when Enter is pressed and the next prompt. So lines keep their order, and a typed line
//! can be erased.
//!
//! ```text
//! Free -before_typing-> Starting -(prompt is shown)-> Typing -(Enter)-> Accepted
//!   ^                      ^------------before_typing----------------------'
//!   '-end_of_typing- any
//! ```

use std::fmt;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rustyline::ExternalPrinter;

/// Shared by the thread that writes output and the one that reads lines.
#[derive(Default)]
pub struct TerminalGate {
    state: Mutex<State>,
    changed: Condvar,
    /// Locked while something is being written above the prompt.
    printer: Mutex<Option<Box<dyn ExternalPrinter + Send>>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    phase: Phase,
    /// Whether no output was being written when Enter was pressed.
    may_erase: bool,
    is_stopped: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// No prompt: output goes directly to the terminal.
    #[default]
    Free,
    /// Output waits: the prompt is about to be displayed.
    Starting,
    /// Output goes above the prompt.
    Typing,
    /// Output waits: the typed line is being taken.
    Accepted,
}

impl TerminalGate {
    pub(super) fn install(&self, printer: impl ExternalPrinter + Send + 'static) {
        *lock(&self.printer) = Some(Box::new(printer));
    }

    /// A prompt is about to be displayed.
    pub fn before_typing(&self) {
        self.update(|state| (state.phase, state.may_erase) = (Phase::Starting, false));
    }

    /// There is no prompt until the next [`TerminalGate::before_typing`].
    pub fn end_of_typing(&self) {
        self.update(|state| state.phase = Phase::Free);
    }

    /// Whether the line that was just typed is the last one on the screen.
    #[must_use]
    pub fn may_erase(&self) -> bool {
        lock(&self.state).may_erase
    }

    /// Ends the prompt: further output goes directly to the terminal. Returns whether there was a
    /// prompt.
    pub(super) fn stop(&self) -> bool {
        let was_typing = lock(&self.state).phase == Phase::Typing;
        self.update(|state| (state.phase, state.is_stopped) = (Phase::Free, true));
        was_typing
    }

    /// The editor has displayed the prompt.
    pub(super) fn prompt_is_shown(&self) {
        self.update(|state| {
            // The editor asks for hints at any time.
            if state.phase == Phase::Starting {
                state.phase = Phase::Typing;
            }
        });
    }

    /// The editor takes the typed line.
    pub(super) fn enter_is_pressed(&self) {
        let mut state = lock(&self.state);
        if state.phase == Phase::Typing {
            (state.phase, state.may_erase) = (Phase::Accepted, self.printer.try_lock().is_ok());
        }
    }

    /// Writes `text`, which ends with a line end: above the prompt if there is one, else with
    /// `directly`. Waits while a typed line is being taken.
    ///
    /// # Errors
    /// Those of `directly`.
    pub fn write(&self, text: &str, directly: impl FnOnce(&str) -> io::Result<()>) -> io::Result<()> {
        let state = lock(&self.state);
        let is_between = |state: &mut State| matches!(state.phase, Phase::Starting | Phase::Accepted);
        let state = self.changed.wait_while(state, is_between);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        // Locked before the state is unlocked, so that Enter finds that output is being written.
        let mut printer = lock(&self.printer);
        let is_typing = state.phase == Phase::Typing;
        drop(state);
        // An editor that has ended fails; if the cause is the terminal, writing to it fails below.
        if is_typing && printer.as_mut().is_some_and(|printer| printer.print(text.to_owned()).is_ok()) {
            return Ok(());
        }
        directly(text)
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        let mut state = lock(&self.state);
        if !state.is_stopped {
            change(&mut state);
        }
        self.changed.notify_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for TerminalGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TerminalGate").field("state", &self.state).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
