//! Starts a room from a data directory and returns its invite. Shared by `kabar-server` and
//! `kabar host`.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use kabar_core::crypto::rsa::{AnyRsaPrivateKey, KeySize};
use kabar_core::crypto::sha256;
use kabar_core::session::Fingerprint;

use crate::console::execute::{Operation, Operator};
use crate::contents::FileContents;
use crate::driver::{Control, Listener, Parts, Server, ServerFailed, StartError};
use crate::hub::{ClassicConfig, HubConfig, HubEvent, HubLimits, JoinPolicy};
use crate::key_file::{load_or_create_key, load_or_create_secret};
use crate::password::Password;
use crate::store::{OpenError, SqliteStore};
use crate::transcript::{Reopener, Transcript, TranscriptWarning};
use kabar_std::address::{AddressError, Advertised, Host, HostPort, Places};
use kabar_std::advertise::{Found, chosen, reachable};
use kabar_std::data_dir::{DataDir, FileError, Lock, LockError, SERVER_LOCK};
use kabar_std::interfaces::Kind;
use kabar_std::invite::{Invite, RoomName};
use kabar_std::text::LineFormatter;
use zeroize::Zeroizing;

/// Addresses of this computer that are shown: a computer with many containers has many.
const MAX_SHOWN: usize = 16;

/// A running room: the server, its invite, and the lock on its data directory. Stops when dropped.
#[derive(Debug)]
pub struct RoomHost {
    server: Server,
    invite: Invite,
    reachable: Vec<Found>,
    is_advertised: bool,
    key_size: KeySize,
    reopener: Option<Reopener>,
    // Released last, when nothing in this process uses the directory.
    _lock: Lock,
}

/// Settings of a [`RoomHost`]; see [`RoomHost::builder`].
#[derive(Debug)]
pub struct RoomHostBuilder<'a> {
    data_dir: &'a Path,
    room: RoomName,
    listen: SocketAddr,
    advertise: Vec<Advertised>,
    password: Option<&'a str>,
    needs_approval: bool,
    members_create_rooms: bool,
    transcript: Option<&'a Path>,
    key_size: KeySize,
    limits: HubLimits,
    operators: Vec<Fingerprint>,
    classic: Option<Classic>,
}

/// How classic clients are admitted: their password, and the room that they join.
#[derive(Clone, Debug)]
pub struct Classic {
    /// The password.
    pub password: Zeroizing<String>,
    /// The room.
    pub room: RoomName,
}

/// A room could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RoomHostError {
    /// Another server uses the data directory; its process id, if known.
    #[error("{} is in use by another server{}", .0.display(), process(*.1))]
    InUse(PathBuf, Option<u32>),
    /// A file of the data directory.
    #[error(transparent)]
    File(#[from] FileError),
    /// The history.
    #[error(transparent)]
    History(#[from] OpenError),
    /// The server.
    #[error(transparent)]
    Start(#[from] StartError),
}

fn process(id: Option<u32>) -> String {
    id.map_or_else(String::new, |id| format!(" (process {id})"))
}

impl<'a> RoomHostBuilder<'a> {
    /// Sets the addresses that invites name, in this order. If empty, the server picks them among
    /// this computer's addresses.
    #[must_use]
    pub fn advertise(self, advertise: Vec<Advertised>) -> Self {
        Self { advertise, ..self }
    }

    /// Admits members who know this password, besides those who hold the invite.
    #[must_use]
    pub fn password(self, password: Option<&'a str>) -> Self {
        Self { password, ..self }
    }

    /// Lets newcomers wait until an operator lets them in.
    #[must_use]
    pub fn needs_approval(self, needs_approval: bool) -> Self {
        Self { needs_approval, ..self }
    }

    /// Lets every member create rooms, not only operators.
    #[must_use]
    pub fn members_create_rooms(self, members_create_rooms: bool) -> Self {
        Self { members_create_rooms, ..self }
    }

    /// Appends every entry as a line of text to this file.
    #[must_use]
    pub fn transcript(self, transcript: Option<&'a Path>) -> Self {
        Self { transcript, ..self }
    }

    /// Sets the size of the RSA key that is generated if there is none yet.
    #[must_use]
    pub fn key_size(self, key_size: KeySize) -> Self {
        Self { key_size, ..self }
    }

    /// Sets the limits of the hub.
    #[must_use]
    pub fn limits(self, limits: HubLimits) -> Self {
        Self { limits, ..self }
    }

    /// Sets the identities that are operators, besides those that commands appoint.
    #[must_use]
    pub fn operators(self, operators: Vec<Fingerprint>) -> Self {
        Self { operators, ..self }
    }

    /// Admits classic clients, which protect nothing.
    #[must_use]
    pub fn classic(self, classic: Option<Classic>) -> Self {
        Self { classic, ..self }
    }

    /// Locks the directory, loads or creates its files, and starts the server.
    ///
    /// `on_slow_key` is called if generating a key takes longer than 200 ms. `on_event` receives
    /// every event on the serving thread and must not block. `on_warning` receives warnings about
    /// the transcript on the transcript's thread.
    ///
    /// # Errors
    /// [`RoomHostError`]; each displays as one line.
    pub fn start(
        self,
        on_slow_key: impl FnOnce() + Send,
        mut on_event: impl FnMut(HubEvent) + Send + 'static,
        on_warning: impl Fn(TranscriptWarning) + Send + 'static,
    ) -> Result<RoomHost, RoomHostError> {
        let dir = DataDir::open(self.data_dir)?;
        let lock = dir.lock(SERVER_LOCK).map_err(|error| match error {
            LockError::Held(id) => RoomHostError::InUse(dir.path().to_path_buf(), id),
            LockError::File(error) => RoomHostError::File(error),
        })?;
        let listener = Listener::bind(self.listen).map_err(RoomHostError::Start)?;
        let key = load_or_create_key(&dir, self.key_size, on_slow_key)?;
        let key_size = key.size();
        let secret = load_or_create_secret(&dir, &self.room)?;
        let verifier = self.password.map(|password| Password::set(&dir, &self.room, password)).transpose()?;
        let mut config = HubConfig::new(self.room.as_str(), *secret.expose());
        (config.limits, config.operators) = (self.limits, self.operators);
        config.needs_approval = self.needs_approval;
        config.members_create_rooms = self.members_create_rooms;
        config.classic = self.classic.map(|Classic { password, room }| ClassicConfig {
            password,
            room: room.as_str().to_owned(),
            secret: classic_secret(&key),
            lines: Arc::new(LineFormatter::new()),
        });
        if let Some(password) = &verifier {
            (config.join_policy, config.admission_tag) = (JoinPolicy::Password, password.tag());
        }
        let store = SqliteStore::open(&dir)?;
        let reader = store.reader()?;
        let contents = FileContents::new(dir.path());
        let history = store.path().to_path_buf();
        let transcript = self.transcript.map(|path| Transcript::open(path, on_warning)).transpose()?;
        let reopener = transcript.as_ref().map(Transcript::reopener);
        let (operations, received) = mpsc::channel();
        let on_event = move |event| {
            if let HubEvent::Operate { by, room, command, id, .. } = &event {
                // It is received as long as the server runs.
                let _ = operations.send(Operation { by: *by, room: room.clone(), command: command.clone(), id: *id });
            }
            if let Some(transcript) = &transcript {
                transcript.take(&event);
            }
            on_event(event);
        };
        let parts = Parts { key, verifier, store, reader, contents, on_event: Box::new(on_event) };
        let server = Server::start(listener, config, parts).map_err(|error| match error {
            StartError::Store(error) => RoomHostError::History(OpenError::unusable(&history, error.0)),
            error => RoomHostError::Start(error),
        })?;
        let local = server.local_addr();
        let reachable = reachable(local.ip());
        let is_advertised = !self.advertise.is_empty();
        let places = places(&self.advertise, &reachable, local.port());
        save_places(&dir, &self.room, &places)?;
        let invite = Invite { places, room: self.room, fingerprint: server.fingerprint(), secret };
        operate(received, Operator::new(server.control().clone(), invite.clone(), dir.path()))
            .map_err(StartError::System)?;
        Ok(RoomHost { server, invite, reachable, is_advertised, key_size, reopener, _lock: lock })
    }
}

/// The secret of the hub for classic clients, from the server's key: their keys and identities are
/// the same after a restart, and nobody who has an invite knows it.
fn classic_secret(key: &AnyRsaPrivateKey) -> Zeroizing<[u8; 32]> {
    let len = key.size().prime_len();
    let mut primes = Zeroizing::new(vec![0; 2 * len]);
    let (p, q) = primes.split_at_mut(len);
    // The lengths are right: these are all bytes of both primes.
    let _ = key.primes(p, q);
    Zeroizing::new(sha256(&[b"kabar classic secret", &primes]))
}

impl RoomHost {
    /// Prepares to host `room` with default settings: keys, secrets and the history are stored in
    /// `data_dir`, and the server listens on `listen`.
    #[must_use]
    pub fn builder(data_dir: &Path, room: RoomName, listen: SocketAddr) -> RoomHostBuilder<'_> {
        let (key_size, limits) = (KeySize::Bits2048, HubLimits::default());
        RoomHostBuilder {
            data_dir,
            room,
            listen,
            advertise: Vec::new(),
            password: None,
            needs_approval: false,
            members_create_rooms: false,
            transcript: None,
            key_size,
            limits,
            operators: Vec::new(),
            classic: None,
        }
    }

    /// The address that it listens on.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// The invite that admits others.
    #[must_use]
    pub fn invite(&self) -> &Invite {
        &self.invite
    }

    /// The size of its key.
    #[must_use]
    pub fn key_size(&self) -> KeySize {
        self.key_size
    }

    /// Whether only this computer can use the invite.
    #[must_use]
    pub fn is_local_only(&self) -> bool {
        self.invite.places.iter().all(|place| matches!(place.host, Host::Ip(ip) if ip.is_loopback()))
    }

    /// The addresses of this computer that it can be reached by, the best first, and whether the
    /// invite names each; none if there is no choice, or if addresses were advertised.
    #[must_use]
    pub fn candidate_addrs(&self) -> Vec<(&Found, bool)> {
        let is_named = |found: &Found| self.invite.places.iter().any(|place| place.host == Host::Ip(found.ip));
        let others = self.reachable.iter().filter(|found| found.kind != Kind::Loopback);
        let choices: Vec<_> = others.map(|found| (found, is_named(found))).take(MAX_SHOWN).collect();
        if self.is_advertised || choices.len() < 2 { Vec::new() } else { choices }
    }

    /// The invite's link-local address, if it names one: a person who joins by it adds an
    /// interface.
    #[must_use]
    pub fn missing_zone(&self) -> Option<AddressError> {
        self.invite.places.iter().find_map(|place| place.host.check_zone().err())
    }

    /// An address that reaches it from this computer.
    #[must_use]
    pub fn same_host_addr(&self) -> SocketAddr {
        let local = self.local_addr();
        if local.ip().is_unspecified() { (IpAddr::from([127, 0, 0, 1]), local.port()).into() } else { local }
    }

    /// The server itself.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// A handle that controls it from any thread.
    #[must_use]
    pub fn control(&self) -> &Control {
        self.server.control()
    }

    /// A handle that reopens its transcript, if it has one.
    #[must_use]
    pub fn reopener(&self) -> Option<Reopener> {
        self.reopener.clone()
    }

    /// Waits until it has stopped.
    ///
    /// # Errors
    /// [`ServerFailed`] if it stopped because of an error.
    pub fn wait(self) -> Result<(), ServerFailed> {
        self.server.wait()
    }

    /// Notifies the members and stops.
    ///
    /// # Errors
    /// [`ServerFailed`] if it stopped because of an error.
    pub fn stop(self) -> Result<(), ServerFailed> {
        self.server.stop()
    }
}

/// Executes the commands of members, who are operators, on a separate thread, until the server
/// has stopped.
fn operate(operations: mpsc::Receiver<Operation>, operator: Operator) -> io::Result<()> {
    let run = move || operations.into_iter().for_each(|operation| operator.answer(operation));
    std::thread::Builder::new().name("kabar-operate".to_owned()).spawn(run).map(|_| ())
}

/// The places that an invite names: the advertised ones, else the best of those found.
pub(crate) fn places(advertise: &[Advertised], reachable: &[Found], port: u16) -> Places {
    let advertised = advertise.iter().map(|place| (place.host.clone(), place.port.unwrap_or(port)));
    let found = chosen(reachable).into_iter().map(|ip| (Host::Ip(ip), port));
    let place = |(host, port)| HostPort { host, port };
    let here = || Places::one(place((Host::Ip(IpAddr::from([127, 0, 0, 1])), port)));
    Places::of(advertised.map(place)).or_else(|| Places::of(found.map(place))).unwrap_or_else(here)
}

/// The places in the invite of a room when it was hosted last.
///
/// # Errors
/// [`FileError`].
pub fn last_places(dir: &DataDir, room: &RoomName) -> Result<Option<Places>, FileError> {
    let Some(text) = dir.read(&address_file(room))? else { return Ok(None) };
    // A link-local address has no interface here, which `Places` would ask for.
    let place = |text: &str| {
        let (host, port) = text.trim().rsplit_once(':')?;
        HostPort::from_parts(host, port).ok()
    };
    Ok(text.split(',').map(place).collect::<Option<Vec<_>>>().and_then(Places::of))
}

/// Saves places for [`last_places`].
fn save_places(dir: &DataDir, room: &RoomName, places: &Places) -> Result<(), FileError> {
    dir.replace(&address_file(room), format!("{places}\n").as_bytes())
}

fn address_file(room: &RoomName) -> String {
    format!("rooms/{room}.address")
}

#[cfg(test)]
mod tests;
