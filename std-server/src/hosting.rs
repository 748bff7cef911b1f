//! From a data directory to a running room and its invite: what `kabar-server` and `kabar host` share.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use kabar_core::crypto::rsa::KeySize;

use crate::address::{Advertised, Host, HostPort};
use crate::advertise::reachable_ip;
use crate::data_dir::{DataDir, FileError, Lock, LockError};
use crate::driver::{Control, Parts, Server, ServerDied, StartError};
use crate::hub::{Entrance, HubConfig, HubEvent, HubLimits};
use crate::invite::{Invite, RoomName};
use crate::key_file::{load_or_make_key, load_or_make_secret};
use crate::password::Password;
use crate::store::{OpenError, SqliteStore};
use crate::transcript::{Remark, Reopener, Transcript};

/// Held by the server of a data directory.
pub const LOCK_FILE: &str = "server.lock";

/// What a room is hosted with.
#[derive(Debug)]
pub struct Hosting<'a> {
    /// Where its key, its secret and its history lie.
    pub data_dir: &'a Path,
    /// The room.
    pub room: RoomName,
    /// Where to listen.
    pub listen: SocketAddr,
    /// What invites name, if not what this computer finds out by itself.
    pub advertise: Option<Advertised>,
    /// A second way in.
    pub password: Option<&'a str>,
    /// A file that gets every entry as a line.
    pub transcript: Option<&'a Path>,
    /// How large a key is made if there is none.
    pub key_size: KeySize,
    /// The hub's bounds.
    pub limits: HubLimits,
}

/// A hosted room. Stops when it is dropped.
#[derive(Debug)]
pub struct Hosted {
    server: Server,
    invite: Invite,
    key_size: KeySize,
    reopener: Option<Reopener>,
    // Given back last, when nothing of this process uses the directory any more.
    _lock: Lock,
}

/// A room is not hosted.
#[derive(Debug)]
#[non_exhaustive]
pub enum HostingError {
    /// Another server works in the data directory.
    InUse(std::path::PathBuf, Option<u32>),
    /// A file.
    File(FileError),
    /// The history.
    History(OpenError),
    /// The server.
    Start(StartError),
}

impl<'a> Hosting<'a> {
    /// A room with nothing but defaults beside these.
    #[must_use]
    pub fn new(data_dir: &'a Path, room: RoomName, listen: SocketAddr) -> Self {
        let (key_size, limits) = (KeySize::Bits2048, HubLimits::default());
        Self { data_dir, room, listen, advertise: None, password: None, transcript: None, key_size, limits }
    }
}

impl Hosting<'_> {
    /// Locks the directory, loads or makes what is in it, and begins to serve. `slow` is called if making a key takes a while;
    /// `on_event` is told of everything, on the serving thread, and must not block; `remark` of trouble with the transcript, in one
    /// line, on a thread of its own.
    ///
    /// # Errors
    /// [`HostingError`], each in one line.
    pub fn start(
        self,
        slow: impl FnOnce() + Send,
        mut on_event: impl FnMut(HubEvent) + Send + 'static,
        remark: impl Fn(Remark) + Send + 'static,
    ) -> Result<Hosted, HostingError> {
        let dir = DataDir::open(self.data_dir)?;
        let lock = dir.lock(LOCK_FILE).map_err(|error| match error {
            LockError::Held(id) => HostingError::InUse(dir.path().to_path_buf(), id),
            LockError::File(error) => HostingError::File(error),
        })?;
        let key = load_or_make_key(&dir, self.key_size, slow)?;
        let key_size = key.size();
        let secret = load_or_make_secret(&dir, &self.room)?;
        let verifier = self.password.map(|password| Password::set(&dir, &self.room, password)).transpose()?;
        let mut config = HubConfig::new(self.room.as_str(), *secret.expose());
        config.limits = self.limits;
        if let Some(password) = &verifier {
            (config.entrance, config.admission_tag) = (Entrance::Password, password.tag());
        }
        let store = SqliteStore::open(&dir)?;
        let reader = store.reader()?;
        let history = store.path().to_path_buf();
        let transcript = self.transcript.map(|path| Transcript::open(path, remark)).transpose()?;
        let reopener = transcript.as_ref().map(Transcript::reopener);
        let on_event = move |event| {
            if let Some(transcript) = &transcript {
                transcript.take(&event);
            }
            on_event(event);
        };
        let parts = Parts { key, verifier, store, reader, on_event: Box::new(on_event) };
        let server = Server::start(self.listen, config, parts).map_err(|error| match error {
            StartError::Store(error) => HostingError::History(OpenError::unusable(&history, error.0)),
            error => HostingError::Start(error),
        })?;
        let local = server.local_addr();
        let advertised =
            self.advertise.unwrap_or_else(|| Advertised { host: Host::Ip(reachable_ip(local.ip())), port: None });
        let (host, port) = (advertised.host, advertised.port.unwrap_or(local.port()));
        save_address(&dir, &self.room, &HostPort { host: host.clone(), port })?;
        let invite = Invite { host, port, room: self.room, fingerprint: server.fingerprint(), secret };
        Ok(Hosted { server, invite, key_size, reopener, _lock: lock })
    }
}

impl Hosted {
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
        matches!(self.invite.host, Host::Ip(ip) if ip.is_loopback())
    }

    /// An address that reaches it from this computer.
    #[must_use]
    pub fn near_addr(&self) -> SocketAddr {
        let local = self.local_addr();
        let ip = if local.ip().is_unspecified() { IpAddr::from([127, 0, 0, 1]) } else { local.ip() };
        (ip, local.port()).into()
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
    /// [`ServerDied`] if nobody stopped it.
    pub fn wait(self) -> Result<(), ServerDied> {
        self.server.wait()
    }

    /// Tells everybody and ends.
    ///
    /// # Errors
    /// [`ServerDied`] if it had ended before.
    pub fn stop(self) -> Result<(), ServerDied> {
        self.server.stop()
    }
}

impl From<OpenError> for HostingError {
    fn from(error: OpenError) -> Self {
        Self::History(error)
    }
}

/// Where invites to a room said it is when it was hosted last.
///
/// # Errors
/// [`FileError`].
pub fn last_address(dir: &DataDir, room: &RoomName) -> Result<Option<HostPort>, FileError> {
    let text = dir.read(&address_file(room))?;
    Ok(text.and_then(|text| text.trim().parse().ok()))
}

/// For [`last_address`].
fn save_address(dir: &DataDir, room: &RoomName, address: &HostPort) -> Result<(), FileError> {
    dir.replace(&address_file(room), format!("{address}\n").as_bytes())
}

fn address_file(room: &RoomName) -> String {
    format!("rooms/{room}.address")
}

impl From<FileError> for HostingError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl fmt::Display for HostingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse(path, id) => {
                write!(f, "{} is in use by another server", path.display())?;
                id.map_or(Ok(()), |id| write!(f, " (process {id})"))
            }
            Self::File(error) => error.fmt(f),
            Self::History(error) => error.fmt(f),
            Self::Start(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for HostingError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosting(data_dir: &Path, listen: &str, advertise: Option<&str>) -> Result<Hosted, HostingError> {
        let room = RoomName::new("lobby").unwrap();
        let (listen, advertise) = (listen.parse().unwrap(), advertise.map(|text| text.parse().unwrap()));
        Hosting { advertise, ..Hosting::new(data_dir, room, listen) }.start(|| (), drop, drop)
    }

    #[test]
    fn the_invite_names_what_is_listened_on_or_advertised() {
        let home = tempfile::tempdir().unwrap();
        let here = hosting(home.path(), "127.0.0.1:0", None).unwrap();
        let (port, invite) = (here.local_addr().port(), here.invite().clone());
        assert_eq!((invite.host.to_string().as_str(), invite.port), ("127.0.0.1", port));
        assert!(here.is_local_only());
        here.stop().unwrap();

        let there = hosting(home.path(), "127.0.0.1:0", Some("chat.example:1234")).unwrap();
        assert_eq!((there.invite().host.to_string().as_str(), there.invite().port), ("chat.example", 1234));
        assert!(!there.is_local_only());
        assert_eq!(there.invite().fingerprint, invite.fingerprint, "the same key,");
        assert_eq!(there.invite().secret, invite.secret, "and the same secret");
        there.stop().unwrap();

        let everywhere = hosting(home.path(), "0.0.0.0:0", Some("10.0.0.1")).unwrap();
        assert_eq!(everywhere.invite().port, everywhere.local_addr().port());
        assert_eq!(everywhere.near_addr().ip(), IpAddr::from([127, 0, 0, 1]));
    }

    #[test]
    fn a_directory_is_for_one_server_at_a_time() {
        let home = tempfile::tempdir().unwrap();
        let first = hosting(home.path(), "127.0.0.1:0", None).unwrap();
        let second = hosting(home.path(), "127.0.0.1:0", None).unwrap_err();
        assert!(matches!(second, HostingError::InUse(_, Some(id)) if id == std::process::id()), "{second}");
        assert!(second.to_string().contains(&std::process::id().to_string()));
        drop(first);
        hosting(home.path(), "127.0.0.1:0", None).unwrap();
    }

    #[test]
    fn a_taken_port_is_named() {
        let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = hosting(home.path(), "127.0.0.1:0", None).unwrap();
        let address = first.local_addr().to_string();
        let error = hosting(other.path(), &address, None).unwrap_err().to_string();
        assert!(error.contains(&address) && error.contains("in use") && !error.contains('\n'), "{error}");
    }
}
