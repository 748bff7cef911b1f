//! The machine of the programs that are linked to measure their size: input is read from one
//! volatile address and results are written to another, so that the compiler removes nothing that a
//! real program would keep.
#![no_std]

use core::cell::UnsafeCell;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use kabar_core::time::Instant;

/// The address of the input.
const INPUT: *const u8 = 0x4000_0000 as *const u8;
/// The address of the output.
const OUTPUT: *mut u8 = 0x4000_0004 as *mut u8;

/// A static value.
#[derive(Debug)]
pub struct Static<T>(UnsafeCell<T>);

// SAFETY: there is one thread and no interrupt.
unsafe impl<T> Sync for Static<T> {}

impl<T> Static<T> {
    /// Holds `value`.
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// Returns the only reference to the value.
    ///
    /// # Safety
    /// Must be called at most once.
    #[expect(clippy::mut_from_ref, reason = "once")]
    pub const unsafe fn take(&'static self) -> &'static mut T {
        // SAFETY: the only reference, as the caller promises.
        unsafe { &mut *self.0.get() }
    }
}

/// The next byte.
pub fn byte() -> u8 {
    // SAFETY: the address stands for hardware of a real program; these programs are never run.
    unsafe { INPUT.read_volatile() }
}

/// The next bytes.
pub fn bytes<const LEN: usize>() -> [u8; LEN] {
    core::array::from_fn(|_| byte())
}

/// The next number.
pub fn number() -> u64 {
    u64::from_le_bytes(bytes())
}

/// The time.
pub fn now() -> Instant {
    Instant::from_micros(number())
}

/// An address of either family.
pub fn address() -> SocketAddr {
    let port = u16::from_le_bytes(bytes());
    match byte() {
        0 => (Ipv6Addr::from(bytes::<16>()), port).into(),
        _ => (Ipv4Addr::from(bytes::<4>()), port).into(),
    }
}

/// Fills `out`; returns the length to use.
pub fn read(out: &mut [u8]) -> usize {
    out.fill_with(byte);
    usize::from(u16::from_le_bytes(bytes()))
}

/// Writes bytes to the output.
pub fn write(bytes: &[u8]) {
    for &byte in bytes {
        // SAFETY: as in `byte`.
        unsafe { OUTPUT.write_volatile(byte) };
    }
}

/// Writes a number.
pub fn write_number(number: u64) {
    write(&number.to_le_bytes());
}

/// Writes an address.
pub fn write_address(address: SocketAddr) {
    match address {
        SocketAddr::V4(address) => write(&address.ip().octets()),
        SocketAddr::V6(address) => write(&address.ip().octets()),
    }
    write(&address.port().to_le_bytes());
}

/// Keeps a value that is not written byte by byte.
pub fn write_opaque<T>(value: &T) {
    core::hint::black_box(value);
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        write(&[0xff]);
    }
}
