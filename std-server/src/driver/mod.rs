//! The driver: runs a [`Hub`] on a socket, a clock and threads.
//!
//! One thread owns the socket and the hub and waits for datagrams, deadlines, finished jobs and
//! commands; it never blocks. [`Server::start`] works in any program: `kabar-server`, `kabar host`,
//! tests.

mod control;
mod histogram;
mod local_addrs;
mod run;
mod socket;
mod worker_metrics;
mod workers;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

use kabar_core::crypto::rsa::PrivateKey;
use kabar_core::session::Fingerprint;
use tracing::debug;

use crate::contents::ContentStore;
use crate::hub::{Hub, HubConfig, HubEvent, Loaded, PasswordVerifier};
use crate::store::{LogReader, ReadError, Store};
use kabar_std::clock::Clock;
use kabar_std::provider::Accelerated;
use kabar_std::random::random_bytes;

use run::Loop;

pub use control::{Control, RoomControl};
pub use histogram::{Histogram, Snapshot};
pub use worker_metrics::WorkerMetrics;

/// Maximum number of queued commands.
const COMMANDS: usize = 64;

/// A running server. Stops when dropped.
#[derive(Debug)]
pub struct Server {
    control: Control,
    thread: Option<JoinHandle<Result<(), ServerFailed>>>,
    local: SocketAddr,
    fingerprint: Fingerprint,
    receive_buffer: usize,
}

/// The parts of a server.
pub struct Parts<K, V, S, R, C> {
    /// The server's key.
    pub key: K,
    /// Verifies passwords, if the room has one.
    pub verifier: V,
    /// The store of the log.
    pub store: S,
    /// A reader of the same log, used on its own thread.
    pub reader: R,
    /// The contents of files.
    pub contents: C,
    /// Receives every event on the serving thread; must not block.
    pub on_event: Box<dyn FnMut(HubEvent) + Send>,
}

/// A server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be bound.
    #[error("cannot listen on {0}: {reason}", reason = bind_error(.1))]
    Bind(SocketAddr, io::Error),
    /// The store cannot be read.
    #[error("the history cannot be read: {0}")]
    Store(ReadError),
    /// The operating system provides no randomness, thread or poll.
    #[error("cannot start: {0}")]
    System(io::Error),
}

fn bind_error(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use; stop what uses it, or choose another with --listen".to_owned(),
        _ => error.to_string(),
    }
}

/// A worker thread or the serving thread failed, which stopped the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server stopped because of an internal error")]
pub struct ServerFailed;

/// A bound socket that is not read yet.
#[derive(Debug)]
pub struct Listener(socket::Socket);

impl Listener {
    /// Binds a socket; one for all IPv6 addresses also receives IPv4. Bind before anything is
    /// changed on the disk: an address in use is the usual reason why a start fails.
    ///
    /// # Errors
    /// [`StartError::Bind`].
    pub fn bind(address: SocketAddr) -> Result<Self, StartError> {
        socket::Socket::bind(address).map(Self).map_err(|error| StartError::Bind(address, error))
    }
}

impl Server {
    /// Starts to serve. Clients can join when this returns.
    ///
    /// # Errors
    /// [`StartError::Store`], [`StartError::System`].
    pub fn start<K, V, S, R, C>(
        listener: Listener,
        config: HubConfig,
        parts: Parts<K, V, S, R, C>,
    ) -> Result<Self, StartError>
    where
        K: PrivateKey + Send + Sync + 'static,
        V: PasswordVerifier + Send + 'static,
        S: Store + Send + 'static,
        R: LogReader + Send + 'static,
        C: ContentStore + Send + 'static,
    {
        let Parts { key, verifier, mut store, reader, contents, on_event } = parts;
        let Listener(socket) = listener;
        let (local, receive_buffer) = (socket.local(), socket.receive_buffer());
        let loaded = Loaded::read(&mut store, &config.room).map_err(StartError::Store)?;
        let seed = random_bytes().map_err(StartError::System)?;
        let fingerprint = Fingerprint::of_modulus(key.modulus());
        let (limits, metrics) = (config.limits, Arc::new(WorkerMetrics::new()));
        debug!(%local, receive_buffer, head = loaded.room.head, "starting");
        let clock = Clock::start();
        let hub = Hub::<Accelerated>::new(config, loaded, key.modulus(), seed, clock.now());
        let (commands, receiver) = mpsc::sync_channel(COMMANDS);
        let (mut serve, waker) = Loop::new(hub, socket, clock, receiver, on_event).map_err(StartError::System)?;
        let resources = workers::Resources { key, verifier, store, reader, contents };
        let workers = workers::Workers::start(&limits, resources, &waker, &metrics);
        let workers = workers.map_err(StartError::System)?;
        let thread = std::thread::Builder::new().name("kabar-server".to_owned()).spawn(move || {
            let served = serve.run(&workers);
            workers.stop();
            served.map_err(|_| ServerFailed)
        });
        let thread = Some(thread.map_err(StartError::System)?);
        let control = Control::new(commands, waker, local, limits, metrics);
        Ok(Self { control, thread, local, fingerprint, receive_buffer })
    }

    /// The address that the server listens on; has the real port if port 0 was requested.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The fingerprint of the server's key.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The size in bytes of the receive buffer that the system granted.
    #[must_use]
    pub fn receive_buffer(&self) -> usize {
        self.receive_buffer
    }

    /// A handle that controls the server from any thread.
    #[must_use]
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Waits until the server has stopped.
    ///
    /// # Errors
    /// [`ServerFailed`] if it stopped because of an error.
    pub fn wait(mut self) -> Result<(), ServerFailed> {
        self.join()
    }

    /// Commits the accepted posts, closes all connections, and waits until the server has stopped.
    ///
    /// # Errors
    /// [`ServerFailed`] if it stopped because of an error.
    pub fn stop(mut self) -> Result<(), ServerFailed> {
        self.control.stop();
        self.join()
    }

    fn join(&mut self) -> Result<(), ServerFailed> {
        self.thread.take().map_or(Ok(()), |thread| thread.join().unwrap_or(Err(ServerFailed)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.control.stop();
            let _ = self.join();
        }
    }
}

impl<K, V, S, R, C> fmt::Debug for Parts<K, V, S, R, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parts(..)")
    }
}
