//! Hands the linker scripts over, so that building works from any directory.

use std::env;

fn main() {
    let here = env::var("CARGO_MANIFEST_DIR").expect("set by cargo");
    println!("cargo:rerun-if-changed=src/board/memory.x");
    println!("cargo:rustc-link-search={here}/src/board");
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    println!("cargo:rustc-link-arg-bins=-Tdefmt.x");
    println!("cargo:rustc-link-arg-bins=--nmagic");
}
