//! Saves and restores the terminal's settings, and reads passwords without echo. Prints nothing.

use std::io;

use zeroize::Zeroizing;

/// Settings of the terminal.
#[cfg(unix)]
#[derive(Clone, Debug)]
pub struct SavedTerminal(Option<nix::sys::termios::Termios>);

#[cfg(unix)]
impl SavedTerminal {
    /// Saves the present settings.
    #[must_use]
    pub fn save() -> Self {
        Self(nix::sys::termios::tcgetattr(io::stdin()).ok())
    }

    /// Restores the saved settings.
    pub fn restore(&self) {
        if let Some(terminal) = &self.0 {
            let _ = nix::sys::termios::tcsetattr(io::stdin(), nix::sys::termios::SetArg::TCSANOW, terminal);
        }
    }

    /// Returns the same settings without echo.
    fn quiet(&self) -> Self {
        let mut quiet = self.clone();
        if let Some(terminal) = &mut quiet.0 {
            terminal.local_flags.remove(nix::sys::termios::LocalFlags::ECHO);
        }
        quiet
    }
}

/// On other systems the line editor restores the terminal.
#[cfg(not(unix))]
#[derive(Clone, Debug)]
pub struct SavedTerminal;

#[cfg(not(unix))]
impl SavedTerminal {
    /// Saves the present settings.
    #[must_use]
    pub fn save() -> Self {
        Self
    }

    /// Restores the saved settings.
    pub fn restore(&self) {}

    fn quiet(&self) -> Self {
        Self
    }
}

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
