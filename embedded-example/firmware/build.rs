//! Hands the linker scripts over, so that building works from any directory.

use std::path::Path;
use std::{env, fs};

fn main() {
    let here = env::var("CARGO_MANIFEST_DIR").expect("set by cargo");
    let out = env::var("OUT_DIR").expect("set by cargo");
    let architecture = env::var("CARGO_CFG_TARGET_ARCH").expect("set by cargo");
    // As `board/mod.rs` chooses.
    let board = match architecture.as_str() {
        "arm" => "mps2",
        "riscv32" => "virt",
        other => panic!("no board here has a processor of the kind {other}"),
    };
    if board == "mps2" {
        // Start-up asks for the names of the interrupts; this board has its table in `board/mps2/mod.rs`.
        fs::write(Path::new(&out).join("device.x"), "").expect("the build folder takes files");
        println!("cargo:rustc-link-search={out}");
    }
    println!("cargo:rerun-if-changed=src/board/{board}/memory.x");
    println!("cargo:rustc-link-search={here}/src/board/{board}");
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rustc-link-arg-bins=-Tdefmt.x");
    println!("cargo:rustc-link-arg-bins=--nmagic");
}
