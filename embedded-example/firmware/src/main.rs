//! A member of a Kabar room on a microcontroller: the same for every board.
#![no_std]
#![no_main]

use kabar_core::client::{EndReason, State};
use kabar_embedded_example::{Member, Settings, Storage};
use kabar_firmware::board::{self, Clock, Exit, Peripherals, provision};
use kabar_firmware::once::Once;
use kabar_firmware::processor::entry;
use kabar_firmware::stack;

/// The memory of the member but for what lies on this stack; all zero, so it takes no flash.
static STORAGE: Once<Storage> = Once::new(Storage::new());

#[entry]
fn main() -> ! {
    let clock = Clock::start();
    defmt::info!("{=str}", board::NAME);
    board::exit(match run(clock) {
        Ok(reason) => reason,
        Err(exit) => exit,
    })
}

/// Until the room has ended it, or the member has left.
fn run(clock: Clock) -> Result<Exit, Exit> {
    let mut text = provision::Text::default();
    let begun = board::ticks();
    let (provision, mut rng) = provision::read(&mut text).map_err(|missing| {
        defmt::error!("not started: {} is missing or malformed", missing);
        Exit::NotProvisioned
    })?;
    let provisioned = board::ticks().wrapping_sub(begun);
    let settings = Settings {
        server: provision.server,
        fingerprint: provision.fingerprint,
        room: provision.room,
        secret: provision.secret,
        name: provision.name,
        identity: &provision.identity,
        every: Some(provision.every),
    };
    let link = board::link(provision.wire, &mut rng, &clock).ok_or_else(|| {
        defmt::error!("not started: the hardware of this link does not answer");
        Exit::NoLink
    })?;
    let storage = STORAGE.take().ok_or(Exit::Fault)?;
    let mut member = Member::new(storage, &settings, link, clock, Peripherals::default(), &mut rng).map_err(|_| {
        defmt::error!("not started: no client takes this room, name or server");
        Exit::NotProvisioned
    })?;

    // Time in the program's hands, not in the network's.
    let (mut busy, mut longest) = (u64::from(provisioned), 0);
    let (mut is_joined, mut is_leaving) = (false, false);
    loop {
        let before = board::ticks();
        let due = member.run();
        let step = board::ticks().wrapping_sub(before);
        busy += u64::from(step);
        longest = step.max(longest);

        if !is_joined && member.node().client().state() == State::Online {
            is_joined = true;
            defmt::info!("figures: join {=u64} ticks, stack {=usize} bytes", busy, stack::peak());
        }
        if let Some(reason) = member.ended() {
            defmt::info!("figures: longest {=u32} ticks, stack {=usize} bytes", longest, stack::peak());
            return Ok(if reason == EndReason::Left { Exit::Left } else { Exit::Ended });
        }
        if !is_leaving && provision.readings.is_some_and(|readings| member.readings() >= readings) {
            is_leaving = true;
            member.leave();
        } else {
            board::sleep(due, member.clock());
        }
    }
}
