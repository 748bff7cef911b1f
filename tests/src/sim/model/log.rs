//! The durable log: it has no gaps, each post is in it at most once and in order (S1, S3), and
//! nothing in it changes but bodies that are removed (see `removals`).

use std::collections::{BTreeMap, BTreeSet};

use kabar_core::chat::{ENTRY_OVERHEAD, EntryHeader, EntryKind, Term};
use kabar_core::time::Duration;

use super::people::People;
use super::process::fingerprint;
use super::removals::Removals;
use super::room_record::Kept;
use super::sanctions::InForce;
use super::{Body, Bytes, Checked, PostId, Process, ProcessId, content_hash, demand};

/// The identity of the adversary.
pub const ADVERSARY: usize = usize::MAX;

/// An entry that became durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Position, from 1.
    pub seq: u64,
    /// Time in ms since 1970.
    pub time_ms: u64,
    /// Name of the author.
    pub author: String,
    /// Instance of the author; 0 = the server.
    pub instance: u64,
    /// Number in the instance.
    pub number: u64,
    /// Kind of the entry.
    pub kind: u8,
    /// The body.
    pub body: Bytes,
}

/// One lineage of the room's log.
#[derive(Clone, Debug, Default)]
pub struct Log {
    entries: Vec<Committed>,
    /// Terms in their order, each with the seq of its first entry, present or future.
    terms: Vec<(Term, u64)>,
    instances: BTreeMap<u64, Instance>,
    /// The seq of each post. Posts whose owner is still ambiguous are not here.
    places: BTreeMap<PostId, u64>,
    /// The smallest seq that is kept, and the head when it became that: every value so far.
    firsts: Vec<(u64, u64)>,
    adversary: Option<&'static str>,
    people: People,
    pub(in crate::sim) removals: Removals,
    pub(super) sanctions: InForce,
}

/// The facts about an instance that follow from its entries.
#[derive(Clone, Debug, Default)]
struct Instance {
    highest: u64,
    /// Possible owners: the process, and what to add to a number here to get the process's own.
    owners: BTreeSet<(ProcessId, u64)>,
    /// Seqs and numbers of its entries.
    entries: Vec<(u64, u64)>,
    is_adversary: bool,
}

impl Log {
    pub(super) fn new(adversary: Option<&'static str>) -> Self {
        Self { adversary, ..Self::default() }
    }

    /// The largest seq.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.entries.len() as u64
    }

    /// The entry at `seq`.
    #[must_use]
    pub fn get(&self, seq: u64) -> Option<&Committed> {
        self.entries.get(usize::try_from(seq.checked_sub(1)?).ok()?)
    }

    /// All entries, including those that are no longer kept.
    #[must_use]
    pub fn entries(&self) -> &[Committed] {
        &self.entries
    }

    /// The smallest seq that is kept.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.firsts.last().map_or(1, |(_, first)| *first)
    }

    pub(super) fn forget_before(&mut self, first: u64) {
        if first != self.first() {
            self.firsts.push((self.head(), first));
        }
    }

    /// Whether entry `seq` must go now.
    pub(in crate::sim) fn is_surplus(&self, seq: u64, kept: Kept) -> bool {
        self.exceeds(seq, Kept { age: Duration::ZERO, ..kept }, |seq| self.get(seq))
    }

    /// Whether entry `seq` may have had to go, now or earlier: it may have been too old, as the
    /// clock may jump, and bodies may have been removed since.
    pub(super) fn was_surplus(&self, seq: u64, kept: Kept) -> bool {
        let before = |seq| self.removals.before(seq).map(|(_, entry)| entry).or_else(|| self.get(seq));
        self.exceeds(seq, kept, before)
    }

    fn exceeds<'a>(&self, seq: u64, kept: Kept, get: impl Fn(u64) -> Option<&'a Committed>) -> bool {
        let Kept { age, entries, bytes } = kept;
        let len = |seq| get(seq).map_or(0, |entry| entry.body.len() + ENTRY_OVERHEAD);
        let is_over = |kept: u64, limit: u64| limit > 0 && kept > limit;
        age > Duration::ZERO
            || is_over(self.head() + 1 - seq, entries)
            || (bytes > 0 && is_over((seq..=self.head()).map(len).sum::<usize>() as u64, bytes))
    }

    /// The number of values that [`Self::first`] had.
    pub(super) fn count_firsts(&self) -> usize {
        self.firsts.len()
    }

    /// The values of `first` that a Welcome may state in a run at whose beginning there were
    /// `count` of them, if it states `head`. A later value than that of the head is possible: the
    /// head is that of the moment at which the Join was complete.
    pub(super) fn firsts(&self, count: usize, head: u64) -> Vec<u64> {
        let passed = self.firsts.partition_point(|(at, _)| *at < head);
        let from = passed.max(count);
        let before = from.checked_sub(1).map_or(1, |at| self.firsts[at].1);
        std::iter::once(before).chain(self.firsts.iter().skip(from).map(|(_, first)| *first)).collect()
    }

    /// The known terms.
    pub fn terms(&self) -> impl Iterator<Item = Term> + '_ {
        self.terms.iter().map(|(term, _)| *term)
    }

    /// Whether After(seq, term) is valid: the term is known and seq not beyond its last entry (SPEC
    /// 7).
    #[must_use]
    pub fn is_valid(&self, seq: u64, term: Term) -> bool {
        let Some(at) = self.terms.iter().position(|(known, _)| *known == term) else { return false };
        let last = self.terms.get(at + 1).map_or(self.head(), |(_, next_first)| next_first - 1);
        seq <= last
    }

    /// Whether an entry after `head` gives the identity of `process` the name `name`.
    pub(super) fn has_renamed(&self, head: u64, process: &Process, name: &str) -> bool {
        let after = self.entries.iter().skip(head as usize);
        after.filter(|entry| EntryKind(entry.kind) == EntryKind::RENAMED).any(|entry| {
            process.is_first_name(self.people.first_name(&entry.author)) && *entry.body == *name.as_bytes()
        })
    }

    /// The seq of `post`, as far as that is certain.
    #[must_use]
    pub fn place(&self, post: PostId) -> Option<u64> {
        self.places.get(&post).copied()
    }

    /// The post that entry `seq` is, as far as that is certain.
    pub(in crate::sim) fn owner(&self, seq: u64) -> Option<PostId> {
        let instance = self.instances.get(&self.get(seq)?.instance)?;
        let (process, base) = (instance.owners.len() == 1).then(|| instance.owners.first().copied())??;
        Some(PostId { process, number: self.get(seq)?.number + base })
    }

    /// Whether this is the [`fingerprint`] of entry `seq`, before or after its body was removed.
    pub(super) fn is_fingerprint(&self, seq: u64, kept: u64) -> bool {
        let Some(entry) = self.get(seq) else { return false };
        let of = |len| fingerprint(entry.seq, entry.instance, entry.number, entry.time_ms, len);
        of(entry.body.len()) == kept || self.removals.other_lens(seq).any(|len| of(len) == kept)
    }

    pub(super) fn begin_term(&mut self, term: Term) {
        self.terms.push((term, self.head() + 1));
    }

    /// The log up to `head`, with those of `terms` that it contains.
    pub(super) fn cut(&self, head: u64, terms: &[Term]) -> Self {
        let mut log = Self { terms: self.terms.clone(), adversary: self.adversary, ..Self::default() };
        log.terms.retain(|(term, _)| terms.contains(term));
        log.entries = self.entries.iter().take(head as usize).cloned().collect();
        log.removals = self.removals.cut(head, &mut log.entries);
        for entry in log.entries.iter().filter(|entry| entry.instance == 0) {
            let _ = log.people.note(entry, &|_, _| true);
        }
        log.places = self.places.iter().filter(|(_, seq)| **seq <= head).map(|(post, seq)| (*post, *seq)).collect();
        for (id, instance) in &self.instances {
            let entries: Vec<_> = instance.entries.iter().copied().filter(|(seq, _)| *seq <= head).collect();
            if let Some((_, highest)) = entries.last() {
                let owners = instance.owners.clone();
                log.instances
                    .insert(*id, Instance { highest: *highest, owners, entries, is_adversary: instance.is_adversary });
            }
        }
        log
    }

    /// Appends an entry; checks S1 and S3.
    pub(super) fn append(
        &mut self,
        entry: Committed,
        processes: &[Process],
        by_content: &BTreeMap<u64, Vec<PostId>>,
    ) -> Checked {
        demand!(entry.seq == self.head() + 1, Log, "entry {} follows entry {}", entry.seq, self.head());
        if entry.instance == 0 {
            demand!(
                !EntryKind(entry.kind).is_postable(),
                S1,
                "entry {} of the server has kind {}",
                entry.seq,
                entry.kind
            );
            let are_same = |one: &str, other: &str| {
                processes.iter().any(|process| process.is_first_name(one) && process.is_first_name(other))
            };
            self.people.note(&entry, &are_same)?;
            demand!(entry.number == 0, S1, "entry {} of the server has number {}", entry.seq, entry.number);
            if EntryKind(entry.kind) == EntryKind::REMOVAL {
                self.remove_body(&entry, processes)?;
            }
        } else {
            demand!(EntryKind(entry.kind).is_postable(), S1, "entry {} of a member has kind {}", entry.seq, entry.kind);
            self.attribute(&entry, processes, by_content)?;
            let identities = self.identities_of(entry.instance, processes);
            self.sanctions.check(&entry, &identities)?;
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Takes the body of an entry from the log.
    fn remove_body(&mut self, removal: &Committed, processes: &[Process]) -> Checked {
        let seq = removal.body.first_chunk().map_or(0, |seq| u64::from_be_bytes(*seq));
        let (by, first) = (removal.seq, self.first());
        demand!((first..by).contains(&seq), Removal, "entry {by} removes {seq}, but the log begins at {first}");
        let may_remove = self.may_remove(seq, &removal.author, processes);
        demand!(may_remove, Removal, "entry {by}: {} removes entry {seq} of somebody else", removal.author);
        self.removals.remove(by, &mut self.entries[seq as usize - 1])
    }

    /// Whether somebody may remove an entry: the server, its author or an operator.
    fn may_remove(&self, seq: u64, name: &str, processes: &[Process]) -> bool {
        let Some(entry) = self.get(seq) else { return false };
        let instance = self.instances.get(&entry.instance);
        if self.adversary == Some(name) {
            return instance.is_some_and(|instance| instance.is_adversary);
        }
        let is_process = |process: &Process| process.is_first_name(self.people.first_name(name));
        let is_author =
            instance.is_some_and(|it| it.owners.iter().any(|(process, _)| is_process(&processes[*process])));
        name == "server" || is_author || processes.iter().any(|process| process.is_operator && is_process(process))
    }

    /// The identities to which an instance may belong.
    fn identities_of(&self, instance: u64, processes: &[Process]) -> BTreeSet<usize> {
        let Some(instance) = self.instances.get(&instance) else { return BTreeSet::new() };
        if instance.is_adversary {
            return BTreeSet::from([ADVERSARY]);
        }
        instance.owners.iter().map(|(process, _)| processes[*process].identity).collect()
    }

    /// Finds the process whose post `entry` is; a violation if there is none under exactly that
    /// number.
    fn attribute(
        &mut self,
        entry: &Committed,
        processes: &[Process],
        by_content: &BTreeMap<u64, Vec<PostId>>,
    ) -> Checked {
        let (seq, number) = (entry.seq, entry.number);
        let fits = |process: ProcessId, own_number: u64| {
            let process = &processes[process];
            process.is_first_name(self.people.first_name(&entry.author))
                && process.post(own_number).is_some_and(|p| p.kind == entry.kind && p.body == entry.body)
        };
        demand!(number > 0, S1, "entry {seq} has number 0 of instance {:x}", entry.instance);
        let instance = self.instances.entry(entry.instance).or_default();
        demand!(
            number > instance.highest,
            S3,
            "entry {seq} is number {number} of instance {:x} after number {}",
            entry.instance,
            instance.highest
        );
        let is_adversary = self.adversary == Some(entry.author.as_str());
        if is_adversary {
            let is_own = instance.is_adversary || instance.entries.is_empty();
            demand!(is_own, S1, "entry {seq} is by {} under the instance of somebody else", entry.author);
            instance.is_adversary = true;
            instance.highest = number;
            instance.entries.push((seq, number));
            return Ok(());
        }
        if instance.entries.is_empty() {
            let known = by_content.get(&content_hash(entry.kind, &entry.body)).map_or(&[][..], Vec::as_slice);
            let owners = known.iter().filter(|post| post.number >= number && fits(post.process, post.number));
            instance.owners = owners.map(|post| (post.process, post.number - number)).collect();
        } else {
            instance.owners.retain(|(process, base)| fits(*process, number + base));
        }
        instance.highest = number;
        instance.entries.push((seq, number));
        demand!(
            !instance.owners.is_empty(),
            S1,
            "entry {seq} by {:?} (number {number} of instance {:x}, {} bytes) is not what was posted under it",
            entry.author,
            entry.instance,
            entry.body.len()
        );
        if instance.owners.len() == 1 {
            self.settle_owner(entry.instance, processes)?;
        }
        Ok(())
    }

    /// The instance has one owner: each of its entries is exactly one post.
    fn settle_owner(&mut self, id: u64, processes: &[Process]) -> Checked {
        let Some(instance) = self.instances.get(&id) else { return Ok(()) };
        let Some(&(process, base)) = instance.owners.first() else { return Ok(()) };
        for &(seq, number) in instance.entries.iter().rev() {
            let post = PostId { process, number: number + base };
            match self.places.insert(post, seq) {
                None => {}
                Some(place) if place == seq => break,
                Some(place) => demand!(false, S1, "post {post:?} is in the log twice, as {place} and {seq}"),
            }
            demand!(!processes[process].is_refused(post.number), S2, "{post:?} was seen refused and is entry {seq}");
            let mine = |other: &(&PostId, &u64)| other.0.process == process;
            let before = self.places.range(..post).next_back().filter(mine).map(|(_, place)| *place);
            let after = self.places.range(post..).nth(1).filter(mine).map(|(_, place)| *place);
            let rises = before.is_none_or(|before| before < seq) && after.is_none_or(|after| seq < after);
            demand!(rises, S3, "{post:?} is entry {seq}; the posts before and after it are {before:?} and {after:?}");
        }
        Ok(())
    }

    /// The seq of `post`. Claims an ambiguous instance for its process.
    pub(super) fn claim(&mut self, post: PostId, processes: &[Process]) -> Option<u64> {
        if let Some(seq) = self.places.get(&post) {
            return Some(*seq);
        }
        let (id, base) = self.instances.iter().find_map(|(id, instance)| {
            let base = instance.owners.iter().find(|(process, base)| {
                *process == post.process && instance.entries.iter().any(|(_, number)| number + base == post.number)
            })?;
            (instance.owners.len() > 1).then_some((*id, *base))
        })?;
        if let Some(instance) = self.instances.get_mut(&id) {
            instance.owners = BTreeSet::from([base]);
        }
        self.settle_owner(id, processes).ok()?;
        self.places.get(&post).copied()
    }

    /// Checks that a delivered entry is exactly what is durable (S5; content: S4). It was sent when
    /// the log had reached `known` at least.
    pub(super) fn holds(&self, header: &EntryHeader<'_>, body: Body<'_>, known: u64) -> Checked {
        let before = self.removals.before(header.seq).filter(|_| header.kind != EntryKind::REMOVED);
        if let Some((removal, _)) = before {
            demand!(
                known < removal,
                Removal,
                "the body of entry {} was delivered after its removal, entry {removal}, when the log had reached {known}",
                header.seq
            );
        }
        let Some(entry) = before.map(|(_, entry)| entry).or_else(|| self.get(header.seq)) else {
            return Err(super::Violation::new(
                super::Rule::S5,
                format!("entry {} was delivered; the durable log ends at {}", header.seq, self.head()),
            ));
        };
        let same_head = entry.time_ms == header.time_ms
            && entry.author == header.author
            && entry.instance == header.instance
            && entry.number == header.number
            && entry.kind == header.kind.0;
        demand!(same_head, S4, "entry {} was delivered as {header:?}, but is {entry:?}", header.seq);
        match body {
            Body::Bytes(bytes) => {
                demand!(*entry.body == *bytes, S4, "entry {} was delivered with another body", header.seq)
            }
            Body::Stub(size) => demand!(
                entry.body.len() == usize::from(size),
                S4,
                "entry {} has {} bytes; its stub says {size}",
                header.seq,
                entry.body.len()
            ),
        }
        Ok(())
    }

    /// Checks that the entries that a store returned are this log.
    pub(super) fn is(&self, read: &[Committed]) -> Checked {
        let kept = &self.entries[(self.first() - 1) as usize..];
        for (ours, theirs) in kept.iter().zip(read) {
            demand!(ours == theirs, Log, "entry {} changed: it was {ours:?} and is {theirs:?}", ours.seq);
        }
        demand!(read.len() == kept.len(), Log, "{} entries of {} are readable", read.len(), kept.len());
        Ok(())
    }

    /// Checks S1 and S3 over the whole log, from the log and the posts alone.
    pub(super) fn check(&self, processes: &[Process]) -> Checked {
        let mut last_of_instance = BTreeMap::new();
        for entry in self.entries.iter().filter(|entry| entry.instance != 0) {
            let last = last_of_instance.insert(entry.instance, entry.number).unwrap_or(0);
            demand!(entry.number > last, S3, "entry {} has number {} after {last}", entry.seq, entry.number);
        }
        let mut seqs = BTreeSet::new();
        for (post, seq) in &self.places {
            demand!(seqs.insert(seq), S1, "entry {seq} is two posts");
            let entry = self.removals.before(*seq).map(|(_, entry)| entry).or_else(|| self.get(*seq));
            let same = entry.zip(processes[post.process].post(post.number));
            let same = same.is_some_and(|(entry, posted)| entry.body == posted.body && entry.kind == posted.kind);
            demand!(same, S1, "entry {seq} is not {post:?}");
        }
        Ok(())
    }
}
