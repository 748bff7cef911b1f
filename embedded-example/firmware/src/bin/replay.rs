//! Goes through a recorded exchange again and writes down what the client said, for a test that holds it against what the same
//! client says on a laptop. No network takes part.
//!
//! It is told two files of the computer that the emulator runs on: `script=PATH told=PATH`.
#![no_std]
#![no_main]

use core::ffi::CStr;
use core::fmt;
use core::mem::MaybeUninit;

use kabar_embedded_example::script::{PlayError, Player};
use kabar_firmware::board::{self, Clock, Exit};
use kabar_firmware::once::Once;
use kabar_firmware::processor::entry;
use semihosting::fs::File;
use semihosting::io::{Read as _, Write as _};

/// Longest command line in bytes.
const MAX_LEN: usize = 512;
/// Bytes of what was told that go out together.
const TOLD_LEN: usize = 1024;

/// All zero, so it takes no flash.
static PLAYER: Once<Player> = Once::new(Player::new());

#[entry]
fn main() -> ! {
    // The log's time-stamps want it.
    let _clock = Clock::start();
    let mut line = [MaybeUninit::uninit(); MAX_LEN];
    board::exit(match files(&mut line) {
        Some((script, told)) => run(script, told),
        None => {
            defmt::error!("not started: it needs a script to read and a file to write");
            Exit::NotProvisioned
        }
    })
}

/// The two files of the command line.
fn files(line: &mut [MaybeUninit<u8>; MAX_LEN]) -> Option<(File, File)> {
    let line = semihosting::sys::arm_compat::sys_get_cmdline_uninit(line).ok()?;
    let mut path = [0; MAX_LEN];
    let script = File::open(word(line, b"script=", &mut path)?).ok()?;
    let told = File::create(word(line, b"told=", &mut path)?).ok()?;
    Some((script, told))
}

/// What follows `key` on the command line, with the end that a path has to have.
fn word<'a>(line: &[u8], key: &[u8], path: &'a mut [u8; MAX_LEN]) -> Option<&'a CStr> {
    let word = line.split(|&byte| byte == b' ' || byte == 0).find_map(|word| word.strip_prefix(key))?;
    path.fill(0);
    path.get_mut(..word.len())?.copy_from_slice(word);
    CStr::from_bytes_until_nul(path).ok()
}

fn run(mut script: File, told: File) -> Exit {
    let Some(player) = PLAYER.take() else { return Exit::Fault };
    let mut told = Told { file: told, bytes: [0; TOLD_LEN], len: 0 };
    let result = player.replay(|bytes| script.read_exact(bytes).is_ok(), &mut told);
    match result.and_then(|()| told.write_out().map_err(|_| PlayError::NotTold)) {
        Ok(()) => Exit::Left,
        Err(error) => {
            defmt::error!("{}", defmt::Display2Format(&error));
            Exit::Panic
        }
    }
}

/// Text on its way into a file: a call of the emulator for many pieces, not for each.
struct Told {
    file: File,
    bytes: [u8; TOLD_LEN],
    len: usize,
}

impl Told {
    fn write_out(&mut self) -> fmt::Result {
        let written = self.bytes.get(..self.len).ok_or(fmt::Error)?;
        self.len = 0;
        self.file.write_all(written).map_err(|_| fmt::Error)
    }
}

impl fmt::Write for Told {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            if self.len == TOLD_LEN {
                self.write_out()?;
            }
            let free = self.bytes.get_mut(self.len..).ok_or(fmt::Error)?;
            let (now, later) = rest.split_at(rest.len().min(free.len()));
            free[..now.len()].copy_from_slice(now);
            self.len += now.len();
            rest = later;
        }
        Ok(())
    }
}
