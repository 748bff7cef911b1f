//! An invite: `kabar://HOST:PORT/ROOM/FINGERPRINT.SECRET`, both in base32 without padding.

use std::string::String;

use data_encoding::BASE32_NOPAD;
use kabar_core::chat::ROOM_SECRET_LEN;
use kabar_core::session::{FINGERPRINT_LEN, Fingerprint};

/// What an invite says.
#[derive(Clone, PartialEq, Eq)]
pub struct Invite {
    /// `HOST:PORT`: a name or an address.
    pub server: String,
    /// The room.
    pub room: String,
    /// The only key that the server may have.
    pub fingerprint: Fingerprint,
    /// The room's secret.
    pub secret: [u8; ROOM_SECRET_LEN],
}

impl core::fmt::Debug for Invite {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Invite").field("server", &self.server).field("room", &self.room).finish_non_exhaustive()
    }
}

/// A text that is not an invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnInvite;

impl core::fmt::Display for NotAnInvite {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("an invite reads kabar://HOST:PORT/ROOM/FINGERPRINT.SECRET")
    }
}

impl core::error::Error for NotAnInvite {}

impl core::str::FromStr for Invite {
    type Err = NotAnInvite;

    fn from_str(text: &str) -> Result<Self, NotAnInvite> {
        let rest = text.strip_prefix("kabar://").ok_or(NotAnInvite)?;
        let mut parts = rest.split('/');
        let (Some(server), Some(room), Some(keys), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NotAnInvite);
        };
        let (host, port) = server.rsplit_once(':').ok_or(NotAnInvite)?;
        let (fingerprint, secret) = keys.split_once('.').ok_or(NotAnInvite)?;
        if host.is_empty() || room.is_empty() || !port.parse::<u16>().is_ok_and(|port| port != 0) {
            return Err(NotAnInvite);
        }
        Ok(Self {
            server: server.into(),
            room: room.into(),
            fingerprint: Fingerprint(base32::<FINGERPRINT_LEN>(fingerprint)?),
            secret: base32(secret)?,
        })
    }
}

fn base32<const LEN: usize>(text: &str) -> Result<[u8; LEN], NotAnInvite> {
    let bytes = BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).map_err(|_| NotAnInvite)?;
    bytes.try_into().map_err(|_| NotAnInvite)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINGERPRINT: &str = "AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT";
    const SECRET: &str = "77777777777777777777777774";

    #[test]
    fn reads_what_an_invite_says() {
        let invite: Invite = std::format!("kabar://[2001:db8::1]:9999/lobby/{FINGERPRINT}.{SECRET}").parse().unwrap();
        assert_eq!(invite.server, "[2001:db8::1]:9999");
        assert_eq!(invite.room, "lobby");
        assert_eq!(invite.fingerprint, Fingerprint(core::array::from_fn(|at| at as u8)));
        assert_eq!(invite.secret, [0xff; 16]);
        assert!(!std::format!("{invite:?}").contains("255"));
    }

    #[test]
    fn rejects_every_part_that_is_missing_or_wrong() {
        let whole = std::format!("kabar://host:9999/lobby/{FINGERPRINT}.{SECRET}");
        assert!(whole.parse::<Invite>().is_ok());
        for (from, to) in [
            ("kabar://", "http://"),
            ("host", ""),
            (":9999", ""),
            (":9999", ":0"),
            (":9999", ":99999"),
            ("/lobby", ""),
            ("lobby", ""),
            (".", ""),
            ("/lobby/", "/lobby/more/"),
            ("AAAQ", "AAA"),
            ("AAAQ", "AAA1"),
            ("7774", "7777"),
            ("7774", "77"),
        ] {
            assert_eq!(whole.replace(from, to).parse::<Invite>(), Err(NotAnInvite), "{from:?} as {to:?}");
        }
        assert_eq!(whole[..whole.len() - 1].parse::<Invite>(), Err(NotAnInvite));
    }
}
