//! The operator's keyboard: lines from stdin, on a thread of its own. Its end is not the end of the room.

use std::io::{self, BufRead, Read};

/// Longest line that is read in one piece; what is behind it counts as the next line.
const MAX_LINE: u64 = 16 << 10;

/// Gives each line of stdin to `take`, until there are no more.
///
/// # Errors
/// If the system gives no thread.
pub fn read_stdin(take: impl FnMut(&str) + Send + 'static) -> io::Result<()> {
    let read = move || drop(read_lines(io::stdin().lock(), terminal::wait, take));
    std::thread::Builder::new().name("kabar-console".to_owned()).spawn(read).map(drop)
}

fn read_lines(mut from: impl BufRead, wait: impl Fn(), mut take: impl FnMut(&str)) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        wait();
        if from.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        take(&String::from_utf8_lossy(&line));
    }
}

#[cfg(unix)]
mod terminal {
    use std::io::IsTerminal as _;
    use std::os::fd::AsFd as _;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use nix::unistd::{getpgrp, tcgetpgrp};

    /// How long a server in the background waits until it looks whether it came to the foreground.
    const LOOK_AGAIN: u16 = 500;

    /// Waits until a line may be read. A process that reads its terminal while another one has the foreground (`kabar-server &`)
    /// would be stopped for that, and the room with it.
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
                // No terminal any more: the read will say so.
                Err(_) => return,
                Ok(_) => {}
            }
        }
    }
}

#[cfg(not(unix))]
mod terminal {
    /// Nothing to wait for.
    pub(super) fn wait() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_every_line_also_a_last_one_without_end_and_bytes_that_are_no_text() {
        let mut lines = Vec::new();
        read_lines(b"one\r\n\ntw\xffo".as_slice(), || (), |line| lines.push(line.trim_end().to_owned())).unwrap();
        assert_eq!(lines, ["one", "", "tw\u{fffd}o"]);
    }

    #[test]
    fn a_line_without_end_takes_no_memory_without_end() {
        let mut longest = 0;
        let endless = io::repeat(b'x').take(10 * MAX_LINE);
        read_lines(io::BufReader::new(endless), || (), |line| longest = longest.max(line.len())).unwrap();
        assert_eq!(longest as u64, MAX_LINE);
    }
}
