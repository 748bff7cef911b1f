//! Requests of a member, the answers to them, and other information from the server (SPEC 6.2,
//! 6.3), each with its type, its fields and their encoding.
//!
//! A client sends these requests for its application and passes the information on as it is. A new
//! request or notice is added here; nothing else in the core names it.

use super::{Entry, EntryHeader, body, name};
use crate::chat::{AnswerCode, MAX_HISTORY};
use crate::wire::io::{BufferFull, DecodeError, Reader, Writer};

message_types! {
    RequestType {
        ListMembers = 0x03,
        History = 0x04,
        Rename = 0x06,
        Remove = 0x07,
        Operate = 0x08,
    }
}

message_types! {
    InfoType {
        HistoryEntry = 0x48,
        MemberListed = 0x49,
        Notice = 0x4a,
        Answer = 0x4b,
        OutputLine = 0x4c,
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
            | Self::OutputLine { handle, .. } => Some(handle),
            Self::Notice { .. } => None,
        }
    }

    pub(super) fn decode(info_type: InfoType, reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(match info_type {
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
        })
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
        }
    }
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
        }
    }
}
