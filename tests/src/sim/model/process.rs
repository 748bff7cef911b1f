//! One run of a client: its posts (S2), and the store of the entries delivered to it (S4, S5).

use std::collections::BTreeSet;

use kabar_core::chat::{EntryHeader, Start, Term};

use super::people::may_become;
use super::{Body, Bytes, Checked, FileEntry, Log, PostId, ProcessId, demand};

/// A post as its author submitted it.
#[derive(Clone, Debug)]
pub struct SubmittedPost {
    /// Kind of the entry.
    pub kind: u8,
    /// The body.
    pub body: Bytes,
}

/// The entries delivered to a client. A clone of it is what a device keeps when its process dies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// Entries above this seq are in it ...
    pub start: u64,
    /// ... up to this seq.
    pub cursor: u64,
    /// The term of the cursor.
    pub term: Term,
    /// The lineage from which they were read.
    lineage: usize,
    /// One fingerprint per entry.
    entries: Vec<u64>,
}

/// One run of a client.
#[derive(Debug)]
pub struct Process {
    /// The name under which it posts.
    pub name: String,
    /// Other names under which it may have come from another room.
    other_names: Vec<String>,
    /// The index of its identity.
    pub identity: usize,
    /// Whether its identity is an operator.
    pub is_operator: bool,
    /// It has ended.
    pub ended: bool,
    start: Start,
    /// Head of the log when the process began.
    head_at_begin: u64,
    max_entry_len: u16,
    posts: Vec<SubmittedPost>,
    stored_up_to: u64,
    /// The lineage in which each post up to `stored_up_to` was seen stored.
    stored_in: Vec<usize>,
    refused: BTreeSet<u64>,
    store: Option<Store>,
    joined: bool,
    reset: bool,
    /// A Reset was reported, and the join after it was not yet.
    resetting: bool,
    gap: Option<(u64, u64)>,
    /// The head that its last Welcome stated.
    head_at_join: u64,
}

/// Facts about a process that begins.
#[derive(Debug)]
pub struct Begin<'a> {
    /// The name under which it posts.
    pub name: &'a str,
    /// Other names under which it may have come from another room.
    pub other_names: Vec<String>,
    /// The index of its identity.
    pub identity: usize,
    /// Whether its identity is an operator.
    pub is_operator: bool,
    /// Where it starts.
    pub start: Start,
    /// Longest body that it accepts, in bytes.
    pub max_entry_len: u16,
    /// The store that its device had kept.
    pub kept: Option<Store>,
}

impl Process {
    pub(super) fn new(begin: Begin<'_>, head: u64) -> Self {
        let Begin { name, other_names, identity, is_operator, start, max_entry_len, kept } = begin;
        Self {
            name: name.into(),
            other_names,
            identity,
            is_operator,
            ended: false,
            start,
            head_at_begin: head,
            max_entry_len,
            posts: Vec::new(),
            stored_up_to: 0,
            stored_in: Vec::new(),
            refused: BTreeSet::new(),
            store: kept,
            joined: false,
            reset: false,
            resetting: false,
            gap: None,
            head_at_join: 0,
        }
    }

    /// Whether its identity may have this name as the first one in the log of the room.
    pub(super) fn is_first_name(&self, name: &str) -> bool {
        may_become(&self.name, name) || self.other_names.iter().any(|other| other == name)
    }

    /// A head that the log had reached when the server sent what arrives now.
    pub(super) fn known_head(&self) -> u64 {
        self.store.as_ref().map_or(0, |store| store.cursor).max(self.head_at_join)
    }

    /// The post of this number.
    #[must_use]
    pub fn post(&self, number: u64) -> Option<&SubmittedPost> {
        self.posts.get(usize::try_from(number.checked_sub(1)?).ok()?)
    }

    /// Number of its posts.
    #[must_use]
    pub fn posts(&self) -> u64 {
        self.posts.len() as u64
    }

    /// Whether the process saw this post refused.
    #[must_use]
    pub fn is_refused(&self, number: u64) -> bool {
        self.refused.contains(&number)
    }

    /// Number of posts that it saw neither stored nor refused.
    #[must_use]
    pub fn unsettled(&self) -> u64 {
        let refused = self.refused.range(self.stored_up_to + 1..).count() as u64;
        self.posts() - self.stored_up_to - refused
    }

    /// The entries delivered so far.
    #[must_use]
    pub fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// Whether it was admitted at least once.
    #[must_use]
    pub fn has_joined(&self) -> bool {
        self.joined
    }

    /// The lineage that its connection reads.
    pub(super) fn lineage(&self) -> usize {
        self.store.as_ref().map_or(0, |store| store.lineage)
    }

    pub(super) fn posted(&mut self, number: u64, kind: u8, body: &[u8]) -> Checked {
        self.posts.push(SubmittedPost { kind, body: body.into() });
        demand!(number == self.posts(), Contract, "post {} was numbered {number}", self.posts());
        Ok(())
    }

    /// Numbers that must be in the log when *stored* up to `number` was reported.
    pub(super) fn claimed_by(&self, number: u64) -> Vec<u64> {
        (self.stored_up_to + 1..=number).filter(|number| !self.is_refused(*number)).collect()
    }

    pub(super) fn stored(&mut self, id: ProcessId, number: u64, seq: u64, log: &Log) -> Checked {
        demand!(number <= self.posts(), S2, "process {id} saw {number} stored, but posted only {}", self.posts());
        demand!(!self.is_refused(number), S2, "process {id} saw {number} stored after it was refused");
        for number in self.claimed_by(number) {
            let there = log.place(PostId { process: id, number }).is_some();
            demand!(there, S2, "post {number} of process {id} was seen stored and is not in the log");
        }
        if seq != 0 {
            let place = log.place(PostId { process: id, number });
            demand!(place == Some(seq), S2, "post {number} of process {id} was seen stored as {seq}, but is {place:?}");
        }
        self.stored_up_to = self.stored_up_to.max(number);
        self.stored_in.resize(self.stored_up_to as usize, self.lineage());
        Ok(())
    }

    pub(super) fn refused(&mut self, id: ProcessId, number: u64, log: &Log) -> Checked {
        demand!((1..=self.posts()).contains(&number), S2, "process {id} saw {number} refused, which it never posted");
        let place = log.place(PostId { process: id, number });
        demand!(place.is_none(), S2, "post {number} of process {id} was seen refused, but is entry {place:?}");
        demand!(number > self.stored_up_to, S2, "process {id} saw {number} refused after it was stored");
        self.refused.insert(number);
        Ok(())
    }

    pub(super) fn reset(&mut self) -> Checked {
        demand!(self.store.is_some(), S4, "a Reset arrived for an empty store");
        self.resetting = true;
        Ok(())
    }

    pub(super) fn gap(&mut self, after: u64, first: u64) -> Checked {
        let cursor = self.store.as_ref().map(|store| store.cursor);
        demand!(cursor == Some(after), S4, "a gap after {after} was reported, but the cursor is {cursor:?}");
        self.gap = Some((after, first));
        Ok(())
    }

    /// `cut`: where the lineages of the store and of the connection branch, if they differ.
    pub(super) fn joined(&mut self, at: Welcomed, log: &Log, cut: Option<u64>) -> Checked {
        let Welcomed { id, start, head, ref firsts, term, resumed, lineage } = at;
        let (reset, gap) = (std::mem::take(&mut self.resetting), self.gap.take());
        demand!(
            head <= log.head(),
            S5,
            "process {id} was informed of head {head}; the durable log ends at {}",
            log.head()
        );
        demand!(start <= head, S4, "process {id} starts at {start}, after the head {head}");
        match self.store.take() {
            Some(store) if !reset => {
                let Store { cursor, term: known, .. } = store;
                demand!(
                    log.is_valid(cursor, known),
                    S4,
                    "the cursor ({cursor}, {known:?}) of process {id} is not valid, but no Reset arrived"
                );
                demand!(
                    cut.is_none_or(|cut| cursor <= cut),
                    S4,
                    "the store of process {id} holds entries up to {cursor}, of which those above {cut:?} were replaced, but no Reset arrived"
                );
                let reported = gap.map(|(_, first)| first);
                let is_due = |first: u64| (first > cursor + 1).then_some(first) == reported;
                demand!(
                    firsts.iter().any(|first| is_due(*first)),
                    S4,
                    "process {id} at {cursor} reported a gap before {reported:?}, but the log began at one of {firsts:?}"
                );
                let expected = reported.map_or(cursor, |first| first - 1);
                demand!(start == expected, S4, "the store of process {id} ends at {expected}; it resumes at {start}");
                let entries = if gap.is_some() { Vec::new() } else { store.entries };
                let from = if gap.is_some() { start } else { store.start };
                self.store = Some(Store { start: from, cursor: start, term, lineage, entries });
            }
            before => {
                if let Some(store) = before {
                    let valid = log.is_valid(store.cursor, store.term);
                    demand!(
                        !valid,
                        S4,
                        "process {id} was reset though its cursor ({}, {:?}) is valid",
                        store.cursor,
                        store.term
                    );
                    self.reset = true;
                }
                self.check_first_start(&at, reset)?;
                self.store = Some(Store { start, cursor: start, term, lineage, entries: Vec::new() });
            }
        }
        demand!(!resumed || (self.joined && !reset), S4, "process {id} reported that it resumed, but it did not");
        (self.joined, self.head_at_join) = (true, head);
        Ok(())
    }

    /// Checks where delivery begins when there is no cursor.
    fn check_first_start(&self, at: &Welcomed, reset: bool) -> Checked {
        let Welcomed { id, start, head, ref firsts, .. } = *at;
        let count = match self.start {
            Start::Head => 0,
            Start::Last(count) | Start::After { fallback_count: count, .. } => u64::from(count),
        };
        // The start is fixed when the Join is admitted; the head is that of a later moment.
        let latest = head.saturating_sub(count);
        let earliest = self.head_at_begin.min(head).saturating_sub(count);
        let fits = |first: &u64| (earliest.max(first - 1)..=latest.max(first - 1)).contains(&start);
        demand!(
            firsts.iter().any(fits),
            S4,
            "process {id} requested the last {count} entries of {head} (reset: {reset}, first: {firsts:?}) and starts at {start}"
        );
        Ok(())
    }

    pub(super) fn delivered(
        &mut self,
        id: ProcessId,
        header: &EntryHeader<'_>,
        body: Body<'_>,
        own: Option<bool>,
        log: &Log,
    ) -> Checked {
        demand!(self.joined && !self.resetting, S4, "process {id} received entry {} before it joined", header.seq);
        let known = self.known_head();
        let Some(store) = &mut self.store else { return Ok(()) };
        demand!(
            header.seq == store.cursor + 1,
            S4,
            "process {id} received entry {} after entry {}",
            header.seq,
            store.cursor
        );
        log.holds(header, body, known)?;
        let len = match body {
            Body::Bytes(bytes) => bytes.len(),
            Body::Stub(size) => usize::from(size),
        };
        let is_stub = matches!(body, Body::Stub(_));
        let fits = len <= usize::from(self.max_entry_len);
        demand!(
            is_stub != fits,
            S4,
            "an entry of {len} bytes (stub: {is_stub}) was delivered to process {id}, which accepts {}",
            self.max_entry_len
        );
        if let Some((own, place)) = own.zip(log.owner(header.seq)) {
            demand!(
                !own || place.process == id,
                S4,
                "entry {} is not of process {id}, but was delivered as its own",
                header.seq
            );
            let disowned = !own && place.process == id && !self.reset;
            demand!(!disowned, S4, "entry {} is of process {id}, but was not delivered as its own", header.seq);
        }
        store.cursor = header.seq;
        store.entries.push(fingerprint(header.seq, header.instance, header.number, header.time_ms, len));
        Ok(())
    }

    /// `lineage`: that of `log`.
    pub(super) fn settled(&self, id: ProcessId, log: &Log, lineage: usize) -> Checked {
        demand!(self.joined, Liveness, "process {id} never joined");
        // The cursor in an older log may have the same seq.
        demand!(self.lineage() == lineage, Liveness, "process {id} did not join since a log was restored");
        demand!(self.unsettled() == 0, Liveness, "{} posts of process {id} are not settled", self.unsettled());
        let cursor = self.store.as_ref().map(|store| store.cursor);
        demand!(cursor == Some(log.head()), Liveness, "process {id} is at {cursor:?}; the log ends at {}", log.head());
        Ok(())
    }

    /// Checks S2 and S4 from the logs and the state of the process alone.
    pub(super) fn check(&self, id: ProcessId, lineages: &[Log]) -> Checked {
        let last = lineages.len() - 1;
        let log = &lineages[last];
        for number in 1..=self.posts() {
            let place = log.place(PostId { process: id, number });
            let seen_here = self.stored_in.get(number as usize - 1) == Some(&last);
            if self.is_refused(number) {
                demand!(place.is_none(), S2, "post {number} of process {id} was refused, but is entry {place:?}");
            } else if seen_here {
                demand!(place.is_some(), S2, "post {number} of process {id} was seen stored, but is not in the log");
            }
        }
        let Some(store) = &self.store else { return Ok(()) };
        let log = &lineages[store.lineage];
        let seqs = store.start + 1..=store.cursor;
        let is_complete = seqs.clone().count() == store.entries.len();
        let same = is_complete && seqs.zip(&store.entries).all(|(seq, kept)| log.is_fingerprint(seq, *kept));
        demand!(same, S4, "the store of process {id} from {} to {} is not the log", store.start, store.cursor);
        Ok(())
    }
}

/// The fields of a Welcome.
#[derive(Clone, Debug)]
pub(super) struct Welcomed {
    pub(super) id: ProcessId,
    pub(super) start: u64,
    pub(super) head: u64,
    /// The values that `first` may have.
    pub(super) firsts: Vec<u64>,
    pub(super) term: Term,
    pub(super) resumed: bool,
    pub(super) lineage: usize,
}

impl Store {
    /// Checks that these are its entries.
    pub(super) fn check_file(&self, log: &Log, entries: &[FileEntry]) -> Checked {
        let seqs: Vec<u64> = entries.iter().map(|entry| entry.seq).collect();
        let is_whole = seqs.iter().copied().eq(self.start + 1..=self.cursor);
        demand!(is_whole, S4, "a file has {seqs:?} of the entries after {} up to {}", self.start, self.cursor);
        // The file has no later time than this one.
        let latest = i64::MAX.cast_unsigned();
        let kept = |it: &FileEntry| {
            let time_ms = log.get(it.seq).map_or(0, |entry| entry.time_ms);
            let time_ms = if it.time_ms == latest && time_ms > latest { time_ms } else { it.time_ms };
            fingerprint(it.seq, it.instance, it.number, time_ms, it.len)
        };
        let other = entries.iter().find(|it| !log.is_fingerprint(it.seq, kept(it)));
        demand!(other.is_none(), S4, "a file has {other:?}, which is not that of the log");
        Ok(())
    }

    pub(super) fn cursor(&self) -> u64 {
        self.cursor
    }

    pub(super) fn lineage(&self) -> usize {
        self.lineage
    }
}

/// Enough to distinguish entries later; their bytes were compared on delivery.
pub(super) fn fingerprint(seq: u64, instance: u64, number: u64, time_ms: u64, len: usize) -> u64 {
    let mut mixed = 0u64;
    for part in [seq, instance, number, time_ms, len as u64] {
        mixed = (mixed.rotate_left(23) ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    mixed
}
