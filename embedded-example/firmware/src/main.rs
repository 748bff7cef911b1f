//! A member of a Kabar room on a microcontroller: the same for every board.
#![no_std]
#![no_main]

use kabar_core::client::{EndReason, RoomSlot, State};
use kabar_device::{Clock as _, Member, Settings, Storage};
use kabar_embedded_example::Probe;
use kabar_firmware::board::{self, Clock, provision};
use kabar_firmware::exit::{Exit, exit};
use kabar_firmware::processor::entry;
use kabar_firmware::stack;
use static_cell::ConstStaticCell;

/// The member's memory, except what is on the stack; all zero, so it takes no flash.
static STORAGE: ConstStaticCell<Storage> = ConstStaticCell::new(Storage::new());

#[entry]
fn main() -> ! {
    let clock = Clock::start();
    defmt::info!("{=str}", board::NAME);
    exit(run(clock).unwrap_or_else(|failure| failure))
}

/// Runs until the client ends: the member has left, or the room has ended the connection.
fn run(clock: Clock) -> Result<Exit, Exit> {
    let mut text = provision::Text::default();
    let started = board::ticks();
    let (provision, mut rng) = provision::read(&mut text).map_err(|error| {
        defmt::error!("not started: {} is missing or malformed", error);
        Exit::NotProvisioned
    })?;
    let provisioned = board::ticks().wrapping_sub(started);
    let settings = Settings {
        server: provision.server,
        fingerprint: provision.fingerprint,
        room: provision.room,
        secret: provision.secret,
        name: provision.name,
        identity: &provision.identity,
    };
    let link = board::link(provision.link, &mut rng, &clock).ok_or_else(|| {
        defmt::error!("not started: the hardware of this link does not answer");
        Exit::NoLink
    })?;
    let storage = STORAGE.try_take().ok_or(Exit::Fault)?;
    let probe = Probe::new(board::peripherals(), Some(provision.interval), clock.now());
    let mut member = Member::new(storage, &settings, link, clock, probe, &mut rng).map_err(|_| {
        defmt::error!("not started: the room, the name or the server is not valid");
        Exit::NotProvisioned
    })?;

    // Time that the program takes, without waiting for the network.
    let (mut busy, mut longest) = (u64::from(provisioned), 0);
    let (mut is_joined, mut is_leaving) = (false, false);
    loop {
        let before = board::ticks();
        let due = member.run();
        let step = board::ticks().wrapping_sub(before);
        busy += u64::from(step);
        longest = step.max(longest);

        if !is_joined && member.node().client().state(RoomSlot::FIRST) == State::Online {
            is_joined = true;
            defmt::info!("figures: join {=u64} ticks, stack {=usize} bytes", busy, stack::peak());
        }
        if let Some(reason) = member.ended() {
            defmt::info!("figures: longest {=u32} ticks, stack {=usize} bytes", longest, stack::peak());
            return Ok(if reason == EndReason::Left { Exit::Left } else { Exit::Ended });
        }
        if !is_leaving && provision.readings.is_some_and(|readings| member.application().readings() >= readings) {
            is_leaving = true;
            member.leave();
        } else {
            board::sleep(due, member.clock());
        }
    }
}
