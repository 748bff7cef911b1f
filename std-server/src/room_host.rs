//! From a data directory to a running room and its invite: what `kabar-server` and `kabar host`
//! share.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use kabar_core::crypto::rsa::KeySize;

use crate::driver::{Control, Listener, Parts, Server, ServerFailed, StartError};
use crate::hub::{HubConfig, HubEvent, HubLimits, JoinPolicy};
use crate::key_file::{load_or_create_key, load_or_create_secret};
use crate::password::Password;
use crate::store::{OpenError, SqliteStore};
use crate::transcript::{Reopener, Transcript, TranscriptWarning};
use kabar_std::address::{AddressError, Advertised, Host, HostPort, Places};
use kabar_std::advertise::{Found, chosen, reachable};
use kabar_std::data_dir::{DataDir, FileError, Lock, LockError, SERVER_LOCK};
use kabar_std::interfaces::Kind;
use kabar_std::invite::{Invite, RoomName};

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
    transcript: Option<&'a Path>,
    key_size: KeySize,
    limits: HubLimits,
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
        config.limits = self.limits;
        if let Some(password) = &verifier {
            (config.join_policy, config.admission_tag) = (JoinPolicy::Password, password.tag());
        }
        let store = SqliteStore::open(&dir)?;
        let reader = store.reader()?;
        let history = store.path().to_path_buf();
        let transcript = self.transcript.map(|path| Transcript::open(path, on_warning)).transpose()?;
        let reopener = transcript.as_ref().map(Transcript::reopener);
        let on_event = move |event| {
            if let Some(transcript) = &transcript {
                transcript.take(&event);
            }
            on_event(event);
        };
        let parts = Parts { key, verifier, store, reader, on_event: Box::new(on_event) };
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
        Ok(RoomHost { server, invite, reachable, is_advertised, key_size, reopener, _lock: lock })
    }
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
            transcript: None,
            key_size,
            limits,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// What lets others in.
    #[must_use]
    pub fn invite(&self) -> &Invite {
        &self.invite
    }

    /// The size of its key.
    #[must_use]
    pub fn key_size(&self) -> KeySize {
        self.key_size
    }

    /// Whether nobody but this computer can follow the invite.
    #[must_use]
    pub fn is_local_only(&self) -> bool {
        self.invite.places.iter().all(|place| matches!(place.host, Host::Ip(ip) if ip.is_loopback()))
    }

    /// The addresses of this computer that it can be reached by, the best first, and whether the
    /// invite names each; none if there was no choice, or if it was said what to advertise.
    #[must_use]
    pub fn candidate_addrs(&self) -> Vec<(&Found, bool)> {
        let is_named = |found: &Found| self.invite.places.iter().any(|place| place.host == Host::Ip(found.ip));
        let others = self.reachable.iter().filter(|found| found.kind != Kind::Loopback);
        let choices: Vec<_> = others.map(|found| (found, is_named(found))).take(MAX_SHOWN).collect();
        if self.is_advertised || choices.len() < 2 { Vec::new() } else { choices }
    }

    /// The invite's link-local address, if it names one: whoever joins adds an interface of theirs.
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

    /// What moves it from any thread.
    #[must_use]
    pub fn control(&self) -> &Control {
        self.server.control()
    }

    /// What opens its transcript again, if it has one.
    #[must_use]
    pub fn reopener(&self) -> Option<Reopener> {
        self.reopener.clone()
    }

    /// Waits until it was stopped.
    ///
    /// # Errors
    /// [`ServerFailed`] if nobody stopped it.
    pub fn wait(self) -> Result<(), ServerFailed> {
        self.server.wait()
    }

    /// Tells everybody and ends.
    ///
    /// # Errors
    /// [`ServerFailed`] if it had ended before.
    pub fn stop(self) -> Result<(), ServerFailed> {
        self.server.stop()
    }
}

/// What an invite names: what is advertised, else the best of what was found.
pub(crate) fn places(advertise: &[Advertised], reachable: &[Found], port: u16) -> Places {
    let advertised = advertise.iter().map(|told| (told.host.clone(), told.port.unwrap_or(port)));
    let found = chosen(reachable).into_iter().map(|ip| (Host::Ip(ip), port));
    let place = |(host, port)| HostPort { host, port };
    let here = || Places::one(place((Host::Ip(IpAddr::from([127, 0, 0, 1])), port)));
    Places::of(advertised.map(place)).or_else(|| Places::of(found.map(place))).unwrap_or_else(here)
}

/// Where invites to a room said it is when it was hosted last.
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

/// For [`last_places`].
fn save_places(dir: &DataDir, room: &RoomName, places: &Places) -> Result<(), FileError> {
    dir.replace(&address_file(room), format!("{places}\n").as_bytes())
}

fn address_file(room: &RoomName) -> String {
    format!("rooms/{room}.address")
}

#[cfg(test)]
mod tests {
    use super::*;
    use kabar_std::address::parse_advertised;

    fn host(data_dir: &Path, listen: &str, advertise: Option<&str>) -> Result<RoomHost, RoomHostError> {
        let room = RoomName::new("lobby").unwrap();
        let listen = listen.parse().unwrap();
        let advertise = advertise.map(|text| parse_advertised(text).unwrap()).unwrap_or_default();
        RoomHost::builder(data_dir, room, listen).advertise(advertise).start(|| (), |_| (), |_| ())
    }

    #[test]
    fn an_address_in_use_is_met_before_a_history_of_an_earlier_version_changes() {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::open(home.path()).unwrap();
        let path = dir.join("history.db");
        let history = rusqlite::Connection::open(&path).unwrap();
        history.execute_batch(include_str!("store/sqlite/tests/version1.sql")).unwrap();
        drop(history);
        let before = std::fs::read(&path).unwrap();
        let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let refused = host(home.path(), &taken.local_addr().unwrap().to_string(), None);
        assert!(matches!(refused, Err(RoomHostError::Start(StartError::Bind(..)))), "{refused:?}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
        let names = std::fs::read_dir(home.path()).unwrap().map(|file| file.unwrap().file_name());
        let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, ["history.db", "server.lock"]);
        drop(taken);
    }

    #[test]
    fn the_invite_names_what_is_listened_on_or_advertised() {
        let home = tempfile::tempdir().unwrap();
        let here = host(home.path(), "127.0.0.1:0", None).unwrap();
        let (port, invite) = (here.local_addr().port(), here.invite().clone());
        assert_eq!(invite.places.to_string(), format!("127.0.0.1:{port}"));
        assert!(here.is_local_only());
        here.stop().unwrap();

        let there = host(home.path(), "127.0.0.1:0", Some("chat.example:1234")).unwrap();
        assert_eq!(there.invite().places.to_string(), "chat.example:1234");
        assert!(!there.is_local_only());
        assert_eq!(there.invite().fingerprint, invite.fingerprint, "the same key,");
        assert_eq!(there.invite().secret, invite.secret, "and the same secret");
        there.stop().unwrap();

        let everywhere = host(home.path(), "0.0.0.0:0", Some("10.0.0.1")).unwrap();
        assert_eq!(everywhere.invite().places.first().port, everywhere.local_addr().port());
        assert_eq!(everywhere.same_host_addr().ip(), IpAddr::from([127, 0, 0, 1]));
    }

    /// A disk that has no room for one more file does not keep a server from starting whose files
    /// do not change.
    #[cfg(unix)]
    #[test]
    fn a_second_start_makes_no_file_again() {
        use std::os::unix::fs::MetadataExt;
        let home = tempfile::tempdir().unwrap();
        let room = RoomName::new("lobby").unwrap();
        let start = |listen: SocketAddr| {
            let host = RoomHost::builder(home.path(), room.clone(), listen).password(Some("sesame"));
            let hosted = host.start(|| (), |_| (), |_| ()).unwrap();
            let local = hosted.local_addr();
            hosted.stop().unwrap();
            local
        };
        let files = || {
            let folders = [home.path().to_path_buf(), home.path().join("rooms")];
            let entries = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
            let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
            files.sort();
            files.into_iter().map(|path| (std::fs::metadata(&path).unwrap().ino(), path)).collect::<Vec<_>>()
        };
        let local = start("127.0.0.1:0".parse().unwrap());
        let before = files();
        assert!(before.len() >= 5, "{before:?}");
        start(local);
        assert_eq!(files(), before);
    }

    #[test]
    fn several_advertised_addresses_are_named_in_order_and_remembered() {
        let home = tempfile::tempdir().unwrap();
        let room = RoomName::new("lobby").unwrap();
        let last = || last_places(&DataDir::open(home.path()).unwrap(), &room).unwrap();
        let hosted = host(home.path(), "127.0.0.1:0", Some("chat.example:7,192.0.2.1,[fd00::1]:8,fe80::1")).unwrap();
        let port = hosted.local_addr().port();
        let meant = format!("chat.example:7,192.0.2.1:{port},[fd00::1]:8,[fe80::1]:{port}");
        assert_eq!(hosted.invite().places.to_string(), meant);
        assert!(hosted.candidate_addrs().is_empty(), "what was said is not asked again");
        assert!(matches!(hosted.missing_zone(), Some(AddressError::NoZone(_))));
        assert_eq!(last().unwrap(), hosted.invite().places);
        assert_eq!(hosted.invite().to_string().parse(), Ok(hosted.invite().clone()));
        // What an earlier version remembered.
        DataDir::open(home.path()).unwrap().replace(&address_file(&room), b"[fd00::1]:7\n").unwrap();
        assert_eq!(last().unwrap().to_string(), "[fd00::1]:7");
    }

    #[test]
    fn a_directory_is_for_one_server_at_a_time() {
        let home = tempfile::tempdir().unwrap();
        let first = host(home.path(), "127.0.0.1:0", None).unwrap();
        let second = host(home.path(), "127.0.0.1:0", None).unwrap_err();
        assert!(matches!(second, RoomHostError::InUse(_, Some(id)) if id == std::process::id()), "{second}");
        assert!(second.to_string().contains(&std::process::id().to_string()));
        drop(first);
        host(home.path(), "127.0.0.1:0", None).unwrap();
    }

    #[test]
    fn a_taken_port_is_named() {
        let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = host(home.path(), "127.0.0.1:0", None).unwrap();
        let address = first.local_addr().to_string();
        let error = host(other.path(), &address, None).unwrap_err().to_string();
        assert!(error.contains(&address) && error.contains("in use") && !error.contains('\n'), "{error}");
    }
}
