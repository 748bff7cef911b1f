//! Who may write to the terminal, and when: what happens is written above the prompt, never into the moment between a line that was
//! typed and the next prompt. So lines keep their order, and the line that was typed can be taken off the screen.
//!
//! ```text
//! Free -before_typing-> Starting -(prompt is shown)-> Typing -(Enter)-> Accepted -before_typing-> ... -end_of_typing-> Free
//! ```

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rustyline::ExternalPrinter;

use super::writer::Sink;

/// Shared by the thread that writes and the one that reads lines.
#[derive(Default)]
pub(super) struct TerminalGate {
    state: Mutex<State>,
    changed: Condvar,
    /// Locked while something is being written above the prompt.
    printer: Mutex<Option<Box<dyn ExternalPrinter + Send>>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    phase: Phase,
    /// Whether nothing was being written when Enter was pressed.
    may_erase: bool,
    is_stopped: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// No prompt: written straight to the terminal.
    #[default]
    Free,
    /// Waited for: the prompt is about to be there.
    Starting,
    /// Written above the prompt.
    Typing,
    /// Waited for: the line that was typed is being taken.
    Accepted,
}

impl TerminalGate {
    pub(super) fn install(&self, printer: impl ExternalPrinter + Send + 'static) {
        *lock(&self.printer) = Some(Box::new(printer));
    }

    /// A prompt is about to be shown.
    pub(super) fn before_typing(&self) {
        self.go(|state| (state.phase, state.may_erase) = (Phase::Starting, false));
    }

    /// There is no prompt for a while, or no more.
    pub(super) fn end_of_typing(&self) {
        self.go(|state| state.phase = Phase::Free);
    }

    /// Whether the line that was just typed is the last on the screen.
    pub(super) fn may_erase(&self) -> bool {
        lock(&self.state).may_erase
    }

    /// The end: whatever is still written goes straight to the terminal. Whether there was a prompt.
    pub(super) fn stop(&self) -> bool {
        let was_typing = lock(&self.state).phase == Phase::Typing;
        self.go(|state| (state.phase, state.is_stopped) = (Phase::Free, true));
        was_typing
    }

    /// The editor has shown the prompt.
    pub(super) fn prompt_is_shown(&self) {
        self.go(|state| {
            // The editor looks for hints at any time.
            if state.phase == Phase::Starting {
                state.phase = Phase::Typing;
            }
        });
    }

    /// The editor takes the line that was typed.
    pub(super) fn enter_is_pressed(&self) {
        let mut state = lock(&self.state);
        if state.phase == Phase::Typing {
            (state.phase, state.may_erase) = (Phase::Accepted, self.printer.try_lock().is_ok());
        }
    }

    fn go(&self, change: impl FnOnce(&mut State)) {
        let mut state = lock(&self.state);
        if !state.is_stopped {
            change(&mut state);
        }
        self.changed.notify_all();
    }
}

/// Writes through a gate.
pub(super) struct GatedWriter(pub(super) Arc<TerminalGate>);

impl Sink for GatedWriter {
    fn text(&mut self, text: String) -> io::Result<()> {
        let state = lock(&self.0.state);
        let is_between = |state: &mut State| matches!(state.phase, Phase::Starting | Phase::Accepted);
        let state = self.0.changed.wait_while(state, is_between);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        // Taken before the state is given back, so that whoever presses Enter sees that something is being written.
        let mut printer = lock(&self.0.printer);
        let is_typing = state.phase == Phase::Typing;
        drop(state);
        // An editor that has ended meanwhile takes nothing any more; if it is the terminal, that is said by writing to it.
        if is_typing && printer.as_mut().is_some_and(|printer| printer.print(text.clone()).is_ok()) {
            return Ok(());
        }
        let mut out = io::stdout();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
mod tests {
    use std::sync::mpsc::{self, Receiver, Sender};

    use super::*;

    /// Says what it is to print, and prints it when told.
    struct Paper {
        asked: Sender<String>,
        run_loop: Receiver<()>,
    }

    impl ExternalPrinter for Paper {
        fn print(&mut self, text: String) -> rustyline::Result<()> {
            self.asked.send(text).unwrap();
            let _ = self.run_loop.recv();
            Ok(())
        }
    }

    fn gate() -> (Arc<TerminalGate>, Receiver<String>, Sender<()>) {
        let gate = Arc::new(TerminalGate::default());
        let ((asked, printed), (permit, run_loop)) = (mpsc::channel(), mpsc::channel());
        gate.install(Paper { asked, run_loop });
        (gate, printed, permit)
    }

    fn write(gate: &Arc<TerminalGate>, text: &str) -> std::thread::JoinHandle<()> {
        let (mut through, text) = (GatedWriter(Arc::clone(gate)), text.to_owned());
        std::thread::spawn(move || through.text(text).unwrap())
    }

    #[test]
    fn what_happens_waits_for_the_prompt() {
        let (gate, printed, permit) = gate();
        gate.before_typing();
        let writer = write(&gate, "hello");
        assert!(printed.try_recv().is_err());
        gate.prompt_is_shown();
        assert_eq!(printed.recv().unwrap(), "hello");
        permit.send(()).unwrap();
        writer.join().unwrap();
    }

    #[test]
    fn a_line_is_taken_off_the_screen_only_when_it_is_the_last_there() {
        let (gate, printed, permit) = gate();
        gate.before_typing();
        gate.prompt_is_shown();
        let writer = write(&gate, "in between");
        printed.recv().unwrap();
        gate.enter_is_pressed();
        assert!(!gate.may_erase(), "something is being written");
        permit.send(()).unwrap();
        writer.join().unwrap();

        gate.before_typing();
        gate.prompt_is_shown();
        gate.enter_is_pressed();
        assert!(gate.may_erase());
        // The editor asks for a hint once more; that opens nothing.
        gate.prompt_is_shown();
        let writer = write(&gate, "afterwards");
        assert!(printed.try_recv().is_err());
        gate.before_typing();
        gate.prompt_is_shown();
        assert_eq!(printed.recv().unwrap(), "afterwards");
        permit.send(()).unwrap();
        writer.join().unwrap();
    }

    #[test]
    fn the_end_waits_for_nothing() {
        let (gate, printed, _permit) = gate();
        gate.before_typing();
        let writer = write(&gate, "");
        assert!(!gate.stop());
        writer.join().unwrap();
        gate.before_typing();
        write(&gate, "").join().unwrap();
        assert!(printed.try_recv().is_err(), "straight to the terminal");
    }
}
