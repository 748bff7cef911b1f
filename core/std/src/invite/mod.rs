//! Invites: one line with the addresses of a server, a room, the fingerprint of the server's key,
//! and the secret of the room.
//!
//! ```text
//! kabar://HOST:PORT,HOST:PORT/ROOM/FINGERPRINT.SECRET
//!
//! invite    = "kabar://" address *7("," address) "/" room "/" fingerprint "." secret
//! address   = host ":" port         ; the last colon separates the port, which is never left out
//! host      = IPv4 / name / IPv6 [zone] / "[" IPv6 [zone] "]"
//! zone      = ("%25" / "%") 1*15(ALPHA / DIGIT / "." / "-" / "_")
//! ```
//! An invite has up to [`MAX_PLACES`] addresses of one server, the best first; a client tries them
//! together. Duplicates count once. It consists of letters, digits and `. , : / - _` only, so that
//! it can be pasted unquoted into any shell: an IPv6 address is written without brackets, which zsh
//! and csh take for a pattern, and read with or without. Fingerprint and secret are base32 without
//! padding.
//!
//! A server never writes a zone, because the name of an interface is valid on one computer only
//! (RFC 9844). Somebody who joins by an invite with a link-local address adds an interface of their
//! computer, as `%` or as the `%25` of URLs (RFC 6874). The text after `%25` is the zone, so
//! interface number 25 alone is written `%2525`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use kabar_core::base32;
use kabar_core::chat::{MAX_NAME_LEN, ROOM_SECRET_LEN};
use kabar_core::invite::{InviteParts, is_room_name};
pub use kabar_core::invite::{ParseInviteError, SCHEME};
use kabar_core::session::Fingerprint;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::address::{AddressError, HostPort, MAX_PLACES, Places};

/// The room to use when none is named.
pub const DEFAULT_ROOM: &str = "lobby";

/// Everything that is needed to join a room. Anyone who has it can join, so print it on purpose
/// only.
#[derive(Clone, PartialEq, Eq)]
pub struct Invite {
    /// The addresses of the server.
    pub places: Places,
    /// The room.
    pub room: RoomName,
    /// The fingerprint of the server's key.
    pub fingerprint: Fingerprint,
    /// The room's secret.
    pub secret: RoomSecret,
}

/// The name of a room: 1 to 32 lower-case ASCII letters, digits, `-` and `_` (SPEC 6.6).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomName(String);

/// A room's secret. Zeroized when dropped; `Debug` does not print it.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct RoomSecret([u8; ROOM_SECRET_LEN]);

/// A text is not a valid invite; names the part that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InviteError {
    /// It does not have the parts of an invite.
    #[error(transparent)]
    Parts(#[from] ParseInviteError),
    /// A host has no port.
    #[error("the invite has no port after its host")]
    NoPort,
    /// More than [`MAX_PLACES`] addresses.
    #[error("the invite names more than {MAX_PLACES} addresses")]
    TooMany,
    /// A host or port is invalid.
    #[error("the invite is damaged: {0}")]
    Address(AddressError),
}

/// A text is not a valid room name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a room's name is 1 to {MAX_NAME_LEN} of a to z, 0 to 9, - and _")]
pub struct InvalidRoomName;

impl FromStr for Invite {
    type Err = InviteError;

    fn from_str(text: &str) -> Result<Self, InviteError> {
        let InviteParts { addresses, room, fingerprint, secret } = InviteParts::parse(text.trim())?;
        let places = parse_places(addresses)?;
        let (room, secret) = (RoomName(room.to_owned()), RoomSecret(secret));
        Ok(Self { places, room, fingerprint, secret })
    }
}

fn parse_places(text: &str) -> Result<Places, InviteError> {
    let parts = text.split(',');
    if parts.clone().count() > MAX_PLACES {
        return Err(InviteError::TooMany);
    }
    let parse = |part: &str| {
        let (host, port) = part.rsplit_once(':').ok_or(InviteError::NoPort)?;
        // A URL writes the percent sign before a zone as `%25`; nothing after it means a literal
        // zone.
        let host = match host.split_once("%25") {
            Some((ip, zone)) if !zone.trim_end_matches(']').is_empty() => Cow::from(format!("{ip}%{zone}")),
            _ => Cow::from(host),
        };
        HostPort::from_parts(&host, port).map_err(InviteError::Address)
    };
    let all = parts.map(parse).collect::<Result<Vec<_>, _>>()?;
    Places::of(all).ok_or(InviteError::NoPort)
}

impl fmt::Display for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { places, room, fingerprint, secret } = self;
        f.write_str(SCHEME)?;
        for (at, HostPort { host, port }) in places.iter().enumerate() {
            write!(f, "{}{host}:{port}", if at == 0 { "" } else { "," })?;
        }
        write!(f, "/{room}/{}.{}", show_fingerprint(fingerprint), secret.to_base32())
    }
}

impl fmt::Debug for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invite").field("places", &self.places).field("room", &self.room).finish_non_exhaustive()
    }
}

impl RoomName {
    /// Checks a room's name.
    ///
    /// # Errors
    /// [`InvalidRoomName`].
    pub fn new(name: &str) -> Result<Self, InvalidRoomName> {
        if !is_room_name(name) {
            return Err(InvalidRoomName);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The [`DEFAULT_ROOM`].
impl Default for RoomName {
    fn default() -> Self {
        Self(DEFAULT_ROOM.to_owned())
    }
}

impl FromStr for RoomName {
    type Err = InvalidRoomName;

    fn from_str(name: &str) -> Result<Self, InvalidRoomName> {
        Self::new(name)
    }
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl RoomSecret {
    /// Wraps 128 random bits.
    #[must_use]
    pub const fn new(bytes: [u8; ROOM_SECRET_LEN]) -> Self {
        Self(bytes)
    }

    /// The secret bytes.
    #[must_use]
    pub const fn expose(&self) -> &[u8; ROOM_SECRET_LEN] {
        &self.0
    }

    /// Parses the output of [`RoomSecret::to_base32`]; `None` if it is anything else.
    #[must_use]
    pub fn from_base32(text: &str) -> Option<Self> {
        base32::decode(text).map(Self)
    }

    /// Encodes the secret as in an invite.
    #[must_use]
    pub fn to_base32(&self) -> String {
        base32::encode(&self.0, &mut [0; base32::MAX_TEXT_LEN]).to_owned()
    }
}

impl fmt::Debug for RoomSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoomSecret(..)")
    }
}

/// Reads [`show_fingerprint`].
#[must_use]
pub fn parse_fingerprint(text: &str) -> Option<Fingerprint> {
    text.parse().ok()
}

/// A fingerprint as people compare it: 32 characters of base32.
#[must_use]
pub fn show_fingerprint(fingerprint: &Fingerprint) -> String {
    fingerprint.to_string()
}

#[cfg(test)]
mod tests;
