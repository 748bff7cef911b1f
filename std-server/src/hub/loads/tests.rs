use super::*;

fn next(loads: &mut Loads) -> Option<String> {
    loads.next_load().map(|name| name.as_ref().to_owned())
}

fn request(loads: &mut Loads, name: &str, connection: Option<u32>) {
    loads.request(&name.into(), connection);
}

#[test]
fn joins_for_one_room_share_one_load() {
    let mut loads = Loads::new(9, core::iter::empty());
    request(&mut loads, "attic", Some(1));
    request(&mut loads, "attic", Some(2));
    assert_eq!((next(&mut loads).as_deref(), next(&mut loads)), (Some("attic"), None));
    request(&mut loads, "attic", Some(3));
    assert_eq!(next(&mut loads), None);
    loads.forget(2, core::iter::once("attic".into()));
    let waited = loads.complete(&"attic".into()).expect("it was running");
    assert_eq!(waited, BTreeSet::from([1, 3]));
    assert_eq!(loads.complete(&"attic".into()), None, "once");
    assert!(loads.rooms.is_empty() && loads.requested.is_empty() && loads.turns.is_empty());
}

#[test]
fn loads_are_bounded_and_those_that_something_waits_for_come_first() {
    let mut loads = Loads::new(1, ["lobby", "attic"].map(Into::into).into_iter());
    request(&mut loads, "attic", None);
    request(&mut loads, "attic", None);
    assert_eq!((next(&mut loads).as_deref(), next(&mut loads), loads.held()), (Some("attic"), None, 0));
    request(&mut loads, "cellar", Some(1));
    assert_eq!((next(&mut loads), loads.held()), (None, 1));
    assert_eq!(loads.complete(&"attic".into()), Some(BTreeSet::new()));
    assert_eq!(next(&mut loads).as_deref(), Some("cellar"));
    loads.complete(&"cellar".into());
    assert_eq!(next(&mut loads).as_deref(), Some("lobby"));
    loads.complete(&"lobby".into());
    loads.load_later("lobby".into());
    assert_eq!(next(&mut loads).as_deref(), Some("attic"), "it was loaded and may be dropped by now");
}

#[test]
fn connections_with_many_joins_do_not_delay_others() {
    let mut loads = Loads::new(9, core::iter::empty());
    for name in ["a", "b", "c"] {
        request(&mut loads, name, Some(1));
    }
    request(&mut loads, "d", Some(2));
    request(&mut loads, "b", Some(2));
    let order: Vec<String> = core::iter::from_fn(|| next(&mut loads)).collect();
    assert_eq!(order, ["a", "d", "b", "c"]);
    assert_eq!(loads.complete(&"b".into()), Some(BTreeSet::from([1, 2])));
}

#[test]
fn rooms_that_nothing_waits_for_any_more_are_not_loaded() {
    let mut loads = Loads::new(9, core::iter::empty());
    for (name, connection) in [("a", Some(1)), ("b", Some(1)), ("b", Some(2)), ("c", Some(1)), ("c", None)] {
        request(&mut loads, name, connection);
    }
    loads.forget(1, ["a", "b", "c"].map(Into::into).into_iter());
    let order: Vec<String> = core::iter::from_fn(|| next(&mut loads)).collect();
    assert_eq!((order, loads.rooms.len()), (vec!["b".to_owned(), "c".to_owned()], 2));
}
