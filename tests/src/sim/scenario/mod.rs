//! A scenario: the participants, and the faults with their times. All of it is drawn from a seed
//! before the run starts.

mod draw;
mod features;

use kabar_core::chat::Start;
use kabar_core::time::Duration;
use kabar_core::transport::Capacity;
use kabar_server::hub::{FaultInjection, HubLimits, JoinPolicy};
use kabar_server::store::SanctionKind;

use super::attacker::Attack;
use super::harness_client::Size;
use super::model::may_become;
use super::network::{Faults, Narrowing};

/// The parameters of one run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The seed.
    pub seed: u64,
    /// The main subject.
    pub theme: Theme,
    /// Whether the server's key is real RSA instead of the stand-in.
    pub real_rsa: bool,
    /// The rule for Joins without the room's secret.
    pub join_policy: JoinPolicy,
    /// Whether an operator has to let newcomers in.
    pub needs_approval: bool,
    /// The rooms: the first is that of the server's configuration.
    pub rooms: Vec<RoomPlan>,
    /// The invites that the operator makes besides the standing one.
    pub invites: Vec<InvitePlan>,
    /// Limits of the server.
    pub limits: HubLimits,
    /// Buffer sizes of the server's connections.
    pub capacity: Capacity,
    /// How long jobs take.
    pub work: Work,
    /// The devices.
    pub devices: Vec<Plan>,
    /// Whether an adversary takes part.
    pub adversary: bool,
    /// Events with their times.
    pub acts: Vec<(Duration, Act)>,
    /// When faults stop.
    pub active: Duration,
    /// Faults of every path after that.
    pub quiet: Faults,
    /// Every path begins to drop large datagrams at that moment.
    pub narrowing: Option<Narrowing>,
    /// Time after `active` within which everything must settle.
    pub bound: Duration,
    /// Faults injected into the server, to test the simulator itself.
    pub faults: FaultInjection,
}

/// The main subject of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Theme {
    /// All kinds of faults.
    Mixed,
    /// All kinds of network faults.
    Network,
    /// Crashes, on both sides.
    Crash,
    /// Disk faults.
    Disk,
    /// An attacker on the path.
    Attack,
    /// Small limits, so that tables are full.
    Tables,
    /// Identities and names that are used twice.
    Twins,
    /// Removals, bans, invites: everything that operators and members decide.
    People,
    /// Several rooms.
    Rooms,
    /// Hours without messages.
    Idle,
    /// Many messages.
    Busy,
    /// No fault except that paths begin to drop large datagrams.
    Narrow,
}

/// How long jobs of the server take: shortest and longest.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// Until a commit takes effect.
    pub before_commit: (Duration, Duration),
    /// From then until the hub learns of it.
    pub after_commit: (Duration, Duration),
    /// A handshake.
    pub accept: (Duration, Duration),
}

impl Work {
    /// Like an idle computer with a good disk.
    pub const QUICK: Self = {
        const fn up_to(millis: u64) -> (Duration, Duration) {
            (Duration::ZERO, Duration::from_millis(millis))
        }
        Self { before_commit: up_to(5), after_commit: up_to(1), accept: up_to(2) }
    };
}

/// When a device saves its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SavePolicy {
    /// Never: a new process starts without a cursor.
    Never,
    /// On its disk, each time after this many deliveries.
    EveryNth(u32),
}

/// A room.
#[derive(Clone, Copy, Debug)]
pub struct RoomPlan {
    /// Only holders of an invite of this room may join; for others it does not exist.
    pub is_private: bool,
}

/// An invite.
#[derive(Clone, Copy, Debug)]
pub struct InvitePlan {
    /// How many identities it admits; `None`: any number.
    pub uses: Option<u32>,
    /// How long it is valid.
    pub valid: Option<Duration>,
}

/// The credential with which a device joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanCredential {
    /// The room's secret.
    Secret,
    /// The secret of one of [`Scenario::invites`].
    Invite(usize),
    /// The room's password; once admitted, sometimes no credential.
    Password,
    /// Another secret.
    WrongSecret,
    /// Another password.
    WrongPassword,
}

/// A device and its behaviour.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Index of its identity; two devices may share one.
    pub identity: usize,
    /// The requested name.
    pub name: String,
    /// The user did not choose the name, and the member may be renamed.
    pub is_renamed: bool,
    /// The rooms that it joins, at most as many as its client takes.
    pub rooms: Vec<usize>,
    /// It has the invites of the private rooms among them.
    pub has_private_invites: bool,
    /// Whether its identity is an operator.
    pub is_operator: bool,
    /// Size of its client.
    pub size: Size,
    /// When its store is saved.
    pub saves: SavePolicy,
    /// The position at which its first process starts.
    pub start: Start,
    /// The count that a Reset falls back to when it starts at a cursor.
    pub fallback_count: u32,
    /// Whether it knows the server's key from the beginning.
    pub pinned: bool,
    /// Its credential.
    pub credential: PlanCredential,
    /// Each of its processes has the same seed.
    pub same_seed: bool,
    /// It never takes events from its client.
    pub never_reads: bool,
    /// Longest body that it accepts, in bytes.
    pub max_entry_len: u16,
    /// Granularity of its clock.
    pub tick: Duration,
    /// Its idle timeout, in s.
    pub idle_s: u16,
    /// Its acknowledgement delay, in ms.
    pub ack_delay_ms: u16,
    /// Faults of its path to the server, and back.
    pub path: (Faults, Faults),
    /// When its first process starts.
    pub starts: Duration,
    /// Number of posts.
    pub posts: u32,
    /// Mean time between posts.
    pub post_gap: Duration,
    /// Per mille of posts that are long.
    pub large: u16,
}

/// The moment at which the server is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KillPoint {
    /// At once.
    Now,
    /// Before its next commit takes effect.
    BeforeCommit,
    /// After its next commit took effect, before the server learns of it.
    AfterCommit,
    /// After it learned of its next commit, before it sends anything.
    BeforeSend,
}

/// The fate of commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// They fail.
    Fail,
    /// They are reported as uncertain, and took effect.
    UncertainApplied,
    /// They are reported as uncertain, and did not take effect.
    UncertainLost,
    /// They succeed, but nothing can be read.
    Unreadable,
}

/// An event of a scenario. Devices are identified by index.
#[derive(Clone, Debug)]
pub enum Act {
    /// A device sends a file.
    SendFile {
        /// The device.
        device: usize,
        /// Its length in bytes.
        len: usize,
    },
    /// Nothing passes between the server and a device (or everybody), in one direction or both.
    Cut {
        /// The device; `None`: all.
        device: Option<usize>,
        /// Towards the server.
        up: bool,
        /// From the server.
        down: bool,
        /// For how long.
        lasts: Duration,
        /// If not zero, datagrams sent towards the server meanwhile arrive after up to this time.
        late: Duration,
    },
    /// The faults of a path change.
    Path {
        /// The device.
        device: usize,
        /// Faults to the server, and back.
        path: (Faults, Faults),
    },
    /// A path begins to drop large datagrams, and loses a burst.
    Narrow {
        /// The device.
        device: usize,
        /// The new limits.
        narrowing: Narrowing,
    },
    /// A device gets another address.
    Rebind {
        /// The device.
        device: usize,
        /// Whether datagrams to the old address still arrive for a while.
        keep_old: bool,
    },
    /// Two devices swap their addresses.
    Swap {
        /// One device.
        device: usize,
        /// The other.
        other: usize,
    },
    /// A process is killed.
    Kill {
        /// The device.
        device: usize,
        /// When the device starts another one.
        restart_after: Option<Duration>,
    },
    /// A process leaves.
    Leave {
        /// The device.
        device: usize,
        /// Without waiting for unsettled posts.
        abort: bool,
        /// When the device starts another one after that.
        restart_after: Option<Duration>,
    },
    /// A process is suspended.
    Suspend {
        /// The device.
        device: usize,
        /// For how long.
        lasts: Duration,
    },
    /// A process stops taking events.
    Stall {
        /// The device.
        device: usize,
        /// For how long.
        lasts: Duration,
    },
    /// The server is killed.
    KillServer {
        /// At which moment.
        point: KillPoint,
        /// When it starts again.
        restart_after: Duration,
        /// Whether the backup is restored meanwhile.
        restore: bool,
        /// If set, old entries are removed meanwhile, all but this many.
        keep: Option<u64>,
    },
    /// The server shuts down.
    Shutdown {
        /// When it starts again.
        restart_after: Duration,
    },
    /// The server is suspended.
    SuspendServer {
        /// For how long.
        lasts: Duration,
    },
    /// The server's wall clock jumps.
    SetWall {
        /// The new time, in ms since 1970.
        unix_ms: u64,
    },
    /// The store is backed up.
    Backup,
    /// The disk fails.
    Disk {
        /// The fault.
        fault: DiskFault,
        /// For how long.
        lasts: Duration,
    },
    /// An attacker sends forged datagrams.
    Attack {
        /// The kind.
        attack: Attack,
        /// The number of datagrams.
        times: u32,
    },
    /// The operator posts a line.
    Say,
    /// The operator kicks a member.
    Kick {
        /// The member's device.
        device: usize,
    },
    /// A client asks for one of the names of its identity ([`Plan::name_of`]).
    Rename {
        /// The device.
        device: usize,
        /// Which name.
        name: usize,
    },
    /// The operator bans or mutes an identity, or lifts that.
    Sanction {
        /// A device of the identity; `None`: the adversary.
        device: Option<usize>,
        /// Which of its names the operator types ([`Plan::name_of`]).
        name: usize,
        /// The kind.
        kind: SanctionKind,
        /// It is lifted.
        is_lifted: bool,
    },
    /// The operator removes an entry.
    Delete,
    /// A client removes an entry.
    Remove {
        /// The device.
        device: usize,
        /// Whether it is one that its identity has posted.
        own: bool,
    },
    /// The operator revokes an invite.
    RevokeInvite {
        /// Its index.
        invite: usize,
    },
    /// A client leaves one of its rooms.
    Part {
        /// The device.
        device: usize,
        /// When it joins again.
        rejoin_after: Option<Duration>,
    },
    /// Somebody operates the server.
    Operate {
        /// The device of the member, who may be no operator; `None`: at the console.
        by: Option<usize>,
        /// The room, by index. Some commands of a member act on the room where it is.
        room: usize,
        /// The command.
        command: Command,
    },
    /// A client requests the list of members.
    Who {
        /// The device.
        device: usize,
    },
    /// A client requests older entries.
    History {
        /// The device.
        device: usize,
    },
}

/// A command of an operator (SPEC 6.7).
#[derive(Clone, Debug)]
pub enum Command {
    /// Sets a new topic, or none.
    Topic {
        /// None.
        is_empty: bool,
    },
    /// Closes the room.
    Close,
    /// Opens the room again.
    Open {
        /// With a new topic.
        has_topic: bool,
    },
    /// Changes how much of the log is kept; `None`: as the configuration says.
    Keep(Bound, Option<u64>),
    /// Kicks a member.
    Kick {
        /// Its device.
        device: usize,
        /// Which of its names is typed ([`Plan::name_of`]).
        name: usize,
    },
    /// Bans or mutes an identity, or lifts that.
    Sanction {
        /// A device of the identity.
        device: usize,
        /// Which of its names is typed.
        name: usize,
        /// The kind.
        kind: SanctionKind,
        /// It is lifted.
        is_lifted: bool,
    },
    /// Makes an identity an operator, or ends that.
    Appoint {
        /// A device of the identity.
        device: usize,
        /// Which of its names is typed.
        name: usize,
        /// It ends.
        is_ended: bool,
    },
}

/// A bound on the log of a room.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    /// The age of entries, in s.
    Age,
    /// Their number.
    Entries,
    /// Their bytes.
    Bytes,
}

impl Scenario {
    /// The scenario of `seed`.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        draw::scenario(seed, None)
    }

    /// A scenario with `theme` instead of the theme that `seed` would draw.
    #[must_use]
    pub fn about(theme: Theme, seed: u64) -> Self {
        draw::scenario(seed, Some(theme))
    }
}

impl Plan {
    /// The names of its identity: the first is the one that it requests.
    #[must_use]
    pub fn name_of(&self, number: usize) -> String {
        let suffix = ["", "x", "y"][number % 3];
        format!("{}{suffix}", self.name)
    }

    /// Whether its member may have this name.
    #[must_use]
    pub fn is_name(&self, name: &str) -> bool {
        self.names().iter().any(|one| one == name) || may_become(&self.name, name)
    }

    /// All names of its identity.
    pub fn names(&self) -> [String; 3] {
        [0, 1, 2].map(|number| self.name_of(number))
    }

    /// Whether its credential is right, so that the room must admit it, if it is an invite as long
    /// as that admits.
    #[must_use]
    pub fn is_honest(&self) -> bool {
        matches!(self.credential, PlanCredential::Secret | PlanCredential::Password | PlanCredential::Invite(_))
    }
}
