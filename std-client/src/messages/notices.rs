//! Sentences that are displayed during a session.

use std::fmt;

use kabar_core::chat::{MAX_TEXT_LEN, PostRefusedCode};
use kabar_core::client::{ClientCounters, DisconnectReason};
use kabar_core::session::Fingerprint;
use kabar_core::time::Duration;
use kabar_std::address::Places;
use kabar_std::invite::{RoomName, show_fingerprint};
use kabar_std::text::clean_line;

use super::errors::with_server_text;
use super::{help, stats};
use crate::command::CommandName;
use crate::driver::Traffic;
use crate::input::InputError;
use crate::session::{Loss, OutputStream};

/// Reported when the key belongs to a known server with another address.
pub const KNOWN_SERVER_MOVED: &str = "a known server at a new address; ";
/// The question about an unknown key.
pub const ACCEPT_KEY: &str = "Is this the fingerprint in the host's invite?";
/// The key is the one in the invite.
pub const KEY_OF_INVITE: &str = "server key matches the invite. ";
/// The key is the one that is known, or was typed.
pub const KEY_AS_EXPECTED: &str = "server key is the one you know. ";
/// A typed password has other bytes than UTF-8.
pub const PASSWORD_NOT_UTF8: &str = "not UTF-8 text: set this terminal to UTF-8. ";
/// A line has other bytes than UTF-8.
pub const NOT_UTF8: &str = "not sent: not UTF-8 text";
/// Something typed at the prompt has other bytes than UTF-8.
pub const INVALID_BYTES: &str = "(input that is not UTF-8 was dropped, with everything typed or pasted together with it: set this terminal to UTF-8)";
/// The separator before the first new entry.
pub const NEW_ENTRIES: &str = "--- new since your last visit ---";
/// A command needs a connection.
pub const NOT_CONNECTED: &str = "(not connected)";
/// The history of the room was replaced by an older one.
pub const HISTORY_RESET: &str =
    "(the history of this room was reset to an older state: the following entries are displayed again)";
/// Saving the position in the room works again.
pub const POSITION_SAVED_AGAIN: &str = "(your position in this room is saved again)";

/// A connection is being opened. Other notices continue the line.
#[must_use]
pub fn connecting(server: &Places) -> String {
    format!("Connecting to {server} ... ")
}

/// The server's key is not known, before the question about it.
#[must_use]
pub fn unknown_key(found: &Fingerprint) -> String {
    format!("The server's key is not known yet. Its fingerprint is\n  {}", show_fingerprint(found))
}

/// A key was accepted without a question.
#[must_use]
pub fn new_key(found: &Fingerprint) -> String {
    format!("server key {} is new and accepted. ", show_fingerprint(found))
}

/// The question for a password.
#[must_use]
pub fn ask_password(room: &RoomName, was_wrong: bool) -> String {
    format!("{}Password of {room}: ", if was_wrong { "Wrong password. " } else { "" })
}

/// A room that was joined.
#[derive(Clone, Copy, Debug)]
pub struct Joined<'a> {
    /// The room.
    pub room: &'a str,
    /// The name in the room.
    pub name: &'a str,
    /// Members present.
    pub members: u16,
    /// Entries that follow.
    pub lines: u64,
    /// Those of them that are new since the last session; `None`: there was none.
    pub new: Option<u64>,
}

/// The room was joined.
#[must_use]
pub fn joined(joined: &Joined<'_>) -> String {
    let Joined { room, name, members, lines, new } = *joined;
    let history = match (new, lines) {
        (None, 0) => String::new(),
        (None, 1) => "; last line".to_owned(),
        (None, _) => format!("; last {lines} lines"),
        (Some(0), _) => "; nothing new since your last visit".to_owned(),
        (Some(new), _) => format!("; {} since your last visit", count(new, "new line", "new lines")),
    };
    let end = if lines == 0 { "." } else { ":" };
    format!("Joined {room} as {name}; {members} here{history}{end}")
}

/// The room that this process hosts was joined.
#[must_use]
pub fn hosting(name: &str) -> String {
    format!("You are {name}. /help for help, /quit to leave (this ends the room for the others).")
}

/// The room was joined under another name.
#[must_use]
pub fn renamed(name: &str) -> String {
    format!("You are {name} now.")
}

/// The client leaves the room to rejoin under another name.
#[must_use]
pub fn renaming(name: &str) -> String {
    format!("(rejoining as {name}; the room will see this as a different member)")
}

/// The name is not changed.
#[must_use]
pub fn not_renamed(name: &str, error: &impl fmt::Display) -> String {
    format!("you stay {name}: {error}")
}

/// The members of the room.
#[must_use]
pub fn members(names: &[String]) -> String {
    format!("{} here: {}", names.len(), names.join(", "))
}

/// The last entries of the room, as `/history` requests them.
#[must_use]
pub fn history(lines: u64, text: &str) -> String {
    format!("the last {} of the room:\n{}", count(lines, "line", "lines"), text.trim_end())
}

/// Entries are no longer kept.
#[must_use]
pub fn gap(missing: u64) -> String {
    format!("({} missing here: the server no longer keeps them)", count(missing, "line is", "lines are"))
}

/// Notice of the server.
#[must_use]
pub fn server_notice(text: &str) -> String {
    format!("(server: {})", clean_line(text))
}

/// The position in the room cannot be read.
#[must_use]
pub fn position_not_read(error: &impl fmt::Display) -> String {
    format!("(could not read your last position in this room: {error})")
}

/// The position in the room cannot be saved.
#[must_use]
pub fn position_not_saved(error: &str) -> String {
    format!("({})", loss(&Loss::PositionNotSaved(error.to_owned())))
}

/// A connection was lost before the room was joined.
#[must_use]
pub fn lost_while_connecting(reason: &str) -> String {
    format!("({reason}; trying again) ")
}

/// The connection was lost, perhaps because this computer was asleep.
#[must_use]
pub fn connection_lost(reason: &str, slept: Option<impl fmt::Display>) -> String {
    let slept = slept.map(|slept| format!(" (this computer was asleep for {slept})")).unwrap_or_default();
    format!("Connection lost: {reason}{slept}; trying again. What you type is kept.")
}

/// Why a connection was lost; `refusal` is the server's text in its latest refusal.
#[must_use]
pub fn loss_reason(why: DisconnectReason, refusal: &str) -> String {
    let line = match why {
        DisconnectReason::Silent => "no response from the server",
        // The server was restarted, or this computer was silent for too long: the next Joined tells
        // which.
        DisconnectReason::Unknown => "the server no longer knows this connection",
        DisconnectReason::Shutdown => "the server is shutting down",
        DisconnectReason::TryLater => {
            return with_server_text("the server does not admit members at the moment".to_owned(), refusal);
        }
        DisconnectReason::Closed(_) => "the connection was closed",
    };
    line.to_owned()
}

/// The connection is established again.
#[derive(Clone, Copy, Debug)]
pub struct Reconnection {
    /// How long it was lost.
    pub seconds: u64,
    /// Whether no entry was missed.
    pub is_resumed: bool,
    /// Whether the server was restarted.
    pub is_restarted: bool,
    /// Members present, if they were reported.
    pub members: Option<u16>,
}

/// The connection is established again.
#[must_use]
pub fn reconnected(event: Reconnection) -> String {
    let Reconnection { seconds, is_resumed, is_restarted, members } = event;
    let restarted = if is_restarted { "; the server was restarted" } else { "" };
    let missed = if is_resumed { "; nothing was missed" } else { "" };
    let here = members.map(|members| format!("; {members} here")).unwrap_or_default();
    format!("Connected again after {seconds} s{restarted}{missed}{here}.")
}

/// A line is not stored yet; its beginning.
#[must_use]
pub fn not_stored_yet(excerpt: &str) -> String {
    format!("(not stored yet: {})", clean_line(excerpt))
}

/// Lines are not stored yet when the session is to end.
#[must_use]
pub fn waiting_for_storage(lines: u64, seconds: u64) -> String {
    let lines = count(lines, "line is", "lines are");
    format!("{lines} not stored yet: waiting up to {seconds} s (Ctrl-C leaves at once)")
}

/// A text is too long.
#[must_use]
pub fn too_long(len: usize) -> String {
    format!("not sent: {len} bytes; a text has at most {MAX_TEXT_LEN}")
}

/// A line of standard input is rejected.
#[must_use]
pub fn line_rejected(number: u64, why: &str) -> String {
    format!("line {number} {why}")
}

/// Why a post is refused for good.
#[must_use]
pub fn post_refusal(code: PostRefusedCode) -> String {
    match code {
        PostRefusedCode::TOO_LONG => "it is too long for this server".to_owned(),
        PostRefusedCode::MUTED => "you are muted in this room".to_owned(),
        PostRefusedCode::KIND => "this kind of message can only be sent by the server".to_owned(),
        PostRefusedCode(code) => format!("the server refused it (reason {code})"),
    }
}

/// A post is refused for good.
#[must_use]
pub fn post_refused(reason: &str, excerpt: Option<&str>) -> String {
    let excerpt = excerpt.map(|excerpt| format!(": {}", clean_line(excerpt))).unwrap_or_default();
    format!("not sent, {reason}{excerpt}")
}

/// The reply to `/help`.
#[must_use]
pub fn help() -> String {
    help::help()
}

/// The argument of a command is missing or invalid.
#[must_use]
pub fn usage(name: CommandName) -> String {
    help::usage(name)
}

/// A command does not exist.
#[must_use]
pub fn unknown_command(word: &str) -> String {
    format!("unknown command {} (see /help); start with // to send text that begins with /", clean_line(word))
}

/// The reply to `/stats`.
#[must_use]
pub fn stats(rtt: Option<Duration>, counters: &ClientCounters, traffic: Traffic) -> String {
    stats::table(rtt, counters, traffic)
}

/// Lines are not in the room at the end.
#[must_use]
pub fn unsent(lines: u64) -> String {
    format!("{} not sent", count(lines, "line was", "lines were"))
}

/// Something was lost.
#[must_use]
pub fn loss(loss: &Loss) -> String {
    match loss {
        Loss::Input(InputError::Stdin(error)) => format!("cannot read standard input: {error}"),
        Loss::Input(InputError::Terminal(error)) => format!("cannot read from the terminal: {error}"),
        Loss::ServerNotStored(error) => format!("could not add this room to the known servers: {error}"),
        Loss::Output { stream, error } => format!("cannot write to {}: {error}", name_of(*stream)),
        Loss::OutputNotRead(stream) => format!("nobody reads {}: the rest was not written", name_of(*stream)),
        Loss::PositionNotSaved(error) => format!("could not save your position in this room: {error}"),
        Loss::Transcript(words) => words.clone(),
    }
}

fn name_of(stream: OutputStream) -> &'static str {
    match stream {
        OutputStream::Stdout => "standard output",
        OutputStream::Stderr => "standard error",
    }
}

fn count(count: u64, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_a_restart_only_if_the_server_was_restarted() {
        let all = [
            DisconnectReason::Silent,
            DisconnectReason::Unknown,
            DisconnectReason::Shutdown,
            DisconnectReason::TryLater,
        ];
        assert!(!all.iter().any(|why| loss_reason(*why, "").contains("start")));
        let same = Reconnection { seconds: 3, is_resumed: true, is_restarted: false, members: Some(2) };
        assert_eq!(reconnected(same), "Connected again after 3 s; nothing was missed; 2 here.");
        let other = Reconnection { is_restarted: true, ..same };
        assert_eq!(
            reconnected(other),
            "Connected again after 3 s; the server was restarted; nothing was missed; 2 here."
        );
        let recovered = Reconnection { members: None, ..same };
        assert_eq!(reconnected(recovered), "Connected again after 3 s; nothing was missed.");
    }

    #[test]
    fn joining_reports_the_lines_that_follow() {
        let first = Joined { room: "lobby", name: "anna", members: 2, lines: 0, new: None };
        assert_eq!(joined(&first), "Joined lobby as anna; 2 here.");
        assert_eq!(joined(&Joined { lines: 1, ..first }), "Joined lobby as anna; 2 here; last line:");
        assert_eq!(joined(&Joined { lines: 3, ..first }), "Joined lobby as anna; 2 here; last 3 lines:");
        let later = Joined { lines: 11, new: Some(1), ..first };
        assert_eq!(joined(&later), "Joined lobby as anna; 2 here; 1 new line since your last visit:");
    }

    #[test]
    fn every_post_refusal_has_a_sentence() {
        let codes = [PostRefusedCode::TOO_LONG, PostRefusedCode::MUTED, PostRefusedCode::KIND, PostRefusedCode(77)];
        let all: Vec<_> = codes.map(post_refusal).into();
        assert!(all[3].contains("77") && !all[..3].iter().any(|words| words.contains("reason")), "{all:?}");
    }
}
