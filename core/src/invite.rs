//! The text of an invite: where the server of a room is, and what a member needs to join it.
//!
//! ```text
//! kabar://ADDRESSES/ROOM/FINGERPRINT.SECRET
//! ```
//!
//! ADDRESSES are one or more of `HOST:PORT` with commas between them. What a host may be depends on
//! who connects, so the addresses are not parsed here. Fingerprint and secret are [`base32`].

use core::fmt;

use crate::base32;
use crate::chat::{MAX_NAME_LEN, ROOM_SECRET_LEN};
use crate::session::Fingerprint;

/// The scheme of an invite.
pub const SCHEME: &str = "kabar://";

/// The parts of an invite. Anyone who has them can join.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InviteParts<'a> {
    /// The server's addresses, as they are written.
    pub addresses: &'a str,
    /// The room; its name is valid.
    pub room: &'a str,
    /// The fingerprint of the server's key.
    pub fingerprint: Fingerprint,
    /// The room's secret.
    pub secret: [u8; ROOM_SECRET_LEN],
}

/// The part of a text because of which it is not an invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseInviteError {
    /// It does not begin with [`SCHEME`].
    Scheme,
    /// It ends too early.
    CutOff,
    /// The room's name is invalid.
    Room,
    /// The fingerprint is invalid.
    Fingerprint,
    /// The secret is invalid.
    Secret,
}

impl<'a> InviteParts<'a> {
    /// Parses an invite. Its scheme, its fingerprint and its secret may be in either case.
    ///
    /// # Errors
    /// [`ParseInviteError`]
    pub fn parse(text: &'a str) -> Result<Self, ParseInviteError> {
        let (scheme, rest) = text.split_at_checked(SCHEME.len()).ok_or(ParseInviteError::Scheme)?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(ParseInviteError::Scheme);
        }
        let (addresses, rest) = rest.split_once('/').ok_or(ParseInviteError::CutOff)?;
        let (room, keys) = rest.split_once('/').ok_or(ParseInviteError::CutOff)?;
        if !is_room_name(room) {
            return Err(ParseInviteError::Room);
        }
        let (fingerprint, secret) = keys.split_once('.').ok_or(ParseInviteError::CutOff)?;
        let fingerprint = fingerprint.parse().map_err(|_| ParseInviteError::Fingerprint)?;
        let secret = base32::decode(secret).ok_or(ParseInviteError::Secret)?;
        Ok(Self { addresses, room, fingerprint, secret })
    }
}

impl fmt::Debug for InviteParts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InviteParts")
            .field("addresses", &self.addresses)
            .field("room", &self.room)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for ParseInviteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "an invite begins with kabar://",
            Self::CutOff => "the invite is cut off: it is kabar://HOST:PORT/ROOM/FINGERPRINT.SECRET",
            Self::Room => "the invite is damaged: a room's name is 1 to 32 of a to z, 0 to 9, - and _",
            Self::Fingerprint => "the invite is damaged: the fingerprint is not 32 characters of base32",
            Self::Secret => "the invite is damaged: the secret at its end is not 26 characters of base32",
        })
    }
}

impl core::error::Error for ParseInviteError {}

/// Whether `name` may be the name of a room: 1 to [`MAX_NAME_LEN`] of a to z, 0 to 9, `-` and `_`,
/// and not `server` (SPEC 6.6).
#[must_use]
pub fn is_room_name(name: &str) -> bool {
    let is_allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    (1..=MAX_NAME_LEN).contains(&name.len()) && name.bytes().all(is_allowed) && name != "server"
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &str =
        "kabar://192.0.2.1:9999,[::1]:7/lobby/AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT.AAAQEAYEAUDAOCAJBIFQYDIOB4";

    #[test]
    fn splits_an_invite_into_its_parts() {
        let parts = InviteParts::parse(INVITE).unwrap();
        assert_eq!((parts.addresses, parts.room), ("192.0.2.1:9999,[::1]:7", "lobby"));
        assert_eq!(parts.fingerprint, Fingerprint(core::array::from_fn(|at| at as u8)));
        assert_eq!(parts.secret, core::array::from_fn(|at| at as u8));
        assert_eq!(InviteParts::parse(&INVITE.to_lowercase()), Ok(parts));
    }

    #[test]
    fn reports_the_invalid_part() {
        use ParseInviteError::{CutOff, Fingerprint, Room, Scheme, Secret};
        let parse = |from: &str, to: &str| InviteParts::parse(&INVITE.replacen(from, to, 1)).err();
        assert_eq!(parse("kabar:", "http:"), Some(Scheme));
        assert_eq!(parse("kabar://", "kabar:/"), Some(Scheme));
        assert_eq!(parse("lobby/", ""), Some(CutOff));
        assert_eq!(parse("T.A", "TA"), Some(CutOff));
        assert_eq!(parse("lobby", "Lobby"), Some(Room));
        assert_eq!(parse("lobby", "server"), Some(Room));
        assert_eq!(parse("AAAQ", "AAA1"), Some(Fingerprint));
        assert_eq!(parse(".AAAQ", ".AAA"), Some(Secret));
        assert_eq!(InviteParts::parse("").err(), Some(Scheme));
        assert_eq!(InviteParts::parse("kabar://").err(), Some(CutOff));
        // The secret has one text: the two unused bits of its last character are zero.
        assert_eq!(InviteParts::parse(&std::format!("{}5", &INVITE[..INVITE.len() - 1])).err(), Some(Secret));
    }

    #[test]
    fn does_not_print_its_secret() {
        let shown = std::format!("{:?}", InviteParts::parse(INVITE).unwrap());
        assert!(shown.contains("lobby") && !shown.contains("secret"), "{shown}");
    }
}
