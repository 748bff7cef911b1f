//! Passes the linker script to the linker, from any working directory.

use std::env;

fn main() {
    let here = env::var("CARGO_MANIFEST_DIR").expect("set by cargo");
    println!("cargo:rerun-if-changed=link-check.ld");
    println!("cargo:rustc-link-arg-bins=-T{here}/link-check.ld");
    println!("cargo:rustc-link-arg-bins=--nmagic");
}
