//! The rooms of a session in the local history: where they are, which log is recorded, and what of
//! it is delivered.

use kabar_core::chat::Start;
use kabar_core::client::RoomSlot;
use kabar_core::session::Fingerprint;

use super::catch_up::CatchUp;
use super::online::JoinInfo;
use super::replay::Plan;
use super::room::Room;
use super::state::{Environment, Session};
use crate::cursor::Cursor;
use crate::engine::command::ReplayFrom;
use crate::engine::event::Event;
use crate::engine::local_history::LocalHistory;
use crate::engine::queue::EventSink;
use crate::history::{Beginning, CurrentLog};

impl Session {
    /// Finds the rooms in the local history, if the key of the server is known.
    pub(super) fn locate_rooms(&mut self) {
        let Some(key) = self.expected_key() else { return };
        for room in self.rooms.iter() {
            self.history.locate(room.id, &key, &room.name, &self.sink);
        }
    }

    /// A room was joined at first: it is recorded from now on. Returns the log as it was before, if
    /// that continues.
    pub(super) fn begin_recording(&mut self, slot: RoomSlot, info: &JoinInfo) -> Option<CurrentLog> {
        if self.is_delivery {
            return None;
        }
        let key = self.server_key();
        let Self { config, environment, rooms, history, sink, .. } = self;
        let room = rooms.at(slot)?;
        room.open_cursor(&environment.dir, &key, &config.identity, sink);
        history.locate(room.id, &key, &room.name, sink);
        let (from, is_reset) = (room.stated.map(|stated| stated.log), std::mem::take(&mut room.is_reset));
        let beginning = Beginning { start: info.start, term: info.term, is_reset };
        let begun = history.begin(room.id, from, beginning, sink)?;
        if room.stated.is_none() && room.last_shown.is_none() {
            // Everything is new to a person who was never here; nothing of it is unread.
            history.mark_read(room.id, info.head);
        }
        room.stated.filter(|stated| stated.log == begun.log)
    }

    /// Records rooms again once the file can be written. What came in meanwhile is read from the
    /// server first.
    pub(super) fn record_again(&mut self) {
        let key: Fingerprint = self.server_key();
        let Self { rooms, history, driver, sink, .. } = self;
        for room in rooms.iter_mut() {
            let (Some(slot), Some(member)) = (room.slot, &mut room.membership) else { continue };
            let Some(log) = history.interrupted(room.id) else { continue };
            let Some((delivered, _)) = driver.client.cursor(slot) else { continue };
            let stored = history.locate(room.id, &key, &room.name, sink).filter(|stored| Some(stored.log) == log);
            let start = stored.map_or(delivered, |stored| stored.cursor.seq);
            let beginning = Beginning { start, term: member.log.term, is_reset: false };
            let begun = history.begin(room.id, stored.map(|stored| stored.log), beginning, sink);
            member.refill = begun.filter(|_| start < delivered).map(|_| CatchUp::from_seq(start.saturating_add(1)));
        }
    }
}

impl Room {
    /// Plans what is delivered after the first Joined. `stored`: the recorded log that the server
    /// continues.
    pub(super) fn plan(
        &mut self,
        stored: Option<CurrentLog>,
        info: &JoinInfo,
        environment: &Environment,
        history: &LocalHistory,
        sink: &EventSink,
    ) -> Plan {
        let Some(stored) = stored else {
            let shown = self.last_shown.map(|shown| shown.cursor);
            return Plan::from_server(self.replay_from, shown, info.start, info.head);
        };
        if !environment.replays_history {
            return Plan::only_new(stored);
        }
        if self.last_shown.and_then(|shown| shown.log).is_some_and(|log| log != stored.log.number()) {
            // Another process recorded that the log was replaced.
            self.last_shown = None;
            sink.send(Event::HistoryReset { room: self.id });
        }
        let since = match self.replay_from {
            ReplayFrom::SinceTime(time_ms) => history.first_since(self.id, time_ms, stored.start),
            _ => None,
        };
        let shown = self.last_shown.map(|shown| shown.cursor.seq);
        Plan::from_history(self.replay_from, shown, stored, since, info.head, environment.context)
    }

    /// Returns the start to request. `context`: entries that are wanted again.
    pub(super) fn start(&self, context: u64) -> Start {
        match self.stated {
            Some(CurrentLog { cursor: Cursor { seq, term }, .. }) => {
                Start::After { seq, term, fallback_count: self.replay_from.fallback_count() }
            }
            None => self.replay_from.start(self.last_shown.map(|shown| shown.cursor), context),
        }
    }
}
