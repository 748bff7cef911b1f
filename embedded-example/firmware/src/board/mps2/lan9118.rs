//! The network hardware: SMSC LAN9118.
//!
//! It raises its interrupt when a frame arrives and holds it until the frame is fetched. The
//! handler masks the interrupt, and [`unmask_interrupt`] is called before sleeping.

use core::sync::atomic::{AtomicBool, Ordering};

use cortex_m::peripheral::NVIC;

use crate::ethernet::{Controller, FRAME_LEN, Frame};
use crate::processor::Interrupt;
use crate::registers::Registers;

/// Its registers.
// SAFETY: the address is that in the board's manual; the offsets are those of `register`.
const REGISTERS: Registers = unsafe { Registers::at(0x4020_0000) };
/// Length of the check sequence after each received frame in bytes.
const FCS_LEN: usize = 4;
/// Polls of a busy bit before giving up.
const MAX_POLLS: u32 = 100_000;

/// Registers: offsets in [`REGISTERS`].
mod register {
    pub const RX_DATA: usize = 0x00;
    pub const TX_DATA: usize = 0x20;
    pub const RX_STATUS: usize = 0x40;
    pub const TX_STATUS: usize = 0x48;
    pub const IRQ_CFG: usize = 0x54;
    pub const INT_STS: usize = 0x58;
    pub const INT_EN: usize = 0x5c;
    pub const BYTE_TEST: usize = 0x64;
    pub const FIFO_INT: usize = 0x68;
    pub const RX_CFG: usize = 0x6c;
    pub const TX_CFG: usize = 0x70;
    pub const HW_CFG: usize = 0x74;
    pub const RX_FIFO_INF: usize = 0x7c;
    pub const TX_FIFO_INF: usize = 0x80;
    pub const PMT_CTRL: usize = 0x84;
    pub const FREE_RUN: usize = 0x9c;
    pub const MAC_CMD: usize = 0xa4;
    pub const MAC_DATA: usize = 0xa8;
}

const BYTE_TEST: u32 = 0x8765_4321;
/// Bytes that a frame takes in the FIFO in addition to its length.
const TX_OVERHEAD: u32 = 16;
const INT_RX_STATUS: u32 = 1 << 3;
const MAC_CR: u32 = 1;
const MAC_ADDRESS_HIGH: u32 = 2;
const MAC_ADDRESS_LOW: u32 = 3;
/// Transmitter on, receiver on, full duplex; not promiscuous.
const MAC_CR_VALUE: u32 = 1 << 3 | 1 << 2 | 1 << 20;

/// Its number at the interrupt controller.
pub(super) const INTERRUPT: Interrupt = Interrupt(13);

/// The interrupt is held until the frames are fetched; its only purpose is to wake the processor.
pub(super) extern "C" fn wake() {
    NVIC::mask(INTERRUPT);
}

static IS_STARTED: AtomicBool = AtomicBool::new(false);
/// Waits a bounded time for a bit. Returns whether it changed in time.
fn await_bit(register: usize, mask: u32, wanted: u32) -> bool {
    (0..MAX_POLLS).any(|_| REGISTERS.read(register) & mask == wanted)
}

/// Reads a register of the MAC, which is accessed through two registers of the interface.
fn mac_read(index: u32) -> u32 {
    REGISTERS.write(register::MAC_CMD, 1 << 31 | 1 << 30 | index);
    let _ = await_bit(register::MAC_CMD, 1 << 31, 0);
    REGISTERS.read(register::MAC_DATA)
}

fn mac_write(index: u32, value: u32) {
    REGISTERS.write(register::MAC_DATA, value);
    REGISTERS.write(register::MAC_CMD, 1 << 31 | index);
    let _ = await_bit(register::MAC_CMD, 1 << 31, 0);
}

/// Resets the hardware and begins to receive; `None` if it is not there.
pub(super) fn start() -> Option<()> {
    if !await_bit(register::PMT_CTRL, 1, 1) || REGISTERS.read(register::BYTE_TEST) != BYTE_TEST {
        return None;
    }
    REGISTERS.write(register::HW_CFG, 1);
    if !await_bit(register::HW_CFG, 1, 0) {
        return None;
    }
    // 5 KiB of FIFO for transmitting, the rest for receiving.
    REGISTERS.write(register::HW_CFG, 0x0005_0000);
    REGISTERS.write(register::INT_EN, 0);
    REGISTERS.write(register::INT_STS, u32::MAX);
    REGISTERS.write(register::TX_CFG, 2);
    REGISTERS.write(register::RX_CFG, 0);
    // An interrupt for each frame; push-pull, active high, enabled.
    REGISTERS.write(register::FIFO_INT, 0);
    REGISTERS.write(register::IRQ_CFG, 0x111);
    REGISTERS.write(register::INT_EN, INT_RX_STATUS);
    mac_write(MAC_CR, MAC_CR_VALUE);
    IS_STARTED.store(true, Ordering::Relaxed);
    Some(())
}

/// The address that is programmed into the hardware.
pub(super) fn hardware_address() -> [u8; 6] {
    let ([a, b, c, d], [e, f, ..]) =
        (mac_read(MAC_ADDRESS_LOW).to_le_bytes(), mac_read(MAC_ADDRESS_HIGH).to_le_bytes());
    [a, b, c, d, e, f]
}

/// Whether a frame waits.
pub(super) fn has_frame() -> bool {
    REGISTERS.read(register::RX_FIFO_INF) & 0x00ff_0000 != 0
}

/// Lets the hardware wake the processor, if it was started: before, its interrupt is always
/// raised.
pub(super) fn unmask_interrupt() {
    if IS_STARTED.load(Ordering::Relaxed) {
        // SAFETY: the handler masks it and touches nothing else.
        unsafe { NVIC::unmask(INTERRUPT) };
    }
}

/// A counter that runs at 25 MHz.
pub(super) fn free_running_counter() -> u32 {
    REGISTERS.read(register::FREE_RUN)
}

/// See the module's documentation.
pub struct Lan9118;

impl Controller for Lan9118 {
    const PREFIX_LEN: usize = 0;

    fn receive(frame: &mut Frame) -> Option<usize> {
        while has_frame() {
            let status = REGISTERS.read(register::RX_STATUS);
            let len = usize::try_from(status >> 16 & 0x3fff).unwrap_or(0);
            for at in 0..len.div_ceil(4) {
                let word = REGISTERS.read(register::RX_DATA);
                if let Some(place) = frame.get_mut(at) {
                    *place = word;
                }
            }
            let is_damaged = status & 1 << 15 != 0;
            match len.checked_sub(FCS_LEN) {
                Some(len) if !is_damaged && len <= FRAME_LEN => return Some(len),
                _ => {}
            }
        }
        // A frame that has arrived since is found by the check before sleeping.
        REGISTERS.write(register::INT_STS, INT_RX_STATUS);
        None
    }

    /// Discards the status of earlier frames.
    fn can_transmit() -> bool {
        while REGISTERS.read(register::TX_FIFO_INF) & 0x00ff_0000 != 0 {
            let _ = REGISTERS.read(register::TX_STATUS);
        }
        REGISTERS.read(register::TX_FIFO_INF) & 0xffff >= FRAME_LEN as u32 + TX_OVERHEAD
    }

    fn transmit(frame: &mut Frame, len: usize) {
        let command = u32::try_from(len).unwrap_or(0);
        // First and last segment; then its length once more.
        REGISTERS.write(register::TX_DATA, 0x3000 | command);
        REGISTERS.write(register::TX_DATA, command);
        for &word in frame.iter().take(len.div_ceil(4)) {
            REGISTERS.write(register::TX_DATA, word);
        }
    }
}
