//! The settings of the terminal, saved and restored.

#[cfg(unix)]
use std::io;

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
    #[must_use]
    pub fn quiet(&self) -> Self {
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

    /// Returns the same settings without echo.
    #[must_use]
    pub fn quiet(&self) -> Self {
        Self
    }
}
