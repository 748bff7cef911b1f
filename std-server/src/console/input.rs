//! Reads the operator's lines from standard input as they are, on its own thread. End of input does
//! not stop the server.

use std::io::{self, BufRead, Read};

use kabar_std::reading::without_mark;

/// Longest line in bytes; the rest of a longer line counts as the next line.
const MAX_LINE: u64 = 16 << 10;
/// Consecutive errors after which reading stops.
pub(super) const MAX_ERRORS: u32 = 3;

/// A result of reading standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsoleInput<'a> {
    /// A line.
    Line(&'a str),
    /// A line that is not UTF-8.
    NotText,
    /// Reading failed with this error. Reported once for consecutive errors.
    ReadError(String),
    /// Ctrl-C in the line editor, which takes it from the terminal. Nothing follows.
    Interrupt,
}

/// Passes each line of standard input to `take`, until end of input.
///
/// # Errors
/// If the thread cannot be spawned.
pub fn read_stdin(take: impl FnMut(ConsoleInput<'_>) + Send + 'static) -> io::Result<()> {
    let read = move || read_lines(io::stdin().lock(), terminal::wait, take);
    std::thread::Builder::new().name("kabar-console".to_owned()).spawn(read).map(drop)
}

fn read_lines(mut from: impl BufRead, wait: impl Fn(), mut take: impl FnMut(ConsoleInput<'_>)) {
    let (mut line, mut errors) = (Vec::new(), 0);
    loop {
        line.clear();
        wait();
        match from.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
            Ok(0) => return,
            Ok(_) => {
                errors = 0;
                take(text(&line).map_or(ConsoleInput::NotText, ConsoleInput::Line));
            }
            Err(error) => {
                errors += 1;
                if errors == 1 {
                    take(ConsoleInput::ReadError(error.to_string()));
                }
                // A terminal that was closed never comes back.
                if errors == MAX_ERRORS {
                    return;
                }
            }
        }
    }
}

/// Returns the line as text, or `None` if it is not UTF-8. If [`MAX_LINE`] cuts a character, that
/// character is dropped.
fn text(line: &[u8]) -> Option<&str> {
    match std::str::from_utf8(line) {
        Ok(text) => Some(without_mark(text)),
        Err(error) if error.error_len().is_none() && line.len() as u64 == MAX_LINE => {
            line.get(..error.valid_up_to()).and_then(|line| std::str::from_utf8(line).ok())
        }
        Err(_) => None,
    }
}

#[cfg(unix)]
pub(super) mod terminal {
    use std::io::IsTerminal as _;
    use std::os::fd::AsFd as _;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use nix::unistd::{getpgrp, tcgetpgrp};

    /// Milliseconds between checks whether the process has come to the foreground.
    const LOOK_AGAIN: u16 = 500;

    /// Whether another job uses the terminal.
    pub(in crate::console) fn is_in_background() -> bool {
        // If the terminal is gone, reading from it fails.
        tcgetpgrp(std::io::stdin().as_fd()).is_ok_and(|foreground| foreground != getpgrp())
    }

    /// Waits until this process may use its terminal.
    pub(in crate::console) fn wait_for_foreground() {
        while is_in_background() {
            std::thread::sleep(std::time::Duration::from_millis(LOOK_AGAIN.into()));
        }
    }

    /// Waits until a line may be read. The system stops a background process (`kabar-server &`)
    /// that reads its terminal, which would stop the server.
    pub(super) fn wait() {
        let stdin = std::io::stdin();
        if !stdin.is_terminal() {
            return;
        }
        loop {
            let mut wanted = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
            let is_readable = poll(&mut wanted, PollTimeout::from(LOOK_AGAIN)).is_ok_and(|ready| ready > 0);
            match tcgetpgrp(stdin.as_fd()) {
                Ok(foreground) if foreground != getpgrp() => {
                    std::thread::sleep(std::time::Duration::from_millis(LOOK_AGAIN.into()));
                }
                _ if is_readable => return,
                // The terminal is gone; the read will fail.
                Err(_) => return,
                Ok(_) => {}
            }
        }
    }
}

#[cfg(not(unix))]
pub(super) mod terminal {
    /// Nothing to wait for.
    pub(super) fn wait() {}

    /// There are no jobs.
    pub(in crate::console) fn is_in_background() -> bool {
        false
    }

    /// Nothing to wait for.
    pub(in crate::console) fn wait_for_foreground() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what is read from `input`.
    fn taken(input: impl BufRead) -> Vec<String> {
        let mut all = Vec::new();
        read_lines(
            input,
            || (),
            |keyed| {
                all.push(match keyed {
                    ConsoleInput::Line(line) => line.trim_end().to_owned(),
                    other => format!("{other:?}"),
                });
            },
        );
        all
    }

    #[test]
    fn gives_every_line_also_a_last_one_without_end() {
        assert_eq!(taken(b"\xef\xbb\xbfone\r\n\ntwo".as_slice()), ["one", "", "two"]);
    }

    #[test]
    fn reports_a_line_that_is_not_utf8_and_reads_the_next() {
        assert_eq!(taken(b"one\ntw\xf6\nthree\n".as_slice()), ["one", "NotText", "three"]);
    }

    #[test]
    fn a_line_without_end_takes_no_memory_without_end() {
        let endless = "\u{20ac}".repeat(100_000);
        let all = taken(endless.as_bytes());
        assert!(all.iter().all(|line| line.len() as u64 <= MAX_LINE) && all.len() > 1, "{}", all.len());
    }

    #[test]
    fn a_read_error_is_reported_and_reading_stops_if_it_persists() {
        /// Fails N times, then returns a line, then keeps failing.
        struct Broken(u32);
        impl Read for Broken {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.0 = self.0.wrapping_sub(1);
                if self.0 != 0 {
                    return Err(io::Error::other("broken"));
                }
                buffer[..4].copy_from_slice(b"one\n");
                Ok(4)
            }
        }
        let broken = "ReadError(\"broken\")";
        assert_eq!(taken(io::BufReader::new(Broken(3))), [broken, "one", broken]);
        assert_eq!(taken(io::BufReader::new(Broken(9))), [broken]);
    }
}
