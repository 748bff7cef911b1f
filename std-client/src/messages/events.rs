//! Sentences about what the engine reports: each [`Event`].

use std::time::Duration as StdDuration;

use kabar_core::chat::PostRefusedCode;
use kabar_core::client::DisconnectReason;
use kabar_std::invite::show_fingerprint;
use kabar_std::text::clean_line;

use super::errors::{client_end, session_error, with_server_text};
use super::plural::count;
use super::{changes, history, rooms, stats};
use crate::engine::event::{AcceptedKey, ClientEnd, Event, Joined, NotKept, NotPosted, Reconnected, ServerEnd};

/// The name of a room as it is displayed, and whether it is the one that is shown.
#[derive(Clone, Copy, Debug)]
pub struct RoomLabel<'a> {
    /// The name.
    pub name: &'a str,
    /// Whether its entries are displayed now.
    pub is_shown: bool,
}

/// Returns the text of an event, without the end of its line; `None`: nothing is displayed, or the
/// front end displays it by itself. `room`: the one that the event is about. If that is not shown,
/// the text begins with its name.
#[must_use]
pub fn text(event: &Event, room: Option<RoomLabel<'_>>) -> Option<String> {
    let text = text_of(event, room)?;
    let is_end = matches!(event, Event::RoomEnded { .. });
    let names_room = matches!(event, Event::Joined(_) | Event::Parted { .. } | Event::Reconnected(_));
    Some(match room.filter(|room| is_end || !(room.is_shown || names_room)) {
        Some(room) => format!("#{}: {text}", room.name),
        None => text,
    })
}

/// Whether the next text continues the line of this one.
#[must_use]
pub const fn is_continued(event: &Event) -> bool {
    matches!(
        event,
        Event::ServerAdded { .. }
            | Event::KnownServerMoved { .. }
            | Event::KeyAccepted { .. }
            | Event::LostWhileConnecting { .. }
    )
}

fn text_of(event: &Event, room: Option<RoomLabel<'_>>) -> Option<String> {
    Some(match event {
        Event::ServerAdded { is_host: true, .. } => return None,
        Event::ServerAdded { places, .. } => format!("Connecting to {places} ... "),
        Event::RoomNotAdded { name, why, .. } => rooms::join_refusal(name, *why),
        Event::KnownServerMoved { .. } => "a known server at a new address; ".to_owned(),
        Event::KeyAccepted { key, .. } => accepted_key(*key),
        Event::KeyQuestion { found, .. } => {
            format!("The server's key is not known yet. Its fingerprint is\n  {}", show_fingerprint(found))
        }
        Event::NotReached { error, .. } => format!("{}; trying again", session_error(error).1),
        Event::LostWhileConnecting { reason, refusal, .. } => {
            format!("({}; trying again) ", loss_reason(*reason, refusal))
        }
        Event::Joined(joined) => return joined_as(joined, room?),
        Event::OwnName { name, is_chosen: true, .. } => format!("you are {name} here; /nick NAME changes it"),
        Event::Topic { topic, .. } => rooms::topic(topic),
        Event::HistoryReset { .. } => {
            "(the history of this room was reset to an older state: the following entries are displayed again)"
                .to_owned()
        }
        Event::Gap { after, first, .. } => {
            let missing = first.saturating_sub(after + 1);
            format!("({} missing here: the server no longer keeps them)", count(missing, "line is", "lines are"))
        }
        Event::NotPosted { why, .. } => match why {
            NotPosted::TooLong(len) => format!("not sent: {len} bytes are too long"),
            NotPosted::NotInRoom => "not sent: you are not in the room".to_owned(),
            NotPosted::TooMany => "not sent: too many lines wait".to_owned(),
        },
        Event::PostRefused { code, .. } => format!("not sent, {}", post_refusal(*code)),
        Event::Parted { .. } => format!("left {}", room?.name),
        Event::RoomEnded { end, unsent, kept, .. } => rooms::ended(end, *unsent, *kept, false),
        Event::ConnectionLost { reason, refusal, slept, .. } => connection_lost(&loss_reason(*reason, refusal), *slept),
        Event::Reconnected(event) => reconnected(event, room.is_some_and(|room| room.is_shown)),
        Event::ServerText { text, .. } => format!("(server: {})", clean_line(text)),
        Event::Output { text, .. } => clean_line(text),
        Event::NotOperated { word, why, .. } => format!("{word}: {}", changes::refusal(why)),
        Event::Members { names, .. } => format!("{} here: {}", names.len(), names.join(", ")),
        Event::Renamed { name, .. } => format!("You are {name} now."),
        Event::NotRenamed { name, why, .. } => format!("you stay {name}: {}", changes::rename_error(why)),
        Event::NotRemoved { seq, why, .. } => format!("message {seq} stays: {}", changes::refusal(why)),
        Event::Unanswered { request, is_lost, .. } => changes::unanswered(request, *is_lost),
        Event::NotConnected { .. } => "(not connected)".to_owned(),
        Event::Ignored { name, is_change, .. } => changes::ignored(name, *is_change),
        Event::Unignored { name, is_change, .. } => changes::unignored(name, *is_change),
        Event::NotIgnored { why, .. } => changes::ignore_error(*why),
        Event::IgnoreList { names, .. } => changes::ignore_list(names),
        Event::JoinsShown { shows, .. } => changes::joins_shown(*shows),
        Event::NotifySet { notify, .. } => changes::notify_set(*notify).to_owned(),
        Event::Stats(stats) => stats::table(stats.rtt, &stats.counters, stats.traffic, stats.ignored),
        Event::NotKept { what, .. } => match what {
            NotKept::Server(error) => format!("(could not add this room to the known servers: {error})"),
            NotKept::Parting(error) => format!("(that you left the room is not kept: {error})"),
            NotKept::Preferences(error) => {
                format!("(what you ignore, hide or let announce is not kept: {})", history::reason(error))
            }
        },
        Event::HistorySetAside(aside) => history::set_aside(aside),
        Event::HistoryNotKept(error) => history::not_kept(error),
        Event::HistoryKeptAgain => "(your history is kept again)".to_owned(),
        Event::OutboxResumed { lines, .. } => {
            format!("({} typed earlier; sending now)", count(*lines, "line was", "lines were"))
        }
        Event::PositionNotRead { error, .. } => {
            format!("(could not read your last position in this room: {error})")
        }
        Event::ServerEnded { end: ServerEnd::Failed(error), .. } => session_error(error).1,
        // State, entries, and the fate of posts.
        Event::RoomAdded { .. }
        | Event::HistoryAt { .. }
        | Event::PasswordQuestion { .. }
        | Event::OwnName { .. }
        | Event::Entry(_)
        | Event::Posted { .. }
        | Event::Stored { .. }
        | Event::HistoryPage(_)
        | Event::RoomList { .. }
        | Event::ServerEnded { .. }
        | Event::Ended => return None,
    })
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

fn accepted_key(key: AcceptedKey) -> String {
    match key {
        AcceptedKey::Invited => "server key matches the invite. ".to_owned(),
        AcceptedKey::Expected => "server key is the one you know. ".to_owned(),
        AcceptedKey::New(found) => format!("server key {} is new and accepted. ", show_fingerprint(&found)),
    }
}

fn joined_as(joined: &Joined, room: RoomLabel<'_>) -> Option<String> {
    let Joined { name, members, start, head, seen, is_again, .. } = joined;
    let RoomLabel { name: room, is_shown } = room;
    if *is_again {
        return None;
    }
    // How many have the time that was requested is not known yet.
    let lines = start.map_or(0, |start| head.saturating_sub(start));
    let new = seen.map(|seen| head.saturating_sub(seen.max(start.unwrap_or(0))));
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

fn reconnected(event: &Reconnected, is_shown: bool) -> String {
    let Reconnected { seconds, is_resumed, is_restarted, members, .. } = *event;
    let restarted = if is_restarted { "; the server was restarted" } else { "" };
    let missed = if is_resumed { "; nothing was missed" } else { "" };
    let members = members.filter(|_| is_shown);
    let here = members.map(|(_, members)| format!("; {members} here")).unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use kabar_core::chat::Term;
    use kabar_core::session::Fingerprint;

    use super::*;
    use crate::engine::{RoomId, ServerId};

    #[test]
    fn reports_a_restart_only_if_the_server_was_restarted() {
        let all = [
            DisconnectReason::Silent,
            DisconnectReason::Unknown,
            DisconnectReason::Shutdown,
            DisconnectReason::TryLater,
        ];
        assert!(!all.iter().any(|why| loss_reason(*why, "").contains("start")));
        let server = ServerId(0);
        let members = Some((RoomId { server, index: 0 }, 2));
        let same = Reconnected { server, seconds: 3, is_resumed: true, is_restarted: false, members };
        assert_eq!(reconnected(&same, true), "Connected again after 3 s; nothing was missed; 2 here.");
        let other = Reconnected { is_restarted: true, ..same };
        let expected = "Connected again after 3 s; the server was restarted; nothing was missed; 2 here.";
        assert_eq!(reconnected(&other, true), expected);
        assert_eq!(reconnected(&same, false), "Connected again after 3 s; nothing was missed.");
    }

    #[test]
    fn joining_reports_the_lines_that_follow() {
        let joined = |lines: u64, new: Option<u64>| {
            let room = RoomId { server: ServerId(0), index: 0 };
            let (server_key, term, name) = (Fingerprint([0; 20]), Term([0; 8]), "anna".to_owned());
            let (start, head, is_resumed, is_again) = (Some(0), lines, new.is_some(), false);
            let seen = new.map(|new| lines - new);
            let joined = Joined { room, server_key, name, members: 2, start, head, term, is_resumed, seen, is_again };
            joined_as(&joined, RoomLabel { name: "lobby", is_shown: true })
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
