//! The Kabar client of a device, for C: what `include/kabar.h` declares. The header is the documentation.
//!
//! * [`types`]: the structures, laid out as C does.
//! * [`calls`]: the functions. Only they touch pointers, each only those that it was given.
//!
//! The client and its sizes are those of [`kabar_embedded_example::profile`].
#![no_std]

pub mod calls;
mod header;
pub mod types;

use kabar_core::crypto::identity::{PUBLIC_LEN, SEED_LEN};
use kabar_embedded_example::profile::{DATAGRAM_LEN, DeviceClient, LARGEST_ENTRY};

// What the header says is so.
const _: () = assert!(size_of::<DeviceClient>() == header::defined("KABAR_CLIENT_LEN", usize::BITS));
const _: () = assert!(align_of::<DeviceClient>() <= align_of::<u64>());
const _: () = assert!(size_of::<types::Config>() == header::defined("KABAR_CONFIG_LEN", usize::BITS));
const _: () = assert!(size_of::<types::CEvent>() == header::defined("KABAR_EVENT_LEN", usize::BITS));
const _: () = assert!(size_of::<types::Address>() == header::defined("KABAR_ADDRESS_LEN", 0));
const _: () = assert!(SEED_LEN == header::defined("KABAR_SEED_LEN", 0));
const _: () = assert!(PUBLIC_LEN == header::defined("KABAR_PUBLIC_LEN", 0));
const _: () = assert!(DATAGRAM_LEN == header::defined("KABAR_DATAGRAM_LEN", 0));
const _: () = assert!(LARGEST_ENTRY as usize == header::defined("KABAR_MAX_BODY_LEN", 0));

unsafe extern "C" {
    fn kabar_panicked();
}

#[panic_handler]
fn on_panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: it takes nothing and touches nothing of ours.
    unsafe { kabar_panicked() };
    loop {
        core::hint::spin_loop();
    }
}
