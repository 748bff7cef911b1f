//! Requests of a member, the answers to them, and other information from the server (SPEC 6.2,
//! 6.3), each with its type, its fields and their encoding.
//!
//! A client sends these requests for its application and passes the information on as it is. A new
//! request or notice is added here; nothing else in the core names it.

use super::{Entry, EntryHeader, body, flag, name};
use crate::chat::{AnswerCode, EndedCode, MAX_HISTORY, MAX_TOPIC_LEN};
use crate::wire::io::{BufferFull, DecodeError, Reader, Writer};

message_types! {
    RequestType {
        ListMembers = 0x03,
        History = 0x04,
        Rename = 0x06,
        Remove = 0x07,
        Operate = 0x08,
        ListRooms = 0x09,
    }
}

message_types! {
    InfoType {
        HistoryEntry = 0x48,
        MemberListed = 0x49,
        Notice = 0x4a,
        Answer = 0x4b,
        OutputLine = 0x4c,
        RoomListed = 0x4d,
        Ended = 0x4e,
        Topic = 0x4f,
    }
}

/// A request of a member. The room's handle goes before its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// The members: [`Info::MemberListed`] follows for each.
    ListMembers,
    /// Older entries: [`Info::HistoryEntry`] follows for each.
    History {
        /// Entries with a smaller seq; 0 = the newest.
        before: u64,
        /// 1 to [`MAX_HISTORY`]; other values are encoded as the nearest of these.
        count: u8,
    },
    /// Gives this member another name: [`Info::Answer`] follows.
    Rename {
        /// The requested name.
        name: &'a str,
    },
    /// Removes the body of an entry from the log: [`Info::Answer`] follows.
    Remove {
        /// Its position.
        seq: u64,
    },
    /// A command of an operator: [`Info::OutputLine`] for each line of its output, then
    /// [`Info::Answer`] follow.
    Operate {
        /// The command as it is typed at the server's console, without a slash.
        command: &'a str,
    },
    /// The rooms of the server that this member may join: [`Info::RoomListed`] follows for each, in
    /// the order of their names.
    ListRooms {
        /// Rooms whose name comes after this one in the order of its bytes; empty: all.
        after: &'a str,
        /// The number of rooms at most; 0: no more than the server permits.
        count: u16,
    },
}

/// A room in a list of rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomInfo<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether only an invite of this room admits new members.
    pub is_private: bool,
    /// Members present; 65,535 also if there are more.
    pub members: u16,
    /// Largest seq of its log.
    pub head: u64,
    /// Its topic, up to [`MAX_TOPIC_LEN`] bytes; may be empty.
    pub topic: &'a str,
}

/// Information from the server: an answer to a [`Request`], or a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Info<'a> {
    /// One answer to [`Request::History`].
    HistoryEntry {
        /// The room.
        handle: u8,
        /// Answers that follow this one.
        remaining: u16,
        /// The entry; `None`: there are none.
        entry: Option<Entry<'a>>,
    },
    /// One answer to [`Request::ListMembers`].
    MemberListed {
        /// The room.
        handle: u8,
        /// Answers that follow this one.
        remaining: u16,
        /// The name; `None`: there are none.
        name: Option<&'a str>,
    },
    /// A text for the user.
    Notice {
        /// For programs; 0 = none.
        code: u8,
        /// Text for the user.
        text: &'a str,
    },
    /// The answer to a [`Request`] that changes something.
    Answer {
        /// The room.
        handle: u8,
        /// Type of the request: [`Request::code`].
        request: u8,
        /// The result.
        code: AnswerCode,
        /// After a rename, the new name as the server writes it; after a refusal, a text for the
        /// user.
        text: &'a str,
    },
    /// A line of the output of [`Request::Operate`].
    OutputLine {
        /// The room.
        handle: u8,
        /// The line.
        text: &'a str,
    },
    /// One answer to [`Request::ListRooms`].
    RoomListed {
        /// The room that the request named.
        handle: u8,
        /// Answers that follow this one, at most.
        remaining: u16,
        /// The room listed; `None`: there are none.
        room: Option<RoomInfo<'a>>,
    },
    /// The server has ended the membership in a room. The handle means nothing from now on.
    Ended {
        /// The room.
        handle: u8,
        /// Why.
        code: EndedCode,
        /// Text for the user, which may be empty.
        text: &'a str,
    },
    /// The topic of a room that was just joined. A later topic is an entry of the log.
    Topic {
        /// The room.
        handle: u8,
        /// The topic, up to [`MAX_TOPIC_LEN`] bytes; may be empty.
        topic: &'a str,
    },
}

impl<'a> Request<'a> {
    /// The code of its type, which its [`Info::Answer`] states.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::ListMembers => RequestType::ListMembers,
            Self::History { .. } => RequestType::History,
            Self::Rename { .. } => RequestType::Rename,
            Self::Remove { .. } => RequestType::Remove,
            Self::Operate { .. } => RequestType::Operate,
            Self::ListRooms { .. } => RequestType::ListRooms,
        }
        .code()
    }

    pub(super) fn decode(request_type: RequestType, reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(match request_type {
            RequestType::ListMembers => Self::ListMembers,
            RequestType::History => Self::History {
                before: reader.u64()?,
                count: match reader.u8()? {
                    count @ 1..=MAX_HISTORY => count,
                    _ => return Err(DecodeError::Value),
                },
            },
            RequestType::Rename => Self::Rename { name: reader.str_u8()? },
            RequestType::Remove => Self::Remove { seq: reader.u64()? },
            RequestType::Operate => Self::Operate { command: text(reader)? },
            RequestType::ListRooms => Self::ListRooms { after: reader.str_u8()?, count: reader.u16()? },
        })
    }

    pub(super) fn encode(self, handle: u8, out: &mut Writer<'_>) -> Result<(), BufferFull> {
        out.bytes(&[self.code(), handle])?;
        match self {
            Self::ListMembers => Ok(()),
            Self::History { before, count } => {
                out.u64(before)?;
                out.u8(count.clamp(1, MAX_HISTORY))
            }
            Self::Rename { name } => out.bytes_u8(name.as_bytes()),
            Self::Remove { seq } => out.u64(seq),
            Self::Operate { command } => out.bytes_u16(command.as_bytes()),
            Self::ListRooms { after, count } => {
                out.bytes_u8(after.as_bytes())?;
                out.u16(count)
            }
        }
    }
}

impl<'a> Info<'a> {
    /// The room that it is about; `None`: no particular one.
    #[must_use]
    pub const fn handle(&self) -> Option<u8> {
        match *self {
            Self::HistoryEntry { handle, .. }
            | Self::MemberListed { handle, .. }
            | Self::Answer { handle, .. }
            | Self::OutputLine { handle, .. }
            | Self::RoomListed { handle, .. }
            | Self::Ended { handle, .. }
            | Self::Topic { handle, .. } => Some(handle),
            Self::Notice { .. } => None,
        }
    }

    /// `LISTS`: see [`ServerMessage::decode_with`](super::ServerMessage::decode_with).
    pub(super) fn decode<const LISTS: bool>(
        info_type: InfoType,
        reader: &mut Reader<'a>,
    ) -> Result<Option<Self>, DecodeError> {
        Ok(Some(match info_type {
            InfoType::RoomListed | InfoType::Topic if !LISTS => return Ok(None),
            InfoType::HistoryEntry => Self::HistoryEntry {
                handle: reader.u8()?,
                remaining: reader.u16()?,
                entry: match reader.clone().u64()? {
                    0 => None,
                    _ => Some(Entry { header: EntryHeader::decode(reader)?, body: body(reader)? }),
                },
            },
            InfoType::MemberListed => Self::MemberListed {
                handle: reader.u8()?,
                remaining: reader.u16()?,
                name: Some(name(reader)?).filter(|name| !name.is_empty()),
            },
            InfoType::Notice => Self::Notice { code: reader.u8()?, text: reader.str_u8()? },
            InfoType::Answer => Self::Answer {
                handle: reader.u8()?,
                request: reader.u8()?,
                code: AnswerCode(reader.u8()?),
                text: reader.str_u8()?,
            },
            InfoType::OutputLine => Self::OutputLine { handle: reader.u8()?, text: text(reader)? },
            InfoType::RoomListed => Self::RoomListed {
                handle: reader.u8()?,
                remaining: reader.u16()?,
                room: match RoomInfo::decode(reader)? {
                    RoomInfo::NONE => None,
                    RoomInfo { name: "", .. } => return Err(DecodeError::Value),
                    room => Some(room),
                },
            },
            InfoType::Ended => {
                Self::Ended { handle: reader.u8()?, code: EndedCode(reader.u8()?), text: reader.str_u8()? }
            }
            InfoType::Topic => Self::Topic { handle: reader.u8()?, topic: topic(reader)? },
        }))
    }

    pub(super) fn encode(&self, out: &mut Writer<'_>) -> Result<(), BufferFull> {
        match *self {
            Self::HistoryEntry { handle, remaining, entry } => {
                out.bytes(&[InfoType::HistoryEntry.code(), handle])?;
                out.u16(remaining)?;
                let Some(entry) = entry else { return out.u64(0) };
                entry.header.encode(out)?;
                out.bytes_u16(entry.body)
            }
            Self::MemberListed { handle, remaining, name } => {
                out.bytes(&[InfoType::MemberListed.code(), handle])?;
                out.u16(remaining)?;
                out.bytes_u8(name.unwrap_or_default().as_bytes())
            }
            Self::Notice { code, text } => {
                out.bytes(&[InfoType::Notice.code(), code])?;
                out.bytes_u8(text.as_bytes())
            }
            Self::Answer { handle, request, code, text } => {
                out.bytes(&[InfoType::Answer.code(), handle, request, code.0])?;
                out.bytes_u8(text.as_bytes())
            }
            Self::OutputLine { handle, text } => {
                out.bytes(&[InfoType::OutputLine.code(), handle])?;
                out.bytes_u16(text.as_bytes())
            }
            Self::RoomListed { handle, remaining, room } => {
                out.bytes(&[InfoType::RoomListed.code(), handle])?;
                out.u16(remaining)?;
                room.unwrap_or(RoomInfo::NONE).encode(out)
            }
            Self::Ended { handle, code, text } => {
                out.bytes(&[InfoType::Ended.code(), handle, code.0])?;
                out.bytes_u8(text.as_bytes())
            }
            Self::Topic { handle, topic } => {
                out.bytes(&[InfoType::Topic.code(), handle])?;
                out.bytes_u8(topic.as_bytes())
            }
        }
    }
}

impl<'a> RoomInfo<'a> {
    /// What a list without rooms states.
    const NONE: Self = Self { name: "", is_private: false, members: 0, head: 0, topic: "" };

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            is_private: flag(reader)?,
            name: name(reader)?,
            members: reader.u16()?,
            head: reader.u64()?,
            topic: topic(reader)?,
        })
    }

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), BufferFull> {
        out.u8(self.is_private.into())?;
        out.bytes_u8(self.name.as_bytes())?;
        out.u16(self.members)?;
        out.u64(self.head)?;
        out.bytes_u8(self.topic.as_bytes())
    }
}

/// A topic, at most [`MAX_TOPIC_LEN`] bytes (SPEC 6.4).
fn topic<'a>(reader: &mut Reader<'a>) -> Result<&'a str, DecodeError> {
    reader.str_u8().and_then(|topic| if topic.len() <= MAX_TOPIC_LEN { Ok(topic) } else { Err(DecodeError::Value) })
}

/// UTF-8 after a u16 length.
fn text<'a>(reader: &mut Reader<'a>) -> Result<&'a str, DecodeError> {
    reader.bytes_u16().and_then(|bytes| core::str::from_utf8(bytes).map_err(|_| DecodeError::Value))
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::super::tests::{Encoded, bytes, header, name, round_trip_to_client, round_trip_to_server, text};
    use super::super::{ClientMessage, ServerMessage};
    use super::*;
    use crate::chat::MAX_BODY_LEN;

    /// Requests of a type, each decoded again and compared on the way.
    pub(in super::super) fn of_request(request_type: RequestType) -> BoxedStrategy<Encoded> {
        fn round_trip(handle: u8, request: Request<'_>) -> Encoded {
            round_trip_to_server(&ClientMessage::Request { handle, request })
        }
        match request_type {
            RequestType::ListMembers => any::<u8>().prop_map(|handle| round_trip(handle, Request::ListMembers)).boxed(),
            RequestType::History => (any::<u8>(), any::<u64>(), 1..=MAX_HISTORY)
                .prop_map(|(handle, before, count)| round_trip(handle, Request::History { before, count }))
                .boxed(),
            RequestType::Rename => (any::<u8>(), text(255))
                .prop_map(|(handle, name)| round_trip(handle, Request::Rename { name: &name }))
                .boxed(),
            RequestType::Remove => {
                any::<(u8, u64)>().prop_map(|(handle, seq)| round_trip(handle, Request::Remove { seq })).boxed()
            }
            RequestType::Operate => (any::<u8>(), text(1_000))
                .prop_map(|(handle, command)| round_trip(handle, Request::Operate { command: &command }))
                .boxed(),
            RequestType::ListRooms => (any::<(u8, u16)>(), text(255))
                .prop_map(|((handle, count), after)| round_trip(handle, Request::ListRooms { after: &after, count }))
                .boxed(),
        }
    }

    /// As [`of_request`].
    pub(in super::super) fn of_info(info_type: InfoType) -> BoxedStrategy<Encoded> {
        fn round_trip(info: Info<'_>) -> Encoded {
            round_trip_to_client(&ServerMessage::Info(info))
        }
        match info_type {
            InfoType::HistoryEntry => (any::<(u8, u16, bool)>(), header(), name(), bytes(MAX_BODY_LEN))
                .prop_map(move |((handle, remaining, is_none), header, author, body)| {
                    let entry = Entry { header: EntryHeader { author: &author, ..header }, body: &body };
                    round_trip(Info::HistoryEntry { handle, remaining, entry: Some(entry).filter(|_| !is_none) })
                })
                .boxed(),
            InfoType::MemberListed => (any::<(u8, u16)>(), name())
                .prop_map(move |((handle, remaining), name)| {
                    let name = Some(&*name).filter(|name| !name.is_empty());
                    round_trip(Info::MemberListed { handle, remaining, name })
                })
                .boxed(),
            InfoType::Notice => (any::<u8>(), text(255))
                .prop_map(move |(code, text)| round_trip(Info::Notice { code, text: &text }))
                .boxed(),
            InfoType::Answer => (any::<(u8, u8, u8)>(), text(255))
                .prop_map(move |((handle, request, code), text)| {
                    round_trip(Info::Answer { handle, request, code: AnswerCode(code), text: &text })
                })
                .boxed(),
            InfoType::OutputLine => (any::<u8>(), text(1_000))
                .prop_map(move |(handle, text)| round_trip(Info::OutputLine { handle, text: &text }))
                .boxed(),
            InfoType::RoomListed => (any::<(u8, u16, bool, u16, u64)>(), name(), text(MAX_TOPIC_LEN))
                .prop_map(|((handle, remaining, is_private, members, head), name, topic)| {
                    let room = RoomInfo { name: &name, is_private, members, head, topic: &topic };
                    let room = Some(room).filter(|room| !room.name.is_empty());
                    round_trip(Info::RoomListed { handle, remaining, room })
                })
                .boxed(),
            InfoType::Ended => (any::<(u8, u8)>(), text(255))
                .prop_map(|((handle, code), text)| {
                    round_trip(Info::Ended { handle, code: EndedCode(code), text: &text })
                })
                .boxed(),
            InfoType::Topic => (any::<u8>(), text(MAX_TOPIC_LEN))
                .prop_map(|(handle, topic)| round_trip(Info::Topic { handle, topic: &topic }))
                .boxed(),
        }
    }
}
