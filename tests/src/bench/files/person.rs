//! A real client: the engine of `kabar` with its thread, its history and its folder.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kabar_client::engine::event::{Entry, EntryContent, Transfer, TransferState};
use kabar_client::engine::{
    self, Command, ConnectRequest, EngineConfig, Event, Events, Handle, KeyPolicy, ReplayFrom, RoomCredential, RoomId,
    RoomRequest, ServerRequest, Stop, WantedFile,
};
use kabar_client::identity::{IdentityChoice, LocalIdentity};
use kabar_core::chat::EntryKind;
use kabar_std::address::Places;
use kabar_std::data_dir::DataDir;
use kabar_std::invite::{RoomName, RoomSecret};

use crate::bench::Error;
use crate::bench::server::Target;

/// Longest time without the event that is waited for.
const TIMEOUT: Duration = Duration::from_secs(300);

/// A member of the room.
pub(super) struct Person {
    engine: Handle,
    events: Events,
    pub(super) room: RoomId,
    home: tempfile::TempDir,
}

/// A file that was sent.
pub(super) struct Sent {
    /// Seconds from the command until the first byte of the content could be sent: hashing and the
    /// request.
    pub(super) start_s: f64,
    /// Seconds from the command until the entry is stored.
    pub(super) whole_s: f64,
}

impl Person {
    /// Joins the server, which has this address: its own, or that of a relay.
    pub(super) fn join(target: Target, address: SocketAddr, name: &str) -> Result<Self, Error> {
        let home = tempfile::tempdir().map_err(Error::io("create a directory"))?;
        let failed = |what: &str, error: &dyn std::fmt::Display| Error::new(format!("cannot {what}: {error}"));
        let dir = DataDir::open(&home.path().join("data")).map_err(|error| failed("open a directory", &error))?;
        let choice = IdentityChoice { name: Some(name), ..IdentityChoice::default() };
        let identity = LocalIdentity::open(&dir, choice).map_err(|error| failed("make an identity", &error))?;
        let config = EngineConfig {
            dir,
            context: 0,
            replays_history: false,
            ends_with_servers: true,
            downloads: Some(home.path().join("downloads")),
            wake: Box::new(|| ()),
        };
        let (engine, events) = engine::start(config).map_err(Error::io("start a client"))?;
        let credentials = vec![RoomCredential::Secret(RoomSecret::new(target.secret))];
        engine.send(Command::Connect(Box::new(ConnectRequest::Kabar(ServerRequest {
            places: Places::one(address.into()),
            rooms: vec![RoomRequest { name: RoomName::default(), credentials }],
            identity,
            key_policy: KeyPolicy::Invited(target.fingerprint),
            replay_from: ReplayFrom::New,
            can_ask: false,
            hide_joins: true,
            retries: true,
            is_host: false,
        }))));
        let room = wait(&events, |event| match event {
            Event::Joined(joined) => Some(joined.room),
            _ => None,
        })?;
        Ok(Self { engine, events, room, home })
    }

    /// The folder of received files.
    pub(super) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Starts to send a file.
    pub(super) fn start_sending(&self, path: PathBuf) {
        self.engine.send(Command::Send { room: self.room, path, name: None });
    }

    /// Sends a file.
    pub(super) fn send(&self, path: PathBuf) -> Result<Sent, Error> {
        let (begin, mut start) = (Instant::now(), None);
        self.start_sending(path);
        self.transferred(|state| {
            if matches!(state, TransferState::Running(_)) {
                start.get_or_insert_with(|| begin.elapsed());
            }
            matches!(state, TransferState::Sent(_))
        })?;
        let whole_s = begin.elapsed().as_secs_f64();
        Ok(Sent { start_s: start.map_or(whole_s, |start| start.as_secs_f64()), whole_s })
    }

    /// Takes events until a file is in the room. Returns the body of its entry.
    pub(super) fn next_file(&self) -> Result<Vec<u8>, Error> {
        wait(&self.events, |event| match event {
            Event::Entry(entry) if entry.kind == EntryKind::FILE => match entry.content {
                EntryContent::Body(body) => Some(body),
                _ => None,
            },
            _ => None,
        })
    }

    /// Starts to receive the file that an entry with this body names.
    pub(super) fn start_receiving(&self, body: Vec<u8>) {
        self.engine.send(Command::Get { room: self.room, file: WantedFile::Body(body), to: None });
    }

    /// Receives a file. Returns seconds from the command until it is durable and has its name.
    pub(super) fn get(&self, body: Vec<u8>) -> Result<f64, Error> {
        let begin = Instant::now();
        self.start_receiving(body);
        self.until_received()?;
        Ok(begin.elapsed().as_secs_f64())
    }

    /// Waits until the next file is received, and removes it.
    pub(super) fn until_received(&self) -> Result<(), Error> {
        self.transferred(|state| match state {
            TransferState::Received(path) => {
                let _ = std::fs::remove_file(path);
                true
            }
            _ => false,
        })
    }

    /// Waits until the next file is sent.
    pub(super) fn until_sent(&self) -> Result<(), Error> {
        self.transferred(|state| matches!(state, TransferState::Sent(_)))
    }

    /// Waits until bytes of a file are on their way.
    pub(super) fn until_running(&self) -> Result<(), Error> {
        self.transferred(|state| matches!(state, TransferState::Running(_)))
    }

    fn transferred(&self, mut is_wanted: impl FnMut(&TransferState) -> bool) -> Result<(), Error> {
        wait(&self.events, |event| match event {
            Event::Transfer(transfer) => match transfer.state {
                TransferState::Failed(why) => Some(Err(Error::new(format!("a transfer failed: {why:?}")))),
                state => is_wanted(&state).then_some(Ok(())),
            },
            Event::TransferNotStarted { why, .. } => {
                Some(Err(Error::new(format!("a transfer did not start: {why:?}"))))
            }
            _ => None,
        })?
    }

    /// Takes an event, if one comes in this time.
    pub(super) fn take(&self, wait: Duration) -> Option<Seen> {
        let event = if wait.is_zero() { self.events.try_recv()? } else { self.events.recv_timeout(wait).ok()? };
        Some(match event {
            Event::Entry(entry) if entry.kind == EntryKind::TEXT && !entry.is_own => match entry.content {
                EntryContent::Body(body) => Seen::Text(String::from_utf8_lossy(&body).into_owned()),
                EntryContent::Omitted(_) => Seen::Other,
            },
            Event::Entry(Entry { kind: EntryKind::FILE, content: EntryContent::Body(body), .. }) => Seen::File(body),
            Event::Transfer(transfer) if transfer.state.is_end() => Seen::Over,
            Event::Transfer(Transfer { state: TransferState::Running(measured), .. }) => Seen::Progress(measured.done),
            _ => Seen::Other,
        })
    }

    /// Posts lines from another thread.
    pub(super) fn poster(&self) -> Poster {
        Poster { engine: self.engine.clone(), room: self.room }
    }
}

/// An event that concerns lines or transfers.
#[derive(Clone, Debug)]
pub(super) enum Seen {
    /// A line of somebody else.
    Text(String),
    /// The body of an entry that names a file.
    File(Vec<u8>),
    /// Bytes of a file that are transferred.
    Progress(u64),
    /// A transfer is over.
    Over,
    /// Another one.
    Other,
}

/// Posts lines.
pub(super) struct Poster {
    engine: Handle,
    room: RoomId,
}

impl Poster {
    pub(super) fn post(&self, text: String) {
        self.engine.send(Command::Post { room: self.room, kind: EntryKind::TEXT, text });
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        self.engine.send(Command::Stop(Stop::Leave { give_up: Duration::from_secs(1), is_caught_up: false }));
        while self.events.recv().is_some() {}
    }
}

/// Takes events until one is wanted.
fn wait<T>(events: &Events, mut find: impl FnMut(Event) -> Option<T>) -> Result<T, Error> {
    let give_up = Instant::now() + TIMEOUT;
    loop {
        let left = give_up.saturating_duration_since(Instant::now());
        let event = events.recv_timeout(left).map_err(|_| Error::new("a client waits for too long"))?;
        if let Event::ServerEnded { .. } = &event {
            return Err(Error::new(format!("a client ended: {event:?}")));
        }
        if let Some(found) = find(event) {
            return Ok(found);
        }
    }
}
