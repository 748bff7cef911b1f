//! The operator's actions on who may join: invites, and Joins that wait to be let in.

use kabar_core::chat::ROOM_SECRET_LEN;
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;
use rand_core::Rng;

use super::Hub;
use super::context::Context;
use super::invites::InviteTerms;
use super::report::{InviteInfo, OperatorError, WaitingInfo};
use super::room_id::RoomId;
use crate::store::InviteRecord;

impl<P: Provider> Hub<P> {
    /// Makes an invite with a new secret. In force at once; stored as soon as the store works.
    ///
    /// # Errors
    /// [`OperatorError::NoSuchRoom`], [`OperatorError::TooManyInvites`].
    pub fn create_invite(&mut self, now: Instant, terms: InviteTerms) -> Result<InviteRecord, OperatorError> {
        self.begin_input(now);
        let Self { rooms, context, .. } = self;
        let is_open = |room: &str| rooms.directory.get(room).is_some_and(|entry| !entry.record.is_closed);
        if !terms.room.as_deref().is_none_or(is_open) {
            return Err(OperatorError::NoSuchRoom);
        }
        let secret = context.draw_secret();
        let made = context.invites.add(context.wall_ms(now), secret, terms, context.config.limits.invites);
        context.counters.invites_full += u64::from(made.is_err());
        made
    }

    /// The invite of an operator for a room, without bounds: the one that it made before, or a new
    /// one.
    ///
    /// # Errors
    /// As [`Hub::create_invite`].
    pub fn own_invite(
        &mut self,
        now: Instant,
        by: PublicIdentity,
        room: String,
    ) -> Result<InviteRecord, OperatorError> {
        let known = self.context.invites.unbounded_of(by, &room);
        let terms = || InviteTerms { room: Some(room), made_by: Some(by), ..InviteTerms::default() };
        known.map_or_else(|| self.create_invite(now, terms()), Ok)
    }

    /// Ends an invite that is not a standing one. Whoever it has admitted stays admitted. In effect
    /// at once; stored as soon as the store works.
    ///
    /// # Errors
    /// [`OperatorError::NoSuchInvite`], [`OperatorError::AlreadyInEffect`],
    /// [`OperatorError::StandingInvite`].
    pub fn revoke_invite(&mut self, now: Instant, id: u32) -> Result<InviteRecord, OperatorError> {
        self.begin_input(now);
        self.context.invites.revoke(id)
    }

    /// Replaces the secret of the server's standing invite, which is stored in the data directory
    /// already.
    pub fn replace_standing_invite(&mut self, now: Instant, secret: [u8; ROOM_SECRET_LEN]) -> InviteRecord {
        self.begin_input(now);
        self.context.set_standing_invite(now, None, secret)
    }

    /// Replaces the secret of the standing invite of a private room. Returns the new one.
    ///
    /// # Errors
    /// [`OperatorError::NoSuchInvite`]: the room has none.
    pub fn replace_room_invite(&mut self, now: Instant, room: &str) -> Result<InviteRecord, OperatorError> {
        self.begin_input(now);
        let context = &mut self.context;
        context.invites.standing(Some(room)).ok_or(OperatorError::NoSuchInvite)?;
        let secret = context.draw_secret();
        Ok(context.set_standing_invite(now, Some(room), secret))
    }

    /// The standing invite by which one joins a room: its own one if it is private, else that of
    /// the server.
    #[must_use]
    pub fn standing_invite(&self, room: RoomId) -> Option<InviteRecord> {
        self.context.invites.standing(self.invite_scope(room).as_deref())
    }

    /// The standing invite of the private room of this name.
    #[must_use]
    pub fn private_room_invite(&self, room: &str) -> Option<InviteRecord> {
        self.context.invites.standing(Some(room))
    }

    /// The room that an invite for it has to name; `None`: one for all open rooms is enough.
    #[must_use]
    pub fn invite_scope(&self, room: RoomId) -> Option<String> {
        self.rooms.get(room).filter(|room| room.is_private()).map(|room| room.name().to_owned())
    }

    /// The invites in force that admit to a room and that the identity has used that has, owns, or
    /// had a name when it was banned.
    #[must_use]
    pub fn invites_of(&self, now: Instant, room: RoomId, name: &str) -> Vec<InviteRecord> {
        let Context { people, invites, .. } = &self.context;
        let Some(room) = self.rooms.get(room) else { return Vec::new() };
        let Some(identity) = room.find_identity(people, name) else { return Vec::new() };
        let used = invites.used_by(identity).filter(|it| it.is_in_force(self.context.wall_ms(now)));
        used.filter(|invite| room.is_for(invite)).collect()
    }

    /// All invites, by id: those in force, and those that ended last.
    #[must_use]
    pub fn invites(&self, now: Instant) -> Vec<InviteInfo> {
        let people = &self.context.people;
        self.context.invites.list(self.context.wall_ms(now), |identity| people.shown_name(identity))
    }

    /// Lets in the Join that waits under a name. Returns its name and address.
    ///
    /// # Errors
    /// [`OperatorError::NotWaiting`].
    pub fn accept(&mut self, now: Instant, room: RoomId, name: &str) -> Result<String, OperatorError> {
        self.act(now, room, |room, peers, context| room.accept(now, peers, context, name))
    }

    /// Refuses the Join that waits under a name. Returns its name and address.
    ///
    /// # Errors
    /// [`OperatorError::NotWaiting`].
    pub fn reject(&mut self, now: Instant, room: RoomId, name: &str) -> Result<String, OperatorError> {
        self.act(now, room, |room, peers, context| room.reject(now, peers, context, name))
    }

    /// The Joins that wait to be let in, in the order of arrival.
    #[must_use]
    pub fn waiting(&self, room: RoomId) -> Vec<WaitingInfo> {
        self.rooms.get(room).map_or_else(Vec::new, |room| room.list_waiting(&self.peers))
    }
}

impl<P: Provider> Context<P> {
    /// Makes the standing invite of a room that becomes private.
    pub(super) fn begin_room_invites(&mut self, now: Instant, room: &str) {
        if self.invites.standing(Some(room)).is_none() {
            let secret = self.draw_secret();
            self.set_standing_invite(now, Some(room), secret);
        }
    }

    /// Makes `secret` that of the standing invite of the server (`None`) or of a private room.
    pub(super) fn set_standing_invite(
        &mut self,
        now: Instant,
        room: Option<&str>,
        secret: [u8; ROOM_SECRET_LEN],
    ) -> InviteRecord {
        self.invites.set_standing(self.wall_ms(now), room, secret, self.config.limits.invites)
    }

    /// Whether an operator's decision is not known to be durable.
    pub(super) fn has_decided(&self) -> bool {
        self.privileges.has_decided() || self.invites.has_changed()
    }

    fn draw_secret(&mut self) -> [u8; ROOM_SECRET_LEN] {
        let mut secret = [0; ROOM_SECRET_LEN];
        self.rng.fill_bytes(&mut secret);
        secret
    }
}
