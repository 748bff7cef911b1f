//! The serial port: the first CMSDK UART, as a byte stream. Its hardware holds one byte each way; what comes goes to a queue in its
//! interrupt, what goes out is waited for, up to a bound: a line that is held must not hold the device.

use core::cell::RefCell;

use cortex_m::peripheral::NVIC;
use critical_section::Mutex;
use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write};
use heapless::Deque;
use kabar_core::serial::{MAX_FRAME_LEN, SerialLink};

use super::{CLOCK_HZ, Interrupt};
use crate::once::Once;
use crate::registers::Registers;

/// Where it is in memory.
// SAFETY: this board has it there; the offsets are those of `register`.
const REGISTERS: Registers = unsafe { Registers::at(0x4000_4000) };
/// Bits per second.
const BAUD: u32 = 115_200;
/// Bytes that wait for the program: a whole frame, which is what comes while the program is in its longest step (2.3 million
/// instructions, 0.09 s) or sends a frame itself (0.1 s). More are lost, as on a line without flow control, and sent again by who
/// needs them.
const QUEUE_LEN: usize = MAX_FRAME_LEN;

/// Looks at the transmitter before a byte is given up, and the packet with it: some twenty times what a byte takes.
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

/// The number of its receiver at the interrupt controller.
pub(super) const INTERRUPT: usize = 0;

/// The link over it, all zero; in a place of its own because it holds a packet.
static LINK: Once<SerialLink<Uart>> = Once::new(SerialLink::new(Uart { is_stuck: false }));
static QUEUE: Mutex<RefCell<Deque<u8, QUEUE_LEN>>> = Mutex::new(RefCell::new(Deque::new()));

/// See the module's documentation.
#[derive(Debug)]
pub struct Uart {
    /// The other end takes nothing: a packet is given up at its first byte, until one is taken again.
    is_stuck: bool,
}

/// Takes what came. A byte that comes after the last look raises the interrupt again, because that was cleared before.
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
    /// Begins to receive; `None` if it does not take the speed, or was started before.
    pub fn start() -> Option<&'static mut SerialLink<Self>> {
        REGISTERS.write(register::BAUD_DIV, CLOCK_HZ / BAUD);
        REGISTERS.write(register::CTRL, CTRL_VALUE);
        if REGISTERS.read(register::BAUD_DIV) != CLOCK_HZ / BAUD {
            return None;
        }
        // SAFETY: the handler touches the queue and the port's registers, the program the queue in a critical section.
        unsafe { NVIC::unmask(Interrupt(INTERRUPT)) };
        LINK.take()
    }

    /// Whether something waits for the program.
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
