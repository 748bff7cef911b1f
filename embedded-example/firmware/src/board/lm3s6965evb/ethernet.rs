//! The network hardware: the LM3S6965's Ethernet controller, as a device of smoltcp. One frame each
//! way is in memory, further received ones wait in its FIFO.
//!
//! It raises its interrupt when a frame arrives and holds it until that is acknowledged. The
//! handler masks the interrupt, and [`Ethernet::unmask_interrupt`] is called before sleeping.

use cortex_m::peripheral::NVIC;
use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use static_cell::ConstStaticCell;

use crate::processor::Interrupt;
use crate::registers::Registers;

/// Its registers.
// SAFETY: the data sheet has them there; the offsets are those of `register`.
const REGISTERS: Registers = unsafe { Registers::at(0x4004_8000) };
/// Longest frame in bytes, without its check sequence.
const FRAME_LEN: usize = 1514;
/// Length of an Ethernet header in bytes.
const HEADER_LEN: usize = 14;
/// Bytes before each frame in the FIFOs: a length.
const PREFIX_LEN: usize = 2;
/// Length of the check sequence after each received frame in bytes.
const FCS_LEN: usize = 4;
/// A frame with the length before it, in words as the FIFOs have them.
const WORDS: usize = (PREFIX_LEN + FRAME_LEN).div_ceil(4);

/// Offsets in [`REGISTERS`], with their names in the data sheet.
mod register {
    /// MACRIS, MACIACK.
    pub(super) const STATUS: usize = 0x00;
    /// MACIM.
    pub(super) const INTERRUPTS: usize = 0x04;
    /// MACRCTL.
    pub(super) const RECEIVE: usize = 0x08;
    /// MACTCTL.
    pub(super) const TRANSMIT: usize = 0x0c;
    /// MACDATA.
    pub(super) const DATA: usize = 0x10;
    /// MACIA0.
    pub(super) const ADDRESS_LOW: usize = 0x14;
    /// MACIA1.
    pub(super) const ADDRESS_HIGH: usize = 0x18;
    /// MACNP.
    pub(super) const FRAMES: usize = 0x34;
    /// MACTR.
    pub(super) const TRANSMISSION: usize = 0x38;
}

const RECEIVED: u32 = 1 << 0;
/// Receiver on, frames with a wrong check sequence discarded.
const RECEIVE_ON: u32 = 1 << 0 | 1 << 3;
const RECEIVE_RESET_FIFO: u32 = 1 << 4;
/// Transmitter on, short frames padded, check sequence appended, full duplex.
const TRANSMIT_ON: u32 = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 4;

/// Its number at the interrupt controller.
pub(super) const INTERRUPT: Interrupt = Interrupt(42);

/// The interrupt is held until it is acknowledged; its only purpose is to wake the processor.
pub(super) extern "C" fn wake() {
    NVIC::mask(INTERRUPT);
}

/// One frame each way, each with the length before it.
struct Buffers {
    receive: [u32; WORDS],
    transmit: [u32; WORDS],
}

static BUFFERS: ConstStaticCell<Buffers> = ConstStaticCell::new(Buffers { receive: [0; WORDS], transmit: [0; WORDS] });

/// See the module's documentation.
pub struct Ethernet {
    buffers: &'static mut Buffers,
}

impl Ethernet {
    /// Begins to receive; `None` if it was started before.
    pub fn start() -> Option<Self> {
        let buffers = BUFFERS.try_take()?;
        REGISTERS.write(register::RECEIVE, RECEIVE_RESET_FIFO);
        REGISTERS.write(register::STATUS, u32::MAX);
        REGISTERS.write(register::TRANSMIT, TRANSMIT_ON);
        REGISTERS.write(register::RECEIVE, RECEIVE_ON);
        REGISTERS.write(register::INTERRUPTS, RECEIVED);
        Some(Self { buffers })
    }

    /// The address that is programmed into the hardware.
    pub fn hardware_address() -> [u8; 6] {
        let [a, b, c, d] = REGISTERS.read(register::ADDRESS_LOW).to_le_bytes();
        let [e, f, ..] = REGISTERS.read(register::ADDRESS_HIGH).to_le_bytes();
        [a, b, c, d, e, f]
    }

    /// Whether a frame waits.
    pub fn has_frame() -> bool {
        REGISTERS.read(register::FRAMES) & 0x3f != 0
    }

    /// Lets the hardware wake the processor.
    pub fn unmask_interrupt() {
        // SAFETY: the handler masks it and touches nothing else.
        unsafe { NVIC::unmask(INTERRUPT) };
    }

    /// Copies the next frame from the FIFO to memory; returns its length. Overlong ones are
    /// discarded.
    fn fetch(&mut self) -> Option<usize> {
        while Self::has_frame() {
            let first = REGISTERS.read(register::DATA);
            // The length counts itself and the check sequence.
            let len = (first & 0xffff) as usize;
            self.buffers.receive[0] = first;
            for at in 1..len.div_ceil(4) {
                let word = REGISTERS.read(register::DATA);
                if let Some(place) = self.buffers.receive.get_mut(at) {
                    *place = word;
                }
            }
            match len.checked_sub(PREFIX_LEN + FCS_LEN) {
                Some(len) if len <= FRAME_LEN => return Some(len),
                _ => {}
            }
        }
        // A frame that arrives between the check and this is found by the check before sleeping.
        REGISTERS.write(register::STATUS, RECEIVED);
        None
    }

    /// Whether the frame before has left the FIFO, which holds one.
    fn can_transmit() -> bool {
        REGISTERS.read(register::TRANSMISSION) & 1 == 0
    }
}

impl Device for Ethernet {
    type RxToken<'a> = RxToken<'a>;
    type TxToken<'a> = TxToken<'a>;

    fn receive(&mut self, _: Instant) -> Option<(RxToken<'_>, TxToken<'_>)> {
        // smoltcp answers a frame at once (ARP, ping), which needs room to transmit.
        if !Self::can_transmit() {
            return None;
        }
        let len = self.fetch()?;
        Some((RxToken { words: &self.buffers.receive, len }, TxToken { words: &mut self.buffers.transmit }))
    }

    fn transmit(&mut self, _: Instant) -> Option<TxToken<'_>> {
        Self::can_transmit().then_some(TxToken { words: &mut self.buffers.transmit })
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
    words: &'a [u32; WORDS],
    len: usize,
}

/// The right to transmit one frame.
pub struct TxToken<'a> {
    words: &'a mut [u32; WORDS],
}

impl phy::RxToken for RxToken<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(bytes(self.words).get(PREFIX_LEN..PREFIX_LEN + self.len).unwrap_or_default())
    }
}

impl phy::TxToken for TxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        let bytes = bytes_mut(self.words);
        // The length is that of the payload. smoltcp asks for at most what the capabilities say.
        let payload_len = len.saturating_sub(HEADER_LEN) as u16;
        bytes[..PREFIX_LEN].copy_from_slice(&payload_len.to_le_bytes());
        let result = fill(&mut bytes[PREFIX_LEN..PREFIX_LEN + len]);
        for &word in self.words.iter().take((PREFIX_LEN + len).div_ceil(4)) {
            REGISTERS.write(register::DATA, word);
        }
        REGISTERS.write(register::TRANSMISSION, 1);
        result
    }
}

fn bytes(words: &[u32; WORDS]) -> &[u8] {
    // SAFETY: the same memory, of smaller alignment; every byte of a word is initialised.
    unsafe { core::slice::from_raw_parts(words.as_ptr().cast(), size_of_val(words)) }
}

fn bytes_mut(words: &mut [u32; WORDS]) -> &mut [u8] {
    // SAFETY: as in `bytes`; every value of its bytes is a word.
    unsafe { core::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), size_of_val(words)) }
}
