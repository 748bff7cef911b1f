//! The network hardware: virtio-net over memory-mapped registers, as a device of smoltcp.
//!
//! The hardware reads and writes our memory by itself. It is lent [`QUEUE`] buffers to receive into, and gets each back once
//! smoltcp has seen what was in it; and as many to transmit from, each ours again when it says so. Its queues lie in pages of their
//! own, which are given out once and never come back: there is no allocator.

use core::cell::UnsafeCell;
use core::ops::Range;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};

use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use virtio_drivers::device::net::VirtIONetRaw;
use virtio_drivers::transport::mmio::MmioTransport;
use virtio_drivers::transport::{DeviceType, Transport};
use virtio_drivers::{BufferDirection, Hal, PAGE_SIZE, PhysAddr};

use super::wake_by;
use crate::once::Once;

/// Where the board has its virtio hardware: so many places, each of so many bytes, most of them empty. The interrupt of the first
/// has the number 1.
const FIRST_SLOT: usize = 0x1000_1000;
const SLOT_LEN: usize = 0x1000;
const SLOTS: usize = 8;
const FIRST_SOURCE: u32 = 1;

/// Frames each way that may be under way; a power of two.
const QUEUE: usize = 4;
/// Longest frame in bytes, without its check sequence.
const FRAME_LEN: usize = 1514;
/// With the largest header that the hardware puts before it, in whole words.
const BUFFER_LEN: usize = 1528;
/// A queue is two pages: what we write, and what the hardware writes.
const PAGES: usize = 4;

struct Buffers {
    receive: [[u8; BUFFER_LEN]; QUEUE],
    transmit: [[u8; BUFFER_LEN]; QUEUE],
}

static BUFFERS: Once<Buffers> =
    Once::new(Buffers { receive: [[0; BUFFER_LEN]; QUEUE], transmit: [[0; BUFFER_LEN]; QUEUE] });

#[repr(C, align(4096))]
struct Pool(UnsafeCell<[[u8; PAGE_SIZE]; PAGES]>);

// SAFETY: each page is reachable only through the pointer that `dma_alloc` gives out, once.
unsafe impl Sync for Pool {}

static POOL: Pool = Pool(UnsafeCell::new([[0; PAGE_SIZE]; PAGES]));
/// Pages given out so far.
static GIVEN: AtomicUsize = AtomicUsize::new(0);

/// What the driver asks of its surroundings. Addresses are the same for the hardware as for us.
struct Memory;

// SAFETY: pages are aligned, zero, and given out once; what is shared stays where it is, and its address is exposed, because the
// hardware reads and writes there.
unsafe impl Hal for Memory {
    fn dma_alloc(pages: usize, _: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        let first = GIVEN.fetch_add(pages, Ordering::Relaxed);
        if first.saturating_add(pages) > PAGES {
            // Address 0 says that there is no more.
            return (0, NonNull::dangling());
        }
        let pool: NonNull<[u8; PAGE_SIZE]> = NonNull::from(&POOL.0).cast();
        // SAFETY: it is within the pool.
        let page = unsafe { pool.add(first) }.cast();
        (address(page), page)
    }

    unsafe fn dma_dealloc(_: PhysAddr, _: NonNull<u8>, _: usize) -> i32 {
        0
    }

    unsafe fn mmio_phys_to_virt(_: PhysAddr, _: usize) -> NonNull<u8> {
        unreachable!("for hardware on a PCI bus only")
    }

    unsafe fn share(buffer: NonNull<[u8]>, _: BufferDirection) -> PhysAddr {
        address(buffer.cast())
    }

    unsafe fn unshare(_: PhysAddr, _: NonNull<[u8]>, _: BufferDirection) {}
}

fn address(at: NonNull<u8>) -> PhysAddr {
    at.as_ptr().expose_provenance() as PhysAddr
}

type Driver = VirtIONetRaw<Memory, MmioTransport<'static>, QUEUE>;

/// See the module's documentation.
pub struct VirtioNet {
    driver: Driver,
    receive: &'static mut [[u8; BUFFER_LEN]; QUEUE],
    /// By which token the hardware has each; `None`: smoltcp sees it.
    receiving: [Option<u16>; QUEUE],
    transmit: &'static mut [[u8; BUFFER_LEN]; QUEUE],
    /// By which token the hardware has each, and how much of it; `None`: it is free.
    transmitting: [Option<(u16, usize)>; QUEUE],
}

impl VirtioNet {
    /// Resets it and begins to receive; `None` if it is not there, or was started before.
    pub fn start() -> Option<Self> {
        let buffers = BUFFERS.take()?;
        let (transport, source) = (0..SLOTS).zip(FIRST_SOURCE..).find_map(|(slot, source)| {
            let header = NonNull::new((FIRST_SLOT + slot * SLOT_LEN) as *mut _)?;
            // SAFETY: the board has such registers at each of these places, also where they say that nothing is behind them; and
            // that the buffers were not taken before says that nobody else has them.
            let transport = unsafe { MmioTransport::new(header, SLOT_LEN) }.ok()?;
            (transport.device_type() == DeviceType::Network).then_some((transport, source))
        })?;
        let driver = Driver::new(transport).ok()?;
        let Buffers { receive, transmit } = buffers;
        let mut card = Self { driver, receive, receiving: [None; QUEUE], transmit, transmitting: [None; QUEUE] };
        card.lend();
        wake_by(source);
        Some(card)
    }

    /// The address that it was given.
    pub fn hardware_address(&self) -> [u8; 6] {
        self.driver.mac_address()
    }

    /// Lends all buffers to the hardware that it may receive into.
    fn lend(&mut self) {
        for (buffer, receiving) in self.receive.iter_mut().zip(&mut self.receiving) {
            if receiving.is_none() {
                // SAFETY: nobody looks into it until `fetch` has it back by the token.
                *receiving = unsafe { self.driver.receive_begin(buffer) }.ok();
            }
        }
    }

    /// The next frame: in which buffer, and where in it. What smoltcp saw before goes back to the hardware.
    fn fetch(&mut self) -> Option<(usize, Range<usize>)> {
        self.lend();
        // A frame that comes after this raises the interrupt anew.
        let _ = self.driver.ack_interrupt();
        let token = self.driver.poll_receive()?;
        let at = self.receiving.iter().position(|receiving| *receiving == Some(token))?;
        // SAFETY: the buffer that was lent with this token. Where it does not come back it stays lent.
        let (header, len) = unsafe { self.driver.receive_complete(token, &mut self.receive[at]) }.ok()?;
        self.receiving[at] = None;
        Some((at, header..header + len))
    }

    /// Whether a frame has room to go out. What the hardware is done with is ours again.
    fn can_transmit(&mut self) -> bool {
        while let Some(token) = self.driver.poll_transmit() {
            let is_it = |of: &Option<(u16, usize)>| of.is_some_and(|(at, _)| at == token);
            let Some(at) = self.transmitting.iter().position(is_it) else { break };
            let Some((_, len)) = self.transmitting[at].take() else { break };
            // SAFETY: the part of the buffer that was lent with this token.
            let _ = unsafe { self.driver.transmit_complete(token, &self.transmit[at][..len]) };
        }
        self.transmitting.contains(&None)
    }
}

impl Device for VirtioNet {
    type RxToken<'a> = RxToken<'a>;
    type TxToken<'a> = TxToken<'a>;

    fn receive(&mut self, _: Instant) -> Option<(RxToken<'_>, TxToken<'_>)> {
        if !self.can_transmit() {
            return None;
        }
        let (at, frame) = self.fetch()?;
        let Self { driver, receive, transmit, transmitting, .. } = self;
        Some((RxToken { frame: receive[at].get(frame)? }, TxToken { driver, transmit, transmitting }))
    }

    fn transmit(&mut self, _: Instant) -> Option<TxToken<'_>> {
        let can_transmit = self.can_transmit();
        let Self { driver, transmit, transmitting, .. } = self;
        can_transmit.then_some(TxToken { driver, transmit, transmitting })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME_LEN;
        capabilities
    }
}

/// A frame received.
pub struct RxToken<'a> {
    frame: &'a [u8],
}

/// Leave to transmit one.
pub struct TxToken<'a> {
    driver: &'a mut Driver,
    transmit: &'a mut [[u8; BUFFER_LEN]; QUEUE],
    transmitting: &'a mut [Option<(u16, usize)>; QUEUE],
}

impl phy::RxToken for RxToken<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(self.frame)
    }
}

impl phy::TxToken for TxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        let is_free = |of: &Option<(u16, usize)>| of.is_none();
        // Only who found one that is free has this token.
        let at = self.transmitting.iter().position(is_free).unwrap_or_default();
        let buffer = &mut self.transmit[at];
        let header = self.driver.fill_buffer_header(buffer).unwrap_or_default();
        let whole = header + len;
        // smoltcp asks for at most what the capabilities say.
        let result = fill(&mut buffer[header..whole]);
        // SAFETY: nobody looks into it until `can_transmit` has it back by the token. What the hardware refuses is lost on the way.
        self.transmitting[at] =
            unsafe { self.driver.transmit_begin(&buffer[..whole]) }.ok().map(|token| (token, whole));
        result
    }
}
