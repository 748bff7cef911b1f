use super::*;
use crate::transport::ranges::ArrayRanges;
use proptest::prelude::*;
use std::vec::Vec;

const RING: usize = 64;

type Gaps16 = Assembler<ArrayRanges<16>>;

fn offer(assembler: &mut Gaps16, ring: &mut [u8], offset: u64, data: &[u8]) -> Result<(), StreamError> {
    let mut tentative = assembler.tentative();
    assembler.check(&mut tentative, Span::new(offset, offset + len_u64(data)))?;
    assembler.take(ring, offset, data);
    Ok(())
}

fn read_all(assembler: &mut Gaps16, ring: &[u8]) -> Vec<u8> {
    let mut out = std::vec![0; assembler.readable()];
    assert!(assembler.peek(ring, 0, &mut out));
    assembler.consume(out.len());
    out
}

#[test]
fn delivers_in_order() {
    let (mut assembler, mut ring) = (Gaps16::open(64, RING), [0; RING]);
    offer(&mut assembler, &mut ring, 3, b"def").unwrap();
    assert_eq!(assembler.readable(), 0);
    assert!(!assembler.is_drained());
    offer(&mut assembler, &mut ring, 0, b"abcd").unwrap();
    assert_eq!(read_all(&mut assembler, &ring), b"abcdef");
    assert!(assembler.is_drained());
}

#[test]
fn keeps_the_first_copy_of_every_byte() {
    let (mut assembler, mut ring) = (Gaps16::open(64, RING), [0; RING]);
    offer(&mut assembler, &mut ring, 2, b"CD").unwrap();
    offer(&mut assembler, &mut ring, 6, b"G").unwrap();
    offer(&mut assembler, &mut ring, 0, b"ab--ef-h").unwrap();
    offer(&mut assembler, &mut ring, 0, b"--------").unwrap();
    assert_eq!(read_all(&mut assembler, &ring), b"abCDefGh");
}

#[test]
fn refuses_data_beyond_the_limit() {
    let (mut assembler, mut ring) = (Gaps16::open(8, RING), [0; RING]);
    assert_eq!(offer(&mut assembler, &mut ring, 0, b"123456789"), Err(StreamError::FlowControl));
    assert_eq!(offer(&mut assembler, &mut ring, 8, b"9"), Err(StreamError::FlowControl));
    assert_eq!(offer(&mut assembler, &mut ring, 0, b"12345678"), Ok(()));
}

#[test]
fn a_limit_larger_than_the_ring_drops_instead_of_overwriting() {
    let (mut assembler, mut ring) = (Gaps16::open(1000, RING), [0; RING]);
    assert_eq!(offer(&mut assembler, &mut ring, 64, b"x"), Err(StreamError::NoRoom));
    assert_eq!(offer(&mut assembler, &mut ring, 63, b"x"), Ok(()));
}

#[test]
fn a_full_gap_table_still_accepts_data_in_order() {
    let (mut assembler, mut ring) = (Gaps16::open(64, RING), [0; RING]);
    for gap in 0..16 {
        offer(&mut assembler, &mut ring, 2 + 3 * gap, b"x").unwrap();
    }
    assert_eq!(offer(&mut assembler, &mut ring, 60, b"x"), Err(StreamError::NoRoom));
    assert_eq!(offer(&mut assembler, &mut ring, 0, b"y"), Ok(()));
    assert_eq!(offer(&mut assembler, &mut ring, 4, b"y"), Ok(()));
    assert_eq!(offer(&mut assembler, &mut ring, 1, b"y"), Ok(()));
    assert_eq!(read_all(&mut assembler, &ring), b"yyx");
    assert_eq!(offer(&mut assembler, &mut ring, 60, b"x"), Ok(()));
}

#[test]
fn data_that_fills_gaps_makes_room_for_more_of_the_same_packet() {
    let (mut assembler, mut ring) = (Gaps16::open(64, RING), [0; RING]);
    for gap in 0..16 {
        offer(&mut assembler, &mut ring, 2 + 3 * gap, b"x").unwrap();
    }
    let mut tentative = assembler.tentative();
    assert_eq!(assembler.check(&mut tentative, Span::new(60, 61)), Err(StreamError::NoRoom));
    let mut tentative = assembler.tentative();
    assert_eq!(assembler.check(&mut tentative, Span::new(0, 2)), Ok(()));
    assert_eq!(assembler.check(&mut tentative, Span::new(60, 61)), Ok(()));
    assert_eq!(assembler.check(&mut tentative, Span::new(62, 63)), Err(StreamError::NoRoom));
    let mut tentative = assembler.tentative();
    assert_eq!(assembler.check(&mut tentative, Span::new(49, 50)), Err(StreamError::NoRoom));
    assert_eq!(assembler.check(&mut assembler.tentative(), Span::new(48, 50)), Ok(()));
    assert_eq!(assembler.check(&mut assembler.tentative(), Span::new(3, 40)), Ok(()));
}

#[test]
fn grants_credit_after_a_quarter_of_the_window() {
    let (mut assembler, mut ring) = (Gaps16::open(64, RING), [0; RING]);
    offer(&mut assembler, &mut ring, 0, &[1; 40]).unwrap();
    assembler.consume(15);
    assert!(!assembler.is_credit_due());
    assembler.consume(1);
    assert!(assembler.is_credit_due());
    assert_eq!(assembler.credit(), 80);
    assembler.on_credit_sent(80);
    assert!(!assembler.is_credit_due());
}

#[test]
fn grants_any_credit_when_the_window_is_closed() {
    let (mut assembler, mut ring) = (Gaps16::open(64, RING), [0; RING]);
    offer(&mut assembler, &mut ring, 0, &[1; 64]).unwrap();
    assert!(!assembler.is_credit_due());
    assembler.consume(1);
    assert!(assembler.is_credit_due());
}

#[test]
fn closed_stream_accepts_nothing_and_grants_no_credit() {
    let (mut assembler, mut ring) = (Gaps16::open(0, 0), []);
    assert_eq!(offer(&mut assembler, &mut ring, 0, b"x"), Err(StreamError::FlowControl));
    assert!(!assembler.is_credit_due());
}

proptest! {
    /// For data in any order: the bytes read are the stream, and accepted data is never lost.
    #[test]
    fn reassembles_data_in_any_order(
        steps in proptest::collection::vec((0..90_u64, 1..20_usize, 0..30_usize), 1..200),
    ) {
        let stream: Vec<u8> = (0..=255).cycle().take(20_000).collect();
        let (mut assembler, mut ring) = (Gaps16::open(64, RING), [0; RING]);
        let mut taken = std::vec![false; stream.len()];
        let mut read = 0;
        for (ahead, len, consume) in steps {
            let start = (assembler.read + ahead).saturating_sub(20) as usize;
            let span = Span::new(start as u64, (start + len) as u64);
            let known = assembler.covers(span);
            prop_assert_eq!(known, taken[start..start + len].iter().all(|&taken| taken));
            match offer(&mut assembler, &mut ring, start as u64, &stream[start..start + len]) {
                Ok(()) => taken[start..start + len].fill(true),
                Err(StreamError::FlowControl) => prop_assert!(span.end > assembler.limit),
                Err(StreamError::NoRoom) => prop_assert!(assembler.ahead.as_slice().len() == 16),
            }
            let end = taken.iter().position(|&taken| !taken).unwrap();
            prop_assert_eq!(assembler.readable(), end - read);
            let consume = consume.min(assembler.readable());
            let mut out = std::vec![0; consume];
            prop_assert!(assembler.peek(&ring, 0, &mut out));
            prop_assert_eq!(&out[..], &stream[read..read + consume]);
            assembler.consume(consume);
            read += consume;
            if assembler.is_credit_due() {
                assembler.on_credit_sent(assembler.credit());
            }
        }
    }
}
