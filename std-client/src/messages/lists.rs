//! The tables of `kabar servers` and `kabar identity`.

use kabar_std::invite::show_fingerprint;

use crate::identity::{StoredChoice, StoredIdentity};
use crate::known_servers::KnownRoom;
use crate::language::message;

/// There is no room to list.
#[must_use]
pub fn no_rooms() -> String {
    message!("list-no-rooms")
}

/// There is no identity to list.
#[must_use]
pub fn no_identity() -> String {
    message!("no-identity")
}

/// Returns a table of rooms.
#[must_use]
pub fn rooms(rooms: &[KnownRoom]) -> String {
    let addresses = |known: &KnownRoom| {
        let all: Vec<_> = known.addresses.iter().map(ToString::to_string).collect();
        if all.is_empty() { "-".to_owned() } else { all.join(",") }
    };
    let row = |known: &KnownRoom| {
        let name = if known.name.is_empty() { "-".to_owned() } else { known.name.replace(' ', "\u{a0}") };
        [known.room.to_string(), name, show_fingerprint(&known.fingerprint), addresses(known)]
    };
    let headings = [
        message!("list-heading-room"),
        message!("list-heading-name"),
        message!("list-heading-fingerprint"),
        message!("list-heading-addresses"),
    ];
    let rows: Vec<_> = std::iter::once(headings).chain(rooms.iter().map(row)).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let (room_width, name_width, key_width) = (width(0), width(1), width(2));
    let mut table = String::new();
    for [room, name, key, addresses] in &rows {
        table.push_str(&format!("{room:room_width$}  {name:name_width$}  {key:key_width$}  {addresses}\n"));
    }
    table
}

/// Returns the rows of an identity: the fingerprint of its key, how it is chosen, its names, and
/// its file.
#[must_use]
pub fn identity(stored: &StoredIdentity, names: &[String]) -> String {
    let chosen = match &stored.choice {
        StoredChoice::Person => message!("list-you"),
        StoredChoice::Label(label) => format!("--identity {}", quoted(label)),
        StoredChoice::Name(name) => format!("--name {}", quoted(name)),
    };
    let names = if names.is_empty() {
        String::new()
    } else {
        format!("  {}", message!("list-names", names = names.join(", ")))
    };
    format!("{}  {chosen}{names}\n  {}\n", stored.key.fingerprint(), stored.path.display())
}

/// Returns a word as a shell takes it.
fn quoted(word: &str) -> String {
    if word.contains(' ') { format!("\"{word}\"") } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use kabar_core::session::Fingerprint;
    use kabar_std::invite::RoomName;

    use super::*;

    #[test]
    fn room_is_a_row() {
        let known = KnownRoom {
            fingerprint: Fingerprint([0; 20]),
            room: RoomName::new("lobby").unwrap(),
            addresses: vec!["here:7".parse().unwrap(), "there".parse().unwrap()],
            name: "anna".to_owned(),
            is_left: false,
        };
        let table = rooms(&[known]);
        let rows: Vec<_> = table.lines().collect();
        assert!(rows[0].starts_with("ROOM   NAME  FINGERPRINT"), "{table}");
        assert_eq!(rows[1], format!("lobby  anna  {}  here:7,there:9999", "A".repeat(32)));
    }
}
