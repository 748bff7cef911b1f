//! The messages between the program and a page: JSON objects, each with a `type`, over a WebSocket.
//! Text from rooms is sent as it was received; the page displays it as text, never as markup.
//!
//! A page that connects gets [`ToPage::Snapshot`], then every change. It keeps the lines that it
//! displays, and requests others with [`FromPage::Page`], and the members with
//! [`FromPage::Members`].

use kabar_core::chat::EntryKind;
use kabar_std::text::{Content, removed_seq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::command::{CommandName, Notify, OPERATOR_COMMANDS};
use crate::engine::{RoomId, ServerId};

/// Most entries of a page of the history.
pub const MAX_PAGE: usize = 100;

/// A server, as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServerKey(u32);

impl From<ServerId> for ServerKey {
    fn from(server: ServerId) -> Self {
        Self(server.0)
    }
}

impl From<ServerKey> for ServerId {
    fn from(server: ServerKey) -> Self {
        Self(server.0)
    }
}

/// A room, as `SERVER.ROOM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomKey(pub RoomId);

impl Serialize for RoomKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}.{}", self.0.server.0, self.0.index))
    }
}

impl<'de> Deserialize<'de> for RoomKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parsed = text.split_once('.').and_then(|(server, room)| Some((server.parse().ok()?, room.parse().ok()?)));
        let (server, index) = parsed.ok_or_else(|| serde::de::Error::custom("no room"))?;
        Ok(Self(RoomId { server: ServerId(server), index }))
    }
}

/// The place of an entry in the history of a room. Places of a room are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The number of the room's log, which grows when the log begins again.
    pub log: u64,
    /// The number of the entry in it.
    pub seq: u64,
}

/// A message of a page.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum FromPage {
    /// A line was typed: a text or a command.
    Input {
        /// The room that is displayed.
        room: Option<RoomKey>,
        /// The line.
        text: String,
    },
    /// Part of the history is needed. [`ToPage::Page`] answers.
    Page {
        /// The room.
        room: RoomKey,
        /// The part.
        part: Part,
        /// Returned in the answer.
        tag: u32,
    },
    /// The members of a room are displayed. [`ToPage::Members`] answers, and
    /// [`ToPage::Member`] reports changes.
    Members {
        /// The room.
        room: RoomKey,
    },
    /// Texts are searched. [`ToPage::Found`] answers.
    Search {
        /// Only in this room; otherwise in all.
        room: Option<RoomKey>,
        /// The words.
        text: String,
        /// Returned in the answer.
        tag: u32,
    },
    /// Entries up to this one were displayed.
    Read {
        /// The room.
        room: RoomKey,
        /// The last one.
        place: Place,
    },
    /// A text was typed and not sent.
    Draft {
        /// The room.
        room: RoomKey,
        /// The text; empty: there is none.
        text: String,
    },
    /// The answer to [`Question::Key`].
    AnswerKey {
        /// The server.
        server: ServerKey,
        /// Whether the key is accepted.
        accept: bool,
    },
    /// The answer to [`Question::Password`].
    Password {
        /// The server.
        server: ServerKey,
        /// The password; `None`: there is none.
        password: Option<Password>,
    },
    /// The rooms of a server are displayed. [`ToPage::RoomList`] answers.
    ListRooms {
        /// The server.
        server: ServerKey,
    },
}

/// A password. Not displayed by `Debug`, and wiped.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Password(Zeroizing<String>);

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl Password {
    /// Returns the text.
    #[must_use]
    pub fn into_text(self) -> Zeroizing<String> {
        self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(..)")
    }
}

/// A part of the history of a room: at most [`MAX_PAGE`] entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The last entries.
    Newest,
    /// Those before this place.
    Before(Place),
    /// Those after this place.
    After(Place),
    /// Those around this place.
    Around(Place),
}

/// A message to a page.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToPage<'a> {
    /// Everything but entries and members. Replaces what the page has.
    Snapshot {
        /// The servers.
        servers: Vec<ServerState<'a>>,
        /// The rooms.
        rooms: Vec<RoomState<'a>>,
        /// The commands that can be typed.
        commands: Vec<CommandHelp>,
    },
    /// A server is new, or has changed.
    Server(ServerState<'a>),
    /// A room is new, or has changed.
    Room(RoomState<'a>),
    /// A room is gone.
    RoomGone {
        /// The room.
        room: RoomKey,
    },
    /// New entries of a room, in the order of the log.
    Entries {
        /// The room.
        room: RoomKey,
        /// The entry before them. A page whose last one is another has missed some.
        after: Option<Place>,
        /// The entries.
        entries: Vec<Entry>,
    },
    /// The history of a room begins again.
    Reset {
        /// The room.
        room: RoomKey,
    },
    /// Part of the history.
    Page {
        /// The room.
        room: RoomKey,
        /// That of the request.
        tag: u32,
        /// The entries.
        entries: Vec<Entry>,
        /// Whether there are earlier ones.
        has_earlier: bool,
        /// Whether there are later ones.
        has_later: bool,
        /// Whether there may be others, which need a connection.
        is_offline: bool,
    },
    /// The members of a room who are present, sorted.
    Members {
        /// The room.
        room: RoomKey,
        /// Their names.
        names: &'a [String],
    },
    /// A member has come or gone.
    Member {
        /// The room.
        room: RoomKey,
        /// The name.
        name: &'a str,
        /// Whether it is present now.
        is_present: bool,
    },
    /// The posts that are not in the room yet.
    Unsent {
        /// The room.
        room: RoomKey,
        /// Their texts.
        texts: Vec<&'a str>,
    },
    /// Something is reported.
    Notice {
        /// The server that it is about.
        server: Option<ServerKey>,
        /// The room that it is about.
        room: Option<RoomKey>,
        /// Whether something failed.
        is_error: bool,
        /// The sentence.
        sentence: &'a Sentence,
    },
    /// This room is to be displayed.
    Show {
        /// The room.
        room: RoomKey,
    },
    /// The commands are to be displayed.
    Help,
    /// The rooms of a server.
    RoomList {
        /// The server.
        server: ServerKey,
        /// The rooms, sorted.
        rooms: Vec<ListedRoom<'a>>,
    },
    /// Texts that were found, newest first.
    Found {
        /// That of the request.
        tag: u32,
        /// The entries, each in its room.
        hits: Vec<Hit>,
        /// Whether there are more.
        has_more: bool,
    },
    /// The program ends.
    End,
}

/// A server.
#[derive(Clone, Debug, Serialize)]
pub struct ServerState<'a> {
    /// The server.
    pub server: ServerKey,
    /// Its addresses.
    pub label: &'a str,
    /// The connection.
    pub connection: Connection,
    /// The user's name there; empty: not known yet.
    pub name: &'a str,
    /// The smoothed round-trip time.
    pub rtt_ms: Option<u64>,
    /// Why it is not connected.
    pub problem: Option<&'a Sentence>,
    /// What the user is asked.
    pub question: Option<&'a Question>,
}

/// The connection to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Connection {
    /// It is being opened.
    Connecting,
    /// It is established.
    Online,
    /// It was lost, and is being opened again.
    Lost,
    /// It has ended.
    Ended,
}

/// A question about a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "question", rename_all = "snake_case")]
pub enum Question {
    /// Whether its key is accepted.
    Key {
        /// The fingerprint.
        fingerprint: String,
    },
    /// The password of a room.
    Password {
        /// The room.
        room: String,
        /// Whether the last one was wrong.
        was_wrong: bool,
    },
}

/// A room.
#[derive(Clone, Debug, Serialize)]
pub struct RoomState<'a> {
    /// The room.
    pub room: RoomKey,
    /// Its name.
    pub name: &'a str,
    /// Its topic; may be empty.
    pub topic: &'a str,
    /// The membership.
    pub membership: Membership,
    /// Lines that are not read.
    pub unread: u64,
    /// Those of them that mention the user.
    pub mentions: u64,
    /// The last entry that was read; 0: none.
    pub read: Place,
    /// A text that was typed and not sent.
    pub draft: &'a str,
    /// Which entries are announced.
    pub notify: Announced,
    /// Why it has ended.
    pub problem: Option<&'a Sentence>,
}

/// Which entries of a room are announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Announced {
    /// All.
    All,
    /// Those that mention the user.
    Mentions,
    /// None.
    Off,
}

impl From<Notify> for Announced {
    fn from(notify: Notify) -> Self {
        match notify {
            Notify::All => Self::All,
            Notify::Mentions => Self::Mentions,
            Notify::Nothing => Self::Off,
        }
    }
}

/// The membership in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Membership {
    /// It is being joined.
    Joining,
    /// It was joined.
    Joined,
    /// It has ended.
    Ended,
}

/// An entry. The names of its fields and kinds are those of `--json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its place.
    #[serde(flatten)]
    pub place: Place,
    /// When it was stored, in ms since 1970.
    pub time_ms: u64,
    /// The author.
    pub author: String,
    /// The kind.
    pub kind: String,
    /// Whether it is the user's own.
    pub own: bool,
    /// Whether it mentions the user.
    pub mention: bool,
    /// Whether the user does not want to see it.
    pub hidden: bool,
    /// Whether it was in the log when the room was joined.
    pub replayed: bool,
    /// The text, topic or reason; or the new name of a member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Bytes of a body that is not displayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
    /// The entry whose text is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<u64>,
}

/// The content of an [`Entry`]: text, size, and the entry that it removes.
#[must_use]
pub fn content_of(kind: EntryKind, content: Content<'_>) -> (Option<String>, Option<usize>, Option<u64>) {
    let is_shown = kind.is_text() || [EntryKind::TOPIC, EntryKind::KICKED, EntryKind::RENAMED].contains(&kind);
    match content {
        Content::Body(body) if is_shown => (Some(String::from_utf8_lossy(body).into_owned()), None, None),
        Content::Body(body) if kind == EntryKind::REMOVAL => (None, None, removed_seq(body)),
        Content::Body([]) => (None, None, None),
        Content::Body(body) => (None, Some(body.len()), None),
        Content::Omitted(size) => (None, Some(size.into()), None),
    }
}

/// A text that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Hit {
    /// The room, if the user is in it.
    pub room: Option<RoomKey>,
    /// The name of the room.
    pub name: String,
    /// The entry.
    pub entry: Entry,
}

/// A room of a server, in the list of them.
#[derive(Clone, Debug, Serialize)]
pub struct ListedRoom<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its topic; may be empty.
    pub topic: &'a str,
    /// Members present.
    pub members: u16,
    /// Whether only an invite of this room admits.
    pub is_private: bool,
    /// Whether the user is in it.
    pub is_joined: bool,
}

/// A command that can be typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CommandHelp {
    /// The word.
    pub word: &'static str,
    /// The placeholder of its argument; may be empty.
    pub argument: &'static str,
    /// Whether it is for operators.
    pub is_for_operators: bool,
}

/// Returns the commands that can be typed, in the order of `/help`.
#[must_use]
pub fn commands() -> Vec<CommandHelp> {
    let own = CommandName::ALL.into_iter().filter(|name| *name != CommandName::History).map(|name| CommandHelp {
        word: name.word(),
        argument: name.argument().unwrap_or_default(),
        is_for_operators: false,
    });
    let operators = OPERATOR_COMMANDS.iter().map(|command| CommandHelp {
        word: command.word,
        argument: command.argument,
        is_for_operators: true,
    });
    own.chain(operators).collect()
}

/// Returns the short names of emoji, as a JSON object.
#[must_use]
pub fn emoji_names() -> String {
    let names = emojis::iter().flat_map(|emoji| emoji.shortcodes().map(|name| (name, emoji.as_str())));
    serde_json::to_string(&names.collect::<std::collections::BTreeMap<_, _>>()).unwrap_or_default()
}

/// A sentence of the page's texts, `sentence_KEY`, and what its placeholders stand for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "key", rename_all = "snake_case")]
#[allow(missing_docs, reason = "the texts explain the placeholders")]
pub enum Sentence {
    /// A sentence of [`crate::messages`].
    Text {
        text: String,
    },
    SpaceBeforeCommand,
    UnknownCommand {
        word: String,
    },
    Usage {
        usage: String,
    },
    NotInRoom {
        room: String,
    },
    NoRoomShown,
    InvalidInvite {
        reason: String,
    },
    StillLeaving {
        room: String,
    },
    TooManyRooms {
        max: usize,
    },
    NotConnected,
    KeyAccepted {
        fingerprint: String,
    },
    NameChosen {
        name: String,
    },
    HistoryReset,
    OutboxResumed {
        count: u64,
    },
    Gap {
        count: u64,
    },
    TooLong {
        size: usize,
        max: usize,
    },
    NotSentNoRoom {
        text: String,
    },
    NotSentTooMany {
        text: String,
    },
    PostRefused {
        reason: Box<Sentence>,
        text: String,
    },
    ReasonTooLong,
    ReasonMuted,
    ReasonKind,
    ReasonOther {
        code: u8,
    },
    Parted {
        room: String,
    },
    RoomKicked {
        text: String,
    },
    RoomBanned {
        text: String,
    },
    RoomClosed {
        text: String,
    },
    RoomEnded {
        reason: String,
    },
    Unsent {
        count: u64,
    },
    ConnectionLost {
        reason: Box<Sentence>,
    },
    ReasonSilent,
    ReasonUnknown,
    ReasonShutdown,
    ReasonTryLater {
        text: String,
    },
    ReasonClosed,
    Reconnected {
        seconds: u64,
    },
    ServerText {
        text: String,
    },
    Output {
        text: String,
    },
    Members {
        count: u64,
        names: String,
    },
    Renamed {
        name: String,
    },
    Ignored {
        name: String,
    },
    Unignored {
        name: String,
    },
    IgnoreList {
        names: String,
    },
    IgnoreListEmpty,
    JoinsShown,
    JoinsHidden,
    NotifyAll,
    NotifyMentions,
    NotifyOff,
    Topic {
        topic: String,
    },
    NoTopic,
    NothingToRemove,
    ScrollUp,
    NoSearch,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_are_texts_that_can_be_parsed() {
        let room = RoomKey(RoomId { server: ServerId(3), index: 17 });
        assert_eq!(serde_json::to_string(&room).unwrap(), "\"3.17\"");
        assert_eq!(serde_json::from_str::<RoomKey>("\"3.17\"").unwrap(), room);
        for wrong in ["\"3\"", "\"3.\"", "\"a.1\"", "\"-1.1\"", "\"1.2.3\"", "3.17", "\"1.99999999999\""] {
            assert!(serde_json::from_str::<RoomKey>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn messages_with_unknown_parts_are_refused() {
        let parse = serde_json::from_str::<FromPage>;
        let part = Part::Before(Place { log: 1, seq: 7 });
        let room = RoomKey(RoomId { server: ServerId(0), index: 1 });
        let text = r#"{"type":"page","room":"0.1","tag":5,"part":{"before":{"log":1,"seq":7}}}"#;
        assert_eq!(parse(text).unwrap(), FromPage::Page { room, part, tag: 5 });
        for wrong in [
            r#"{"type":"stop"}"#,
            r#"{"type":"list_rooms","server":0,"more":1}"#,
            r#"{"type":"list_rooms","server":-1}"#,
            r#"{"type":"page","room":"0.1","tag":5,"part":"oldest"}"#,
            r#"{"type":"input","text":7}"#,
            "[]",
            "",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn passwords_are_not_displayed() {
        let message = r#"{"type":"password","server":0,"password":"swordfish"}"#;
        let message: FromPage = serde_json::from_str(message).unwrap();
        assert!(!format!("{message:?}").contains("swordfish"));
    }

    #[test]
    fn bodies_are_text_or_sizes() {
        let content = |kind, body: &[u8]| content_of(kind, Content::Body(body));
        assert_eq!(content(EntryKind::TEXT, b"<b>\xff"), (Some("<b>\u{fffd}".to_owned()), None, None));
        assert_eq!(content(EntryKind::REMOVAL, &9_u64.to_be_bytes()), (None, None, Some(9)));
        assert_eq!(content(EntryKind::DATA, b"abc"), (None, Some(3), None));
        assert_eq!(content(EntryKind::JOINED, b""), (None, None, None));
        assert_eq!(content_of(EntryKind::TEXT, Content::Omitted(9_000)), (None, Some(9_000), None));
    }
}
