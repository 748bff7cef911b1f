//! The commands about a server and its rooms.

use kabar_core::chat::Request;
use kabar_core::time::{Duration, Instant};

use super::online::OnlineState;
use super::output::RoomOutput;
use super::state::{End, Leaving, Phase, Session};
use crate::command::Notify;
use crate::engine::command::{Command, Stop};
use crate::engine::event::{Event, NotKept, RoomId, Stats};

impl Session {
    /// Executes a command about this server.
    pub(in crate::engine) fn execute(&mut self, command: Command) -> Result<(), End> {
        let now = self.driver.now();
        match command {
            Command::AnswerKey { accept, .. } => self.key_answered(accept, now),
            Command::Password { password, .. } => self.password_typed(password, now)?,
            Command::Join { room, .. } => self.join(room, now),
            Command::Part { room } => self.part(room, now),
            Command::Post { room, kind, text } => self.post(room, kind, text),
            Command::ListRooms { is_complete, .. } => self.list_rooms(is_complete, now),
            Command::Stats { .. } => self.report_stats(),
            Command::Ignore { .. }
            | Command::Unignore { .. }
            | Command::ListIgnored { .. }
            | Command::ShowJoins { .. } => {
                if let Phase::Online(online) = &mut self.phase {
                    online.person.execute(command, &self.sink);
                } else {
                    self.sink.send(Event::NotConnected { server: self.id });
                }
            }
            Command::ListMembers { room }
            | Command::History { room, .. }
            | Command::Rename { room, .. }
            | Command::Remove { room, .. }
            | Command::Operate { room, .. } => self.request(room, command, now),
            Command::MarkRead { room, seq } => self.history.mark_read(room, seq),
            Command::SaveDraft { room, text } => self.history.save_draft(room, &text),
            Command::SetNotify { room, notify } => self.set_notify(room, notify),
            Command::Send { .. }
            | Command::Get { .. }
            | Command::CancelTransfer { .. }
            | Command::ListTransfers { .. } => self.execute_on_files(command),
            // The engine handles these.
            Command::Connect(_) | Command::Stop(_) => {}
        }
        Ok(())
    }

    /// Leaves, once or when everything is stored.
    pub(in crate::engine) fn stop(&mut self, stop: Stop) -> Result<(), End> {
        let now = self.driver.now();
        match stop {
            Stop::Leave { give_up, is_caught_up } if matches!(self.phase, Phase::Online(_)) => {
                let give_up = Duration::from_micros(u64::try_from(give_up.as_micros()).unwrap_or(u64::MAX));
                let leaving = Leaving { since: now, give_up, is_caught_up, is_requested: false };
                let leaving = self.leaving.get_or_insert(leaving);
                leaving.is_caught_up &= is_caught_up;
                Ok(())
            }
            Stop::Leave { .. } | Stop::Abort => self.abort(now),
        }
    }

    fn request(&mut self, room: RoomId, command: Command, now: Instant) {
        let Self { rooms, sink, driver, phase: Phase::Online(online), .. } = self else {
            return self.sink.send(Event::NotConnected { server: self.id });
        };
        let Some(slot) = rooms.find(room).map(|room| room.slot) else { return };
        let output = RoomOutput { sink, room };
        let found = slot.and_then(|slot| Some((slot, rooms.member_at(slot, sink)?.0)));
        let Some((slot, member)) = found else { return output.not_connected() };
        let client = &mut driver.client;
        let requested = match command {
            Command::ListMembers { .. } => client.request(now, slot, Request::ListMembers),
            Command::History { before, count, .. } => member.replies.request_history(before, count, slot, client, now),
            Command::Rename { name, .. } => {
                return online.rename(&name, slot, member, client, output, now);
            }
            Command::Remove { seq, .. } => member.requests.remove(seq, slot, client, now),
            Command::Operate { word, text, .. } => member.requests.operate(word, &text, slot, client, now),
            _ => Ok(()),
        };
        if requested.is_err() {
            output.not_connected();
        }
    }

    fn list_rooms(&mut self, is_complete: bool, now: Instant) {
        let slot = self.rooms.first_member();
        if let (Phase::Online(online), Some(slot)) = (&mut self.phase, slot)
            && online.room_list.request(is_complete, slot, &mut self.driver.client, now).is_ok()
        {
            return;
        }
        self.sink.send(Event::NotConnected { server: self.id });
    }

    /// If it cannot be stored, it lasts until the front end ends.
    fn set_notify(&self, room: RoomId, notify: Notify) {
        if self.rooms.find(room).is_some() {
            let stored = self.history.set_notify(room, notify);
            self.sink.send(Event::NotifySet { room, notify });
            stored.err().into_iter().for_each(|error| self.not_kept(NotKept::Preferences(error)));
        }
    }

    fn report_stats(&self) {
        let (client, traffic) = (&self.driver.client, self.driver.traffic());
        let ignored = if let Phase::Online(online) = &self.phase { online.person.ignored() } else { 0 };
        let (rtt, counters) = (client.rtt(), client.counters());
        self.sink.send(Event::Stats(Box::new(Stats { server: self.id, rtt, counters, traffic, ignored })));
    }
}

impl OnlineState {
    /// Returns the name of the member.
    pub(super) fn name(&self) -> &str {
        self.person.name()
    }
}
