//! The operator's actions on who may join: invites, and Joins that wait to be let in.

use kabar_core::chat::ROOM_SECRET_LEN;
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;
use rand_core::Rng;

use super::Hub;
use super::report::{InviteInfo, OperatorError, WaitingInfo};
use super::room::{InviteTerms, Room};
use super::room_id::RoomId;
use crate::store::InviteRecord;

impl<P: Provider> Hub<P> {
    /// Makes an invite with a new secret. In force at once; stored as soon as the store works.
    ///
    /// # Errors
    /// [`OperatorError::TooManyInvites`].
    pub fn create_invite(
        &mut self,
        now: Instant,
        room: RoomId,
        terms: InviteTerms,
    ) -> Result<InviteRecord, OperatorError> {
        self.begin_input(now);
        let mut secret = [0; ROOM_SECRET_LEN];
        self.context.rng.fill_bytes(&mut secret);
        let id = self.next_invite_id();
        let room = self.rooms.get_mut(room).ok_or(OperatorError::NoSuchRoom)?;
        room.create_invite(now, &mut self.context, id, secret, terms)
    }

    /// Ends an invite that is not the standing one. Whoever it has admitted stays admitted. In
    /// effect at once; stored as soon as the store works.
    ///
    /// # Errors
    /// [`OperatorError::NoSuchInvite`], [`OperatorError::AlreadyInEffect`],
    /// [`OperatorError::StandingInvite`].
    pub fn revoke_invite(&mut self, now: Instant, room: RoomId, id: u32) -> Result<InviteRecord, OperatorError> {
        self.begin_input(now);
        self.rooms.get_mut(room).ok_or(OperatorError::NoSuchRoom)?.revoke_invite(id)
    }

    /// Replaces the secret of the standing invite, which is stored in the data directory already.
    ///
    /// # Errors
    /// [`OperatorError::NoSuchRoom`].
    pub fn replace_standing_invite(
        &mut self,
        now: Instant,
        room: RoomId,
        secret: [u8; ROOM_SECRET_LEN],
    ) -> Result<(), OperatorError> {
        self.begin_input(now);
        let id = self.next_invite_id();
        let room = self.rooms.get_mut(room).ok_or(OperatorError::NoSuchRoom)?;
        room.set_standing_invite(now, &self.context, id, secret);
        Ok(())
    }

    /// All invites of a room, by id: those in force, and those that ended last.
    #[must_use]
    pub fn invites(&self, now: Instant, room: RoomId) -> Vec<InviteInfo> {
        self.rooms.get(room).map_or_else(Vec::new, |room| room.list_invites(now, &self.context))
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

    /// An id that no invite of any room has.
    pub(super) fn next_invite_id(&self) -> u32 {
        self.rooms.iter().map(Room::last_invite_id).max().unwrap_or_default().saturating_add(1)
    }
}
