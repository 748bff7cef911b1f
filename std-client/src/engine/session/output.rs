//! How the parts of a room report something: as events with the id of the room.

use crate::engine::event::{Event, Refusal, Request, RoomId};
use crate::engine::queue::EventSink;

/// A room, and where it reports.
#[derive(Clone, Copy, Debug)]
pub(super) struct RoomOutput<'a> {
    pub(super) sink: &'a EventSink,
    pub(super) room: RoomId,
}

impl RoomOutput<'_> {
    /// Reports an event.
    pub(super) fn send(self, event: Event) {
        self.sink.send(event);
    }

    /// Reports that there is no connection for a request.
    pub(super) fn not_connected(self) {
        self.send(Event::NotConnected { server: self.room.server });
    }

    /// Reports that a request is not answered.
    pub(super) fn unanswered(self, request: Request, is_lost: bool) {
        self.send(Event::Unanswered { server: self.room.server, room: Some(self.room), request, is_lost });
    }

    /// Reports that a command of an operator was not executed.
    pub(super) fn not_operated(self, word: String, why: Refusal) {
        self.send(Event::NotOperated { room: self.room, word, why });
    }
}
