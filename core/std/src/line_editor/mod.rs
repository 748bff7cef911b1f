//! A line editor at a terminal, with output above the line that is being edited: the parts that
//! every program with a prompt needs around `rustyline`.
//!
//! * [`is_possible`]: whether this process has a terminal on which lines can be edited.
//! * [`gate`]: when output may be written.
//! * [`helper`]: completion, and the events from which the gate knows what the editor does.
//! * [`SavedTerminal`]: the settings of the terminal, to be restored at the end.

pub mod gate;
pub mod helper;
mod saved_terminal;

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use rustyline::history::MemHistory;
use rustyline::{CompletionType, Config};

use gate::TerminalGate;
use helper::{Complete, LineHelper};

pub use rustyline::error::ReadlineError;
pub use saved_terminal::SavedTerminal;

/// A line editor whose history is in memory only.
pub type Editor<H> = rustyline::Editor<H, MemHistory>;

/// Whether standard input and output are a terminal on which lines can be edited.
#[must_use]
pub fn is_possible() -> bool {
    let is_plain = std::env::var("TERM").is_ok_and(|term| matches!(term.as_str(), "dumb" | "cons25" | "emacs"));
    io::stdin().is_terminal() && io::stdout().is_terminal() && !is_plain
}

/// Time in which an editor displays what it was given to print.
const DISPLAY_TIME: Duration = Duration::from_millis(50);

/// Ends the prompt and erases it: further output goes directly to the terminal.
pub fn stop(gate: &TerminalGate) {
    if gate.stop() {
        // The editor does not report when it has displayed what it was given to print.
        std::thread::sleep(DISPLAY_TIME);
        // Ends bracketed paste, and erases the line.
        let mut out = io::stdout();
        let _ = out.write_all(b"\x1b[?2004l\r\x1b[J").and_then(|()| out.flush());
    }
}

/// Creates an editor that completes with `complete` and whose output is written through `gate`.
///
/// # Errors
/// If there is no terminal.
pub fn editor<C: Complete>(gate: &Arc<TerminalGate>, complete: C) -> io::Result<Editor<LineHelper<C>>> {
    let config = Config::builder().auto_add_history(true).completion_type(CompletionType::List).build();
    let mut editor = Editor::with_history(config, MemHistory::new()).map_err(io::Error::other)?;
    gate.install(editor.create_external_printer().map_err(io::Error::other)?);
    editor.set_helper(Some(LineHelper::new(Arc::clone(gate), complete)));
    Ok(editor)
}
