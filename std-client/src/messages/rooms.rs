//! Sentences about several rooms: which one is shown, what came into others, and how a room ends.

use kabar_std::invite::{InviteError, RoomName};

use super::errors::client_end;
use super::reasons;
use crate::engine::event::{ClientEnd, JoinRefusal, ListedRoom};
use crate::language::message;

/// A row of the list of rooms.
#[derive(Clone, Copy, Debug)]
pub struct RoomRow<'a> {
    /// The room.
    pub room: &'a ListedRoom,
    /// If the user is in it, the number of lines that nobody has seen.
    pub unread: Option<u64>,
    /// Whether it is shown.
    pub is_shown: bool,
}

/// Why a room is not joined, left or shown.
#[derive(Clone, Copy, Debug)]
pub enum RoomCommandError<'a> {
    /// No room can have this name, and it is no invite.
    NoRoomName(&'a str),
    /// The invite cannot be used.
    Invite(InviteError),
    /// The invite is for another server.
    OtherServer,
    /// The user is not in this room.
    NotIn(&'a str),
    /// The server has not admitted the user to this room yet.
    NotJoinedYet(&'a str),
    /// It is the only room, which is left by `/quit`.
    OnlyRoom(&'a str),
    /// No room is shown. These can be.
    NoneShown(&'a [String]),
}

/// A room is shown instead of another one.
pub(super) fn shown(room: &str, topic: &str, is_private: bool, is_empty: bool, left_out: u64) -> String {
    let private = if is_private { message!("room-heading-private") } else { String::new() };
    let topic = if topic.is_empty() { String::new() } else { format!(": {topic}") };
    let nothing = if is_empty { message!("room-heading-nothing-new") } else { String::new() };
    let heading = format!("--- #{room}{private}{topic}{nothing} ---");
    if left_out == 0 {
        return heading;
    }
    format!("{heading}\n{}", message!("room-lines-left-out", lines = left_out))
}

/// Lines came into a room that is not shown.
pub(super) fn unread(room: &str, lines: u64, mentioned_by: Option<&str>) -> String {
    match mentioned_by {
        Some(author) => message!("room-unread-mention", room, author, lines),
        None => message!("room-unread", room, lines),
    }
}

/// The topic of the room.
pub(super) fn topic(topic: &str) -> String {
    if topic.is_empty() { message!("room-no-topic") } else { message!("room-topic", topic) }
}

/// The reply to `/rooms`.
pub(super) fn list(rooms: &[RoomRow<'_>]) -> String {
    let width = rooms.iter().map(|row| row.room.name.len()).max().unwrap_or(0);
    let row = |row: &RoomRow<'_>| {
        let RoomRow { room, unread, is_shown } = *row;
        let mark = match unread {
            Some(_) if is_shown => '>',
            Some(_) => '*',
            None => ' ',
        };
        let here = message!("room-members", members = room.members);
        let private = if room.is_private { message!("room-row-private") } else { String::new() };
        let unread = unread.filter(|unread| *unread > 0);
        let unread = unread.map(|lines| message!("room-row-unread", lines)).unwrap_or_default();
        let topic = if room.topic.is_empty() { String::new() } else { format!("  {}", room.topic) };
        format!("\n{mark} {:width$}  {here}{private}{unread}{topic}", room.name)
    };
    let rows: String = rooms.iter().map(row).collect();
    message!("room-list", rooms = rooms.len()) + &rows
}

/// Returns how many lines are not in the room at the end: those that are lost, and those that are
/// sent the next time.
pub(super) fn lines_unsent(lost: u64, kept: u64) -> String {
    let lost = (lost > 0).then(|| message!("lines-lost", lines = lost));
    let kept = (kept > 0).then(|| message!("lines-kept", lines = kept));
    lost.into_iter().chain(kept).collect::<Vec<_>>().join("; ")
}

/// A room is not joined, or the membership has ended.
pub(super) fn ended(end: &ClientEnd, unsent: u64, kept: u64, was_shown: bool) -> String {
    let why = client_end(end).1;
    let unsent = if unsent + kept == 0 { String::new() } else { format!("; {}", lines_unsent(unsent, kept)) };
    let next = if was_shown { message!("room-ended-next") } else { String::new() };
    format!("{why}{unsent}{next}")
}

/// Why a room is not joined, left or shown.
pub(super) fn command_error(error: &RoomCommandError<'_>) -> String {
    match error {
        RoomCommandError::NoRoomName(typed) => {
            message!("room-no-name", typed = clean(typed))
        }
        RoomCommandError::Invite(error) => reasons::invite(error),
        RoomCommandError::OtherServer => message!("room-other-server"),
        RoomCommandError::NotIn(typed) => message!("room-not-in", room = clean(typed)),
        RoomCommandError::NotJoinedYet(room) => message!("room-not-joined-yet", room = *room),
        RoomCommandError::OnlyRoom(room) => message!("room-only", room = *room),
        RoomCommandError::NoneShown(rooms) => message!("room-none-shown", rooms = rooms.join(", ")),
    }
}

/// Why the engine does not join a room.
pub(super) fn join_refusal(room: &RoomName, why: JoinRefusal) -> String {
    match why {
        JoinRefusal::Joined(_) => message!("room-joined-already", %room),
        JoinRefusal::StillLeaving => message!("room-still-leaving", %room),
        JoinRefusal::TooMany(rooms) => message!("room-too-many", rooms),
        JoinRefusal::OneRoom => message!("classic-one-room"),
        JoinRefusal::NotConnected => message!("room-not-joined-yet", %room),
    }
}

fn clean(typed: &str) -> String {
    kabar_std::text::clean_line(typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(name: &str) -> ListedRoom {
        ListedRoom { name: name.to_owned(), topic: String::new(), members: 3, is_private: false }
    }

    #[test]
    fn list_has_a_row_per_room() {
        let lobby = ListedRoom { topic: "all of it".to_owned(), ..room("lobby") };
        let (den, ops) = (room("den"), ListedRoom { is_private: true, ..room("ops") });
        let rooms = [
            RoomRow { room: &den, unread: None, is_shown: false },
            RoomRow { room: &lobby, unread: Some(0), is_shown: true },
            RoomRow { room: &ops, unread: Some(2), is_shown: false },
        ];
        let expected = "3 rooms (* you are in; > shown):\n  den    3 here\n> lobby  3 here  all of it\n\
                        * ops    3 here; private; 2 new lines";
        assert_eq!(list(&rooms), expected);
    }

    #[test]
    fn heading_of_a_room_has_what_is_known_about_it() {
        assert_eq!(shown("ops", "", false, true, 0), "--- #ops; nothing new ---");
        let expected = "--- #ops (private): what to do ---\n(7 earlier lines are left out; /history shows them)";
        assert_eq!(shown("ops", "what to do", true, false, 7), expected);
    }

    #[test]
    fn unread_lines_are_one_short_notice() {
        assert_eq!(unread("ops", 3, None), "#ops: 3 new lines");
        assert_eq!(unread("ops", 1, Some("bob")), "#ops: bob mentions you; 1 new line");
    }
}
