//! The queue of messages to a page: bounded in number and bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::mpsc;

/// Messages that wait to be written.
pub(in crate::web) const MAX_MESSAGES: usize = 1_024;
/// Bytes of them.
const MAX_BYTES: usize = 16 << 20;

/// A message as it is written. Cloning it copies nothing.
#[derive(Clone, Debug)]
pub struct Text(Utf8Bytes);

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

/// Sends messages to a page. Dropping it closes the page's connection.
#[derive(Debug)]
pub struct PageSender {
    messages: mpsc::Sender<Utf8Bytes>,
    bytes: Arc<AtomicUsize>,
}

/// Receives them.
#[derive(Debug)]
pub(in crate::web) struct PageQueue {
    messages: mpsc::Receiver<Utf8Bytes>,
    bytes: Arc<AtomicUsize>,
}

/// Creates a queue.
pub(in crate::web) fn queue() -> (PageSender, PageQueue) {
    let (sender, receiver) = mpsc::channel(MAX_MESSAGES);
    let bytes = Arc::new(AtomicUsize::new(0));
    (PageSender { messages: sender, bytes: Arc::clone(&bytes) }, PageQueue { messages: receiver, bytes })
}

impl PageSender {
    /// Adds a message. Returns whether it was added: not if too much waits, and not if the page is
    /// gone.
    #[must_use]
    pub fn send(&self, text: &Text) -> bool {
        let len = text.0.len();
        if self.bytes.fetch_add(len, Ordering::AcqRel).saturating_add(len) > MAX_BYTES {
            return false;
        }
        self.messages.try_send(text.0.clone()).is_ok()
    }
}

impl PageQueue {
    /// Takes the next message; `None`: the sender is gone.
    pub(super) async fn recv(&mut self) -> Option<Utf8Bytes> {
        let text = self.messages.recv().await?;
        self.bytes.fetch_sub(text.len(), Ordering::AcqRel);
        Some(text)
    }
}

#[cfg(test)]
impl PageQueue {
    /// Takes the next message, if there is one.
    pub(in crate::web) fn try_recv(&mut self) -> Option<Utf8Bytes> {
        self.messages.try_recv().ok()
    }

    /// Whether the sender is gone.
    pub(in crate::web) fn is_closed(&self) -> bool {
        self.messages.is_closed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queue_is_bounded_in_number() {
        let (sender, _queue) = queue();
        let text = Text::from("x".to_owned());
        assert!((0..MAX_MESSAGES).all(|_| sender.send(&text)));
        assert!(!sender.send(&text));
    }

    #[test]
    fn queue_is_bounded_in_bytes() {
        let (sender, mut queue) = queue();
        let text = Text::from("x".repeat(MAX_BYTES / 2));
        assert!(sender.send(&text) && sender.send(&text));
        queue.messages.try_recv().unwrap();
        assert!(!sender.send(&text), "taken and not counted yet");
    }

    #[test]
    fn queue_ends_with_its_sender() {
        let (sender, mut queue) = queue();
        assert!(sender.send(&Text::from("x".to_owned())));
        drop(sender);
        let taken = |queue: &mut PageQueue| queue.messages.try_recv().ok();
        assert!(taken(&mut queue).is_some() && taken(&mut queue).is_none());
    }
}
