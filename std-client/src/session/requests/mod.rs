//! Requests that change something, and their answers: `/nick`, `/delete`, and commands for
//! operators. The server answers in the order of the requests. A server of an earlier version
//! ignores them.

use std::collections::VecDeque;

use kabar_core::chat::{AnswerCode, Request};
use kabar_core::client::{RequestError, RoomSlot};
use kabar_core::time::{Duration, Instant};
use kabar_std::invite::RoomName;
use kabar_std::text::clean_line;

use super::notice::{Notice, Refusal, RenameError};
use super::view::RoomView;
use crate::command::CommandName;
use crate::profile::StdClient;

/// How long an answer may take before it is reported as missing.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Requests of one room that the server has not answered, in their order.
#[derive(Debug, Default)]
pub(super) struct Requests(VecDeque<Pending>);

#[derive(Clone, Copy, Debug)]
struct Pending {
    change: Change,
    since: Instant,
    is_reported: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Rename,
    Remove(u64),
    /// The word that was typed.
    Operate(&'static str),
    /// A room of this process.
    AddRoom,
}

/// What an answer changes in the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing.
    None,
    /// This member has another name.
    Renamed(String),
    /// A room of this process exists, unless that was refused.
    RoomAdded,
}

impl Change {
    const fn word(self) -> &'static str {
        match self {
            Self::Rename => CommandName::Nick.word(),
            Self::Remove(_) => CommandName::Delete.word(),
            Self::Operate(word) => word,
            Self::AddRoom => CommandName::Room.word(),
        }
    }
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
        word: &'static str,
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

    /// Displays an answer to the oldest request, which has the type `request`. `name`: the present
    /// name.
    pub(super) fn answered(
        &mut self,
        request: u8,
        code: AnswerCode,
        text: &str,
        name: &str,
        view: RoomView<'_>,
    ) -> Effect {
        let is_answered = |pending: &Pending| {
            let sent = match pending.change {
                Change::Rename => Request::Rename { name: "" },
                Change::Remove(seq) => Request::Remove { seq },
                Change::Operate(_) | Change::AddRoom => Request::Operate { command: "" },
            };
            sent.code() == request
        };
        let Some(pending) = self.0.pop_front_if(|pending| is_answered(pending)) else { return Effect::None };
        let why = Refusal { code, text };
        match (pending.change, code) {
            (Change::Rename, AnswerCode::DONE) => {
                let name = clean_line(text);
                view.notice(&Notice::Renamed(&name));
                return Effect::Renamed(name);
            }
            (Change::Rename, AnswerCode::UNCHANGED) => {
                view.notice(&Notice::NotRenamed { name, why: RenameError::SameName });
            }
            (Change::Rename, _) => view.notice(&Notice::NotRenamed { name, why: RenameError::Refused(why) }),
            // Whether it exists is displayed when it is joined.
            (Change::AddRoom, _) => return Effect::RoomAdded,
            // The removal is displayed as an entry of the log.
            (Change::Remove(_), AnswerCode::DONE) => {}
            (Change::Operate(_), AnswerCode::DONE) if text.is_empty() => {}
            (Change::Operate(_), AnswerCode::DONE) => view.notice(&Notice::Output(text)),
            (Change::Operate(word), _) => view.notice(&Notice::NotOperated { word, why }),
            (Change::Remove(seq), _) => view.notice(&Notice::NotRemoved { seq, why }),
        }
        Effect::None
    }

    /// The connection was lost: answers will not come.
    pub(super) fn lost(&mut self, view: RoomView<'_>) {
        for pending in self.0.drain(..).filter(|pending| !pending.is_reported) {
            view.notice(&Notice::Unanswered { word: pending.change.word(), is_lost: true });
        }
    }

    /// Reports answers that take long, each once.
    pub(super) fn check(&mut self, view: RoomView<'_>, now: Instant) {
        for pending in self.0.iter_mut().filter(|pending| !pending.is_reported && now >= pending.since + ANSWER_TIMEOUT)
        {
            pending.is_reported = true;
            view.notice(&Notice::Unanswered { word: pending.change.word(), is_lost: false });
        }
    }

    /// Returns when to call [`Requests::check`].
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.0.iter().find(|pending| !pending.is_reported).map(|pending| pending.since + ANSWER_TIMEOUT)
    }
}

#[cfg(test)]
mod tests;
