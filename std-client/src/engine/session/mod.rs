//! The session on one server, in one or several rooms: connecting, being a member, leaving.
//! Executes commands, and reports events.
//!
//! ```text
//! Resolving -> Connecting -> (AskingKey) -> (AskingPassword -> Connecting) -> Online -> Leaving
//! ```
//! * `connecting`, `start`, `leaving`: from one phase to the next. `posting`: what is posted.
//!   `online`, `receive`: in the rooms. `membership`: which rooms these are. `execute`: commands.
//! * `delivery`: sessions that only deliver the posts of an earlier process.
//! * `files`, `transfers`: files that are sent and received.
//! * `recording`: the local history. `replay`, `local_replay`, `catch_up`: entries that come before
//!   those that the server sends.
//! * `room`: everything that belongs to one room, with `log`, `replies` and `requests`.
//!   `rooms`: all of them. `person`: what they have in common.
//! * `output`: how a room reports.

mod attempt;
mod catch_up;
mod connecting;
mod delivery;
mod execute;
mod files;
mod leaving;
mod local_replay;
mod log;
mod membership;
mod online;
mod output;
mod person;
mod posting;
mod posts;
mod receive;
mod recording;
mod replay;
mod replies;
mod requests;
mod room;
mod room_list;
mod rooms;
mod sleep;
mod start;
mod state;
#[cfg(test)]
mod tests;
mod transfers;

use std::sync::Arc;

use kabar_core::chat::Info;
use kabar_core::client::{DisconnectReason, Event as ClientEvent};
use kabar_core::time::Instant;

use super::command::ServerRequest;
use super::event::{Event, ServerEnd, ServerId};
use super::queue::EventSink;
use crate::connect::CONNECT_TIMEOUT;
use crate::driver::Driver;

use attempt::Located;
pub(super) use delivery::Delivery;
use online::JoinInfo;
use rooms::Rooms;
use state::Phase;
pub(super) use state::{End, Environment, Session};
pub(super) use transfers::Files;
pub use transfers::MAX_TRANSFERS;
use transfers::Transfers;

impl Session {
    /// Begins a session. Reports the server and its rooms.
    pub(super) fn start(
        id: ServerId,
        config: ServerRequest,
        driver: Driver,
        environment: Environment,
        sink: EventSink,
    ) -> Self {
        let mut session = Self::new(id, config, driver, environment, sink);
        session.locate_rooms();
        session
    }

    fn new(id: ServerId, mut config: ServerRequest, driver: Driver, environment: Environment, sink: EventSink) -> Self {
        sink.send(Event::ServerAdded { server: id, places: config.places.clone(), is_host: config.is_host });
        let mut rooms = Rooms::new(id);
        let replay_from = config.replay_from;
        for room in std::mem::take(&mut config.rooms) {
            rooms.add(room, replay_from, &sink);
        }
        let history = environment.histories.of(&config.identity.key.fingerprint());
        let transfers = Transfers::new(environment.files.clone());
        Self {
            id,
            phase: Phase::Resolving(driver.now() + CONNECT_TIMEOUT),
            config,
            environment,
            driver,
            sink,
            rooms,
            history,
            transfers,
            accepted: None,
            is_key_reported: false,
            password_tries: 0,
            not_reached: None,
            refusal: String::new(),
            leaving: None,
            aborted_at: None,
            is_delivery: false,
            undelivered: Vec::new(),
            waiting: std::collections::VecDeque::new(),
            stored_name: String::new(),
            located: Located::default(),
        }
    }

    /// Handles everything that waits. The histories are to be committed before the driver sends.
    pub(super) fn advance(&mut self) -> Result<(), End> {
        self.take_client_events()?;
        self.check(self.driver.now())?;
        // The check may lead to events, and these may change what it finds.
        while self.take_client_events()? {
            self.check(self.driver.now())?;
        }
        self.advance_transfers();
        self.post_waiting();
        Ok(())
    }

    /// Reports the end, and sends what the client sends at its end.
    pub(super) fn finish(mut self, end: End) {
        self.driver.transmit();
        // What the client does not take any more can be stored.
        self.post_waiting();
        if let End::Failed(error) = &end {
            self.discard_posts(error);
        }
        let kept: u64 = self.rooms.ids().map(|room| self.history.kept(room)).sum();
        let unsent = self.unsettled().saturating_sub(kept);
        let end = match end {
            End::Left => ServerEnd::Left,
            End::Failed(error) => ServerEnd::Failed(Arc::new(error)),
        };
        self.transfers.close();
        self.rooms.ids().for_each(|room| self.history.forget(room));
        self.sink.send(Event::ServerEnded { server: self.id, end, unsent, kept });
    }

    /// Returns whether there were any.
    fn take_client_events(&mut self) -> Result<bool, End> {
        let mut has_any = false;
        // At the end, do not wait for a reader that does not read.
        while self.sink.has_room() || self.has_ended() {
            let now = self.driver.now();
            let Some(event) = self.driver.poll_event() else { break };
            has_any = true;
            match event {
                ClientEvent::UnknownServerKey(found) => self.key_offered(found, now)?,
                ClientEvent::Ended(reason) => self.ended(reason)?,
                ClientEvent::Joined { room, name, members, start, head, term, is_resumed } => {
                    let name = name.to_owned();
                    self.joined(room, &name, JoinInfo { term, start, head, members, is_resumed });
                }
                ClientEvent::Refused { room, text, .. } => {
                    text.clone_into(&mut self.refusal);
                    self.rooms.set_server_text(room, text);
                }
                ClientEvent::RoomEnded { room, reason, unsettled } => self.room_ended(room, reason, unsettled, now),
                ClientEvent::Disconnected(reason) => self.disconnected(reason, now),
                ClientEvent::Stored { room, number, seq, .. } => self.stored(room, number, seq, now),
                ClientEvent::PostRefused { room, number, code, .. } => self.post_refused(room, number, code, now),
                event => {
                    let Self { id, phase, rooms, sink, .. } = self;
                    on_event(&event, *id, phase, rooms, sink, now);
                }
            }
        }
        Ok(has_any)
    }

    fn disconnected(&mut self, reason: DisconnectReason, now: Instant) {
        let (server, refusal) = (self.id, self.refusal.clone());
        if let Phase::Online(online) = &mut self.phase {
            online.disconnected(reason, refusal, &mut self.rooms, &self.sink, now);
            self.resolve_again();
        } else {
            self.sink.send(Event::LostWhileConnecting { server, reason, refusal });
        }
    }

    fn check(&mut self, now: Instant) -> Result<(), End> {
        self.record_again();
        match &mut self.phase {
            Phase::Resolving(until) if now >= *until => Ok(self.resolving_is_late(now)?),
            Phase::Resolving(_) | Phase::AskingKey(..) | Phase::AskingPassword => Ok(()),
            Phase::Connecting(_) => Ok(self.check_attempt(now)?),
            Phase::Online(online) => {
                online.check(&mut self.rooms, &mut self.driver.client, &self.sink, now);
                if online.name() != self.stored_name {
                    let name = online.name().to_owned();
                    self.store_rooms(&name);
                }
                self.join_added_rooms(now);
                self.check_leaving(now)
            }
        }
    }

    /// Returns when to call [`Session::advance`] at the latest.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Resolving(until) => Some(*until),
            Phase::Connecting(attempt) => Some(attempt.deadline()),
            Phase::AskingKey(..) | Phase::AskingPassword => None,
            Phase::Online(online) => {
                let replay = (self.sink.has_room() && self.rooms.are_replayed()).then_some(Instant::ZERO);
                let transfers = self.transfers.deadline();
                let deadlines = [self.leaving_deadline(), online.deadline(&self.rooms), replay, transfers];
                deadlines.into_iter().flatten().min()
            }
        }
    }
}

/// Reports an event of a room or of the connection.
fn on_event(
    event: &ClientEvent<'_>,
    server: ServerId,
    phase: &mut Phase,
    rooms: &mut Rooms,
    sink: &EventSink,
    now: Instant,
) {
    let Some(slot) = event.room() else {
        match (phase, event) {
            (_, ClientEvent::Info { info: Info::Notice { text, .. }, .. }) => {
                sink.send(Event::ServerText { server, text: (*text).to_owned() });
            }
            (Phase::Online(online), ClientEvent::Reconnected) => {
                online.reconnected(server, true, false, None, sink, now)
            }
            _ => {}
        }
        return;
    };
    if let ClientEvent::Info { info: Info::Ended { text, .. }, .. } = event {
        rooms.set_server_text(slot, text);
    }
    match (phase, event) {
        (Phase::Online(online), ClientEvent::Info { info, .. }) => online.on_info(slot, *info, rooms, sink),
        (Phase::Online(online), event) if rooms.member_at(slot, sink).is_some() || !rooms.is_at(slot) => {
            online.on_room_event(slot, event, rooms, sink);
        }
        _ => start::on_event_before_join(event, slot, rooms, sink),
    }
}
