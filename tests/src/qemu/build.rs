//! The firmware's image for a board, built once per process.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

use defmt_decoder::Table;

/// Where the firmware's workspace is.
pub const FIRMWARE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../embedded-example/firmware");

/// A board of the emulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Board {
    /// Cortex-M4 with floating point.
    An386,
    /// Cortex-M3.
    An385,
}

impl Board {
    /// Its name in the emulator.
    #[must_use]
    pub const fn machine(self) -> &'static str {
        match self {
            Self::An386 => "mps2-an386",
            Self::An385 => "mps2-an385",
        }
    }

    /// What it is built for.
    #[must_use]
    pub const fn target(self) -> &'static str {
        match self {
            Self::An386 => "thumbv7em-none-eabihf",
            Self::An385 => "thumbv7m-none-eabi",
        }
    }
}

/// A built program.
#[derive(Clone, Copy, Debug)]
pub struct Image {
    /// What it runs on.
    pub board: Board,
    /// The ELF file.
    pub path: &'static Path,
    /// What its log lines mean.
    pub table: &'static Table,
}

/// Builds the firmware for `board`; at a second call it is there already.
///
/// # Panics
/// If it does not build, or has no log table.
#[must_use]
pub fn firmware(board: Board) -> Image {
    static BUILT: [OnceLock<Image>; 2] = [OnceLock::new(), OnceLock::new()];
    // One after another: both want the same folder.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock();
    *BUILT[board as usize].get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        // From its own folder: its settings lie there. What the outer cargo was told is not for it.
        build.current_dir(FIRMWARE).args(["build", "--quiet", "--locked", "--release", "--bin", "firmware"]);
        build.args(["--target", board.target(), "--target-dir", "target"]);
        for told in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "DEFMT_LOG"] {
            build.env_remove(told);
        }
        assert!(build.status().expect("cargo").success(), "the firmware builds for {}", board.target());
        let path: PathBuf = [FIRMWARE, "target", board.target(), "release", "firmware"].iter().collect();
        let elf = std::fs::read(&path).expect("the image that was just built");
        let table = Table::parse(&elf).expect("a log table of this version").expect("a log table");
        Image { board, path: Box::leak(path.into_boxed_path()), table: Box::leak(Box::new(table)) }
    })
}
