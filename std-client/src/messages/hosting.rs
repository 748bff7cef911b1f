//! The first screen of `kabar host`, before the session: how others join.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use kabar_std::address::AddressError;
use kabar_std::advertise::Found;
use kabar_std::invite::Invite;

/// The key is being generated, which takes a moment.
pub const GENERATING_KEY: &str = "generating the server key (once) ...";

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
    let reach = match open_port {
        Some(_) => "Others on this network join with:",
        None => "With this address only this computer can join:",
    };
    let mut screen = format!(
        "Kabar room \"{room}\", hosted on this computer (history: {history})\n\
         {reach}\n  kabar join {invite}",
        room = invite.room,
        history = from_home(history),
    );
    if !candidates.is_empty() {
        screen
            .push_str("\nThis computer's addresses (the invite names those marked *; --advertise HOST names others):");
    }
    for (found, is_named) in *candidates {
        let _ = write!(screen, "\n  {} {found}", if *is_named { '*' } else { ' ' });
    }
    if let Some(why) = missing_zone {
        let _ = write!(screen, "\nTo join, people add an interface of their computer to the invite: {why}");
    }
    if let Some(port) = open_port {
        let _ = write!(screen, "\nIf they cannot reach you: allow UDP port {port} in this computer's firewall.");
    }
    screen
}

/// Formats a path relative to the home directory, if it is in it.
fn from_home(path: &Path) -> String {
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    match home.and_then(|home| path.strip_prefix(home).ok().map(Path::to_path_buf)) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}
