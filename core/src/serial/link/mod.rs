//! Frames over [`embedded_io`]: a UART of a device, a file or socket of a host.

use embedded_io::{Read, ReadReady, Write};

use super::{Deframer, Framer, MAX_FRAME_LEN};
use crate::wire::MAX_DATAGRAM;

/// Bytes read at a time.
const CHUNK: usize = 64;

/// Packets over a byte stream, in fixed memory: the packet that is being received, and 64 bytes of
/// the stream.
///
/// [`SerialLink::receive`] never blocks; [`SerialLink::send`] blocks until the stream has accepted
/// the bytes, about 12 ms per 1200 bytes at 1 Mbit/s.
#[derive(Debug)]
pub struct SerialLink<T> {
    stream: T,
    deframer: Deframer<MAX_DATAGRAM>,
    chunk: [u8; CHUNK],
    /// Range of the chunk that is not consumed yet.
    from: usize,
    to: usize,
}

impl<T> SerialLink<T> {
    /// Creates a link over `stream`.
    pub const fn new(stream: T) -> Self {
        Self { stream, deframer: Deframer::new(), chunk: [0; CHUNK], from: 0, to: 0 }
    }

    /// The stream itself.
    pub const fn stream(&mut self) -> &mut T {
        &mut self.stream
    }

    /// Counts of packets received and frames dropped.
    #[must_use]
    pub const fn counters(&self) -> super::Counters {
        self.deframer.counters()
    }
}

impl<T: Read + ReadReady> SerialLink<T> {
    /// Returns the next complete packet, in place. `None`: there is none yet, or as much noise as a
    /// frame was read and more may follow.
    ///
    /// # Errors
    /// Those of the stream. A stream that ended returns `None`, not an error.
    pub fn receive(&mut self) -> Result<Option<&mut [u8]>, T::Error> {
        let Self { stream, deframer, chunk, from, to, .. } = self;
        // Endless noise must not block the caller.
        let mut taken = 0usize;
        loop {
            let mut rest = chunk.get(*from..*to).unwrap_or_default();
            // The packet is looked up again below: returning it here would extend the borrow over
            // the loop.
            let is_found = deframer.take(&mut rest).is_some();
            *from = to.saturating_sub(rest.len());
            if is_found {
                return Ok(deframer.last());
            }
            if taken >= MAX_FRAME_LEN || !stream.read_ready()? {
                return Ok(None);
            }
            (*from, *to) = (0, stream.read(chunk)?.min(CHUNK));
            if *to == 0 {
                return Ok(None);
            }
            taken = taken.saturating_add(*to);
        }
    }
}

impl<T: Write> SerialLink<T> {
    /// Sends a packet of at most 1200 bytes; a longer one is not sent.
    ///
    /// # Errors
    /// Those of the stream.
    pub fn send(&mut self, packet: &[u8]) -> Result<(), T::Error> {
        if packet.len() > MAX_DATAGRAM {
            return Ok(());
        }
        Framer::pieces(packet, |piece| self.stream.write_all(piece))?;
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests;
