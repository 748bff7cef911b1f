use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::super::MAX_FRAME_LEN;
use super::*;

fn framed(packet: &[u8]) -> Vec<u8> {
    let mut out = vec![0xaa; packet.len() + packet.len() / 254 + 3];
    let len = Framer::frame(packet, &mut out).expect("room");
    out.truncate(len);
    out
}

fn packets<const N: usize>(deframer: &mut Deframer<N>, mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    while !bytes.is_empty() {
        packets.extend(deframer.take(&mut bytes).map(|packet| packet.to_vec()));
    }
    packets
}

/// Examples of the paper and of common descriptions.
#[test]
fn frames_match_published_examples() {
    let run: Vec<u8> = (1..=254).collect();
    let long: Vec<u8> = (1..=255).collect();
    let cases: [(&[u8], &[u8]); 6] = [
        (&[0], &[1, 1]),
        (&[0, 0], &[1, 1, 1]),
        (&[0x11, 0x22, 0, 0x33], &[3, 0x11, 0x22, 2, 0x33]),
        (&[0x11, 0, 0, 0], &[2, 0x11, 1, 1, 1]),
        (&run, &[&[255], &run[..]].concat()),
        (&long, &[&[255], &run[..], &[2, 255]].concat()),
    ];
    for (packet, stuffed) in cases {
        assert_eq!(framed(packet), [&[0], stuffed, &[0]].concat(), "{packet:x?}");
    }
}

#[test]
fn a_frame_of_the_largest_packet_has_the_largest_length() {
    let packet = [1; crate::wire::MAX_DATAGRAM];
    assert_eq!(framed(&packet).len(), MAX_FRAME_LEN);
    let mut short = [0; MAX_FRAME_LEN - 1];
    assert_eq!(Framer::frame(&packet, &mut short), Err(Full));
}

#[test]
fn drops_a_long_packet_and_decodes_the_next() {
    let mut deframer = Deframer::<4>::new();
    let stream = [framed(&[1, 2, 3, 4, 5]), framed(&[1, 2, 3, 4]), framed(&[0; 5]), framed(&[0; 4])].concat();
    assert_eq!(packets(&mut deframer, &stream), [vec![1, 2, 3, 4], vec![0; 4]]);
    assert_eq!(deframer.counters(), Counters { packets: 2, too_long: 2, malformed: 0 });
}

#[test]
fn drops_a_frame_that_ends_within_a_block() {
    let mut deframer = Deframer::<16>::new();
    assert_eq!(packets(&mut deframer, &[5, 1, 2, 0, 2, 7, 0]), [vec![7]]);
    assert_eq!(deframer.counters(), Counters { packets: 1, too_long: 0, malformed: 1 });
}

#[test]
fn has_bounded_size() {
    assert!(size_of::<Deframer<1200>>() <= 1200 + 48);
}

proptest! {
    #[test]
    fn packets_round_trip_however_the_stream_is_split(
        sent in prop::collection::vec(prop::collection::vec(prop_oneof![Just(0u8), any::<u8>()], 1..600), 1..6),
        cut in 1usize..50,
    ) {
        let stream: Vec<u8> = sent.iter().flat_map(|packet| framed(packet)).collect();
        let mut deframer = Deframer::<600>::new();
        let found: Vec<_> = stream.chunks(cut).flat_map(|chunk| packets(&mut deframer, chunk)).collect();
        prop_assert_eq!(found, sent);
    }

    #[test]
    fn noise_destroys_no_later_frame(garbage in prop::collection::vec(any::<u8>(), 0..300), packet in prop::collection::vec(any::<u8>(), 1..300)) {
        let mut deframer = Deframer::<300>::new();
        packets(&mut deframer, &garbage);
        let found = packets(&mut deframer, &framed(&packet));
        prop_assert_eq!(found.last(), Some(&packet));
    }

    #[test]
    fn a_frame_has_no_delimiter_inside(packet in prop::collection::vec(any::<u8>(), 1..1200)) {
        let frame = framed(&packet);
        prop_assert!(frame.len() <= packet.len() + packet.len().div_ceil(254) + 2);
        prop_assert_eq!(frame.iter().filter(|byte| **byte == 0).count(), 2);
    }
}
