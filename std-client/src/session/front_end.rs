//! The front end of a session as a trait: displays entries and notices, and asks questions. The
//! session does not know which front end it has.

use std::fmt::Debug;
use std::io;
use std::time::Duration;

use kabar_core::chat::EntryHeader;
use kabar_std::invite::RoomName;
use kabar_std::text::Content;

use super::end::{Loss, SessionReport};
use super::notice::Notice;
use super::roster::Roster;
use crate::command::Command;
use crate::cursor::Position;

/// The front end of a session. It sends what is typed as events
/// ([`EventSender`](crate::app_event::EventSender)).
pub trait FrontEnd: Debug {
    /// Whether questions can be answered.
    fn can_ask(&self) -> bool;

    /// Whether lines are typed at a prompt.
    fn is_prompt(&self) -> bool;

    /// Parses a line of input.
    fn parse<'a>(&self, line: &'a str) -> Command<'a>;

    /// Sets the name in the room.
    fn set_name(&self, name: &str);

    /// Sets the room that is shown, and what the prompt and completion need to know about rooms.
    fn set_rooms(&self, rooms: &RoomsView<'_>);

    /// Continues to read lines after a command that may show another room.
    fn resume_input(&self);

    /// Whether the entries of all rooms are displayed, hidden ones too: a program decides by
    /// itself.
    fn shows_everything(&self) -> bool;

    /// All entries up to this position count as displayed.
    fn skipped(&self, position: Position);

    /// Displays an entry, which is at this position.
    fn entry(&self, entry: &DisplayedEntry<'_>, position: Option<Position>);

    /// Formats an entry in reply to `/history`; `None`: it was displayed at once.
    fn history_line(&self, entry: &DisplayedEntry<'_>) -> Option<String>;

    /// Displays a notice.
    fn notice(&self, notice: &Notice<'_>);

    /// Displays a notice about a room.
    fn room_notice(&self, room: RoomLabel<'_>, notice: &Notice<'_>);

    /// Ends the line of a notice that [is continued](Notice::is_continued).
    fn end_line(&self);

    /// Whether entries may be displayed. If not,
    /// [`AppEvent::OutputWritable`](crate::app_event::AppEvent) follows.
    fn has_room(&self) -> bool;

    /// Starts to read lines.
    ///
    /// # Errors
    /// If the thread cannot be spawned or the terminal cannot be used.
    fn start_input(&mut self) -> io::Result<()>;

    /// Asks whether to accept the key of [`Notice::UnknownKey`];
    /// [`AppEvent::Answer`](crate::app_event::AppEvent) follows. No answer means no.
    ///
    /// # Errors
    /// If the thread cannot be spawned.
    fn ask_key(&self) -> io::Result<()>;

    /// Asks for the password of `room`, without echo;
    /// [`AppEvent::Password`](crate::app_event::AppEvent) follows.
    ///
    /// # Errors
    /// If the thread cannot be spawned.
    fn ask_password(&self, room: &RoomName, was_wrong: bool) -> io::Result<()>;

    /// Erases the prompt, and waits until all output is written or dropped. Returns what was lost
    /// so far.
    fn settle(&self, timeout: DrainTimeout) -> Vec<Loss>;

    /// Displays the end of the session, with this number of lines not in the room.
    fn ended(&self, report: &SessionReport, unsent: u64);

    /// Writes what is left, and restores the terminal. Returns what was lost.
    fn finish(self: Box<Self>, timeout: DrainTimeout) -> Vec<Loss>;
}

/// The rooms that the user is in.
#[derive(Clone, Copy, Debug)]
pub struct RoomsView<'a> {
    /// The room that is shown.
    pub shown: Option<&'a RoomName>,
    /// The names of its members, for completion.
    pub roster: &'a Roster,
    /// All rooms.
    pub all: &'a [&'a RoomName],
    /// Rooms of the server that may be joined, as far as is known.
    pub listed: &'a [String],
}

/// The name of a room, and whether it is the one that is shown.
#[derive(Clone, Copy, Debug)]
pub struct RoomLabel<'a> {
    /// The name.
    pub name: &'a RoomName,
    /// Whether its entries are displayed now.
    pub is_shown: bool,
}

/// An entry of a room.
#[derive(Clone, Copy, Debug)]
pub struct DisplayedEntry<'a> {
    /// The room.
    pub room: &'a RoomName,
    /// All but the body.
    pub header: EntryHeader<'a>,
    /// The body.
    pub content: Content<'a>,
    /// Whether this session posted it.
    pub is_own: bool,
}

/// How long output may take at the end, and what counts as a loss.
#[derive(Clone, Copy, Debug)]
pub struct DrainTimeout {
    /// The time-out.
    pub time: Duration,
    /// Whether output that is not written in time is a loss.
    pub is_loss: bool,
    /// Whether the output still has a reader.
    pub has_reader: bool,
}
