//! The Joins of a connection whose rooms are being loaded (see `loads`). They wait here and not in
//! the stream, so that the messages after them are handled (SPEC 6.3).

use core::fmt;
use std::sync::Arc;

use kabar_core::chat::{ClientMessage, Join, MAX_MESSAGE_LEN};
use zeroize::Zeroizing;

/// Length of the length field of a message (SPEC 6.1).
const LENGTH_FIELD_LEN: usize = 2;

/// The Joins of one connection that wait for their rooms, one for each. Most connections have none.
#[derive(Debug, Default)]
pub(in crate::hub) struct LoadingJoins(Option<Box<List>>);

#[derive(Debug, Default)]
struct List {
    joins: Vec<LoadingJoin>,
}

/// A Join whose room is being loaded.
pub(in crate::hub) struct LoadingJoin {
    room: Arc<str>,
    /// Without the length field. It may contain a password.
    message: Zeroizing<Box<[u8]>>,
}

impl LoadingJoins {
    pub(in crate::hub) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(in crate::hub) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |list| list.joins.len())
    }

    /// Whether a Join waits for the room of this name.
    pub(in crate::hub) fn contains(&self, room: &str) -> bool {
        self.0.as_ref().is_some_and(|list| list.joins.iter().any(|it| *it.room == *room))
    }

    /// Adds a Join. Returns the name of its room.
    pub(in crate::hub) fn push(&mut self, join: &Join<'_>) -> Arc<str> {
        let room: Arc<str> = join.room.into();
        let joins = &mut self.0.get_or_insert_default().joins;
        joins.push(LoadingJoin { room: room.clone(), message: encode(join) });
        room
    }

    /// Takes the Join that waits for the room of this name.
    pub(in crate::hub) fn take(&mut self, room: &str) -> Option<LoadingJoin> {
        let joins = &mut self.0.as_mut()?.joins;
        let taken = joins.iter().position(|it| *it.room == *room).map(|at| joins.remove(at));
        self.0.take_if(|list| list.joins.is_empty());
        taken
    }

    /// Removes all. Returns the names of their rooms.
    pub(in crate::hub) fn clear(&mut self) -> impl Iterator<Item = Arc<str>> + use<> {
        self.0.take().into_iter().flat_map(|list| list.joins).map(|it| it.room)
    }
}

impl LoadingJoin {
    /// The Join as it arrived.
    pub(in crate::hub) fn join(&self) -> Option<Join<'_>> {
        match ClientMessage::decode(&self.message) {
            Ok(Some(ClientMessage::Join(join))) => Some(join),
            _ => None,
        }
    }
}

/// The message of a Join, without its length field and without bytes that have no meaning.
fn encode(join: &Join<'_>) -> Zeroizing<Box<[u8]>> {
    let mut buffer = Zeroizing::new([0; MAX_MESSAGE_LEN]);
    let len = ClientMessage::Join(*join).encode(&mut *buffer).unwrap_or_default();
    Zeroizing::new(buffer.get(LENGTH_FIELD_LEN..len).unwrap_or_default().into())
}

impl fmt::Debug for LoadingJoin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadingJoin").field("room", &self.room).finish_non_exhaustive()
    }
}
