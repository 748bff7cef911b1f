use super::*;
use crate::transport::ranges::ArrayRanges;
use proptest::prelude::*;
use std::vec::Vec;

type Stream16 = SendStream<ArrayRanges<16>>;

fn sent(stream: &mut Stream16, room: usize) -> Span {
    let chunk = stream.next_chunk(room).expect("a chunk");
    stream.on_sent(chunk);
    chunk
}

fn written(limit: u64, len: usize) -> (Stream16, [u8; 64]) {
    let (mut stream, mut ring) = (Stream16::open(limit), [0; 64]);
    let bytes: Vec<u8> = (0..64).collect();
    stream.write(&mut ring, &bytes[..len]);
    (stream, ring)
}

#[test]
fn sends_in_order_up_to_the_limit() {
    let (mut stream, ring) = written(30, 50);
    assert_eq!(sent(&mut stream, 20), Span::new(0, 20));
    assert_eq!(sent(&mut stream, 20), Span::new(20, 30));
    assert_eq!((stream.next_chunk(20), stream.unsent()), (None, 20));
    assert!(!stream.has_data());
    stream.on_max_data(40);
    stream.on_max_data(20);
    let chunk = sent(&mut stream, 20);
    let mut out = [0; 10];
    ring::read(&ring, chunk.start, &mut out);
    assert_eq!(out, [30, 31, 32, 33, 34, 35, 36, 37, 38, 39]);
}

#[test]
fn sends_lost_data_before_new_data() {
    let (mut stream, _) = written(64, 50);
    let (a, b) = (sent(&mut stream, 10), sent(&mut stream, 10));
    sent(&mut stream, 10);
    stream.on_lost(b);
    assert!(stream.is_retransmission(b));
    assert_eq!(sent(&mut stream, 100), b);
    assert_eq!(sent(&mut stream, 5), Span::new(30, 35));
    stream.on_lost(a);
    stream.on_acked(a);
    assert_eq!(sent(&mut stream, 100), Span::new(35, 50));
}

#[test]
fn joins_lost_data_with_adjacent_new_data() {
    let (mut stream, _) = written(64, 50);
    let a = sent(&mut stream, 10);
    stream.on_lost(a);
    assert_eq!(sent(&mut stream, 100), Span::new(0, 50));
    assert!(!stream.has_data());
}

#[test]
fn frees_the_ring_only_up_to_the_first_gap() {
    let (mut stream, _) = written(64, 50);
    let (a, b) = (sent(&mut stream, 10), sent(&mut stream, 10));
    stream.on_acked(b);
    assert_eq!(stream.unacknowledged(), 50);
    for _ in 0..2 {
        stream.on_acked(a);
        assert_eq!(stream.unacknowledged(), 30);
    }
}

#[test]
fn acknowledged_range_is_never_marked_lost() {
    let (mut stream, _) = written(64, 50);
    let (a, b, c) = (sent(&mut stream, 10), sent(&mut stream, 10), sent(&mut stream, 10));
    stream.on_acked(b);
    stream.on_lost(Span::new(a.start, c.end));
    assert_eq!(sent(&mut stream, 100), a);
    assert_eq!(stream.next_chunk(5), Some(Span::new(20, 25)));
}

proptest! {
    /// For random losses and acknowledgements, more than the sets have entries: in the end every
    /// byte is acknowledged, and only after it arrived.
    #[test]
    fn acknowledges_every_byte_after_any_loss(choices in proptest::collection::vec((any::<u8>(), any::<u16>()), 1..600)) {
        let total = 2_000;
        let (mut stream, mut ring) = (Stream16::open(u64::MAX), std::vec![0; total]);
        stream.write(&mut ring, &std::vec![7; total]);
        let (mut in_flight, mut arrived) = (Vec::new(), std::vec![false; total]);
        let mut step = |choice: u8, pick: u16, stream: &mut Stream16, in_flight: &mut Vec<Span>| {
            let pick = usize::from(pick);
            if choice < 128 || in_flight.is_empty() {
                if let Some(chunk) = stream.next_chunk(1 + pick % 9) {
                    stream.on_sent(chunk);
                    in_flight.push(chunk);
                }
            } else {
                let chunk: Span = in_flight.swap_remove(pick % in_flight.len());
                if choice < 190 {
                    stream.on_lost(chunk);
                } else {
                    arrived[chunk.start as usize..chunk.end as usize].fill(true);
                    stream.on_acked(chunk);
                }
            }
            // Only bytes that arrived may leave the ring.
            assert!(arrived[..stream.acked as usize].iter().all(|&arrived| arrived));
        };
        for (choice, pick) in choices {
            step(choice, pick, &mut stream, &mut in_flight);
        }
        let mut rounds = 0;
        while stream.unacknowledged() > 0 {
            // Now all chunks in flight arrive, oldest first.
            for chunk in in_flight.drain(..) {
                stream.on_acked(chunk);
            }
            while let Some(chunk) = stream.next_chunk(9).filter(|_| in_flight.len() < 5) {
                stream.on_sent(chunk);
                in_flight.push(chunk);
            }
            rounds += 1;
            prop_assert!(rounds < 1_000, "stuck: {stream:?}");
        }
    }
}
