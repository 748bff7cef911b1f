//! The network hardware: virtio-net over memory-mapped registers, as a device of smoltcp.
//!
//! The hardware reads and writes memory by itself. The driver lends it [`QUEUE`] buffers to receive
//! into, and lends each again once smoltcp has read it; and the same number to transmit from, each
//! of which is free again when the hardware reports it. The queues are in separate pages, which are
//! given out once and never returned: there is no allocator.

use core::cell::UnsafeCell;
use core::ops::Range;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};

use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use static_cell::ConstStaticCell;
use virtio_drivers::device::net::VirtIONetRaw;
use virtio_drivers::transport::mmio::MmioTransport;
use virtio_drivers::transport::{DeviceType, Transport};
use virtio_drivers::{BufferDirection, Hal, PAGE_SIZE, PhysAddr};

use super::wake_by;

/// The board's slots for virtio hardware, most of them empty. The interrupt of the first has the
/// number 1.
const FIRST_SLOT: usize = 0x1000_1000;
const SLOT_LEN: usize = 0x1000;
const SLOTS: usize = 8;
const FIRST_SOURCE: u32 = 1;

/// Frames in flight each way; a power of two.
const QUEUE: usize = 4;
/// Longest frame in bytes, without its check sequence.
const FRAME_LEN: usize = 1514;
/// A frame with the largest header that the hardware puts before it, in whole words.
const BUFFER_LEN: usize = 1528;
/// Pages of both queues: each has one that the program writes and one that the hardware writes.
const PAGES: usize = 4;

struct Buffers {
    receive: [[u8; BUFFER_LEN]; QUEUE],
    transmit: [[u8; BUFFER_LEN]; QUEUE],
}

static BUFFERS: ConstStaticCell<Buffers> =
    ConstStaticCell::new(Buffers { receive: [[0; BUFFER_LEN]; QUEUE], transmit: [[0; BUFFER_LEN]; QUEUE] });

#[repr(C, align(4096))]
struct Pool(UnsafeCell<[[u8; PAGE_SIZE]; PAGES]>);

// SAFETY: each page is reachable only through the pointer that `dma_alloc` gives out, once.
unsafe impl Sync for Pool {}

static POOL: Pool = Pool(UnsafeCell::new([[0; PAGE_SIZE]; PAGES]));
/// Pages given out so far.
static GIVEN: AtomicUsize = AtomicUsize::new(0);

/// The driver's memory. Hardware and program use the same addresses.
struct Memory;

// SAFETY: pages are aligned, zero, and given out once; shared memory is not moved, and its address
// is exposed, because the hardware reads and writes there.
unsafe impl Hal for Memory {
    fn dma_alloc(pages: usize, _: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        let first = GIVEN.fetch_add(pages, Ordering::Relaxed);
        if first.saturating_add(pages) > PAGES {
            // Address 0 means that there is no page left.
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
    /// The token by which the hardware holds each buffer; `None`: smoltcp reads it.
    receiving: [Option<u16>; QUEUE],
    transmit: &'static mut [[u8; BUFFER_LEN]; QUEUE],
    /// The token by which the hardware holds each buffer, and the length lent; `None`: it is free.
    transmitting: [Option<(u16, usize)>; QUEUE],
}

impl VirtioNet {
    /// Resets the hardware and begins to receive; `None` if it is not there, or was started before.
    pub fn start() -> Option<Self> {
        let buffers = BUFFERS.try_take()?;
        let (transport, source) = (0..SLOTS).zip(FIRST_SOURCE..).find_map(|(slot, source)| {
            let header = NonNull::new((FIRST_SLOT + slot * SLOT_LEN) as *mut _)?;
            // SAFETY: the board has such registers in each slot, also in empty ones. This code runs
            // once, because it has taken the buffers, so nothing else uses them.
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

    /// The address that the emulator assigned.
    pub fn hardware_address(&self) -> [u8; 6] {
        self.driver.mac_address()
    }

    /// Lends all free receive buffers to the hardware.
    fn lend(&mut self) {
        for (buffer, receiving) in self.receive.iter_mut().zip(&mut self.receiving) {
            if receiving.is_none() {
                // SAFETY: it is not accessed until `fetch` has it back by the token.
                *receiving = unsafe { self.driver.receive_begin(buffer) }.ok();
            }
        }
    }

    /// The next frame: its buffer, and its place there. Buffers that smoltcp has read return to the
    /// hardware.
    fn fetch(&mut self) -> Option<(usize, Range<usize>)> {
        self.lend();
        // A frame that arrives after this raises the interrupt again.
        let _ = self.driver.ack_interrupt();
        let token = self.driver.poll_receive()?;
        let at = self.receiving.iter().position(|receiving| *receiving == Some(token))?;
        // SAFETY: the buffer that was lent with this token. On an error it stays lent.
        let (header, len) = unsafe { self.driver.receive_complete(token, &mut self.receive[at]) }.ok()?;
        self.receiving[at] = None;
        Some((at, header..header + len))
    }

    /// Whether there is room to transmit a frame. Takes back buffers that the hardware has
    /// transmitted.
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

/// The right to transmit one frame.
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
        // This token exists only if a buffer was free.
        let at = self.transmitting.iter().position(is_free).unwrap_or_default();
        let buffer = &mut self.transmit[at];
        let header = self.driver.fill_buffer_header(buffer).unwrap_or_default();
        let whole = header + len;
        // smoltcp asks for at most what the capabilities say.
        let result = fill(&mut buffer[header..whole]);
        // SAFETY: it is not accessed until `can_transmit` has it back by the token. A frame that is
        // refused counts as lost.
        self.transmitting[at] =
            unsafe { self.driver.transmit_begin(&buffer[..whole]) }.ok().map(|token| (token, whole));
        result
    }
}
