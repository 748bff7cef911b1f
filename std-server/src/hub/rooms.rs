//! The actions of operators on rooms: list, create, change and close them.

use kabar_core::chat::MAX_TOPIC_LEN;
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;

use super::Hub;
use super::report::{OperatorError, RoomInfo};
use super::room::{DirectoryEntry, NewTopic, Room};
use super::room_id::RoomId;
use crate::store::{RoomRecord, Visibility};

/// Words that commands have a meaning for: no room is created under one of these names.
pub const RESERVED_ROOMS: [&str; 5] = ["add", "set", "close", "list", "open"];

/// A change of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomChange {
    /// Its topic; the rest after 200 bytes is cut off.
    Topic(String),
    /// Who may join.
    Visibility(Visibility),
    /// How old entries may become, in ms; `None`: as the configuration says; 0: no limit.
    KeepAge(Option<u64>),
    /// How many entries are kept; `None`: as the configuration says; 0: no limit.
    KeepEntries(Option<u64>),
    /// How many bytes of entries are kept; `None`: as the configuration says; 0: no limit.
    KeepBytes(Option<u64>),
}

impl RoomChange {
    /// Applies it to a record.
    pub(crate) fn apply(self, record: &mut RoomRecord) {
        match self {
            Self::Topic(topic) => cut_topic(&topic).clone_into(&mut record.topic),
            Self::Visibility(visibility) => record.visibility = visibility,
            Self::KeepAge(age_ms) => record.retention.age_ms = age_ms,
            Self::KeepEntries(entries) => record.retention.entries = entries,
            Self::KeepBytes(bytes) => record.retention.bytes = bytes,
        }
    }
}

fn cut_topic(topic: &str) -> &str {
    &topic[..topic.floor_char_boundary(MAX_TOPIC_LEN)]
}

impl<P: Provider> Hub<P> {
    /// Creates a room, or opens a closed one again, which keeps its log. In effect at once; stored
    /// as soon as the store works. If the room had another topic, the new one is an entry of its
    /// log, as soon as it is in memory. `by`: the member who does it, and who may join it even if
    /// it is private; `None`: at the console.
    ///
    /// # Errors
    /// [`OperatorError::ReservedName`]; [`OperatorError::RoomExists`], also for a closed room if
    /// the member is no operator; [`OperatorError::TooManyRooms`].
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
        let may_reopen = by.is_none_or(|by| context.privileges.is_operator(by));
        let topic = cut_topic(topic).to_owned();
        let is_closed = closed.is_some();
        let record = match closed {
            Some(RoomRecord { is_closed: false, .. }) => return Err(OperatorError::RoomExists),
            // Its log is not for everybody who may create rooms.
            Some(_) if !may_reopen => return Err(OperatorError::RoomExists),
            Some(closed) => RoomRecord { created_by: by.or(closed.created_by), ..closed },
            None if RESERVED_ROOMS.contains(&name) => return Err(OperatorError::ReservedName),
            None if rooms.directory.len() >= context.config.limits.rooms => {
                context.counters.rooms_full += 1;
                return Err(OperatorError::TooManyRooms);
            }
            None => {
                let (created_ms, topic) = (Some(context.wall_ms(now)), topic.clone());
                RoomRecord { created_by: by, created_ms, topic, ..RoomRecord::named(name) }
            }
        };
        if visibility == Visibility::Private {
            context.begin_room_invites(now, name);
        }
        let record = RoomRecord { visibility, is_closed: false, ..record };
        if let Some(room) = rooms.id_of(name).and_then(|id| rooms.get_mut(id)) {
            room.reopen(now, context, &record);
        }
        rooms.directory.put(record);
        if is_closed {
            rooms.set_topic_when_loaded(context, name, NewTopic { topic, by });
        }
        Ok(())
    }

    /// Changes a room. In effect at once; stored as soon as the store works. A new topic is an
    /// entry of its log.
    ///
    /// # Errors
    /// [`OperatorError::NoSuchRoom`], [`OperatorError::AlreadyInEffect`].
    pub fn set_room(
        &mut self,
        now: Instant,
        id: RoomId,
        by: Option<PublicIdentity>,
        change: RoomChange,
    ) -> Result<(), OperatorError> {
        self.begin_input(now);
        let Self { rooms, context, .. } = self;
        let name = rooms.get(id).map(Room::shared_name).ok_or(OperatorError::NoSuchRoom)?;
        let before = rooms.directory.record(&name);
        let mut record = before.clone();
        change.apply(&mut record);
        if record == before {
            return Err(OperatorError::AlreadyInEffect);
        }
        if record.visibility == Visibility::Private {
            context.begin_room_invites(now, &name);
        }
        if let Some(room) = rooms.get_mut(id) {
            room.set_record(now, context, &record);
            if record.topic != before.topic {
                room.push_topic(context, by, &record.topic);
            }
        }
        rooms.directory.put(record);
        Ok(())
    }

    /// Closes a room: everybody is removed, and nobody may join. Its log stays; its invites end.
    ///
    /// # Errors
    /// [`OperatorError::NoSuchRoom`]; [`OperatorError::FirstRoom`] for that of the configuration.
    pub fn close_room(&mut self, now: Instant, id: RoomId) -> Result<(), OperatorError> {
        self.begin_input(now);
        if id == RoomId::FIRST {
            return Err(OperatorError::FirstRoom);
        }
        let Self { peers, rooms, context, .. } = self;
        let room = rooms.get_mut(id).ok_or(OperatorError::NoSuchRoom)?;
        room.close(now, peers, context);
        let name = room.shared_name();
        context.invites.end_room(&name);
        let record = rooms.directory.record(&name);
        rooms.directory.put(RoomRecord { is_closed: true, ..record });
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
            self.context.loads.request(&name.into(), None);
        }
        Ok(id)
    }

    /// Whether an identity may create rooms.
    #[must_use]
    pub fn may_create_rooms(&self, identity: PublicIdentity) -> bool {
        self.context.config.members_create_rooms || self.context.privileges.is_operator(identity)
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
