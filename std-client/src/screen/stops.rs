//! The signals by which a terminal or another program stops this one (SIGTSTP) and continues it.
//!
//! SIGTSTP stops a process before it can give its terminal back. So it is blocked, and a thread
//! waits for it; [`stop`] lets it through when the terminal is given back. That leaves the decision
//! to the system: a process that nobody could continue is not stopped.

use std::io;

#[cfg(unix)]
use nix::sys::signal::{self, SigSet, Signal};

/// Blocks the signals in this thread, and in those that it starts, until it is dropped.
#[derive(Debug)]
pub struct HeldStops(());

impl HeldStops {
    /// Blocks them.
    #[must_use]
    pub fn hold() -> Self {
        #[cfg(unix)]
        let _ = signals().thread_block();
        Self(())
    }

    /// Calls `on_stop` and `on_continue` on another thread at each signal, until one of them
    /// returns `false`.
    pub(super) fn forward(
        &self,
        on_stop: impl Fn() -> bool + Send + 'static,
        on_continue: impl Fn() -> bool + Send + 'static,
    ) -> io::Result<()> {
        #[cfg(unix)]
        let wait = move || {
            while let Ok(signal) = signals().wait() {
                if !(if signal == Signal::SIGTSTP { on_stop() } else { on_continue() }) {
                    return;
                }
            }
        };
        #[cfg(not(unix))]
        let wait = move || drop((on_stop, on_continue));
        std::thread::Builder::new().name("kabar-stops".to_owned()).spawn(wait).map(drop)
    }
}

impl Drop for HeldStops {
    fn drop(&mut self) {
        #[cfg(unix)]
        let _ = signals().thread_unblock();
    }
}

/// Whom a stop is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// All processes in the foreground, as by Ctrl-Z: a shell waits for all of them.
    Foreground,
    /// This process: the others have their own signal.
    Process,
}

/// Stops until the process is continued.
pub(super) fn stop(whom: Stopped) {
    #[cfg(unix)]
    {
        let stop = SigSet::from(Signal::SIGTSTP);
        let _ = stop.thread_unblock();
        let _ = match whom {
            Stopped::Foreground => signal::kill(nix::unistd::Pid::from_raw(0), Signal::SIGTSTP),
            Stopped::Process => signal::raise(Signal::SIGTSTP),
        };
        let _ = stop.thread_block();
    }
    #[cfg(not(unix))]
    let _ = whom;
}

#[cfg(unix)]
fn signals() -> SigSet {
    let mut signals = SigSet::from(Signal::SIGTSTP);
    signals.add(Signal::SIGCONT);
    signals
}
