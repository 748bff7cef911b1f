//! Sentences of a session: each [`Notice`], and what was lost.

use std::time::Duration as StdDuration;

use kabar_core::chat::{MAX_TEXT_LEN, PostRefusedCode};
use kabar_core::client::DisconnectReason;
use kabar_std::invite::show_fingerprint;
use kabar_std::text::clean_line;

use super::errors::{client_end, with_server_text};
use super::plural::count;
use super::{changes, help, rooms, stats};
use crate::input::InputError;
use crate::session::{
    AcceptedKey, ClientEnd, Joined, Loss, Notice, Occasion, OutputStream, Reconnection, Rejection, RoomLabel,
};

/// Returns the text of a notice, without the end of its line; `None`: nothing is displayed. A
/// notice about a room that is not shown begins with the name of the room.
#[must_use]
pub fn text(notice: &Notice<'_>, room: Option<RoomLabel<'_>>) -> Option<String> {
    let text = text_of(notice, room)?;
    let is_end = matches!(notice, Notice::RoomEnded { .. });
    Some(match room.filter(|room| is_end || !(room.is_shown || notice.names_room())) {
        Some(room) => format!("#{}: {text}", room.name),
        None => text,
    })
}

fn text_of(notice: &Notice<'_>, room: Option<RoomLabel<'_>>) -> Option<String> {
    Some(match notice {
        Notice::Connecting(server) => format!("Connecting to {server} ... "),
        Notice::KnownServerMoved => "a known server at a new address; ".to_owned(),
        Notice::KeyAccepted(key) => accepted_key(*key),
        Notice::UnknownKey(found) => {
            format!("The server's key is not known yet. Its fingerprint is\n  {}", show_fingerprint(found))
        }
        Notice::LostWhileConnecting { reason, refusal } => {
            format!("({}; trying again) ", loss_reason(*reason, refusal))
        }
        Notice::Joined(joined) => return joined_as(joined),
        Notice::RoomShown { room, topic, is_private, is_empty, left_out } => {
            rooms::shown(room, topic, *is_private, *is_empty, *left_out)
        }
        Notice::Unread { lines, mentioned_by } => rooms::unread(room?.name, *lines, *mentioned_by),
        Notice::Topic(topic) => rooms::topic(topic),
        Notice::RoomList(list) => rooms::list(list),
        Notice::Parted => format!("left {}", room?.name),
        Notice::RoomEnded { end, unsent, was_shown } => rooms::ended(end, *unsent, *was_shown),
        Notice::RoomCommand(error) => rooms::command_error(error),
        Notice::RoomsNotKept(error) => format!("(that you left the room is not kept: {error})"),
        Notice::NewEntries => "--- new since your last visit ---".to_owned(),
        Notice::ConnectionLost { reason, refusal, slept } => connection_lost(&loss_reason(*reason, refusal), *slept),
        Notice::Reconnected(event) => reconnected(*event),
        Notice::HistoryReset => {
            "(the history of this room was reset to an older state: the following entries are displayed again)"
                .to_owned()
        }
        Notice::Gap { after, first } => {
            let missing = first.saturating_sub(after + 1);
            format!("({} missing here: the server no longer keeps them)", count(missing, "line is", "lines are"))
        }
        Notice::Server(text) => format!("(server: {})", clean_line(text)),
        // At a prompt, the entry is displayed.
        Notice::Stored { .. } => return None,
        Notice::NotStoredYet(excerpt) => format!("(not stored yet: {})", clean_line(excerpt)),
        Notice::WaitingForStorage { lines, timeout } => {
            let (lines, seconds) = (count(*lines, "line is", "lines are"), timeout.as_millis() / 1_000);
            format!("{lines} not stored yet: waiting up to {seconds} s (Ctrl-C leaves at once)")
        }
        Notice::PostRefused { code, excerpt, .. } => {
            let excerpt = excerpt.map(|excerpt| format!(": {}", clean_line(excerpt))).unwrap_or_default();
            format!("not sent, {}{excerpt}", post_refusal(*code))
        }
        Notice::LineRejected { line, why } => line_rejected(*line, *why),
        Notice::InvalidBytes => "(input that is not UTF-8 was dropped, with everything typed or pasted together \
                                 with it: set this terminal to UTF-8)"
            .to_owned(),
        Notice::Members(names) => format!("{} here: {}", names.len(), names.join(", ")),
        Notice::History { lines, text, page } => changes::history(*lines, text, *page),
        Notice::Stats { rtt, counters, traffic, ignored } => stats::table(*rtt, counters, *traffic, *ignored),
        Notice::Help { is_prompt: true } => help::help(),
        Notice::Help { is_prompt: false } => help::help_in_pipes(),
        Notice::Usage(name) => help::usage(*name),
        Notice::UnknownCommand(word) => {
            format!("unknown command {} (see /help); start with // to send text that begins with /", clean_line(word))
        }
        Notice::NotConnected => "(not connected)".to_owned(),
        Notice::NameChosen(name) => format!("you are {name} here; /nick NAME changes it"),
        Notice::Renamed(name) => format!("You are {name} now."),
        Notice::NotRenamed { name, why } => format!("you stay {name}: {}", changes::rename_error(*why)),
        Notice::NotRemoved { seq, why } => format!("message {seq} stays: {}", changes::refusal(*why)),
        Notice::NothingToRemove => {
            "no message of yours to delete is here: /history shows numbers, /delete NUMBER takes one".to_owned()
        }
        Notice::Output(line) => clean_line(line),
        Notice::NotOperated { word, why } => format!("{word}: {}", changes::refusal(*why)),
        Notice::Unanswered { word, is_lost } => changes::unanswered(word, *is_lost),
        Notice::Ignored { name, is_change } => changes::ignored(name, *is_change),
        Notice::Unignored { name, is_change } => changes::unignored(name, *is_change),
        Notice::NotIgnored(error) => changes::ignore_error(*error),
        Notice::IgnoreList(names) => changes::ignore_list(names),
        Notice::JoinsShown(shows) => changes::joins_shown(*shows),
        Notice::PreferencesNotKept(error) => format!("(what you ignore or hide is not kept: {error})"),
        Notice::PositionNotRead(error) => format!("(could not read your last position in this room: {error})"),
        Notice::PositionSavedAgain => "(your position in this room is saved again)".to_owned(),
        Notice::Loss(lost) => format!("({})", loss(lost)),
        Notice::Transcript(words) => format!("({words})"),
    })
}

/// Returns the line about notices that could not be displayed.
#[must_use]
pub fn notices_skipped(skipped: u64) -> String {
    format!("({skipped} notices skipped: they could not be written)")
}

/// Returns why a connection was lost; `refusal` is the server's text in its latest refusal.
#[must_use]
pub fn loss_reason(why: DisconnectReason, refusal: &str) -> String {
    let line = match why {
        DisconnectReason::Silent => "no response from the server",
        // The server was restarted, or this computer was silent for too long: the next Joined shows
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

/// Returns why a line of standard input, or one typed at the prompt, is not sent.
#[must_use]
pub fn line_rejected(line: Option<u64>, why: Rejection) -> String {
    let line = line.map(|number| format!("line {number} ")).unwrap_or_default();
    match why {
        Rejection::TooLong(len) => format!("{line}not sent: {len} bytes; a text has at most {MAX_TEXT_LEN}"),
        Rejection::NotUtf8 => format!("{line}not sent: not UTF-8 text"),
        Rejection::NoRoom => format!("{line}not sent: you are not in the room that was chosen"),
    }
}

/// Returns why a room is not joined, or has ended.
#[must_use]
pub fn room_ended(end: &ClientEnd) -> String {
    client_end(end).1
}

/// Returns why a post is refused permanently.
#[must_use]
pub fn post_refusal(code: PostRefusedCode) -> String {
    match code {
        PostRefusedCode::TOO_LONG => "it is too long for this server".to_owned(),
        PostRefusedCode::MUTED => "you are muted in this room".to_owned(),
        PostRefusedCode::KIND => "this kind of message can only be sent by the server".to_owned(),
        PostRefusedCode(code) => format!("the server refused it (reason {code})"),
    }
}

/// Returns how many lines are not in the room at the end.
pub(super) fn unsent(lines: u64) -> String {
    format!("{} not sent", count(lines, "line was", "lines were"))
}

/// Returns what was lost.
pub(super) fn loss(loss: &Loss) -> String {
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

fn accepted_key(key: AcceptedKey) -> String {
    match key {
        AcceptedKey::Invited => "server key matches the invite. ".to_owned(),
        AcceptedKey::Expected => "server key is the one you know. ".to_owned(),
        AcceptedKey::New(found) => format!("server key {} is new and accepted. ", show_fingerprint(&found)),
    }
}

fn joined_as(joined: &Joined<'_>) -> Option<String> {
    let Joined { room, name, members, is_shown, .. } = *joined;
    let (lines, new) = match joined.occasion {
        Occasion::Start { lines, new } => (lines, new),
        Occasion::Hosting => {
            return Some(format!(
                "You are {name}. /help for help, /quit to leave (this ends the room for the others)."
            ));
        }
        Occasion::Reconnected => return None,
    };
    let history = match (new, lines) {
        (None, 0) => String::new(),
        (None, 1) => "; last line".to_owned(),
        (None, _) => format!("; last {lines} lines"),
        (Some(0), _) => "; nothing new since your last visit".to_owned(),
        (Some(new), _) => format!("; {} since your last visit", count(new, "new line", "new lines")),
    };
    if !is_shown {
        return Some(format!("Also joined {room}; {members} here{history}. /room {room} shows it."));
    }
    let end = if lines == 0 { "." } else { ":" };
    Some(format!("Joined {room} as {name}; {members} here{history}{end}"))
}

fn connection_lost(reason: &str, slept: Option<StdDuration>) -> String {
    let slept = slept.map(|slept| format!(" (this computer was asleep for {})", duration(slept))).unwrap_or_default();
    format!("Connection lost: {reason}{slept}; trying again. What you type is kept.")
}

fn reconnected(event: Reconnection) -> String {
    let Reconnection { seconds, is_resumed, is_restarted, members } = event;
    let restarted = if is_restarted { "; the server was restarted" } else { "" };
    let missed = if is_resumed { "; nothing was missed" } else { "" };
    let here = members.map(|members| format!("; {members} here")).unwrap_or_default();
    format!("Connected again after {seconds} s{restarted}{missed}{here}.")
}

/// Formats a duration in one unit.
fn duration(duration: StdDuration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

fn name_of(stream: OutputStream) -> &'static str {
    match stream {
        OutputStream::Stdout => "standard output",
        OutputStream::Stderr => "standard error",
    }
}

#[cfg(test)]
mod tests {
    use kabar_core::chat::Term;

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
        let expected = "Connected again after 3 s; the server was restarted; nothing was missed; 2 here.";
        assert_eq!(reconnected(other), expected);
        let recovered = Reconnection { members: None, ..same };
        assert_eq!(reconnected(recovered), "Connected again after 3 s; nothing was missed.");
    }

    #[test]
    fn joining_reports_the_lines_that_follow() {
        let joined = |lines, new| {
            let (occasion, term) = (Occasion::Start { lines, new }, Term([0; 8]));
            let (start, head, is_resumed) = (0, lines, new.is_some());
            let (room, name, members, is_shown) = ("lobby", "anna", 2, true);
            joined_as(&Joined { room, name, members, start, head, term, is_shown, is_resumed, occasion })
        };
        assert_eq!(joined(0, None).unwrap(), "Joined lobby as anna; 2 here.");
        assert_eq!(joined(1, None).unwrap(), "Joined lobby as anna; 2 here; last line:");
        assert_eq!(joined(3, None).unwrap(), "Joined lobby as anna; 2 here; last 3 lines:");
        assert_eq!(joined(11, Some(1)).unwrap(), "Joined lobby as anna; 2 here; 1 new line since your last visit:");
    }

    #[test]
    fn every_post_refusal_has_a_sentence() {
        let codes = [PostRefusedCode::TOO_LONG, PostRefusedCode::MUTED, PostRefusedCode::KIND, PostRefusedCode(77)];
        let all: Vec<_> = codes.map(post_refusal).into();
        assert!(all[3].contains("77") && !all[..3].iter().any(|words| words.contains("reason")), "{all:?}");
    }

    #[test]
    fn formats_a_duration_in_one_unit() {
        for (seconds, words) in [(2, "2 s"), (119, "119 s"), (120, "2 min"), (7_199, "119 min"), (9_000, "2 h")] {
            assert_eq!(duration(StdDuration::from_secs(seconds)), words);
        }
    }
}
