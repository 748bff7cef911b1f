//! The machine that the programs to be weighed believe to be on: bytes come from one volatile address and results go to another,
//! so that nothing is optimised away that a real program would keep.
#![no_std]

use core::cell::UnsafeCell;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use kabar_core::time::Instant;

/// Where bytes come from.
const INPUT: *const u8 = 0x4000_0000 as *const u8;
/// Where results go.
const OUTPUT: *mut u8 = 0x4000_0004 as *mut u8;

/// What a program keeps from start to end.
#[derive(Debug)]
pub struct Static<T>(UnsafeCell<T>);

// SAFETY: there is one thread and no interrupt.
unsafe impl<T> Sync for Static<T> {}

impl<T> Static<T> {
    /// Holds `value`.
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// Gives the value out for good.
    ///
    /// # Safety
    /// To be called once.
    #[expect(clippy::mut_from_ref, reason = "once")]
    pub const unsafe fn take(&'static self) -> &'static mut T {
        // SAFETY: the only reference, as the caller promises.
        unsafe { &mut *self.0.get() }
    }
}

/// The next byte.
pub fn byte() -> u8 {
    // SAFETY: the address stands for hardware that a real program has; these programs are not run.
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

/// What the clock says.
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

/// Fills `out` and tells how much of it counts.
pub fn read(out: &mut [u8]) -> usize {
    out.fill_with(byte);
    usize::from(u16::from_le_bytes(bytes()))
}

/// Puts bytes out.
pub fn write(bytes: &[u8]) {
    for &byte in bytes {
        // SAFETY: as in `byte`.
        unsafe { OUTPUT.write_volatile(byte) };
    }
}

/// Puts a number out.
pub fn write_number(number: u64) {
    write(&number.to_le_bytes());
}

/// Puts an address out.
pub fn write_address(address: SocketAddr) {
    match address {
        SocketAddr::V4(address) => write(&address.ip().octets()),
        SocketAddr::V6(address) => write(&address.ip().octets()),
    }
    write(&address.port().to_le_bytes());
}

/// For values whose bytes no program looks at one by one.
pub fn write_opaque<T>(value: &T) {
    core::hint::black_box(value);
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        write(&[0xff]);
    }
}
