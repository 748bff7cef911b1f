//! What operators decided about a room (SPEC 6.3, 6.7, 7): whether it is closed, its topic, and how
//! much of its log is kept. A closed room admits nobody and takes no posts, from the commit on that
//! states it. Each change of the topic is an entry, and both are one commit.

use std::collections::BTreeSet;

use kabar_core::chat::EntryKind;
use kabar_core::time::Duration;
use kabar_server::hub::HubLimits;
use kabar_server::store::{Retention, RoomBatch, RoomRecord};

use super::{Checked, demand};

/// How much of a log is kept; 0: all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    pub(super) age: Duration,
    pub(super) entries: u64,
    pub(super) bytes: u64,
}

impl Kept {
    /// As the room says, or else the configuration.
    #[must_use]
    pub fn of(limits: &HubLimits, retention: Retention) -> Self {
        let Retention { age_ms, entries, bytes } = retention;
        Self {
            age: age_ms.map_or(limits.keep_age, Duration::from_millis),
            entries: entries.unwrap_or(limits.keep_entries as u64),
            bytes: bytes.unwrap_or(limits.keep_bytes as u64),
        }
    }
}

/// The decisions about a room.
#[derive(Debug, Default)]
pub(super) struct Decisions {
    /// As committed.
    record: Option<RoomRecord>,
    /// Every bound that was in effect at some time.
    pub(super) kept: Vec<Kept>,
    /// The topics with which it was created, which no entry states.
    created_with: BTreeSet<String>,
    /// It was closed at some time, durably or not.
    pub(super) was_closed: bool,
}

impl Decisions {
    pub(super) fn new(kept: Kept) -> Self {
        Self { kept: vec![kept], ..Self::default() }
    }

    /// The topic, as committed.
    pub(super) fn topic(&self) -> &str {
        self.record.as_ref().map_or("", |record| &record.topic)
    }

    /// Whether it is closed, as committed.
    pub(super) fn is_closed(&self) -> bool {
        self.record.as_ref().is_some_and(|record| record.is_closed)
    }

    /// Somebody created it, or opened it again.
    pub(super) fn opened(&mut self, topic: &str) {
        self.created_with.insert(topic.to_owned());
    }

    /// Checks a commit with this record of the room, and this part of it about the room.
    pub(super) fn commit(&mut self, record: Option<&RoomRecord>, batch: Option<&RoomBatch>) -> Checked {
        let entries = || batch.iter().flat_map(|batch| &batch.entries);
        let stays_closed = self.is_closed() && record.is_none_or(|record| record.is_closed);
        let is_entry_of_member = |kind: EntryKind| kind.is_postable() || kind == EntryKind::JOINED;
        if let Some(entry) = entries().find(|entry| stays_closed && is_entry_of_member(entry.kind)) {
            let name = &entry.author;
            demand!(false, Operation, "entry {} by {name} is written to a closed room", entry.seq);
        }
        let admits = batch.is_some_and(|batch| !batch.admissions.is_empty());
        demand!(!(stays_closed && admits), Operation, "a closed room admits somebody");
        let topic = record.map_or(self.topic(), |record| &record.topic);
        let stated = entries().rfind(|entry| entry.kind == EntryKind::TOPIC);
        let stated = stated.map(|entry| String::from_utf8_lossy(&entry.body));
        let is_stated = stated.as_ref().map_or(topic == self.topic(), |stated| stated == topic);
        let is_created = self.record.is_none() && stated.is_none();
        let is_right = is_stated || (is_created && self.created_with.contains(topic));
        demand!(is_right, Operation, "the topic is {topic:?}, and the last entry about it says {stated:?}");
        if let Some(record) = record {
            self.record = Some(record.clone());
        }
        Ok(())
    }

    /// An older store was restored.
    pub(super) fn restored(&mut self, record: Option<&RoomRecord>, kept: Kept) {
        self.record = record.cloned();
        self.kept.push(kept);
    }

    /// Checks the record with which a server starts.
    pub(super) fn check_loaded(&self, loaded: Option<&RoomRecord>) -> Checked {
        let is_same = self.record.is_none() || self.record.as_ref() == loaded;
        demand!(is_same, Operation, "the server starts with {loaded:?}, but stored {:?}", self.record);
        Ok(())
    }
}
