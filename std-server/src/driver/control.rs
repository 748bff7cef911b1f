//! What an operator does to a running server, from any thread: console, metrics, signals, the program around it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};

use kabar_core::time::Instant;
use mio::Waker;

use crate::hub::{Counters, Hub, HubLimits, MemberInfo, OperatorError, Status};
use crate::metrics::Metrics;
use crate::store::Sanction;
use kabar_std::provider::Accelerated;

/// What a server is told while it runs.
pub(super) enum Command {
    /// To stop.
    Stop,
    /// Something that takes the hub a moment.
    WithHub(Box<HubCall>),
}

type HubCall = dyn FnOnce(&mut Hub<Accelerated>, Instant) + Send;

/// A hand on a running server. It may outlive the server: then nothing happens any more.
#[derive(Clone, Debug)]
pub struct Control {
    commands: SyncSender<Command>,
    waker: Arc<Waker>,
    about: Arc<Info>,
}

/// What does not change while a server runs, and what counts itself.
#[derive(Debug)]
struct Info {
    local: SocketAddr,
    limits: HubLimits,
    metrics: Arc<Metrics>,
}

impl Control {
    pub(super) fn new(
        commands: SyncSender<Command>,
        waker: Arc<Waker>,
        local: SocketAddr,
        limits: HubLimits,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { commands, waker, about: Arc::new(Info { local, limits, metrics }) }
    }

    /// Where the server listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.about.local
    }

    /// The bounds it works in.
    #[must_use]
    pub fn limits(&self) -> &HubLimits {
        &self.about.limits
    }

    /// What its worker threads measure.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.about.metrics
    }

    /// Begins to stop; [`super::Server::wait`] returns when it is done.
    pub fn stop(&self) {
        self.command(Command::Stop);
    }

    /// Says `text` to the room as the operator.
    pub fn say(&self, text: &str) {
        let text = text.to_owned();
        self.command(Command::WithHub(Box::new(move |hub, now| hub.say(now, &text))));
    }

    /// Puts a member out.
    ///
    /// # Errors
    /// Of this and the following: [`OperatorError`].
    pub fn kick(&self, name: &str) -> Result<String, OperatorError> {
        self.act(name, Hub::kick)
    }

    /// Keeps an identity out for good.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn ban(&self, name: &str) -> Result<String, OperatorError> {
        self.act(name, Hub::ban)
    }

    /// Lets it in again.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn unban(&self, name: &str) -> Result<String, OperatorError> {
        self.act(name, Hub::unban)
    }

    /// Lets an identity say nothing.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn mute(&self, name: &str) -> Result<String, OperatorError> {
        self.act(name, Hub::mute)
    }

    /// Lets it speak again.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn unmute(&self, name: &str) -> Result<String, OperatorError> {
        self.act(name, Hub::unmute)
    }

    /// Frees a name for others.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub fn release(&self, name: &str) -> Result<String, OperatorError> {
        self.act(name, Hub::release_name)
    }

    /// Bans and mutes.
    #[must_use]
    pub fn sanctions(&self) -> Vec<Sanction> {
        self.ask(|hub, _| hub.sanctions()).unwrap_or_default()
    }

    /// Who is here.
    #[must_use]
    pub fn who(&self) -> Vec<MemberInfo> {
        self.ask(|hub, now| hub.who(now)).unwrap_or_default()
    }

    /// What was counted.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.ask(|hub, _| hub.counters()).unwrap_or_default()
    }

    /// How full everything is.
    #[must_use]
    pub fn status(&self) -> Status {
        self.ask(|hub, _| hub.status()).unwrap_or_default()
    }

    fn act(
        &self,
        name: &str,
        act: fn(&mut Hub<Accelerated>, Instant, &str) -> Result<String, OperatorError>,
    ) -> Result<String, OperatorError> {
        let name = name.to_owned();
        self.ask(move |hub, now| act(hub, now, &name)).unwrap_or(Err(OperatorError::Stopped))
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
            drop(self.waker.wake());
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
