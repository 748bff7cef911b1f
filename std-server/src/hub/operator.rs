//! The operator's view of a hub, and what an operator can do.

use core::fmt;
use core::net::SocketAddr;

use kabar_core::connection::CloseCode;
use kabar_core::crypto::Provider;
use kabar_core::time::{Duration, Instant};

use super::room::Room;
use super::routes::remove_member;
use super::{Hub, LeaveReason};
use crate::store::{Sanction, SanctionKind};

/// One member, for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberInfo {
    /// The name as the server wrote it.
    pub name: String,
    /// Its address.
    pub address: SocketAddr,
    /// When it joined, in ms since 1970.
    pub since_ms: u64,
    /// Time since its last post, or since it joined.
    pub idle: Duration,
    /// Round-trip time, if it was measured.
    pub rtt: Option<Duration>,
    /// Whether its posts are refused.
    pub is_muted: bool,
}

/// How full everything is.
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
    /// Nobody has or owns this name.
    NoSuchName,
    /// No member has this name.
    NotHere,
    /// It is in effect already.
    AlreadyInEffect,
    /// It is not in effect.
    NotInEffect,
    /// Its owner is a member.
    InUse,
    /// The limit of bans and mutes is reached.
    Full,
    /// The server has stopped.
    Stopped,
}

impl<P: Provider> Hub<P> {
    /// Posts `text` (up to 4096 bytes; the rest is cut off) to the room as the operator.
    pub fn say(&mut self, now: Instant, text: &str) {
        self.begin_input(now);
        if let Some(room) = self.rooms.first_mut() {
            room.say(text);
        }
    }

    /// Removes a member from the room. Returns the name as the server writes it.
    ///
    /// # Errors
    /// [`OperatorError::NotHere`].
    pub fn kick(&mut self, now: Instant, name: &str) -> Result<String, OperatorError> {
        self.begin_input(now);
        let Self { peers, rooms, context, .. } = self;
        rooms.first_mut().ok_or(OperatorError::NotHere)?.kick(now, peers, context, name)
    }

    /// Bans an identity for good, and removes it if it is a member. In effect at once; stored as
    /// soon as the store works. Its name stays its own.
    ///
    /// # Errors
    /// [`OperatorError::NoSuchName`], [`OperatorError::AlreadyInEffect`], [`OperatorError::Full`].
    pub fn ban(&mut self, now: Instant, name: &str) -> Result<String, OperatorError> {
        self.begin_input(now);
        let Self { peers, rooms, context, .. } = self;
        rooms.first_mut().ok_or(OperatorError::NoSuchName)?.ban(now, peers, context, name)
    }

    /// Lifts a ban.
    ///
    /// # Errors
    /// [`OperatorError::NotInEffect`].
    pub fn unban(&mut self, now: Instant, name: &str) -> Result<String, OperatorError> {
        self.lift(now, name, SanctionKind::Ban)
    }

    /// Refuses the posts of an identity from now on. In effect at once; stored as soon as the store
    /// works.
    ///
    /// # Errors
    /// [`OperatorError::NoSuchName`], [`OperatorError::AlreadyInEffect`], [`OperatorError::Full`].
    pub fn mute(&mut self, now: Instant, name: &str) -> Result<String, OperatorError> {
        self.begin_input(now);
        let Self { rooms, context, .. } = self;
        let room = rooms.first_mut().ok_or(OperatorError::NoSuchName)?;
        room.impose(now, context, name, SanctionKind::Mute).map(|(shown, _)| shown)
    }

    /// Lifts a mute.
    ///
    /// # Errors
    /// [`OperatorError::NotInEffect`].
    pub fn unmute(&mut self, now: Instant, name: &str) -> Result<String, OperatorError> {
        self.lift(now, name, SanctionKind::Mute)
    }

    fn lift(&mut self, now: Instant, name: &str, kind: SanctionKind) -> Result<String, OperatorError> {
        self.begin_input(now);
        self.rooms.first_mut().ok_or(OperatorError::NotInEffect)?.lift(name, kind)
    }

    /// Bans and mutes in effect, oldest first.
    #[must_use]
    pub fn sanctions(&self) -> Vec<Sanction> {
        self.rooms.first().map_or_else(Vec::new, Room::sanctions)
    }

    /// Ends the ownership of a name, so that anybody may take it.
    ///
    /// # Errors
    /// [`OperatorError::NoSuchName`] if nobody owns it, [`OperatorError::InUse`] if the owner is
    /// here.
    pub fn release_name(&mut self, now: Instant, name: &str) -> Result<String, OperatorError> {
        self.begin_input(now);
        self.rooms.first_mut().ok_or(OperatorError::NoSuchName)?.release_name(name)
    }

    /// The members by name.
    #[must_use]
    pub fn who(&self, now: Instant) -> Vec<MemberInfo> {
        self.rooms.first().map_or_else(Vec::new, |room| room.list_members(now, &self.peers))
    }

    /// How full everything is.
    #[must_use]
    pub fn status(&self) -> Status {
        let (half_open, handshakes) = self.door.status();
        let mut status = Status {
            connections: self.peers.len(),
            unjoined: self.context.census.unjoined,
            half_open,
            handshakes,
            buffer_bytes: self.peers.pool.used(),
            ..Status::default()
        };
        self.rooms.iter().for_each(|room| room.add_status(&mut status));
        status
    }

    /// Stops: every connection is closed, and none is accepted. Accepted posts are still committed:
    /// go on driving until [`Hub::is_finished`], or for as long as one is willing to wait.
    pub fn shutdown(&mut self, now: Instant) {
        self.begin_input(now);
        let Self { peers, rooms, context, .. } = self;
        context.is_stopping = true;
        for id in peers.ids() {
            let Some(peer) = peers.get_mut(id).filter(|peer| peer.connection.is_open()) else { continue };
            remove_member(now, rooms, context, peer, LeaveReason::Shutdown, Duration::ZERO);
            peer.close(now, context, CloseCode::SHUTDOWN, "the server stops");
        }
    }

    /// Whether, after [`Hub::shutdown`], nothing is left to send or to commit.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        let has_output = !self.context.turns.ready.is_empty() || self.door.has_replies();
        self.context.is_stopping && !has_output && self.rooms.iter().all(Room::is_idle)
    }
}

impl fmt::Display for OperatorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchName => "no such name",
            Self::NotHere => "no member has this name",
            Self::AlreadyInEffect => "already in effect",
            Self::NotInEffect => "not in effect",
            Self::InUse => "its owner is connected",
            Self::Full => "too many bans and mutes: lift some, or raise --max-sanctions",
            Self::Stopped => "the server has stopped",
        })
    }
}

impl core::error::Error for OperatorError {}
