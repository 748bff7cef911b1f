//! The operator's actions on who may join: invites, and Joins that wait to be let in.

use kabar_core::chat::ROOM_SECRET_LEN;
use kabar_core::crypto::Provider;
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
    /// [`OperatorError::TooManyInvites`].
    pub fn create_invite(&mut self, now: Instant, terms: InviteTerms) -> Result<InviteRecord, OperatorError> {
        self.begin_input(now);
        let context = &mut self.context;
        let secret = context.draw_secret();
        let made = context.invites.add(context.wall_ms(now), secret, terms, context.config.limits.invites);
        context.counters.invites_full += u64::from(made.is_err());
        made
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
    pub fn replace_standing_invite(&mut self, now: Instant, secret: [u8; ROOM_SECRET_LEN]) {
        self.begin_input(now);
        self.context.set_standing_invite(now, None, secret);
    }

    /// All invites, by id: those in force, and those that ended last.
    #[must_use]
    pub fn invites(&self, now: Instant) -> Vec<InviteInfo> {
        self.context.invites.list(self.context.wall_ms(now))
    }

    /// Lets in the Join that waits under a name. Returns its name and address.
    ///
    /// # Errors
    /// [`OperatorError::NotWaiting`].
    pub fn accept(&mut self, now: Instant, room: RoomId, name: &str) -> Result<String, OperatorError> {
        self.begin_input(now);
        let Self { peers, rooms, context, .. } = self;
        rooms.get_mut(room).ok_or(OperatorError::NoSuchRoom)?.accept(now, peers, context, name)
    }

    /// Refuses the Join that waits under a name. Returns its name and address.
    ///
    /// # Errors
    /// [`OperatorError::NotWaiting`].
    pub fn reject(&mut self, now: Instant, room: RoomId, name: &str) -> Result<String, OperatorError> {
        self.begin_input(now);
        let Self { peers, rooms, context, .. } = self;
        rooms.get_mut(room).ok_or(OperatorError::NoSuchRoom)?.reject(now, peers, context, name)
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
        if self.invites.standing_secret(Some(room)).is_none() {
            let secret = self.draw_secret();
            self.set_standing_invite(now, Some(room), secret);
        }
    }

    /// Makes `secret` that of the standing invite of the server (`None`) or of a private room.
    pub(super) fn set_standing_invite(&mut self, now: Instant, room: Option<&str>, secret: [u8; ROOM_SECRET_LEN]) {
        self.invites.set_standing(self.wall_ms(now), room, secret, self.config.limits.invites);
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
