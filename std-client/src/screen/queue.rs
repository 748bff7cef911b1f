//! What the screen waits for, from all threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use ratatui::crossterm::event;

/// What the screen waits for.
#[derive(Debug)]
pub(super) enum Input {
    /// Something happened at the terminal.
    Terminal(event::Event),
    /// The terminal cannot be read any longer, or was closed.
    Closed,
    /// The engine has events.
    Engine,
    /// A text to be displayed.
    Notice(String),
    /// The program is to end.
    Stop,
    /// The process is to stop until it is continued.
    Suspend,
    /// The process was continued.
    Continued,
    /// A thread has panicked.
    Panic,
}

/// Displays texts on a screen, from any thread.
#[derive(Clone, Debug)]
pub struct NoticeSender(Sender<Input>);

impl NoticeSender {
    /// Displays a text.
    pub fn send(&self, text: String) {
        let _ = self.0.send(Input::Notice(text));
    }
}

/// The queue of inputs.
#[derive(Debug)]
pub(super) struct InputQueue {
    sender: Sender<Input>,
    inputs: Receiver<Input>,
    /// Whether [`Input::Engine`] is in the queue.
    is_woken: Arc<AtomicBool>,
}

impl Default for InputQueue {
    fn default() -> Self {
        let (sender, inputs) = mpsc::channel();
        Self { sender, inputs, is_woken: Arc::default() }
    }
}

impl InputQueue {
    pub(super) fn sender(&self) -> Sender<Input> {
        self.sender.clone()
    }

    pub(super) fn notices(&self) -> NoticeSender {
        NoticeSender(self.sender.clone())
    }

    /// Returns the function that the engine calls when it has events.
    pub(super) fn waker(&self) -> impl Fn() + Send + Sync + 'static {
        let (sender, is_woken) = (self.sender.clone(), Arc::clone(&self.is_woken));
        move || {
            if !is_woken.swap(true, Ordering::AcqRel) {
                let _ = sender.send(Input::Engine);
            }
        }
    }

    /// Takes the next input; waits for it if `timeout` is given.
    pub(super) fn next(&self, timeout: Option<Duration>) -> Option<Input> {
        let input = match timeout {
            Some(timeout) => self.inputs.recv_timeout(timeout).ok(),
            None => self.inputs.try_recv().ok(),
        };
        if matches!(input, Some(Input::Engine)) {
            self.is_woken.store(false, Ordering::Release);
        }
        input
    }
}
