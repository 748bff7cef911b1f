//! Controls a running server from any thread: for the console, metrics, signals, and programs that
//! embed the server.

mod room;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::time::Duration;

use kabar_core::chat::{AnswerCode, ROOM_SECRET_LEN};
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;
use mio::Waker;

use super::worker_metrics::WorkerMetrics;
use crate::hub::{
    Counters, Hub, HubLimits, InviteInfo, InviteTerms, OperationId, OperatorError, PrivilegeInfo, RoomId, RoomInfo,
    Status,
};
use crate::store::{InviteRecord, Visibility};
use kabar_std::invite::RoomName;
use kabar_std::provider::Accelerated;

pub use room::RoomControl;

/// How often, and how long in between, a room that is being loaded is asked for.
const LOAD_TRIES: u32 = 2_000;
const LOAD_PAUSE: Duration = Duration::from_millis(5);

/// Commands to the serving thread.
pub(super) enum Command {
    /// Stop the server.
    Stop,
    /// Run a function on the hub.
    WithHub(Box<HubCall>),
}

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

    /// Controls the room of this name. One that is not in memory is loaded first.
    ///
    /// # Errors
    /// [`OperatorError::NoSuchRoom`], [`OperatorError::Stopped`].
    pub fn open_room(&self, name: &str) -> Result<RoomControl<'_>, OperatorError> {
        for _ in 0..LOAD_TRIES {
            let name = name.to_owned();
            if let Some(room) = self.ask(move |hub, now| hub.open_room(now, &name)).ok_or(OperatorError::Stopped)?? {
                return Ok(self.room(room));
            }
            std::thread::sleep(LOAD_PAUSE);
        }
        Err(OperatorError::Busy)
    }

    /// Returns all rooms by name, closed ones, too.
    #[must_use]
    pub fn rooms(&self) -> Vec<RoomInfo> {
        self.ask(|hub, _| hub.rooms()).unwrap_or_default()
    }

    /// Creates a room, or opens a closed one again.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn add_room(
        &self,
        by: Option<PublicIdentity>,
        name: &RoomName,
        visibility: Visibility,
        topic: &str,
    ) -> Result<(), OperatorError> {
        let (name, topic) = (name.clone(), topic.to_owned());
        let added = self.ask(move |hub, now| hub.add_room(now, by, name.as_str(), visibility, &topic));
        added.unwrap_or(Err(OperatorError::Stopped))
    }

    /// Returns the standing invite of the private room of this name.
    #[must_use]
    pub fn private_room_invite(&self, room: &RoomName) -> Option<InviteRecord> {
        let room = room.clone();
        self.ask(move |hub, _| hub.private_room_invite(room.as_str())).flatten()
    }

    /// Controls a room.
    #[must_use]
    pub fn room(&self, room: RoomId) -> RoomControl<'_> {
        RoomControl::new(self, room)
    }

    /// Returns the operators and trusted identities.
    #[must_use]
    pub fn privileges(&self) -> Vec<PrivilegeInfo> {
        self.ask(|hub, _| hub.privileges()).unwrap_or_default()
    }

    /// Whether an identity is an operator.
    #[must_use]
    pub fn is_operator(&self, identity: PublicIdentity) -> bool {
        self.ask(move |hub, _| hub.is_operator(identity)).unwrap_or_default()
    }

    /// Whether an identity may create rooms.
    #[must_use]
    pub fn may_create_rooms(&self, identity: PublicIdentity) -> bool {
        self.ask(move |hub, _| hub.may_create_rooms(identity)).unwrap_or_default()
    }

    /// Answers a command of a member; see [`Hub::answer_operation`].
    pub fn answer_operation(&self, id: OperationId, code: AnswerCode, lines: Vec<String>, text: String) {
        let answer = move |hub: &mut Hub<_>, now| hub.answer_operation(now, id, code, lines, &text);
        self.command(Command::WithHub(Box::new(answer)));
    }

    /// Makes an invite.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn create_invite(&self, terms: InviteTerms) -> Result<InviteRecord, OperatorError> {
        self.ask(move |hub, now| hub.create_invite(now, terms)).unwrap_or(Err(OperatorError::Stopped))
    }

    /// Returns the invite of an operator for a room, without bounds; makes it if there is none.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn own_invite(&self, by: PublicIdentity, room: &str) -> Result<InviteRecord, OperatorError> {
        let room = room.to_owned();
        self.ask(move |hub, now| hub.own_invite(now, by, room)).unwrap_or(Err(OperatorError::Stopped))
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
    pub fn replace_standing_invite(&self, secret: [u8; ROOM_SECRET_LEN]) -> Result<InviteRecord, OperatorError> {
        let replaced = self.ask(move |hub, now| hub.replace_standing_invite(now, secret));
        replaced.ok_or(OperatorError::Stopped)
    }

    /// Replaces the standing invite of a private room.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn replace_room_invite(&self, room: &str) -> Result<InviteRecord, OperatorError> {
        let room = room.to_owned();
        self.ask(move |hub, now| hub.replace_room_invite(now, &room)).unwrap_or(Err(OperatorError::Stopped))
    }

    /// Returns all invites, by id.
    #[must_use]
    pub fn invites(&self) -> Vec<InviteInfo> {
        self.ask(|hub, now| hub.invites(now)).unwrap_or_default()
    }

    /// Returns the hub's counters.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.ask(|hub, _| hub.counters()).unwrap_or_default()
    }

    /// Returns how full the hub's tables and buffers are.
    #[must_use]
    pub fn status(&self) -> Status {
        self.ask(|hub, _| hub.status(RoomId::FIRST)).unwrap_or_default()
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
