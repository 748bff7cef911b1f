//! Transfers in progress, and the entries that name files.

use kabar_core::content::Root;

use super::LocalHistory;
use crate::engine::event::RoomId;
use crate::history::{FileEntry, HeldTransfer, TransferRecord};

impl LocalHistory {
    /// Stores a transfer; `None`: it lasts only as long as the process.
    pub(in crate::engine) fn add_transfer(&self, room: RoomId, record: &TransferRecord) -> Option<HeldTransfer> {
        let mut file = self.file();
        let row = file.rooms.get(&room)?.row;
        file.write(|writer| writer.add_transfer(row, record)).flatten()
    }

    /// The file of an upload is hashed.
    pub(in crate::engine) fn set_transfer_content(&self, held: &HeldTransfer, root: Root, size: u64) {
        self.file().write(|writer| writer.set_transfer_content(held, root, size));
    }

    /// Returns the transfers of a room that an earlier process has not ended.
    pub(in crate::engine) fn take_transfers(&self, room: RoomId) -> Vec<(HeldTransfer, TransferRecord)> {
        let mut file = self.file();
        let Some(row) = file.rooms.get(&room).map(|room| room.row) else { return Vec::new() };
        file.write(|writer| writer.take_transfers(row)).unwrap_or_default()
    }

    /// A transfer has ended.
    pub(in crate::engine) fn remove_transfer(&self, held: &HeldTransfer) {
        self.file().write(|writer| writer.remove_transfer(held));
    }

    /// Returns the seq and the body of the entry that names a file.
    pub(in crate::engine) fn file_entry(&self, room: RoomId, entry: &FileEntry) -> Option<(u64, Vec<u8>)> {
        let mut file = self.file();
        let (_, log, _) = file.rooms.get(&room)?.place()?;
        file.reader()?.file_entry(log, entry).ok().flatten()
    }
}
