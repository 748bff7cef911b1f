//! Who the device is and where it belongs.
//!
//! | what | how long | a product keeps it |
//! |---|---|---|
//! | identity: seed and public half | for ever: it owns the name | in a page of flash written in the factory, read-protected |
//! | randomness seed | for one start | in a page of flash, replaced before it is used (`kabar_embedded_example::seed`), or drawn from the part's own generator |
//! | server, fingerprint, room, secret, name | until somebody moves it | in a page of flash, from the invite, over whatever configures it |
//!
//! Here it all comes from the emulator's command line, which is for tests: whoever sees the list of processes sees the seeds. A
//! product replaces [`read`] by reading its flash, and gets its generator so, which leaves no way to use a seed twice:
//!
//! ```text
//! let mut rng = kabar_embedded_example::seed::take(&mut SeedPage)?;      // SeedPage: SeedStore, 20 lines over the part's flash
//! ```
//!
//! ```text
//! seed=HEX64 identity=HEX128 server=A.B.C.D:PORT fingerprint=BASE32 room=NAME secret=BASE32 name=NAME
//! ip=dhcp|A.B.C.D/LEN [gateway=A.B.C.D] [every=MS] [readings=COUNT]
//! ```
//!
//! With `link=serial` it uses its serial port, and needs neither `server` nor `ip`.

use core::mem::MaybeUninit;
use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use chacha20::ChaCha20Rng;
use kabar_core::chat::ROOM_SECRET_LEN;
use kabar_core::crypto::identity::{Identity, SEED_LEN};
use kabar_core::session::Fingerprint;
use kabar_core::time::Duration;
use kabar_embedded_example::Addressing;
use kabar_embedded_example::link::FAR_END;
use rand_core::SeedableRng as _;
use smoltcp::wire::Ipv4Cidr;

use super::Wire;

/// Longest command line in bytes.
const MAX_LEN: usize = 512;
/// Time between two readings, unless `every` says another.
const EVERY: Duration = Duration::from_secs(30);

/// The memory that names are borrowed from.
pub struct Text([MaybeUninit<u8>; MAX_LEN]);

impl Default for Text {
    /// Empty.
    fn default() -> Self {
        Self([MaybeUninit::uninit(); MAX_LEN])
    }
}

/// See the module's documentation.
pub struct Provision<'a> {
    /// What owns the name.
    pub identity: Identity,
    /// Its way to the server.
    pub wire: Wire,
    /// Where the server is.
    pub server: SocketAddr,
    /// The server's key.
    pub fingerprint: Fingerprint,
    /// The room.
    pub room: &'a str,
    /// Its secret.
    pub secret: [u8; ROOM_SECRET_LEN],
    /// The name wanted.
    pub name: &'a str,
    /// Time between two readings.
    pub every: Duration,
    /// Leave after so many.
    pub readings: Option<u32>,
}

/// What is missing or malformed.
#[derive(Clone, Copy, defmt::Format)]
pub enum Missing {
    /// The whole command line.
    All,
    /// One of its words.
    Word(defmt::Str),
}

/// All of it, and the generator for this start.
pub fn read(text: &mut Text) -> Result<(Provision<'_>, ChaCha20Rng), Missing> {
    let line = semihosting::sys::arm_compat::sys_get_cmdline_uninit(&mut text.0).map_err(|_| Missing::All)?;
    let line = core::str::from_utf8(line).map_err(|_| Missing::All)?;
    let word =
        |key: &str| line.trim_end_matches('\0').split(' ').find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    let missing = Missing::Word;

    let seed = word("seed").and_then(hex).ok_or(missing(defmt::intern!("seed")))?;
    let identity = word("identity").and_then(identity).ok_or(missing(defmt::intern!("identity")))?;
    let (wire, server) = match word("link") {
        Some("serial") => (Wire::Serial, FAR_END),
        Some(_) => return Err(missing(defmt::intern!("link"))),
        None => {
            let ip = word("ip").and_then(|ip| addressing(ip, word("gateway")));
            let server = word("server").and_then(server);
            let ip = ip.ok_or(missing(defmt::intern!("ip")))?;
            (Wire::Network(ip), server.ok_or(missing(defmt::intern!("server")))?)
        }
    };
    let provision = Provision {
        identity,
        wire,
        server,
        fingerprint: word("fingerprint")
            .and_then(base32)
            .map(Fingerprint)
            .ok_or(missing(defmt::intern!("fingerprint")))?,
        room: word("room").ok_or(missing(defmt::intern!("room")))?,
        secret: word("secret").and_then(base32).ok_or(missing(defmt::intern!("secret")))?,
        name: word("name").ok_or(missing(defmt::intern!("name")))?,
        every: match word("every") {
            Some(every) => number(every, u32::MAX)
                .map(|ms| Duration::from_millis(ms.into()))
                .ok_or(missing(defmt::intern!("every")))?,
            None => EVERY,
        },
        readings: match word("readings") {
            Some(readings) => Some(number(readings, u32::MAX).ok_or(missing(defmt::intern!("readings")))?),
            None => None,
        },
    };
    if provision.every == Duration::ZERO {
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

/// Its seed and its public half, which the factory computed: a device need not do so at each start.
fn identity(text: &str) -> Option<Identity> {
    let (seed, public) = text.split_at_checked(2 * SEED_LEN)?;
    Identity::from_keypair_unchecked(&hex(seed)?, &hex(public)?)
}

/// Exactly `LEN` bytes in hexadecimal.
fn hex<const LEN: usize>(text: &str) -> Option<[u8; LEN]> {
    digits(text, 4, |digit| char::from(digit).to_digit(16))
}

/// Exactly `LEN` bytes in base32 without padding, as an invite has them.
fn base32<const LEN: usize>(text: &str) -> Option<[u8; LEN]> {
    digits(text, 5, |digit| match digit {
        b'A'..=b'Z' => Some(u32::from(digit - b'A')),
        b'2'..=b'7' => Some(u32::from(digit - b'2') + 26),
        _ => None,
    })
}

/// Exactly `LEN` bytes out of digits of `bits` each; bits left over are zero.
fn digits<const LEN: usize>(text: &str, bits: u32, value: impl Fn(u8) -> Option<u32>) -> Option<[u8; LEN]> {
    let mut out = [0; LEN];
    let (mut pending, mut held, mut at) = (0u32, 0, 0);
    for digit in text.bytes() {
        pending = pending << bits | value(digit)?;
        held += bits;
        if held >= 8 {
            held -= 8;
            *out.get_mut(at)? = (pending >> held) as u8;
            pending &= (1 << held) - 1;
            at += 1;
        }
    }
    (at == LEN && held < bits && pending == 0).then_some(out)
}
