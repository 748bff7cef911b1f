//! The network hardware: the Ethernet controller of the LM3S6965, a Stellaris microcontroller.
//!
//! It raises its interrupt when a frame arrives and holds it until that is acknowledged. The
//! handler masks the interrupt, and [`unmask_interrupt`] is called before sleeping.

use cortex_m::peripheral::NVIC;

use crate::ethernet::{Controller, FRAME_LEN, Frame};
use crate::processor::Interrupt;
use crate::registers::Registers;

/// Its registers.
// SAFETY: the address is that in the data sheet; the offsets are those of `register`.
const REGISTERS: Registers = unsafe { Registers::at(0x4004_8000) };
/// Length of an Ethernet header in bytes.
const HEADER_LEN: usize = 14;
/// Length of the check sequence after each received frame in bytes.
const FCS_LEN: usize = 4;

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

/// Begins to receive.
pub(super) fn start() {
    REGISTERS.write(register::RECEIVE, RECEIVE_RESET_FIFO);
    REGISTERS.write(register::STATUS, u32::MAX);
    REGISTERS.write(register::TRANSMIT, TRANSMIT_ON);
    REGISTERS.write(register::RECEIVE, RECEIVE_ON);
    REGISTERS.write(register::INTERRUPTS, RECEIVED);
}

/// The address that is programmed into the hardware.
pub(super) fn hardware_address() -> [u8; 6] {
    let [a, b, c, d] = REGISTERS.read(register::ADDRESS_LOW).to_le_bytes();
    let [e, f, ..] = REGISTERS.read(register::ADDRESS_HIGH).to_le_bytes();
    [a, b, c, d, e, f]
}

/// Whether a frame waits.
pub(super) fn has_frame() -> bool {
    REGISTERS.read(register::FRAMES) & 0x3f != 0
}

/// Lets the hardware wake the processor.
pub(super) fn unmask_interrupt() {
    // SAFETY: the handler masks it and touches nothing else.
    unsafe { NVIC::unmask(INTERRUPT) };
}

/// See the module's documentation.
pub struct Stellaris;

impl Controller for Stellaris {
    /// A length.
    const PREFIX_LEN: usize = 2;

    fn receive(frame: &mut Frame) -> Option<usize> {
        while has_frame() {
            let first = REGISTERS.read(register::DATA);
            // The length counts itself and the check sequence.
            let len = (first & 0xffff) as usize;
            frame[0] = first;
            for at in 1..len.div_ceil(4) {
                let word = REGISTERS.read(register::DATA);
                if let Some(place) = frame.get_mut(at) {
                    *place = word;
                }
            }
            match len.checked_sub(Self::PREFIX_LEN + FCS_LEN) {
                Some(len) if len <= FRAME_LEN => return Some(len),
                _ => {}
            }
        }
        // A frame that arrives between the check and this is found by the check before sleeping.
        REGISTERS.write(register::STATUS, RECEIVED);
        None
    }

    /// The frame before has left the FIFO, which holds one.
    fn can_transmit() -> bool {
        REGISTERS.read(register::TRANSMISSION) & 1 == 0
    }

    fn transmit(frame: &mut Frame, len: usize) {
        // The length before a frame is that of its payload.
        frame[0] = frame[0] & !0xffff | len.saturating_sub(HEADER_LEN) as u32 & 0xffff;
        for &word in frame.iter().take((Self::PREFIX_LEN + len).div_ceil(4)) {
            REGISTERS.write(register::DATA, word);
        }
        REGISTERS.write(register::TRANSMISSION, 1);
    }
}
