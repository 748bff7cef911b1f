//! How threads that wait (for a line, a signal, a name) reach the one that drives the client.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender, TrySendError};

use kabar_std::address::HostPort;
use mio::Waker;
use zeroize::Zeroizing;

use crate::resolve::NotFound;
use crate::ui::input::Input;

/// Input lines that wait; whoever types or pipes more waits as well.
const WAITING_LINES: usize = 64;

/// What is told out of turn.
#[derive(Debug)]
pub enum AppEvent {
    /// Ctrl-C or SIGTERM.
    Interrupt,
    /// SIGHUP: the terminal went away.
    HangUp,
    /// A place was looked up.
    Resolved(HostPort, Result<Vec<SocketAddr>, NotFound>),
    /// A yes or no to what was asked.
    Answer(bool),
    /// A password was typed; `None`: nothing can be typed.
    Password(Option<Zeroizing<String>>),
    /// There is room for output again.
    OutputRoom,
    /// The output takes nothing any more: nobody reads it, or it cannot be written.
    OutputGone,
    /// Something to be said that a thread found out.
    Trouble(String),
}

/// Gives mail from any thread.
#[derive(Clone, Debug)]
pub struct EventSender {
    mail: Sender<AppEvent>,
    lines: SyncSender<Input>,
    waker: Arc<Waker>,
}

/// Takes it.
#[derive(Debug)]
pub struct EventReceiver {
    /// Everything but lines.
    pub mail: Receiver<AppEvent>,
    /// Lines.
    pub lines: Receiver<Input>,
}

impl EventSender {
    /// A events whose mail wakes `waker`.
    #[must_use]
    pub fn new(waker: Arc<Waker>) -> (Self, EventReceiver) {
        let (mail, from_mail) = mpsc::channel();
        let (lines, from_lines) = mpsc::sync_channel(WAITING_LINES);
        (Self { mail, lines, waker }, EventReceiver { mail: from_mail, lines: from_lines })
    }

    /// Gives mail.
    pub fn send(&self, mail: AppEvent) {
        if self.mail.send(mail).is_ok() {
            drop(self.waker.wake());
        }
    }

    /// Gives a line if there is room; whether anybody takes it. `Err`: there is no room, here it is again.
    ///
    /// # Errors
    /// The line.
    pub fn try_line(&self, typed: Input) -> Result<bool, Input> {
        match self.lines.try_send(typed) {
            Ok(()) => {
                drop(self.waker.wake());
                Ok(true)
            }
            Err(TrySendError::Full(typed)) => Err(typed),
            Err(TrySendError::Disconnected(_)) => Ok(false),
        }
    }

    /// Gives a line, waiting for room. `false`: nobody takes any more.
    #[must_use]
    pub fn line(&self, typed: Input) -> bool {
        let is_taken = self.lines.send(typed).is_ok();
        drop(self.waker.wake());
        is_taken
    }
}
