//! Names that are refused to newcomers, and kept by those who have them (SPEC 6.6).

use kabar_core::chat::RefusedCode;

use super::fake_client::{Received, join_args};
use super::world::World;
use crate::hub::RoomId;
use crate::store::{ServerBatch, Store};

/// The code and the sentence with which a Join under `name` is refused.
fn refusal(world: &mut World, name: &str, identity: u8) -> (RefusedCode, String) {
    let client = world.client();
    world.attempt_join(client, &join_args(name, identity));
    let refusal = world.clients[client].received.iter().find_map(|received| match received {
        Received::Refused { code, text } => Some((*code, text.clone())),
        _ => None,
    });
    refusal.unwrap_or_else(|| panic!("{name:?} is not refused: {:?}", world.clients[client].received))
}

#[test]
fn a_refused_name_is_answered_with_the_reason() {
    let mut world = World::new();
    for (name, sentence) in [
        ("", "the name is empty"),
        ("a:b", "the name contains ':', which is not allowed"),
        ("server", "the name \"server\" is reserved"),
        ("0perat0r", "the name looks like \"operator\", which is reserved"),
        ("annа", "the name mixes Latin and Cyrillic letters, which can look alike"),
    ] {
        let expected = (RefusedCode::NAME_NOT_ALLOWED, sentence.to_owned());
        assert_eq!(refusal(&mut world, name, 1), expected, "{name}");
    }
}

#[test]
fn a_name_stays_with_its_owner_when_the_rules_become_stricter() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    world.clients[ana].close(world.now);
    world.run_ms(100);
    // As if a server without these rules had stored it.
    let stored = world.store.load_server().expect("readable").names;
    for name in ["admin", "annа"] {
        let mut record = stored.first().expect("Ana's").clone();
        (record.folded, record.name) = (name.to_owned(), name.to_owned());
        world.store.commit(&ServerBatch { names: vec![record], ..ServerBatch::default() }.into()).expect("stored");
    }
    world.restart();
    for name in ["admin", "annа"] {
        assert_eq!(refusal(&mut world, name, 2).0, RefusedCode::NAME_NOT_ALLOWED, "{name}");
        let owner = world.join(&join_args(name, 1));
        assert_eq!(world.clients[owner].welcome().name, name);
        // An operator finds it, too.
        assert_eq!(world.hub.kick(world.now, RoomId::FIRST, None, name, None), Ok(name.to_owned()));
        world.run_ms(100);
    }
}

#[test]
fn a_name_that_looks_like_that_of_somebody_else_is_taken() {
    let mut world = World::new();
    let ana = world.join(&join_args("maria", 1));
    let (code, sentence) = refusal(&mut world, "rnaria", 2);
    assert_eq!(code, RefusedCode::NAME_TAKEN);
    assert!(sentence.contains("another one") && sentence.contains("`kabar identity import`"), "{sentence}");
    // It stays reserved with the name.
    world.clients[ana].close(world.now);
    world.run_ms(100);
    world.restart();
    assert_eq!(refusal(&mut world, "rnaria", 2).0, RefusedCode::NAME_TAKEN);
    world.join(&join_args("rnaria", 1));
    world.join(&join_args("mario", 2));
}
