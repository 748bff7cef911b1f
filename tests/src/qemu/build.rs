//! The firmware's image for a board, built once per process.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use clap::ValueEnum;
use defmt_decoder::Table;

/// The folder of the firmware's workspace.
pub const FIRMWARE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../embedded-example/firmware");

/// A board of the emulator, under the emulator's name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Board {
    /// Cortex-M4 with floating point.
    #[value(name = "mps2-an386")]
    An386,
    /// Cortex-M3.
    #[value(name = "mps2-an385")]
    An385,
    /// Cortex-M3, with other memory, clocks and network hardware than mps2-an385.
    #[value(name = "lm3s6965evb")]
    Lm3s6965,
    /// RISC-V with 32 bits.
    #[value(name = "virt")]
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

    /// The compiler's target for its processor.
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

    /// Whether the firmware has a driver for its serial port.
    #[must_use]
    pub const fn has_serial_port(self) -> bool {
        match self {
            Self::An386 | Self::An385 => true,
            Self::Lm3s6965 | Self::Virt => false,
        }
    }

    /// The emulator's options for it: they connect its network card to `n0`, and start our program
    /// without another firmware before it.
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
    /// The member of a room that takes images of firmware.
    Update,
    /// Measures sealing and opening.
    Measure,
    /// Replays a recorded exchange.
    Replay,
}

impl Program {
    const fn name(self) -> &'static str {
        match self {
            Self::Firmware => "firmware",
            Self::Update => "update",
            Self::Measure => "measure",
            Self::Replay => "replay",
        }
    }
}

/// A built program.
#[derive(Clone, Copy, Debug)]
pub struct Image {
    /// The board that it runs on.
    pub board: Board,
    /// The ELF file.
    pub path: &'static Path,
    /// The texts of its log lines.
    pub table: &'static Table,
}

/// The firmware, built for `board`.
#[must_use]
pub fn firmware(board: Board) -> Image {
    image(board, Program::Firmware)
}

/// Builds `program` for `board`, unless this process has built it before.
///
/// # Panics
/// If it does not build, or has no log table.
#[must_use]
pub fn image(board: Board, program: Program) -> Image {
    static BUILT: Mutex<Vec<(Program, Image)>> = Mutex::new(Vec::new());
    let mut built = BUILT.lock().expect("no build has failed");
    if let Some(&(_, image)) = built.iter().find(|(known, image)| (image.board, *known) == (board, program)) {
        return image;
    }
    let path = build(board, program);
    let elf = fs::read(&path).expect("the image that was just built");
    let table = Table::parse(&elf).expect("a log table of this version").expect("a log table");
    let image = Image { board, path: Box::leak(path.into_boxed_path()), table: Box::leak(Box::new(table)) };
    built.push((program, image));
    image
}

/// Returns the path of the image. It includes the board, because cargo builds the images of all
/// boards with one processor to the same path; a lock keeps other processes from building
/// meanwhile.
fn build(board: Board, program: Program) -> PathBuf {
    let target: PathBuf = [FIRMWARE, "target", board.target(), "release"].iter().collect();
    fs::create_dir_all(&target).expect("the build folder can be created");
    let lock = File::create(target.join("images.lock")).expect("the build folder is writable");
    lock.lock().expect("the file can be locked");
    let mut build = Command::new(env!("CARGO"));
    // Run in the firmware's folder, which has settings for cargo. The environment of the outer
    // cargo is not for it.
    build.current_dir(FIRMWARE).args(["build", "--quiet", "--locked", "--release", "--bin", program.name()]);
    build.args(["--target", board.target(), "--features", board.feature(), "--target-dir", "target"]);
    if !matches!(program, Program::Firmware | Program::Update) {
        build.args(["--features", "tools"]);
    }
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "DEFMT_LOG"] {
        build.env_remove(variable);
    }
    assert!(build.status().expect("cargo").success(), "{} builds for {}", program.name(), board.target());
    let path = target.join(format!("{}-{}", program.name(), board.feature()));
    // Renamed as a whole: an emulator may be starting from the file that was there.
    let copy = path.with_extension("new");
    fs::copy(target.join(program.name()), &copy).expect("the image that was just built");
    fs::rename(&copy, &path).expect("the build folder is writable");
    path
}
