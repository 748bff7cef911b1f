//! Frames over [`embedded_io`]: a UART of a device, a file or a socket of a laptop.

use embedded_io::{Read, ReadReady, Write};

use super::{Deframer, Framer, MAX_FRAME_LEN};
use crate::wire::MAX_DATAGRAM;

/// Bytes asked for at a time.
const CHUNK: usize = 64;

/// Packets over a byte stream, in fixed memory: the packet being received, and 64 bytes of the stream.
///
/// [`SerialLink::receive`] never waits; [`SerialLink::send`] waits as long as the stream does not take the bytes, about 12 ms per
/// 1200 bytes at 1 Mbit/s.
#[derive(Debug)]
pub struct SerialLink<T> {
    stream: T,
    deframer: Deframer<MAX_DATAGRAM>,
    chunk: [u8; CHUNK],
    /// What of the chunk is not taken yet.
    from: usize,
    to: usize,
}

impl<T> SerialLink<T> {
    /// Over `stream`.
    pub const fn new(stream: T) -> Self {
        Self { stream, deframer: Deframer::new(), chunk: [0; CHUNK], from: 0, to: 0 }
    }

    /// The stream itself.
    pub const fn stream(&mut self) -> &mut T {
        &mut self.stream
    }

    /// What was found in the stream, and what was dropped.
    #[must_use]
    pub const fn counters(&self) -> super::Counters {
        self.deframer.counters()
    }
}

impl<T: Read + ReadReady> SerialLink<T> {
    /// The next packet of those whose last byte has come, in place; `None`: there is none yet, or noise as long as a frame was read
    /// and there may be more behind it.
    ///
    /// # Errors
    /// Those of the stream. A stream that ended gives none, for ever.
    pub fn receive(&mut self) -> Result<Option<&mut [u8]>, T::Error> {
        let Self { stream, deframer, chunk, from, to, .. } = self;
        // Noise that never ends must not keep the caller from everything else.
        let mut taken = 0usize;
        loop {
            let mut rest = chunk.get(*from..*to).unwrap_or_default();
            // Asked twice, because what is found cannot be returned and the loop go on.
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
mod tests {
    use core::convert::Infallible;
    use std::collections::VecDeque;
    use std::vec::Vec;

    use embedded_io::ErrorType;

    use super::*;

    /// A wire whose far end is its near end, which gives `most` bytes at a time.
    #[derive(Debug, Default)]
    struct Loop {
        bytes: VecDeque<u8>,
        most: usize,
    }

    impl ErrorType for Loop {
        type Error = Infallible;
    }

    impl Read for Loop {
        fn read(&mut self, out: &mut [u8]) -> Result<usize, Infallible> {
            let len = out.len().min(self.most).min(self.bytes.len());
            assert!(len > 0, "it would wait");
            out.iter_mut().zip(self.bytes.drain(..len)).for_each(|(place, byte)| *place = byte);
            Ok(len)
        }
    }

    impl ReadReady for Loop {
        fn read_ready(&mut self) -> Result<bool, Infallible> {
            Ok(!self.bytes.is_empty())
        }
    }

    impl Write for Loop {
        fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
            let len = bytes.len().min(self.most);
            self.bytes.extend(&bytes[..len]);
            Ok(len)
        }

        fn flush(&mut self) -> Result<(), Infallible> {
            Ok(())
        }
    }

    fn receive(link: &mut SerialLink<Loop>) -> Option<Vec<u8>> {
        let Ok(packet) = link.receive();
        packet.map(|packet| packet.to_vec())
    }

    #[test]
    fn packets_arrive_one_by_one_and_nothing_waits() {
        for most in [1, 7, 64, 5000] {
            let mut link = SerialLink::new(Loop { most, ..Loop::default() });
            assert_eq!(receive(&mut link), None);
            let packets = [&[1, 0, 2][..], &[9; 1200], &[0]];
            for packet in packets {
                let Ok(()) = link.send(packet);
            }
            for packet in packets {
                assert_eq!(receive(&mut link).as_deref(), Some(packet));
            }
            assert_eq!(receive(&mut link), None);
        }
    }

    #[test]
    fn noise_on_the_wire_costs_what_it_hits() {
        let mut link = SerialLink::new(Loop { most: 3, ..Loop::default() });
        link.stream().bytes.extend([7, 7, 7]);
        let Ok(()) = link.send(&[1, 2, 3]);
        // A byte is lost.
        link.stream().bytes.pop_back();
        link.stream().bytes.pop_back();
        let Ok(()) = link.send(&[4, 5, 6]);
        assert_eq!(receive(&mut link), Some([4, 5, 6].to_vec()));
        assert_eq!((receive(&mut link), link.counters().malformed), (None, 2));
    }

    #[test]
    fn noise_that_does_not_end_is_read_in_portions() {
        for noise in [0, 7] {
            let mut link = SerialLink::new(Loop { most: 64, ..Loop::default() });
            link.stream().bytes.extend(core::iter::repeat_n(noise, 4 * MAX_FRAME_LEN));
            assert_eq!(receive(&mut link), None);
            let left = link.stream().bytes.len();
            assert!((2 * MAX_FRAME_LEN..=3 * MAX_FRAME_LEN).contains(&left), "{left}");
            let Ok(()) = link.send(&[1, 2, 3]);
            let found = (0..5).find_map(|_| receive(&mut link));
            assert_eq!(found, Some([1, 2, 3].to_vec()));
        }
    }

    #[test]
    fn a_packet_that_is_too_long_is_not_sent() {
        let mut link = SerialLink::new(Loop { most: 64, ..Loop::default() });
        let Ok(()) = link.send(&[1; 1201]);
        assert!(link.stream().bytes.is_empty());
    }
}
