//! Network hardware whose frames pass through FIFOs of 32-bit words, as a device of smoltcp. One
//! frame each way is in memory; further received ones wait in the hardware.
//!
//! A driver implements [`Controller`]; [`Ethernet`] does the rest.

use core::marker::PhantomData;

use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use static_cell::ConstStaticCell;

/// Longest frame in bytes, without its check sequence.
pub const FRAME_LEN: usize = 1514;
/// Words of a frame, with two further bytes for [`Controller::PREFIX_LEN`].
const WORDS: usize = (FRAME_LEN + 2).div_ceil(4);

/// A frame in the words of a FIFO, after [`Controller::PREFIX_LEN`] bytes.
pub type Frame = [u32; WORDS];

/// The registers of an Ethernet controller.
pub trait Controller {
    /// Bytes before a frame in a FIFO, at most 2.
    const PREFIX_LEN: usize;

    /// Copies the next good frame from the hardware; returns its length. Discards damaged and
    /// overlong frames.
    fn receive(frame: &mut Frame) -> Option<usize>;

    /// Whether the hardware has room for a frame of the maximum length.
    fn can_transmit() -> bool;

    /// Transmits a frame of `len` bytes.
    fn transmit(frame: &mut Frame, len: usize);
}

/// One frame each way.
struct Buffers {
    receive: Frame,
    transmit: Frame,
}

/// All zero, so it takes no flash.
static BUFFERS: ConstStaticCell<Buffers> = ConstStaticCell::new(Buffers { receive: [0; WORDS], transmit: [0; WORDS] });

/// See the module's documentation.
pub struct Ethernet<C> {
    buffers: &'static mut Buffers,
    controller: PhantomData<C>,
}

impl<C: Controller> Ethernet<C> {
    /// A device over a controller that was started; `None` at a second call.
    pub fn new() -> Option<Self> {
        Some(Self { buffers: BUFFERS.try_take()?, controller: PhantomData })
    }
}

impl<C: Controller> Device for Ethernet<C> {
    type RxToken<'a>
        = RxToken<'a>
    where
        C: 'a;
    type TxToken<'a>
        = TxToken<'a, C>
    where
        C: 'a;

    fn receive(&mut self, _: Instant) -> Option<(RxToken<'_>, TxToken<'_, C>)> {
        // smoltcp answers a frame at once (ARP, ping), which needs room to transmit.
        if !C::can_transmit() {
            return None;
        }
        let len = C::receive(&mut self.buffers.receive)?;
        let bytes = bytes(&self.buffers.receive).get(C::PREFIX_LEN..C::PREFIX_LEN + len)?;
        Some((RxToken(bytes), TxToken(&mut self.buffers.transmit, PhantomData)))
    }

    fn transmit(&mut self, _: Instant) -> Option<TxToken<'_, C>> {
        C::can_transmit().then_some(TxToken(&mut self.buffers.transmit, PhantomData))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME_LEN;
        capabilities
    }
}

/// A frame received.
pub struct RxToken<'a>(&'a [u8]);

/// The right to transmit one frame.
pub struct TxToken<'a, C>(&'a mut Frame, PhantomData<C>);

impl phy::RxToken for RxToken<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

impl<C: Controller> phy::TxToken for TxToken<'_, C> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        // smoltcp asks for at most `FRAME_LEN`.
        let result = fill(&mut bytes_mut(self.0)[C::PREFIX_LEN..C::PREFIX_LEN + len]);
        C::transmit(self.0, len);
        result
    }
}

fn bytes(frame: &Frame) -> &[u8] {
    // SAFETY: the same memory, of smaller alignment; every byte of a word is initialised.
    unsafe { core::slice::from_raw_parts(frame.as_ptr().cast(), size_of_val(frame)) }
}

fn bytes_mut(frame: &mut Frame) -> &mut [u8] {
    // SAFETY: as in `bytes`; every value of its bytes is a word.
    unsafe { core::slice::from_raw_parts_mut(frame.as_mut_ptr().cast(), size_of_val(frame)) }
}
