//! Posts are settled in order, exactly once, also if some are refused.

use std::vec::Vec;

use proptest::prelude::*;

use crate::chat::EntryKind;
use crate::client::RoomSlot;
use crate::client::outbox::{Full, Outbox, RECORD_OVERHEAD};

const ONE: RoomSlot = RoomSlot::FIRST;

/// Writes every post that may be written, and returns the numbers and bodies in order.
fn drain<const N: usize>(outbox: &mut Outbox<N, 1>) -> Vec<(u64, Vec<u8>)> {
    let mut written = Vec::new();
    while let Some(post) = outbox.next(ONE) {
        written.push((post.instance_number, post.body.to_vec()));
        outbox.advance(ONE);
    }
    written
}

fn numbers<const N: usize>(outbox: &mut Outbox<N, 1>) -> Vec<u64> {
    drain(outbox).into_iter().map(|(number, _)| number).collect()
}

fn filled<const N: usize>(count: u64) -> Outbox<N, 1> {
    let mut outbox = Outbox::new();
    for number in 1..=count {
        assert_eq!(outbox.push(ONE, EntryKind::TEXT, &number.to_be_bytes()), Ok(number));
    }
    outbox
}

#[test]
fn writes_each_post_once_in_order() {
    let mut outbox = filled::<256>(3);
    assert_eq!(drain(&mut outbox), [1u64, 2, 3].map(|n| (n, n.to_be_bytes().to_vec())));
    assert!(drain(&mut outbox).is_empty());
    assert_eq!(outbox.push(ONE, EntryKind::DATA, b""), Ok(4));
    assert_eq!(numbers(&mut outbox), [4]);
    assert_eq!(outbox.unsettled(ONE), 4);
}

#[test]
fn is_full_until_a_post_is_settled() {
    let mut outbox = filled::<36>(3);
    assert_eq!(outbox.push(ONE, EntryKind::TEXT, b"x"), Err(Full));
    assert!(!outbox.take_space(ONE));
    assert!(outbox.settle(ONE, 1));
    assert!(outbox.take_space(ONE));
    assert!(!outbox.take_space(ONE), "said once");
    // The free bytes are at the front, so all records move.
    assert_eq!(outbox.push(ONE, EntryKind::TEXT, b"12345678"), Ok(4));
    assert_eq!(numbers(&mut outbox), [2, 3, 4]);
}

#[test]
fn moving_records_does_not_repeat_written_posts() {
    let mut outbox = filled::<36>(3);
    assert_eq!(outbox.next(ONE).map(|post| post.number), Some(1));
    outbox.advance(ONE);
    assert_eq!(outbox.next(ONE).map(|post| post.number), Some(2));
    outbox.advance(ONE);
    outbox.settle(ONE, 1);
    assert_eq!(outbox.push(ONE, EntryKind::TEXT, b"12345678"), Ok(4));
    assert_eq!(numbers(&mut outbox), [3, 4]);
}

#[test]
fn new_connection_begins_with_the_lowest_unsettled_post() {
    let mut outbox = filled::<256>(4);
    drain(&mut outbox);
    outbox.settle(ONE, 2);
    outbox.rewind(ONE);
    assert_eq!(numbers(&mut outbox), [3, 4]);
}

#[test]
fn posts_after_a_refused_one_wait_until_it_is_settled() {
    let mut outbox = filled::<256>(5);
    assert_eq!(numbers(&mut outbox), [1, 2, 3, 4, 5]);
    // SPEC 6.5: 3 is refused while 1 and 2 are not known to be stored.
    assert!(outbox.refuse(ONE, 3));
    assert_eq!(outbox.unsettled(ONE), 4);
    assert!(outbox.next(ONE).is_none());
    assert_eq!(outbox.settled_in_instance(ONE), 0);
    outbox.settle(ONE, 1);
    assert!(outbox.next(ONE).is_none());
    outbox.settle(ONE, 2);
    assert_eq!(outbox.settled_in_instance(ONE), 3);
    assert_eq!(numbers(&mut outbox), [4, 5], "what the server ignored is sent again, the refused one never");
}

#[test]
fn refused_post_is_never_resent_on_any_connection() {
    let mut outbox = filled::<256>(4);
    drain(&mut outbox);
    outbox.refuse(ONE, 2);
    outbox.rewind(ONE);
    assert_eq!(numbers(&mut outbox), [1]);
    assert!(!outbox.refuse(ONE, 2), "said once");
    outbox.settle(ONE, 1);
    assert_eq!(numbers(&mut outbox), [3, 4]);
}

#[test]
fn unsent_post_can_be_refused() {
    let mut outbox = filled::<256>(3);
    assert_eq!(outbox.next(ONE).map(|post| post.number), Some(1));
    outbox.advance(ONE);
    assert!(outbox.refuse(ONE, 2));
    assert!(outbox.next(ONE).is_none());
    outbox.settle(ONE, 1);
    assert_eq!(outbox.settled_in_instance(ONE), 2);
    assert_eq!(numbers(&mut outbox), [3]);
}

#[test]
fn new_instance_counts_from_the_lowest_unsettled_post() {
    let mut outbox = filled::<256>(4);
    drain(&mut outbox);
    outbox.settle(ONE, 2);
    outbox.renumber(ONE);
    outbox.rewind(ONE);
    assert_eq!(outbox.settled_in_instance(ONE), 0);
    assert_eq!(numbers(&mut outbox), [1, 2]);
    assert_eq!(outbox.local(ONE, 1), Some(3));
    assert_eq!(outbox.local(ONE, 3), None, "never posted");
    assert_eq!(outbox.local(ONE, u64::MAX), None);
}

#[test]
fn settlement_is_reported_once() {
    let mut outbox = filled::<256>(3);
    drain(&mut outbox);
    assert!(outbox.settle(ONE, 2));
    assert!(!outbox.settle(ONE, 2));
    assert!(!outbox.settle(ONE, 1));
    assert!(!outbox.refuse(ONE, 1), "stored, so never refused");
    assert_eq!(outbox.unsettled(ONE), 1);
}

#[test]
fn settled_bodies_do_not_stay_in_memory() {
    let mut outbox = Outbox::<64, 1>::new();
    outbox.push(ONE, EntryKind::TEXT, b"first").unwrap();
    outbox.push(ONE, EntryKind::TEXT, b"other").unwrap();
    outbox.settle(ONE, 1);
    assert!(!outbox.holds(b"first") && outbox.holds(b"other"));
    outbox.settle(ONE, 2);
    assert!(!outbox.holds(b"other"));
}

#[test]
fn accepts_a_body_that_fills_the_outbox_and_none_larger() {
    let mut outbox = Outbox::<64, 1>::new();
    assert_eq!(outbox.push(ONE, EntryKind::DATA, &[7; 64 - RECORD_OVERHEAD + 1]), Err(Full));
    assert_eq!(outbox.push(ONE, EntryKind::DATA, &[7; 64 - RECORD_OVERHEAD]), Ok(1));
    assert_eq!(drain(&mut outbox), [(1, [7; 60].to_vec())]);
}

#[derive(Clone, Debug)]
enum Op {
    Push(usize),
    Write,
    Settle(u64),
    Refuse(u64),
    Rewind,
    Renumber,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0usize..40).prop_map(Op::Push),
        4 => Just(Op::Write),
        2 => (0u64..8).prop_map(Op::Settle),
        1 => (0u64..8).prop_map(Op::Refuse),
        1 => Just(Op::Rewind),
        1 => Just(Op::Renumber),
    ]
}

proptest! {
    /// Compares with a list: after any operations, the same numbers are unsettled, in order, with
    /// the same bodies.
    #[test]
    fn agrees_with_a_model_list(ops in prop::collection::vec(op(), 1..120)) {
        let mut outbox = Outbox::<160, 1>::new();
        let mut list: Vec<(u64, Vec<u8>, bool)> = Vec::new();
        let (mut last, mut settled) = (0, 0);
        for op in ops {
            match op {
                Op::Push(len) => {
                    let body: Vec<u8> = (0..len).map(|at| at as u8 ^ last as u8).collect();
                    let used: usize = list.iter().map(|(_, body, _)| body.len() + RECORD_OVERHEAD).sum();
                    let fits = used + len + RECORD_OVERHEAD <= 160;
                    prop_assert_eq!(outbox.push(ONE, EntryKind::DATA, &body).is_ok(), fits);
                    if fits {
                        last += 1;
                        list.push((last, body, false));
                    }
                }
                Op::Write => {
                    if outbox.next(ONE).is_some() {
                        outbox.advance(ONE);
                    }
                }
                Op::Settle(ahead) => {
                    let number = (settled + ahead).min(last);
                    outbox.settle(ONE, number);
                    list.retain(|(n, _, _)| *n > number);
                    settled = settled.max(number);
                }
                Op::Refuse(ahead) => {
                    outbox.refuse(ONE, settled + ahead);
                    if let Some(post) = list.iter_mut().find(|(n, _, _)| *n == settled + ahead) {
                        post.2 = true;
                    }
                }
                Op::Rewind => outbox.rewind(ONE),
                Op::Renumber => outbox.renumber(ONE),
            }
            while list.first().is_some_and(|(_, _, refused)| *refused) {
                settled = list.remove(0).0;
            }
            let waiting: Vec<_> = list.iter().filter(|(_, _, refused)| !refused).map(|(n, body, _)| (*n, body.clone())).collect();
            prop_assert_eq!(outbox.unsettled(ONE), waiting.len() as u64);
        }
        outbox.renumber(ONE);
        outbox.rewind(ONE);
        let waiting: Vec<_> = list.iter().filter(|(_, _, refused)| !refused).map(|(n, body, _)| (*n - settled, body.clone())).collect();
        let mut written = Vec::new();
        loop {
            let part = drain(&mut outbox);
            let Some((number, _)) = part.last() else { break };
            outbox.settle(ONE, settled + number);
            written.extend(part);
        }
        prop_assert_eq!(written, waiting);
    }
}

const ROOMS: usize = 3;

fn slots() -> [RoomSlot; ROOMS] {
    let mut slots = RoomSlot::all::<ROOMS>();
    core::array::from_fn(|_| slots.next().unwrap())
}

#[test]
fn every_room_can_always_use_its_share() {
    let [a, b, c] = slots();
    let mut outbox = Outbox::<600, ROOMS>::new();
    let fill = |outbox: &mut Outbox<600, ROOMS>, slot| {
        (0..).take_while(|_| outbox.push(slot, EntryKind::DATA, &[7; 6]).is_ok()).count()
    };
    // Half of 600 bytes is common, a third of the other half is the share of each.
    assert_eq!(fill(&mut outbox, a), 40, "its share and all that is common");
    assert_eq!(fill(&mut outbox, b), 10, "its share");
    assert_eq!(fill(&mut outbox, c), 10);
    // A room that settles goes on, although the records of another one are before and between its
    // own.
    for round in 1..100 {
        assert!(!outbox.take_space(b));
        outbox.settle(b, round * 10);
        assert!(outbox.take_space(b));
        assert_eq!(fill(&mut outbox, b), 10);
    }
    outbox.clear_room(a);
    assert_eq!(fill(&mut outbox, c), 30);
    assert_eq!(outbox.unsettled(a), 0);
    assert_eq!(outbox.push(a, EntryKind::DATA, b"new"), Ok(1), "its numbers begin again");
}

#[test]
fn bodies_settled_in_the_middle_do_not_stay_in_memory() {
    let [a, b, _] = slots();
    let mut outbox = Outbox::<600, ROOMS>::new();
    outbox.push(a, EntryKind::TEXT, b"first").unwrap();
    outbox.push(b, EntryKind::TEXT, b"middle").unwrap();
    outbox.push(a, EntryKind::TEXT, b"last").unwrap();
    outbox.settle(b, 1);
    assert!(!outbox.holds(b"middle") && outbox.holds(b"first") && outbox.holds(b"last"));
    outbox.settle(a, 1);
    assert!(outbox.holds(b"last"));
    assert_eq!(outbox.next(a).map(|post| (post.number, post.body.to_vec())), Some((2, b"last".to_vec())));
}

#[test]
fn the_oldest_post_is_written_first_whatever_its_room() {
    let [a, b, c] = slots();
    let mut outbox = Outbox::<600, ROOMS>::new();
    let order = [a, b, b, c, a, c, b];
    for slot in order {
        outbox.push(slot, EntryKind::TEXT, b"x").unwrap();
    }
    let write_all = |outbox: &mut Outbox<600, ROOMS>, except: Option<RoomSlot>| {
        let mut written = Vec::new();
        while let Some(slot) = outbox.next_room(|slot| Some(slot) != except) {
            written.push(slot);
            outbox.advance(slot);
        }
        written
    };
    assert_eq!(write_all(&mut outbox, Some(b)), [a, c, a, c], "b is not in its room");
    assert_eq!(write_all(&mut outbox, None), [b, b, b]);
    slots().iter().for_each(|slot| outbox.rewind(*slot));
    assert_eq!(write_all(&mut outbox, None), order);
}

proptest! {
    /// As above, in several rooms at once.
    #[test]
    fn rooms_agree_with_a_model_list(ops in prop::collection::vec((0..ROOMS, op()), 1..160)) {
        let slots = slots();
        let mut outbox = Outbox::<300, ROOMS>::new();
        let mut lists: [Vec<(u64, Vec<u8>, bool)>; ROOMS] = Default::default();
        let (mut last, mut settled) = ([0; ROOMS], [0; ROOMS]);
        for (at, op) in ops {
            let (slot, list) = (slots[at], &mut lists[at]);
            match op {
                Op::Push(len) => {
                    let body: Vec<u8> = (0..len).map(|byte| (byte + at) as u8 ^ last[at] as u8).collect();
                    if outbox.push(slot, EntryKind::DATA, &body).is_ok() {
                        last[at] += 1;
                        list.push((last[at], body, false));
                    } else {
                        let used: usize = list.iter().map(|(_, body, _)| body.len() + RECORD_OVERHEAD).sum();
                        prop_assert!(used + len + RECORD_OVERHEAD > 300 / 2 / ROOMS, "a room has its share");
                    }
                }
                Op::Write => {
                    if outbox.next(slot).is_some() {
                        outbox.advance(slot);
                    }
                }
                Op::Settle(ahead) => {
                    let number = (settled[at] + ahead).min(last[at]);
                    outbox.settle(slot, number);
                    list.retain(|(n, _, _)| *n > number);
                    settled[at] = settled[at].max(number);
                }
                Op::Refuse(ahead) => {
                    outbox.refuse(slot, settled[at] + ahead);
                    if let Some(post) = list.iter_mut().find(|(n, _, _)| *n == settled[at] + ahead) {
                        post.2 = true;
                    }
                }
                Op::Rewind => outbox.rewind(slot),
                Op::Renumber => outbox.renumber(slot),
            }
            while list.first().is_some_and(|(_, _, refused)| *refused) {
                settled[at] = list.remove(0).0;
            }
            for (slot, list) in slots.iter().zip(&lists) {
                let waiting = list.iter().filter(|(_, _, refused)| !refused).count();
                prop_assert_eq!(outbox.unsettled(*slot), waiting as u64);
            }
        }
        for (at, slot) in slots.into_iter().enumerate() {
            outbox.renumber(slot);
            outbox.rewind(slot);
            let waiting = lists[at].iter().filter(|(_, _, refused)| !refused);
            let waiting: Vec<_> = waiting.map(|(n, body, _)| (*n - settled[at], body.clone())).collect();
            let mut written = Vec::new();
            loop {
                let mut last = None;
                while let Some(post) = outbox.next(slot) {
                    last = Some(post.instance_number);
                    written.push((post.instance_number, post.body.to_vec()));
                    outbox.advance(slot);
                }
                let Some(number) = last else { break };
                outbox.settle(slot, settled[at] + number);
            }
            prop_assert_eq!(written, waiting);
        }
    }
}
