//! Every frame: accepts, rejects short, rejects trailing, round-trips.

use proptest::prelude::*;
use std::vec::Vec;

use super::*;

fn decode(body: &[u8]) -> Result<Vec<Frame<'_>>, FrameError> {
    Frames::new(body).collect()
}

fn encode(frame: &Frame<'_>) -> Vec<u8> {
    let mut buffer = [0; 2048];
    let mut writer = Writer::new(&mut buffer);
    frame.encode(&mut writer).unwrap();
    assert_eq!(writer.len(), frame.encoded_len());
    writer.written().to_vec()
}

const VALUE: Result<Vec<Frame<'static>>, FrameError> = Err(FrameError::Malformed(DecodeError::Value));
const TRUNCATED: Result<Vec<Frame<'static>>, FrameError> = Err(FrameError::Malformed(DecodeError::Truncated));

/// One of each kind that has a layout, with its bytes written by hand.
fn samples() -> Vec<(Vec<u8>, Frame<'static>)> {
    let ranges = &[0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 1];
    let mut ack = [2, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 7, 0, 0, 0, 3, 2].to_vec();
    ack.extend_from_slice(ranges);
    [
        ([1].to_vec(), Frame::Ping),
        (ack, Frame::Ack(Ack { largest: 20, delay_us: 7, first: 3, ranges })),
        (
            [3, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 3, b'a', b'b', b'c'].to_vec(),
            Frame::Stream { id: StreamId::Bulk, offset: 256, data: b"abc" },
        ),
        ([4, 0, 0, 0, 0, 0, 0, 0, 2, 1].to_vec(), Frame::MaxData { id: StreamId::Chat, offset: 513 }),
        ([5, 1, 2, 3, 4, 5, 6, 7, 8].to_vec(), Frame::PathChallenge([1, 2, 3, 4, 5, 6, 7, 8])),
        ([6, 1, 2, 3, 4, 5, 6, 7, 8].to_vec(), Frame::PathResponse([1, 2, 3, 4, 5, 6, 7, 8])),
        ([7, 1, 1, 3, b'b', b'y', b'e'].to_vec(), Frame::Close { code: CloseCode::KICKED, reason: "bye" }),
    ]
    .into()
}

#[test]
fn decodes_and_encodes_every_frame_as_specified() {
    for (bytes, frame) in samples() {
        assert_eq!(decode(&bytes), Ok([frame.clone()].to_vec()));
        assert_eq!(encode(&frame), bytes);
    }
}

#[test]
fn accepts_all_frames_in_one_body_with_padding() {
    let mut body: Vec<u8> = samples().into_iter().flat_map(|(bytes, _)| bytes).collect();
    body.extend_from_slice(&[0; 9]);
    let frames: Vec<_> = samples().into_iter().map(|(_, frame)| frame).collect();
    assert_eq!(decode(&body), Ok(frames));
}

#[test]
fn rejects_every_truncated_frame() {
    for (bytes, _) in samples() {
        for len in 1..bytes.len() {
            assert_eq!(decode(&bytes[..len]), TRUNCATED, "{bytes:?} cut to {len}");
        }
    }
}

#[test]
fn encodes_all_or_nothing() {
    for (bytes, frame) in samples() {
        for len in 0..bytes.len() {
            let mut buffer = [0xee; 64];
            let mut writer = Writer::new(&mut buffer[..len]);
            assert_eq!(frame.encode(&mut writer), Err(BufferFull));
            assert_eq!(writer.len(), 0);
        }
    }
}

#[test]
fn rejects_unknown_frame_codes() {
    for code in 8..=255 {
        assert_eq!(decode(&[code, 0, 0, 0]), VALUE);
    }
}

#[test]
fn rejects_padding_that_is_not_zero() {
    assert_eq!(decode(&[0, 0, 0]), Ok(Vec::new()));
    assert_eq!(decode(&[0, 0, 1]), VALUE);
    assert_eq!(decode(&[1, 0, 1]), VALUE);
}

#[test]
fn rejects_an_empty_stream_frame() {
    assert_eq!(decode(&[3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), VALUE);
}

#[test]
fn rejects_stream_data_beyond_the_last_offset() {
    let frame = |offset: u64| encode(&Frame::Stream { id: StreamId::Chat, offset, data: b"xy" });
    assert!(decode(&frame(MAX_OFFSET - 2)).is_ok());
    assert_eq!(decode(&frame(MAX_OFFSET - 1)), VALUE);
    assert_eq!(decode(&frame(u64::MAX)), VALUE);
}

#[test]
fn distinguishes_an_unknown_stream_from_a_malformed_frame() {
    assert_eq!(decode(&[3, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]), Err(FrameError::UnknownStream));
    assert_eq!(decode(&[4, 255, 0, 0, 0, 0, 0, 0, 0, 0]), Err(FrameError::UnknownStream));
}

#[test]
fn rejects_a_reason_that_is_too_long_or_not_utf8() {
    let reason = "r".repeat(MAX_REASON_LEN + 1);
    let mut buffer = [0; 128];
    let mut writer = Writer::new(&mut buffer);
    assert_eq!(Frame::Close { code: CloseCode::LEFT, reason: &reason }.encode(&mut writer), Err(BufferFull));
    assert!(writer.is_empty());
    let mut body = [7, 0, 0, 65].to_vec();
    body.extend_from_slice(reason.as_bytes());
    assert_eq!(decode(&body), VALUE);
    assert!(decode(&[&[7, 0, 0, 64], &body[4..68]].concat()).is_ok());
    assert_eq!(decode(&[7, 0, 0, 1, 0xff]), VALUE);
}

fn ack_bytes(largest: u64, first: u32, pairs: &[(u32, u32)]) -> Vec<u8> {
    let mut out = [2].to_vec();
    out.extend_from_slice(&largest.to_be_bytes());
    out.extend_from_slice(&0_u32.to_be_bytes());
    out.extend_from_slice(&first.to_be_bytes());
    out.push(pairs.len() as u8);
    for (gap, length) in pairs {
        out.extend_from_slice(&gap.to_be_bytes());
        out.extend_from_slice(&length.to_be_bytes());
    }
    out
}

#[test]
fn acknowledges_exactly_the_stated_numbers() {
    let bytes = ack_bytes(20, 3, &[(1, 2), (3, 1)]);
    let Ok([Frame::Ack(ack)]) = decode(&bytes).as_deref().map(|frames| <[_; 1]>::try_from(frames.to_vec()).unwrap())
    else {
        panic!("one ACK")
    };
    // 17 to 20; 16 is not; 14 and 15; 11 to 13 are not; 10.
    assert_eq!(ack.ranges().collect::<Vec<_>>(), [17..=20, 14..=15, 10..=10]);
}

#[test]
fn rejects_empty_acknowledgements_and_numbers_below_zero() {
    assert!(decode(&ack_bytes(5, 5, &[])).is_ok());
    assert_eq!(decode(&ack_bytes(5, 6, &[])), VALUE);
    assert!(decode(&ack_bytes(5, 2, &[(1, 2)])).is_ok());
    assert_eq!(decode(&ack_bytes(5, 2, &[(1, 3)])), VALUE);
    assert_eq!(decode(&ack_bytes(5, 2, &[(4, 1)])), VALUE);
    assert_eq!(decode(&ack_bytes(5, 2, &[(0, 1)])), VALUE);
    assert_eq!(decode(&ack_bytes(5, 2, &[(1, 0)])), VALUE);
}

#[test]
fn accepts_at_most_31_further_ranges() {
    assert!(decode(&ack_bytes(1000, 0, &[(1, 1); 31])).is_ok());
    assert_eq!(decode(&ack_bytes(1000, 0, &[(1, 1); 32])), VALUE);
}

#[test]
fn encodes_as_many_of_the_highest_ranges_as_fit() {
    let ranges = [90..=99_u64, 80..=80, 3..=7];
    for (room, fit) in [(18, 1), (25, 1), (26, 2), (34, 3), (99, 3)] {
        let mut buffer = [0; 128];
        let mut writer = Writer::new(&mut buffer[..room]);
        Ack::encode_ranges(&mut writer, 0, ranges.iter().cloned()).unwrap();
        let Some(Ok(Frame::Ack(ack))) = Frames::new(writer.written()).next() else { panic!("an ACK") };
        assert_eq!(ack.ranges().collect::<Vec<_>>(), ranges[..fit]);
    }
    let mut buffer = [0; 17];
    assert_eq!(Ack::encode_ranges(&mut Writer::new(&mut buffer), 0, ranges.iter().cloned()), Err(BufferFull));
}

#[test]
fn never_acknowledges_other_numbers_when_ranges_are_far_apart() {
    for ranges in [[u64::MAX - 1..=u64::MAX, 0..=1], [1 << 40..=1 << 41, 0..=1]] {
        let mut buffer = [0; 128];
        let mut writer = Writer::new(&mut buffer);
        Ack::encode_ranges(&mut writer, 0, ranges.iter().cloned()).unwrap();
        let Some(Ok(Frame::Ack(ack))) = Frames::new(writer.written()).next() else { panic!("an ACK") };
        let decoded: Vec<_> = ack.ranges().collect();
        assert_eq!(decoded.len(), 1);
        assert!(ranges[0].contains(decoded[0].start()) && ranges[0].end() == decoded[0].end());
    }
}

proptest! {
    #[test]
    fn never_panics_and_has_one_encoding(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(frames) = decode(&body) {
            let again: Vec<u8> = frames.iter().flat_map(encode).collect();
            prop_assert_eq!(&again[..], &body[..again.len()]);
            prop_assert!(body[again.len()..].iter().all(|&byte| byte == 0));
        }
    }

    #[test]
    fn mutated_frames_never_panic_and_have_one_encoding(
        picks in proptest::collection::vec(0..7_usize, 1..6), at in any::<u16>(), byte in any::<u8>(),
    ) {
        let all = samples();
        let mut body: Vec<u8> = picks.iter().flat_map(|&pick| all[pick].0.clone()).collect();
        let at = usize::from(at) % body.len();
        body[at] = byte;
        if let Ok(frames) = decode(&body) {
            let again: Vec<u8> = frames.iter().flat_map(encode).collect();
            prop_assert_eq!(&again[..], &body[..again.len()]);
            prop_assert!(body[again.len()..].iter().all(|&byte| byte == 0));
        }
    }

    #[test]
    fn ack_ranges_round_trip(steps in proptest::collection::vec((1..50_u64, 1..50_u64), 1..32), delay: u32) {
        let mut ranges = Vec::new();
        let mut at = 10_000_u64;
        for (gap, length) in steps {
            ranges.push(at - length + 1..=at);
            at -= length + gap;
        }
        let mut buffer = [0; 1024];
        let mut writer = Writer::new(&mut buffer);
        Ack::encode_ranges(&mut writer, delay, ranges.iter().cloned()).unwrap();
        let Some(Ok(Frame::Ack(ack))) = Frames::new(writer.written()).next() else { panic!("an ACK") };
        prop_assert_eq!(ack.delay_us, delay);
        prop_assert_eq!(ack.ranges().collect::<Vec<_>>(), ranges);
    }
}
