//! The Kabar client of a device, for C. `include/kabar.h` is generated from this crate by
//! `cbindgen`: its documentation is the documentation here.
//!
//! * [`types`]: constants and structures.
//! * [`calls`]: the functions. Only they access pointers, each only those of its arguments.
//!
//! The client and its sizes are those of [`kabar_device::profile`].
#![no_std]

pub mod calls;
pub mod types;

unsafe extern "C" {
    /// Required by the linker and never called: no input makes the library panic. It must not
    /// return.
    pub fn kabar_panicked();
}

#[panic_handler]
fn on_panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: it has no arguments and accesses nothing of the library.
    unsafe { kabar_panicked() };
    loop {
        core::hint::spin_loop();
    }
}
