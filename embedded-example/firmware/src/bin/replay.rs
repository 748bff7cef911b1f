//! Replays a recorded exchange and writes a log, which a test compares with the log of the same
//! exchange on a host. It uses no network.
//!
//! Its arguments are two files of the emulator's host: `script=PATH log=PATH`.
#![no_std]
#![no_main]

use core::ffi::CStr;
use core::fmt;
use core::mem::MaybeUninit;

use kabar_embedded_example::script::{Replay, ReplayError};
use kabar_firmware::board::Clock;
use kabar_firmware::exit::{Exit, exit};
use kabar_firmware::processor::entry;
use semihosting::fs::File;
use semihosting::io::{Read as _, Write as _};
use static_cell::ConstStaticCell;

/// Longest command line in bytes.
const MAX_LEN: usize = 512;
/// Bytes of the log that are written together.
const LOG_LEN: usize = 1024;

/// All zero, so it takes no flash.
static REPLAY: ConstStaticCell<Replay> = ConstStaticCell::new(Replay::new());

#[entry]
fn main() -> ! {
    // The log's timestamps read it.
    let _clock = Clock::start();
    let mut line = [MaybeUninit::uninit(); MAX_LEN];
    exit(match files(&mut line) {
        Some((script, log)) => run(script, log),
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
    let log = File::create(word(line, b"log=", &mut path)?).ok()?;
    Some((script, log))
}

/// The value after `key` on the command line, as a path.
fn word<'a>(line: &[u8], key: &[u8], path: &'a mut [u8; MAX_LEN]) -> Option<&'a CStr> {
    let word = line.split(|&byte| byte == b' ' || byte == 0).find_map(|word| word.strip_prefix(key))?;
    path.fill(0);
    path.get_mut(..word.len())?.copy_from_slice(word);
    CStr::from_bytes_until_nul(path).ok()
}

fn run(mut script: File, log: File) -> Exit {
    let Some(replay) = REPLAY.try_take() else { return Exit::Fault };
    let mut log = Log { file: log, bytes: [0; LOG_LEN], len: 0 };
    let result = replay.run(|bytes| script.read_exact(bytes).is_ok(), &mut log);
    match result.and_then(|()| log.write_out().map_err(|_| ReplayError::Log)) {
        Ok(()) => Exit::Left,
        Err(error) => {
            defmt::error!("{}", defmt::Display2Format(&error));
            Exit::Panic
        }
    }
}

/// A buffered file: one call of the emulator for many lines.
struct Log {
    file: File,
    bytes: [u8; LOG_LEN],
    len: usize,
}

impl Log {
    fn write_out(&mut self) -> fmt::Result {
        let written = self.bytes.get(..self.len).ok_or(fmt::Error)?;
        self.len = 0;
        self.file.write_all(written).map_err(|_| fmt::Error)
    }
}

impl fmt::Write for Log {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            if self.len == LOG_LEN {
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
