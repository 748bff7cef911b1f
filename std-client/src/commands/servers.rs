//! `kabar servers`: the known servers, and accepting another key.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use kabar_core::session::Fingerprint;
use kabar_std::address::HostPort;
use kabar_std::data_dir::{DataDir, FileError};
use kabar_std::invite::{RoomName, parse_fingerprint, show_fingerprint};
use kabar_std::output::remark;

use super::{CommandError, Outcome, open, print};
use crate::cli::ServersAction;
use crate::known_servers::{KnownRoom, KnownServers, KnownServersError};
use crate::probe::{ProbeError, fetch_server_key};
use crate::ui::stdin::read_yes;

/// Why `kabar servers` failed.
#[derive(Debug, thiserror::Error)]
pub enum ServersCommandError {
    /// No known server has this room, address or fingerprint.
    #[error("{0} is not known")]
    NotKnown(String),
    /// The server has another key than the given one.
    #[error("the server at {server} has another key")]
    OtherKey {
        /// The server.
        server: HostPort,
        /// The key that it presented.
        found: Fingerprint,
    },
    /// The key must be confirmed, and nobody can be asked.
    #[error("the key is not confirmed")]
    NotConfirmed {
        /// The key that the server presented.
        found: Fingerprint,
    },
    /// The question was answered with no.
    #[error("declined")]
    Declined,
    /// The server's key could not be fetched.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// The known servers cannot be read or changed.
    #[error(transparent)]
    KnownServers(#[from] KnownServersError),
    /// The terminal cannot be read.
    #[error("cannot read from the terminal: {0}")]
    Terminal(#[from] io::Error),
}

impl From<FileError> for ServersCommandError {
    fn from(error: FileError) -> Self {
        Self::KnownServers(error.into())
    }
}

pub(super) fn run(action: Option<ServersAction>, data_dir: Option<PathBuf>) -> Result<Outcome, CommandError> {
    let dir = open(data_dir)?;
    match action.unwrap_or(ServersAction::List) {
        ServersAction::List => list(&dir),
        ServersAction::Forget { target } => Ok(forget(target, &dir)?),
        ServersAction::Accept { target, fingerprint } => Ok(accept(target, fingerprint, &dir)?),
    }
}

fn list(dir: &DataDir) -> Result<Outcome, CommandError> {
    let rooms = KnownServers::load(dir)?.rooms();
    if rooms.is_empty() {
        remark("no rooms yet: kabar join INVITE, or kabar host to host one");
        return Ok(Outcome::Done);
    }
    print(table(&rooms).as_bytes())
}

fn table(rooms: &[KnownRoom]) -> String {
    let mut table = String::new();
    let addresses = |known: &KnownRoom| {
        let all: Vec<_> = known.addresses.iter().map(ToString::to_string).collect();
        if all.is_empty() { "-".to_owned() } else { all.join(",") }
    };
    let rows: Vec<_> = rooms
        .iter()
        .map(|known| {
            let name = if known.name.is_empty() { "-".to_owned() } else { known.name.replace(' ', "\u{a0}") };
            [known.room.to_string(), name, show_fingerprint(&known.fingerprint), addresses(known)]
        })
        .collect();
    let headings = ["ROOM", "NAME", "FINGERPRINT", "ADDRESSES (last first)"].map(str::to_owned);
    let width = |column: usize| {
        let cells = rows.iter().chain([&headings]).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let (room_width, name_width, key_width) = (width(0), width(1), width(2));
    for [room, name, key, addresses] in [&headings].into_iter().chain(&rows) {
        table.push_str(&format!("{room:room_width$}  {name:name_width$}  {key:key_width$}  {addresses}\n"));
    }
    table
}

fn forget(target: String, dir: &DataDir) -> Result<Outcome, ServersCommandError> {
    let address: Option<HostPort> = target.parse().ok();
    let fingerprint = parse_fingerprint(&target);
    let is_meant = |known: &KnownRoom| {
        known.room.as_str() == target
            || fingerprint == Some(known.fingerprint)
            || address.as_ref().is_some_and(|address| known.addresses.contains(address))
    };
    match KnownServers::forget(dir, is_meant)? {
        0 => Err(ServersCommandError::NotKnown(target)),
        rooms => Ok(Outcome::ServersForgotten { target, rooms }),
    }
}

fn accept(server: HostPort, requested: Option<Fingerprint>, dir: &DataDir) -> Result<Outcome, ServersCommandError> {
    let known = KnownServers::load(dir)?;
    let before: Vec<_> = known.rooms().into_iter().filter(|known| known.addresses.contains(&server)).collect();
    let found = fetch_server_key(&server)?;
    if before.iter().any(|known| known.fingerprint == found) {
        return Ok(Outcome::KeyAlreadyKnown { server, found });
    }
    match requested {
        Some(requested) if requested != found => return Err(ServersCommandError::OtherKey { server, found }),
        Some(_) => {}
        None => confirm(&server, found, before.first())?,
    }
    // The rooms that were known there are expected with the new key.
    for known in &before {
        let name = Some(known.name.as_str()).filter(|name| !name.is_empty());
        KnownServers::accept(dir, &server, &found, &known.room, name)?;
    }
    if before.is_empty() {
        KnownServers::accept(dir, &server, &found, &RoomName::default(), None)?;
    }
    Ok(Outcome::KeyAccepted { server, found })
}

fn confirm(server: &HostPort, found: Fingerprint, before: Option<&KnownRoom>) -> Result<(), ServersCommandError> {
    if let Some(known) = before {
        remark(&format!("known key for {server}:  {}", show_fingerprint(&known.fingerprint)));
    }
    remark(&format!("the server's key now:  {}", show_fingerprint(&found)));
    if !io::stdin().is_terminal() {
        return Err(ServersCommandError::NotConfirmed { found });
    }
    if ask_yes("Does its operator confirm this key?")? { Ok(()) } else { Err(ServersCommandError::Declined) }
}

/// Asks on standard error. No answer, and one that is not text, means no.
pub(super) fn ask_yes(question: &str) -> io::Result<bool> {
    let _ = write!(io::stderr(), "{question} [y/N] ");
    read_yes(&mut io::stdin().lock())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_a_row() {
        let known = KnownRoom {
            fingerprint: Fingerprint([0; 20]),
            room: RoomName::new("lobby").unwrap(),
            addresses: vec!["here:7".parse().unwrap(), "there".parse().unwrap()],
            name: "anna".to_owned(),
        };
        let table = table(&[known]);
        let rows: Vec<_> = table.lines().collect();
        assert!(rows[0].starts_with("ROOM   NAME  FINGERPRINT"), "{table}");
        assert_eq!(rows[1], format!("lobby  anna  {}  here:7,there:9999", "A".repeat(32)));
    }
}
