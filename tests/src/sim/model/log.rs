//! The durable log: it has no gaps, nothing in it changes, and each post is in it at most once and
//! in order (S1, S3).

use std::collections::{BTreeMap, BTreeSet};

use kabar_core::chat::{EntryHeader, EntryKind, Term};

use super::people::{People, may_become};
use super::process::fingerprint;
use super::{Body, Bytes, Checked, PostId, Process, ProcessId, content_hash, demand};

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
    /// Smallest seq that was not removed; 0 = nothing was removed.
    first: u64,
    adversary: Option<&'static str>,
    people: People,
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

    /// All entries, including removed ones.
    #[must_use]
    pub fn entries(&self) -> &[Committed] {
        &self.entries
    }

    /// The smallest seq that was not removed.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.first.max(1)
    }

    pub(super) fn forget_before(&mut self, first: u64) {
        self.first = first;
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

    /// Whether an entry after `head` gives the identity whose first name is `first` the name
    /// `name`.
    pub(super) fn has_renamed(&self, head: u64, first: &str, name: &str) -> bool {
        let after = self.entries.iter().skip(head as usize);
        after
            .filter(|entry| EntryKind(entry.kind) == EntryKind::RENAMED)
            .any(|entry| may_become(first, self.people.first_name(&entry.author)) && *entry.body == *name.as_bytes())
    }

    /// The seq of `post`, as far as that is certain.
    #[must_use]
    pub fn place(&self, post: PostId) -> Option<u64> {
        self.places.get(&post).copied()
    }

    /// The post that entry `seq` is, as far as that is certain.
    pub(super) fn owner(&self, seq: u64) -> Option<PostId> {
        let instance = self.instances.get(&self.get(seq)?.instance)?;
        let (process, base) = (instance.owners.len() == 1).then(|| instance.owners.first().copied())??;
        Some(PostId { process, number: self.get(seq)?.number + base })
    }

    /// See [`fingerprint`].
    pub(super) fn fingerprint_of(entry: &Committed) -> u64 {
        fingerprint(entry.seq, entry.instance, entry.number, entry.time_ms, entry.body.len())
    }

    pub(super) fn begin_term(&mut self, term: Term) {
        self.terms.push((term, self.head() + 1));
    }

    /// The log up to `head`, with those of `terms` that it contains.
    pub(super) fn cut(&self, head: u64, terms: &[Term]) -> Self {
        let mut log =
            Self { terms: self.terms.clone(), first: self.first, adversary: self.adversary, ..Self::default() };
        log.terms.retain(|(term, _)| terms.contains(term));
        log.entries = self.entries.iter().take(head as usize).cloned().collect();
        for entry in log.entries.iter().filter(|entry| entry.instance == 0) {
            let _ = log.people.note(entry);
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
            self.people.note(&entry)?;
            demand!(entry.number == 0, S1, "entry {} of the server has number {}", entry.seq, entry.number);
        } else {
            demand!(EntryKind(entry.kind).is_postable(), S1, "entry {} of a member has kind {}", entry.seq, entry.kind);
            self.attribute(&entry, processes, by_content)?;
        }
        self.entries.push(entry);
        Ok(())
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
            may_become(&process.name, self.people.first_name(&entry.author))
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

    /// Checks that a delivered entry is exactly what is durable (S5; content: S4).
    pub(super) fn holds(&self, header: &EntryHeader<'_>, body: Body<'_>) -> Checked {
        let Some(entry) = self.get(header.seq) else {
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
            let same = self.get(*seq).zip(processes[post.process].post(post.number));
            let same = same.is_some_and(|(entry, posted)| entry.body == posted.body && entry.kind == posted.kind);
            demand!(same, S1, "entry {seq} is not {post:?}");
        }
        Ok(())
    }
}
