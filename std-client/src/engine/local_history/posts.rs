//! The durable outbox of the process: posts are on the disk before the client has them. Without a
//! file or a free slot, posts are only in the client, as long as the process lives.

use kabar_core::chat::EntryKind;

use super::file::HistoryFile;
use super::room::RecordedRoom;
use super::{LocalHistory, RoomId};
use crate::history::outbox::{MAX_WAITING, Outbox, OutboxError, OutboxLine, Resumption};
use crate::history::{RoomRow, StorageError, Writer};

/// The slots of this process.
#[derive(Debug, Default)]
pub(super) enum Slot {
    /// Not needed yet.
    #[default]
    Untaken,
    /// Taken: its own, and those of processes that were killed.
    Taken(Vec<Outbox>),
    /// Other processes have all, or it was lost with the file.
    None,
}

/// The posts of a room that are continued.
#[derive(Debug)]
pub(in crate::engine) struct Resumed {
    /// The place in the instance.
    pub(in crate::engine) resumption: Resumption,
    /// The posts that are not settled, in their order.
    pub(in crate::engine) lines: Vec<OutboxLine>,
}

impl LocalHistory {
    /// Continues the posts of a room; `None`: they are not durable.
    pub(in crate::engine) fn resume_posts(&self, room: RoomId) -> Option<Resumed> {
        self.file().resume_posts(room)
    }

    /// Whether another outbox has posts of the room, which no session of this process has.
    pub(in crate::engine) fn has_further_posts(&self, room: RoomId) -> bool {
        let file = self.file();
        let Some(&RecordedRoom { row, outbox: Some(own), .. }) = file.rooms.get(&room) else { return false };
        file.waiting_outbox(room, row, Some(own)).is_some()
    }

    /// The posts of a room are not durable.
    pub(in crate::engine) fn release_posts(&self, room: RoomId) {
        if let Some(room) = self.file().rooms.get_mut(&room) {
            room.outbox = None;
        }
    }

    /// Returns how many more posts a room may have. `None`: its posts are not durable.
    pub(in crate::engine) fn space_for_posts(&self, room: RoomId) -> Option<usize> {
        let file = self.file();
        let Slot::Taken(outboxes) = &file.slot else { return None };
        let room = file.rooms.get(&room)?;
        Some(outboxes.get(room.outbox?)?.space(room.row))
    }

    /// Stores posts, and returns the number of the first one. If they cannot be stored, they have
    /// numbers all the same.
    pub(in crate::engine) fn push(&self, room: RoomId, posts: &[(EntryKind, &[u8])]) -> Option<u64> {
        self.file().push(room, posts)
    }

    /// The server has assigned this instance.
    pub(in crate::engine) fn assign(&self, room: RoomId, instance: u64) {
        self.file().with_outbox(room, |outbox, writer, row| outbox.assign(writer, row, instance));
    }

    /// Posts up to this one that were not refused are stored.
    pub(in crate::engine) fn settle(&self, room: RoomId, number: u64) {
        if let Some(room) = self.file().rooms.get_mut(&room) {
            room.settled = room.settled.max(Some(number));
        }
    }

    /// The server has refused this post.
    pub(in crate::engine) fn refuse(&self, room: RoomId, number: u64) {
        self.file().with_outbox(room, |outbox, writer, row| outbox.refuse(writer, row, number));
    }

    /// Drops the posts of a room: they are not sent the next time.
    pub(in crate::engine) fn discard(&self, room: RoomId) {
        self.file().with_outbox(room, |outbox, writer, row| outbox.discard(writer, row).map(drop));
    }

    /// Returns the number of posts of a room that the next process sends.
    pub(in crate::engine) fn kept(&self, room: RoomId) -> u64 {
        let mut file = self.file();
        file.commit();
        file.with_outbox(room, |outbox, writer, row| outbox.waiting_in(writer, row)).unwrap_or(0)
    }
}

impl HistoryFile {
    fn resume_posts(&mut self, id: RoomId) -> Option<Resumed> {
        let row = self.rooms.get(&id)?.row;
        if let Slot::Untaken = self.slot {
            self.slot = take(self.writer.as_ref()?).map_or(Slot::None, Slot::Taken);
        }
        // Another session of this process in the same room uses another outbox, or none.
        let is_free = !self.others_in_use(id, row).any(|_| true);
        let chosen = self.waiting_outbox(id, row, None).or(is_free.then_some(0))?;
        self.rooms.get_mut(&id)?.outbox = Some(chosen);
        let resumed = self.with_outbox(id, |outbox, writer, row| {
            let resumption = outbox.resumption(row);
            Ok(Resumed { resumption, lines: outbox.lines(writer, row, 0, MAX_WAITING)? })
        });
        if resumed.is_none() {
            self.rooms.get_mut(&id)?.outbox = None;
        }
        resumed
    }

    /// The outboxes that other sessions of this process use for the same room.
    fn others_in_use(&self, id: RoomId, row: RoomRow) -> impl Iterator<Item = usize> {
        let others = self.rooms.iter().filter(move |(other, room)| **other != id && room.row == row);
        others.filter_map(|(_, room)| room.outbox)
    }

    /// The first outbox but `own` with posts of the room that no other session uses for it.
    fn waiting_outbox(&self, id: RoomId, row: RoomRow, own: Option<usize>) -> Option<usize> {
        let Slot::Taken(outboxes) = &self.slot else { return None };
        let is_used = |at| self.others_in_use(id, row).chain(own).any(|used| used == at);
        let mut waiting = outboxes.iter().enumerate().filter(|(_, outbox)| outbox.waiting().contains(&row));
        waiting.find(|(at, _)| !is_used(*at)).map(|(at, _)| at)
    }

    fn push(&mut self, id: RoomId, posts: &[(EntryKind, &[u8])]) -> Option<u64> {
        // After one that could not be stored, no other is, until it is settled.
        let is_kept = self.rooms.get(&id)?.skipped.is_none();
        let pushed = if is_kept {
            self.with_outbox(id, |outbox, writer, row| match outbox.push(writer, row, posts) {
                Err(OutboxError::Storage(error)) => Err(error),
                pushed => Ok(pushed.ok()),
            })
        } else {
            None
        };
        if let Some(first) = pushed.flatten() {
            self.rooms.get_mut(&id)?.pushed = Some(first + posts.len() as u64 - 1);
            return Some(first);
        }
        let Slot::Taken(outboxes) = &mut self.slot else { return None };
        let room = self.rooms.get_mut(&id)?;
        let outbox = outboxes.get_mut(room.outbox?)?;
        let numbers: Vec<u64> = posts.iter().map(|_| outbox.skip(room.row)).collect();
        room.skipped = numbers.last().copied();
        numbers.first().copied()
    }

    /// Writes which posts are settled.
    pub(super) fn settle_posts(&mut self) {
        let settled: Vec<_> = self.rooms.iter().filter_map(|(id, room)| Some((*id, room.settled?))).collect();
        for (id, number) in settled {
            self.with_outbox(id, |outbox, writer, row| outbox.settle(writer, row, number));
        }
    }

    fn with_outbox<T>(
        &mut self,
        id: RoomId,
        work: impl FnOnce(&mut Outbox, &mut Writer, RoomRow) -> Result<T, StorageError>,
    ) -> Option<T> {
        let (row, at) = self.rooms.get(&id).and_then(|room| Some((room.row, room.outbox?)))?;
        let Slot::Taken(mut outboxes) = std::mem::replace(&mut self.slot, Slot::None) else { return None };
        let done = outboxes.get_mut(at).and_then(|outbox| self.write(|writer| work(outbox, writer, row)));
        // The lines of a file that was lost are lost with it.
        if self.rooms.contains_key(&id) {
            self.slot = Slot::Taken(outboxes);
        }
        done
    }
}

/// Takes a slot for this process, and those of processes that were killed.
fn take(writer: &Writer) -> Option<Vec<Outbox>> {
    let own = Outbox::take(writer).ok().flatten()?;
    let further = Outbox::take_waiting(writer).unwrap_or_default();
    Some(std::iter::once(own).chain(further).collect())
}
