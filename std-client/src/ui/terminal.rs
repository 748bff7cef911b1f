//! The terminal as it was found, and passwords that it does not show.

use std::io;

use zeroize::Zeroizing;

/// How the terminal was set before anything was asked.
#[cfg(unix)]
#[derive(Clone, Debug)]
pub struct SavedTerminal(Option<nix::sys::termios::Termios>);

#[cfg(unix)]
impl SavedTerminal {
    /// As it is now.
    #[must_use]
    pub fn save() -> Self {
        Self(nix::sys::termios::tcgetattr(io::stdin()).ok())
    }

    /// As it was.
    pub fn restore(&self) {
        if let Some(terminal) = &self.0 {
            let _ = nix::sys::termios::tcsetattr(io::stdin(), nix::sys::termios::SetArg::TCSANOW, terminal);
        }
    }

    /// The same, showing nothing of what is typed.
    fn quiet(&self) -> Self {
        let mut quiet = self.clone();
        if let Some(terminal) = &mut quiet.0 {
            terminal.local_flags.remove(nix::sys::termios::LocalFlags::ECHO);
        }
        quiet
    }
}

/// Elsewhere the editor does that.
#[cfg(not(unix))]
#[derive(Clone, Debug)]
pub struct SavedTerminal;

#[cfg(not(unix))]
impl SavedTerminal {
    /// As it is now.
    #[must_use]
    pub fn save() -> Self {
        Self
    }

    /// As it was.
    pub fn restore(&self) {}

    fn quiet(&self) -> Self {
        Self
    }
}

/// Asks by `question`, and reads a line that is not shown. One that is not UTF-8 is asked for again.
///
/// # Errors
/// When nobody can type; [`io::ErrorKind::Interrupted`] when somebody pressed Ctrl-C.
pub fn read_password(question: impl Fn(&str)) -> io::Result<Zeroizing<String>> {
    let before = SavedTerminal::save();
    // Before the question: who types at once is not shown either.
    before.quiet().restore();
    question("");
    let password = loop {
        match rpassword::read_password().map(Zeroizing::new) {
            // What stands for bytes that are no text.
            Ok(password) if password.contains(char::REPLACEMENT_CHARACTER) => {
                question("That is not UTF-8 text: set this terminal to UTF-8. ");
            }
            read => break read,
        }
    };
    before.restore();
    password
}
