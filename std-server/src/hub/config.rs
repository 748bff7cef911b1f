//! The configuration of a hub: its room, who may join, its limits.

use std::sync::Arc;

use kabar_core::chat::{MAX_MESSAGE_LEN, ROOM_SECRET_LEN};
use kabar_core::classic::SECRET_LEN;
use kabar_core::session::{Fingerprint, TransportParameters};
use kabar_core::transport::Capacity;
use kabar_std::text::LineFormatter;
use zeroize::Zeroizing;

#[cfg(feature = "fault-injection")]
use super::fault_injection::FaultInjection;
use super::fault_injection::Faults;
use super::limits::HubLimits;

/// Rings of stream BULK, in bytes: what a path of 40 MB/s and 20 ms needs with some loss. With its
/// tables and what is read ahead, a transfer stays below 2 MiB.
const BULK: usize = 3 << 19;

/// Configuration of a hub.
#[derive(Clone)]
pub struct HubConfig {
    /// The room's name (SPEC 6.6).
    pub room: String,
    /// The secret of the room's standing invite: a Join that proves knowledge of it is admitted,
    /// and its Welcome proves that the server knows it.
    pub secret: [u8; ROOM_SECRET_LEN],
    /// The rule for Joins without an invite.
    pub join_policy: JoinPolicy,
    /// Newcomers, admitted by `join_policy` or an invite, also wait until an operator lets them in.
    pub needs_approval: bool,
    /// Every member may create rooms, not only operators.
    pub members_create_rooms: bool,
    /// Identifies the current password: any 16 bytes that change with it. An identity that was
    /// admitted under it is not asked for it again.
    pub admission_tag: [u8; 16],
    /// The fingerprints of identities that are operators, besides those appointed by a command: the
    /// first 160 bits of the SHA-256 of their public keys.
    pub operators: Vec<Fingerprint>,
    /// Admits classic members (SPEC 11).
    pub classic: Option<ClassicConfig>,
    /// Bounds.
    pub limits: HubLimits,
    /// Memory and parameters of each connection, which it states to its peer.
    pub profile: Profile,
    /// Faults for tests of the tests.
    #[cfg(feature = "fault-injection")]
    pub faults: FaultInjection,
}

/// How classic members are admitted (SPEC 11).
#[derive(Clone)]
pub struct ClassicConfig {
    /// The password, which everybody between a client and the server can read.
    pub password: Zeroizing<String>,
    /// The room that they join.
    pub room: String,
    /// Derives the keys of addresses and the identities of members. The same after a restart.
    pub secret: Zeroizing<[u8; SECRET_LEN]>,
    /// Formats lines.
    pub lines: Arc<LineFormatter>,
}

impl core::fmt::Debug for ClassicConfig {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ClassicConfig").field("room", &self.room).finish_non_exhaustive()
    }
}

/// The rule for Joins without an invite. Identities that were admitted by an invite, or under the
/// current tag, may always join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinPolicy {
    /// Everybody.
    Open,
    /// Nobody.
    Secret,
    /// Everybody who knows the password, which [`super::Job::Password`] checks.
    Password,
}

/// Memory and parameters of each connection, which it states to its peer (SPEC 2.4).
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
                bulk_send: BULK,
                bulk_receive: BULK,
                in_flight: 64,
            },
            datagram: 1200,
            packets: 4_096,
            ack_delay_ms: 5,
            tick_us: 1_000,
            idle_s: 3_600,
        }
    }
}

impl Profile {
    /// The parameters stated in Accept.
    pub(crate) fn limits(&self) -> TransportParameters {
        let bytes = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        TransportParameters {
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

impl HubConfig {
    /// The room `room`, for holders of `secret` only, with the default limits.
    #[must_use]
    pub fn new(room: &str, secret: [u8; ROOM_SECRET_LEN]) -> Self {
        #[cfg(feature = "fault-injection")]
        super::fault_injection::mark_program();
        Self {
            room: room.to_owned(),
            secret,
            join_policy: JoinPolicy::Secret,
            needs_approval: false,
            members_create_rooms: false,
            admission_tag: [0; 16],
            operators: Vec::new(),
            classic: None,
            limits: HubLimits::default(),
            profile: Profile::default(),
            #[cfg(feature = "fault-injection")]
            faults: FaultInjection::default(),
        }
    }

    /// The faults that are switched on.
    #[inline]
    pub(super) const fn faults(&self) -> Faults {
        Faults(
            #[cfg(feature = "fault-injection")]
            self.faults,
        )
    }
}

impl core::fmt::Debug for HubConfig {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("HubConfig")
            .field("room", &self.room)
            .field("join_policy", &self.join_policy)
            .field("limits", &self.limits)
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}
