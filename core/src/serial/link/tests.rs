use core::convert::Infallible;
use std::collections::VecDeque;
use std::vec::Vec;

use embedded_io::ErrorType;

use super::*;

/// A loopback stream that transfers at most `most` bytes at a time.
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
fn packets_arrive_one_by_one_without_blocking() {
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
fn noise_destroys_only_the_frames_it_hits() {
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
fn endless_noise_is_read_in_portions() {
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
