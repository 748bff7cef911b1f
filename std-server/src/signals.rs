//! Ctrl-C and SIGTERM as calls.

use std::io;

/// Exit code of a program that was interrupted and did not wait for its own clean end.
const INTERRUPTED: i32 = 130;

/// Calls `stop` on a thread of its own at the first SIGINT or SIGTERM; at the second the process ends at once.
///
/// # Errors
/// If the system does not let signals be handled.
#[cfg(unix)]
pub fn on_stop(stop: impl FnOnce() + Send + 'static) -> io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    let wait = move || {
        let mut arrived = signals.forever();
        if arrived.next().is_some() {
            stop();
        }
        if arrived.next().is_some() {
            std::process::exit(INTERRUPTED);
        }
    };
    std::thread::Builder::new().name("kabar-signals".to_owned()).spawn(wait).map(drop)
}

/// Where there are no such signals, the system ends the process.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn on_stop(_: impl FnOnce() + Send + 'static) -> io::Result<()> {
    Ok(())
}
