//! The first screen of `kabar host`, before the session: how others join.

use std::path::{Path, PathBuf};

use kabar_std::address::AddressError;
use kabar_std::advertise::Found;
use kabar_std::interfaces::Kind;
use kabar_std::invite::Invite;

use super::reasons;
use crate::language::message;

/// The key is being generated, which takes a moment.
#[must_use]
pub fn generating_key() -> String {
    message!("host-generating-key")
}

/// A room that is hosted on this computer.
#[derive(Debug)]
pub struct HostedRoom<'a> {
    /// The invite.
    pub invite: &'a Invite,
    /// Addresses of this computer, and whether the invite names them.
    pub candidates: &'a [(&'a Found, bool)],
    /// Set if an address in the invite needs an interface of the computer that joins.
    pub missing_zone: Option<AddressError>,
    /// The UDP port, if other computers can reach the room.
    pub open_port: Option<u16>,
    /// The path of the history.
    pub history: &'a Path,
}

/// Returns the text about a room that is hosted.
#[must_use]
pub fn first_screen(hosted: &HostedRoom<'_>) -> String {
    let HostedRoom { invite, candidates, missing_zone, open_port, history } = hosted;
    let mut lines = vec![
        message!("host-room", room = %invite.room, history = from_home(history)),
        if open_port.is_some() { message!("host-reachable") } else { message!("host-local") },
        format!("  kabar join {invite}"),
    ];
    if !candidates.is_empty() {
        lines.push(message!("host-addresses"));
    }
    let row =
        |(found, is_named): &(&Found, bool)| format!("  {} {}", if *is_named { '*' } else { ' ' }, address(found));
    lines.extend(candidates.iter().map(row));
    lines.extend(missing_zone.as_ref().map(|why| message!("host-interface", reason = reasons::address(why))));
    lines.extend(open_port.map(|port| message!("host-firewall", port = port.to_string())));
    lines.join("\n")
}

/// Formats an address with its interface, and the kind of that if it matters.
fn address(found: &Found) -> String {
    let kind = match found.kind {
        Kind::Card | Kind::Other => None,
        Kind::Vpn => Some(message!("interface-vpn")),
        Kind::Container => Some(message!("interface-container")),
        Kind::VirtualMachine => Some(message!("interface-virtual-machine")),
        Kind::Loopback => Some(message!("interface-loopback")),
    };
    let name = Some(found.interface.clone()).filter(|name| !name.is_empty());
    let remarks: Vec<_> = name.into_iter().chain(kind).collect();
    if remarks.is_empty() { found.ip.to_string() } else { format!("{} ({})", found.ip, remarks.join(", ")) }
}

/// Formats a path relative to the home directory, if it is in it.
fn from_home(path: &Path) -> String {
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    match home.and_then(|home| path.strip_prefix(home).ok().map(Path::to_path_buf)) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}
