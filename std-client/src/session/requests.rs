//! Requests that change something, and their answers: `/nick`, `/delete`, and commands for operators. The server answers in
//! the order of the requests. A server of an earlier version ignores them.

use std::collections::VecDeque;

use kabar_core::chat::{AnswerCode, Request};
use kabar_core::client::{RequestError, RoomSlot};
use kabar_core::time::{Duration, Instant};
use kabar_std::text::clean_line;

use super::front_end::FrontEnd;
use super::notice::{Notice, Refusal, RenameError};
use crate::command::CommandName;
use crate::profile::StdClient;

/// How long an answer may take before it is reported as missing.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Requests that the server has not answered, in their order.
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
}

impl Change {
    const fn word(self) -> &'static str {
        match self {
            Self::Rename => CommandName::Nick.word(),
            Self::Remove(_) => CommandName::Delete.word(),
            Self::Operate(word) => word,
        }
    }
}

impl Requests {
    /// Requests another name.
    pub(super) fn rename(&mut self, name: &str, client: &mut StdClient, now: Instant) -> Result<(), RequestError> {
        self.send(Request::Rename { name }, Change::Rename, client, now)
    }

    /// Requests the removal of an entry's text.
    pub(super) fn remove(&mut self, seq: u64, client: &mut StdClient, now: Instant) -> Result<(), RequestError> {
        self.send(Request::Remove { seq }, Change::Remove(seq), client, now)
    }

    /// Passes a command of an operator on; `word`: how it is typed.
    pub(super) fn operate(
        &mut self,
        word: &'static str,
        command: &str,
        client: &mut StdClient,
        now: Instant,
    ) -> Result<(), RequestError> {
        self.send(Request::Operate { command }, Change::Operate(word), client, now)
    }

    fn send(
        &mut self,
        request: Request<'_>,
        change: Change,
        client: &mut StdClient,
        now: Instant,
    ) -> Result<(), RequestError> {
        client.request(now, RoomSlot::FIRST, request)?;
        self.expect(change, now);
        Ok(())
    }

    fn expect(&mut self, change: Change, now: Instant) {
        self.0.push_back(Pending { change, since: now, is_reported: false });
    }

    /// Displays an answer to the oldest request, which has the type `request`. `name`: the present
    /// name. Returns the new name after a rename.
    pub(super) fn answered(
        &mut self,
        request: u8,
        code: AnswerCode,
        text: &str,
        name: &str,
        ui: &dyn FrontEnd,
    ) -> Option<String> {
        let is_answered = |pending: &Pending| {
            let sent = match pending.change {
                Change::Rename => Request::Rename { name: "" },
                Change::Remove(seq) => Request::Remove { seq },
                Change::Operate(_) => Request::Operate { command: "" },
            };
            sent.code() == request
        };
        let pending = self.0.pop_front_if(|pending| is_answered(pending))?;
        let why = Refusal { code, text };
        match (pending.change, code) {
            (Change::Rename, AnswerCode::DONE) => {
                let name = clean_line(text);
                ui.notice(&Notice::Renamed(&name));
                return Some(name);
            }
            (Change::Rename, AnswerCode::UNCHANGED) => {
                ui.notice(&Notice::NotRenamed { name, why: RenameError::SameName });
            }
            (Change::Rename, _) => ui.notice(&Notice::NotRenamed { name, why: RenameError::Refused(why) }),
            // The removal is displayed as an entry of the log.
            (Change::Remove(_), AnswerCode::DONE) => {}
            (Change::Operate(_), AnswerCode::DONE) if text.is_empty() => {}
            (Change::Operate(_), AnswerCode::DONE) => ui.notice(&Notice::Output(text)),
            (Change::Operate(word), _) => ui.notice(&Notice::NotOperated { word, why }),
            (Change::Remove(seq), _) => ui.notice(&Notice::NotRemoved { seq, why }),
        }
        None
    }

    /// The connection was lost: answers will not come.
    pub(super) fn lost(&mut self, ui: &dyn FrontEnd) {
        for pending in self.0.drain(..).filter(|pending| !pending.is_reported) {
            ui.notice(&Notice::Unanswered { word: pending.change.word(), is_lost: true });
        }
    }

    /// Reports answers that take long, each once.
    pub(super) fn check(&mut self, ui: &dyn FrontEnd, now: Instant) {
        for pending in self.0.iter_mut().filter(|pending| !pending.is_reported && now >= pending.since + ANSWER_TIMEOUT)
        {
            pending.is_reported = true;
            ui.notice(&Notice::Unanswered { word: pending.change.word(), is_lost: false });
        }
    }

    /// Returns when to call [`Requests::check`].
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.0.iter().find(|pending| !pending.is_reported).map(|pending| pending.since + ANSWER_TIMEOUT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::tests::Screen;

    const RENAME: u8 = Request::Rename { name: "" }.code();
    const REMOVE: u8 = Request::Remove { seq: 0 }.code();

    fn pending(changes: &[Change]) -> Requests {
        let mut requests = Requests::default();
        changes.iter().for_each(|change| requests.expect(*change, Instant::ZERO));
        requests
    }

    #[test]
    fn answers_belong_to_requests_in_their_order() {
        let (screen, mut requests) =
            (Screen::default(), pending(&[Change::Rename, Change::Remove(17), Change::Remove(18), Change::Rename]));
        assert_eq!(requests.answered(RENAME, AnswerCode::DONE, "Ann", "anna", &screen), Some("Ann".to_owned()));
        assert_eq!(requests.answered(REMOVE, AnswerCode::NOT_PERMITTED, "too old", "Ann", &screen), None);
        assert_eq!(requests.answered(REMOVE, AnswerCode::DONE, "", "Ann", &screen), None);
        assert_eq!(requests.answered(RENAME, AnswerCode::NAME_TAKEN, "it is Bob's", "Ann", &screen), None);
        let expected = ["You are Ann now.", "message 17 stays: too old", "you stay Ann: it is Bob's"];
        assert_eq!(screen.take(), expected);
        assert_eq!(requests.answered(RENAME, AnswerCode::DONE, "x", "Ann", &screen), None, "nothing was requested");
        assert_eq!(screen.take(), [""; 0]);
    }

    #[test]
    fn refusal_without_a_text_has_a_sentence() {
        let screen = Screen::default();
        for code in (1..=8).map(AnswerCode) {
            let mut requests = pending(&[Change::Rename, Change::Remove(17)]);
            requests.answered(RENAME, code, "", "anna", &screen);
            requests.answered(REMOVE, code, "", "anna", &screen);
            for line in screen.take() {
                assert!(!line.ends_with(": "), "{code:?}: {line}");
            }
        }
    }

    #[test]
    fn results_of_operators_are_displayed_in_the_words_of_the_server() {
        const OPERATE: u8 = Request::Operate { command: "" }.code();
        let (screen, mut requests) = (Screen::default(), pending(&[Change::Operate("/kick"); 3]));
        requests.answered(OPERATE, AnswerCode::DONE, "bob was kicked", "anna", &screen);
        requests.answered(OPERATE, AnswerCode::NOT_PERMITTED, "only an operator may do that", "anna", &screen);
        requests.answered(OPERATE, AnswerCode::DONE, "", "anna", &screen);
        assert_eq!(screen.take(), ["bob was kicked", "/kick: only an operator may do that"]);
    }

    #[test]
    fn missing_answers_are_reported_once() {
        let (screen, mut requests) = (Screen::default(), pending(&[Change::Rename, Change::Remove(17)]));
        requests.check(&screen, Instant::ZERO);
        assert_eq!(screen.take(), [""; 0]);
        let late = requests.deadline().unwrap();
        requests.check(&screen, late);
        assert_eq!(screen.take().len(), 2);
        requests.lost(&screen);
        assert_eq!((screen.take().len(), requests.deadline()), (0, None));
        let mut requests = pending(&[Change::Rename]);
        requests.lost(&screen);
        assert!(screen.take()[0].contains("/nick"));
    }
}
