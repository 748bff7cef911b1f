//! The limits of a hub. The table at the end is the only place that defines a limit's name, range,
//! default and counter: flags, configuration keys, metrics and the manual are generated from it.

use kabar_core::chat::MAX_BODY_LEN;
use kabar_core::time::Duration;

use super::counters::Counters;
use crate::store::FileQuota;

const MILLI: u64 = 1_000;
const SECOND: u64 = 1_000 * MILLI;
const HOUR: u64 = 3_600 * SECOND;
const DAY: u64 = 24 * HOUR;
const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// The unit of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Bytes.
    Bytes,
    /// Time; raw values are microseconds.
    Time,
    /// Events per second; 0 means that the rate is not limited.
    Rate,
}

/// A row of the table: one limit.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Its name: `--NAME` on the command line, `NAME` in the configuration file.
    pub name: &'static str,
    /// A description of what it bounds.
    pub help: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// Smallest raw value.
    pub min: u64,
    /// Largest raw value.
    pub max: u64,
    /// Raw value unless it is configured.
    pub default: u64,
    /// The counter of the times it was hit.
    pub counter: &'static str,
    get: fn(&HubLimits) -> u64,
    set: fn(&mut HubLimits, u64),
    hits: fn(&Counters) -> u64,
}

impl Limit {
    /// The limit of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        LIMITS.iter().find(|limit| limit.name == name)
    }

    /// Its raw value.
    #[must_use]
    pub fn get(&self, limits: &HubLimits) -> u64 {
        (self.get)(limits)
    }

    /// Sets its raw value. `false`: it is out of range, and nothing changed.
    pub fn set(&self, limits: &mut HubLimits, raw: u64) -> bool {
        let is_legal = (self.min..=self.max).contains(&raw);
        if is_legal {
            (self.set)(limits, raw);
        }
        is_legal
    }

    /// Number of times that it was hit.
    #[must_use]
    pub fn hits(&self, counters: &Counters) -> u64 {
        (self.hits)(counters)
    }
}

impl HubLimits {
    /// The bounds of contents.
    #[must_use]
    pub(crate) fn file_quota(&self) -> FileQuota {
        FileQuota {
            file: self.file_bytes as u64,
            member: self.member_file_bytes as u64,
            all: self.all_file_bytes as u64,
        }
    }
}

/// The type of a limit, which converts from and to a raw number.
trait RawValue {
    fn raw(self) -> u64;
    fn of(raw: u64) -> Self;
}

impl RawValue for usize {
    fn raw(self) -> u64 {
        self as u64
    }
    fn of(raw: u64) -> Self {
        Self::try_from(raw).unwrap_or(Self::MAX)
    }
}

impl RawValue for u32 {
    fn raw(self) -> u64 {
        self.into()
    }
    fn of(raw: u64) -> Self {
        Self::try_from(raw).unwrap_or(Self::MAX)
    }
}

impl RawValue for Duration {
    fn raw(self) -> u64 {
        self.as_micros()
    }
    fn of(raw: u64) -> Self {
        Self::from_micros(raw)
    }
}

/// Declares [`HubLimits`] and [`LIMITS`] from one table.
macro_rules! limits {
    ($(
        $(#[doc = $help:literal])+
        $field:ident: $type:ty, $name:literal, $unit:ident, $min:expr, $max:expr, $default:expr, $counter:ident;
    )+) => {
        /// Bounds of a hub. Each has a counter in [`Counters`] of the times it was hit; [`LIMITS`]
        /// names both.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct HubLimits {
            $($(#[doc = $help])+ pub $field: $type,)+
        }

        impl Default for HubLimits {
            fn default() -> Self {
                Self { $($field: RawValue::of($default),)+ }
            }
        }

        /// All limits.
        pub const LIMITS: &[Limit] = &[$(Limit {
            name: $name,
            help: concat!($($help),+).trim_ascii(),
            unit: Unit::$unit,
            min: $min,
            max: $max,
            default: $default,
            counter: stringify!($counter),
            get: |limits| limits.$field.raw(),
            set: |limits, raw| limits.$field = RawValue::of(raw),
            hits: |counters| counters.$counter,
        },)+];
    };
}

#[rustfmt::skip]
limits! {
    /// Connections, open and closing; beyond this, closing and unjoined ones of the fullest prefix
    /// make room.
    connections: usize, "max-connections", Count, 1, 1_000_000, 16_384, connections_full;
    /// Connections that have not joined; beyond this, those of the fullest prefix make room.
    unjoined: usize, "max-unjoined", Count, 1, 1_000_000, 1_024, unjoined_full;
    /// Time to join in.
    join_time: Duration, "join-time", Time, MILLI, HOUR, 10 * SECOND, not_joined;
    /// Half-open connections in all; beyond this, those of the fullest prefix make room.
    half_open: usize, "max-half-open", Count, 1, 1_000_000, 1_024, half_open_full;
    /// Half-open connections per address (IPv6: per /64).
    half_open_per_prefix: usize, "max-half-open-per-address", Count, 1, 1_000_000, 64, half_open_prefix_full;
    /// Life of a half-open connection.
    half_open_time: Duration, "half-open-time", Time, MILLI, HOUR, 5 * SECOND, half_open_expired;
    /// Cookies whose use is counted; beyond this, the oldest of the fullest prefix are forgotten.
    cookies: usize, "max-cookies", Count, 1, 10_000_000, 32_768, cookies_full;
    /// Handshakes that wait for their public-key work; beyond this, those of the fullest prefix
    /// make room.
    accept_jobs: usize, "max-handshakes", Count, 1, 65_536, 256, accept_jobs_full;
    /// Waiting handshakes from which on the server is busy and limits each address more.
    busy_accept_jobs: usize, "busy-handshakes", Count, 0, 65_536, 16, handshakes_busy;
    /// Handshakes that an address may start at once while the server is busy; 16 times as many
    /// while it is not.
    handshake_burst: u32, "handshake-burst", Count, 1, 1_000_000, 64, handshakes_limited;
    /// Time after which an address may start one more; a 16th of it while the server is not busy.
    handshake_interval: Duration, "handshake-interval", Time, 0, HOUR, 250 * MILLI, handshakes_limited;
    /// Addresses whose handshakes, hints and wrong passwords are counted; beyond this, the least
    /// limited are forgotten.
    prefixes: usize, "max-addresses", Count, 1, 10_000_000, 16_384, buckets_full;
    /// Hints to an address about unknown connections at once.
    hint_burst: u32, "hint-burst", Count, 1, 1_000_000, 1_000, hints_limited;
    /// Time after which an address may get one more hint.
    hint_interval: Duration, "hint-interval", Time, 0, HOUR, MILLI, hints_limited;
    /// Answers to strangers that wait to be sent; beyond this they are dropped.
    answers: usize, "max-answers", Count, 1, 1_000_000, 4_096, answers_dropped;
    /// Joins that wait for their password to be checked; beyond this, those of the fullest prefix
    /// are refused.
    password_queue: usize, "max-waiting-passwords", Count, 1, 65_536, 64, password_queue_full;
    /// Wrong passwords from an address at once.
    password_burst: u32, "password-burst", Count, 1, 1_000_000, 5, passwords_limited;
    /// Time after which an address may try one more.
    password_interval: Duration, "password-interval", Time, 0, 24 * HOUR, 12 * SECOND, passwords_limited;
    /// Wrong passwords from everywhere at once; beyond this, checks wait, those of addresses that
    /// guessed wrong last.
    room_password_burst: u32, "room-password-burst", Count, 1, 1_000_000, 60, room_passwords_limited;
    /// Time after which everybody together may try one more.
    room_password_interval: Duration, "room-password-interval", Time, 0, 24 * HOUR, SECOND, room_passwords_limited;
    /// Classic members; beyond this nobody else joins as one.
    classic_members: usize, "max-classic-members", Count, 1, 4_096, 64, classic_full;
    /// Silence after which a classic member is taken to have left.
    classic_timeout: Duration, "classic-timeout", Time, SECOND, 18 * HOUR, HOUR, classic_timed_out;
    /// Invites besides the standing ones of private rooms; ended ones make room for new ones.
    invites: usize, "max-invites", Count, 1, 65_536, 256, invites_full;
    /// Joins that wait for an operator.
    approval_queue: usize, "max-waiting-joins", Count, 1, 65_536, 64, approval_queue_full;
    /// Time that a Join waits for an operator.
    approval_time: Duration, "approval-time", Time, SECOND, 24 * HOUR, 600 * SECOND, approvals_timed_out;
    /// Rooms of the server; beyond this none is created.
    rooms: usize, "max-rooms", Count, 1, 1_000_000, 16_384, rooms_full;
    /// Rooms that are read from the store at once; beyond this they wait.
    room_loads: usize, "max-room-loads", Count, 1, 1_024, 8, room_loads_held;
    /// Time after which a room in which nobody is leaves memory.
    room_idle_time: Duration, "room-idle-time", Time, SECOND, 24 * HOUR, 60 * SECOND, rooms_dropped;
    /// Rooms that a connection is in or about to join; a Join for one more is refused.
    rooms_per_member: usize, "max-rooms-per-member", Count, 1, 120, 64, rooms_per_member_full;
    /// Members of a room.
    members: usize, "max-members", Count, 1, 65_535, 10_000, room_full;
    /// Connections of members from an address (IPv6: from a /48); beyond this only members from
    /// there join again.
    members_per_prefix: usize, "max-members-per-address", Count, 1, 65_535, 2_048, prefix_members_full;
    /// Members up to which joined and left are announced.
    announced_members: usize, "announced-members", Count, 0, 65_535, 64, unannounced;
    /// A member that vanished and returns within this is not announced.
    return_time: Duration, "return-time", Time, 0, 24 * HOUR, 60 * SECOND, not_returned;
    /// Time unseen after which a name is free for others.
    name_keep: Duration, "name-keep", Time, 0, 36_500 * DAY, 30 * DAY, names_lapsed;
    /// Time unused after which a client's numbers are forgotten.
    instance_keep: Duration, "instance-keep", Time, HOUR, 36_500 * DAY, 30 * DAY, instances_lapsed;
    /// Identities that are known: with a name, numbers, or an admission.
    identities: usize, "max-identities", Count, 1, 1_000_000, 32_768, identities_full;
    /// Names that an identity keeps; beyond this it loses the least recently used ones.
    names_per_identity: usize, "max-names-per-identity", Count, 1, 1_000, 3, names_crowded;
    /// Clients of an identity whose numbers are kept in a room; beyond this the least recently used
    /// ones are forgotten.
    instances_per_identity: usize, "max-instances-per-identity", Count, 1, 1_000, 16, instances_crowded;
    /// Connections of an identity to a room at once; beyond this one that is silent makes room, or
    /// the new one is refused.
    sessions_per_identity: usize, "max-sessions-per-identity", Count, 1, 1_000, 8, sessions_full;
    /// New identities from an address at once.
    newcomer_burst: u32, "newcomer-burst", Count, 1, 1_000_000, 256, newcomers_limited;
    /// Time after which one more may come from there.
    newcomer_interval: Duration, "newcomer-interval", Time, 0, 24 * HOUR, 10 * SECOND, newcomers_limited;
    /// Joins of an identity at once; beyond this they wait.
    join_burst: u32, "join-burst", Count, 1, 1_000_000, 32, joins_held;
    /// Time after which it may join once more.
    join_interval: Duration, "join-interval", Time, 0, HOUR, SECOND, joins_held;
    /// Joins and renames of an identity that are announced at once; beyond this Joins are not
    /// announced, and renames refused.
    announce_burst: u32, "announce-burst", Count, 1, 1_000_000, 8, announcements_limited;
    /// Time after which one more is announced.
    announce_interval: Duration, "announce-interval", Time, 0, 24 * HOUR, 60 * SECOND, announcements_limited;
    /// Posts of a member at once; beyond this they are read at post-rate. Its sessions share both.
    post_burst: u32, "post-burst", Count, 1, 1_000_000, 500, posts_held;
    /// Posts of a member in the long run; for rooms of machines: off.
    post_rate: u32, "post-rate", Rate, 0, 1_000_000, 20, posts_held;
    /// Time after which an entry goes; 0: none goes because of its age.
    keep_age: Duration, "keep-age", Time, 0, 36_500 * DAY, 0, entries_expired;
    /// Entries of a room that are kept; beyond this the oldest go; 0: no limit.
    keep_entries: usize, "keep-entries", Count, 0, 4_000_000_000, 0, entries_expired;
    /// Size of a room's entries that are kept; beyond this the oldest go; 0: no limit.
    keep_bytes: usize, "keep-bytes", Bytes, 0, 1_024 * GIB, 0, entries_expired;
    /// Time for which authors may remove their messages; 0: never.
    delete_time: Duration, "delete-time", Time, 0, 36_500 * DAY, 15 * 60 * SECOND, removals_late;
    /// Bans and mutes.
    sanctions: usize, "max-sanctions", Count, 1, 1_000_000, 16_384, sanctions_full;
    /// Operators and trusted identities that commands appoint.
    privileges: usize, "max-privileges", Count, 1, 1_000_000, 1_024, privileges_full;
    /// Lines of the answer to a command of an operator; the rest is cut off.
    output_lines: usize, "max-output-lines", Count, 1, 100_000, 200, outputs_cut;
    /// Longest body of a post; longer ones are refused.
    body_bytes: usize, "max-body", Bytes, 1, MAX_BODY_LEN as u64, MAX_BODY_LEN as u64, posts_too_long;
    /// Posts that are not committed, in all rooms; beyond this nothing more is read.
    unfinished_bytes: usize, "max-unfinished", Bytes, 1, GIB, 4 * MIB, reads_held;
    /// The log's tail in memory.
    tail_bytes: usize, "tail-memory", Bytes, 0, 64 * GIB, 4 * MIB, tail_dropped;
    /// Older pages of the log in memory.
    page_bytes: usize, "page-memory", Bytes, 0, 64 * GIB, 4 * MIB, pages_dropped;
    /// Messages read and entries looked up for a connection before others get their turn.
    work: u32, "max-work", Count, 1, 1_000_000, 256, work_deferred;
    /// Reads of older pages at once.
    page_reads: usize, "max-page-reads", Count, 1, 65_536, 8, page_reads_held;
    /// Longest file that members may send; 0: no files.
    file_bytes: usize, "max-file", Bytes, 0, 1_024 * GIB, GIB, files_too_large;
    /// Size of all files that a member has sent and that are kept.
    member_file_bytes: usize, "member-files", Bytes, 0, 1_024 * 1_024 * GIB, 4 * GIB, member_files_full;
    /// Size of all files that are kept.
    all_file_bytes: usize, "all-files", Bytes, 0, 1_024 * 1_024 * GIB, 16 * GIB, all_files_full;
    /// Files on their way at once, up and down; beyond this further ones are put off.
    transfers: usize, "max-transfers", Count, 1, 65_536, 256, transfers_full;
    /// Time without progress after which a transfer ends; what has arrived of it is kept.
    transfer_time: Duration, "transfer-time", Time, SECOND, HOUR, 60 * SECOND, transfers_stalled;
    /// Buffers of all connections together.
    pool_bytes: usize, "buffer-memory", Bytes, 64 * KIB, 64 * GIB, 256 * MIB, pool_empty;
    /// First pause after a failed commit; it doubles up to retry-max.
    retry_min: Duration, "retry-min", Time, MILLI, HOUR, 250 * MILLI, retries;
    /// Longest pause after a failed commit.
    retry_max: Duration, "retry-max", Time, MILLI, HOUR, 5 * SECOND, retries_longest;
    /// How long a refused connection is kept open so that the reason reaches it.
    refusal_time: Duration, "refusal-time", Time, MILLI, HOUR, 3 * SECOND, refusals_unheard;
    /// Events that wait to be shown; beyond this the oldest go.
    events: usize, "max-events", Count, 1, 1_000_000, 4_096, events_dropped;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_limit_can_be_set_within_its_range_and_changes_no_other() {
        let defaults = HubLimits::default();
        let mut names = BTreeSet::new();
        for limit in LIMITS {
            assert!(names.insert(limit.name), "{} is there twice", limit.name);
            assert!((limit.min..=limit.max).contains(&limit.default), "{}", limit.name);
            assert_eq!(limit.get(&defaults), limit.default, "{}", limit.name);
            for raw in [limit.min, limit.max] {
                let mut limits = defaults;
                assert!(limit.set(&mut limits, raw));
                assert_eq!(limit.get(&limits), raw, "{}", limit.name);
                let others = LIMITS.iter().filter(|other| other.name != limit.name);
                assert!(others.clone().all(|other| other.get(&limits) == other.default), "{}", limit.name);
            }
            let mut limits = defaults;
            assert!(!limit.set(&mut limits, limit.max + 1) && limits == defaults, "{}", limit.name);
            assert!(limit.min == 0 || !limit.set(&mut limits, limit.min - 1));
        }
    }

    #[test]
    fn the_counter_of_each_limit_exists() {
        let counters: BTreeSet<&str> = Counters::default().all().map(|counted| counted.name).collect();
        assert!(LIMITS.iter().all(|limit| counters.contains(limit.counter)));
    }
}
