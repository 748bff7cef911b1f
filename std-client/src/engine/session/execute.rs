//! The commands about a server and its rooms.

use std::collections::VecDeque;

use kabar_core::chat::{EntryKind, MAX_TEXT_LEN, Request};
use kabar_core::client::{PostError, RoomSlot};
use kabar_core::time::{Duration, Instant};

use super::online::OnlineState;
use super::output::RoomOutput;
use super::state::{End, Leaving, Phase, Session, WaitingPost};
use crate::engine::command::{Command, MAX_WAITING_POSTS, Stop};
use crate::engine::event::{Event, NotPosted, RoomId, Stats};

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

    fn report_stats(&self) {
        let (client, traffic) = (&self.driver.client, self.driver.traffic());
        let ignored = if let Phase::Online(online) = &self.phase { online.person.ignored() } else { 0 };
        let (rtt, counters) = (client.rtt(), client.counters());
        self.sink.send(Event::Stats(Box::new(Stats { server: self.id, rtt, counters, traffic, ignored })));
    }

    fn post(&mut self, room: RoomId, kind: EntryKind, text: String) {
        let slot = self.rooms.find(room).and_then(|room| room.slot);
        let why = match slot {
            _ if text.len() > MAX_TEXT_LEN => NotPosted::TooLong(text.len()),
            None => NotPosted::NotInRoom,
            Some(_) if self.waiting.len() >= MAX_WAITING_POSTS => NotPosted::TooMany,
            Some(slot) => {
                self.waiting.push_back(WaitingPost { room, slot, kind, text });
                return self.post_waiting();
            }
        };
        self.sink.send(Event::NotPosted { room, why });
    }

    /// Posts what fits into the outbox now, in the order of the commands.
    pub(super) fn post_waiting(&mut self) {
        while let Some(post) = self.waiting.front() {
            let room = post.room;
            let answer = match self.driver.client.post(post.slot, post.kind, post.text.as_bytes()) {
                Ok(number) => Event::Posted { room, number },
                Err(PostError::Full) => return,
                Err(PostError::TooLong) => Event::NotPosted { room, why: NotPosted::TooLong(post.text.len()) },
                Err(_) => Event::NotPosted { room, why: NotPosted::NotInRoom },
            };
            self.waiting.pop_front();
            self.sink.send(answer);
        }
    }

    /// The room in this place has ended: its posts that wait have no room.
    pub(super) fn drop_waiting(&mut self, slot: RoomSlot) {
        let (lost, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|post| post.slot == slot);
        self.waiting = VecDeque::from(waiting);
        for post in lost {
            self.sink.send(Event::NotPosted { room: post.room, why: NotPosted::NotInRoom });
        }
    }
}

impl OnlineState {
    /// Returns the name of the member.
    pub(super) fn name(&self) -> &str {
        self.person.name()
    }
}
