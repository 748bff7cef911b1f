//! The reference model: the state that the log, the members' stores and the authors' posts must
//! have. It checks the rules S1 to S5 (SPEC 7) at every observation.
//!
//! Its inputs are the posts, the commits, and the reports of clients. It knows nothing of packets,
//! connections or time. Each observation is checked against everything before it, so in a history
//! that passes, S1 to S5 hold in every state.
//!
//! * [`Log`]: the durable entries, with S1 and S3, and the members that they report.
//! * [`Process`]: one run of a client, with its posts (S2) and its store (S4, S5).
//! * `removals`: bodies that were removed. `sanctions`: bans and mutes. `room_record`: topic,
//!   retention and end of a room. [`Admissions`]: invites, and whoever an operator let in.

mod admissions;
mod log;
mod people;
mod process;
mod removals;
mod room_record;
mod sanctions;
#[cfg(test)]
mod tests;

pub use admissions::Admissions;
pub use log::{ADVERSARY, Committed, Log};
pub(super) use people::may_become;
use process::Welcomed;
pub use process::{Begin, Process, Store, SubmittedPost};
pub use room_record::Kept;
pub use sanctions::{Sanctioned, sanction_number, sanction_reason};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kabar_core::chat::{EntryHeader, Term};
use kabar_server::store::{RoomBatch, RoomRecord};

use room_record::Decisions;
use sanctions::Sanctions;

/// The rule that was violated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// At most one entry per number, as it was posted; nothing else except entries of the server.
    S1,
    /// A post that was seen stored is in the log; one that was seen refused is not.
    S2,
    /// Numbers of one instance increase in the log.
    S3,
    /// A store is the log from its start to its cursor.
    S4,
    /// Delivered entries are durable.
    S5,
    /// A datagram that does not authenticate changes nothing.
    S6,
    /// The log has no gaps and its entries never change, except by a removal; only a surplus prefix
    /// of it goes.
    Log,
    /// A removed body never comes back, and is not delivered after the commit of its removal (SPEC
    /// 6.4).
    Removal,
    /// An identity has no entry after its ban or mute took effect.
    Sanction,
    /// Only operators operate the server, and what they decide about a room holds (SPEC 6.7).
    Operation,
    /// An invite that has ended admits nobody, and nobody is admitted whom an operator did not let
    /// in (SPEC 6.2).
    Admission,
    /// A name belongs to the identity that took it, and the log reports each presence and rename of
    /// a member once (SPEC 6.4, 6.6).
    Names,
    /// An entry names only a content that the server has, and a receiver holds only what is proven
    /// (SPEC 6.8, 10).
    Files,
    /// When the faults have stopped, everything settles.
    Liveness,
    /// Any other rule: the drive contract, the size of datagrams, the cost of strangers.
    Contract,
}

/// A violated rule, with a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// Description of the violation.
    pub description: String,
}

impl Violation {
    /// A violation of `rule`.
    #[must_use]
    pub fn new(rule: Rule, description: String) -> Self {
        Self { rule, description }
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.description)
    }
}

/// Returns a violation unless the condition holds.
macro_rules! demand {
    ($holds:expr, $rule:ident, $($description:tt)+) => {
        if !$holds {
            return Err($crate::sim::model::Violation::new($crate::sim::model::Rule::$rule, format!($($description)+)));
        }
    };
}
pub(crate) use demand;

/// The result of a check; a violation ends the simulation.
pub type Checked = Result<(), Violation>;

/// An entry in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Its seq.
    pub seq: u64,
    /// Its instance.
    pub instance: u64,
    /// Its number.
    pub number: u64,
    /// Its time in ms since 1970.
    pub time_ms: u64,
    /// The length of its body, which the file may not have.
    pub len: usize,
}

/// Identifies a process; counted over the whole simulation.
pub type ProcessId = usize;

/// Identifies a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PostId {
    /// The author's process.
    pub process: ProcessId,
    /// The number that `Client::post` returned.
    pub number: u64,
}

/// One run of the server.
#[derive(Clone, Copy, Debug)]
struct Run {
    lineage: usize,
    /// See [`Log::firsts`].
    firsts: usize,
}

/// All that was observed so far.
#[derive(Debug, Default)]
pub struct Model {
    /// The durable log, one per lineage: restoring an older log begins a new lineage. The last one
    /// is current.
    lineages: Vec<Log>,
    /// The head at which each later lineage branched off from the one before it.
    cuts: Vec<u64>,
    /// The lineage that each run of the server wrote. Packets of an earlier run may arrive late.
    runs: BTreeMap<Term, Run>,
    processes: Vec<Process>,
    /// Posts by the hash of kind and body, to find the author of an entry.
    by_content: BTreeMap<u64, Vec<PostId>>,
    sanctions: Sanctions,
    decisions: Decisions,
}

impl Model {
    /// An empty room, of whose log `kept` is kept. `adversary` is the name of a member that follows
    /// no rule: entries under it belong to no post.
    #[must_use]
    pub fn new(adversary: Option<&'static str>, kept: Kept) -> Self {
        Self { lineages: vec![Log::new(adversary)], decisions: Decisions::new(kept), ..Self::default() }
    }

    /// The current durable log.
    #[must_use]
    pub fn log(&self) -> &Log {
        self.lineages.last().expect("there is always one")
    }

    /// A process, by the id that [`Model::begin`] returned.
    #[must_use]
    pub fn process(&self, id: ProcessId) -> &Process {
        &self.processes[id]
    }

    /// All processes.
    #[must_use]
    pub fn processes(&self) -> &[Process] {
        &self.processes
    }

    /// Records that a run of the server began and that its term is durable.
    pub fn run_began(&mut self, term: Term) -> Checked {
        let lineage = self.lineages.len() - 1;
        let run = Run { lineage, firsts: self.log().count_firsts() };
        demand!(self.runs.insert(term, run).is_none(), Log, "term {term:?} was drawn twice");
        self.lineages[lineage].begin_term(term);
        Ok(())
    }

    /// Whether the term of this run is durable.
    #[must_use]
    pub fn knows_run(&self, term: Term) -> bool {
        self.runs.contains_key(&term)
    }

    /// Records that all entries below `first` went because the log exceeded what is kept of it.
    pub fn expired(&mut self, first: u64) -> Checked {
        let log = self.log();
        demand!(first >= log.first(), Log, "the log began at {}, and begins at {first} now", log.first());
        demand!(first <= log.head() + 1, Log, "the log begins at {first} and ends at {}", log.head());
        if let Some(last) = first.checked_sub(1).filter(|last| *last >= log.first()) {
            demand!(self.was_surplus(log, last), Log, "entry {last} is not kept any longer, and is no surplus");
        }
        self.forgot_before(first);
        Ok(())
    }

    /// Whether an entry of a log may have had to go, by any bound that was in effect.
    fn was_surplus(&self, log: &Log, seq: u64) -> bool {
        self.decisions.kept.iter().any(|kept| log.was_surplus(seq, *kept))
    }

    /// Whether the log of a process may have lost an entry.
    #[must_use]
    pub fn may_have_lost(&self, id: ProcessId, seq: u64) -> bool {
        let log = self.log_of(id);
        seq < log.first() || self.was_surplus(log, seq)
    }

    /// Records that an operator decided how much of the log is kept.
    pub fn bounded(&mut self, kept: Kept) {
        self.decisions.kept.push(kept);
    }

    /// Records that somebody created the room, or opened it again.
    pub fn opened(&mut self, topic: &str) {
        self.decisions.opened(topic);
    }

    /// Records that an operator closed the room.
    pub fn closed(&mut self) {
        self.decisions.was_closed = true;
    }

    /// Whether the room was closed at any time.
    #[must_use]
    pub fn was_closed(&self) -> bool {
        self.decisions.was_closed
    }

    /// The topic of the room, as committed.
    #[must_use]
    pub fn topic(&self) -> &str {
        self.decisions.topic()
    }

    /// Records a commit with this record of the room, and this part about it.
    pub fn decided(&mut self, record: Option<&RoomRecord>, batch: Option<&RoomBatch>) -> Checked {
        self.decisions.commit(record, batch)
    }

    /// Records that an older store was restored, with this record of the room.
    pub fn record_restored(&mut self, record: Option<&RoomRecord>, kept: Kept) {
        self.decisions.restored(record, kept);
    }

    /// Records that a server started with this record of the room.
    pub fn record_loaded(&self, record: Option<&RoomRecord>) -> Checked {
        self.decisions.check_loaded(record)
    }

    /// Records that an identity is an operator, or was one.
    pub fn appointed(&mut self, identity: usize) {
        let processes = self.processes.iter_mut().filter(|process| process.identity == identity);
        processes.for_each(|process| process.is_operator = true);
    }

    /// Records that all entries below `first` were removed between two runs.
    pub fn forgot_before(&mut self, first: u64) {
        self.lineages.last_mut().expect("there is always one").forget_before(first);
    }

    /// Records that an older log was restored: entries after `head` are gone, and so are the terms
    /// that the backup does not contain.
    pub fn restored(&mut self, head: u64, terms: &[Term]) {
        self.lineages.push(self.log().cut(head, terms));
        self.cuts.push(head);
    }

    /// Records that an entry became durable.
    pub fn committed(&mut self, entry: Committed) -> Checked {
        let log = self.lineages.last_mut().expect("there is always one");
        if let Some(marked) = self.sanctions.marked_by(&entry) {
            log.sanctions.begin(marked);
        }
        log.append(entry, &self.processes, &self.by_content)
    }

    /// Records that the operator imposed a sanction, with [`sanction_reason`] as its reason.
    pub fn imposed(&mut self, number: u32, sanctioned: Sanctioned) {
        self.sanctions.imposed(number, sanctioned);
    }

    /// Records that the operator lifted a sanction.
    pub fn lifted(&mut self, sanctioned: Sanctioned) {
        self.sanctions.lifted(sanctioned);
        self.lineages.last_mut().expect("there is always one").sanctions.end(sanctioned);
    }

    /// Records the sanctions that a server found in its store.
    pub fn sanctions_loaded(&mut self, loaded: BTreeSet<Sanctioned>) -> Checked {
        self.lineages.last_mut().expect("there is always one").sanctions.reload(loaded)
    }

    /// Whether a sanction is in force for certain.
    #[must_use]
    pub fn is_sanctioned(&self, sanctioned: Sanctioned) -> bool {
        self.log().sanctions.contains(sanctioned)
    }

    /// Records that a process began.
    pub fn begin(&mut self, begin: Begin<'_>) -> ProcessId {
        let head = self.log().head();
        self.processes.push(Process::new(begin, head));
        self.processes.len() - 1
    }

    /// Records that a process ended.
    pub fn end(&mut self, id: ProcessId) {
        self.processes[id].ended = true;
    }

    /// Records that a client accepted a post and returned `number`.
    pub fn posted(&mut self, id: ProcessId, number: u64, kind: u8, body: &[u8]) -> Checked {
        self.processes[id].posted(number, kind, body)?;
        let post = PostId { process: id, number };
        self.by_content.entry(content_hash(kind, body)).or_default().push(post);
        Ok(())
    }

    /// Records that a client reported *stored*.
    pub fn stored(&mut self, id: ProcessId, number: u64, seq: u64) -> Checked {
        let log = &mut self.lineages[self.processes[id].lineage()];
        for number in self.processes[id].claimed_by(number) {
            log.claim(PostId { process: id, number }, &self.processes);
        }
        self.processes[id].stored(id, number, seq, log)
    }

    /// Records that a client reported a refusal.
    pub fn refused(&mut self, id: ProcessId, number: u64) -> Checked {
        let log = &self.lineages[self.processes[id].lineage()];
        self.processes[id].refused(id, number, log)
    }

    /// Records that a client reported Reset.
    pub fn reset(&mut self, id: ProcessId) -> Checked {
        self.processes[id].reset()
    }

    /// Records that a client reported the removal of the entries between its cursor and `first`.
    pub fn gap(&mut self, id: ProcessId, after: u64, first: u64) -> Checked {
        self.processes[id].gap(after, first)
    }

    /// Records that a client joined, for the first time or again.
    pub fn joined(&mut self, id: ProcessId, start: u64, head: u64, term: Term, resumed: bool) -> Checked {
        let Some(&Run { lineage, firsts }) = self.runs.get(&term) else {
            return Err(Violation::new(
                Rule::S4,
                format!("process {id} joined in term {term:?}, which is not durable"),
            ));
        };
        let from = self.processes[id].store().map_or(lineage, Store::lineage);
        let cut = self.cuts.get(from..lineage).and_then(|cuts| cuts.iter().min()).copied();
        let firsts = self.lineages[lineage].firsts(firsts, head);
        let at = Welcomed { id, start, head, firsts, term, resumed, lineage };
        self.processes[id].joined(at, &self.lineages[lineage], cut)
    }

    /// Records that a client was informed that entries after its cursor are gone.
    pub fn lagged(&self, id: ProcessId) -> Checked {
        let (cursor, first) = (self.processes[id].store().map(Store::cursor), self.log_of(id).first());
        let has_lost = cursor.is_some_and(|cursor| cursor + 1 < first);
        demand!(has_lost, S4, "process {id} is at {cursor:?}, the log begins at {first}, and it had to join again");
        Ok(())
    }

    /// Records that an entry was delivered.
    pub fn delivered(&mut self, id: ProcessId, header: &EntryHeader<'_>, body: Body<'_>, own: Option<bool>) -> Checked {
        let lineage = self.processes[id].lineage();
        self.processes[id].delivered(id, header, body, own, &self.lineages[lineage])
    }

    /// Records that a client was answered that its member has the name `name`, for which it asked
    /// when the log ended at `head`.
    pub fn renamed(&self, id: ProcessId, head: u64, name: &str) -> Checked {
        let process = &self.processes[id];
        let is_in_log = self.lineages[process.lineage()].has_renamed(head, process, name);
        demand!(is_in_log, Names, "process {id} is {name} now, and no entry after {head} states it");
        Ok(())
    }

    /// Records an answer to History. It is not a delivery, but the entry must be in the log.
    pub fn history_entry(&mut self, id: ProcessId, header: &EntryHeader<'_>, body: &[u8]) -> Checked {
        let process = &self.processes[id];
        self.lineages[process.lineage()].holds(header, Body::Bytes(body), process.known_head())
    }

    /// The log that the connection of a process reads.
    #[must_use]
    pub fn log_of(&self, id: ProcessId) -> &Log {
        &self.lineages[self.processes[id].lineage()]
    }

    /// Records that a client was answered that entry `seq` is removed.
    pub fn removed(&self, id: ProcessId, seq: u64) -> Checked {
        let is_removed = self.log_of(id).removals.contains(seq);
        demand!(is_removed, Removal, "process {id} was answered that entry {seq} is removed, and it is not");
        Ok(())
    }

    /// Requires that the store of `id` holds the whole log from its start, and that all posts of
    /// `id` are settled.
    pub fn settled(&self, id: ProcessId) -> Checked {
        self.processes[id].settled(id, self.log(), self.lineages.len() - 1)
    }

    /// Checks that a file holds exactly the entries of a store. `place`: its start, cursor and
    /// term.
    pub fn check_file(&self, store: &Store, place: (u64, u64, Term), entries: &[FileEntry]) -> Checked {
        let expected = (store.start, store.cursor, store.term);
        demand!(place == expected, S4, "a file is at {place:?}, and its device saved {expected:?}");
        store.check_file(&self.lineages[store.lineage()], entries)
    }

    /// Checks everything again from the beginning: the durable log against the entries that a store
    /// returned (`read`), the members' stores against the log, and the authors' posts.
    pub fn check_all(&self, read: &[Committed]) -> Checked {
        self.log().is(read)?;
        self.log().check(&self.processes)?;
        for (id, process) in self.processes.iter().enumerate() {
            process.check(id, &self.lineages)?;
        }
        Ok(())
    }
}

/// The body of a delivered entry.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    /// The whole body.
    Bytes(&'a [u8]),
    /// Its size in bytes.
    Stub(u16),
}

/// The bytes of a body, shared.
pub type Bytes = Arc<[u8]>;

/// FNV-1a over kind and body.
#[must_use]
pub fn content_hash(kind: u8, body: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    body.iter().fold(step(0xcbf2_9ce4_8422_2325, &kind), step)
}
