//! The content of a full screen, free of any toolkit: no input, no output, no clock. Keys, events
//! of the engine and sizes go in; [effects](Effect) and a [`Frame`] come out.
//!
//! ```text
//! on_event(&Event) ---+            +--> Vec<Effect>   commands for the engine, bell, end
//! on_key(Key) --------+--> View ---+
//! resize(Size) -------+            +--> layout() -> Frame   rows of spans per area, the cursor
//! ```
//! # Layers
//!
//! * `events`, `input`, `commands`, `draw`: the way of each input, and the way out.
//! * [`rooms`], [`transcript`], [`transfers`], [`editor`], [`completion`], [`status`], [`keys`],
//!   [`quote`]: the parts. `room`: those that each room has. `search`, `question`: what takes the
//!   place of the input for a while.
//! * [`frame`]: areas of the screen. [`span`]: rows of styled text. [`wrap`]: text in rows.
//!   [`text`]: clusters and cells.
//!
//! Nothing here grows without bound, whatever comes from the network: transcripts keep a window,
//! members, notices, completions and what was typed have limits next to their owners.

mod commands;
pub mod completion;
mod draw;
pub mod editor;
mod events;
pub mod frame;
mod input;
pub mod keys;
mod question;
pub mod quote;
mod room;
pub mod rooms;
mod search;
pub mod span;
pub mod status;
#[cfg(test)]
mod tests;
pub mod text;
pub mod transcript;
pub mod transfers;
pub mod wrap;

use std::collections::{HashMap, VecDeque};
use std::fmt;

use crate::cursor::Position;
use crate::engine::{Command, Event, RoomId, ServerId};
use crate::input::InputMode;
use crate::messages::events::RoomLabel;
use crate::messages::notices::{self, Notice};
use completion::Completion;
use editor::Editor;
use editor::recall::Recall;
use frame::{Areas, Frame, Heights, Rect, Size};
use keys::Bindings;
use question::Question;
use room::{Room, RoomState};
use rooms::RoomList;
use search::Search;
use span::Role;
use status::{Connection, ServerStatus};
use transcript::line::Times;
use transcript::source::Source;
use transcript::{Joins, Transcript};
use transfers::{Move, TransferList};

/// Entries in a page that is requested from the server.
const SERVER_PAGE: u8 = 100;

/// Rows with unsent posts at most.
const MAX_UNSENT_ROWS: usize = 3;

/// Rows that one step of the wheel scrolls.
const WHEEL_ROWS: isize = 3;

/// Sentences about events and commands: those of one language.
#[derive(Clone, Copy, Debug)]
pub struct Sentences {
    /// Describes an event, in the room that it is about; `None`: nothing is displayed.
    pub event: fn(&Event, Option<RoomLabel<'_>>) -> Option<String>,
    /// Describes the commands, one per line.
    pub commands: fn() -> String,
}

impl Default for Sentences {
    fn default() -> Self {
        let commands = || notices::text(&Notice::Help(InputMode::Prompt), None).unwrap_or_default();
        Self { event: crate::messages::events::text, commands }
    }
}

/// Returns the paths of files that begin with what was typed.
pub type Paths = Box<dyn Fn(&str) -> Vec<String>>;

/// What a screen is made with.
pub struct Config {
    /// Local times.
    pub times: Times,
    /// How joins and leaves are displayed.
    pub joins: Joins,
    /// What keys do.
    pub bindings: Bindings,
    /// The sentences.
    pub sentences: Sentences,
    /// Completes paths. Called while a key is handled.
    pub paths: Paths,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { times, joins, bindings, sentences, paths: _ } = self;
        f.debug_struct("Config")
            .field("times", times)
            .field("joins", joins)
            .field("bindings", bindings)
            .field("sentences", sentences)
            .finish_non_exhaustive()
    }
}

/// What is to be done outside of the view.
#[derive(Debug)]
pub enum Effect {
    /// Give this command to the engine.
    Command(Command),
    /// Connect to the server of this invite, and join its room.
    Connect(Box<kabar_std::invite::Invite>),
    /// Something is to be announced: in most rooms, that the user was mentioned.
    Alert {
        /// The room.
        room: String,
        /// The author.
        author: String,
        /// The text, on one line.
        text: String,
    },
    /// The entry at this position is displayed by the next frame. It is saved after that.
    Shown(Position),
    /// Leave: everything that was sent is stored first, or at once.
    Leave {
        /// Whether nothing is waited for.
        at_once: bool,
    },
    /// Copy this text to the clipboard.
    Copy(String),
    /// Draw the whole screen again.
    Redraw,
    /// Suspend the program.
    Suspend,
    /// Show these lines instead of the screen, without columns and line breaks of our own, until a
    /// key is pressed.
    Bare(Vec<String>),
}

/// Everything that a full screen displays.
#[derive(Debug)]
pub struct View {
    config: Config,
    source: Box<dyn Source>,
    size: Size,
    /// Whether the terminal has the focus; `None`: it does not report that.
    focus: Option<bool>,
    shows_members: bool,
    joins: Joins,
    list: RoomList,
    servers: Vec<ServerStatus>,
    rooms: HashMap<RoomId, Room>,
    /// Notices without a room.
    console: Transcript,
    /// The input while there is no room.
    console_editor: Editor,
    recall: Recall,
    /// What was deleted last.
    killed: String,
    completion: Option<Completion>,
    search: Option<Search>,
    questions: VecDeque<Question>,
    /// The first row of the help, if it is displayed.
    help: Option<usize>,
    transfers: TransferList,
    /// Whether the list of all transfers is displayed.
    shows_transfers: bool,
    /// The entry that is selected, to be quoted.
    selected_entry: Option<u64>,
    /// Displayed once the first room has all entries that it had when it was joined.
    opening: Option<String>,
    /// The room that the user wants to join, and that is shown then.
    wanted_room: Option<String>,
    /// Whether the user has sent something.
    has_sent: bool,
    effects: Vec<Effect>,
}

/// The room of notices without a room.
const CONSOLE: RoomId = RoomId { server: ServerId(u32::MAX), index: u32::MAX };

impl View {
    /// Creates an empty screen, which reads the histories of rooms in `source`.
    #[must_use]
    pub fn new(config: Config, source: Box<dyn Source>) -> Self {
        let (joins, console) = (config.joins, Transcript::new(CONSOLE, config.times.clone(), Joins::Shown));
        Self {
            config,
            source,
            size: Size::default(),
            focus: None,
            shows_members: true,
            joins,
            list: RoomList::default(),
            servers: Vec::new(),
            rooms: HashMap::new(),
            console,
            console_editor: Editor::default(),
            recall: Recall::default(),
            killed: String::new(),
            completion: None,
            search: None,
            questions: VecDeque::new(),
            help: None,
            transfers: TransferList::default(),
            shows_transfers: false,
            selected_entry: None,
            opening: None,
            wanted_room: None,
            has_sent: false,
            effects: Vec::new(),
        }
    }

    /// Sets a text that is displayed in the first room that is joined.
    pub fn set_opening(&mut self, text: String) {
        self.opening = Some(text);
    }

    /// Takes an event of the engine.
    #[must_use]
    pub fn on_event(&mut self, event: &Event) -> Vec<Effect> {
        self.handle_event(event);
        self.settle()
    }

    /// Takes a key.
    #[must_use]
    pub fn on_key(&mut self, key: keys::Key) -> Vec<Effect> {
        self.handle_key(key);
        self.settle()
    }

    /// Takes pasted text.
    #[must_use]
    pub fn on_paste(&mut self, text: &str) -> Vec<Effect> {
        self.handle_text(text);
        self.settle()
    }

    /// Takes a click into a cell.
    #[must_use]
    pub fn on_click(&mut self, x: usize, y: usize) -> Vec<Effect> {
        let area = self.areas().rooms;
        let row = y.checked_sub(area.y).filter(|_| area.contains(x, y));
        let rows = self.list.rows(area.width, area.height);
        if let Some((_, Some(room))) = row.and_then(|row| rows.get(row)) {
            self.show_room(*room);
        }
        self.settle()
    }

    /// Takes a step of the wheel.
    #[must_use]
    pub fn on_wheel(&mut self, is_up: bool) -> Vec<Effect> {
        self.scroll(if is_up { -WHEEL_ROWS } else { WHEEL_ROWS });
        self.settle()
    }

    /// Takes whether the terminal has the focus. Without it, nothing counts as read.
    #[must_use]
    pub fn on_focus(&mut self, is_focused: bool) -> Vec<Effect> {
        self.focus = Some(is_focused);
        self.settle()
    }

    /// Sets the size of the screen.
    #[must_use]
    pub fn resize(&mut self, size: Size) -> Vec<Effect> {
        if self.size == size {
            return Vec::new();
        }
        self.size = size;
        self.settle()
    }

    /// Requests what the status line displays. To be called from time to time.
    #[must_use]
    pub fn refresh(&mut self) -> Vec<Effect> {
        let online = self.servers.iter().filter(|server| server.connection == Connection::Online);
        let requests: Vec<_> = online.map(|server| Command::Stats { server: server.id }).collect();
        requests.into_iter().for_each(|request| self.command(request));
        // Those that stand still are not reported.
        let mut servers: Vec<_> = self.transfers.open().map(|item| item.transfer.room.server).collect();
        servers.sort_unstable();
        servers.dedup();
        servers.into_iter().for_each(|server| self.command(Command::ListTransfers { server }));
        self.settle()
    }

    /// Shows the lines of the transcript alone.
    fn show_bare(&mut self) {
        let (transcript, source) = self.transcript();
        transcript.load(source);
        let lines = transcript.lines();
        self.effects.push(Effect::Bare(lines));
    }

    /// Returns the number of posts that are not in their rooms yet.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.rooms.values().map(|room| room.unsent.count()).sum()
    }

    /// Displays a text.
    pub fn show_notice(&mut self, text: &str) {
        self.notice(Role::Notice, text);
    }

    /// Displays an error of the screen itself.
    pub fn show_error(&mut self, text: &str) {
        self.notice(Role::Error, text);
    }

    /// Returns what the screen displays.
    #[must_use]
    pub fn layout(&self) -> Frame {
        self.draw()
    }

    /// Returns the drafts that are not kept yet, before the program ends.
    #[must_use]
    pub fn drafts(&self) -> Vec<Command> {
        let typed = self.rooms.values().filter(|room| !room.editor.text().is_empty());
        typed.map(|room| Command::SaveDraft { room: room.id, text: room.editor.text().to_owned() }).collect()
    }

    fn areas(&self) -> Areas {
        // The prompt is at the left of the input; a third of the screen at most.
        let prompt = text::width(&self.prompt());
        let width = self.size.width.saturating_sub(prompt);
        let rows = match (self.questions.front(), &self.search) {
            (Some(question), _) => question.rows(self.size.width).len(),
            (None, Some(_)) => 1,
            (None, None) => self.editor().height(width),
        };
        let unsent = self.room().map_or(0, |room| room.unsent.count().min(MAX_UNSENT_ROWS));
        let Size { width, height } = self.size;
        let transfers = if self.shows_transfers { 0 } else { transfers::draw::height(&self.transfers, width, height) };
        Areas::of(self.size, self.shows_members, Heights { input: rows, unsent, transfers })
    }

    fn room(&self) -> Option<&Room> {
        self.rooms.get(&self.list.selected()?)
    }

    fn room_mut(&mut self) -> Option<&mut Room> {
        self.rooms.get_mut(&self.list.selected()?)
    }

    fn server(&self, id: ServerId) -> Option<&ServerStatus> {
        self.servers.iter().find(|server| server.id == id)
    }

    fn server_mut(&mut self, id: ServerId) -> Option<&mut ServerStatus> {
        self.servers.iter_mut().find(|server| server.id == id)
    }

    /// The server of the room that is displayed, or the first one.
    fn current_server(&self) -> Option<ServerId> {
        self.list.selected().map(|room| room.server).or_else(|| self.servers.first().map(|server| server.id))
    }

    fn editor(&self) -> &Editor {
        self.room().map_or(&self.console_editor, |room| &room.editor)
    }

    fn editor_mut(&mut self) -> &mut Editor {
        match self.list.selected().and_then(|room| self.rooms.get_mut(&room)) {
            Some(room) => &mut room.editor,
            None => &mut self.console_editor,
        }
    }

    /// The transcript that is displayed, and the histories.
    fn transcript(&mut self) -> (&mut Transcript, &dyn Source) {
        let room = self.list.selected().and_then(|room| self.rooms.get_mut(&room));
        (room.map_or(&mut self.console, |room| &mut room.transcript), self.source.as_ref())
    }

    fn command(&mut self, command: Command) {
        self.effects.push(Effect::Command(command));
    }

    /// Displays a notice in the room that is displayed.
    fn notice(&mut self, role: Role, text: impl Into<String>) {
        self.transcript().0.push_notice(role, text);
    }

    fn scroll(&mut self, rows: isize) {
        if let Some(first) = &mut self.help {
            *first = first.saturating_add_signed(rows);
            return;
        }
        if self.shows_transfers {
            let count = rows.unsigned_abs();
            return self.transfers.select(if rows < 0 { Move::Up(count) } else { Move::Down(count) });
        }
        let (transcript, source) = self.transcript();
        transcript.scroll(source, rows);
    }

    /// Shows a room. The one before keeps its draft and its place.
    fn show_room(&mut self, id: RoomId) {
        let before = self.list.selected();
        if before == Some(id) || !self.list.select(id) {
            return;
        }
        self.left_room(before);
        self.entered_room();
    }

    /// Another room is displayed, instead of this one.
    fn left_room(&mut self, before: Option<RoomId>) {
        self.close_search();
        (self.completion, self.selected_entry, self.shows_transfers) = (None, None, false);
        self.recall.leave();
        if let Some(room) = before.and_then(|before| self.rooms.get_mut(&before)) {
            // A line for unread entries is displayed until the room is left.
            room.transcript.set_unread_after(None);
            room.transcript.unload();
            let text = room.editor.text().to_owned();
            self.effects.push(Effect::Command(Command::SaveDraft { room: room.id, text }));
        }
    }

    /// A room is displayed: what came in meanwhile is below a line.
    fn entered_room(&mut self) {
        if let Some(room) = self.room_mut()
            && room.read.is_some_and(|read| read < room.transcript.head())
        {
            let read = room.read;
            room.transcript.set_unread_after(read);
        }
    }

    /// Chooses another room by the list.
    fn choose_room(&mut self, choose: impl FnOnce(&mut RoomList)) {
        let before = self.list.selected();
        choose(&mut self.list);
        if self.list.selected() != before {
            self.left_room(before);
            self.entered_room();
        }
    }

    /// Loads what the screen needs, marks what is displayed as read, and returns the effects.
    fn settle(&mut self) -> Vec<Effect> {
        let Rect { width, height, .. } = self.areas().transcript;
        let (transcript, source) = self.transcript();
        transcript.resize(width, height);
        let needs_page = transcript.load(source);
        if needs_page && self.request_page() {
            let (transcript, source) = self.transcript();
            transcript.load(source);
        }
        self.mark_read();
        std::mem::take(&mut self.effects)
    }

    /// Requests the page before the window from the server. Without it, what is before the gap in
    /// the local history is displayed; returns whether it is.
    fn request_page(&mut self) -> bool {
        let Some(room) = self.list.selected().and_then(|room| self.rooms.get_mut(&room)) else { return false };
        let (id, first) = (room.id, room.transcript.first());
        if room.state != RoomState::Joined {
            let has_more = first.is_some_and(|first| self.source.pass_gaps(id, first));
            if has_more {
                room.transcript.reload_above();
            }
            return has_more;
        }
        // Those that are delivered first come by themselves.
        let Some(before) = first.or(room.is_recorded.then_some(0)) else { return false };
        if !std::mem::replace(&mut room.awaits_page, true) {
            self.command(Command::History { room: id, before, count: SERVER_PAGE });
        }
        false
    }

    fn mark_read(&mut self) {
        let is_read = self.focus != Some(false) && self.help.is_none() && !self.shows_transfers;
        let Some(room) = self.room_mut() else { return };
        let (id, head) = (room.id, room.transcript.head());
        if is_read && room.transcript.is_end_visible() && room.read.is_none_or(|read| read < head) && head > 0 {
            room.read = Some(head);
            self.list.clear(id);
            self.command(Command::MarkRead { room: id, seq: head });
        }
    }
}
