//! How the program ends: an exit code that scripts can rely on, and one line for people.

use std::fmt;

/// Exit codes. They never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Another error, said in one line.
    Error = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The server cannot be reached: no answer, refused, or no such host.
    Unreachable = 3,
    /// Wrong password or secret, or the server's identity does not match or was declined.
    NotTrusted = 4,
    /// The name is taken or not allowed.
    Name = 5,
    /// Something was not sent.
    Unsent = 6,
    /// The room ended it: kicked, banned, replaced, full, unknown room, other version.
    ByRoom = 7,
    /// Interrupted.
    Interrupted = 130,
}

/// An end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExitReport {
    /// For programs.
    pub exit: Exit,
    /// For people; nothing when there is nothing to say.
    pub line: Option<String>,
}

impl ExitReport {
    /// An end that needs no words.
    #[must_use]
    pub const fn quiet(exit: Exit) -> Self {
        Self { exit, line: None }
    }

    /// An end in one line.
    #[must_use]
    pub fn new(exit: Exit, line: impl fmt::Display) -> Self {
        Self { exit, line: Some(line.to_string()) }
    }

    /// The same with `more` said as well: an error, if it was none.
    #[must_use]
    pub fn and(self, more: &str) -> Self {
        let exit = if self.exit == Exit::Done { Exit::Error } else { self.exit };
        let line = self.line.map_or_else(|| more.to_owned(), |line| format!("{line}; {more}"));
        Self::new(exit, line)
    }

    /// An error that has no code of its own.
    #[must_use]
    pub fn error(line: impl fmt::Display) -> Self {
        Self::new(Exit::Error, line)
    }

    /// A command line that is wrong.
    #[must_use]
    pub fn usage(line: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, line)
    }
}

impl Exit {
    /// As the system takes it.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lost_is_an_error_unless_the_end_says_worse() {
        assert_eq!(ExitReport::quiet(Exit::Done).and("a").and("b"), ExitReport::error("a; b"));
        let unsent = ExitReport::new(Exit::Unsent, "1 line is not sent");
        assert_eq!(unsent.and("a"), ExitReport::new(Exit::Unsent, "1 line is not sent; a"));
        assert_eq!(ExitReport::quiet(Exit::Interrupted).and("a").exit, Exit::Interrupted);
    }
}
