//! Controls one room of a running server from any thread.

use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;

use super::{Command, Control};
use crate::hub::{Hub, MemberInfo, OperatorError, RoomChange, RoomId, SanctionInfo, WaitingInfo};
use crate::store::{InviteRecord, PrivilegeKind, SanctionKind};
use kabar_std::provider::Accelerated;

/// A handle to a room of a running server. In every action, `by` is the member who does it; `None`:
/// it is done at the console.
#[derive(Clone, Copy, Debug)]
pub struct RoomControl<'a> {
    control: &'a Control,
    room: RoomId,
}

type ActBecause = fn(
    &mut Hub<Accelerated>,
    Instant,
    RoomId,
    Option<PublicIdentity>,
    &str,
    Option<&str>,
) -> Result<String, OperatorError>;

type Act = fn(&mut Hub<Accelerated>, Instant, RoomId, Option<PublicIdentity>, &str) -> Result<String, OperatorError>;

type Change = fn(
    &mut Hub<Accelerated>,
    Instant,
    RoomId,
    Option<PublicIdentity>,
    &str,
    PrivilegeKind,
) -> Result<String, OperatorError>;

impl<'a> RoomControl<'a> {
    pub(super) const fn new(control: &'a Control, room: RoomId) -> Self {
        Self { control, room }
    }

    /// Posts `text` to the room as the operator.
    pub fn say(&self, text: &str) {
        let (room, text) = (self.room, text.to_owned());
        self.control.command(Command::WithHub(Box::new(move |hub, now| hub.say(now, room, &text))));
    }

    /// Splits what an operator typed into a name and a reason; see [`Hub::split_name`].
    #[must_use]
    pub fn split_name(&self, text: &str) -> (String, Option<String>) {
        let typed = text.to_owned();
        let split = self.ask(move |hub, _, room| {
            let (name, reason) = hub.split_name(room, &typed);
            (name.to_owned(), reason.map(str::to_owned))
        });
        split.unwrap_or_else(|| (text.to_owned(), None))
    }

    /// Disconnects a member.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn kick(&self, by: Option<PublicIdentity>, name: &str, reason: Option<&str>) -> Result<String, OperatorError> {
        self.act_because(by, name, reason, Hub::kick)
    }

    /// Refuses an identity from now on.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn ban(&self, by: Option<PublicIdentity>, name: &str, reason: Option<&str>) -> Result<String, OperatorError> {
        self.act_because(by, name, reason, Hub::ban)
    }

    /// Refuses the posts of an identity.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn mute(&self, by: Option<PublicIdentity>, name: &str, reason: Option<&str>) -> Result<String, OperatorError> {
        self.act_because(by, name, reason, Hub::mute)
    }

    /// Lifts a ban or a mute.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn lift(&self, by: Option<PublicIdentity>, name: &str, kind: SanctionKind) -> Result<String, OperatorError> {
        let name = name.to_owned();
        let lifted = self.ask(move |hub, now, room| hub.lift(now, room, by, &name, kind));
        lifted.unwrap_or(Err(OperatorError::Stopped))
    }

    /// Makes an identity an operator, or a trusted one, on the whole server.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn grant(&self, by: Option<PublicIdentity>, name: &str, kind: PrivilegeKind) -> Result<String, OperatorError> {
        self.change(by, name, kind, Hub::grant)
    }

    /// Ends what [`RoomControl::grant`] began.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn revoke(&self, by: Option<PublicIdentity>, name: &str, kind: PrivilegeKind) -> Result<String, OperatorError> {
        self.change(by, name, kind, Hub::revoke)
    }

    /// Ends the ownership of a name, on the whole server.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn release(&self, by: Option<PublicIdentity>, name: &str) -> Result<String, OperatorError> {
        self.act(by, name, Hub::release_name)
    }

    /// Lets in the newcomer who waits under a name.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn accept(&self, name: &str) -> Result<String, OperatorError> {
        self.act(None, name, |hub, now, room, _, name| hub.accept(now, room, name))
    }

    /// Refuses the newcomer who waits under a name.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn reject(&self, name: &str) -> Result<String, OperatorError> {
        self.act(None, name, |hub, now, room, _, name| hub.reject(now, room, name))
    }

    /// Returns the newcomers who wait to be let in.
    #[must_use]
    pub fn waiting(&self) -> Vec<WaitingInfo> {
        self.ask(|hub, _, room| hub.waiting(room)).unwrap_or_default()
    }

    /// Removes the body of an entry for good. `Ok(false)`: the entry is read first.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn delete(&self, seq: u64) -> Result<bool, OperatorError> {
        self.ask(move |hub, now, room| hub.delete(now, room, seq)).unwrap_or(Err(OperatorError::Stopped))
    }

    /// Returns all bans and mutes.
    #[must_use]
    pub fn sanctions(&self) -> Vec<SanctionInfo> {
        self.ask(|hub, _, room| hub.sanctions(room)).unwrap_or_default()
    }

    /// Changes the room.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn set(&self, by: Option<PublicIdentity>, change: RoomChange) -> Result<(), OperatorError> {
        self.ask(move |hub, now, room| hub.set_room(now, room, by, change)).unwrap_or(Err(OperatorError::Stopped))
    }

    /// Closes the room.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn close(&self) -> Result<(), OperatorError> {
        self.ask(|hub, now, room| hub.close_room(now, room)).unwrap_or(Err(OperatorError::Stopped))
    }

    /// Returns the members who are connected.
    #[must_use]
    pub fn who(&self) -> Vec<MemberInfo> {
        self.ask(|hub, now, room| hub.who(now, room)).unwrap_or_default()
    }

    /// Returns the room that an invite for it has to name: `None`: one of the server is enough.
    #[must_use]
    pub fn invite_scope(&self) -> Option<String> {
        self.ask(|hub, _, room| hub.invite_scope(room)).unwrap_or_default()
    }

    /// Returns the standing invite by which one joins the room.
    #[must_use]
    pub fn standing_invite(&self) -> Option<InviteRecord> {
        self.ask(|hub, _, room| hub.standing_invite(room)).flatten()
    }

    /// Returns the invites in force by which the identity that has or owns a name came.
    #[must_use]
    pub fn invites_of(&self, name: &str) -> Vec<InviteRecord> {
        let name = name.to_owned();
        self.ask(move |hub, now, room| hub.invites_of(now, room, &name)).unwrap_or_default()
    }

    fn act(&self, by: Option<PublicIdentity>, name: &str, act: Act) -> Result<String, OperatorError> {
        let name = name.to_owned();
        let acted = self.ask(move |hub, now, room| act(hub, now, room, by, &name));
        acted.unwrap_or(Err(OperatorError::Stopped))
    }

    fn act_because(
        &self,
        by: Option<PublicIdentity>,
        name: &str,
        reason: Option<&str>,
        act: ActBecause,
    ) -> Result<String, OperatorError> {
        let (name, reason) = (name.to_owned(), reason.map(str::to_owned));
        let acted = self.ask(move |hub, now, room| act(hub, now, room, by, &name, reason.as_deref()));
        acted.unwrap_or(Err(OperatorError::Stopped))
    }

    fn change(
        &self,
        by: Option<PublicIdentity>,
        name: &str,
        kind: PrivilegeKind,
        change: Change,
    ) -> Result<String, OperatorError> {
        let name = name.to_owned();
        let changed = self.ask(move |hub, now, room| change(hub, now, room, by, &name, kind));
        changed.unwrap_or(Err(OperatorError::Stopped))
    }

    fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut Hub<Accelerated>, Instant, RoomId) -> T + Send + 'static,
    ) -> Option<T> {
        let room = self.room;
        self.control.ask(move |hub, now| ask(hub, now, room))
    }
}
