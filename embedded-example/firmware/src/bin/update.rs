//! The firmware that takes updates: the probe of `main.rs`, and images from the room into a slot of
//! flash (`kabar_embedded_example::update`).
//!
//! The emulated boards have no second flash. The slot is a file of the emulator's host, which
//! outlives a restart, with the rules of flash. Further words of its command line:
//! `slot=PATH updates-from=NAME`.
#![no_std]
#![no_main]

use core::ffi::CStr;
use core::mem::MaybeUninit;

use kabar_core::client::EndReason;
use kabar_device::profile::{FILE_WINDOW_LEN, FileMemory};
use kabar_device::{Clock as _, Member, Settings, Storage};
use kabar_embedded_example::update::{Backing, SimulatedFlash};
use kabar_embedded_example::{Probe, Update, Updater};
use kabar_firmware::board::{self, Clock, provision};
use kabar_firmware::exit::{Exit, exit};
use kabar_firmware::processor::entry;
use kabar_firmware::stack;
use semihosting::fs::File;
use semihosting::io::{Read as _, Seek as _, SeekFrom, Write as _};
use static_cell::ConstStaticCell;

/// Longest command line in bytes.
const MAX_LEN: usize = 512;

/// The member's memory, except what is on the stack; all zero, so it takes no flash.
static STORAGE: ConstStaticCell<Storage<FileMemory>> =
    ConstStaticCell::new(Storage::with_memory(FileMemory::<FILE_WINDOW_LEN>::new()));

#[entry]
fn main() -> ! {
    let clock = Clock::start();
    defmt::info!("{=str}, with updates", board::NAME);
    exit(run(clock).unwrap_or_else(|failure| failure))
}

/// Runs until the client ends: the member has left, or the room has ended the connection.
fn run(clock: Clock) -> Result<Exit, Exit> {
    let mut text = provision::Text::default();
    let (provision, mut rng) = provision::read(&mut text).map_err(|error| {
        defmt::error!("not started: {} is missing or malformed", error);
        Exit::NotProvisioned
    })?;
    let update = update().ok_or_else(|| {
        defmt::error!("not started: it needs a slot, and a member whose images it takes");
        Exit::NotProvisioned
    })?;
    let settings = Settings {
        server: provision.server,
        fingerprint: provision.fingerprint,
        room: provision.room,
        secret: provision.secret,
        name: provision.name,
        identity: &provision.identity,
    };
    let link = board::link(provision.link, &mut rng, &clock).ok_or(Exit::NoLink)?;
    let storage = STORAGE.try_take().ok_or(Exit::Fault)?;
    let probe = Probe::new(board::peripherals(), Some(provision.interval), clock.now());
    let application = Updater::new(probe, Some(update));
    let mut member = Member::new(storage, &settings, link, clock, application, &mut rng).map_err(|_| {
        defmt::error!("not started: the room, the name or the server is not valid");
        Exit::NotProvisioned
    })?;

    let (mut longest, mut is_leaving, mut is_updating) = (0, false, false);
    loop {
        let before = board::ticks();
        let due = member.run();
        longest = board::ticks().wrapping_sub(before).max(longest);
        if let Some(reason) = member.ended() {
            defmt::info!("figures: longest {=u32} ticks, stack {=usize} bytes", longest, stack::peak());
            return Ok(if reason == EndReason::Left { Exit::Left } else { Exit::Ended });
        }
        let is_idle = member.application().update().is_none_or(|update| update.is_idle());
        if core::mem::replace(&mut is_updating, !is_idle) && is_idle {
            defmt::info!("figures: update, longest {=u32} ticks, stack {=usize} bytes", longest, stack::peak());
        }
        let readings = member.application().probe().readings();
        if !is_leaving && provision.readings.is_some_and(|most| readings >= most) {
            is_leaving = true;
            member.leave();
        } else {
            board::sleep(due, member.clock());
        }
    }
}

/// The updates that the command line describes.
fn update() -> Option<Update<SimulatedFlash<SlotFile>>> {
    let mut line = [MaybeUninit::uninit(); MAX_LEN];
    let line = semihosting::sys::arm_compat::sys_get_cmdline_uninit(&mut line).ok()?;
    let word = |key| line.split(|&byte| byte == b' ' || byte == 0).find_map(|word| word.strip_prefix(key));
    let slot: &[u8] = word(b"slot=".as_slice())?;
    let from = core::str::from_utf8(word(b"updates-from=".as_slice())?).ok()?;
    let mut path = [0; MAX_LEN];
    path.get_mut(..slot.len())?.copy_from_slice(slot);
    let path = CStr::from_bytes_until_nul(&path).ok()?;
    let file = File::options().read(true).write(true).open(path).ok()?;
    let len = u32::try_from(file.metadata().ok()?.len()).ok()?;
    Update::new(SimulatedFlash::new(SlotFile(file), len), from).ok()
}

/// The file of the emulator's host.
struct SlotFile(File);

impl Backing for SlotFile {
    fn read(&mut self, address: u32, out: &mut [u8]) -> bool {
        self.0.seek(SeekFrom::Start(address.into())).is_ok() && self.0.read_exact(out).is_ok()
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> bool {
        self.0.seek(SeekFrom::Start(address.into())).is_ok() && self.0.write_all(bytes).is_ok()
    }
}
