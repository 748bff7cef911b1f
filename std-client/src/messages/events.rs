//! Sentences about what the engine reports: each [`Event`].

use std::time::Duration as StdDuration;

use kabar_core::client::DisconnectReason;
use kabar_std::invite::show_fingerprint;
use kabar_std::text::clean_line;

use super::errors::{client_end, known_servers_error, session_error, shown, with_server_text};
pub use super::refusals::post_refusal;
use super::{changes, history, reasons, rooms, stats, transfers};
use crate::engine::event::{
    AcceptedKey, ClassicNotice, ClientEnd, Event, Joined, NotKept, NotPosted, Reconnected, ServerEnd,
};
use crate::language::message;

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
        Event::ServerAdded { places, .. } => message!("connecting", server = %places),
        Event::RoomNotAdded { name, why, .. } => rooms::join_refusal(name, *why),
        Event::KnownServerMoved { .. } => message!("known-server-moved"),
        Event::KeyAccepted { key, .. } => accepted_key(*key),
        Event::KeyQuestion { found, .. } => {
            message!("key-question", fingerprint = show_fingerprint(found))
        }
        Event::NotReached { error, .. } => message!("not-reached", reason = session_error(error).1),
        Event::LostWhileConnecting { reason, refusal, .. } => {
            message!("lost-while-connecting", reason = loss_reason(*reason, refusal))
        }
        Event::Joined(joined) => return joined_as(joined, room?),
        Event::OwnName { name, is_chosen: true, .. } => message!("own-name", name),
        Event::Topic { topic, .. } => rooms::topic(topic),
        Event::HistoryReset { .. } => message!("event-history-reset"),
        Event::Gap { after, first, .. } => {
            let missing = first.saturating_sub(after + 1);
            message!("gap", lines = missing)
        }
        Event::NotPosted { why, .. } => match why {
            NotPosted::TooLong(len) => message!("not-posted-too-long", len = *len),
            NotPosted::NotInRoom => message!("not-posted-not-in-room"),
            NotPosted::TooMany => message!("not-posted-too-many"),
            NotPosted::NotInKey(character) => message!("not-posted-not-in-key", character = shown(*character)),
            NotPosted::Empty => message!("not-posted-empty"),
            NotPosted::NotThere => message!("not-posted-not-there"),
        },
        Event::PostRefused { code, .. } => {
            message!("post-refused", reason = post_refusal(*code), excerpt = "")
        }
        Event::Parted { .. } => message!("parted", room = room?.name),
        Event::RoomEnded { end, unsent, kept, .. } => rooms::ended(end, *unsent, *kept, false),
        Event::ConnectionLost { reason, refusal, slept, .. } => connection_lost(&loss_reason(*reason, refusal), *slept),
        Event::Reconnected(event) => reconnected(event, room.is_some_and(|room| room.is_shown)),
        Event::ServerText { text, .. } => message!("server-text", text = clean_line(text)),
        Event::Output { text, .. } => clean_line(text),
        Event::NotOperated { word, why, .. } => format!("{word}: {}", changes::refusal(why)),
        Event::Members { names, is_complete: false, .. } => {
            message!("members-seen", members = names.len(), names = names.join(", "))
        }
        Event::Members { names, .. } => message!("members-here", members = names.len(), names = names.join(", ")),
        Event::Renamed { name, .. } => message!("renamed", name),
        Event::NotRenamed { name, why, .. } => message!("not-renamed", name, reason = changes::rename_error(why)),
        Event::NotRemoved { seq, why, .. } => message!("not-removed", seq = *seq, reason = changes::refusal(why)),
        Event::Unanswered { request, is_lost, .. } => changes::unanswered(request, *is_lost),
        Event::NotConnected { .. } => message!("not-connected"),
        Event::Ignored { name, is_change, .. } => changes::ignored(name, *is_change),
        Event::Unignored { name, is_change, .. } => changes::unignored(name, *is_change),
        Event::NotIgnored { why, .. } => changes::ignore_error(*why),
        Event::IgnoreList { names, .. } => changes::ignore_list(names),
        Event::JoinsShown { shows, .. } => changes::joins_shown(*shows),
        Event::NotifySet { notify, .. } => changes::notify_set(*notify),
        Event::Transfer(transfer) => return transfers::event(transfer),
        Event::TransferNotStarted { name, why, .. } => {
            message!("transfer-not-started", name = clean_line(name), reason = transfers::failure(why))
        }
        Event::Transfers { transfers, .. } => transfers::list(transfers),
        Event::Classic { notice, .. } => match notice {
            ClassicNotice::Unprotected => message!("classic-unprotected"),
            ClassicNotice::ColonsReplaced => message!("classic-colons-replaced"),
            ClassicNotice::NotThere => message!("classic-not-there"),
        },
        Event::Stats(stats) => stats::table(stats.rtt, &stats.counters, stats.traffic, stats.ignored),
        Event::NotKept { what, .. } => match what {
            NotKept::Server(error) => message!("not-kept-server", error = known_servers_error(error)),
            NotKept::Parting(error) => message!("not-kept-parting", error = known_servers_error(error)),
            NotKept::Preferences(error) => {
                message!("not-kept-preferences", reason = history::reason(error))
            }
        },
        Event::HistorySetAside(aside) => history::set_aside(aside),
        Event::HistoryNotKept(error) => history::not_kept(error),
        Event::HistoryKeptAgain => message!("history-kept-again"),
        Event::OutboxResumed { lines, .. } => {
            message!("outbox-resumed", lines = *lines)
        }
        Event::PositionNotRead { error, .. } => {
            message!("position-not-read", error = reasons::file(error))
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
    match why {
        DisconnectReason::Silent => message!("lost-silent"),
        // The server was restarted, or this computer was silent for too long: the next Joined shows
        // which.
        DisconnectReason::Unknown => message!("lost-unknown"),
        DisconnectReason::Shutdown => message!("lost-shutdown"),
        DisconnectReason::TryLater => with_server_text(message!("lost-try-later"), refusal),
        DisconnectReason::Closed(_) => message!("lost-closed"),
    }
}

/// Returns why a room is not joined, or has ended.
#[must_use]
pub fn room_ended(end: &ClientEnd) -> String {
    client_end(end).1
}

fn accepted_key(key: AcceptedKey) -> String {
    match key {
        AcceptedKey::Invited => message!("key-accepted-invited"),
        AcceptedKey::Expected => message!("key-accepted-expected"),
        AcceptedKey::New(found) => message!("key-accepted-new", fingerprint = show_fingerprint(&found)),
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
        (None, _) => message!("joined-last-lines", lines),
        (Some(new), _) => message!("joined-new-lines", lines = new),
    };
    let Some(members) = *members else { return Some(message!("joined-classic", room, name)) };
    if !is_shown {
        return Some(message!("joined-also", room, members, history));
    }
    let end = if lines == 0 { "." } else { ":" };
    Some(message!("joined", room, name, members, history, end))
}

fn connection_lost(reason: &str, slept: Option<StdDuration>) -> String {
    let slept = slept.map(|slept| message!("lost-asleep", duration = duration(slept))).unwrap_or_default();
    message!("connection-lost", reason, slept)
}

fn reconnected(event: &Reconnected, is_shown: bool) -> String {
    let Reconnected { seconds, is_resumed, is_restarted, members, .. } = *event;
    let restarted = if is_restarted { message!("reconnected-restarted") } else { String::new() };
    let missed = if is_resumed { message!("reconnected-nothing-missed") } else { String::new() };
    let members = members.filter(|_| is_shown);
    let here = members.map(|(_, members)| message!("reconnected-members", members)).unwrap_or_default();
    message!("reconnected", seconds, details = restarted + &missed + &here)
}

/// Formats a duration in one unit.
fn duration(duration: StdDuration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..120 => message!("seconds", seconds),
        120..7_200 => message!("minutes", minutes = seconds / 60),
        _ => message!("hours", hours = seconds / 3_600),
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
            let (server_key, term, name) = (Some(Fingerprint([0; 20])), Term([0; 8]), "anna".to_owned());
            let (start, head, is_resumed, is_again) = (Some(0), lines, new.is_some(), false);
            let seen = new.map(|new| lines - new);
            let members = Some(2);
            let joined = Joined { room, server_key, name, members, start, head, term, is_resumed, seen, is_again };
            joined_as(&joined, RoomLabel { name: "lobby", is_shown: true })
        };
        assert_eq!(joined(0, None).unwrap(), "Joined lobby as anna; 2 here.");
        assert_eq!(joined(1, None).unwrap(), "Joined lobby as anna; 2 here; last line:");
        assert_eq!(joined(3, None).unwrap(), "Joined lobby as anna; 2 here; last 3 lines:");
        assert_eq!(joined(11, Some(1)).unwrap(), "Joined lobby as anna; 2 here; 1 new line since your last visit:");
    }

    #[test]
    fn formats_a_duration_in_one_unit() {
        for (seconds, words) in [(2, "2 s"), (119, "119 s"), (120, "2 min"), (7_199, "119 min"), (9_000, "2 h")] {
            assert_eq!(duration(StdDuration::from_secs(seconds)), words);
        }
    }
}
