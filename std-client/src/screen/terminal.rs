//! The terminal: taken over, and given back, whatever happens.

use std::io::{self, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste, EnableFocusChange,
    EnableMouseCapture,
};
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::crossterm::{cursor, execute};

/// Whether the terminal is taken over.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal while it is taken over. It is given back when this is dropped, and by a panic.
#[derive(Debug)]
pub(super) struct TakenTerminal {
    has_mouse: bool,
}

impl TakenTerminal {
    /// Takes the terminal over.
    pub(super) fn take(has_mouse: bool) -> io::Result<Self> {
        give_back_on_panic();
        let taken = Self { has_mouse };
        taken.enter()?;
        Ok(taken)
    }

    /// Takes it over again after [`give_back`].
    pub(super) fn enter(&self) -> io::Result<()> {
        IS_TAKEN.store(true, Ordering::Release);
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, EnableFocusChange)?;
        if self.has_mouse {
            execute!(io::stdout(), EnableMouseCapture)?;
        }
        Ok(())
    }
}

impl Drop for TakenTerminal {
    fn drop(&mut self) {
        give_back();
    }
}

/// Whether the terminal is taken over. After a panic it is not.
pub(super) fn is_taken() -> bool {
    IS_TAKEN.load(Ordering::Acquire)
}

/// Gives the terminal back, if it is taken over. Errors change nothing about what follows.
pub(super) fn give_back() {
    if !IS_TAKEN.swap(false, Ordering::AcqRel) {
        return;
    }
    let mut stdout = io::stdout();
    let _ = execute!(stdout, DisableMouseCapture, DisableFocusChange, DisableBracketedPaste);
    let _ = execute!(stdout, LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
    let _ = stdout.flush();
}

/// Gives the terminal back before a panic is reported, so that its report can be read.
fn give_back_on_panic() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            report(panic);
        }));
    });
}

/// Stops the process as Ctrl-Z does, until it is continued.
pub(super) fn stop_process() {
    #[cfg(unix)]
    let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGTSTP);
}
