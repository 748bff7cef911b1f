//! An attacker on the path without keys: it repeats, changes and invents datagrams.

use std::net::SocketAddr;

use super::network::{damage, repair_crc};
use super::rng::Rng;

/// Number of datagrams that the attacker remembers.
const MAX_CAPTURED: usize = 48;
const HELLO: u8 = 0x11;
const CHALLENGE: u8 = 0x12;
const INITIATE: u8 = 0x13;
const ACCEPT: u8 = 0x14;
const SEALED: u8 = 0x15;
const HINT: u8 = 0x16;

/// A kind of attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attack {
    /// An old datagram again, from its original source.
    Replay,
    /// An old datagram of a client, from the attacker's address.
    ReplayFromElsewhere,
    /// A forged Hint to a client.
    Hint,
    /// A forged Challenge to a client.
    Challenge,
    /// A forged Accept to a client.
    Accept,
    /// A Sealed packet with another number or cut short, to either side.
    Sealed,
    /// A Hello to the server, from an address that is not the attacker's.
    Hello,
    /// A changed Initiate to the server.
    Initiate,
    /// A damaged datagram to either side.
    Noise,
}

impl Attack {
    /// Every kind of attack.
    pub const ALL: &'static [Self] = &[
        Self::Replay,
        Self::ReplayFromElsewhere,
        Self::Hint,
        Self::Challenge,
        Self::Accept,
        Self::Sealed,
        Self::Hello,
        Self::Initiate,
        Self::Noise,
    ];
}

/// A datagram that passed the attacker.
#[derive(Clone, Debug)]
pub struct Captured {
    /// Source address.
    pub from: SocketAddr,
    /// Destination address.
    pub to: SocketAddr,
    /// Content.
    pub bytes: Vec<u8>,
}

/// Sees every datagram on the path and can send any datagram from any address.
#[derive(Debug)]
pub struct Attacker {
    server: SocketAddr,
    seen: Vec<Captured>,
    next: usize,
}

impl Attacker {
    /// An attacker that has seen nothing yet.
    #[must_use]
    pub fn new(server: SocketAddr) -> Self {
        Self { server, seen: Vec::new(), next: 0 }
    }

    /// Records a datagram that passes.
    pub fn record(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let captured = Captured { from, to, bytes: bytes.to_vec() };
        if self.seen.len() < MAX_CAPTURED {
            self.seen.push(captured);
        } else {
            self.seen[self.next] = captured;
            self.next = (self.next + 1) % MAX_CAPTURED;
        }
    }

    /// Whether exactly these bytes passed before, as far as the attacker remembers.
    #[must_use]
    pub fn has_seen(&self, bytes: &[u8]) -> bool {
        self.seen.iter().any(|captured| captured.bytes == bytes)
    }

    /// The datagram that `attack` sends, or `None` if nothing that it needs was seen yet.
    pub fn forge(&self, attack: Attack, elsewhere: SocketAddr, rng: &mut Rng) -> Option<Captured> {
        let to_client = |captured: &Captured, bytes| Captured { from: self.server, to: captured.from, bytes };
        match attack {
            Attack::Replay => self.any(rng, |_| true).cloned(),
            Attack::ReplayFromElsewhere => {
                let old = self.any(rng, |captured| captured.to == self.server)?;
                Some(Captured { from: elsewhere, ..old.clone() })
            }
            Attack::Hint => {
                let sealed = self.any(rng, |captured| self.is_from_client(captured, SEALED))?;
                let mut bytes = sealed.bytes.get(..13)?.to_vec();
                bytes[0] = HINT;
                if rng.chance(300) {
                    let at = 1 + rng.index(12);
                    bytes[at] ^= 1 << rng.below(8);
                }
                Some(to_client(sealed, with_crc(bytes)))
            }
            Attack::Challenge => {
                let hello = self.any(rng, |captured| self.is_from_client(captured, HELLO))?;
                let mut bytes = vec![CHALLENGE];
                bytes.extend(hello.bytes.get(2..34)?);
                bytes.extend(rng.seed());
                match self.any(rng, |captured| captured.bytes.first() == Some(&CHALLENGE)) {
                    // The genuine key, with a cookie that is not valid.
                    Some(genuine) if rng.chance(500) => bytes.extend(genuine.bytes.get(65..genuine.bytes.len() - 4)?),
                    _ => {
                        let mut modulus = [0; 256];
                        rng.fill(&mut modulus);
                        (modulus[0], modulus[255]) = (modulus[0] | 0x80, modulus[255] | 1);
                        bytes.extend(modulus);
                    }
                }
                Some(to_client(hello, with_crc(bytes)))
            }
            Attack::Accept => {
                let initiate = self.any(rng, |captured| self.is_from_client(captured, INITIATE))?;
                let accept = self.any(rng, |captured| captured.bytes.first() == Some(&ACCEPT));
                let mut bytes = vec![ACCEPT];
                bytes.extend(initiate.bytes.get(2..10)?);
                match accept {
                    Some(old) => bytes.extend(old.bytes.get(9..99)?),
                    None => {
                        let mut rest = [0; 90];
                        rng.fill(&mut rest);
                        bytes.extend(rest);
                    }
                }
                if rng.chance(500) {
                    let at = 9 + rng.index(bytes.len() - 9);
                    bytes[at] ^= 1 << rng.below(8);
                }
                Some(to_client(initiate, with_crc(bytes)))
            }
            Attack::Sealed => {
                let mut sealed = self.any(rng, |captured| captured.bytes.first() == Some(&SEALED))?.clone();
                let number = u64::from_be_bytes(*sealed.bytes.get(5..13)?.first_chunk()?);
                let number = number.wrapping_add(*rng.pick(&[0, 1, 5, 900, 1 << 20, 1 << 40]));
                sealed.bytes.get_mut(5..13)?.copy_from_slice(&number.to_be_bytes());
                if rng.chance(500) {
                    sealed.bytes.truncate(34 + rng.index(sealed.bytes.len()));
                }
                if rng.chance(200) {
                    sealed.from = elsewhere;
                }
                sealed.bytes = with_crc(sealed.bytes.split_last_chunk::<4>()?.0.to_vec());
                Some(sealed)
            }
            Attack::Hello => {
                let mut bytes = vec![0; *rng.pick(&[1196, 636, 60])];
                (bytes[0], bytes[1]) = (HELLO, 1);
                if let Some(random) = bytes.get_mut(2..34) {
                    rng.fill(random);
                }
                Some(Captured { from: elsewhere, to: self.server, bytes: with_crc(bytes) })
            }
            Attack::Initiate => {
                let mut initiate = self.any(rng, |captured| self.is_from_client(captured, INITIATE))?.clone();
                if rng.chance(500) {
                    initiate.from = elsewhere;
                }
                let at = 1 + rng.index(initiate.bytes.len().checked_sub(5)?);
                initiate.bytes[at] ^= 1 << rng.below(8);
                repair_crc(&mut initiate.bytes);
                Some(initiate)
            }
            Attack::Noise => {
                let mut noise = self.any(rng, |_| true)?.clone();
                damage(&mut noise.bytes, rng);
                if rng.chance(700) {
                    repair_crc(&mut noise.bytes);
                }
                Some(noise)
            }
        }
    }

    fn is_from_client(&self, captured: &Captured, first: u8) -> bool {
        captured.to == self.server && captured.bytes.first() == Some(&first)
    }

    fn any(&self, rng: &mut Rng, fits: impl Fn(&Captured) -> bool) -> Option<&Captured> {
        let fitting: Vec<_> = self.seen.iter().filter(|captured| fits(captured)).collect();
        (!fitting.is_empty()).then(|| *rng.pick(&fitting))
    }
}

fn with_crc(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.extend([0; 4]);
    repair_crc(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use kabar_core::crypto::{Portable, Provider};
    use kabar_core::internals::packet::Packet;
    use kabar_core::session::PacketError;

    use super::*;

    const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)), 1);
    const CLIENT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2)), 2);
    const ELSEWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 3)), 3);

    fn packet(first: u8, len: usize) -> Vec<u8> {
        let mut bytes = vec![1; len - 4];
        bytes[0] = first;
        with_crc(bytes)
    }

    #[test]
    fn forged_datagrams_decode_as_packets() {
        let mut attacker = Attacker::new(SERVER);
        attacker.record(CLIENT, SERVER, &packet(HELLO, 1200));
        attacker.record(SERVER, CLIENT, &packet(CHALLENGE, 325));
        attacker.record(CLIENT, SERVER, &packet(INITIATE, 390));
        attacker.record(SERVER, CLIENT, &packet(ACCEPT, 103));
        attacker.record(CLIENT, SERVER, &packet(SEALED, 100));
        let mut rng = Rng::new(1, "attacker");
        for attack in Attack::ALL {
            for _ in 0..50 {
                let forged = attacker.forge(*attack, ELSEWHERE, &mut rng).expect("it has seen all it needs");
                assert!(forged.to == SERVER || forged.from == SERVER);
                let decoded = Packet::decode(&forged.bytes, Portable::crc32);
                match attack {
                    Attack::Hint => assert!(matches!(decoded, Ok(Packet::Hint(_)))),
                    Attack::Challenge => assert!(matches!(decoded, Ok(Packet::Challenge(_)))),
                    Attack::Sealed => assert!(matches!(decoded, Ok(Packet::Sealed(_)))),
                    Attack::Noise => {}
                    _ => assert!(decoded != Err(PacketError::Damaged), "{attack:?}"),
                }
            }
        }
    }

    #[test]
    fn forges_only_from_what_it_has_seen() {
        let attacker = Attacker::new(SERVER);
        let mut rng = Rng::new(1, "attacker");
        let idle = Attack::ALL.iter().filter(|attack| attacker.forge(**attack, ELSEWHERE, &mut rng).is_none());
        assert_eq!(idle.count(), Attack::ALL.len() - 1);
    }
}
