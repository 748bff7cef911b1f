//! Reads passwords without echo. Prints nothing.

use std::io;

use kabar_std::line_editor::SavedTerminal;
use zeroize::Zeroizing;

/// Reads a line without echo. Before it, calls `ask`; again with `true` after a line that is not
/// UTF-8.
///
/// # Errors
/// If nothing can be typed; [`io::ErrorKind::Interrupted`] after Ctrl-C.
pub fn read_password(ask: impl Fn(bool)) -> io::Result<Zeroizing<String>> {
    let before = SavedTerminal::save();
    // Before the question, so that what is typed at once is not echoed either.
    before.quiet().restore();
    ask(false);
    let password = loop {
        match rpassword::read_password().map(Zeroizing::new) {
            // The replacement for bytes that are not UTF-8.
            Ok(password) if password.contains(char::REPLACEMENT_CHARACTER) => {
                ask(true);
            }
            read => break read,
        }
    };
    before.restore();
    password
}
