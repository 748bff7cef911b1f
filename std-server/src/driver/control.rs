//! Controls a running server from any thread: for the console, metrics, signals, and programs that
//! embed the server.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};

use kabar_core::chat::{AnswerCode, ROOM_SECRET_LEN};
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;
use mio::Waker;

use super::worker_metrics::WorkerMetrics;
use crate::hub::{
    Counters, Hub, HubLimits, InviteInfo, InviteTerms, MemberInfo, OperationId, OperatorError, RoomId, Status,
    WaitingInfo,
};
use crate::store::{InviteRecord, Privilege, PrivilegeKind, Sanction};
use kabar_std::provider::Accelerated;

/// Commands to the serving thread.
pub(super) enum Command {
    /// Stop the server.
    Stop,
    /// Run a function on the hub.
    WithHub(Box<HubCall>),
}

type ActBecause = fn(
    &mut Hub<Accelerated>,
    Instant,
    RoomId,
    Option<PublicIdentity>,
    &str,
    Option<&str>,
) -> Result<String, OperatorError>;

type HubCall = dyn FnOnce(&mut Hub<Accelerated>, Instant) + Send;

/// A handle to a running server. It may outlive the server, and then has no effect.
#[derive(Clone, Debug)]
pub struct Control {
    commands: SyncSender<Command>,
    waker: Arc<Waker>,
    about: Arc<Info>,
}

/// The fixed properties of a running server, and its metrics, which the workers update.
#[derive(Debug)]
struct Info {
    local: SocketAddr,
    limits: HubLimits,
    metrics: Arc<WorkerMetrics>,
}

impl Control {
    pub(super) fn new(
        commands: SyncSender<Command>,
        waker: Arc<Waker>,
        local: SocketAddr,
        limits: HubLimits,
        metrics: Arc<WorkerMetrics>,
    ) -> Self {
        Self { commands, waker, about: Arc::new(Info { local, limits, metrics }) }
    }

    /// The address that the server listens on.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.about.local
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> &HubLimits {
        &self.about.limits
    }

    /// The metrics of the worker threads.
    #[must_use]
    pub fn metrics(&self) -> &WorkerMetrics {
        &self.about.metrics
    }

    /// Starts to stop the server; [`super::Server::wait`] returns when it has stopped.
    pub fn stop(&self) {
        self.command(Command::Stop);
    }

    /// Posts `text` to the room as the operator.
    pub fn say(&self, text: &str) {
        let text = text.to_owned();
        self.command(Command::WithHub(Box::new(move |hub, now| hub.say(now, RoomId::ONLY, &text))));
    }

    /// Splits what an operator typed into a name and a reason; see [`Hub::split_name`].
    #[must_use]
    pub fn split_name(&self, text: &str) -> (String, Option<String>) {
        let typed = text.to_owned();
        let split = self.ask(move |hub, _| {
            let (name, reason) = hub.split_name(RoomId::ONLY, &typed);
            (name.to_owned(), reason.map(str::to_owned))
        });
        split.unwrap_or_else(|| (text.to_owned(), None))
    }

    /// Disconnects a member. `by`: the member who does it; `None`: at the console.
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

    /// Lifts a ban.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn unban(&self, name: &str) -> Result<String, OperatorError> {
        self.act(name, Hub::unban)
    }

    /// Refuses the posts of an identity.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn mute(&self, by: Option<PublicIdentity>, name: &str, reason: Option<&str>) -> Result<String, OperatorError> {
        self.act_because(by, name, reason, Hub::mute)
    }

    /// Lifts a mute.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn unmute(&self, name: &str) -> Result<String, OperatorError> {
        self.act(name, Hub::unmute)
    }

    /// Makes an identity an operator, or a trusted one.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn grant(&self, by: Option<PublicIdentity>, name: &str, kind: PrivilegeKind) -> Result<String, OperatorError> {
        let name = name.to_owned();
        let granted = self.ask(move |hub, now| hub.grant(now, RoomId::ONLY, by, &name, kind));
        granted.unwrap_or(Err(OperatorError::Stopped))
    }

    /// Ends what [`Control::grant`] began.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn revoke(&self, by: Option<PublicIdentity>, name: &str, kind: PrivilegeKind) -> Result<String, OperatorError> {
        let name = name.to_owned();
        let revoked = self.ask(move |hub, now| hub.revoke(now, RoomId::ONLY, by, &name, kind));
        revoked.unwrap_or(Err(OperatorError::Stopped))
    }

    /// Returns the privileges that were granted.
    #[must_use]
    pub fn privileges(&self) -> Vec<Privilege> {
        self.ask(|hub, _| hub.privileges()).unwrap_or_default()
    }

    /// Whether an identity is an operator.
    #[must_use]
    pub fn is_operator(&self, identity: PublicIdentity) -> bool {
        self.ask(move |hub, _| hub.is_operator(identity)).unwrap_or_default()
    }

    /// Answers a command of a member; see [`Hub::answer_operation`].
    pub fn answer_operation(&self, id: OperationId, code: AnswerCode, lines: Vec<String>, text: String) {
        let answer = move |hub: &mut Hub<_>, now| hub.answer_operation(now, id, code, lines, &text);
        self.command(Command::WithHub(Box::new(answer)));
    }

    /// Ends the ownership of a name.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn release(&self, name: &str) -> Result<String, OperatorError> {
        self.act(name, Hub::release_name)
    }

    /// Lets in the newcomer who waits under a name.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn accept(&self, name: &str) -> Result<String, OperatorError> {
        self.act(name, Hub::accept)
    }

    /// Refuses the newcomer who waits under a name.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn reject(&self, name: &str) -> Result<String, OperatorError> {
        self.act(name, Hub::reject)
    }

    /// Returns the newcomers who wait to be let in.
    #[must_use]
    pub fn waiting(&self) -> Vec<WaitingInfo> {
        self.ask(|hub, _| hub.waiting(RoomId::ONLY)).unwrap_or_default()
    }

    /// Makes an invite.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn create_invite(&self, terms: InviteTerms) -> Result<InviteRecord, OperatorError> {
        self.ask(move |hub, now| hub.create_invite(now, terms)).unwrap_or(Err(OperatorError::Stopped))
    }

    /// Ends an invite.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn revoke_invite(&self, id: u32) -> Result<InviteRecord, OperatorError> {
        self.ask(move |hub, now| hub.revoke_invite(now, id)).unwrap_or(Err(OperatorError::Stopped))
    }

    /// Replaces the secret of the standing invite, which is stored in the data directory already.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn replace_standing_invite(&self, secret: [u8; ROOM_SECRET_LEN]) -> Result<(), OperatorError> {
        let replaced = self.ask(move |hub, now| hub.replace_standing_invite(now, secret));
        replaced.ok_or(OperatorError::Stopped)
    }

    /// Returns all invites, by id.
    #[must_use]
    pub fn invites(&self) -> Vec<InviteInfo> {
        self.ask(|hub, now| hub.invites(now)).unwrap_or_default()
    }

    /// Removes the body of an entry for good. `Ok(false)`: the entry is read first.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn delete(&self, seq: u64) -> Result<bool, OperatorError> {
        self.ask(move |hub, now| hub.delete(now, RoomId::ONLY, seq)).unwrap_or(Err(OperatorError::Stopped))
    }

    /// Returns all bans and mutes.
    #[must_use]
    pub fn sanctions(&self) -> Vec<Sanction> {
        self.ask(|hub, _| hub.sanctions(RoomId::ONLY)).unwrap_or_default()
    }

    /// Returns the members who are connected.
    #[must_use]
    pub fn who(&self) -> Vec<MemberInfo> {
        self.ask(|hub, now| hub.who(now, RoomId::ONLY)).unwrap_or_default()
    }

    /// Returns the hub's counters.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.ask(|hub, _| hub.counters()).unwrap_or_default()
    }

    /// Returns how full the hub's tables and buffers are.
    #[must_use]
    pub fn status(&self) -> Status {
        self.ask(|hub, _| hub.status(RoomId::ONLY)).unwrap_or_default()
    }

    fn act(
        &self,
        name: &str,
        act: fn(&mut Hub<Accelerated>, Instant, RoomId, &str) -> Result<String, OperatorError>,
    ) -> Result<String, OperatorError> {
        let name = name.to_owned();
        self.ask(move |hub, now| act(hub, now, RoomId::ONLY, &name)).unwrap_or(Err(OperatorError::Stopped))
    }

    fn act_because(
        &self,
        by: Option<PublicIdentity>,
        name: &str,
        reason: Option<&str>,
        act: ActBecause,
    ) -> Result<String, OperatorError> {
        let (name, reason) = (name.to_owned(), reason.map(str::to_owned));
        let acted = self.ask(move |hub, now| act(hub, now, RoomId::ONLY, by, &name, reason.as_deref()));
        acted.unwrap_or(Err(OperatorError::Stopped))
    }

    fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut Hub<Accelerated>, Instant) -> T + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = mpsc::sync_channel(1);
        self.command(Command::WithHub(Box::new(move |hub, now| drop(answer.try_send(ask(hub, now))))));
        answered.recv().ok()
    }

    fn command(&self, command: Command) {
        if self.commands.send(command).is_ok() {
            let _ = self.waker.wake();
        }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stop => "Stop",
            Self::WithHub(_) => "WithHub(..)",
        })
    }
}
