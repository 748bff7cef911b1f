use super::*;
use crate::wire::frame::{Frame, Frames};
use std::vec::Vec;

const DELAY: Duration = Duration::from_millis(5);

fn at(millis: u64) -> Instant {
    Instant::from_micros(millis * 1_000)
}

fn acked(received: &ReceivedPackets) -> Vec<RangeInclusive<u64>> {
    let mut buffer = [0; 300];
    let mut writer = Writer::new(&mut buffer);
    received.encode(at(0), &mut writer).unwrap();
    let Some(Ok(Frame::Ack(ack))) = Frames::new(writer.written()).next() else { panic!("an ACK") };
    ack.ranges().collect()
}

#[test]
fn waits_up_to_the_stated_delay_for_a_second_packet() {
    let mut received = ReceivedPackets::NONE;
    received.on_packet(at(10), 0, true, DELAY);
    assert!(!received.is_due());
    assert_eq!(received.deadline(), Some(at(15)));
    received.on_timeout(at(14));
    assert!(!received.is_due());
    received.on_timeout(at(15));
    assert!(received.is_due());
    received.on_sent();
    assert!(!received.is_due() && !received.is_waiting());
}

#[test]
fn acknowledges_at_once_after_two_packets() {
    let mut received = ReceivedPackets::NONE;
    received.on_packet(at(10), 0, true, DELAY);
    received.on_packet(at(11), 1, true, DELAY);
    assert!(received.is_due());
    assert_eq!(received.deadline(), None);
}

#[test]
fn acknowledges_at_once_out_of_order() {
    let mut received = ReceivedPackets::NONE;
    received.on_packet(at(10), 1, true, DELAY);
    assert!(received.is_due());
    received.on_sent();
    received.on_packet(at(10), 0, true, DELAY);
    assert!(received.is_due());
}

#[test]
fn packets_with_only_an_ack_cause_no_ack() {
    let mut received = ReceivedPackets::NONE;
    for number in 0..10 {
        received.on_packet(at(10), 2 * number, false, DELAY);
    }
    assert!(!received.is_due() && !received.is_waiting());
    assert_eq!(received.deadline(), None);
}

#[test]
fn never_acknowledges_a_trimmed_number_later() {
    let mut received = ReceivedPackets::NONE;
    for number in 0..=32 {
        received.on_packet(at(0), 10 + 2 * number, true, DELAY);
    }
    let ranges = acked(&received);
    assert_eq!((ranges.len(), &ranges[0], &ranges[31]), (32, &(74..=74), &(12..=12)));
    // 10 was trimmed; neither it nor any lower number is acknowledged, even after entries become
    // free.
    received.on_packet(at(0), 13, true, DELAY);
    received.on_packet(at(0), 10, true, DELAY);
    received.on_packet(at(0), 9, true, DELAY);
    assert_eq!(acked(&received).last(), Some(&(12..=14)));
    received.on_packet(at(0), 11, true, DELAY);
    assert_eq!(acked(&received).last(), Some(&(11..=14)));
}

#[test]
fn a_number_below_all_ranges_of_a_full_set_is_not_acknowledged() {
    let mut received = ReceivedPackets::NONE;
    for number in 0..32 {
        received.on_packet(at(0), 10 + 2 * number, true, DELAY);
    }
    received.on_packet(at(0), 5, true, DELAY);
    received.on_packet(at(0), 11, true, DELAY);
    received.on_packet(at(0), 5, true, DELAY);
    assert_eq!(acked(&received).last(), Some(&(10..=12)));
}

#[test]
fn drops_ranges_whose_ack_was_acknowledged() {
    let mut received = ReceivedPackets::NONE;
    [1, 3, 4, 6, 9].iter().for_each(|&number| received.on_packet(at(0), number, true, DELAY));
    assert_eq!(received.largest(), 9);
    received.on_ack_acknowledged(4);
    assert_eq!(acked(&received), [9..=9, 6..=6, 3..=4]);
    // Nothing below that range is acknowledged, everything above it is.
    [2, 0, 5].iter().for_each(|&number| received.on_packet(at(0), number, true, DELAY));
    assert_eq!(acked(&received), [9..=9, 3..=6]);
    received.on_ack_acknowledged(9);
    assert_eq!(acked(&received), [9..=9]);
    received.on_ack_acknowledged(0);
    received.on_packet(at(0), 10, true, DELAY);
    assert_eq!(acked(&received), [9..=10]);
}

#[test]
fn reports_the_delay_of_the_largest_number() {
    let mut received = ReceivedPackets::NONE;
    received.on_packet(at(10), 4, true, DELAY);
    received.on_packet(at(12), 3, true, DELAY);
    let mut buffer = [0; 300];
    let mut writer = Writer::new(&mut buffer);
    received.encode(at(13), &mut writer).unwrap();
    let Some(Ok(Frame::Ack(ack))) = Frames::new(writer.written()).next() else { panic!("an ACK") };
    assert_eq!((ack.largest, ack.delay_us), (4, 3_000));
}

#[test]
fn distinguishes_sent_numbers_from_skipped_ones() {
    let mut sent = SentRanges::NONE;
    assert!(!sent.contains(&(0..=0)));
    [0, 1, 16, 17, 64].iter().for_each(|&number| sent.record(number));
    for range in [0..=1, 16..=17, 64..=64] {
        assert!(sent.contains(&range), "{range:?}");
    }
    for range in [0..=2, 15..=16, 17..=18, 0..=64, 30..=40, 65..=65, 0..=u64::MAX] {
        assert!(!sent.contains(&range), "{range:?}");
    }
}
