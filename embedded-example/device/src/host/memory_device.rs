//! A network device in memory: frames that wait to be received, and frames that were transmitted.

use std::collections::VecDeque;
use std::vec::Vec;

use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};

use super::udp_device::MTU;

/// See the module's documentation.
#[derive(Debug)]
pub struct MemoryDevice {
    /// Frames that the device will receive, in order.
    pub incoming: VecDeque<Vec<u8>>,
    /// Frames that the device transmitted, in order.
    pub outgoing: Vec<Vec<u8>>,
    /// Whether it refuses to transmit.
    pub is_busy: bool,
    medium: Medium,
}

impl MemoryDevice {
    /// A device without frames.
    #[must_use]
    pub const fn new(medium: Medium) -> Self {
        Self { incoming: VecDeque::new(), outgoing: Vec::new(), is_busy: false, medium }
    }
}

/// A frame received.
#[derive(Debug)]
pub struct RxToken(Vec<u8>);

/// The right to transmit one frame.
#[derive(Debug)]
pub struct TxToken<'a>(&'a mut Vec<Vec<u8>>);

impl phy::RxToken for RxToken {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

impl phy::TxToken for TxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        let mut frame = std::vec![0; len];
        let result = fill(&mut frame);
        self.0.push(frame);
        result
    }
}

impl Device for MemoryDevice {
    type RxToken<'a> = RxToken;
    type TxToken<'a> = TxToken<'a>;

    fn receive(&mut self, _: smoltcp::time::Instant) -> Option<(RxToken, TxToken<'_>)> {
        let frame = self.incoming.pop_front()?;
        Some((RxToken(frame), TxToken(&mut self.outgoing)))
    }

    fn transmit(&mut self, _: smoltcp::time::Instant) -> Option<TxToken<'_>> {
        (!self.is_busy).then_some(TxToken(&mut self.outgoing))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = self.medium;
        capabilities.max_transmission_unit = MTU;
        capabilities
    }
}
