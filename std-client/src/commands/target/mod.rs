//! The target of `kabar join`: an invite, a host, or a room that is known. Resolves no names.

use kabar_std::address::Places;
use kabar_std::data_dir::{DataDir, FileError};
use kabar_std::invite::{Invite, RoomName, SCHEME};
use kabar_std::reading::trim_pasted;

use crate::known_servers::{KnownRoom, KnownServers};
use crate::outcome::TargetError;

/// A parsed target.
#[derive(Debug, PartialEq, Eq)]
pub enum Target {
    /// An invite.
    Invite(Invite),
    /// Addresses of a server.
    Server(Places),
    /// The name of a known room, or else of a host.
    Word(String),
}

impl Target {
    /// Parses what was typed or pasted.
    ///
    /// # Errors
    /// [`TargetError::Invite`], [`TargetError::Address`].
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let text = trim_pasted(text);
        // Any scheme means an invite, so that the error about a mistyped one names its scheme.
        if text.contains("://") || text.starts_with(SCHEME) {
            return Ok(Self::Invite(text.parse()?));
        }
        if RoomName::new(text).is_ok() {
            return Ok(Self::Word(text.to_owned()));
        }
        Ok(Self::Server(text.parse()?))
    }
}

/// Returns the addresses of an invite that can be used. A link-local one needs an interface of this
/// computer, which only a person can add.
///
/// # Errors
/// [`TargetError::NoUsableAddress`].
pub fn usable_places(places: Places) -> Result<Places, TargetError> {
    let usable = places.iter().filter(|place| place.host.check_zone().is_ok()).cloned();
    match (Places::of(usable), places.first().host.check_zone()) {
        (None, Err(error)) => Err(TargetError::NoUsableAddress(error)),
        (usable, _) => Ok(usable.unwrap_or(places)),
    }
}

/// What a word means as a target.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// A known room.
    Room(Places, RoomName),
    /// A host.
    Host(Places),
}

/// Returns the known room with the name `word`; if there is none, the host of this name.
///
/// # Errors
/// [`TargetError::Ambiguous`], [`TargetError::Address`]; outside, [`FileError`].
pub fn find_room(word: &str, dir: &DataDir) -> Result<Result<Found, TargetError>, FileError> {
    let rooms = KnownServers::load(dir)?.rooms();
    let is_named = |known: &KnownRoom| known.room.as_str() == word;
    let mut found: Vec<_> = rooms
        .into_iter()
        .filter(is_named)
        .filter_map(|known| Some((Places::of(known.addresses)?, known.room)))
        .collect();
    Ok(match (found.pop(), found.is_empty()) {
        (None, _) => word.parse().map(Found::Host).map_err(TargetError::Address),
        (Some((places, room)), true) => Ok(Found::Room(places, room)),
        (Some(last), false) => {
            found.push(last);
            Err(TargetError::Ambiguous(found))
        }
    })
}

#[cfg(test)]
mod tests;
