//! The firmware's image for a board, built once per process.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

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
    /// Another Cortex-M3, with other memory, clocks and network hardware.
    Lm3s6965,
    /// RISC-V with 32 bits.
    Virt,
}

impl Board {
    /// Its name in the emulator.
    #[must_use]
    pub const fn machine(self) -> &'static str {
        match self {
            Self::An386 => "mps2-an386",
            Self::An385 => "mps2-an385",
            Self::Lm3s6965 => "lm3s6965evb",
            Self::Virt => "virt",
        }
    }

    /// What it is built for.
    #[must_use]
    pub const fn target(self) -> &'static str {
        match self {
            Self::An386 => "thumbv7em-none-eabihf",
            Self::An385 | Self::Lm3s6965 => "thumbv7m-none-eabi",
            Self::Virt => "riscv32imac-unknown-none-elf",
        }
    }

    /// The feature of the firmware that chooses it.
    #[must_use]
    pub const fn feature(self) -> &'static str {
        match self {
            Self::An386 | Self::An385 => "board-mps2",
            Self::Lm3s6965 => "board-lm3s6965evb",
            Self::Virt => "board-virt",
        }
    }

    /// The emulator that has it.
    #[must_use]
    pub const fn emulator(self) -> &'static str {
        match self {
            Self::An386 | Self::An385 | Self::Lm3s6965 => "qemu-system-arm",
            Self::Virt => "qemu-system-riscv32",
        }
    }

    /// What it has to be told besides: how to plug a network card, which hangs on `n0`, in; and
    /// that no firmware comes before ours.
    pub(super) const fn options(self) -> &'static [&'static str] {
        match self {
            Self::An386 | Self::An385 | Self::Lm3s6965 => &["-net", "nic,netdev=n0"],
            Self::Virt => &["-device", "virtio-net-device,netdev=n0", "-bios", "none"],
        }
    }
}

/// A program of the firmware's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The member of a room.
    Firmware,
    /// Measures sealing and opening.
    Measure,
    /// Replays a recorded exchange.
    Replay,
}

impl Program {
    const fn name(self) -> &'static str {
        match self {
            Self::Firmware => "firmware",
            Self::Measure => "measure",
            Self::Replay => "replay",
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

/// The firmware, built for `board`.
#[must_use]
pub fn firmware(board: Board) -> Image {
    image(board, Program::Firmware)
}

/// Builds `program` for `board`; at a second call it is there already.
///
/// # Panics
/// If it does not build, or has no log table.
#[must_use]
pub fn image(board: Board, program: Program) -> Image {
    // One after another: all want the same folder.
    static BUILT: Mutex<Vec<(Board, Program, Image)>> = Mutex::new(Vec::new());
    let mut built = BUILT.lock().expect("no build has failed");
    if let Some(&(_, _, image)) = built.iter().find(|(at, what, _)| (*at, *what) == (board, program)) {
        return image;
    }
    let mut build = Command::new(env!("CARGO"));
    // From its own folder: its settings lie there. What the outer cargo was told is not for it.
    build.current_dir(FIRMWARE).args(["build", "--quiet", "--locked", "--release", "--bin", program.name()]);
    build.args(["--target", board.target(), "--features", board.feature(), "--target-dir", "target"]);
    if program != Program::Firmware {
        build.args(["--features", "tools"]);
    }
    for told in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "DEFMT_LOG"] {
        build.env_remove(told);
    }
    assert!(build.status().expect("cargo").success(), "{} builds for {}", program.name(), board.target());
    let built_at: PathBuf = [FIRMWARE, "target", board.target(), "release", program.name()].iter().collect();
    // Under the board's name: the next board with this processor is built to the same path.
    let path = built_at.with_file_name(format!("{}-{}", program.name(), board.feature()));
    let elf = std::fs::read(&built_at).expect("the image that was just built");
    std::fs::write(&path, &elf).expect("the build folder is writable");
    let table = Table::parse(&elf).expect("a log table of this version").expect("a log table");
    let image = Image { board, path: Box::leak(path.into_boxed_path()), table: Box::leak(Box::new(table)) };
    built.push((board, program, image));
    image
}
