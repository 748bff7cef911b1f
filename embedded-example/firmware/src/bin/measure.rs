//! Measures sealing and opening a packet, and deriving an identity's public half. A test runs it in
//! the emulator, whose clock counts instructions, and keeps the figures. It uses no network.
#![no_std]
#![no_main]

use core::hint::black_box;

use kabar_core::MAX_DATAGRAM;
use kabar_core::crypto::Portable;
use kabar_core::crypto::identity::Identity;
use kabar_core::internals::{EPOCH_BITS, OVERHEAD};
use kabar_core::internals::{Role, Session};
use kabar_core::session::HandshakeOutput;
use kabar_core::session::TransportParameters;
use kabar_core::time::Instant;
use kabar_firmware::board::{self, Clock};
use kabar_firmware::exit::{Exit, exit};
use kabar_firmware::processor::entry;

/// Lengths of bodies in bytes: a line of chat, and the longest.
const BODIES: [usize; 2] = [64, MAX_DATAGRAM - OVERHEAD];

#[entry]
fn main() -> ! {
    // The log's timestamps read it.
    let _clock = Clock::start();
    exit(run().map_or(Exit::Panic, |()| Exit::Left))
}

fn run() -> Option<()> {
    let (identity, deriving) = count(|| Identity::from_seed(black_box(&[7; 32])));
    black_box(identity.public());
    defmt::info!("figures: identity {=u32} ticks", deriving);
    let mut client = session(Role::Client);
    let mut server = session(Role::Server);
    for len in BODIES {
        let mut datagram = [0x5a; MAX_DATAGRAM];
        let (sealed, sealing) = count(|| client.seal(Instant::ZERO, black_box(&mut datagram), len));
        let (_, datagram_len) = sealed.ok()?;
        let (opened, opening) = count(|| server.open(black_box(datagram.get_mut(..datagram_len)?)).ok());
        if opened?.body.len() != len {
            return None;
        }
        defmt::info!("figures: seal {=usize} {=u32} ticks, open {=u32} ticks", len, sealing, opening);
    }
    Some(())
}

fn count<T>(work: impl FnOnce() -> T) -> (T, u32) {
    let before = board::ticks();
    let result = work();
    (result, board::ticks().wrapping_sub(before))
}

fn session(role: Role) -> Session<Portable> {
    let limits = TransportParameters {
        datagram: 1200,
        packets: 12,
        message: 2048,
        chat: 4096,
        bulk: 0,
        ack_delay_ms: 20,
        tick_us: 1000,
        idle_s: 60,
    };
    Session::new(Instant::ZERO, &HandshakeOutput::with_known_secrets(role, 1, limits), EPOCH_BITS)
}
