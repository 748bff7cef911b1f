//! How the program ends: an exit code that scripts can rely on, and one line for people.

/// Exit codes. Their meaning never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Success.
    Done = 0,
    /// Any error without another code.
    Error = 1,
    /// Invalid command line.
    Usage = 2,
    /// The server cannot be reached: no response, refused, or no such host.
    Unreachable = 3,
    /// Wrong password or secret, or the server's key does not match or was declined.
    NotTrusted = 4,
    /// The name is taken or not allowed.
    Name = 5,
    /// Something was not sent.
    Unsent = 6,
    /// Ended by the room: kicked, banned, replaced, full, unknown room, other version.
    ByRoom = 7,
    /// Interrupted.
    Interrupted = 130,
}

/// The exit code, and the last line on standard error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExitReport {
    /// The exit code.
    pub exit: Exit,
    /// The line, without its end; `None`: nothing is printed.
    pub line: Option<String>,
}

impl ExitReport {
    /// An exit without a line.
    #[must_use]
    pub const fn quiet(exit: Exit) -> Self {
        Self { exit, line: None }
    }

    /// An exit with a line.
    #[must_use]
    pub fn new(exit: Exit, line: impl Into<String>) -> Self {
        Self { exit, line: Some(line.into()) }
    }

    /// Appends `more` to the line. [`Exit::Done`] becomes [`Exit::Error`].
    #[must_use]
    pub fn and(self, more: &str) -> Self {
        let exit = if self.exit == Exit::Done { Exit::Error } else { self.exit };
        let line = self.line.map_or_else(|| more.to_owned(), |line| format!("{line}; {more}"));
        Self::new(exit, line)
    }
}

impl Exit {
    /// The code as the operating system takes it.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_is_an_error_unless_the_exit_is_already_worse() {
        let done = ExitReport::quiet(Exit::Done).and("a").and("b");
        assert_eq!(done, ExitReport::new(Exit::Error, "a; b"));
        let unsent = ExitReport::new(Exit::Unsent, "1 line was not sent");
        assert_eq!(unsent.and("a"), ExitReport::new(Exit::Unsent, "1 line was not sent; a"));
        assert_eq!(ExitReport::quiet(Exit::Interrupted).and("a").exit, Exit::Interrupted);
    }
}
