//! A scenario: who takes part, what they are, and what goes wrong when. It is drawn whole from a
//! seed before anything runs.

mod draw;

use kabar_core::chat::Start;
use kabar_core::time::Duration;
use kabar_core::transport::Capacity;
use kabar_server::hub::{FaultInjection, HubLimits, JoinPolicy};

use super::attacker::Attack;
use super::harness_client::Size;
use super::network::{Faults, Narrowing};

/// Everything about one run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Where it comes from.
    pub seed: u64,
    /// What it is mostly about.
    pub theme: Theme,
    /// Real RSA instead of the stand-in.
    pub real_rsa: bool,
    /// Who may come in.
    pub entrance: JoinPolicy,
    /// Bounds of the server.
    pub limits: HubLimits,
    /// Rings of the server's connections.
    pub capacity: Capacity,
    /// How long jobs take.
    pub work: Work,
    /// Who takes part.
    pub devices: Vec<Plan>,
    /// Somebody takes part who keeps no rule.
    pub adversary: bool,
    /// What happens when.
    pub acts: Vec<(Duration, Act)>,
    /// When faults stop.
    pub active: Duration,
    /// What the network does after that.
    pub quiet: Faults,
    /// Every path becomes narrower at that moment.
    pub narrowing: Option<Narrowing>,
    /// How long it may take until everything is settled.
    pub bound: Duration,
    /// Faults of the server, for tests of this simulator.
    pub faults: FaultInjection,
}

/// What a scenario is mostly about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Theme {
    /// A bit of everything.
    Mixed,
    /// A network that is bad in every way.
    Network,
    /// Processes die, on both sides.
    Crash,
    /// The disk fails.
    Disk,
    /// Somebody is on the path.
    Attack,
    /// Tables are full.
    Tables,
    /// Identities are used twice.
    Twins,
    /// Long hours of nothing.
    Idle,
    /// Much is said.
    Busy,
    /// Nothing goes wrong but that paths carry smaller datagrams from some moment on.
    Narrow,
}

/// How long jobs of the server take: from and to.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// Until a commit happens.
    pub before_commit: (Duration, Duration),
    /// From then until the hub hears of it.
    pub after_commit: (Duration, Duration),
    /// A handshake.
    pub accept: (Duration, Duration),
}

impl Work {
    /// As on an idle computer with a good disk.
    pub const QUICK: Self = {
        const fn up_to(millis: u64) -> (Duration, Duration) {
            (Duration::ZERO, Duration::from_millis(millis))
        }
        Self { before_commit: up_to(5), after_commit: up_to(1), accept: up_to(2) }
    };
}

/// Where a device keeps what it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// Nowhere: a new process begins anew.
    Nothing,
    /// On its disk, saved after so many deliveries.
    EveryNth(u32),
}

/// What a device shows to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// The room's secret.
    Secret,
    /// The room's password; once admitted, sometimes nothing.
    Password,
    /// Another secret.
    WrongSecret,
    /// Another password.
    WrongPassword,
}

/// One device.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Which identity: two devices may share one.
    pub identity: usize,
    /// The name it asks for.
    pub name: String,
    /// How large its client is.
    pub size: Size,
    /// What survives its process.
    pub keeps: Keeps,
    /// Where its first process starts.
    pub start: Start,
    /// The count that a Reset falls back to when it starts from a cursor.
    pub otherwise: u32,
    /// Whether it knows the server's key beforehand.
    pub pinned: bool,
    /// What it shows.
    pub shows: Shows,
    /// Each of its processes has the same seed.
    pub same_seed: bool,
    /// It never reads what it is given.
    pub never_reads: bool,
    /// Largest body it says it takes.
    pub max_entry_len: u16,
    /// Granularity of its clock.
    pub tick: Duration,
    /// Idle time-out it states, in s.
    pub idle_s: u16,
    /// Delay of acknowledgements it states, in ms.
    pub ack_delay_ms: u16,
    /// Path to the server, and back.
    pub path: (Faults, Faults),
    /// When its first process starts.
    pub starts: Duration,
    /// Posts in all.
    pub posts: u32,
    /// Mean time between posts.
    pub post_gap: Duration,
    /// Per mille of posts that are large.
    pub large: u16,
}

/// When the server is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KillPoint {
    /// At once.
    Now,
    /// Before its next commit.
    BeforeCommit,
    /// After its next commit, before it hears of it.
    AfterCommit,
    /// After it heard of its next commit, before it sends anything.
    BeforeSend,
}

/// What goes wrong with commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// They fail.
    Fail,
    /// They are reported uncertain and happened.
    UncertainApplied,
    /// They are reported uncertain and did not happen.
    UncertainLost,
    /// What is committed cannot be read.
    Unreadable,
}

/// Something that happens. Devices are named by their index.
#[derive(Clone, Debug)]
pub enum Act {
    /// Nothing passes between the server and a device (or everybody), in one direction or both.
    Cut {
        /// Whom it concerns; `None`: everybody.
        device: Option<usize>,
        /// Towards the server.
        up: bool,
        /// From the server.
        down: bool,
        /// How long.
        lasts: Duration,
        /// If not zero: what is sent meanwhile towards the server arrives after up to so long.
        late: Duration,
    },
    /// A path becomes another one.
    Path {
        /// Whose.
        device: usize,
        /// To the server, and back.
        path: (Faults, Faults),
    },
    /// A path carries only smaller datagrams from now on, and loses a burst.
    Narrow {
        /// Whose.
        device: usize,
        /// How.
        narrowing: Narrowing,
    },
    /// A device gets another address.
    Rebind {
        /// Which.
        device: usize,
        /// Whether what is sent to the old one still arrives for a while.
        keep_old: bool,
    },
    /// Two devices swap their addresses.
    Swap {
        /// Which.
        device: usize,
        /// With which.
        other: usize,
    },
    /// A process is killed.
    Kill {
        /// Which.
        device: usize,
        /// When the device starts another one.
        back: Option<Duration>,
    },
    /// A process leaves.
    Leave {
        /// Which.
        device: usize,
        /// Without waiting for what is unsettled.
        abort: bool,
        /// When the device starts another one, once it left.
        back: Option<Duration>,
    },
    /// A process stands still.
    Suspend {
        /// Which.
        device: usize,
        /// How long.
        lasts: Duration,
    },
    /// A process does not read.
    Stall {
        /// Which.
        device: usize,
        /// How long.
        lasts: Duration,
    },
    /// The server is killed.
    KillServer {
        /// When exactly.
        point: KillPoint,
        /// When it starts again.
        back: Duration,
        /// Whether the backup is restored meanwhile.
        restore: bool,
        /// Whether old entries are removed meanwhile, down to so many.
        keep: Option<u64>,
    },
    /// The server stops properly.
    Shutdown {
        /// When it starts again.
        back: Duration,
    },
    /// The server stands still.
    SuspendServer {
        /// How long.
        lasts: Duration,
    },
    /// The server's clock on the wall jumps.
    SetWall {
        /// To this, in ms since 1970.
        unix_ms: u64,
    },
    /// A backup of the store is made.
    Backup,
    /// The disk fails.
    Disk {
        /// How.
        fault: DiskFault,
        /// How long.
        lasts: Duration,
    },
    /// Somebody sends what he made.
    Attack {
        /// What.
        attack: Attack,
        /// How often.
        times: u32,
    },
    /// The operator speaks.
    Say,
    /// The operator puts a member out.
    Kick {
        /// Whom.
        device: usize,
    },
    /// A client asks who is here.
    Who {
        /// Which.
        device: usize,
    },
    /// A client asks for older entries.
    History {
        /// Which.
        device: usize,
    },
}

impl Scenario {
    /// The scenario of `seed`.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        draw::scenario(seed, None)
    }

    /// One about `theme`, whatever theme the seed would have drawn.
    #[must_use]
    pub fn about(theme: Theme, seed: u64) -> Self {
        draw::scenario(seed, Some(theme))
    }
}

impl Plan {
    /// Whether it should be a member whatever the others do.
    #[must_use]
    pub fn is_honest(&self) -> bool {
        matches!(self.shows, Shows::Secret | Shows::Password)
    }
}
