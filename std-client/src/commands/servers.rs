//! `kabar servers`: lists and forgets known servers, and accepts another key of one.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::Subcommand;
use kabar_core::session::Fingerprint;
use kabar_std::address::HostPort;
use kabar_std::data_dir::DataDir;
use kabar_std::invite::{RoomName, parse_fingerprint};
use kabar_std::output::remark;

use super::arguments::fingerprint;
use super::{ask_yes, open, print};
use crate::known_servers::{KnownRoom, KnownServers};
use crate::messages::{lists, questions};
use crate::outcome::{CommandError, Outcome, ServersCommandError};
use crate::probe::fetch_server_key;

/// `kabar servers`.
#[derive(Debug, Subcommand)]
pub enum ServersAction {
    /// List rooms, your name there, the fingerprint of the server's key, and its addresses.
    List,
    /// Forget a room, an address or a fingerprint, together with the room's secret.
    Forget {
        /// The room, address or fingerprint.
        #[arg(value_name = "ROOM|HOST[:PORT]|FINGERPRINT")]
        target: String,
    },
    /// Fetch the key that a server has now, and accept it. Use this when a server's key has changed
    /// and you know why.
    Accept {
        /// The address of the server.
        #[arg(value_name = "HOST[:PORT]")]
        target: HostPort,
        /// Accept it without asking if it is this one.
        #[arg(long, value_name = "FINGERPRINT", value_parser = fingerprint)]
        fingerprint: Option<Fingerprint>,
    },
}

pub(crate) fn run(action: Option<ServersAction>, data_dir: Option<PathBuf>) -> Result<Outcome, CommandError> {
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
        remark(&lists::no_rooms());
        return Ok(Outcome::Done);
    }
    print(lists::rooms(&rooms).as_bytes())
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
        remark(&questions::known_key(server, &known.fingerprint));
    }
    remark(&questions::present_key(&found));
    if !io::stdin().is_terminal() {
        return Err(ServersCommandError::NotConfirmed { found });
    }
    if ask_yes(&questions::confirm_key())? { Ok(()) } else { Err(ServersCommandError::Declined) }
}
