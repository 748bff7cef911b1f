use super::*;
use crate::store::Visibility;

fn directory() -> Directory {
    let record = RoomRecord { topic: "old".into(), ..RoomRecord::named("attic") };
    let rooms = vec![RoomSummary { record, first: 3, head: 7, is_occupied: false }];
    Directory::new(&ServerState { rooms, ..ServerState::default() }, "lobby")
}

fn written(directory: &Directory) -> ServerBatch {
    let mut batch = ServerBatch::default();
    directory.write(&mut batch);
    batch
}

#[test]
fn has_the_rooms_of_the_store_and_the_configured_one_by_name() {
    let directory = directory();
    let names = |after| directory.after(after).map(|room| room.record.name.as_str()).collect::<Vec<_>>();
    assert_eq!(
        (names(None), names(Some("attic")), names(Some("lobby"))),
        (vec!["attic", "lobby"], vec!["lobby"], vec![])
    );
    let attic = directory.get("attic").expect("stored");
    assert_eq!((attic.first, attic.head, directory.len(), directory.has_changed()), (3, 7, 2, false));
}

#[test]
fn what_differs_from_the_store_is_written() {
    let mut directory = directory();
    let attic = |topic: &str| RoomRecord { topic: topic.into(), ..RoomRecord::named("attic") };
    let read = |topic| {
        let rooms = vec![RoomSummary { record: attic(topic), first: 5, head: 8, is_occupied: false }];
        ServerState { rooms, ..ServerState::default() }
    };
    directory.put(attic("new"));
    directory.reload(&read("old"));
    assert_eq!(written(&directory).rooms, [attic("new")]);
    directory.reload(&read("new"));
    let room = directory.get("attic").expect("it");
    assert_eq!((directory.has_changed(), room.first, room.head), (false, 5, 8));
}

#[test]
fn a_change_takes_effect_at_once_and_is_written_until_durable() {
    let mut directory = directory();
    let attic = |topic: &str| RoomRecord { topic: topic.into(), ..RoomRecord::named("attic") };
    directory.put(attic("new"));
    let first = written(&directory);
    assert_eq!((first.rooms.as_slice(), directory.get("attic").expect("it").head), (&[attic("new")][..], 7));
    // Changed again while that is being committed.
    directory.put(attic("newer"));
    directory.put(RoomRecord { visibility: Visibility::Private, ..RoomRecord::named("cellar") });
    directory.apply(&first);
    let second = written(&directory);
    assert_eq!(second.rooms.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["attic", "cellar"]);
    directory.apply(&second);
    assert!(!directory.has_changed() && written(&directory).is_empty());
    assert_eq!(directory.get("attic").expect("it").record, attic("newer"));
}
