//! Reasons of kicks, bans and mutes: the person and the room are shown them.

use kabar_core::chat::{EndedCode, EntryKind};
use kabar_core::connection::{CloseCode, Closed};
use kabar_core::time::Duration;

use super::fake_client::{JoinArgs, Received, join_args};
use super::world::World;
use crate::hub::RoomId;

const ROOM: RoomId = RoomId::FIRST;

/// Kind and text of every entry about a person or by the operator that a client received.
fn shown(world: &World, client: usize) -> Vec<(EntryKind, String)> {
    let entries = world.clients[client].received.iter().filter_map(|received| match received {
        Received::Entry { kind, body, .. } if matches!(*kind, EntryKind::KICKED | EntryKind::OPERATOR) => {
            Some((*kind, String::from_utf8(body.clone()).expect("a text")))
        }
        _ => None,
    });
    entries.collect()
}

#[test]
fn a_member_and_the_room_are_shown_why_it_was_kicked() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let again = world.join(&join_args("Ana", 1));
    let ben = world.join(&join_args("Ben", 2));
    world.hub.kick(world.now, ROOM, None, "Ana", Some("please stop")).expect("a member");
    world.run_ms(50);
    assert_eq!(shown(&world, ben), [(EntryKind::KICKED, "by server: please stop".to_owned())]);
    let ended = Received::Ended { code: EndedCode::KICKED, text: "you were kicked by server: please stop".to_owned() };
    for session in [ana, again] {
        assert_eq!(world.clients[session].received.last(), Some(&ended));
        assert_eq!(world.clients[session].closed, Some(Closed::ByPeer(CloseCode::KICKED)));
    }
}

#[test]
fn a_member_that_does_not_acknowledge_the_reason_is_closed_anyway() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    world.clients[ana].is_cut = true;
    world.hub.ban(world.now, ROOM, None, "Ana", Some("spam")).expect("a member");
    assert_eq!(world.hub.status(ROOM).members, 0);
    world.run(Duration::from_secs(4));
    assert_eq!((world.hub.counters().refusals_unheard, world.hub.status(ROOM).unjoined), (1, 0));
}

#[test]
fn the_room_is_shown_why_somebody_is_banned_or_muted_and_the_reason_is_stored() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let ben = world.join(&join_args("Ben", 2));
    world.hub.mute(world.now, ROOM, None, "Ana", Some("too loud")).expect("a member");
    world.run_ms(50);
    assert_eq!(shown(&world, ana), [(EntryKind::OPERATOR, "Ana is muted by server: too loud".to_owned())]);
    let long = "x".repeat(1_000);
    world.hub.ban(world.now, ROOM, None, "Ana", Some(&long)).expect("a member");
    world.run_ms(50);
    assert_eq!(
        shown(&world, ben)[1..],
        [
            (EntryKind::OPERATOR, format!("Ana is banned by server: {}", &long[..200])),
            (EntryKind::KICKED, format!("by server: {}", &long[..200]))
        ]
    );
    world.restart();
    let reasons: Vec<_> = world.hub.sanctions(ROOM).into_iter().map(|it| it.sanction.reason).collect();
    assert_eq!(reasons, [Some("too loud".to_owned()), Some(long[..200].to_owned())]);
}

#[test]
fn without_a_reason_only_the_kick_is_announced() {
    let mut world = World::new();
    world.join(&join_args("Ana", 1));
    let ben = world.join(&join_args("Ben", 2));
    world.hub.mute(world.now, ROOM, None, "Ana", None).expect("a member");
    world.hub.ban(world.now, ROOM, None, "Ana", None).expect("a member");
    world.run_ms(50);
    assert_eq!(shown(&world, ben), [(EntryKind::KICKED, String::new())]);
}

#[test]
fn a_name_is_the_longest_beginning_that_somebody_has_or_owns() {
    let mut world = World::new();
    world.join(&join_args("Ana", 1));
    world.join(&JoinArgs { name: "Ana Lena".to_owned(), ..join_args("", 2) });
    for (typed, name, reason) in [
        ("Ana", "Ana", None),
        ("ana is late", "ana", Some("is late")),
        (" Ana  Lena  is late ", "Ana", Some("Lena  is late")),
        ("ana lena is late", "ana lena", Some("is late")),
        ("Ana Lena", "Ana Lena", None),
        ("Nobody is here", "Nobody is here", None),
        ("", "", None),
    ] {
        assert_eq!(world.hub.split_name(ROOM, typed), (name, reason), "{typed:?}");
    }
}

#[test]
fn a_reason_of_the_console_does_not_read_as_that_of_an_operator() {
    let mut world = World::new();
    world.join(&join_args("Anna", 1));
    let ben = world.join(&join_args("Ben", 2));
    world.join(&join_args("Cho", 3));
    let reason = Some("by Anna: spam");
    world.hub.kick(world.now, ROOM, None, "Cho", reason).expect("a member");
    world.hub.ban(world.now, ROOM, None, "Cho", reason).expect("an owner");
    world.run_ms(50);
    let shown = shown(&world, ben);
    assert!(shown.iter().all(|(_, text)| text.contains("by server: by Anna: spam")) && shown.len() == 2, "{shown:?}");
    let cho = world.client();
    world.attempt_join(cho, &join_args("Cho", 3));
    let refused = world.clients[cho].received.iter().find_map(|it| match it {
        Received::Refused { text, .. } => Some(text.as_str()),
        _ => None,
    });
    assert_eq!(refused, Some("banned from this room by server: by Anna: spam"));
}
