//! The tables of `kabar servers` and `kabar identity`.

use kabar_std::invite::show_fingerprint;

use crate::known_servers::KnownRoom;

/// There is no room to list.
pub const NO_ROOMS: &str = "no rooms yet: kabar join INVITE, or kabar host to host one";
/// There is no name to list.
pub const NO_NAMES: &str = "no names yet: a key is created when you first join or host under a name";

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
    let headings = ["ROOM", "NAME", "FINGERPRINT", "ADDRESSES (last first)"].map(str::to_owned);
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

/// Returns the row of a name and the fingerprint of its key.
#[must_use]
pub fn identity(name: &str, fingerprint: &str) -> String {
    format!("{fingerprint}  {name}\n")
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
        };
        let table = rooms(&[known]);
        let rows: Vec<_> = table.lines().collect();
        assert!(rows[0].starts_with("ROOM   NAME  FINGERPRINT"), "{table}");
        assert_eq!(rows[1], format!("lobby  anna  {}  here:7,there:9999", "A".repeat(32)));
    }
}
