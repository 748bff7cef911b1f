//! The actions of an operator, and the view that an operator has of a hub.

use kabar_core::chat::AnswerCode;
use kabar_core::connection::CloseCode;
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::session::Fingerprint;
use kabar_core::time::{Duration, Instant};

use super::Hub;
use super::context::Context;
use super::events::{LeaveReason, OperationId};
use super::peer::Peers;
use super::report::{MemberInfo, OperatorError, PrivilegeInfo, SanctionInfo, Status};
use super::room::{Room, answer_operation};
use super::room_id::RoomId;
use crate::store::{PrivilegeKind, Sanction, SanctionKind};

impl<P: Provider> Hub<P> {
    /// Posts `text` (up to 4096 bytes; the rest is cut off) to a room as the operator.
    pub fn say(&mut self, now: Instant, room: RoomId, text: &str) {
        self.begin_input(now);
        let Self { rooms, context, .. } = self;
        if let Some(room) = rooms.get_mut(room) {
            room.say(context, text);
        }
    }

    /// Splits what an operator typed into a name and a reason: the name is the longest beginning,
    /// in whole words, that somebody has or owns; all of it if there is none.
    #[must_use]
    pub fn split_name<'a>(&self, room: RoomId, text: &'a str) -> (&'a str, Option<&'a str>) {
        self.rooms.get(room).map_or((text, None), |room| room.split_name(&self.context.people, text))
    }

    /// Removes a member from a room. Returns the name as the server writes it. The member and the
    /// room are shown the reason. `by`: the member who does it, who is an operator; `None`: at the
    /// console.
    ///
    /// # Errors
    /// [`OperatorError::NotHere`]; for a member also [`OperatorError::Oneself`],
    /// [`OperatorError::Configured`].
    pub fn kick(
        &mut self,
        now: Instant,
        room: RoomId,
        by: Option<PublicIdentity>,
        name: &str,
        reason: Option<&str>,
    ) -> Result<String, OperatorError> {
        self.act(now, room, |room, peers, context| room.kick(now, peers, context, by, name, reason))
    }

    /// Bans an identity permanently, and removes it if it is a member. In effect at once; stored as
    /// soon as the store works. It keeps its name. The room is shown the reason, and so is the
    /// identity whenever it is refused.
    ///
    /// # Errors
    /// [`OperatorError::NoSuchName`], [`OperatorError::AlreadyInEffect`], [`OperatorError::Full`];
    /// for a member also [`OperatorError::Oneself`], [`OperatorError::Configured`].
    pub fn ban(
        &mut self,
        now: Instant,
        room: RoomId,
        by: Option<PublicIdentity>,
        name: &str,
        reason: Option<&str>,
    ) -> Result<String, OperatorError> {
        self.act(now, room, |room, peers, context| room.ban(now, peers, context, by, name, reason))
    }

    /// Removes the body of an entry for good. `Ok(false)`: it is read first, and
    /// [`super::HubEvent::NotRemoved`] reports if it cannot be removed.
    ///
    /// # Errors
    /// [`OperatorError::NoSuchEntry`], [`OperatorError::NotMessage`],
    /// [`OperatorError::AlreadyInEffect`], [`OperatorError::Busy`].
    pub fn delete(&mut self, now: Instant, room: RoomId, seq: u64) -> Result<bool, OperatorError> {
        self.act(now, room, |room, _, context| room.delete(now, context, seq))
    }

    /// Lifts a ban or a mute.
    ///
    /// # Errors
    /// [`OperatorError::NotInEffect`].
    pub fn lift(
        &mut self,
        now: Instant,
        room: RoomId,
        by: Option<PublicIdentity>,
        name: &str,
        kind: SanctionKind,
    ) -> Result<String, OperatorError> {
        self.act(now, room, |room, _, context| room.lift(context, by, name, kind))
    }

    /// Refuses the posts of an identity from now on. In effect at once; stored as soon as the store
    /// works. The room is shown the reason.
    ///
    /// # Errors
    /// [`OperatorError::NoSuchName`], [`OperatorError::AlreadyInEffect`], [`OperatorError::Full`];
    /// for a member also [`OperatorError::Oneself`], [`OperatorError::Configured`].
    pub fn mute(
        &mut self,
        now: Instant,
        room: RoomId,
        by: Option<PublicIdentity>,
        name: &str,
        reason: Option<&str>,
    ) -> Result<String, OperatorError> {
        let kind = SanctionKind::Mute;
        self.act(now, room, |room, _, context| {
            room.impose(now, context, by, name, kind, reason).map(|(shown, _)| shown)
        })
    }

    /// Bans and mutes in effect, oldest first.
    #[must_use]
    pub fn sanctions(&self, room: RoomId) -> Vec<SanctionInfo> {
        let info = |sanction: Sanction| SanctionInfo { by: self.issuer(sanction.by), sanction };
        self.rooms.get(room).map_or_else(Vec::new, Room::sanctions).into_iter().map(info).collect()
    }

    /// Makes an identity an operator, or a trusted one. In effect at once; stored as soon as the
    /// store works.
    ///
    /// # Errors
    /// [`OperatorError::NoSuchName`], [`OperatorError::AlreadyInEffect`],
    /// [`OperatorError::TooManyPrivileges`].
    pub fn grant(
        &mut self,
        now: Instant,
        room: RoomId,
        by: Option<PublicIdentity>,
        name: &str,
        kind: PrivilegeKind,
    ) -> Result<String, OperatorError> {
        self.act(now, room, |room, _, context| room.grant(now, context, by, name, kind))
    }

    /// Ends what [`Hub::grant`] began.
    ///
    /// # Errors
    /// [`OperatorError::NotInEffect`], [`OperatorError::Configured`].
    pub fn revoke(
        &mut self,
        now: Instant,
        room: RoomId,
        by: Option<PublicIdentity>,
        name: &str,
        kind: PrivilegeKind,
    ) -> Result<String, OperatorError> {
        self.act(now, room, |room, _, context| room.revoke(context, by, name, kind))
    }

    /// Operators and trusted identities: those that the configuration names, then those to which
    /// it was granted, by kind, oldest first.
    #[must_use]
    pub fn privileges(&self) -> Vec<PrivilegeInfo> {
        let Context { privileges, people, .. } = &self.context;
        let configured = privileges.configured().iter().map(|fingerprint| {
            let identity =
                people.known.iter().map(|(it, _)| it).find(|it| Fingerprint::of_identity(it) == *fingerprint);
            let name = identity.and_then(|it| people.name_of(it)).map(str::to_owned);
            PrivilegeInfo::Configured { fingerprint: *fingerprint, name }
        });
        let granted = privileges.all().into_iter();
        configured.chain(granted.map(|it| PrivilegeInfo::Granted { by: self.issuer(it.by), privilege: it })).collect()
    }

    /// The name of the operator who did something, as a record states it; `None`: at the console.
    fn issuer(&self, by: Option<PublicIdentity>) -> Option<String> {
        by.map(|by| self.context.people.shown_name(&by))
    }

    /// Whether an identity is an operator.
    #[must_use]
    pub fn is_operator(&self, identity: PublicIdentity) -> bool {
        self.context.privileges.is_operator(identity)
    }

    /// Answers a command that [`super::HubEvent::Operate`] reported, if its member still waits for
    /// that: the lines of its output, the result, and a text about it.
    pub fn answer_operation(
        &mut self,
        now: Instant,
        id: OperationId,
        code: AnswerCode,
        lines: Vec<String>,
        text: &str,
    ) {
        self.begin_input(now);
        answer_operation(&mut self.peers, &mut self.context, id, code, lines, text);
    }

    /// Ends the ownership of a name, so that anybody may take it. A room is shown who did it.
    ///
    /// # Errors
    /// [`OperatorError::NoSuchName`] if nobody owns it, [`OperatorError::InUse`] if the owner is
    /// here.
    pub fn release_name(
        &mut self,
        now: Instant,
        room: RoomId,
        by: Option<PublicIdentity>,
        name: &str,
    ) -> Result<String, OperatorError> {
        self.act(now, room, |room, _, context| room.release(context, by, name))
    }

    /// The members by name.
    #[must_use]
    pub fn who(&self, now: Instant, room: RoomId) -> Vec<MemberInfo> {
        self.rooms.get(room).map_or_else(Vec::new, |room| room.list_members(now, &self.peers))
    }

    /// How full the hub and one of its rooms are.
    #[must_use]
    pub fn status(&self, room: RoomId) -> Status {
        let (half_open, handshakes) = self.door.status();
        let mut status = Status {
            connections: self.peers.len(),
            unjoined: self.context.census.unjoined,
            half_open,
            handshakes,
            buffer_bytes: self.peers.pool.used(),
            unfinished_bytes: self.context.commits.unfinished_bytes(),
            is_store_in_trouble: self.context.commits.is_in_trouble(),
            ..Status::default()
        };
        if let Some(room) = self.rooms.get(room) {
            room.add_status(&mut status);
        }
        status
    }

    /// Lets an operator change a room.
    pub(super) fn act<T>(
        &mut self,
        now: Instant,
        room: RoomId,
        act: impl FnOnce(&mut Room, &mut Peers<P>, &mut Context<P>) -> Result<T, OperatorError>,
    ) -> Result<T, OperatorError> {
        self.begin_input(now);
        let Self { peers, rooms, context, .. } = self;
        act(rooms.get_mut(room).ok_or(OperatorError::NoSuchRoom)?, peers, context)
    }

    /// Stops: every connection is closed, and none is accepted. Accepted posts are still committed:
    /// continue driving until [`Hub::is_finished`], or until waiting has taken too long.
    pub fn shutdown(&mut self, now: Instant) {
        self.begin_input(now);
        let Self { peers, rooms, context, .. } = self;
        context.is_stopping = true;
        for id in peers.ids() {
            let Some(peer) = peers.get_mut(id).filter(|peer| peer.link.connection.is_open()) else { continue };
            rooms.end_memberships(now, context, peer, LeaveReason::Shutdown, Duration::ZERO);
            peer.close(now, context, CloseCode::SHUTDOWN, "the server stops");
        }
    }

    /// Whether, after [`Hub::shutdown`], nothing is left to send or to commit.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        let has_output = !self.context.turns.ready.is_empty() || self.door.has_replies() || self.has_classic_answers();
        self.context.is_stopping
            && !has_output
            && self.context.commits.is_idle()
            && self.rooms.iter().all(Room::is_idle)
    }
}
