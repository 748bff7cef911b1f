//! Calls functions on Ctrl-C, SIGTERM and SIGHUP.
//!
//! SIGHUP has two meanings: it requests a program without a terminal to reopen its files, and a
//! program whose terminal was closed ([`TerminalWatch`]) to end. If it was ignored at the start
//! (`nohup`), it never ends the program.

use std::io;

/// Exit code after a second interrupt, which does not wait for a clean end.
const INTERRUPTED: i32 = 130;

/// The reaction to SIGHUP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterHangup {
    /// The program continues.
    GoOn,
    /// The program ends, as after SIGTERM.
    Stop,
}

/// Calls `stop` on its own thread at the first SIGINT or SIGTERM; at the second, the process ends
/// at once.
///
/// # Errors
/// If no signal handler can be installed.
pub fn on_stop(stop: impl FnOnce() + Send + 'static) -> io::Result<()> {
    handle(stop, None::<fn() -> AfterHangup>)
}

/// Like [`on_stop`], and calls `hang_up` at every SIGHUP.
///
/// # Errors
/// If no signal handler can be installed.
pub fn on_stop_or_hangup(
    stop: impl FnOnce() + Send + 'static,
    hang_up: impl FnMut() -> AfterHangup + Send + 'static,
) -> io::Result<()> {
    handle(stop, Some(hang_up))
}

#[cfg(unix)]
fn handle(
    stop: impl FnOnce() + Send + 'static,
    hang_up: Option<impl FnMut() -> AfterHangup + Send + 'static>,
) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    if hang_up.is_some() {
        signals.add_signal(SIGHUP)?;
    }
    let wait = move || {
        let (mut stop, mut hang_up) = (Some(stop), hang_up);
        for signal in signals.forever() {
            let is_hangup = signal == SIGHUP;
            if is_hangup && hang_up.as_mut().is_none_or(|hang_up| hang_up() == AfterHangup::GoOn) {
                continue;
            }
            match stop.take() {
                Some(stop) => stop(),
                // A closed terminal sends it more than once.
                None if is_hangup => {}
                None => std::process::exit(INTERRUPTED),
            }
        }
    };
    std::thread::Builder::new().name("kabar-signals".to_owned()).spawn(wait).map(drop)
}

/// On systems without these signals, the system ends the process.
#[cfg(not(unix))]
fn handle(
    _: impl FnOnce() + Send + 'static,
    _: Option<impl FnMut() -> AfterHangup + Send + 'static>,
) -> io::Result<()> {
    Ok(())
}

/// Makes writes beyond a limit of file sizes (`ulimit -f`) fail as on a full disk, instead of
/// ending the process.
pub fn survive_file_limits() {
    #[cfg(unix)]
    {
        // The write returns an error as well, so the flag is not read.
        let arrived = std::sync::Arc::default();
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, arrived);
    }
}

/// Whether SIGHUP is ignored, as after `nohup`. Must be called before a handler is installed.
#[must_use]
pub fn is_hangup_ignored() -> bool {
    // Only Linux reports this without unsafe code.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok()).is_some_and(|ignored| ignored & 1 == 1)
}

/// Detects that the terminal of this process was closed.
#[derive(Clone, Copy, Debug)]
pub struct TerminalWatch {
    streams: [bool; 3],
    has_terminal: bool,
}

impl TerminalWatch {
    /// Records the terminal of this process.
    #[must_use]
    pub fn start() -> Self {
        // With `nohup`, the process is to survive its terminal.
        let is_wanted = !is_hangup_ignored();
        Self {
            streams: terminals().map(|is_terminal| is_terminal && is_wanted),
            has_terminal: is_wanted && has_terminal(),
        }
    }

    /// Whether there was a terminal that is closed now.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        let were = self.streams.into_iter().zip(terminals());
        were.into_iter().any(|(was, is)| was && !is) || (self.has_terminal && !has_terminal())
    }
}

/// Whether standard input, output and error are a terminal. A closed one is not.
fn terminals() -> [bool; 3] {
    use std::io::IsTerminal;
    [io::stdin().is_terminal(), io::stdout().is_terminal(), io::stderr().is_terminal()]
}

/// Whether the process has a controlling terminal.
fn has_terminal() -> bool {
    cfg!(unix) && std::fs::File::open("/dev/tty").is_ok()
}
