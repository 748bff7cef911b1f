//! Passes the linker scripts of the chosen board to the linker, from any working directory.

use std::path::Path;
use std::{env, fs};

/// Feature of each board, its folder, and the architecture of its processor.
const BOARDS: [(&str, &str, &str); 3] =
    [("BOARD_MPS2", "mps2", "arm"), ("BOARD_LM3S6965EVB", "lm3s6965evb", "arm"), ("BOARD_VIRT", "virt", "riscv32")];

fn main() {
    let here = env::var("CARGO_MANIFEST_DIR").expect("set by cargo");
    let out = env::var("OUT_DIR").expect("set by cargo");
    let target = env::var("CARGO_CFG_TARGET_ARCH").expect("set by cargo");
    let is_chosen = |feature: &str| env::var_os(format!("CARGO_FEATURE_{feature}")).is_some();
    let mut chosen = BOARDS.iter().filter(|(feature, ..)| is_chosen(feature));
    let (Some((_, board, architecture)), None) = (chosen.next(), chosen.next()) else {
        panic!("choose one board: --features board-mps2, board-lm3s6965evb or board-virt");
    };
    assert_eq!(target, *architecture, "the processor of the board {board} needs another --target");
    if *architecture == "arm" {
        // cortex-m-rt includes the names of the interrupts from here; the boards have tables in
        // place of names.
        fs::write(Path::new(&out).join("device.x"), "").expect("cargo's build folder is writable");
        println!("cargo:rustc-link-search={out}");
    }
    println!("cargo:rerun-if-changed=src/board/{board}/memory.x");
    println!("cargo:rustc-link-search={here}/src/board/{board}");
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rustc-link-arg-bins=-Tdefmt.x");
    println!("cargo:rustc-link-arg-bins=--nmagic");
}
