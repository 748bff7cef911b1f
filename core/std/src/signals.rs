//! Ctrl-C, SIGTERM and SIGHUP as calls.
//!
//! SIGHUP has two meanings. To a program that a service manager started it says that its files are to be opened again; a program
//! whose terminal hung up ([`TerminalWatch`]) is to end. Where it was ignored at the start (`nohup`), it never ends anything.

use std::io;

/// Exit code of a program that was interrupted and did not wait for its own clean end.
const INTERRUPTED: i32 = 130;

/// What SIGHUP comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterHangup {
    /// The program goes on.
    GoOn,
    /// The program ends, as at SIGTERM.
    Stop,
}

/// Calls `stop` on a thread of its own at the first SIGINT or SIGTERM; at the second the process ends at once.
///
/// # Errors
/// If the system does not let signals be handled.
pub fn on_stop(stop: impl FnOnce() + Send + 'static) -> io::Result<()> {
    handle(stop, None::<fn() -> AfterHangup>)
}

/// As [`on_stop`], and calls `hang_up` at every SIGHUP.
///
/// # Errors
/// If the system does not let signals be handled.
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
                // A terminal that went away says so more than once.
                None if is_hangup => {}
                None => std::process::exit(INTERRUPTED),
            }
        }
    };
    std::thread::Builder::new().name("kabar-signals".to_owned()).spawn(wait).map(drop)
}

/// Where there are no such signals, the system ends the process.
#[cfg(not(unix))]
fn handle(
    _: impl FnOnce() + Send + 'static,
    _: Option<impl FnMut() -> AfterHangup + Send + 'static>,
) -> io::Result<()> {
    Ok(())
}

/// Lets writing beyond a limit of file sizes (`ulimit -f`) fail as on a full disk, where it would end the process.
pub fn survive_file_limits() {
    #[cfg(unix)]
    {
        // Its arrival tells nothing that the error of the write does not.
        let arrived = std::sync::Arc::default();
        drop(signal_hook::flag::register(signal_hook::consts::SIGXFSZ, arrived));
    }
}

/// Whether SIGHUP is ignored, as `nohup` asks for. To be asked before it is handled.
#[must_use]
pub fn is_hangup_ignored() -> bool {
    // Only Linux says so without unsafe code.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok()).is_some_and(|ignored| ignored & 1 == 1)
}

/// Knows whether this process had a terminal, and whether that has gone since.
#[derive(Clone, Copy, Debug)]
pub struct TerminalWatch {
    streams: [bool; 3],
    has_terminal: bool,
}

impl TerminalWatch {
    /// Looks for the terminal of this process.
    #[must_use]
    pub fn start() -> Self {
        // Who wants it to outlive its terminal has said so.
        let is_wanted = !is_hangup_ignored();
        Self {
            streams: terminals().map(|is_terminal| is_terminal && is_wanted),
            has_terminal: is_wanted && has_terminal(),
        }
    }

    /// Whether there was one that is no more.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        let were = self.streams.into_iter().zip(terminals());
        were.into_iter().any(|(was, is)| was && !is) || (self.has_terminal && !has_terminal())
    }
}

/// Which of standard input, output and error are a terminal; one that hung up is none.
fn terminals() -> [bool; 3] {
    use std::io::IsTerminal;
    [io::stdin().is_terminal(), io::stdout().is_terminal(), io::stderr().is_terminal()]
}

/// Whether the process has a controlling terminal.
fn has_terminal() -> bool {
    cfg!(unix) && std::fs::File::open("/dev/tty").is_ok()
}
