//! The actions of operators on rooms: list, create, change and close them.

use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;

use super::Hub;
use super::report::{OperatorError, RoomInfo};
use super::room::{DirectoryEntry, Room};
use super::room_id::RoomId;
use crate::store::{RoomRecord, Visibility};

/// Words that commands have a meaning for: no room is created under one of these names.
const RESERVED: [&str; 5] = ["add", "set", "close", "list", "open"];

impl<P: Provider> Hub<P> {
    /// Creates a room, or opens a closed one again, which keeps its log. In effect at once; stored
    /// as soon as the store works. `by`: the member who does it; `None`: at the console.
    ///
    /// # Errors
    /// [`OperatorError::ReservedName`], [`OperatorError::RoomExists`],
    /// [`OperatorError::TooManyRooms`].
    pub fn add_room(
        &mut self,
        now: Instant,
        by: Option<PublicIdentity>,
        name: &str,
        visibility: Visibility,
        topic: &str,
    ) -> Result<(), OperatorError> {
        self.begin_input(now);
        let Self { rooms, context, .. } = self;
        let closed = rooms.directory.get(name).map(|entry| entry.record.clone());
        let record = match closed {
            Some(RoomRecord { is_closed: false, .. }) => return Err(OperatorError::RoomExists),
            Some(closed) => closed,
            None if RESERVED.contains(&name) => return Err(OperatorError::ReservedName),
            None if rooms.directory.len() >= context.config.limits.rooms => {
                context.counters.rooms_full += 1;
                return Err(OperatorError::TooManyRooms);
            }
            None => RoomRecord { created_by: by, created_ms: Some(context.wall_ms(now)), ..RoomRecord::named(name) },
        };
        if visibility == Visibility::Private {
            context.begin_room_invites(now, name);
        }
        rooms.directory.put(RoomRecord { topic: topic.to_owned(), visibility, is_closed: false, ..record });
        Ok(())
    }

    /// The room of this name in memory. `Ok(None)`: it is being loaded; ask again soon.
    ///
    /// # Errors
    /// [`OperatorError::NoSuchRoom`].
    pub fn open_room(&mut self, now: Instant, name: &str) -> Result<Option<RoomId>, OperatorError> {
        self.begin_input(now);
        let entry = self.rooms.directory.get(name).filter(|entry| !entry.record.is_closed);
        let id = entry.ok_or(OperatorError::NoSuchRoom)?.id;
        if id.is_none() {
            self.context.loads.request(name, None);
        }
        Ok(id)
    }

    /// All rooms by name, closed ones, too.
    #[must_use]
    pub fn rooms(&self) -> Vec<RoomInfo> {
        let info = |entry: &DirectoryEntry| {
            let room = entry.id.and_then(|id| self.rooms.get(id));
            RoomInfo {
                record: entry.record.clone(),
                first: room.map_or(entry.first, Room::first),
                head: room.map_or(entry.head, Room::head),
                members: room.map_or(0, Room::member_count),
            }
        };
        self.rooms.directory.after(None).map(info).collect()
    }
}
