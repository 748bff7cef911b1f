//! The front end of a session as a trait: displays entries and notices, and asks questions. The
//! session does not know which front end it has.

use std::fmt::Debug;
use std::io;
use std::time::Duration;

use kabar_core::chat::{EntryHeader, EntryKind};
use kabar_std::invite::RoomName;
use kabar_std::text::Content;

use super::end::{Loss, SessionReport};
use super::notice::Notice;
use crate::command::Command;
use crate::cursor::Cursor;

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

    /// Updates the names for completion by an entry.
    fn note_author(&self, author: &str, kind: EntryKind);

    /// Updates the names for completion: a member has another one.
    fn note_renamed(&self, from: &str, to: &str);

    /// Takes an entry, at position `cursor`, that the user does not want to see. It counts as
    /// displayed.
    fn hidden_entry(&self, header: &EntryHeader<'_>, content: Content<'_>, is_own: bool, cursor: Cursor);

    /// Displays an entry, which is at position `cursor`.
    fn entry(&self, header: &EntryHeader<'_>, content: Content<'_>, is_own: bool, cursor: Option<Cursor>);

    /// Formats an entry in reply to `/history`; `None`: it was displayed at once.
    fn history_line(&self, header: &EntryHeader<'_>, content: Content<'_>) -> Option<String>;

    /// Displays a notice.
    fn notice(&self, notice: &Notice<'_>);

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
