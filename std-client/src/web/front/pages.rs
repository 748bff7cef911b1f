//! The connected pages.

use std::collections::BTreeMap;

use crate::web::protocol::ToPage;
use crate::web::server::input::PageId;
use crate::web::server::queue::{PageSender, Text};

/// The pages that are connected. One whose queue is full is disconnected.
#[derive(Debug, Default)]
pub(super) struct Pages {
    senders: BTreeMap<PageId, PageSender>,
}

impl Pages {
    pub(super) fn add(&mut self, page: PageId, sender: PageSender) {
        self.senders.insert(page, sender);
    }

    pub(super) fn remove(&mut self, page: PageId) {
        self.senders.remove(&page);
    }

    /// Sends a message to one page.
    pub(super) fn send(&mut self, page: PageId, message: &ToPage<'_>) {
        if self.senders.get(&page).is_some_and(|sender| !sender.send(&encode(message))) {
            self.senders.remove(&page);
        }
    }

    /// Sends a message to all pages.
    pub(super) fn send_all(&mut self, message: &ToPage<'_>) {
        if !self.senders.is_empty() {
            let text = encode(message);
            self.senders.retain(|_, sender| sender.send(&text));
        }
    }
}

/// Serialises a message. All keys are texts, so that it does not fail.
fn encode(message: &ToPage<'_>) -> Text {
    serde_json::to_string(message).unwrap_or_default().into()
}
