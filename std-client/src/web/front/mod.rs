//! The front end: the state of all servers and rooms, as pages display it. One thread runs it.
//!
//! `events`: what the engine reports. `input`: what pages send. `history`: parts of the history for
//! pages. `sentences`: what is reported in words. `server`, `room`, `unsent`: the state. `pages`:
//! the pages that are connected. `archive`: the local histories. `files`, `transfers`: files on
//! their way. `contents`, `fetch`: files that pages display or save.

mod archive;
mod contents;
mod events;
mod fetch;
mod files;
mod history;
mod input;
mod pages;
mod room;
mod sentences;
mod server;
#[cfg(test)]
mod tests;
mod transfers;
mod unsent;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kabar_std::data_dir::DataDir;
use kabar_std::invite::RoomName;

use super::cache::Cache;
use super::protocol::{self, ServerKey, ToPage};
use super::server::input::{Input, Inputs, PageId};
use crate::engine::event::SessionError;
use crate::engine::{Command, Events, Handle, RoomId, ServerId, ServerRequest, Stop};
use crate::outcome::{Loss, SessionEnd, SessionReport};
use archive::Archive;
use contents::Contents;
use files::Files;
use pages::Pages;
use room::Room;
use server::Server;

/// Requests of pages that wait for the list of rooms. Further ones replace the earliest.
const MAX_LISTS: usize = 32;

/// Returns the request to connect to the target that was typed, an invite or an address; or why
/// that is not possible.
pub type Connector = Box<dyn Fn(&str) -> Result<ServerRequest, String> + Send>;

/// What a front end is created with.
pub struct FrontConfig {
    /// Holds the local histories.
    pub dir: DataDir,
    /// The engine.
    pub engine: Handle,
    /// Its events.
    pub events: Events,
    /// Servers that a user names.
    pub connector: Connector,
    /// Contents of files that pages display or save.
    pub cache: Cache,
    /// Whether pages display pictures.
    pub shows_pictures: bool,
    /// How long the next post may take to be stored when the user leaves.
    pub give_up: Duration,
}

impl std::fmt::Debug for FrontConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { dir, engine, events, connector: _, cache, shows_pictures, give_up } = self;
        f.debug_struct("FrontConfig")
            .field("dir", dir)
            .field("engine", engine)
            .field("events", events)
            .field("cache", cache)
            .field("shows_pictures", shows_pictures)
            .field("give_up", give_up)
            .finish_non_exhaustive()
    }
}

/// The state.
#[derive(Debug)]
pub struct Front {
    config: FrontConfig,
    pages: Pages,
    servers: BTreeMap<ServerId, Server>,
    rooms: BTreeMap<RoomId, Room>,
    archive: Archive,
    files: Files,
    contents: Contents,
    /// The room to display once it is added, and the page that requested it.
    to_show: Option<(RoomName, PageId)>,
    /// Pages that wait for the list of rooms of a server.
    lists: Vec<(ServerId, PageId)>,
    end: EndState,
}

/// What is known about the end.
#[derive(Debug, Default)]
struct EndState {
    is_interrupted: bool,
    has_ended: bool,
    /// Lines that are not in their rooms, and are lost.
    lost: u64,
    /// Lines that the next start sends.
    kept: u64,
    losses: Vec<Loss>,
}

impl Front {
    /// Creates a front end without servers.
    #[must_use]
    pub fn new(config: FrontConfig) -> Self {
        let archive = Archive::new(config.dir.clone());
        let contents = Contents::new(config.cache.clone(), config.shows_pictures);
        Self {
            config,
            archive,
            files: Files::default(),
            contents,
            pages: Pages::default(),
            servers: BTreeMap::new(),
            rooms: BTreeMap::new(),
            to_show: None,
            lists: Vec::new(),
            end: EndState::default(),
        }
    }

    /// Runs until the engine has stopped.
    #[must_use]
    pub fn run(mut self, inputs: &mut Inputs) -> SessionReport {
        while !self.end.has_ended {
            match inputs.recv() {
                Some(input) => self.take(input),
                None => self.stop(Stop::Abort),
            }
            self.take_events();
        }
        self.pages.send_all(&ToPage::End);
        self.contents.trim(None);
        let EndState { is_interrupted, lost, kept, losses, .. } = self.end;
        let end = match (lost, kept) {
            (0, 0) if is_interrupted => SessionEnd::Interrupted,
            (0, 0) => SessionEnd::Left,
            (lost, kept) => SessionEnd::Unsent { lost, kept },
        };
        SessionReport { end, losses }
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Opened(page, sender) => {
                self.pages.add(page, sender);
                self.send_snapshot(page);
            }
            Input::Message(page, message) => self.on_message(page, message),
            Input::Uploaded(room, name, file) => self.send_file(room.0, &name, file),
            Input::Closed(page) => {
                self.pages.remove(page);
                self.lists.retain(|(_, asking)| *asking != page);
            }
            Input::Engine => {}
            Input::Stop => {
                self.end.is_interrupted = true;
                self.stop(Stop::Abort);
            }
        }
    }

    fn take_events(&mut self) {
        while let Some(event) = self.config.events.try_recv() {
            self.on_event(&event);
        }
        for room in self.rooms.values_mut() {
            if let Some(batch) = room.take_batch() {
                let (after, entries) = (batch.after, batch.entries);
                self.pages.send_all(&ToPage::Entries { room: room.key(), after, entries });
                self.pages.send_all(&ToPage::Room(room.state()));
            }
        }
    }

    fn stop(&self, stop: Stop) {
        self.config.engine.send(Command::Stop(stop));
    }

    fn send_snapshot(&mut self, page: PageId) {
        let servers = self.servers.values().map(Server::state).collect();
        let rooms = self.rooms.values().map(Room::state).collect();
        let transfers = self.files.rows().collect();
        let (commands, shows_pictures) = (protocol::commands(), self.contents.shows_pictures);
        self.pages.send(page, &ToPage::Snapshot { servers, rooms, commands, shows_pictures, transfers });
        for room in self.rooms.values().filter(|room| room.unsent.len() > 0) {
            self.pages.send(page, &ToPage::Unsent { room: room.key(), texts: room.unsent.texts() });
        }
    }

    fn publish_server(&mut self, server: ServerId) {
        if let Some(server) = self.servers.get(&server) {
            self.pages.send_all(&ToPage::Server(server.state()));
        }
    }

    fn publish_room(&mut self, room: RoomId) {
        if let Some(room) = self.rooms.get(&room) {
            self.pages.send_all(&ToPage::Room(room.state()));
        }
    }

    fn publish_unsent(&mut self, room: RoomId) {
        if let Some(room) = self.rooms.get(&room) {
            self.pages.send_all(&ToPage::Unsent { room: room.key(), texts: room.unsent.texts() });
        }
    }

    /// Reports something to all pages.
    fn report(&mut self, server: Option<ServerId>, room: Option<RoomId>, is_error: bool, text: &str) {
        let server = server.or(room.map(|room| room.server)).map(ServerKey::from);
        let room = room.filter(|room| self.rooms.contains_key(room)).map(protocol::RoomKey);
        self.pages.send_all(&ToPage::Notice { server, room, is_error, text });
    }

    /// Reports something to one page.
    fn answer(&mut self, page: PageId, room: Option<RoomId>, is_error: bool, text: &str) {
        let room = room.map(protocol::RoomKey);
        self.pages.send(page, &ToPage::Notice { server: None, room, is_error, text });
    }

    fn lost(&mut self, loss: Loss) {
        if !self.end.losses.contains(&loss) {
            self.end.losses.push(loss);
        }
    }

    /// The sentence about an error of a session.
    fn failure(error: &Arc<SessionError>) -> String {
        crate::messages::session_error(error).1
    }
}
