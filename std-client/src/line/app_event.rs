//! Events from threads that block (on input, a signal, an output) to the thread of the front end.
//! Only carries them: knows neither the threads nor what the front end does with the events.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender, TrySendError};

use kabar_std::data_dir::FileError;
use mio::Waker;
use zeroize::Zeroizing;

use crate::input::Input;
use crate::shared_error::SharedError;

/// Capacity of the queue of input. A thread that reads more blocks.
const INPUT_QUEUE_LEN: usize = 64;

/// Something that another thread reports.
#[derive(Debug)]
pub enum AppEvent {
    /// Ctrl-C or SIGTERM.
    Interrupt,
    /// SIGHUP: the terminal was closed.
    HangUp,
    /// The answer to a yes-or-no question.
    Answer(bool),
    /// A password was typed; `None`: nothing can be typed.
    Password(Option<Zeroizing<String>>),
    /// The output has space again.
    OutputWritable,
    /// The output is closed or cannot be written.
    OutputClosed,
    /// The position in the room cannot be saved; the error. Reported once until it can be saved
    /// again.
    PositionNotSaved(SharedError<FileError>),
    /// The position in the room can be saved again.
    PositionSavedAgain,
    /// The transcript of a room in this process has a problem, or no longer has one; the text
    /// about it.
    Transcript(String),
}

/// Sends events from any thread.
#[derive(Clone, Debug)]
pub struct EventSender {
    events: Sender<AppEvent>,
    input: SyncSender<Input>,
    waker: Arc<Waker>,
}

/// Receives them.
#[derive(Debug)]
pub struct EventReceiver {
    /// Everything but input.
    pub events: Receiver<AppEvent>,
    /// Input.
    pub input: Receiver<Input>,
}

impl EventSender {
    /// Creates both ends of a queue; events wake `waker`.
    #[must_use]
    pub fn new(waker: Arc<Waker>) -> (Self, EventReceiver) {
        let (events, from_events) = mpsc::channel();
        let (input, from_input) = mpsc::sync_channel(INPUT_QUEUE_LEN);
        (Self { events, input, waker }, EventReceiver { events: from_events, input: from_input })
    }

    /// Sends an event.
    pub fn send(&self, event: AppEvent) {
        if self.events.send(event).is_ok() {
            let _ = self.waker.wake();
        }
    }

    /// Sends input if the queue has space. Returns whether there still is a receiver.
    ///
    /// # Errors
    /// The input, if the queue is full.
    pub fn try_input(&self, input: Input) -> Result<bool, Input> {
        match self.input.try_send(input) {
            Ok(()) => {
                let _ = self.waker.wake();
                Ok(true)
            }
            Err(TrySendError::Full(input)) => Err(input),
            Err(TrySendError::Disconnected(_)) => Ok(false),
        }
    }

    /// Sends input; blocks while the queue is full. Returns whether there still is a receiver.
    #[must_use]
    pub fn input(&self, input: Input) -> bool {
        let is_received = self.input.send(input).is_ok();
        let _ = self.waker.wake();
        is_received
    }
}
