//! Hands the linker scripts over, so that building works from any directory.

use std::path::Path;
use std::{env, fs};

fn main() {
    let here = env::var("CARGO_MANIFEST_DIR").expect("set by cargo");
    let out = env::var("OUT_DIR").expect("set by cargo");
    // Start-up asks for the names of the interrupts; this board has its table in `board/mod.rs`.
    fs::write(Path::new(&out).join("device.x"), "").expect("the build folder takes files");
    println!("cargo:rerun-if-changed=src/board/memory.x");
    println!("cargo:rustc-link-search={here}/src/board");
    println!("cargo:rustc-link-search={out}");
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rustc-link-arg-bins=-Tdefmt.x");
    println!("cargo:rustc-link-arg-bins=--nmagic");
}
