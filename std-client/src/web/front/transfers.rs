//! Files that pages send, and how far all files are.

use super::Front;
use super::files::sent_name;
use crate::engine::event::{Event, Transfer, TransferState};
use crate::engine::{Command, RoomId};
use crate::messages::web;
use crate::web::protocol::{Membership, ToPage, TransferRow};
use crate::web::spool::SpooledFile;

impl Front {
    /// A page has sent a file for a room.
    pub(super) fn send_file(&mut self, room: RoomId, name: &str, file: SpooledFile) {
        let name = sent_name(name);
        if self.rooms.get(&room).is_none_or(|room| room.membership == Membership::Ended) {
            file.remove();
            return self.report(Some(room.server), None, true, &web::file_in_no_room(&name));
        }
        let path = file.path().to_owned();
        self.files.push(room, name.clone(), file);
        self.config.engine.send(Command::Send { room, path, name: Some(name) });
    }

    /// A transfer has changed.
    pub(super) fn on_transfer(&mut self, transfer: &Transfer) {
        self.files.on_transfer(transfer);
        let content = self.contents.of(transfer).map(|(root, wanted)| (root, wanted.map(|it| it.name.clone())));
        let is_content = content.is_some();
        let name = match content {
            Some((root, name)) => match (self.on_content(root, transfer), name) {
                (true, Some(name)) => name,
                // A picture comes by itself.
                _ => return,
            },
            None => transfer.name.clone(),
        };
        let row = TransferRow::new(transfer, &name);
        self.pages.send_all(&ToPage::Transfer(&row));
        if self.files.update(row) {
            self.publish_transfers();
        }
        // What was sent is in the room as an entry, and what is cancelled is in the list.
        let is_described = matches!(transfer.state, TransferState::Received(_) | TransferState::Failed(_));
        if is_described && !is_content {
            self.describe(&Event::Transfer(transfer.clone()));
        }
    }

    /// Transfers that have ended are no longer displayed.
    pub(super) fn forget_transfers(&mut self) {
        self.files.forget();
        self.publish_transfers();
    }

    pub(super) fn publish_transfers(&mut self) {
        let transfers = self.files.rows().collect();
        self.pages.send_all(&ToPage::Transfers { transfers });
    }
}
