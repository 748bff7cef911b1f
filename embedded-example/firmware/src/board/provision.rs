//! The device's identity, and the room that it joins.
//!
//! | value | valid | where a product keeps it |
//! |---|---|---|
//! | identity: seed and public half | permanently: it owns the name | in a page of flash written in the factory, read-protected |
//! | randomness seed | for one start | in a page of flash, replaced before it is used (`kabar_device::seed`), or drawn from the part's generator |
//! | invite (server, its key, room, secret), name | until it is reconfigured | in a page of flash |
//!
//! Here all of it comes from the emulator's command line, which is for tests only: the list of
//! processes shows the seeds. A product replaces [`read`] by reading its flash, and gets its
//! generator like this, so that no seed is used twice:
//!
//! ```text
//! let mut rng = kabar_device::seed::take(&mut SeedPage)?;   // SeedPage: a SeedStore over the part's flash
//! ```
//!
//! ```text
//! seed=HEX64 identity=HEX128 invite=kabar://A.B.C.D:PORT/ROOM/FINGERPRINT.SECRET name=NAME
//! ip=dhcp|A.B.C.D/LEN [gateway=A.B.C.D] [every=MS] [readings=COUNT]
//! ```
//!
//! The device uses the first IPv4 address in the invite: it resolves no names. With `link=serial`
//! it uses its serial port, and needs neither an address in the invite nor `ip`.

use core::mem::MaybeUninit;
use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use chacha20::ChaCha20Rng;
use kabar_core::chat::ROOM_SECRET_LEN;
use kabar_core::crypto::identity::{Identity, SEED_LEN};
use kabar_core::invite::InviteParts;
use kabar_core::session::Fingerprint;
use kabar_core::time::Duration;
use kabar_device::Addressing;
use kabar_device::link::SERIAL_PEER;
use rand_core::SeedableRng as _;
use smoltcp::wire::Ipv4Cidr;

use super::LinkKind;

/// Longest command line in bytes.
const MAX_LEN: usize = 512;
/// Time between two readings, unless `every` overrides it.
const INTERVAL: Duration = Duration::from_secs(30);

/// The command line, from which names are borrowed.
pub struct Text([MaybeUninit<u8>; MAX_LEN]);

impl Default for Text {
    /// Empty.
    fn default() -> Self {
        Self([MaybeUninit::uninit(); MAX_LEN])
    }
}

/// See the module's documentation.
pub struct Provision<'a> {
    /// The key that owns the name.
    pub identity: Identity,
    /// The link to the server.
    pub link: LinkKind,
    /// The server's address.
    pub server: SocketAddr,
    /// The server's key.
    pub fingerprint: Fingerprint,
    /// The room.
    pub room: &'a str,
    /// Its secret.
    pub secret: [u8; ROOM_SECRET_LEN],
    /// The requested name.
    pub name: &'a str,
    /// Time between two readings.
    pub interval: Duration,
    /// Leave after this number of readings.
    pub readings: Option<u32>,
}

/// The part of the configuration that is missing or malformed.
#[derive(Clone, Copy, defmt::Format)]
pub enum ProvisionError {
    /// The whole command line.
    All,
    /// One of its words.
    Word(defmt::Str),
}

/// Reads all of it, and the generator for this start.
pub fn read(text: &mut Text) -> Result<(Provision<'_>, ChaCha20Rng), ProvisionError> {
    let line = semihosting::sys::arm_compat::sys_get_cmdline_uninit(&mut text.0).map_err(|_| ProvisionError::All)?;
    let line = core::str::from_utf8(line).map_err(|_| ProvisionError::All)?;
    let word =
        |key: &str| line.trim_end_matches('\0').split(' ').find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    let missing = ProvisionError::Word;

    let seed = word("seed").and_then(hex).ok_or(missing(defmt::intern!("seed")))?;
    let identity = word("identity").and_then(identity).ok_or(missing(defmt::intern!("identity")))?;
    let invite = word("invite").and_then(|invite| InviteParts::parse(invite).ok());
    let invite = invite.ok_or(missing(defmt::intern!("invite")))?;
    let (link, server) = match word("link") {
        Some("serial") => (LinkKind::Serial, SERIAL_PEER),
        Some(_) => return Err(missing(defmt::intern!("link"))),
        None => {
            let ip = word("ip").and_then(|ip| addressing(ip, word("gateway")));
            let ip = ip.ok_or(missing(defmt::intern!("ip")))?;
            let server = invite.addresses.split(',').find_map(server);
            (LinkKind::Ip(ip), server.ok_or(missing(defmt::intern!("invite")))?)
        }
    };
    let provision = Provision {
        identity,
        link,
        server,
        fingerprint: invite.fingerprint,
        room: invite.room,
        secret: invite.secret,
        name: word("name").ok_or(missing(defmt::intern!("name")))?,
        interval: match word("every") {
            Some(every) => number(every, u32::MAX)
                .map(|ms| Duration::from_millis(ms.into()))
                .ok_or(missing(defmt::intern!("every")))?,
            None => INTERVAL,
        },
        readings: match word("readings") {
            Some(readings) => Some(number(readings, u32::MAX).ok_or(missing(defmt::intern!("readings")))?),
            None => None,
        },
    };
    if provision.interval == Duration::ZERO {
        return Err(missing(defmt::intern!("every")));
    }
    defmt::warn!("seeds from the command line: for tests only");
    Ok((provision, ChaCha20Rng::from_seed(seed)))
}

/// A decimal number of at most `most`.
fn number(text: &str, most: u32) -> Option<u32> {
    let value = |digit| char::from(digit).to_digit(10);
    let append = |number: u32, digit| number.checked_mul(10)?.checked_add(value(digit)?);
    (!text.is_empty()).then_some(())?;
    text.bytes().try_fold(0, append).filter(|&number| number <= most)
}

fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let mut parts = text.split('.');
    let mut octets = [0; 4];
    for octet in &mut octets {
        *octet = u8::try_from(number(parts.next()?, 255)?).ok()?;
    }
    parts.next().is_none().then_some(Ipv4Addr::from(octets))
}

fn server(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::try_from(number(port, u16::MAX.into())?).ok().filter(|&port| port != 0)?;
    Some(SocketAddr::V4(SocketAddrV4::new(ipv4(ip)?, port)))
}

fn addressing(ip: &str, gateway: Option<&str>) -> Option<Addressing> {
    if ip == "dhcp" {
        return Some(Addressing::Dhcp);
    }
    let (ip, prefix_len) = ip.split_once('/')?;
    let ip = ipv4(ip).filter(|ip| !ip.is_unspecified() && !ip.is_multicast() && !ip.is_broadcast())?;
    let prefix_len = u8::try_from(number(prefix_len, 32)?).ok()?;
    let gateway = match gateway {
        Some(gateway) => Some(ipv4(gateway)?),
        None => None,
    };
    Some(Addressing::Static { address: Ipv4Cidr::new(ip, prefix_len), gateway })
}

/// Seed and public half, which is computed in the factory and not at each start.
fn identity(text: &str) -> Option<Identity> {
    let (seed, public) = text.split_at_checked(2 * SEED_LEN)?;
    Identity::from_keypair_unchecked(&hex(seed)?, &hex(public)?)
}

/// Exactly `LEN` bytes in hexadecimal.
fn hex<const LEN: usize>(text: &str) -> Option<[u8; LEN]> {
    let mut out = [0; LEN];
    let mut digits = text.bytes().map(|digit| char::from(digit).to_digit(16));
    for byte in &mut out {
        *byte = (digits.next()?? << 4 | digits.next()??) as u8;
    }
    digits.next().is_none().then_some(out)
}
