//! `kabar servers`: which servers are known, and what to do when one is not what it was.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use kabar_core::session::Fingerprint;
use kabar_std::address::HostPort;
use kabar_std::data_dir::DataDir;
use kabar_std::invite::{DEFAULT_ROOM, RoomName, parse_fingerprint, show_fingerprint};
use kabar_std::output::remark;

use super::open;
use crate::cli::ServersAction;
use crate::exit::{Exit, ExitReport};
use crate::known_servers::{KnownRoom, KnownServers};
use crate::probe::fetch_server_key;
use crate::ui::input::read_yes;

pub(super) fn run(action: Option<ServersAction>, data_dir: Option<PathBuf>) -> Result<ExitReport, ExitReport> {
    let dir = open(data_dir)?;
    match action.unwrap_or(ServersAction::List) {
        ServersAction::List => list(&dir),
        ServersAction::Forget { target } => forget(&target, &dir),
        ServersAction::Accept { target, fingerprint } => accept(&target, fingerprint, &dir),
    }
}

fn list(dir: &DataDir) -> Result<ExitReport, ExitReport> {
    let rooms = KnownServers::load(dir).map_err(ExitReport::error)?.rooms();
    if rooms.is_empty() {
        remark("no rooms yet: kabar join INVITE, or kabar host for one of your own");
        return Ok(ExitReport::quiet(Exit::Done));
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

fn forget(target: &str, dir: &DataDir) -> Result<ExitReport, ExitReport> {
    let address: Option<HostPort> = target.parse().ok();
    let fingerprint = parse_fingerprint(target);
    let is_meant = |known: &KnownRoom| {
        known.room.as_str() == target
            || fingerprint == Some(known.fingerprint)
            || address.as_ref().is_some_and(|address| known.addresses.contains(address))
    };
    match KnownServers::forget(dir, is_meant)? {
        0 => Err(ExitReport::error(format_args!("{target} is not known: kabar servers lists what is"))),
        1 => Ok(ExitReport::new(Exit::Done, format_args!("forgotten: {target}"))),
        many => Ok(ExitReport::new(Exit::Done, format_args!("forgotten: {target} ({many} rooms)"))),
    }
}

fn accept(server: &HostPort, wanted: Option<Fingerprint>, dir: &DataDir) -> Result<ExitReport, ExitReport> {
    let room = RoomName::new(DEFAULT_ROOM).map_err(ExitReport::error)?;
    let known = KnownServers::load(dir).map_err(ExitReport::error)?;
    let before: Vec<_> = known.rooms().into_iter().filter(|known| known.addresses.contains(server)).collect();
    let found = fetch_server_key(server)?;
    let shown = show_fingerprint(&found);
    if before.iter().any(|known| known.fingerprint == found) {
        return Ok(ExitReport::new(Exit::Done, format_args!("{shown} is the key that is known at {server} already")));
    }
    match wanted {
        Some(wanted) if wanted != found => {
            return Err(ExitReport::new(
                Exit::NotTrusted,
                format_args!("not taken: the server at {server} has the key {shown}"),
            ));
        }
        Some(_) => {}
        None => ask(server, &shown, before.first())?,
    }
    // The rooms that were there are expected behind the new key.
    for known in &before {
        let name = Some(known.name.as_str()).filter(|name| !name.is_empty());
        KnownServers::accept(dir, server, &found, &known.room, name)?;
    }
    if before.is_empty() {
        KnownServers::accept(dir, server, &found, &room, None)?;
    }
    let line = format!("taken: {server} has the key {shown} from now on; a new invite or the password lets you in");
    Ok(ExitReport::new(Exit::Done, line))
}

fn ask(server: &HostPort, shown: &str, before: Option<&KnownRoom>) -> Result<(), ExitReport> {
    if let Some(known) = before {
        remark(&format!("known at {server} until now:  {}", show_fingerprint(&known.fingerprint)));
    }
    remark(&format!("the server's key is now:  {shown}"));
    if !io::stdin().is_terminal() {
        return Err(ExitReport::new(
            Exit::NotTrusted,
            format_args!("not taken: say --fingerprint {shown} if that is its key"),
        ));
    }
    if ask_yes("Is that what its operator says?")? {
        Ok(())
    } else {
        Err(ExitReport::new(Exit::NotTrusted, "not taken"))
    }
}

/// Asks on standard error; no answer, and one that is no text, is no.
pub(super) fn ask_yes(question: &str) -> Result<bool, ExitReport> {
    drop(write!(io::stderr(), "{question} [y/N] "));
    read_yes(&mut io::stdin().lock()).map_err(ExitReport::error)
}

/// To standard output; that nobody reads it is no error.
pub(super) fn print(bytes: &[u8]) -> Result<ExitReport, ExitReport> {
    let mut out = io::stdout();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(ExitReport::error(format_args!("cannot print: {error}")))
        }
        _ => Ok(ExitReport::quiet(Exit::Done)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_a_row() {
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
