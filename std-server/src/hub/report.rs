//! The reports of a hub to its operator: members, how full everything is, and why an action was not
//! carried out.

use core::fmt;
use core::net::SocketAddr;

use kabar_core::session::Fingerprint;
use kabar_core::time::Duration;

use crate::store::{InviteRecord, InviteState, Privilege, RoomRecord, Sanction};

/// One member, for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberInfo {
    /// The name as the server wrote it.
    pub name: String,
    /// The address of the session that was active last.
    pub address: SocketAddr,
    /// When the first of its sessions joined, in ms since 1970.
    pub since_ms: u64,
    /// Time since its last post, or since it joined.
    pub idle: Duration,
    /// Round-trip time of the session that was active last, if it was measured.
    pub rtt: Option<Duration>,
    /// Whether its posts are refused.
    pub is_muted: bool,
    /// Number of its connections.
    pub sessions: usize,
}

/// One invite, for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteInfo {
    /// The invite.
    pub record: InviteRecord,
    /// Whether it admits newcomers.
    pub state: InviteState,
    /// The name of the operator who made it; `None`: the server did, or it was made at the console.
    pub made_by: Option<String>,
    /// Names of its last users, and when each was admitted, in ms since 1970; oldest first.
    pub used_by: Vec<(String, u64)>,
}

/// A ban or mute, for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SanctionInfo {
    /// The ban or mute.
    pub sanction: Sanction,
    /// The name of the operator who imposed it; `None`: at the console.
    pub by: Option<String>,
}

/// An operator or trusted identity, for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrivilegeInfo {
    /// The configuration names it as an operator.
    Configured {
        /// As the configuration names it.
        fingerprint: Fingerprint,
        /// The name that it used last, if it is known.
        name: Option<String>,
    },
    /// A command granted it.
    Granted {
        /// The privilege.
        privilege: Privilege,
        /// The name of the operator who granted it; `None`: at the console.
        by: Option<String>,
    },
}

/// One room, for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomInfo {
    /// Its record.
    pub record: RoomRecord,
    /// Smallest seq that is kept.
    pub first: u64,
    /// Largest seq that is committed.
    pub head: u64,
    /// Members who are connected.
    pub members: usize,
}

/// A Join that waits to be let in, for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingInfo {
    /// The name that it asks for.
    pub name: String,
    /// Its address.
    pub address: SocketAddr,
    /// Since when it waits, in ms since 1970.
    pub since_ms: u64,
}

/// How full a hub and one of its rooms are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Members of the room.
    pub members: usize,
    /// Connections, open and closing.
    pub connections: usize,
    /// Connections that have not joined.
    pub unjoined: usize,
    /// Half-open connections.
    pub half_open: usize,
    /// Handshakes whose public-key work waits or is being done.
    pub handshakes: usize,
    /// Smallest seq that is kept.
    pub first: u64,
    /// Largest seq that is committed.
    pub head: u64,
    /// Bytes of posts that are not committed.
    pub unfinished_bytes: usize,
    /// Bytes of buffers in use.
    pub buffer_bytes: usize,
    /// Whether the store fails at the moment.
    pub is_store_in_trouble: bool,
}

/// Why an action of the operator was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OperatorError {
    /// The hub has no such room.
    NoSuchRoom,
    /// There is a room of this name.
    RoomExists,
    /// No room can have this name: commands have a meaning for it.
    ReservedName,
    /// The limit of rooms is reached.
    TooManyRooms,
    /// The room of the configuration is always open.
    FirstRoom,
    /// No member has this name, and it has no owner.
    NoSuchName,
    /// No member has this name.
    NotHere,
    /// It is already in effect.
    AlreadyInEffect,
    /// It is not in effect.
    NotInEffect,
    /// Its owner is connected, or was a moment ago.
    InUse,
    /// There is no such entry.
    NoSuchEntry,
    /// The entry is not a message.
    NotMessage,
    /// Another removal is in progress.
    Busy,
    /// The limit of bans and mutes is reached.
    Full,
    /// The limit of operators and trusted identities is reached.
    TooManyPrivileges,
    /// The configuration names the identity as an operator.
    Configured,
    /// An operator cannot do this to themselves.
    Oneself,
    /// The room has no such invite.
    NoSuchInvite,
    /// It is the standing invite, which can only be replaced.
    StandingInvite,
    /// The limit of invites is reached.
    TooManyInvites,
    /// No Join waits under this name.
    NotWaiting,
    /// The server has stopped.
    Stopped,
}

impl fmt::Display for OperatorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchRoom => "no such room",
            Self::RoomExists => "there is a room of this name",
            Self::ReservedName => "this name is a word of the commands: choose another one",
            Self::FirstRoom => "the room of the configuration cannot be closed",
            Self::TooManyRooms => "too many rooms: raise --max-rooms",
            Self::NoSuchName => "no such name",
            Self::NotHere => "no member has this name",
            Self::AlreadyInEffect => "already in effect",
            Self::NotInEffect => "not in effect",
            Self::InUse => "its owner is connected",
            Self::NoSuchEntry => "no such entry",
            Self::NotMessage => "only messages can be removed",
            Self::Busy => "another removal is in progress",
            Self::Full => "too many bans and mutes: lift some, or raise --max-sanctions",
            Self::TooManyPrivileges => {
                "too many operators and trusted identities: deop or untrust some, or raise --max-privileges"
            }
            Self::Configured => "is an operator by the server's configuration",
            Self::Oneself => "you cannot do this to yourself",
            Self::NoSuchInvite => "no such invite",
            Self::StandingInvite => "it is the standing invite",
            Self::TooManyInvites => "too many invites: revoke some, or raise --max-invites",
            Self::NotWaiting => "nobody waits under this name",
            Self::Stopped => "the server has stopped",
        })
    }
}

impl core::error::Error for OperatorError {}
