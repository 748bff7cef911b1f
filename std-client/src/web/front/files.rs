//! Files on their way: those that pages have sent, and what pages display of all of them.

use std::collections::BTreeMap;

use kabar_core::chat::MAX_FILE_NAME_LEN;
use kabar_std::text::clean_line;

use crate::engine::event::{Transfer, TransferFailure, TransferState, Wait};
use crate::engine::{RoomId, ServerId};
use crate::transfers::TransferId;
use crate::web::protocol::TransferRow;
use crate::web::spool::SpooledFile;

/// The name of a file whose name has nothing that can be displayed.
const UNNAMED: &str = "file";

/// Transfers that have ended and are still displayed.
const MAX_ENDED: usize = 20;

/// Files on their way.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// Those that pages have sent, until they are in their rooms. The spool bounds their number.
    sent: Vec<Sent>,
    /// All transfers, in the order in which they began. The engine bounds the number of those that
    /// have not ended.
    rows: BTreeMap<TransferId, TransferRow>,
}

/// A file that is being sent.
#[derive(Debug)]
struct Sent {
    room: RoomId,
    name: String,
    file: SpooledFile,
    /// `None`: the engine has not answered yet.
    transfer: Option<TransferId>,
}

impl Files {
    pub(super) fn rows(&self) -> impl Iterator<Item = &TransferRow> {
        self.rows.values()
    }

    /// A file of a page was given to the engine.
    pub(super) fn push(&mut self, room: RoomId, name: String, file: SpooledFile) {
        self.sent.push(Sent { room, name, file, transfer: None });
    }

    /// Transfers that have ended are no longer displayed.
    pub(super) fn forget(&mut self) {
        self.rows.retain(|_, row| !row.stage.is_end());
    }

    /// Notes how far a transfer is. Returns whether others are no longer displayed.
    pub(super) fn update(&mut self, row: TransferRow) -> bool {
        self.rows.insert(TransferId(row.key.transfer), row);
        let mut excess = self.rows.values().filter(|row| row.stage.is_end()).count().saturating_sub(MAX_ENDED);
        let is_full = excess > 0;
        self.rows.retain(|_, row| {
            let is_dropped = excess > 0 && row.stage.is_end();
            excess -= usize::from(is_dropped);
            !is_dropped
        });
        is_full
    }

    /// Removes the file of a transfer that has ended.
    pub(super) fn on_transfer(&mut self, transfer: &Transfer) {
        // The engine answers in the order of the commands. Only these uploads have no size: one of
        // an earlier process has it from the start, and nobody else sends files here.
        let is_new = transfer.is_upload
            && transfer.size.is_none()
            && matches!(transfer.state, TransferState::Waiting(Wait::Others))
            && !self.sent.iter().any(|sent| sent.transfer == Some(transfer.id));
        let is_it = |sent: &&mut Sent| {
            sent.transfer.is_none() && (sent.room, sent.name.as_str()) == (transfer.room, &transfer.name)
        };
        if is_new && let Some(sent) = self.sent.iter_mut().find(is_it) {
            sent.transfer = Some(transfer.id);
        }
        let is_it = |sent: &Sent| sent.transfer == Some(transfer.id);
        match &transfer.state {
            // It goes on when the room is joined again.
            TransferState::Failed(TransferFailure::NotInRoom) => self.sent.retain(|sent| !is_it(sent)),
            state if state.is_end() => self.remove(is_it),
            _ => {}
        }
    }

    /// The engine has not begun a transfer.
    pub(super) fn on_not_started(&mut self, room: RoomId, name: &str, why: &TransferFailure) {
        let is_it = |sent: &Sent| sent.transfer.is_none() && sent.room == room && sent.name == name;
        // Any other reason is about a file that is to be received.
        if matches!(why, TransferFailure::TooMany | TransferFailure::Name)
            && let Some(at) = self.sent.iter().position(is_it)
        {
            self.sent.remove(at).file.remove();
        }
    }

    /// A session has ended. Transfers that it has begun go on with the next process.
    pub(super) fn on_server_ended(&mut self, server: ServerId) {
        self.remove(|sent| sent.room.server == server && sent.transfer.is_none());
        self.sent.retain(|sent| sent.room.server != server);
        self.rows.retain(|_, row| row.stage.is_end() || ServerId::from(row.key.server) != server);
    }

    fn remove(&mut self, mut is_over: impl FnMut(&Sent) -> bool) {
        for sent in self.sent.extract_if(.., |sent| is_over(sent)) {
            sent.file.remove();
        }
    }
}

/// Returns the name with which a file is sent: what a browser calls it, without folders.
pub(super) fn sent_name(given: &str) -> String {
    let name = clean_line(given.rsplit(['/', '\\']).next().unwrap_or_default());
    let name = name.trim();
    let name = name.get(..name.floor_char_boundary(MAX_FILE_NAME_LEN)).unwrap_or_default();
    if name.is_empty() { UNNAMED.to_owned() } else { name.to_owned() }
}

#[cfg(test)]
impl Files {
    /// Whether no file of a page is being sent.
    pub(super) fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_sent_files_are_texts_without_folders() {
        for (given, name) in [
            ("photo.png", "photo.png"),
            ("../../etc/passwd", "passwd"),
            ("C:\\a\\b.txt", "b.txt"),
            ("a\u{1b}[2Jb\nc", "a[2Jb c"),
            ("x/", "file"),
            (" ", "file"),
            ("", "file"),
        ] {
            assert_eq!(sent_name(given), name, "{given:?}");
        }
        assert_eq!(sent_name(&"\u{e9}".repeat(200)).len(), 254);
    }
}
