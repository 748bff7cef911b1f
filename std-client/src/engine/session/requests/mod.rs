//! Requests that change something, and their answers: another name, removals, and commands for
//! operators. The server answers in the order of the requests. A server of an earlier version
//! ignores them.

use std::collections::VecDeque;

use kabar_core::chat::{AnswerCode, Request};
use kabar_core::client::{RequestError, RoomSlot};
use kabar_core::time::{Duration, Instant};
use kabar_std::invite::RoomName;
use kabar_std::text::clean_line;

use super::output::RoomOutput;
use super::person::Person;
use crate::engine::event::{Event, Refusal, RenameError, Request as Change};
use crate::profile::StdClient;

/// How long an answer may take before it is reported as missing.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Requests of one room that the server has not answered, in their order.
#[derive(Debug, Default)]
pub(super) struct Requests(VecDeque<Pending>);

#[derive(Clone, Debug)]
struct Pending {
    change: Change,
    since: Instant,
    is_reported: bool,
}

/// What an answer changes in the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing.
    None,
    /// A room of this process exists, unless that was refused.
    RoomAdded,
}

impl Requests {
    /// Requests another name.
    pub(super) fn rename(
        &mut self,
        name: &str,
        slot: RoomSlot,
        client: &mut StdClient,
        now: Instant,
    ) -> Result<(), RequestError> {
        self.send(Request::Rename { name }, Change::Rename, slot, client, now)
    }

    /// Requests the removal of an entry's text.
    pub(super) fn remove(
        &mut self,
        seq: u64,
        slot: RoomSlot,
        client: &mut StdClient,
        now: Instant,
    ) -> Result<(), RequestError> {
        self.send(Request::Remove { seq }, Change::Remove(seq), slot, client, now)
    }

    /// Passes a command of an operator on; `word`: how it is typed.
    pub(super) fn operate(
        &mut self,
        word: String,
        command: &str,
        slot: RoomSlot,
        client: &mut StdClient,
        now: Instant,
    ) -> Result<(), RequestError> {
        self.send(Request::Operate { command }, Change::Operate(word), slot, client, now)
    }

    /// Creates a room of this process, whose person is an operator.
    pub(super) fn add_room(
        &mut self,
        room: &RoomName,
        slot: RoomSlot,
        client: &mut StdClient,
        now: Instant,
    ) -> Result<(), RequestError> {
        let command = &format!("room add {room}");
        self.send(Request::Operate { command }, Change::AddRoom, slot, client, now)
    }

    fn send(
        &mut self,
        request: Request<'_>,
        change: Change,
        slot: RoomSlot,
        client: &mut StdClient,
        now: Instant,
    ) -> Result<(), RequestError> {
        client.request(now, slot, request)?;
        self.expect(change, now);
        Ok(())
    }

    fn expect(&mut self, change: Change, now: Instant) {
        self.0.push_back(Pending { change, since: now, is_reported: false });
    }

    /// Reports an answer to the oldest request, which has the type `request`.
    pub(super) fn answered(
        &mut self,
        request: u8,
        code: AnswerCode,
        text: &str,
        person: &mut Person,
        output: RoomOutput<'_>,
    ) -> Effect {
        let is_answered = |pending: &Pending| {
            let sent = match pending.change {
                Change::Rename => Request::Rename { name: "" },
                Change::Remove(seq) => Request::Remove { seq },
                Change::Operate(_) | Change::AddRoom => Request::Operate { command: "" },
                Change::ListRooms => return false,
            };
            sent.code() == request
        };
        let Some(pending) = self.0.pop_front_if(|pending| is_answered(pending)) else { return Effect::None };
        let (room, server) = (output.room, output.room.server);
        let why = Refusal { code, text: text.to_owned() };
        match (pending.change, code) {
            (Change::Rename, AnswerCode::DONE) => {
                let name = clean_line(text);
                person.set_name(&name, server, output.sink);
                output.send(Event::Renamed { server, name });
            }
            (Change::Rename, code) => {
                let is_same = code == AnswerCode::UNCHANGED;
                let why = if is_same { RenameError::SameName } else { RenameError::Refused(why) };
                output.send(Event::NotRenamed { server, name: person.name().to_owned(), why });
            }
            // Whether it exists is reported when it is joined.
            (Change::AddRoom, _) => return Effect::RoomAdded,
            // The removal is an entry of the log.
            (Change::Remove(_), AnswerCode::DONE) | (Change::ListRooms, _) => {}
            (Change::Operate(_), AnswerCode::DONE) if text.is_empty() => {}
            (Change::Operate(_), AnswerCode::DONE) => output.send(Event::Output { room, text: text.to_owned() }),
            (Change::Operate(word), _) => output.not_operated(word, why),
            (Change::Remove(seq), _) => output.send(Event::NotRemoved { room, seq, why }),
        }
        Effect::None
    }

    /// The connection was lost: answers will not come.
    pub(super) fn lost(&mut self, output: RoomOutput<'_>) {
        for pending in self.0.drain(..).filter(|pending| !pending.is_reported) {
            output.unanswered(pending.change, true);
        }
    }

    /// Reports answers that take long, each once.
    pub(super) fn check(&mut self, output: RoomOutput<'_>, now: Instant) {
        for pending in self.0.iter_mut().filter(|pending| !pending.is_reported && now >= pending.since + ANSWER_TIMEOUT)
        {
            pending.is_reported = true;
            output.unanswered(pending.change.clone(), false);
        }
    }

    /// Returns when to call [`Requests::check`].
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.0.iter().find(|pending| !pending.is_reported).map(|pending| pending.since + ANSWER_TIMEOUT)
    }
}

#[cfg(test)]
mod tests;
