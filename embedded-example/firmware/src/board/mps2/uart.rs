//! The serial port: the first CMSDK UART, as a byte stream. The hardware buffers one byte each way.
//! Its interrupt handler queues received bytes; writing waits for the transmitter up to a bound, so
//! that a line that is blocked does not block the device.

use core::cell::RefCell;

use cortex_m::peripheral::NVIC;
use critical_section::Mutex;
use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write};
use heapless::Deque;
use kabar_core::serial::{MAX_FRAME_LEN, SerialLink};
use static_cell::ConstStaticCell;

use super::CLOCK_HZ;
use crate::processor::Interrupt;
use crate::registers::Registers;

/// Its registers.
// SAFETY: the address is that in the board's manual; the offsets are those of `register`.
const REGISTERS: Registers = unsafe { Registers::at(0x4000_4000) };
/// Bits per second.
const BAUD: u32 = 115_200;
/// Bytes that wait for the program: a whole frame, which is as much as arrives while the program is
/// in its longest step (2.3 million instructions, 0.09 s) or sends a frame (0.1 s). Further bytes
/// are lost, as on any line without flow control, and the protocol sends them again.
const QUEUE_LEN: usize = MAX_FRAME_LEN;

/// Polls of the transmitter before a byte, and the packet with it, is given up: about twenty times
/// the duration of a byte.
const MAX_POLLS: u32 = 5_000;

/// Registers: offsets in [`REGISTERS`].
mod register {
    pub const DATA: usize = 0x00;
    pub const STATE: usize = 0x04;
    pub const CTRL: usize = 0x08;
    pub const INT_CLEAR: usize = 0x0c;
    pub const BAUD_DIV: usize = 0x10;
}

const STATE_TX_FULL: u32 = 1 << 0;
const STATE_RX_FULL: u32 = 1 << 1;
/// Transmitter, receiver, the receiver's interrupt.
const CTRL_VALUE: u32 = 1 << 0 | 1 << 1 | 1 << 3;
const INT_RX: u32 = 1 << 1;

/// The receiver's number at the interrupt controller.
pub(super) const INTERRUPT: Interrupt = Interrupt(0);

/// The link over it, all zero; static because it contains a buffer for a packet.
static LINK: ConstStaticCell<SerialLink<Uart>> = ConstStaticCell::new(SerialLink::new(Uart { is_stuck: false }));
static QUEUE: Mutex<RefCell<Deque<u8, QUEUE_LEN>>> = Mutex::new(RefCell::new(Deque::new()));

/// See the module's documentation.
#[derive(Debug)]
pub struct Uart {
    /// The transmitter is blocked: packets are given up at their first byte until it takes one
    /// again.
    is_stuck: bool,
}

/// Queues received bytes. A byte that arrives after the last check raises the interrupt again,
/// because it was cleared before.
pub(super) extern "C" fn receive() {
    REGISTERS.write(register::INT_CLEAR, INT_RX);
    critical_section::with(|section| {
        let mut queue = QUEUE.borrow_ref_mut(section);
        while REGISTERS.read(register::STATE) & STATE_RX_FULL != 0 {
            let _ = queue.push_back(REGISTERS.read(register::DATA) as u8);
        }
    });
}

impl Uart {
    /// Begins to receive; `None` if the hardware does not accept the speed, or was started before.
    pub fn start() -> Option<&'static mut SerialLink<Self>> {
        REGISTERS.write(register::BAUD_DIV, CLOCK_HZ / BAUD);
        REGISTERS.write(register::CTRL, CTRL_VALUE);
        if REGISTERS.read(register::BAUD_DIV) != CLOCK_HZ / BAUD {
            return None;
        }
        // SAFETY: the handler touches the queue and the port's registers, the program the queue in
        // a critical section.
        unsafe { NVIC::unmask(INTERRUPT) };
        LINK.try_take()
    }

    /// Whether a byte waits for the program.
    pub fn has_bytes() -> bool {
        critical_section::with(|section| !QUEUE.borrow_ref(section).is_empty())
    }
}

impl ErrorType for Uart {
    type Error = ErrorKind;
}

impl ReadReady for Uart {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(Self::has_bytes())
    }
}

impl Read for Uart {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, ErrorKind> {
        if bytes.is_empty() {
            return Ok(0);
        }
        while !Self::has_bytes() {
            cortex_m::asm::wfi();
        }
        Ok(critical_section::with(|section| {
            let mut queue = QUEUE.borrow_ref_mut(section);
            let pairs = bytes.iter_mut().zip(core::iter::from_fn(|| queue.pop_front()));
            pairs.map(|(place, byte)| *place = byte).count()
        }))
    }
}

impl Write for Uart {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        for &byte in bytes {
            self.flush()?;
            REGISTERS.write(register::DATA, byte.into());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        let polls = if self.is_stuck { 1 } else { MAX_POLLS };
        self.is_stuck = (0..polls).all(|_| REGISTERS.read(register::STATE) & STATE_TX_FULL != 0);
        if self.is_stuck { Err(ErrorKind::TimedOut) } else { Ok(()) }
    }
}
