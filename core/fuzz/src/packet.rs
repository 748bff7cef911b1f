//! Packets and frames: input that decodes is the only encoding of its value (SPEC 2.3), and nothing
//! panics.

use kabar_core::MAX_DATAGRAM;
use kabar_core::crypto::{Portable, Provider};
use kabar_core::internals::frame::{Frame, Frames};
use kabar_core::internals::io::Writer;
use kabar_core::internals::packet::{CRC_LEN, HINT_LEN, Packet, SEALED_HEADER_LEN, SEALED_TAG_LEN};

/// Decodes `data` as a datagram, as a datagram without its CRC, and as the body of a sealed packet.
pub fn check(data: &[u8]) {
    datagram(data);
    // A fuzzer does not find a CRC by chance, and the decoder has no exception for fuzzing, so the
    // CRC is computed here.
    datagram(&[data, &Portable::crc32(data).to_be_bytes()].concat());
    frames(data);
}

fn datagram(datagram: &[u8]) {
    let Ok(packet) = Packet::decode(datagram, Portable::crc32) else { return };
    if let Packet::Sealed(header) = packet {
        // A Hint repeats the header, except for the packet type.
        let hint = header.hint(Portable::crc32);
        assert_eq!(datagram[1..SEALED_HEADER_LEN], hint[1..HINT_LEN - CRC_LEN]);
        frames(&datagram[SEALED_HEADER_LEN..datagram.len() - SEALED_TAG_LEN - CRC_LEN]);
        return;
    }
    let mut out = [0xff; MAX_DATAGRAM];
    let len = packet.encode(&mut out, Portable::crc32).expect("what decodes fits a datagram");
    assert_eq!(&out[..len], datagram, "{packet:?}");
}

fn frames(body: &[u8]) {
    let mut out = vec![0xff; body.len()];
    let mut writer = Writer::new(&mut out);
    let mut iterator = Frames::new(body);
    for frame in &mut iterator {
        let Ok(frame) = frame else {
            assert!(iterator.next().is_none(), "nothing follows an error");
            assert!(body.starts_with(writer.written()));
            return;
        };
        if let Frame::Ack(ack) = &frame {
            let mut below = None;
            for range in ack.ranges() {
                assert!(range.start() <= range.end() && below.is_none_or(|below| *range.end() < below));
                below = range.start().checked_sub(1);
            }
        }
        frame.encode(&mut writer).expect("what decodes fits where it came from");
    }
    let (frames, padding) = body.split_at(writer.len());
    assert_eq!(frames, writer.written());
    assert!(padding.iter().all(|byte| *byte == 0));
}
