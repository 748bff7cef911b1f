//! What the server passes to the front end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;

use super::queue::PageSender;
use crate::web::protocol::{FromPage, RoomKey};
use crate::web::spool::SpooledFile;

/// Inputs that wait to be handled. Further ones wait in their connections.
const MAX_INPUTS: usize = 64;

/// A connected page. Never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PageId(pub u64);

/// Something that the front end handles.
#[derive(Debug)]
pub enum Input {
    /// A page has connected.
    Opened(PageId, PageSender),
    /// A page has sent a message.
    Message(PageId, FromPage),
    /// A page has sent a file, which is to be sent to this room with this name.
    Uploaded(RoomKey, String, SpooledFile),
    /// A page is gone.
    Closed(PageId),
    /// The engine has events.
    Engine,
    /// The program is to end.
    Stop,
}

/// Sends inputs from other threads.
#[derive(Clone, Debug)]
pub struct InputSender {
    pub(super) inputs: mpsc::Sender<Input>,
    is_woken: Arc<AtomicBool>,
}

impl InputSender {
    /// Reports that the engine has events. Does not block.
    pub fn wake(&self) {
        if !self.is_woken.swap(true, Ordering::AcqRel) {
            // If the queue is full, the front end takes events after the next input of it.
            let _ = self.inputs.try_send(Input::Engine);
        }
    }

    /// Reports that the program is to end.
    pub fn stop(&self) {
        let _ = self.inputs.blocking_send(Input::Stop);
    }
}

/// Receives the inputs.
#[derive(Debug)]
pub struct Inputs {
    inputs: mpsc::Receiver<Input>,
    is_woken: Arc<AtomicBool>,
}

impl Inputs {
    /// Waits for the next input. The events of the engine are to be taken after it. `None`: there
    /// is no sender any more.
    pub fn recv(&mut self) -> Option<Input> {
        let input = self.inputs.blocking_recv();
        self.is_woken.store(false, Ordering::Release);
        input
    }
}

/// Creates the queue of inputs.
#[must_use]
pub fn inputs() -> (InputSender, Inputs) {
    let (inputs, receiver) = mpsc::channel(MAX_INPUTS);
    let is_woken = Arc::<AtomicBool>::default();
    (InputSender { inputs, is_woken: Arc::clone(&is_woken) }, Inputs { inputs: receiver, is_woken })
}
