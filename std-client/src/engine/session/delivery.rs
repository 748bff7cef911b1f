//! Sessions that only deliver the posts of an earlier process. A member has one instance per room
//! and connection (SPEC 6.5), so if several processes were killed with posts in the same room, each
//! further outbox needs a separate connection. Such a session joins, leaves when its posts are
//! stored, and reports nothing but what happened to them. If it fails, the posts wait for the next
//! process.

use kabar_core::time::Duration;

use super::state::{Environment, Leaving, Session};
use crate::driver::Driver;
use crate::engine::command::{KeyPolicy, ReplayFrom, RoomRequest, ServerRequest};
use crate::engine::event::{RoomId, ServerId};
use crate::engine::queue::EventSink;

/// How long the next post may take to be stored.
const GIVE_UP: Duration = Duration::from_secs(60);

/// What such a session needs.
#[derive(Debug)]
pub(in crate::engine) struct Delivery {
    request: ServerRequest,
    /// The room as front ends know it.
    shown_as: RoomId,
}

impl Session {
    /// Begins a session that delivers posts.
    pub(in crate::engine) fn start_delivery(
        id: ServerId,
        delivery: Delivery,
        driver: Driver,
        environment: Environment,
        sink: &EventSink,
    ) -> Self {
        let sink = sink.for_posts_of(delivery.shown_as);
        let mut session = Self::new(id, delivery.request, driver, environment, sink);
        session.is_delivery = true;
        session
    }

    /// A room was joined: there may be posts of further processes in it.
    pub(super) fn note_undelivered(&mut self, room: RoomId) {
        if self.history.has_further_posts(room) {
            self.undelivered.push(room);
        }
    }

    /// Returns the session that is to deliver them, once.
    pub(in crate::engine) fn take_delivery(&mut self) -> Option<Delivery> {
        let id = self.undelivered.pop()?;
        let room = self.rooms.find(id)?;
        let rooms =
            vec![RoomRequest { name: room.name.clone(), credentials: room.credentials.iter().cloned().collect() }];
        let request = ServerRequest {
            rooms,
            key_policy: KeyPolicy::Expected(self.server_key()),
            replay_from: ReplayFrom::Last(0),
            can_ask: false,
            retries: false,
            ..self.config.clone()
        };
        Some(Delivery { request, shown_as: self.sink.posts_of().unwrap_or(id) })
    }

    pub(super) fn leave_when_delivered(&mut self) {
        let since = self.driver.now();
        self.leaving = Some(Leaving { since, give_up: GIVE_UP, is_caught_up: false, is_requested: false });
    }
}
