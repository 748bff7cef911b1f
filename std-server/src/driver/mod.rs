//! The driver: puts a [`Hub`] on a socket, a clock and threads.
//!
//! One thread owns the socket and the hub and waits for datagrams, deadlines, finished jobs and commands; nothing it does blocks.
//! [`Server::start`] may be called by any program: `kabar-server`, `kabar host` in its own process, tests.

mod control;
mod local_addrs;
mod run;
mod socket;
mod workers;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

use kabar_core::crypto::rsa::PrivateKey;
use kabar_core::session::Fingerprint;
use kabar_core::time::Duration;
use tracing::debug;

use crate::hub::{Hub, HubConfig, HubEvent, PasswordVerifier};
use crate::metrics::Metrics;
use crate::store::{LogReader, ReadError, Store};
use kabar_std::clock::Clock;
use kabar_std::provider::Accelerated;
use kabar_std::random::random_bytes;

use run::Loop;

pub use control::Control;

/// Commands that wait.
const COMMANDS: usize = 64;
/// How long a server that stops waits for its last commit and its last words.
const STOP_TIME: Duration = Duration::from_secs(3);

/// A running server. It stops when it is dropped.
#[derive(Debug)]
pub struct Server {
    control: Control,
    thread: Option<JoinHandle<Result<(), ServerFailed>>>,
    local: SocketAddr,
    fingerprint: Fingerprint,
    receive_buffer: usize,
}

/// What its parts are made of.
pub struct Parts<K, V, S, R> {
    /// The server's key.
    pub key: K,
    /// Checks passwords, if the room has one.
    pub verifier: V,
    /// Where the log lies.
    pub store: S,
    /// Reads the same log, on a thread of its own.
    pub reader: R,
    /// Told of everything that happens, on the thread that serves: must not block.
    pub on_event: Box<dyn FnMut(HubEvent) + Send>,
}

/// A server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on.
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

/// A socket that is bound and not read yet.
#[derive(Debug)]
pub struct Listener(socket::Socket);

impl Listener {
    /// Binds, for IPv4 too if `address` is every IPv6 address. To be done before anything is
    /// changed on the disk: an address that is in use is the usual reason why a start is refused.
    ///
    /// # Errors
    /// [`StartError::Bind`].
    pub fn bind(address: SocketAddr) -> Result<Self, StartError> {
        socket::Socket::bind(address).map(Self).map_err(|error| StartError::Bind(address, error))
    }
}

impl Server {
    /// Begins to serve. Returns when it can be joined.
    ///
    /// # Errors
    /// [`StartError::Store`], [`StartError::System`].
    pub fn start<K, V, S, R>(
        listener: Listener,
        config: HubConfig,
        parts: Parts<K, V, S, R>,
    ) -> Result<Self, StartError>
    where
        K: PrivateKey + Send + Sync + 'static,
        V: PasswordVerifier + Send + 'static,
        S: Store + Send + 'static,
        R: LogReader + Send + 'static,
    {
        let Parts { key, verifier, mut store, reader, on_event } = parts;
        let Listener(socket) = listener;
        let (local, receive_buffer) = (socket.local(), socket.receive_buffer());
        let loaded = store.load(&config.room).map_err(StartError::Store)?;
        let seed = random_bytes().map_err(StartError::System)?;
        let fingerprint = Fingerprint::of_modulus(key.modulus());
        let (limits, metrics) = (config.limits, Arc::new(Metrics::new()));
        debug!(%local, receive_buffer, head = loaded.head, "starting");
        let clock = Clock::start();
        let hub = Hub::<Accelerated>::new(config, loaded, key.modulus(), seed, clock.now());
        let (commands, receiver) = mpsc::sync_channel(COMMANDS);
        let (mut serve, waker) = Loop::new(hub, socket, clock, receiver, on_event).map_err(StartError::System)?;
        let workers = workers::Workers::start(&limits, key, verifier, store, reader, &waker, &metrics);
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

    /// Where it listens: the real port, also when any was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The fingerprint of its key.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Bytes that the system granted for datagrams that wait to be received.
    #[must_use]
    pub fn receive_buffer(&self) -> usize {
        self.receive_buffer
    }

    /// What moves it from any thread.
    #[must_use]
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Waits until it was stopped and has ended.
    ///
    /// # Errors
    /// [`ServerFailed`] if nobody stopped it.
    pub fn wait(mut self) -> Result<(), ServerFailed> {
        self.join()
    }

    /// Tells everybody, commits what was taken, and ends.
    ///
    /// # Errors
    /// [`ServerFailed`] if it had ended before.
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

impl<K, V, S, R> fmt::Debug for Parts<K, V, S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parts(..)")
    }
}
