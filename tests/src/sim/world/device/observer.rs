//! Reports the events of a client to the model.

use std::collections::BTreeMap;

use kabar_client::history::StoredContent;
use kabar_core::chat::{AnswerCode, EndedCode, EntryHeader, EntryKind, Info, Request};
use kabar_core::client::Event;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;

use super::local_history::LocalHistory;
use super::{HistoryRequest, Observed, RenameRequest};
use crate::sim::coverage::{Coverage, Seen};
use crate::sim::model::{Admissions, Body, Checked, Model, ProcessId, Store, demand};
use crate::sim::scenario::SavePolicy;
use crate::sim::trace::Trace;

/// The model, and everything else that depends on events.
pub(super) struct Observer<'a> {
    pub(super) model: &'a mut Model,
    pub(super) admissions: &'a Admissions,
    pub(super) coverage: &'a mut Coverage,
    pub(super) trace: &'a mut Trace,
    pub(super) now: Instant,
    pub(super) saves: SavePolicy,
    /// The stores that the device saved, by room.
    pub(super) disk: &'a mut BTreeMap<usize, Store>,
    /// The file in which they are saved, too.
    pub(super) history: Option<&'a mut LocalHistory>,
    pub(super) room: usize,
    /// See [`World`](crate::sim::world::World).
    pub(super) owners: &'a mut BTreeMap<String, usize>,
    pub(super) identity: usize,
    pub(super) public: PublicIdentity,
    /// The names of private rooms whose invites it does not have.
    pub(super) hidden: &'a [&'static str],
    /// A client for one room skips topics that are stated after it joined.
    pub(super) takes_topics: bool,
    /// Whether its identity is an operator of the configuration, ...
    pub(super) is_configured: bool,
    /// ... or was one at any time.
    pub(super) was_operator: bool,
}

impl Observer<'_> {
    /// Handles an event of process `id`, of its room.
    pub(super) fn take(&mut self, id: ProcessId, event: Event<'_>, observed: &mut Observed) -> Checked {
        self.trace.print_line(self.now, || format!("process {id} in room {}: {event:?}", self.room));
        let mut delivered = 0;
        let is_entry = matches!(event, Event::Entry { .. } | Event::EntryTooLarge { .. });
        demand!(!(is_entry && observed.awaits_topic), Operation, "process {id} was not informed of the topic");
        match event {
            Event::Joined { name, start, head, term, is_resumed, .. } => {
                self.trace
                    .note(self.now, &[20, self.room as u64, id as u64, start, head], || format!("process {id} joined"));
                self.model.joined(id, start, head, term, is_resumed)?;
                if let Some(history) = &mut self.history {
                    history.joined(self.room, start, term)?;
                }
                let owner = *self.owners.entry(name.into()).or_insert(self.identity);
                demand!(owner == self.identity, Names, "process {id} is {name}, a name of another identity");
                let was_admitted = self.admissions.was_admitted(self.public);
                demand!(was_admitted, Admission, "process {id} joined before its admission was durable");
                self.coverage.count(if is_resumed { Seen::Resumed } else { Seen::Joined });
                // A request ends with its connection.
                (observed.request, observed.rename, observed.removal) = (None, None, None);
                observed.operates = false;
                // SPEC 6.3: it follows.
                (observed.head, observed.topic, observed.awaits_topic) = (head, None, self.takes_topics);
                delivered = u32::MAX;
            }
            Event::Reset { .. } => {
                self.coverage.count(Seen::Reset);
                self.model.reset(id)?;
                self.history.iter_mut().for_each(|history| history.reset(self.room));
            }
            Event::Gap { after, first, .. } => {
                self.coverage.count(Seen::Gap);
                self.model.gap(id, after, first)?;
            }
            Event::Entry { header, body, own, .. } => {
                self.coverage.count(Seen::Delivered);
                self.trace.note(self.now, &[21, id as u64, header.seq], || format!("process {id} has {}", header.seq));
                self.model.delivered(id, &header, Body::Bytes(body), Some(own))?;
                self.keep(&header, StoredContent::Body(body.to_vec()));
                if header.kind == EntryKind::TOPIC && header.seq > observed.head {
                    observed.topic = Some(String::from_utf8_lossy(body).into_owned());
                }
                delivered = 1;
            }
            Event::EntryTooLarge { header, size, .. } => {
                self.coverage.count(Seen::Stubbed);
                self.trace.note(self.now, &[22, id as u64, header.seq], || format!("process {id} has {}", header.seq));
                self.model.delivered(id, &header, Body::Stub(size), None)?;
                self.keep(&header, StoredContent::Omitted(size));
                if header.kind == EntryKind::TOPIC && header.seq > observed.head {
                    observed.topic = None;
                }
                delivered = 1;
            }
            Event::Stored { number, seq, .. } => {
                self.coverage.count(Seen::Stored);
                self.trace.note(self.now, &[23, id as u64, number, seq], || format!("process {id} saw stored"));
                self.model.stored(id, number, seq)?;
            }
            Event::PostRefused { number, .. } => {
                self.coverage.count(Seen::PostRefused);
                self.model.refused(id, number)?;
            }
            Event::Info { info, .. } => self.take_info(id, info, observed)?,
            Event::RoomEnded { reason, .. } => observed.ended = Some(reason),
            Event::Refused { .. } | Event::OutboxWritable { .. } => {}
            // They concern no room; see `drive`.
            Event::UnknownServerKey(_) | Event::Disconnected(_) | Event::Reconnected | Event::Ended(_) => {}
        }
        observed.unsaved = observed.unsaved.saturating_add(delivered);
        if let SavePolicy::EveryNth(every) = self.saves
            && observed.unsaved >= every
        {
            observed.unsaved = 0;
            if let Some(store) = self.model.process(id).store().cloned() {
                if let Some(history) = &mut self.history {
                    history.save(self.room, &store)?;
                }
                self.disk.insert(self.room, store);
            }
        }
        Ok(())
    }

    /// Keeps an entry for the local history.
    fn keep(&mut self, header: &EntryHeader<'_>, content: StoredContent) {
        if let Some(history) = &mut self.history {
            history.entry(self.room, header, content);
        }
    }

    /// Handles the answer to the request to remove an entry.
    fn take_removal(&mut self, id: ProcessId, code: AnswerCode, observed: &mut Observed) -> Checked {
        let Some(seq) = observed.removal.take() else { return Ok(()) };
        self.trace.print_line(self.now, || format!("process {id} was answered {code:?} to the removal of {seq}"));
        if matches!(code, AnswerCode::DONE | AnswerCode::UNCHANGED) {
            self.coverage.count(Seen::BodyRemoved);
            return self.model.removed(id, seq);
        }
        self.coverage.count(Seen::BodyNotRemoved);
        // It may be about to go.
        let is_gone = code != AnswerCode::NOT_FOUND || self.model.may_have_lost(id, seq);
        demand!(is_gone, Removal, "process {id} was answered that there is no entry {seq}");
        Ok(())
    }

    /// Handles the answer to a command.
    fn take_operation(&mut self, id: ProcessId, code: AnswerCode, observed: &mut Observed) -> Checked {
        observed.operates = false;
        let is_refused = code == AnswerCode::NOT_PERMITTED;
        self.coverage.count(if is_refused { Seen::OperationRefused } else { Seen::OperationAnswered });
        let is_wrong = if is_refused { self.is_configured } else { !self.was_operator };
        demand!(!is_wrong, Operation, "process {id} was answered {code:?} to a command");
        Ok(())
    }

    /// Handles an answer to a request.
    fn take_info(&mut self, id: ProcessId, info: Info<'_>, observed: &mut Observed) -> Checked {
        if let Info::MemberListed { .. } = info {
            self.coverage.count(Seen::MemberAnswer);
        }
        if let Info::RoomListed { room: Some(listed), .. } = info {
            self.coverage.count(Seen::RoomListed);
            let is_hidden = self.hidden.contains(&listed.name);
            demand!(!is_hidden, Admission, "process {id} was informed of {}, a private room", listed.name);
        }
        if let Info::Ended { code: EndedCode::GAP, .. } = info {
            self.coverage.count(Seen::Lagged);
            self.model.lagged(id)?;
        }
        if let Info::Topic { topic, .. } = info {
            self.coverage.count(Seen::TopicStated);
            (observed.topic, observed.awaits_topic) = (Some(topic.to_owned()), false);
        }
        if let Info::Answer { request, code, .. } = info
            && request == (Request::Operate { command: "" }).code()
        {
            return self.take_operation(id, code, observed);
        }
        if let Info::Answer { request, code, .. } = info
            && request == (Request::Remove { seq: 0 }).code()
        {
            return self.take_removal(id, code, observed);
        }
        if let Info::Answer { code, text, .. } = info {
            self.coverage.count(if code == AnswerCode::DONE { Seen::Renamed } else { Seen::NotRenamed });
            let Some(RenameRequest { name, head }) = observed.rename.take() else { return Ok(()) };
            if code == AnswerCode::DONE {
                demand!(text == name, Contract, "process {id} asked for {name} and is {text}");
                self.model.renamed(id, head, text)?;
            }
        }
        let Info::HistoryEntry { remaining, entry, .. } = info else { return Ok(()) };
        self.coverage.count(Seen::HistoryEntry);
        if let Some(entry) = entry {
            self.model.history_entry(id, &entry.header, entry.body)?;
        }
        let Some(request) = observed.request.as_mut() else { return Ok(()) };
        request.answers.extend(entry.map(|entry| entry.header.seq));
        if remaining == 0 {
            let HistoryRequest { expected, range, max_len, answers } = request;
            // Meanwhile, a body may have been removed, and a prefix of the log may have gone.
            let log = self.model.log_of(id);
            let is_kept = |seq: &&u64| **seq >= log.first();
            let is_missing = expected.iter().filter(is_kept).any(|seq| !answers.contains(seq));
            let fits = |seq: &u64| log.get(*seq).is_some_and(|entry| entry.body.len() <= *max_len);
            let is_right = |seq: &u64| expected.contains(seq) || (range.contains(seq) && fits(seq));
            let is_answer = !is_missing && answers.is_sorted_by(|one, next| one < next) && answers.iter().all(is_right);
            demand!(is_answer, Contract, "expected {expected:?}, process {id} received {answers:?}");
            self.coverage.count(Seen::Answered);
            observed.request = None;
        }
        Ok(())
    }
}
