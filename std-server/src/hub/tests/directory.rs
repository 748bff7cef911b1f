//! Operators create rooms and list them.

use kabar_core::crypto::identity::PublicIdentity;

use super::fake_client::ROOM;
use super::world::World;
use crate::hub::{OperatorError, RoomInfo};
use crate::store::{Fault, RoomRecord, Store, Visibility};

const BY: PublicIdentity = PublicIdentity([7; 32]);

/// The records of the rooms in the store.
fn stored(world: &mut World) -> Vec<RoomRecord> {
    world.store.load_server().expect("readable").rooms.into_iter().map(|room| room.record).collect()
}

#[test]
fn a_room_that_is_created_is_listed_at_once_and_stored() {
    let mut world = World::new();
    let now = world.now;
    assert_eq!(world.hub.add_room(now, Some(BY), "attic", Visibility::Private, "old things"), Ok(()));
    let [attic, lobby] = world.hub.rooms().try_into().expect("two");
    let RoomInfo { record, head, members, .. } = &attic;
    assert_eq!((record.topic.as_str(), record.visibility, *head, *members), ("old things", Visibility::Private, 0, 0));
    assert_eq!((record.created_by, lobby.record.name.as_str()), (Some(BY), ROOM));
    world.run_ms(50);
    assert_eq!(stored(&mut world)[0], attic.record);
    world.restart();
    assert_eq!(world.hub.rooms()[0].record, attic.record);
}

#[test]
fn a_room_that_the_store_did_not_take_is_written_again() {
    let mut world = World::new();
    world.store.set_fault(Some(Fault::Fail));
    assert_eq!(world.hub.add_room(world.now, None, "attic", Visibility::Open, ""), Ok(()));
    world.run_ms(50);
    assert_eq!(stored(&mut world).len(), 1);
    world.store.set_fault(None);
    world.run_ms(6_000);
    assert_eq!(stored(&mut world).len(), 2);
}

#[test]
fn names_of_rooms_are_unique_and_no_words_of_commands() {
    let mut world = World::new();
    let mut add = |name: &str| world.hub.add_room(world.now, None, name, Visibility::Open, "");
    assert_eq!((add("attic"), add("attic")), (Ok(()), Err(OperatorError::RoomExists)));
    assert_eq!(add(ROOM), Err(OperatorError::RoomExists));
    for word in ["add", "set", "close", "list", "open"] {
        assert_eq!(add(word), Err(OperatorError::ReservedName));
    }
}
