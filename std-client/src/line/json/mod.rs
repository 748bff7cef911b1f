//! The output of `--json`: one object per line on standard output, and the object for each notice.
//! Names never change their meaning; new ones may be added.

use data_encoding::{BASE64, HEXLOWER};
use kabar_core::chat::{EntryKind, File, Term};
use kabar_std::json;
use kabar_std::text::removed_seq;
use serde::Serialize;

use crate::engine::event::{self, EntryContent, Event, Joined, Reconnected, TransferState};
use crate::messages::events::{loss_reason, post_refusal, room_ended};
use crate::messages::notices::{Notice, line_rejected};
use crate::messages::transfers;

/// The part of `--help` that describes the objects.
pub const HELP: &str = "\
Objects of --json, one per line, each with a \"type\". Those about a room have its name in \"room\";
everything that comes in any room is printed. Lines of input go to the first room, until a line
`/room NAME` chooses another one that was joined.
  hosting    invite, address: the room is running (kabar host)
  joined     name, members, start, head, term, resumed: entries above `start` follow; in a classic
             room, members is null, and numbers of entries are those of this run
  entry      seq, time_ms, author, kind, own; and text, or base64 (data), or size (too large);
             of a file: file, with name, size, root and media_type
             kind: text, action, data, file, joined, left, kicked (text: the reason, if there is one),
             operator, topic (text: the topic), or a number; renamed, with name: the new one;
             removal, with removed: the seq of an entry whose text is gone; removed: an entry
             without its text. /ignore and --hide-joins leave no entry out
  past, who  answers to /history (as entry) and /who (names)
  stored     number, seq: your lines in this room up to this number (1, 2, 3, ...) are stored;
             files that you send are not among them. seq: the entry of the last one; 0: not known
  refused    number, reason: this line will not be stored
  room       topic: lines of input go to this room now
  topic      topic: that of a room that was just joined
  reset      the history was reset to an older state: delivery starts again
  gap        after, first: the entries between are no longer kept
  ended      reason, unsent, kept: one of several rooms was refused, or has ended
             unsent: lines that are not in it; kept: further ones, sent at the next start
  lost       reason: the connection was lost; trying again
  back       seconds, resumed, restarted: connected again
             resumed: no entry was missed; restarted: the server was restarted
  transfer   transfer (its number), direction (send or get), name, size, state: waiting, hashing
             (done, percent), running (done, percent, rate, left: bytes, %, bytes per s, s),
             storing, sent (seq), received (path), failed (reason), cancelled
  notice     text
  left       exit, unsent, kept, reason: the end of the session
A reader that stores the last `seq` of a room continues after it with --since SEQ.";

/// An event of the session.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Object<'a> {
    /// This process hosts a room.
    Hosting {
        /// The invite.
        invite: String,
        /// The address that the server listens on.
        address: String,
    },
    /// The room was joined.
    Joined {
        /// The room.
        room: &'a str,
        /// The name in the room.
        name: &'a str,
        /// Number of members.
        members: Option<u16>,
        /// Entries above this follow.
        start: u64,
        /// The last entry at present.
        head: u64,
        /// The term of the server.
        term: String,
        /// Whether delivery continues an earlier session.
        resumed: bool,
    },
    /// An entry of the room's log.
    Entry(Entry<'a>),
    /// An entry in reply to `/history`.
    Past(Entry<'a>),
    /// The members.
    Who {
        /// The room.
        room: Option<&'a str>,
        /// Their names.
        names: &'a [String],
    },
    /// Posts are stored.
    Stored {
        /// The room.
        room: Option<&'a str>,
        /// Up to this one.
        number: u64,
        /// Its sequence number.
        seq: u64,
    },
    /// A post is refused.
    Refused {
        /// The room, if one was chosen.
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<&'a str>,
        /// Its number; `None`: it was not sent.
        number: Option<u64>,
        /// The reason.
        reason: String,
    },
    /// Lines of input go to this room now.
    Room {
        /// The room.
        room: &'a str,
        /// Its topic.
        topic: &'a str,
    },
    /// The topic of a room.
    Topic {
        /// The room.
        room: Option<&'a str>,
        /// Its topic.
        topic: &'a str,
    },
    /// The history was reset.
    Reset {
        /// The room.
        room: Option<&'a str>,
    },
    /// Entries are no longer kept.
    Gap {
        /// The room.
        room: Option<&'a str>,
        /// The last one delivered.
        after: u64,
        /// The next one that follows.
        first: u64,
    },
    /// One of several rooms has ended.
    Ended {
        /// The room.
        room: &'a str,
        /// The reason.
        reason: String,
        /// Lines that are not in it, and that nobody sends.
        unsent: u64,
        /// Lines that are sent at the next start.
        kept: u64,
    },
    /// The connection was lost.
    Lost {
        /// The reason.
        reason: String,
    },
    /// The connection is established again.
    Back {
        /// How long it was lost.
        seconds: u64,
        /// Whether nothing was missed.
        resumed: bool,
        /// Whether the server was restarted.
        restarted: bool,
    },
    /// A file is sent or received.
    Transfer(TransferObject<'a>),
    /// A notice.
    Notice {
        /// The room, if it is about one.
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<&'a str>,
        /// The text.
        text: &'a str,
    },
    /// The end of the session.
    Left {
        /// The exit code.
        exit: u8,
        /// Lines that are not in their rooms, and that nobody sends.
        unsent: u64,
        /// Lines that are sent at the next start.
        kept: u64,
        /// The reason, if there is one to report.
        reason: Option<&'a str>,
    },
}

/// An entry.
#[derive(Clone, Debug, Serialize)]
pub struct Entry<'a> {
    room: &'a str,
    seq: u64,
    time_ms: u64,
    author: &'a str,
    kind: String,
    own: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<FileObject>,
}

/// A file that an entry names.
#[derive(Clone, Debug, Serialize)]
struct FileObject {
    name: String,
    size: u64,
    root: String,
    media_type: String,
}

impl<'a> Entry<'a> {
    /// Converts an entry of this room.
    #[must_use]
    pub fn new(room: &'a str, entry: &'a event::Entry) -> Self {
        let event::Entry { seq, time_ms, author, kind, is_own: own, .. } = entry;
        let (seq, time_ms, kind, own) = (*seq, *time_ms, *kind, *own);
        let (mut text, mut base64, mut size, mut name, mut removed) = (None, None, None, None, None);
        let file = match &entry.content {
            EntryContent::Body(body) if kind == EntryKind::FILE => File::decode(body).ok(),
            _ => None,
        };
        let file = file.map(|file| FileObject {
            name: file.name().to_owned(),
            size: file.size(),
            root: file.root().to_string(),
            media_type: file.media_type().to_owned(),
        });
        match &entry.content {
            EntryContent::Body(body) if kind.is_text() => text = Some(String::from_utf8_lossy(body).into_owned()),
            EntryContent::Body(body) if kind == EntryKind::TOPIC || (kind == EntryKind::KICKED && !body.is_empty()) => {
                text = Some(String::from_utf8_lossy(body).into_owned());
            }
            EntryContent::Body(body) if kind == EntryKind::RENAMED => {
                name = Some(String::from_utf8_lossy(body).into_owned());
            }
            EntryContent::Body(body) if kind == EntryKind::REMOVAL => removed = removed_seq(body),
            EntryContent::Body(_) if file.is_some() => {}
            EntryContent::Body(body) if body.is_empty() => {}
            EntryContent::Body(body) => base64 = Some(BASE64.encode(body)),
            EntryContent::Omitted(omitted) => size = Some(*omitted),
        }
        Self { room, seq, time_ms, author, kind: json::kind_name(kind), own, text, base64, size, name, removed, file }
    }
}

/// A file that is sent or received.
#[derive(Clone, Debug, Serialize)]
pub struct TransferObject<'a> {
    room: &'a str,
    transfer: u32,
    direction: &'static str,
    name: &'a str,
    size: Option<u64>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl<'a> TransferObject<'a> {
    /// Converts a transfer in this room.
    #[must_use]
    pub fn new(room: &'a str, transfer: &'a event::Transfer) -> Self {
        let event::Transfer { id, is_upload, name, size, state, .. } = transfer;
        let (mut done, mut rate, mut left, mut seq, mut path, mut reason) = (None, None, None, None, None, None);
        let state = match state {
            TransferState::Waiting(wait) => {
                reason = Some(transfers::wait(*wait));
                "waiting"
            }
            TransferState::Hashing(hashed) => {
                done = Some(*hashed);
                "hashing"
            }
            TransferState::Running(measured) => {
                (done, rate) = (Some(measured.done), measured.rate);
                left = measured.left.map(|left| left.as_millis() / 1_000);
                "running"
            }
            TransferState::Storing => "storing",
            TransferState::Sent(entry) => {
                seq = Some(*entry);
                "sent"
            }
            TransferState::Received(to) => {
                path = Some(to.display().to_string());
                "received"
            }
            TransferState::Failed(why) => {
                reason = Some(transfers::failure(why));
                "failed"
            }
            TransferState::Cancelled => "cancelled",
        };
        let direction = if *is_upload { "send" } else { "get" };
        let (percent, size) = (transfers::percent(transfer), *size);
        Self { room, transfer: id.0, direction, name, size, state, done, percent, rate, left, seq, path, reason }
    }
}

impl<'a> Object<'a> {
    /// Returns the object of an event about `room`, if it has another one than [`Object::Notice`].
    #[must_use]
    pub fn of_event(event: &'a Event, room: Option<&'a str>) -> Option<Self> {
        Some(match event {
            Event::Joined(Joined { name, members, start, head, term, is_resumed, .. }) => Self::Joined {
                room: room?,
                name,
                members: *members,
                start: start.unwrap_or(0),
                head: *head,
                term: format_term(*term),
                resumed: *is_resumed,
            },
            Event::Members { names, .. } => Self::Who { room, names },
            Event::Stored { number, seq, .. } => Self::Stored { room, number: *number, seq: *seq },
            Event::HistoryReset { .. } => Self::Reset { room },
            Event::Gap { after, first, .. } => Self::Gap { room, after: *after, first: *first },
            Event::ConnectionLost { reason, refusal, .. } => Self::Lost { reason: loss_reason(*reason, refusal) },
            Event::Reconnected(Reconnected { seconds, is_resumed, is_restarted, .. }) => {
                Self::Back { seconds: *seconds, resumed: *is_resumed, restarted: *is_restarted }
            }
            Event::Transfer(transfer) => Self::Transfer(TransferObject::new(room?, transfer)),
            // As notices of the front end, or in words.
            Event::ServerAdded { .. }
            | Event::RoomAdded { .. }
            | Event::RoomNotAdded { .. }
            | Event::KnownServerMoved { .. }
            | Event::KeyAccepted { .. }
            | Event::KeyQuestion { .. }
            | Event::PasswordQuestion { .. }
            | Event::NotReached { .. }
            | Event::LostWhileConnecting { .. }
            | Event::OwnName { .. }
            | Event::Topic { .. }
            | Event::Entry(_)
            | Event::Posted { .. }
            | Event::NotPosted { .. }
            | Event::PostRefused { .. }
            | Event::Parted { .. }
            | Event::RoomEnded { .. }
            | Event::ServerText { .. }
            | Event::Output { .. }
            | Event::NotOperated { .. }
            | Event::HistoryPage(_)
            | Event::RoomList { .. }
            | Event::Renamed { .. }
            | Event::NotRenamed { .. }
            | Event::NotRemoved { .. }
            | Event::Unanswered { .. }
            | Event::NotConnected { .. }
            | Event::Ignored { .. }
            | Event::Unignored { .. }
            | Event::NotIgnored { .. }
            | Event::IgnoreList { .. }
            | Event::JoinsShown { .. }
            | Event::NotifySet { .. }
            | Event::Transfers { .. }
            | Event::TransferNotStarted { .. }
            | Event::Classic { .. }
            | Event::Stats(_)
            | Event::NotKept { .. }
            | Event::PositionNotRead { .. }
            | Event::HistoryAt { .. }
            | Event::HistorySetAside(_)
            | Event::HistoryNotKept(_)
            | Event::HistoryKeptAgain
            | Event::OutboxResumed { .. }
            | Event::ServerEnded { .. }
            | Event::Ended => return None,
        })
    }

    /// Returns the object of a notice about `room`, if it has another one than [`Object::Notice`].
    #[must_use]
    pub fn of_notice(notice: &Notice<'a>, room: Option<&'a str>) -> Option<Self> {
        Some(match *notice {
            Notice::PostRefused { number, code, .. } => {
                Self::Refused { room, number: Some(number), reason: post_refusal(code) }
            }
            Notice::LineRejected { line, why } => {
                Self::Refused { room, number: None, reason: line_rejected(line, why) }
            }
            Notice::RoomShown { topic, .. } => Self::Room { room: room?, topic },
            Notice::Topic(topic) => Self::Topic { room, topic },
            Notice::RoomEnded { end, unsent, kept, .. } => {
                Self::Ended { room: room.unwrap_or_default(), reason: room_ended(end), unsent, kept }
            }
            // In words.
            Notice::Hosting(_)
            | Notice::NewEntries
            | Notice::Unread { .. }
            | Notice::RoomList(_)
            | Notice::RoomCommand(_)
            | Notice::NotStoredYet(_)
            | Notice::WaitingForStorage { .. }
            | Notice::InvalidBytes
            | Notice::History { .. }
            | Notice::Help(_)
            | Notice::Usage(_)
            | Notice::SpaceBeforeCommand
            | Notice::UnknownCommand(_)
            | Notice::NothingToRemove
            | Notice::PositionSavedAgain
            | Notice::Loss(_)
            | Notice::Transcript(_) => return None,
        })
    }

    /// Returns the line, without its end.
    #[must_use]
    pub fn line(&self) -> String {
        json::line(self)
    }
}

fn format_term(term: Term) -> String {
    HEXLOWER.encode(&term.0)
}

#[cfg(test)]
mod tests;
