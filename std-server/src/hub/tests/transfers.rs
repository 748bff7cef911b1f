//! Transfers of contents (SPEC 6.8).

use kabar_core::chat::{CancelCode, EntryKind, NOTICE_STORAGE, PostRefusedCode, TransferMessage};
use kabar_core::connection::{CloseCode, Closed};
use kabar_core::content::Root;
use kabar_core::time::Duration;

use super::fake_client::{FakeClient, ROOM, Received, join_args};
use super::fake_transfers::{Content, ReceivedBulk};
use super::world::World;
use crate::contents::ContentStore;
use crate::store::{ContentIndex, Fault};

const GROUP: u64 = 16_384;
const ALL: (u64, u64) = (0, u64::MAX);

fn ana(world: &mut World) -> usize {
    world.join(&join_args("Ana", 1))
}

fn bob(world: &mut World) -> usize {
    world.join(&join_args("Bob", 2))
}

/// The code of the only answer to a transfer.
fn cancelled(client: &FakeClient, number: u32) -> CancelCode {
    match client.of_transfer(number)[..] {
        [ReceivedBulk::Cancel(_, code, 0)] => code,
        ref answers => panic!("not cancelled: {answers:?}"),
    }
}

fn was_closed_for_violation(client: &FakeClient) -> bool {
    client.closed == Some(Closed::ByPeer(CloseCode::MESSAGE))
}

#[test]
fn a_file_is_stored_posted_and_fetched_by_another_member() {
    let mut world = World::new();
    let (ana, bob) = (ana(&mut world), bob(&mut world));
    for (number, len) in [0, 1, 16_384, 16_385, 300_000].into_iter().enumerate() {
        let (content, number) = (Content::new(len, number as u8), number as u32 + 1);
        world.share(ana, number, &content);
        assert_eq!(world.contents.content(content.root), Some(&content.bytes[..]));
        world.get(bob, number, content.root, ALL);
        let size = content.size();
        let expected = [ReceivedBulk::GetAt(number, size, 0, size), ReceivedBulk::End(number)];
        assert_eq!(world.clients[bob].of_transfer(number), expected, "{len}");
        assert_eq!(content.proven(0, &world.clients[bob].chunks(number)), content.bytes);
    }
    let files = world.log().iter().filter(|entry| entry.kind == EntryKind::FILE).count();
    assert_eq!((files, world.clients[ana].stored()), (5, 5));
}

#[test]
fn a_part_is_fetched_in_whole_groups_and_nothing_beyond_the_end() {
    let mut world = World::new();
    let (ana, bob) = (ana(&mut world), bob(&mut world));
    let content = Content::new(100_000, 1);
    world.share(ana, 1, &content);
    world.get(bob, 1, content.root, (GROUP + 5, GROUP));
    assert_eq!(world.clients[bob].of_transfer(1)[0], ReceivedBulk::GetAt(1, 100_000, GROUP, 2 * GROUP));
    world.get(bob, 2, content.root, (3 * GROUP, u64::MAX));
    assert_eq!(content.proven(3 * GROUP, &world.clients[bob].chunks(2)), content.bytes[3 * GROUP as usize..]);
    world.get(bob, 3, content.root, (100_000, u64::MAX));
    assert_eq!(world.clients[bob].of_transfer(3)[1], ReceivedBulk::End(3));
    for (number, range) in [(4, (100_001, u64::MAX)), (5, (0, 100_001)), (6, (u64::MAX, 2))] {
        world.get(bob, number, content.root, range);
        assert_eq!(cancelled(&world.clients[bob], number), CancelCode::OUT_OF_RANGE);
    }
}

#[test]
fn an_entry_is_refused_until_its_content_is_durable() {
    let mut world = World::new();
    let ana = ana(&mut world);
    let content = Content::new(50_000, 1);
    world.post_file(ana, 1, &content);
    let refused = Received::PostRefused { number: 1, code: PostRefusedCode::CONTENT };
    assert!(world.clients[ana].received.contains(&refused), "{:?}", world.clients[ana].received);
    // Every group has arrived, but its end is not recorded.
    world.put(ana, 1, &content);
    world.hold(crate::hub::JobKind::Content);
    world.send_chunks(ana, 1, &content.encoding(0));
    world.post_file(ana, 2, &content);
    let refused = Received::PostRefused { number: 2, code: PostRefusedCode::CONTENT };
    assert!(world.clients[ana].received.contains(&refused));
    world.release();
    world.run_ms(200);
    assert_eq!(world.clients[ana].of_transfer(1), [ReceivedBulk::PutAt(1, 0), ReceivedBulk::End(1)]);
    world.post_file(ana, 3, &content);
    // Another size is another content.
    let longer = Content { bytes: vec![0; 50_001], outboard: Vec::new(), root: content.root };
    world.post_file(ana, 4, &longer);
    let files: Vec<u64> =
        world.log().iter().filter(|entry| entry.kind == EntryKind::FILE).map(|entry| entry.number).collect();
    assert_eq!(files, [3]);
}

#[test]
fn a_post_waits_while_the_store_cannot_tell_whether_its_content_is_there() {
    let mut world = World::new();
    let ana = ana(&mut world);
    let content = Content::new(5, 1);
    world.upload(ana, 1, &content);
    world.store.set_fault(Some(Fault::Fail));
    world.post_file(ana, 1, &content);
    assert_eq!(world.clients[ana].stored(), 0);
    world.store.set_fault(None);
    world.run_ms(1_000);
    assert_eq!(world.clients[ana].stored(), 1);
}

#[test]
fn an_interrupted_upload_goes_on_at_the_last_proven_group() {
    let mut world = World::new();
    let first = ana(&mut world);
    let content = Content::new(200_000, 1);
    world.put(first, 1, &content);
    world.send_chunks(first, 1, &content.encoding(0)[..90_000]);
    // Its connection is lost; another member goes on.
    world.clients[first].is_cut = true;
    let second = bob(&mut world);
    world.clients[second].transfers.clear();
    world.put(second, 1, &content);
    assert_eq!(world.clients[second].of_transfer(1), [], "the first one may still be there");
    world.run(Duration::from_secs(130));
    let [ReceivedBulk::PutAt(1, offset)] = world.clients[second].of_transfer(1)[..] else {
        panic!("{:?}", world.clients[second].of_transfer(1))
    };
    assert!(offset == 4 * GROUP || offset == 5 * GROUP, "{offset}");
    // The server is restarted.
    world.restart();
    let third = world.join(&join_args("Bob", 2));
    world.put(third, 7, &content);
    assert_eq!(world.clients[third].of_transfer(7), [ReceivedBulk::PutAt(7, offset)]);
    world.send_chunks(third, 7, &content.encoding(offset));
    assert_eq!(world.clients[third].of_transfer(7).last(), Some(&ReceivedBulk::End(7)));
    assert_eq!(world.contents.content(content.root), Some(&content.bytes[..]));
}

#[test]
fn what_does_not_prove_is_named_not_stored_and_closes_the_connection() {
    let mut world = World::new();
    let ana = ana(&mut world);
    let content = Content::new(100_000, 1);
    let mut encoding = content.encoding(0);
    world.put(ana, 1, &content);
    // In the third group.
    let at = encoding.len() - 50_000;
    encoding[at] ^= 1;
    world.send_chunks(ana, 1, &encoding[..80_000]);
    let answers = world.clients[ana].of_transfer(1);
    let Some(ReceivedBulk::Cancel(1, CancelCode::NOT_PROVEN, offset)) = answers.last() else { panic!("{answers:?}") };
    assert!((GROUP..100_000).contains(offset) && offset % GROUP == 0);
    assert!(was_closed_for_violation(&world.clients[ana]));
    assert_eq!((world.contents.content(content.root), world.hub.counters().uploads_not_proven), (None, 1));
    // What was proven before is kept.
    let ana = world.join(&join_args("Ana", 1));
    world.put(ana, 1, &content);
    assert_eq!(world.clients[ana].of_transfer(1), [ReceivedBulk::PutAt(1, *offset)]);
}

#[test]
fn an_empty_content_with_another_root_is_not_proven() {
    let mut world = World::new();
    let ana = ana(&mut world);
    world.put_as(ana, 1, Root([1; 32]), 0);
    world.run_ms(200);
    assert_eq!(world.clients[ana].of_transfer(1), [ReceivedBulk::Cancel(1, CancelCode::NOT_PROVEN, 0)]);
    assert!(was_closed_for_violation(&world.clients[ana]));
}

#[test]
fn violations_close_the_connection() {
    let content = Content::new(40_000, 1);
    let encoding = content.encoding(0);
    let put = |world: &mut World, ana| world.put(ana, 1, &content);
    type Step<'a> = &'a dyn Fn(&mut World, usize);
    let cases: [Step<'_>; 6] = [
        // The number is in use.
        &put,
        // Longer than the range.
        &|world, ana| world.send_chunks(ana, 1, &[&encoding[..], &[0]].concat()),
        // Ended too early.
        &|world, ana| assert!(world.clients[ana].send_bulk(&TransferMessage::End { transfer: 1 })),
        // Groups for a download.
        &|world, ana| {
            let handle = world.clients[ana].handle(ROOM);
            let get = TransferMessage::Get { transfer: 2, handle, root: Root([1; 32]), offset: 0, length: u64::MAX };
            world.hold(crate::hub::JobKind::Store);
            assert!(world.clients[ana].send_bulk(&get));
            assert!(world.clients[ana].send_bulk(&TransferMessage::Chunk { transfer: 2, bytes: &[1] }));
        },
        // Not a message.
        &|world, ana| {
            let connection = &mut world.clients[ana].connection;
            let now = world.now;
            connection.send(now, kabar_core::connection::StreamId::Bulk, &[&[0, 2, 0x84, 1]]).expect("space");
        },
        &|world, ana| {
            let connection = &mut world.clients[ana].connection;
            let now = world.now;
            connection.send(now, kabar_core::connection::StreamId::Bulk, &[&[0xff, 0xff, 0]]).expect("space");
        },
    ];
    for (case, step) in cases.iter().enumerate() {
        let mut world = World::new();
        let ana = ana(&mut world);
        put(&mut world, ana);
        step(&mut world, ana);
        world.run_ms(300);
        assert!(was_closed_for_violation(&world.clients[ana]), "case {case}");
        world.release();
        let bob = bob(&mut world);
        world.put(bob, 1, &content);
        world.run_ms(200);
        assert!(matches!(world.clients[bob].of_transfer(1)[..], [ReceivedBulk::PutAt(1, _)]), "case {case}");
    }
}

#[test]
fn messages_of_unknown_transfers_are_skipped() {
    let mut world = World::new();
    let ana = ana(&mut world);
    for message in [
        TransferMessage::Chunk { transfer: 9, bytes: &[1] },
        TransferMessage::End { transfer: 9 },
        TransferMessage::Cancel { transfer: 9, code: CancelCode::CANCELLED, offset: 0 },
        TransferMessage::PutAt { transfer: 9, offset: 3 },
    ] {
        assert!(world.clients[ana].send_bulk(&message));
    }
    world.share(ana, 1, &Content::new(10, 1));
    assert_eq!(world.clients[ana].transfers.len(), 2);
}

#[test]
fn a_content_that_no_entry_of_the_room_names_is_not_found() {
    let mut world = World::new();
    let (ana, bob) = (ana(&mut world), bob(&mut world));
    let content = Content::new(20_000, 1);
    world.upload(ana, 1, &content);
    // It is there, but nobody has posted it.
    world.get(bob, 1, content.root, ALL);
    world.get(bob, 2, Root([9; 32]), ALL);
    assert_eq!([1, 2].map(|number| cancelled(&world.clients[bob], number)), [CancelCode::NOT_FOUND; 2]);
    world.post_file(ana, 1, &content);
    world.get(bob, 3, content.root, ALL);
    assert_eq!(world.clients[bob].of_transfer(3).len(), 2);
    // Members of other rooms only know the root.
    let other = world.add_room("other");
    let carol = world.join(&super::fake_client::JoinArgs { room: "other", ..join_args("Carol", 3) });
    let handle = world.clients[carol].handle("other");
    let get = TransferMessage::Get { transfer: 1, handle, root: content.root, offset: 0, length: u64::MAX };
    assert!(world.clients[carol].send_bulk(&get));
    world.run_ms(100);
    assert_eq!(cancelled(&world.clients[carol], 1), CancelCode::NOT_FOUND, "{other:?}");
}

#[test]
fn the_second_upload_of_a_content_waits_and_finds_it_complete() {
    let mut world = World::new();
    let (ana, bob) = (ana(&mut world), bob(&mut world));
    let content = Content::new(100_000, 1);
    world.put(ana, 1, &content);
    world.put(bob, 1, &content);
    world.send_chunks(ana, 1, &content.encoding(0)[..50_000]);
    assert_eq!(world.clients[bob].of_transfer(1), []);
    world.send_chunks(ana, 1, &content.encoding(0)[50_000..]);
    world.run_ms(100);
    let size = content.size();
    assert_eq!(world.clients[bob].of_transfer(1), [ReceivedBulk::PutAt(1, size), ReceivedBulk::End(1)]);
    for client in [ana, bob] {
        world.post_file(client, 1, &content);
    }
    assert_eq!(world.log().iter().filter(|entry| entry.kind == EntryKind::FILE).count(), 2);
}

#[test]
fn either_side_ends_a_transfer() {
    let mut world = World::new();
    let (ana, bob) = (ana(&mut world), bob(&mut world));
    let content = Content::new(3_000_000, 1);
    world.put(ana, 1, &content);
    world.send_chunks(ana, 1, &content.encoding(0)[..100_000]);
    let cancel = TransferMessage::Cancel { transfer: 1, code: CancelCode::CANCELLED, offset: 0 };
    assert!(world.clients[ana].send_bulk(&cancel));
    world.run_ms(100);
    let expected = [ReceivedBulk::PutAt(1, 0), ReceivedBulk::Cancel(1, CancelCode::CANCELLED, 0)];
    assert_eq!(world.clients[ana].of_transfer(1), expected);
    // The number is free again.
    world.clients[ana].transfers.clear();
    world.share(ana, 1, &content);
    world.clients[bob].is_not_reading_bulk = true;
    world.get(bob, 1, content.root, ALL);
    assert!(world.clients[bob].send_bulk(&cancel));
    world.run_ms(100);
    world.clients[bob].is_not_reading_bulk = false;
    world.run_ms(1_000);
    world.get(bob, 2, content.root, (0, 1));
    let answers = world.clients[bob].of_transfer(1);
    assert_eq!(answers.last(), Some(&ReceivedBulk::Cancel(1, CancelCode::CANCELLED, 0)), "{answers:?}");
    assert_eq!(world.clients[bob].of_transfer(2).len(), 2, "the next transfer is not held up");
}

#[test]
fn muted_members_and_those_who_have_left_send_nothing() {
    let mut world = World::new();
    let ana = ana(&mut world);
    let content = Content::new(100_000, 1);
    world.put(ana, 1, &content);
    // A handle of no room.
    let put = TransferMessage::Put { transfer: 2, handle: 77, root: content.root, size: 5 };
    assert!(world.clients[ana].send_bulk(&put));
    world.run_ms(50);
    assert_eq!(cancelled(&world.clients[ana], 2), CancelCode::NOT_PERMITTED);
    world.add_room("other");
    world.clients[ana].join(&super::fake_client::JoinArgs { room: "other", ..join_args("Ana", 1) });
    world.run_ms(300);
    world.clients[ana].leave(ROOM);
    world.run_ms(300);
    let answers = world.clients[ana].of_transfer(1);
    assert_eq!(answers.last(), Some(&ReceivedBulk::Cancel(1, CancelCode::NOT_PERMITTED, 0)), "{answers:?}");
}

#[test]
fn a_full_disk_holds_uploads_and_not_the_chat() {
    let mut world = World::new();
    let ana = ana(&mut world);
    let content = Content::new(300_000, 1);
    world.put(ana, 1, &content);
    world.send_chunks(ana, 1, &content.encoding(0)[..50_000]);
    world.contents.set_full(true);
    world.send_chunks(ana, 1, &content.encoding(0)[50_000..90_000]);
    world.clients[ana].post(1, "the chat goes on");
    // Longer than the time after which a transfer without progress ends.
    world.run(Duration::from_secs(300));
    assert_eq!(world.clients[ana].stored(), 1);
    assert!(world.clients[ana].received.contains(&Received::Notice(NOTICE_STORAGE)));
    assert!(world.hub.counters().uploads_held > 0);
    world.contents.set_full(false);
    world.send_chunks(ana, 1, &content.encoding(0)[90_000..]);
    world.run_ms(10_000);
    assert_eq!(world.clients[ana].of_transfer(1).last(), Some(&ReceivedBulk::End(1)));
}

#[test]
fn a_receiver_that_does_not_read_has_its_chat_and_loses_its_transfer() {
    let mut world = World::new();
    let (ana, bob) = (ana(&mut world), bob(&mut world));
    let content = Content::new(3_000_000, 1);
    world.share(ana, 1, &content);
    world.clients[bob].is_not_reading_bulk = true;
    world.get(bob, 1, content.root, ALL);
    world.clients[ana].post_settled(2, 1, "a line");
    world.run_ms(200);
    assert!(world.clients[bob].texts().contains(&"a line".to_owned()));
    world.run(Duration::from_secs(200));
    assert_eq!(world.hub.counters().transfers_stalled, 1);
    world.clients[bob].is_not_reading_bulk = false;
    world.get(bob, 2, content.root, (0, 1));
    assert!(matches!(world.clients[bob].of_transfer(1)[..], [ReceivedBulk::GetAt(..), ReceivedBulk::Cancel(..)]));
    assert_eq!(world.clients[bob].of_transfer(2).len(), 2);
}

#[test]
fn a_content_that_is_removed_while_it_is_fetched_is_said_to_be() {
    let mut world = World::new();
    let (ana, bob) = (ana(&mut world), bob(&mut world));
    let content = Content::new(1_000, 1);
    world.share(ana, 1, &content);
    world.contents.remove(content.root).expect("it is there");
    world.get(bob, 1, content.root, ALL);
    assert_eq!(cancelled(&world.clients[bob], 1), CancelCode::REMOVED);
    // From then on it is known not to be there, and can come again.
    world.get(bob, 2, content.root, ALL);
    assert_eq!(cancelled(&world.clients[bob], 2), CancelCode::NOT_FOUND);
    world.clients[ana].transfers.clear();
    world.upload(ana, 2, &content);
    world.get(bob, 3, content.root, ALL);
    assert_eq!(content.proven(0, &world.clients[bob].chunks(3)), content.bytes);
}

#[test]
fn a_content_that_is_removed_before_it_is_recorded_leaves_nothing() {
    let mut world = World::new();
    let ana = ana(&mut world);
    let content = Content::new(1_000, 1);
    world.put(ana, 1, &content);
    world.hold(crate::hub::JobKind::Store);
    world.send_chunks(ana, 1, &content.encoding(0));
    assert_eq!(world.store.collect(u64::MAX, &[]), Ok(vec![content.root]));
    world.release();
    world.run_ms(100);
    let expected = [ReceivedBulk::PutAt(1, 0), ReceivedBulk::Cancel(1, CancelCode::REMOVED, 0)];
    assert_eq!(world.clients[ana].of_transfer(1), expected);
    assert_eq!((world.contents.content(content.root), world.hub.counters().uploads_stored), (None, 0));
    world.clients[ana].transfers.clear();
    world.share(ana, 1, &content);
}

#[test]
fn an_upload_that_takes_longer_than_a_day_is_not_collected() {
    let mut world = World::new();
    let ana = ana(&mut world);
    let content = Content::new(300_000, 1);
    world.put(ana, 1, &content);
    world.contents.set_full(true);
    world.send_chunks(ana, 1, &content.encoding(0)[..150_000]);
    world.run(Duration::from_secs(26 * 3_600));
    world.contents.set_full(false);
    world.send_chunks(ana, 1, &content.encoding(0)[150_000..]);
    world.run_ms(40_000);
    assert_eq!(world.clients[ana].of_transfer(1), [ReceivedBulk::PutAt(1, 0), ReceivedBulk::End(1)]);
    world.post_file(ana, 1, &content);
    assert_eq!(world.clients[ana].stored(), 1);
}

#[test]
fn contents_that_no_entry_names_are_collected() {
    let mut world = World::new();
    let ana = ana(&mut world);
    let (named, unnamed) = (Content::new(1_000, 1), Content::new(1_000, 2));
    world.share(ana, 1, &named);
    world.upload(ana, 2, &unnamed);
    world.run(Duration::from_secs(3 * 3_600));
    assert_eq!(world.contents.content(unnamed.root), None);
    assert!(world.contents.content(named.root).is_some());
    assert_eq!(world.hub.counters().contents_collected, 1);
}

#[test]
fn transfers_of_a_connection_are_served_in_turn() {
    let mut world = World::new();
    let (ana, bob) = (ana(&mut world), bob(&mut world));
    let contents: Vec<Content> = (0..3).map(|seed| Content::new(300_000, seed)).collect();
    for (number, content) in contents.iter().enumerate() {
        world.share(ana, number as u32 + 1, content);
    }
    let handle = world.clients[bob].handle(ROOM);
    for (transfer, content) in contents.iter().enumerate() {
        let transfer = transfer as u32;
        let get = TransferMessage::Get { transfer, handle, root: content.root, offset: 0, length: u64::MAX };
        assert!(world.clients[bob].send_bulk(&get));
    }
    world.run_ms(3_000);
    // While all three are in progress, none gets far ahead of another.
    let (mut received, mut furthest) = ([0_usize; 3], 0);
    for message in &world.clients[bob].transfers {
        if let ReceivedBulk::Chunk(number, bytes) = message {
            received[*number as usize] += bytes.len();
            let least = *received.iter().min().expect("three");
            if received.iter().all(|len| *len < 290_000) {
                furthest = furthest.max(received[*number as usize] - least);
            }
        }
    }
    // What is read at once, and a turn.
    assert!(furthest <= 6 * GROUP as usize, "{furthest}");
    for (number, content) in contents.iter().enumerate() {
        assert_eq!(content.proven(0, &world.clients[bob].chunks(number as u32)), content.bytes);
    }
}

#[test]
fn strangers_get_no_memory_for_transfers() {
    let mut world = World::new();
    let mallory = world.client();
    world.connect(mallory);
    assert!(world.clients[mallory].send_bulk(&TransferMessage::End { transfer: 1 }));
    world.run_ms(100);
    assert!(was_closed_for_violation(&world.clients[mallory]));
}
