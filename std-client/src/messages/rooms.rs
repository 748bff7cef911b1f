//! Sentences about several rooms: which one is shown, what came into others, and how a room ends.

use kabar_std::invite::RoomName;

use super::errors::client_end;
use super::plural::count;
use crate::session::{ClientEnd, ListedRoom, RoomCommandError};

/// A room is shown instead of another one.
pub(super) fn shown(room: &RoomName, topic: &str, is_private: bool, is_empty: bool, left_out: u64) -> String {
    let private = if is_private { " (private)" } else { "" };
    let topic = if topic.is_empty() { String::new() } else { format!(": {topic}") };
    let nothing = if is_empty { "; nothing new" } else { "" };
    let heading = format!("--- #{room}{private}{topic}{nothing} ---");
    if left_out == 0 {
        return heading;
    }
    let (lines, these) =
        (count(left_out, "earlier line is", "earlier lines are"), if left_out == 1 { "it" } else { "them" });
    format!("{heading}\n({lines} left out; /history shows {these})")
}

/// Lines came into a room that is not shown.
pub(super) fn unread(room: &RoomName, lines: u64, mentioned_by: Option<&str>) -> String {
    let lines = count(lines, "new line", "new lines");
    match mentioned_by {
        Some(author) => format!("#{room}: {author} mentions you; {lines}"),
        None => format!("#{room}: {lines}"),
    }
}

/// The topic of the room.
pub(super) fn topic(topic: &str) -> String {
    if topic.is_empty() { "this room has no topic".to_owned() } else { format!("Topic: {topic}") }
}

/// The reply to `/rooms`.
pub(super) fn list(rooms: &[ListedRoom]) -> String {
    let width = rooms.iter().map(|room| room.name.len()).max().unwrap_or(0);
    let row = |room: &ListedRoom| {
        let mark = match room.unread {
            Some(_) if room.is_shown => '>',
            Some(_) => '*',
            None => ' ',
        };
        let here = format!("{} here", room.members);
        let private = if room.is_private { "; private" } else { "" };
        let unread = room.unread.filter(|unread| *unread > 0);
        let unread = unread.map(|unread| format!("; {}", count(unread, "new line", "new lines"))).unwrap_or_default();
        let topic = if room.topic.is_empty() { String::new() } else { format!("  {}", room.topic) };
        format!("\n{mark} {:width$}  {here}{private}{unread}{topic}", room.name)
    };
    let rows: String = rooms.iter().map(row).collect();
    format!("{} (* you are in; > shown):{rows}", count(rooms.len() as u64, "room", "rooms"))
}

/// A room is not joined, or the membership has ended.
pub(super) fn ended(end: &ClientEnd, unsent: u64, was_shown: bool) -> String {
    let why = client_end(end).1;
    let unsent =
        if unsent == 0 { String::new() } else { format!("; {} not sent", count(unsent, "line was", "lines were")) };
    let next = if was_shown { "; /room NAME shows another room" } else { "" };
    format!("{why}{unsent}{next}")
}

/// Why a room is not joined, left or shown.
pub(super) fn command_error(error: &RoomCommandError<'_>) -> String {
    match error {
        RoomCommandError::NoRoomName(typed) => {
            format!("{} is neither an invite nor the name of a room (a to z, 0 to 9, - and _)", clean(typed))
        }
        RoomCommandError::Invite(error) => error.to_string(),
        RoomCommandError::OtherServer => {
            "this invite is for another server: use `kabar join INVITE` at another terminal".to_owned()
        }
        RoomCommandError::NotIn(typed) => {
            format!("you are not in {} (/join joins a room, /rooms lists them)", clean(typed))
        }
        RoomCommandError::NotJoinedYet(room) => format!("the server has not admitted you to {room} yet"),
        RoomCommandError::StillLeaving(room) => {
            format!("{room} is being left until your lines there are stored: try again in a moment")
        }
        RoomCommandError::OnlyRoom(room) => format!("{room} is the only room that you are in: /quit leaves"),
        RoomCommandError::TooMany(rooms) => {
            format!("you are in {rooms} rooms, which is as many as can be: /part one first")
        }
        RoomCommandError::NoneShown(rooms) => {
            let names: Vec<_> = rooms.iter().map(ToString::to_string).collect();
            format!("no room is shown: /room NAME shows one ({})", names.join(", "))
        }
    }
}

fn clean(typed: &str) -> String {
    kabar_std::text::clean_line(typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(name: &str, unread: Option<u64>) -> ListedRoom {
        let (name, topic) = (name.to_owned(), String::new());
        ListedRoom { name, topic, members: 3, is_private: false, unread, is_shown: false }
    }

    #[test]
    fn list_has_a_row_per_room() {
        let lobby = ListedRoom { is_shown: true, topic: "all of it".to_owned(), ..room("lobby", Some(0)) };
        let rooms = [room("den", None), lobby, ListedRoom { is_private: true, ..room("ops", Some(2)) }];
        let expected = "3 rooms (* you are in; > shown):\n  den    3 here\n> lobby  3 here  all of it\n\
                        * ops    3 here; private; 2 new lines";
        assert_eq!(list(&rooms), expected);
    }

    #[test]
    fn heading_of_a_room_has_what_is_known_about_it() {
        let ops = RoomName::new("ops").unwrap();
        assert_eq!(shown(&ops, "", false, true, 0), "--- #ops; nothing new ---");
        let expected = "--- #ops (private): what to do ---\n(7 earlier lines are left out; /history shows them)";
        assert_eq!(shown(&ops, "what to do", true, false, 7), expected);
    }

    #[test]
    fn unread_lines_are_one_short_notice() {
        let ops = RoomName::new("ops").unwrap();
        assert_eq!(unread(&ops, 3, None), "#ops: 3 new lines");
        assert_eq!(unread(&ops, 1, Some("bob")), "#ops: bob mentions you; 1 new line");
    }
}
