//! Frames on byte streams (SPEC 2.5): any bytes in any portions yield what a plain decoder of whole
//! frames does, and a frame arrives whatever is before and after it.

use std::convert::Infallible;

use embedded_io::{ErrorType, Read, ReadReady};
use kabar_core::MAX_DATAGRAM;
use kabar_core::serial::{Counters, Deframer, Framer, Full, MAX_FRAME_LEN, SerialLink};

use super::input::Input;

/// Longest packet of the deframer that is small enough for short inputs to exceed it.
const SMALL: usize = 40;

/// Takes `data` as: length of the portions u8, length of a packet u16, the packet, and bytes that
/// are on the stream before it and, exchanged, after it.
pub fn check(data: &[u8]) {
    let mut input = Input(data);
    let portion_len = input.number(1) + 1;
    let packet_len = input.number(2) % (MAX_DATAGRAM + 1);
    let packet = input.bytes(packet_len);
    let before = input.0;
    let after: Vec<u8> = before.iter().rev().copied().collect();

    let frame = framed(packet);
    let stream = [before, &frame, &after].concat();
    let decoded = deframe::<MAX_DATAGRAM>(&stream, portion_len);
    assert_eq!(decoded, plain::<MAX_DATAGRAM>(&stream));
    assert_eq!(decoded, deframe::<MAX_DATAGRAM>(&stream, stream.len()));
    assert_eq!(deframe::<SMALL>(&stream, portion_len), plain::<SMALL>(&stream));
    assert_eq!(link(&stream, portion_len), decoded);

    // The delimiters of the frame end what is before it, and begin what is after it.
    let mut expected = plain::<MAX_DATAGRAM>(&[before, &[0]].concat()).packets;
    expected.extend((!packet.is_empty()).then(|| packet.to_vec()));
    expected.extend(plain::<MAX_DATAGRAM>(&after).packets);
    assert_eq!(decoded.packets, expected);
}

/// The frame of a packet. It is as long as stated at most, has no 0 within, and needs all of its
/// buffer.
fn framed(packet: &[u8]) -> Vec<u8> {
    let mut out = [0xff; MAX_FRAME_LEN];
    let len = Framer::frame(packet, &mut out).expect("every frame is at most as long as stated");
    let frame = out[..len].to_vec();
    assert_eq!(frame.iter().filter(|byte| **byte == 0).count(), 2);
    assert!(frame.starts_with(&[0]) && frame.ends_with(&[0]));
    assert_eq!(Framer::frame(packet, &mut out[..len - 1]), Err(Full));
    frame
}

/// What a receiver made of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
struct Decoded {
    packets: Vec<Vec<u8>>,
    too_long: u32,
    malformed: u32,
}

impl Decoded {
    fn new(packets: Vec<Vec<u8>>, counters: Counters) -> Self {
        assert_eq!(counters.packets as usize, packets.len());
        Self { packets, too_long: counters.too_long, malformed: counters.malformed }
    }
}

/// The deframer of packets of up to `N` bytes, with the stream in portions.
fn deframe<const N: usize>(stream: &[u8], portion_len: usize) -> Decoded {
    let (mut deframer, mut packets) = (Deframer::<N>::new(), Vec::new());
    for mut portion in stream.chunks(portion_len.max(1)) {
        while let Some(packet) = deframer.take(&mut portion) {
            assert!((1..=N).contains(&packet.len()));
            packets.push(packet.to_vec());
        }
        assert!(portion.is_empty());
    }
    Decoded::new(packets, deframer.counters())
}

/// The same, one whole frame after the other, as Cheshire and Baker describe it.
fn plain<const N: usize>(stream: &[u8]) -> Decoded {
    let mut decoded = Decoded::default();
    let mut frames: Vec<_> = stream.split(|byte| *byte == 0).collect();
    let unfinished = frames.pop().unwrap_or_default();
    for frame in frames.into_iter().filter(|frame| !frame.is_empty()) {
        let (packet, is_whole) = plain_frame(frame);
        match packet.len() {
            len if len > N => decoded.too_long += 1,
            0 => decoded.malformed += 1,
            _ if !is_whole => decoded.malformed += 1,
            _ => decoded.packets.push(packet),
        }
    }
    // A packet that is too long is known before its end.
    decoded.too_long += u32::from(plain_frame(unfinished).0.len() > N);
    decoded
}

/// The content of a frame, and whether it ends with a block.
fn plain_frame(frame: &[u8]) -> (Vec<u8>, bool) {
    let (mut packet, mut rest) = (Vec::new(), frame);
    while let Some((code, after)) = rest.split_first() {
        let len = usize::from(*code) - 1;
        packet.extend_from_slice(&after[..len.min(after.len())]);
        if len > after.len() {
            return (packet, false);
        }
        rest = &after[len..];
        if *code != 0xff && !rest.is_empty() {
            packet.push(0);
        }
    }
    (packet, true)
}

/// A stream that has `portion_len` bytes at a time, and counts those that were read.
struct Stream<'a> {
    rest: &'a [u8],
    portion_len: usize,
    read: usize,
}

impl ErrorType for Stream<'_> {
    type Error = Infallible;
}

impl Read for Stream<'_> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize, Infallible> {
        let (bytes, rest) = self.rest.split_at(out.len().min(self.portion_len).min(self.rest.len()));
        out[..bytes.len()].copy_from_slice(bytes);
        self.rest = rest;
        self.read += bytes.len();
        Ok(bytes.len())
    }
}

impl ReadReady for Stream<'_> {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(!self.rest.is_empty())
    }
}

/// The link over a stream. It returns to its caller after a bounded number of bytes.
fn link(stream: &[u8], portion_len: usize) -> Decoded {
    let mut link = SerialLink::new(Stream { rest: stream, portion_len, read: 0 });
    let mut packets = Vec::new();
    loop {
        link.stream().read = 0;
        let Ok(packet) = link.receive();
        let is_found = packet.map(|packet| packets.push(packet.to_vec())).is_some();
        assert!(link.stream().read < 2 * MAX_FRAME_LEN, "{} bytes in one call", link.stream().read);
        if !is_found && link.stream().rest.is_empty() {
            return Decoded::new(packets, link.counters());
        }
    }
}
