//! What a hub is told: the room, who may come in, what it may use.

use kabar_core::chat::{MAX_BODY_LEN, MAX_MESSAGE_LEN, ROOM_SECRET_LEN};
use kabar_core::time::Duration;
use kabar_core::transport::Capacity;
use kabar_core::wire::packet::Limits as WireLimits;

/// What a hub needs to know.
#[derive(Clone)]
pub struct HubConfig {
    /// The room's name (SPEC 6.6).
    pub room: String,
    /// The room's secret: a Join that proves to know it is admitted, and every Welcome proves that the server does.
    pub secret: [u8; ROOM_SECRET_LEN],
    /// Who may come in without the secret.
    pub entrance: Entrance,
    /// Names the present password (any 16 bytes that change with it): who was admitted under it is not asked again.
    pub admission_tag: [u8; 16],
    /// Bounds.
    pub limits: HubLimits,
    /// What each connection works in and states to its peer.
    pub profile: Profile,
    /// For tests of the tests.
    #[doc(hidden)]
    pub mistakes: Mistakes,
}

/// Who may come in without the room's secret. Who was admitted once under the present tag always may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// Everybody.
    Open,
    /// Nobody.
    Secret,
    /// Whoever knows the password: checked by [`super::Job::Password`].
    Password,
}

/// Bounds of a hub. Each has a counter in [`super::Counters`] that says how often it was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HubLimits {
    /// Connections, open and closing.
    pub connections: usize,
    /// Connections that have not joined.
    pub unjoined: usize,
    /// Time to join in.
    pub join_time: Duration,
    /// Half-open entries in all (SPEC 3.6).
    pub half_open: usize,
    /// Half-open entries per /32 (IPv4) or /64 (IPv6).
    pub half_open_per_prefix: usize,
    /// Life of a half-open entry.
    pub half_open_time: Duration,
    /// Cookies whose Initiates are counted (SPEC 3.2).
    pub cookies: usize,
    /// Accept jobs that wait or run. Beyond this, Initiates are dropped.
    pub accept_jobs: usize,
    /// Accept jobs from which on the buckets of addresses count.
    pub busy_accept_jobs: usize,
    /// Handshakes a prefix may start at once while the server is busy ...
    pub handshake_burst: u32,
    /// ... and the time after which one more is allowed.
    pub handshake_interval: Duration,
    /// Prefixes that a table of buckets holds.
    pub prefixes: usize,
    /// Hints at once ...
    pub hint_burst: u32,
    /// ... and the time after which one more is allowed (SPEC 4.5).
    pub hint_interval: Duration,
    /// Joins that wait for their password to be checked.
    pub password_queue: usize,
    /// Wrong passwords from a prefix at once ...
    pub password_burst: u32,
    /// ... and the time after which one more is allowed.
    pub password_interval: Duration,
    /// Wrong passwords from everywhere at once ...
    pub room_password_burst: u32,
    /// ... and the time after which one more is allowed.
    pub room_password_interval: Duration,
    /// Members of the room.
    pub members: usize,
    /// Rooms with more members than this say neither joined nor left.
    pub announced_members: usize,
    /// A member that vanished and returns within this is not announced.
    pub return_time: Duration,
    /// Time unseen after which the ownership of a name lapses, in ms.
    pub name_keep_ms: u64,
    /// Longest body of a post in bytes; longer ones are refused.
    pub body_bytes: usize,
    /// Bytes of posts that are not committed. Beyond this, streams are not read.
    pub unfinished_bytes: usize,
    /// Bytes of the log's tail that stay in memory.
    pub tail_bytes: usize,
    /// Bytes of older pages of the log that stay in memory.
    pub page_bytes: usize,
    /// Reads of older pages outstanding at once.
    pub page_reads: usize,
    /// Bytes of rings of all connections together.
    pub pool_bytes: usize,
    /// First pause after a failed commit; doubles up to ...
    pub retry_min: Duration,
    /// ... this.
    pub retry_max: Duration,
    /// How long a connection that was refused is kept so that it hears why.
    pub refusal_time: Duration,
    /// Events that wait for [`super::Hub::poll_event`]; the oldest go first beyond this.
    pub events: usize,
}

impl Default for HubLimits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            unjoined: 1_024,
            join_time: Duration::from_secs(10),
            half_open: 1_024,
            half_open_per_prefix: 64,
            half_open_time: Duration::from_secs(5),
            cookies: 32_768,
            accept_jobs: 256,
            busy_accept_jobs: 16,
            handshake_burst: 64,
            handshake_interval: Duration::from_millis(250),
            prefixes: 16_384,
            hint_burst: 1_000,
            hint_interval: Duration::from_millis(1),
            password_queue: 64,
            password_burst: 5,
            password_interval: Duration::from_secs(12),
            room_password_burst: 60,
            room_password_interval: Duration::from_secs(1),
            members: 10_000,
            announced_members: 64,
            return_time: Duration::from_secs(60),
            name_keep_ms: 30 * 24 * 3_600 * 1_000,
            body_bytes: MAX_BODY_LEN,
            unfinished_bytes: 4 << 20,
            tail_bytes: 4 << 20,
            page_bytes: 4 << 20,
            page_reads: 8,
            pool_bytes: 256 << 20,
            retry_min: Duration::from_millis(250),
            retry_max: Duration::from_secs(5),
            refusal_time: Duration::from_secs(3),
            events: 4_096,
        }
    }
}

/// What each connection works in and states to its peer (SPEC 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Sizes of the rings.
    pub capacity: Capacity,
    /// Largest datagram in bytes.
    pub datagram: u16,
    /// Packets in flight towards the server.
    pub packets: u16,
    /// Longest delay of an acknowledgement in ms.
    pub ack_delay_ms: u16,
    /// Clock granularity in us.
    pub tick_us: u32,
    /// Idle time-out in s: the longest that a client may ask for.
    pub idle_s: u16,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            capacity: Capacity {
                chat_send: 32 << 10,
                chat_receive: 8 << 10,
                bulk_send: 0,
                bulk_receive: 0,
                in_flight: 64,
            },
            datagram: 1200,
            packets: 64,
            ack_delay_ms: 5,
            tick_us: 1_000,
            idle_s: 3_600,
        }
    }
}

impl Profile {
    /// As it is stated in Accept.
    pub(crate) fn limits(&self) -> WireLimits {
        let bytes = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        WireLimits {
            datagram: self.datagram,
            packets: self.packets,
            message: MAX_MESSAGE_LEN as u16,
            chat: bytes(self.capacity.chat_receive),
            bulk: bytes(self.capacity.bulk_receive),
            ack_delay_ms: self.ack_delay_ms,
            tick_us: self.tick_us,
            idle_s: self.idle_s,
        }
    }
}

/// Mistakes that a test switches on to see that it is caught. Never set by a program.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mistakes {
    /// The highest number is looked up per identity instead of per instance.
    pub dedup_by_identity: bool,
    /// Entries are sent when their commit begins.
    pub entry_before_commit: bool,
    /// Stored is sent when the post arrives.
    pub stored_before_commit: bool,
    /// Every 16th entry is passed over.
    pub skip_an_entry: bool,
    /// After a refusal, posts are taken without waiting for `settled`.
    pub accept_after_refusal: bool,
    /// A post that waits for its commit is taken again when it comes again.
    pub forget_pending: bool,
    /// A packet is acknowledged before it is known whether its data fits.
    pub acknowledge_unchecked: bool,
}

impl HubConfig {
    /// The room `room` behind `secret`, for holders of the secret only, with the default bounds.
    #[must_use]
    pub fn new(room: &str, secret: [u8; ROOM_SECRET_LEN]) -> Self {
        Self {
            room: room.to_owned(),
            secret,
            entrance: Entrance::Secret,
            admission_tag: [0; 16],
            limits: HubLimits::default(),
            profile: Profile::default(),
            mistakes: Mistakes::default(),
        }
    }
}

impl core::fmt::Debug for HubConfig {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("HubConfig")
            .field("room", &self.room)
            .field("entrance", &self.entrance)
            .field("limits", &self.limits)
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}
