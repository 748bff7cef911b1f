//! The terminal: taken over, and given back, whatever happens.

use std::io::{self, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste, EnableFocusChange,
    EnableMouseCapture,
};
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size,
};
use ratatui::crossterm::{cursor, execute};

use crate::messages::screen::MIN_SIZE;
use crate::outcome::NoScreen;

/// Whether the terminal is taken over.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal while it is taken over. It is given back when this is dropped, and by a panic.
#[derive(Debug)]
pub(super) struct TakenTerminal {
    has_mouse: bool,
}

impl TakenTerminal {
    /// Takes the terminal over. `on_panic` is called after a panic of any thread.
    pub(super) fn take(has_mouse: bool, on_panic: impl Fn() + Send + Sync + 'static) -> io::Result<Self> {
        give_back_on_panic(on_panic);
        let taken = Self { has_mouse };
        taken.enter()?;
        Ok(taken)
    }

    /// Leaves the screen, so that lines can be written as programs without one do; keys are still
    /// read one by one. The mouse belongs to the terminal. [`Self::enter`] ends it.
    pub(super) fn leave_screen(&self) -> io::Result<()> {
        execute!(io::stdout(), DisableMouseCapture, LeaveAlternateScreen, cursor::Show)
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
fn give_back_on_panic(on_panic: impl Fn() + Send + Sync + 'static) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            report(panic);
            on_panic();
        }));
    });
}

/// Returns why the terminal has no full screen; `None`: it has one.
#[must_use]
pub fn unusable() -> Option<NoScreen> {
    // The terminals of Windows have no type.
    let term = if cfg!(unix) { std::env::var("TERM").unwrap_or_default() } else { "windows".to_owned() };
    if term.is_empty() || term == "dumb" {
        return Some(NoScreen::Type(term));
    }
    let (columns, rows) = size().unwrap_or_default();
    let (min_columns, min_rows) = MIN_SIZE;
    (columns < min_columns || rows < min_rows).then_some(NoScreen::Size { columns, rows })
}
