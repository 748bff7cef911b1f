//! What an operator can do.

use core::fmt;
use core::net::SocketAddr;

use kabar_core::chat::{Kind, MAX_TEXT_LEN};
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::{Duration, Instant};
use kabar_core::wire::frame::CloseCode;

use super::commit::{Pending, Source};
use super::{Departure, Hub};
use crate::store::{Sanction, SanctionKind};
use kabar_std::names::Name;

/// The author of what the operator says (SPEC 6.6).
const SERVER: &str = "server";

/// One member, for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// The name as the server wrote it.
    pub name: String,
    /// Where it is.
    pub address: SocketAddr,
    /// Since when it is here, in ms since 1970.
    pub since_ms: u64,
    /// For how long it has said nothing.
    pub idle: Duration,
    /// Round-trip time to it, if it was measured.
    pub rtt: Option<Duration>,
    /// Whether it may not speak.
    pub is_muted: bool,
}

/// How full everything is at this moment.
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
    /// Handshakes that wait for their public-key work, or have it done.
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

/// Why something that an operator asked for did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OperatorError {
    /// Nobody is called so.
    Unknown,
    /// Nobody of that name is here.
    NotHere,
    /// It is so already.
    Already,
    /// It is not so.
    NotSo,
    /// Its owner is here.
    InUse,
    /// There are as many bans and mutes as are kept.
    Full,
    /// The server has stopped.
    Stopped,
}

/// What is done to a name: the name as it is shown, or why nothing was done.
pub type Outcome = Result<String, OperatorError>;

impl<P: Provider> Hub<P> {
    /// Says `text` (up to 4096 bytes; the rest is cut off) to the room as the operator.
    pub fn say(&mut self, now: Instant, text: &str) {
        let text = &text[..text.floor_char_boundary(MAX_TEXT_LEN)];
        self.appender.push(Pending::by_server(SERVER, Kind::OPERATOR, text.as_bytes(), Source::Operator));
        self.finish_input(now);
    }

    /// Puts a member out.
    ///
    /// # Errors
    /// [`OperatorError::NotHere`].
    pub fn kick(&mut self, now: Instant, name: &str) -> Outcome {
        let id = Name::new(name).ok().and_then(|name| self.members.by_name.get(name.folded()).copied());
        let id = id.ok_or(OperatorError::NotHere)?;
        let shown = self.shown_name(id);
        self.put_out(now, id, Departure::Kicked);
        self.finish_input(now);
        Ok(shown)
    }

    /// Keeps an identity out for good, and puts it out if it is here. Holds at once; it is written as soon as the store works.
    /// Its name stays its own.
    ///
    /// # Errors
    /// [`OperatorError::Unknown`], [`OperatorError::Already`], [`OperatorError::Full`].
    pub fn ban(&mut self, now: Instant, name: &str) -> Outcome {
        let (shown, identity) = self.impose(now, name, SanctionKind::Ban)?;
        if let Some(id) = self.members.by_identity.get(&identity).copied() {
            self.put_out(now, id, Departure::Banned);
        }
        self.finish_input(now);
        Ok(shown)
    }

    /// Lets an identity in again.
    ///
    /// # Errors
    /// [`OperatorError::NotSo`].
    pub fn unban(&mut self, now: Instant, name: &str) -> Outcome {
        self.lift(now, name, SanctionKind::Ban)
    }

    /// Refuses whatever an identity posts from now on. Holds at once; it is written as soon as the store works.
    ///
    /// # Errors
    /// [`OperatorError::Unknown`], [`OperatorError::Already`], [`OperatorError::Full`].
    pub fn mute(&mut self, now: Instant, name: &str) -> Outcome {
        let (shown, _) = self.impose(now, name, SanctionKind::Mute)?;
        self.finish_input(now);
        Ok(shown)
    }

    /// Lets an identity speak again.
    ///
    /// # Errors
    /// [`OperatorError::NotSo`].
    pub fn unmute(&mut self, now: Instant, name: &str) -> Outcome {
        self.lift(now, name, SanctionKind::Mute)
    }

    /// Bans and mutes in force, oldest first.
    #[must_use]
    pub fn sanctions(&self) -> Vec<Sanction> {
        self.sanctions.all().into_iter().cloned().collect()
    }

    /// Ends the ownership of a name, so that anybody may take it.
    ///
    /// # Errors
    /// [`OperatorError::Unknown`] if nobody owns it, [`OperatorError::InUse`] if the owner is here.
    pub fn release_name(&mut self, now: Instant, name: &str) -> Outcome {
        let name = Name::new(name).map_err(|_| OperatorError::Unknown)?;
        let folded = name.folded();
        let is_here = self.members.by_name.contains_key(folded) || self.ownership.is_claimed(folded);
        if is_here || self.is_present(folded) {
            return Err(OperatorError::InUse);
        }
        let shown = self.ownership.record(folded).ok_or(OperatorError::Unknown)?.name.clone();
        self.appender.push_released(folded);
        self.finish_input(now);
        Ok(shown)
    }

    /// Who is here, by name.
    #[must_use]
    pub fn who(&self, now: Instant) -> Vec<Presence> {
        let presence = |id| {
            let peer = self.peers.get(id)?;
            let member = peer.member()?;
            Some(Presence {
                name: member.name.shown().to_owned(),
                address: peer.address,
                since_ms: member.since_ms,
                idle: now.saturating_since(member.spoke_at),
                rtt: peer.connection.rtt(),
                is_muted: self.sanctions.holds(member.identity, SanctionKind::Mute),
            })
        };
        self.members.by_name.values().filter_map(presence).collect()
    }

    /// How full everything is.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            members: self.members.by_identity.len(),
            connections: self.peers.len(),
            unjoined: self.waiting,
            half_open: self.half_open.len(),
            handshakes: self.accepts.len(),
            first: self.log.first(),
            head: self.log.head(),
            unfinished_bytes: self.appender.bytes(),
            buffer_bytes: self.pool.used(),
            is_store_in_trouble: self.appender.is_in_trouble(),
        }
    }

    /// Stops: everybody is told, nobody comes in any more. What was taken before is still committed: go on driving until
    /// [`Hub::is_finished`], or for as long as one is willing to wait.
    pub fn shutdown(&mut self, now: Instant) {
        self.is_stopping = true;
        let mut all: Vec<u32> = self.peers.keys().copied().collect();
        all.sort_unstable();
        for id in all {
            if self.peers.get(&id).is_some_and(|peer| peer.connection.is_open()) {
                self.depart(now, id, Departure::Shutdown);
                self.close(now, id, CloseCode::SHUTDOWN, "the server stops");
            }
        }
        self.finish_input(now);
    }

    /// Whether, after [`Hub::shutdown`], nothing is left to send or to commit.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.is_stopping && self.ready.is_empty() && self.replies.is_empty() && self.appender.is_idle()
    }

    fn put_out(&mut self, now: Instant, id: u32, how: Departure) {
        self.depart(now, id, how);
        let code = if how == Departure::Banned { CloseCode::BANNED } else { CloseCode::KICKED };
        self.close(now, id, code, "");
    }

    fn impose(
        &mut self,
        now: Instant,
        name: &str,
        kind: SanctionKind,
    ) -> Result<(String, PublicIdentity), OperatorError> {
        let (shown, identity) = self.called(name).ok_or(OperatorError::Unknown)?;
        if self.sanctions.all().len() >= self.config.limits.sanctions && !self.sanctions.holds(identity, kind) {
            self.counters.sanctions_full += 1;
            return Err(OperatorError::Full);
        }
        let sanction = Sanction { identity, kind, name: shown.clone(), since_ms: self.wall_ms(now) };
        if self.sanctions.impose(sanction) { Ok((shown, identity)) } else { Err(OperatorError::Already) }
    }

    fn lift(&mut self, now: Instant, name: &str, kind: SanctionKind) -> Outcome {
        let name = Name::new(name).map_err(|_| OperatorError::NotSo)?;
        let owner = self.ownership.record(name.folded()).map(|record| record.identity);
        let named = owner.filter(|owner| self.sanctions.holds(*owner, kind));
        let identity = named.or_else(|| self.sanctions.hit(&name, kind)).ok_or(OperatorError::NotSo)?;
        self.sanctions.lift(identity, kind);
        self.finish_input(now);
        Ok(name.shown().to_owned())
    }

    /// Whoever is here under this name, or owns it.
    fn called(&self, name: &str) -> Option<(String, PublicIdentity)> {
        let name = Name::new(name).ok()?;
        let present = self.members.by_name.get(name.folded());
        let member = present.and_then(|id| self.peers.get(id)?.member());
        let member = member.map(|member| (member.name.shown().to_owned(), member.identity));
        member.or_else(|| self.ownership.record(name.folded()).map(|it| (it.name.clone(), it.identity)))
    }

    fn shown_name(&self, id: u32) -> String {
        let member = self.peers.get(&id).and_then(|peer| peer.member());
        member.map_or_else(String::new, |member| member.name.shown().to_owned())
    }
}

impl fmt::Display for OperatorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "nobody is called so",
            Self::NotHere => "nobody of that name is here",
            Self::Already => "that is so already",
            Self::NotSo => "that is not so",
            Self::InUse => "its owner is here",
            Self::Full => "there are too many bans and mutes: lift some, or raise --max-sanctions",
            Self::Stopped => "the server has stopped",
        })
    }
}

impl core::error::Error for OperatorError {}
