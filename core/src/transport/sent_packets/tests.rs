use super::*;
use crate::wire::frame::{Frame, Frames};
use crate::wire::io::Writer;
use std::vec::Vec;

fn table(numbers: &[u64]) -> (SentPackets, [SentPacket; 8]) {
    let (mut table, mut packets) = (SentPackets::EMPTY, [SentPacket::EMPTY; 8]);
    for &packet_number in numbers {
        assert!(table.push(&mut packets, SentPacket { packet_number, size: 100, ..SentPacket::EMPTY }));
    }
    (table, packets)
}

fn numbers(table: &SentPackets, packets: &[SentPacket]) -> Vec<u64> {
    table.live(packets).iter().map(|packet| packet.packet_number).collect()
}

fn take(table: &mut SentPackets, packets: &mut [SentPacket], ranges: &[core::ops::RangeInclusive<u64>]) -> Vec<u64> {
    let mut buffer = [0; 300];
    let mut writer = Writer::new(&mut buffer);
    Ack::encode_ranges(&mut writer, 0, ranges.iter().cloned()).unwrap();
    let Some(Ok(Frame::Ack(ack))) = Frames::new(writer.written()).next() else { panic!("an ACK") };
    let mut taken = Vec::new();
    table.remove_acked(packets, &ack, |packet| taken.push(packet.packet_number));
    taken
}

#[test]
fn removes_exactly_the_acknowledged_packets_newest_first() {
    let (mut table, mut packets) = table(&[3, 5, 6, 9, 12]);
    assert_eq!(take(&mut table, &mut packets, &[9..=20, 5..=7, 1..=2]), [12, 9, 6, 5]);
    assert_eq!(numbers(&table, &packets), [3]);
    assert_eq!(table.bytes(), 100);
    assert_eq!(take(&mut table, &mut packets, &[9..=20]), []);
    assert_eq!(take(&mut table, &mut packets, &[0..=20]), [3]);
    assert_eq!((table.len(), table.bytes()), (0, 0));
}

#[test]
fn refuses_more_packets_than_the_table_holds() {
    let (mut table, mut packets) = table(&[0, 1, 2, 3, 4, 5, 6, 7]);
    assert!(!table.push(&mut packets, SentPacket { size: 1, ..SentPacket::EMPTY }));
    assert!(!table.push(&mut [], SentPacket::EMPTY));
    assert_eq!(table.bytes(), 800);
}

#[test]
fn drops_the_oldest() {
    let (mut table, packets) = table(&[3, 5, 6]);
    table.drop_oldest(&packets, 2);
    assert_eq!(numbers(&table, &packets), [6]);
    table.drop_oldest(&packets, 2);
    assert_eq!((table.len(), table.bytes()), (0, 0));
}

#[test]
fn keeps_the_order_when_entries_move() {
    let (mut table, mut packets) = table(&[0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(take(&mut table, &mut packets, &[4..=5, 1..=2]), [5, 4, 2, 1]);
    assert_eq!(numbers(&table, &packets), [0, 3, 6, 7]);
    for packet_number in 8..12 {
        assert!(table.push(&mut packets, SentPacket { packet_number, size: 100, ..SentPacket::EMPTY }));
    }
    assert!(!table.push(&mut packets, SentPacket::EMPTY));
    assert_eq!(numbers(&table, &packets), [0, 3, 6, 7, 8, 9, 10, 11]);
    let mut longer = [SentPacket::EMPTY; 16];
    longer[..8].copy_from_slice(&packets);
    table.drop_oldest(&longer, 2);
    assert!(table.push(&mut longer, SentPacket { packet_number: 12, size: 100, ..SentPacket::EMPTY }));
    assert_eq!(take(&mut table, &mut longer, &[12..=12, 6..=9]), [12, 9, 8, 7, 6]);
    assert_eq!((numbers(&table, &longer), table.bytes()), (std::vec![10, 11], 200));
}

#[test]
fn an_empty_table_may_be_exchanged_for_a_shorter_one() {
    for by_loss in [false, true] {
        let (mut table, mut packets) = table(&[0, 1, 2, 3, 4, 5, 6, 7]);
        if by_loss {
            table.drop_oldest(&packets, 8);
        } else {
            assert_eq!(take(&mut table, &mut packets, &[0..=7]).len(), 8);
        }
        let mut shorter = [SentPacket::EMPTY; 2];
        assert!(table.push(&mut shorter, SentPacket::EMPTY) && table.push(&mut shorter, SentPacket::EMPTY));
    }
}

#[test]
fn records_the_content_of_a_packet() {
    let mut packet = SentPacket::EMPTY;
    assert!(packet.is_bare());
    packet.set_chunk(StreamId::Bulk, Span::new(7, 9));
    packet.set_max_data(StreamId::Chat);
    assert_eq!(packet.chunk(StreamId::Bulk), Span::new(7, 9));
    assert!(packet.chunk(StreamId::Chat).is_empty());
    assert!(packet.has_max_data(StreamId::Chat) && !packet.has_max_data(StreamId::Bulk));
    assert!(!packet.is_bare() && !packet.is_size_probe());
}
