//! The reference: what the log, the members' stores and the authors' posts must be, and the rules
//! S1 to S5 (SPEC 7) checked at every observation.
//!
//! It is told what was posted, what became durable, and what clients saw. It knows nothing of
//! packets, connections or time. Each observation is checked against everything before it, so a
//! history without an error holds S1 to S5 in every one of its states.
//!
//! * [`Log`]: what is durable, and S1 and S3 about it.
//! * [`Process`]: one run of a client: its posts (S2) and its store (S4, S5).

mod log;
mod process;
#[cfg(test)]
mod tests;

pub use log::{Committed, Log};
use process::Welcomed;
pub use process::{Posted, Process, Store};

use std::collections::BTreeMap;
use std::sync::Arc;

use kabar_core::chat::{EntryHeader, Start, Term};

/// Which promise was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// At most one entry per number, as it was posted; nothing else but what the server says.
    S1,
    /// What was seen stored is in the log; what was seen refused is not.
    S2,
    /// Numbers of one instance rise.
    S3,
    /// A store is the log from its start to its cursor.
    S4,
    /// What was delivered is durable.
    S5,
    /// What does not authenticate changes nothing.
    S6,
    /// The log has no gaps and its entries never change.
    Log,
    /// A name belongs to the identity that took it (SPEC 6.6).
    Names,
    /// After quiet everything settles.
    Liveness,
    /// Something else that is promised: the drive contract, the size of datagrams, what strangers
    /// cost.
    Contract,
}

/// A promise that was broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// How.
    pub what: String,
}

impl Violation {
    /// `rule` was broken like this.
    #[must_use]
    pub fn new(rule: Rule, what: String) -> Self {
        Self { rule, what }
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.what)
    }
}

/// Breaks off with a violation unless it holds.
macro_rules! demand {
    ($holds:expr, $rule:ident, $($what:tt)+) => {
        if !$holds {
            return Err($crate::sim::model::Violation::new($crate::sim::model::Rule::$rule, format!($($what)+)));
        }
    };
}
pub(crate) use demand;

/// A violation ends the simulation.
pub type Checked = Result<(), Violation>;

/// Which process; they are counted up over the whole simulation.
pub type ProcessId = usize;

/// Which post: its process and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PostId {
    /// Whose.
    pub process: ProcessId,
    /// As `Client::post` gave it.
    pub number: u64,
}

/// One run of the server.
#[derive(Clone, Copy, Debug)]
struct Run {
    lineage: usize,
    /// Smallest seq that was kept when it began.
    first: u64,
}

/// Everything that is known.
#[derive(Debug, Default)]
pub struct Model {
    /// The durable log, one per lineage: restoring an older log begins another one. The last is the
    /// present one.
    lineages: Vec<Log>,
    /// The head at which each later lineage parted from the one before it.
    cuts: Vec<u64>,
    /// Which lineage a run of the server wrote. Packets of an earlier run may arrive late.
    runs: BTreeMap<Term, Run>,
    processes: Vec<Process>,
    /// Posts by the hash of kind and body, to find out whose an entry is.
    by_content: BTreeMap<u64, Vec<PostId>>,
}

impl Model {
    /// An empty room. `adversary` is the name of somebody who keeps no rule: what is stored under
    /// it is nobody's post.
    #[must_use]
    pub fn new(adversary: Option<&'static str>) -> Self {
        Self { lineages: vec![Log::new(adversary)], ..Self::default() }
    }

    /// The durable log.
    #[must_use]
    pub fn log(&self) -> &Log {
        self.lineages.last().expect("there is always one")
    }

    /// A process, by the id that [`Model::begin`] gave.
    #[must_use]
    pub fn process(&self, id: ProcessId) -> &Process {
        &self.processes[id]
    }

    /// All processes.
    #[must_use]
    pub fn processes(&self) -> &[Process] {
        &self.processes
    }

    /// A run of the server began and its term is durable.
    pub fn run_began(&mut self, term: Term) -> Checked {
        let lineage = self.lineages.len() - 1;
        let run = Run { lineage, first: self.log().first() };
        demand!(self.runs.insert(term, run).is_none(), Log, "term {term:?} was drawn twice");
        self.lineages[lineage].begin_term(term);
        Ok(())
    }

    /// Whether this run's term is durable.
    #[must_use]
    pub fn knows_run(&self, term: Term) -> bool {
        self.runs.contains_key(&term)
    }

    /// Between two runs, all entries below `first` were removed.
    pub fn forgot_before(&mut self, first: u64) {
        self.lineages.last_mut().expect("there is always one").forget_before(first);
    }

    /// An older log was restored: what came after `head` is gone, and so are the terms that the
    /// backup does not know.
    pub fn restored(&mut self, head: u64, terms: &[Term]) {
        self.lineages.push(self.log().cut(head, terms));
        self.cuts.push(head);
    }

    /// An entry became durable.
    pub fn committed(&mut self, entry: Committed) -> Checked {
        let log = self.lineages.last_mut().expect("there is always one");
        log.append(entry, &self.processes, &self.by_content)
    }

    /// A process began. `kept` is the store that its device had kept.
    pub fn begin(&mut self, name: &str, start: Start, max_entry_len: u16, kept: Option<Store>) -> ProcessId {
        let head = self.log().head();
        self.processes.push(Process::new(name, start, head, max_entry_len, kept));
        self.processes.len() - 1
    }

    /// A process ended, for whatever reason. Its store is what [`Process::store`] says.
    pub fn end(&mut self, id: ProcessId) {
        self.processes[id].ended = true;
    }

    /// A client took a post and gave it `number`.
    pub fn posted(&mut self, id: ProcessId, number: u64, kind: u8, body: &[u8]) -> Checked {
        self.processes[id].posted(number, kind, body)?;
        let post = PostId { process: id, number };
        self.by_content.entry(content_hash(kind, body)).or_default().push(post);
        Ok(())
    }

    /// A client saw *stored*.
    pub fn stored(&mut self, id: ProcessId, number: u64, seq: u64) -> Checked {
        let log = &mut self.lineages[self.processes[id].lineage()];
        for number in self.processes[id].claimed_by(number) {
            log.claim(PostId { process: id, number }, &self.processes);
        }
        self.processes[id].stored(id, number, seq, log)
    }

    /// A client saw a refusal.
    pub fn refused(&mut self, id: ProcessId, number: u64) -> Checked {
        let log = &self.lineages[self.processes[id].lineage()];
        self.processes[id].refused(id, number, log)
    }

    /// A client saw Reset.
    pub fn reset(&mut self, id: ProcessId) -> Checked {
        self.processes[id].reset()
    }

    /// A client saw that entries between its cursor and `first` are no longer kept.
    pub fn gap(&mut self, id: ProcessId, after: u64, first: u64) -> Checked {
        self.processes[id].gap(after, first)
    }

    /// A client saw that it joined (again).
    pub fn joined(&mut self, id: ProcessId, start: u64, head: u64, term: Term, resumed: bool) -> Checked {
        let Some(&Run { lineage, first }) = self.runs.get(&term) else {
            return Err(Violation::new(
                Rule::S4,
                format!("process {id} joined in term {term:?}, which is not durable"),
            ));
        };
        let from = self.processes[id].store().map_or(lineage, Store::lineage);
        let cut = self.cuts.get(from..lineage).and_then(|cuts| cuts.iter().min()).copied();
        let at = Welcomed { id, start, head, first, term, resumed, lineage };
        self.processes[id].joined(at, &self.lineages[lineage], cut)
    }

    /// An entry was delivered; `body` is a stub's size or the bytes.
    pub fn delivered(&mut self, id: ProcessId, header: &EntryHeader<'_>, body: Body<'_>, own: Option<bool>) -> Checked {
        let lineage = self.processes[id].lineage();
        self.processes[id].delivered(id, header, body, own, &self.lineages[lineage])
    }

    /// An answer to History came. It is no delivery, but it must be in the log.
    pub fn past(&mut self, id: ProcessId, header: &EntryHeader<'_>, body: &[u8]) -> Checked {
        self.lineages[self.processes[id].lineage()].holds(header, Body::Bytes(body))
    }

    /// The store of `id` has to hold the whole log from its start, and all posts of `id` have to be
    /// settled.
    pub fn settled(&self, id: ProcessId) -> Checked {
        self.processes[id].settled(id, self.log())
    }

    /// Checks everything again from the start: the durable log against what a store gave back
    /// (`read`), the members' stores against the log, the authors' posts.
    pub fn check_all(&self, read: &[Committed]) -> Checked {
        self.log().is(read)?;
        self.log().check(&self.processes)?;
        for (id, process) in self.processes.iter().enumerate() {
            process.check(id, &self.lineages)?;
        }
        Ok(())
    }
}

/// What of an entry's body was delivered.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    /// All of it.
    Bytes(&'a [u8]),
    /// Its size.
    Stub(u16),
}

/// Shared bytes of a body.
pub type Bytes = Arc<[u8]>;

/// FNV-1a over kind and body.
#[must_use]
pub fn content_hash(kind: u8, body: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    body.iter().fold(step(0xcbf2_9ce4_8422_2325, &kind), step)
}
