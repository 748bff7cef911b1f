//! What `kabar send` and `kabar get` have in common: a session in one room that lasts until its
//! transfers have ended. `files`: those of a call. `display`: how far they are.

mod display;
mod files;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use kabar_core::chat::{EntryKind, File};
use kabar_std::data_dir::DataDir;
use kabar_std::signals;

use super::arguments::{KeyArguments, SessionArguments};
use super::password;
use super::request::{Rooms, at_server, with_invite};
use super::target::{Found, Target, find_room};
use crate::config::Config;
use crate::config::settings::seconds;
use crate::engine::event::{Earlier, Entry, EntryContent, Event, HistoryPage, TransferState};
use crate::engine::{self, Command, EngineConfig, Events, Handle, RoomId, ServerRequest, Stop, WantedFile};
use crate::history::{FileEntry, is_named};
use crate::outcome::{CommandError, EndState, Outcome, SessionReport, TransferError};
use crate::transfers::names::{safe_name, sent_name};
use display::Display;
use files::Files;

/// Entries of a page of the history in which a file is searched.
const PAGE: u8 = 200;
/// Entries in which a file is searched by its name.
const MAX_SEARCHED: usize = 10_000;

/// Options of `kabar send` and `kabar get`.
#[derive(Debug, Default, Args)]
pub struct TransferArguments {
    /// Your name in the room: exactly this one.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// Be another person of this computer, with a key under this label.
    #[arg(long, value_name = "LABEL")]
    pub identity: Option<String>,

    /// Read the room's password from the first line of this file (also: KABAR_PASSWORD in the
    /// environment).
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,

    /// The key of the server.
    #[command(flatten)]
    pub key: KeyArguments,

    /// Print objects as JSON, one per line, as `kabar join --json` does.
    #[arg(long)]
    pub json: bool,

    /// Seconds that may pass until the entry of a file is stored [default: 60].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub give_up: Option<Duration>,
}

/// What is transferred.
#[derive(Debug)]
pub(super) enum Work {
    /// These files are sent, each with its name in the room.
    Send(Vec<(PathBuf, String)>),
    /// The file of an entry is received.
    Get(FileEntry, Option<PathBuf>),
}

impl TransferArguments {
    fn session(&self) -> SessionArguments {
        let (name, identity, give_up) = (self.name.clone(), self.identity.clone(), self.give_up);
        SessionArguments { name, identity, give_up, json: self.json, ..SessionArguments::default() }
    }

    /// Returns the settings.
    pub(super) fn settings(&self, file: Option<&std::path::Path>) -> Result<Config, CommandError> {
        self.session().settings(file)
    }
}

/// Transfers in the room that was typed.
pub(super) fn run(
    work: Work,
    room: &str,
    arguments: &TransferArguments,
    dir: DataDir,
    settings: Config,
) -> Result<Outcome, CommandError> {
    let how = arguments.session();
    how.check_names()?;
    let target = Target::parse(room)?;
    arguments.key.check(&target)?;
    let password = password::read(arguments.password_file.as_deref(), false)?;
    let (places, rooms) = match target {
        Target::Invite(invite) => {
            let request = with_invite(invite, Rooms::default(), &how, &dir)?;
            return transfer(work, request, arguments.json, dir, settings);
        }
        Target::Server(places) => (places, Rooms::default()),
        Target::Word(word) => match find_room(&word, &dir)?? {
            Found::Room(places, room) => (places, Rooms::of_options([room])),
            Found::Host(places) => (places, Rooms::default()),
        },
    };
    let request = at_server(places, rooms, arguments.key.policy(), password, &how, &dir)?;
    transfer(work, request, arguments.json, dir, settings)
}

fn transfer(
    work: Work,
    request: ServerRequest,
    is_json: bool,
    dir: DataDir,
    settings: Config,
) -> Result<Outcome, CommandError> {
    let request = ServerRequest { can_ask: false, ..request };
    let room_name = request.rooms.first().map(|room| room.name.to_string()).unwrap_or_default();
    let config = EngineConfig {
        dir,
        context: 0,
        replays_history: false,
        ends_with_servers: true,
        downloads: settings.downloads,
        wake: Box::new(|| ()),
    };
    let (engine, queue) = engine::start(config).map_err(TransferError::Start)?;
    let interrupted = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (stopper, is_interrupted) = (engine.clone(), std::sync::Arc::clone(&interrupted));
    let stop = move || {
        is_interrupted.store(true, std::sync::atomic::Ordering::Release);
        stopper.send(Command::Stop(Stop::Abort));
    };
    signals::on_stop(stop).map_err(TransferError::Start)?;
    engine.send(Command::Connect(Box::new(request.into())));
    let is_upload = matches!(work, Work::Send(_));
    let (files, wanted) = match work {
        Work::Send(files) => (Files::to_send(files), None),
        Work::Get(entry, to) => (Files::to_get(), Some((entry, to))),
    };
    let mut session = TransferSession {
        engine,
        give_up: settings.give_up,
        display: Display::new(is_json, room_name),
        is_upload,
        room: None,
        files,
        wanted,
        searched: 0,
        end: EndState::default(),
    };
    session.run(&queue)?;
    session.end.is_interrupted = interrupted.load(std::sync::atomic::Ordering::Acquire);
    let TransferSession { files, mut end, .. } = session;
    let files = files.not_done();
    let end = SessionReport { losses: end.take_losses(), end: end.end() };
    match end.end {
        crate::outcome::SessionEnd::Left if files > 0 => Err(TransferError::Failed { is_upload, files }.into()),
        _ => Ok(Outcome::Session(end)),
    }
}

/// A session that transfers files.
struct TransferSession {
    engine: Handle,
    give_up: Duration,
    display: Display,
    /// The room, once it is joined.
    room: Option<RoomId>,
    /// The entry that is searched in the history, and where its file is stored.
    wanted: Option<(FileEntry, Option<PathBuf>)>,
    searched: usize,
    files: Files,
    is_upload: bool,
    end: EndState,
}

impl TransferSession {
    fn run(&mut self, queue: &Events) -> Result<(), CommandError> {
        while let Some(event) = queue.recv() {
            self.end.on_event(&event);
            self.on_event(&event)?;
        }
        self.display.clear();
        Ok(())
    }

    fn on_event(&mut self, event: &Event) -> Result<(), CommandError> {
        match event {
            Event::Joined(joined) if !joined.is_again => {
                self.room = Some(joined.room);
                self.send();
                self.search(0);
            }
            Event::HistoryPage(page) => self.on_page(page),
            // A page that was requested does not come.
            Event::Joined(_) | Event::Reconnected(_) => {
                self.search(0);
                self.display.sentence(event);
            }
            Event::Transfer(transfer) => {
                self.display.transfer(transfer)?;
                let is_own = transfer.is_upload == self.is_upload && self.files.is_under_way(&transfer.name);
                if transfer.state.is_end() && is_own {
                    let is_done = matches!(transfer.state, TransferState::Sent(_) | TransferState::Received(_));
                    self.ended(&transfer.name, is_done);
                }
            }
            Event::TransferNotStarted { name, .. } => {
                self.display.sentence(event);
                let name = name.clone();
                self.ended(&name, false);
            }
            Event::ConnectionLost { .. }
            | Event::ServerText { .. }
            | Event::HistoryNotKept(_)
            | Event::NotKept { .. } => {
                self.display.sentence(event);
            }
            _ => {}
        }
        Ok(())
    }

    /// Gives the engine as many files as it is to have.
    fn send(&mut self) {
        let Some(room) = self.room else { return };
        while let Some((path, name)) = self.files.next() {
            self.engine.send(Command::Send { room, path, name: Some(name) });
        }
    }

    /// A transfer has ended; another one may begin. After the last one, the session leaves.
    fn ended(&mut self, name: &str, is_done: bool) {
        self.files.ended(name, is_done);
        self.send();
        if self.files.have_ended() {
            self.engine.send(Command::Stop(Stop::Leave { give_up: self.give_up, is_caught_up: false }));
        }
    }

    /// Requests the page that ends before this entry; 0: the last one.
    fn search(&self, before: u64) {
        let (Some(room), Some((entry, _))) = (self.room, &self.wanted) else { return };
        let (before, count) = match entry {
            FileEntry::Seq(seq) => (seq.saturating_add(1), 1),
            FileEntry::Named(_) => (before, PAGE),
        };
        self.engine.send(Command::History { room, before, count });
    }

    fn on_page(&mut self, page: &HistoryPage) {
        let (Some(room), Some((entry, to))) = (self.room, self.wanted.take()) else { return };
        if let Some((name, body)) = page.entries.iter().rev().find_map(|found| file_of(found, &entry)) {
            self.files.found(safe_name(&name));
            return self.engine.send(Command::Get { room, file: WantedFile::Body(body), to });
        }
        self.searched += page.entries.len();
        let first = page.entries.first().filter(|_| page.earlier == Earlier::Possible).map(|first| first.seq);
        match first.filter(|_| matches!(entry, FileEntry::Named(_)) && self.searched < MAX_SEARCHED) {
            Some(first) => {
                self.wanted = Some((entry, to));
                self.search(first);
            }
            // The engine reports that there is none.
            None => self.engine.send(Command::Get { room, file: WantedFile::Entry(entry), to }),
        }
    }
}

/// The name and the body of an entry, if it is the one that is searched.
fn file_of(found: &Entry, wanted: &FileEntry) -> Option<(String, Vec<u8>)> {
    let EntryContent::Body(body) = &found.content else { return None };
    let file = File::decode(body).ok().filter(|_| found.kind == EntryKind::FILE)?;
    let is_wanted = match wanted {
        FileEntry::Seq(seq) => found.seq == *seq,
        FileEntry::Named(name) => is_named(&file, name),
    };
    is_wanted.then(|| (file.name().to_owned(), body.clone()))
}

/// Returns the name with which a file is sent.
pub(super) fn name_of(path: &std::path::Path) -> Result<String, TransferError> {
    // `.` and `..` are directories, whose own name says which.
    let named = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    sent_name(path).or_else(|| sent_name(&named)).ok_or_else(|| TransferError::Name(path.to_owned()))
}
