//! An invite: `kabar://HOST:PORT/ROOM/FINGERPRINT.SECRET`, both in base32 without padding. It may name
//! up to eight addresses, with commas between them; a device takes those of IPv4.

use std::net::{SocketAddr, ToSocketAddrs};
use std::string::String;
use std::vec::Vec;

use data_encoding::BASE32_NOPAD;
use kabar_core::chat::ROOM_SECRET_LEN;
use kabar_core::session::{FINGERPRINT_LEN, Fingerprint};

/// Most addresses of an invite.
const MAX_SERVERS: usize = 8;

/// What an invite says.
#[derive(Clone, PartialEq, Eq)]
pub struct Invite {
    /// `HOST:PORT` each, a name or an address; the best first, one at least.
    pub servers: Vec<String>,
    /// The room.
    pub room: String,
    /// The only key that the server may have.
    pub fingerprint: Fingerprint,
    /// The room's secret.
    pub secret: [u8; ROOM_SECRET_LEN],
}

impl core::fmt::Debug for Invite {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Invite").field("servers", &self.servers).field("room", &self.room).finish_non_exhaustive()
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
        let (Some(servers), Some(room), Some(keys), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NotAnInvite);
        };
        let (fingerprint, secret) = keys.split_once('.').ok_or(NotAnInvite)?;
        let is_address = |server: &str| {
            let port =
                server.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port.parse::<u16>());
            matches!(port, Some(Ok(1..)))
        };
        let servers: Vec<String> = servers.split(',').map(String::from).collect();
        if room.is_empty() || servers.len() > MAX_SERVERS || !servers.iter().all(|server| is_address(server)) {
            return Err(NotAnInvite);
        }
        Ok(Self {
            servers,
            room: room.into(),
            fingerprint: Fingerprint(base32::<FINGERPRINT_LEN>(fingerprint)?),
            secret: base32(secret)?,
        })
    }
}

impl Invite {
    /// The IPv4 addresses of the server, each once, in order. A name that means nothing is left out.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let mut all = Vec::new();
        let found = self.servers.iter().filter_map(|server| server.to_socket_addrs().ok()).flatten();
        for address in found.filter(SocketAddr::is_ipv4) {
            if !all.contains(&address) && all.len() < MAX_SERVERS {
                all.push(address);
            }
        }
        all
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
        assert_eq!(invite.servers, ["[2001:db8::1]:9999"]);
        assert_eq!(invite.room, "lobby");
        assert_eq!(invite.fingerprint, Fingerprint(core::array::from_fn(|at| at as u8)));
        assert_eq!(invite.secret, [0xff; 16]);
        assert!(!std::format!("{invite:?}").contains("255"));
    }

    #[test]
    fn takes_the_ipv4_addresses_of_several() {
        let parse = |servers: &str| std::format!("kabar://{servers}/lobby/{FINGERPRINT}.{SECRET}").parse::<Invite>();
        let addresses = |servers: &str| parse(servers).unwrap().addresses();
        let (first, second): (SocketAddr, SocketAddr) =
            ("192.0.2.1:7".parse().unwrap(), "192.0.2.2:8".parse().unwrap());
        assert_eq!(addresses("192.0.2.1:7,192.0.2.2:8"), [first, second]);
        assert_eq!(addresses("fd00::1:9,[fd00::1]:9,192.0.2.2:8,192.0.2.1:7,192.0.2.2:8"), [second, first]);
        assert_eq!(addresses("[fd00::1]:9"), []);
        for wrong in ["192.0.2.1:7,", ",192.0.2.1:7", "192.0.2.1:7,host", "a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1"] {
            assert_eq!(parse(wrong), Err(NotAnInvite), "{wrong}");
        }
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
