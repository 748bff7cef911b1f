//! Sentences about what a front end reports by itself: each [`Notice`], and what was lost.

use std::time::Duration;

use kabar_core::chat::{MAX_TEXT_LEN, PostRefusedCode};
use kabar_std::text::clean_line;

use super::errors::known_servers_error;
use super::events::{RoomLabel, post_refusal};
pub use super::rooms::{RoomCommandError, RoomRow};
use super::{causes, changes, help, host_errors, reasons, rooms};
use crate::command::CommandName;
use crate::engine::event::{ClientEnd, Earlier};
use crate::input::{InputError, InputMode};
use crate::language::message;
use crate::outcome::{Loss, OutputStream};

/// Something that a front end reports.
#[derive(Clone, Copy, Debug)]
pub enum Notice<'a> {
    /// The user is in the room that this process hosts; the name.
    Hosting(&'a str),
    /// A room is shown from now on, instead of another one. What came in there follows.
    RoomShown {
        /// Its topic; may be empty.
        topic: &'a str,
        /// Whether only an invite of this room admits, as far as is known.
        is_private: bool,
        /// Whether nothing follows.
        is_empty: bool,
        /// Entries that came in before those that follow, and are not displayed.
        left_out: u64,
    },
    /// Lines that nobody has seen came into a room that is not shown.
    Unread {
        /// Number of lines.
        lines: u64,
        /// Who mentioned this member in them.
        mentioned_by: Option<&'a str>,
    },
    /// The topic of the room; may be empty.
    Topic(&'a str),
    /// The rooms of a server.
    RoomList(&'a [RoomRow<'a>]),
    /// A room is not joined, or the membership has ended.
    RoomEnded {
        /// Why.
        end: &'a ClientEnd,
        /// Lines that are not in the room.
        unsent: u64,
        /// Lines that are sent when the room is joined the next time.
        kept: u64,
        /// Whether lines of input went there, and go nowhere now.
        was_shown: bool,
    },
    /// A room cannot be joined, left or shown.
    RoomCommand(RoomCommandError<'a>),
    /// The first entry follows that was not displayed in an earlier session.
    NewEntries,
    /// A post takes long to be stored; its beginning.
    NotStoredYet(&'a str),
    /// The program waits at its end until this number of lines is stored.
    WaitingForStorage {
        /// Number of lines.
        lines: u64,
        /// The longest time that it waits.
        timeout: Duration,
    },
    /// The server refused a post permanently.
    PostRefused {
        /// The number of the post.
        number: u64,
        /// Why.
        code: PostRefusedCode,
        /// The beginning of the line.
        excerpt: Option<&'a str>,
    },
    /// A line is not sent.
    LineRejected {
        /// Its number on standard input; `None`: it was typed at a prompt.
        line: Option<u64>,
        /// Why.
        why: Rejection,
    },
    /// Bytes typed at the prompt are not UTF-8, and were dropped.
    InvalidBytes,
    /// The reply to `/history`.
    History {
        /// Number of entries.
        lines: u64,
        /// The entries, formatted.
        text: &'a str,
        /// Whether the last one is the last one of the log.
        is_last: bool,
        /// Whether there are earlier entries.
        earlier: Earlier,
    },
    /// The reply to `/help`.
    Help(InputMode),
    /// The argument of a command is missing or invalid.
    Usage(CommandName),
    /// There are spaces before a command.
    SpaceBeforeCommand,
    /// A command does not exist; what was typed.
    UnknownCommand(&'a str),
    /// There is no own entry whose text could be removed.
    NothingToRemove,
    /// The position in the room can be saved again.
    PositionSavedAgain,
    /// Something is lost, which also is in the report at the end.
    Loss(&'a Loss),
    /// The transcript of a hosted room has a problem, or no longer has one; the text about it.
    Transcript(&'a str),
}

/// Why a line is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// It is too long; its length in bytes.
    TooLong(usize),
    /// It is not UTF-8.
    NotUtf8,
    /// No room takes it: the user is not, or no longer, in the one that was chosen.
    NoRoom,
}

/// Returns the text of a notice, without the end of its line; `None`: nothing is displayed. `room`:
/// the one that it is about. If that is not shown, the text begins with its name.
#[must_use]
pub fn text(notice: &Notice<'_>, room: Option<RoomLabel<'_>>) -> Option<String> {
    let text = text_of(notice, room)?;
    let is_end = matches!(notice, Notice::RoomEnded { .. });
    let names_room = matches!(notice, Notice::RoomShown { .. } | Notice::Unread { .. } | Notice::RoomCommand(_));
    Some(match room.filter(|room| is_end || !(room.is_shown || names_room)) {
        Some(room) => format!("#{}: {text}", room.name),
        None => text,
    })
}

fn text_of(notice: &Notice<'_>, room: Option<RoomLabel<'_>>) -> Option<String> {
    Some(match notice {
        Notice::Hosting(name) => message!("hosting", name = *name),
        Notice::RoomShown { topic, is_private, is_empty, left_out } => {
            rooms::shown(room?.name, topic, *is_private, *is_empty, *left_out)
        }
        Notice::Unread { lines, mentioned_by } => rooms::unread(room?.name, *lines, *mentioned_by),
        Notice::Topic(topic) => rooms::topic(topic),
        Notice::RoomList(list) => rooms::list(list),
        Notice::RoomEnded { end, unsent, kept, was_shown } => rooms::ended(end, *unsent, *kept, *was_shown),
        Notice::RoomCommand(error) => rooms::command_error(error),
        Notice::NewEntries => message!("new-entries"),
        Notice::NotStoredYet(excerpt) => message!("not-stored-yet", text = clean_line(excerpt)),
        Notice::WaitingForStorage { lines, timeout } => {
            message!("waiting-for-storage", lines = *lines, seconds = timeout.as_secs())
        }
        Notice::PostRefused { code, excerpt, .. } => {
            let excerpt = excerpt.map(|excerpt| format!(": {}", clean_line(excerpt))).unwrap_or_default();
            message!("post-refused", reason = post_refusal(*code), excerpt)
        }
        Notice::LineRejected { line, why } => line_rejected(*line, *why),
        Notice::InvalidBytes => message!("invalid-bytes"),
        Notice::History { lines, text, is_last, earlier } => changes::history(*lines, text, *is_last, *earlier),
        Notice::Help(mode) => help::help(*mode),
        Notice::Usage(name) => help::usage(*name),
        Notice::SpaceBeforeCommand => message!("space-before-command"),
        Notice::UnknownCommand(word) => help::unknown(word),
        Notice::NothingToRemove => message!("nothing-to-remove"),
        Notice::PositionSavedAgain => message!("position-saved-again"),
        Notice::Loss(lost) => format!("({})", loss(lost)),
        Notice::Transcript(words) => format!("({words})"),
    })
}

/// Returns the line about notices that could not be displayed.
#[must_use]
pub fn notices_skipped(skipped: u64) -> String {
    message!("notices-skipped", notices = skipped)
}

/// Returns why a line of standard input, or one typed at the prompt, is not sent.
#[must_use]
pub fn line_rejected(line: Option<u64>, why: Rejection) -> String {
    let line = line.map(|number| message!("rejected-line", number)).unwrap_or_default();
    match why {
        Rejection::TooLong(len) => message!("rejected-too-long", line, len, max = MAX_TEXT_LEN),
        Rejection::NotUtf8 => message!("rejected-not-utf8", line),
        Rejection::NoRoom => message!("rejected-no-room", line),
    }
}

/// Returns what was lost.
pub(super) fn loss(loss: &Loss) -> String {
    match loss {
        Loss::Input(InputError::Stdin(error)) => message!("cannot-read-stdin", error = causes::io(error)),
        Loss::Input(InputError::Terminal(error)) => message!("cannot-read-terminal", error = causes::io(error)),
        Loss::ServerNotStored(error) => message!("loss-server-not-stored", error = known_servers_error(error)),
        Loss::Output { stream, error } => message!("loss-output", stream = name_of(*stream), error = causes::io(error)),
        Loss::OutputNotRead(stream) => message!("loss-output-not-read", stream = name_of(*stream)),
        Loss::PositionNotSaved(error) => message!("loss-position", error = reasons::file(error)),
        Loss::Transcript { path, lines } => host_errors::transcript_incomplete(path, *lines),
    }
}

fn name_of(stream: OutputStream) -> String {
    match stream {
        OutputStream::Stdout => message!("stdout"),
        OutputStream::Stderr => message!("stderr"),
    }
}
