//! A member of a Kabar room on a Cortex-M: the same for every board.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use kabar_core::client::{EndReason, State};
use kabar_embedded_example::{Clock as _, IpLink, IpStorage, Member, Network, Settings, Storage};
use kabar_firmware::board::{self, Clock, Exit, Lan9118, Peripherals, provision};
use kabar_firmware::once::Once;
use kabar_firmware::stack;
use smoltcp::wire::{EthernetAddress, HardwareAddress};

/// The memory of the member but for what lies on this stack; all zero, so it takes no flash.
static STORAGE: Once<Storage> = Once::new(Storage::new());
/// The same of its network.
static NETWORK: Once<IpStorage<'static>> = Once::new(IpStorage::new());

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
    let (provision, mut rng) = provision::read(&mut text).map_err(|missing| {
        defmt::error!("not started: {} is missing or malformed", missing);
        Exit::NotProvisioned
    })?;
    let card = Lan9118::start().ok_or_else(|| {
        defmt::error!("not started: the network hardware does not answer");
        Exit::NoNetwork
    })?;
    let settings = Settings {
        server: provision.server,
        fingerprint: provision.fingerprint,
        room: provision.room,
        secret: provision.secret,
        name: provision.name,
        identity: &provision.identity,
        every: Some(provision.every),
    };
    let hardware = HardwareAddress::Ethernet(EthernetAddress(card.hardware_address()));
    let network = Network::draw(hardware, provision.addressing, &mut rng);
    let (storage, ip) = (STORAGE.take().ok_or(Exit::Fault)?, NETWORK.take().ok_or(Exit::Fault)?);
    let link = IpLink::new(ip, &network, card, clock.now());
    let mut member = Member::new(storage, &settings, link, clock, Peripherals::default(), &mut rng).map_err(|_| {
        defmt::error!("not started: no client takes this room, name or server");
        Exit::NotProvisioned
    })?;

    // Time in the member's hands, not in the network's.
    let (mut busy, mut longest) = (0, 0);
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
