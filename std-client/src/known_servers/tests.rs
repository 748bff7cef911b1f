use super::*;
use crate::temporary_dir;

fn joined<'a>(
    places: &'a Places,
    fingerprint: &'a Fingerprint,
    room: &'a RoomName,
    secret: Option<&'a RoomSecret>,
) -> JoinedRoom<'a> {
    JoinedRoom { places, fingerprint, room, name: Some("anna"), secret, is_first: true }
}

#[test]
fn stores_by_key_and_finds_by_address() {
    let (_home, dir) = temporary_dir();
    let (here, there): (Places, Places) = ("here:1".parse().unwrap(), "[::1]:2".parse().unwrap());
    let (ours, theirs) = (Fingerprint([1; 20]), Fingerprint([2; 20]));
    let (lobby, other) = (RoomName::new("lobby").unwrap(), RoomName::new("other").unwrap());
    let secret = RoomSecret::new([3; 16]);
    let find = |address: &Places, room| KnownServers::load(&dir).unwrap().find_any(address, room);

    assert!(find(&here, &lobby).is_none());
    KnownServers::remember(&dir, &joined(&here, &ours, &lobby, Some(&secret))).unwrap();
    let known = find(&here, &lobby).unwrap();
    assert_eq!((known.fingerprint, known.secret), (ours, Some(secret.clone())));
    assert!(find(&there, &lobby).is_none());

    // Another room of the same server: its key is known, its secret is not.
    let known = find(&here, &other).unwrap();
    assert_eq!((known.fingerprint, known.secret), (ours, None));

    // The server moved: known at both addresses, and a join without a secret forgets none.
    KnownServers::remember(&dir, &joined(&there, &ours, &lobby, None)).unwrap();
    assert_eq!(find(&there, &lobby).unwrap().secret, Some(secret.clone()));
    assert_eq!(find(&here, &lobby).unwrap().fingerprint, ours);

    // Its key is enough to recognise it.
    let by_key = KnownServers::load(&dir).unwrap().find_key(&ours, &lobby).unwrap();
    assert_eq!((by_key.secret, by_key.name.as_deref()), (Some(secret.clone()), Some("anna")));
    assert!(KnownServers::load(&dir).unwrap().find_key(&theirs, &lobby).is_none());

    // Another server was accepted at the old address.
    KnownServers::remember(&dir, &joined(&here, &theirs, &lobby, None)).unwrap();
    assert_eq!(find(&here, &lobby).unwrap().fingerprint, theirs);
    assert_eq!(find(&there, &lobby).unwrap().fingerprint, ours);
}

#[test]
fn lists_and_forgets_rooms() {
    let (_home, dir) = temporary_dir();
    let (here, ours): (Places, _) = ("here:1".parse().unwrap(), Fingerprint([1; 20]));
    for room in ["lobby", "other"] {
        KnownServers::remember(&dir, &joined(&here, &ours, &RoomName::new(room).unwrap(), None)).unwrap();
    }
    let rooms = || KnownServers::load(&dir).unwrap().rooms();
    let names: Vec<_> = rooms().iter().map(|known| known.room.to_string()).collect();
    assert_eq!(names, ["other", "lobby"], "the last one first");
    assert_eq!(rooms()[0].addresses, [here.first().clone()]);
    assert_eq!(KnownServers::forget(&dir, |known| known.room.as_str() == "lobby").unwrap(), 1);
    assert_eq!(rooms().len(), 1);
}

#[test]
fn rooms_that_were_left_are_known_and_not_returned_to() {
    let (_home, dir) = temporary_dir();
    let (here, ours, theirs): (Places, _, _) = ("here:1".parse().unwrap(), Fingerprint([1; 20]), Fingerprint([2; 20]));
    let [lobby, ops, den] = ["lobby", "ops", "den"].map(|room| RoomName::new(room).unwrap());
    let join = |room, is_first| {
        KnownServers::remember(&dir, &JoinedRoom { is_first, ..joined(&here, &ours, room, None) }).unwrap();
    };
    let rooms = |key| KnownServers::load(&dir).unwrap().rooms_of(&key);
    join(&lobby, true);
    join(&ops, false);
    join(&den, false);
    assert_eq!(rooms(ours), [lobby.clone(), den.clone(), ops.clone()], "the first one of the session first");
    KnownServers::part(&dir, &ours, &ops).unwrap();
    KnownServers::part(&dir, &theirs, &den).unwrap();
    assert_eq!((rooms(ours), rooms(theirs)), (vec![lobby.clone(), den.clone()], Vec::new()));
    assert!(KnownServers::load(&dir).unwrap().find_key(&ours, &ops).is_some());
    join(&ops, true);
    assert_eq!(rooms(ours), [ops, lobby, den]);
}

#[test]
fn temporary_name_is_not_stored() {
    let mut known = KnownServers::default();
    let (here, ours, lobby): (Places, _, _) =
        ("here:1".parse().unwrap(), Fingerprint([1; 20]), RoomName::new("lobby").unwrap());
    known.learn(&joined(&here, &ours, &lobby, None));
    known.learn(&JoinedRoom { name: None, ..joined(&here, &ours, &lobby, None) });
    assert_eq!(known.find_any(&here, &lobby).unwrap().name.as_deref(), Some("anna"));
}

#[test]
fn bounds_the_addresses_of_a_server() {
    let mut known = KnownServers::default();
    let (ours, lobby) = (Fingerprint([1; 20]), RoomName::new("lobby").unwrap());
    for port in 1..100 {
        let places = HostPort::from_parts("here", &port.to_string()).unwrap().into();
        known.learn(&joined(&places, &ours, &lobby, None));
    }
    assert_eq!(known.servers.len(), 1);
    assert_eq!(known.servers[0].addresses.len(), MAX_ADDRESSES);
    assert_eq!(known.servers[0].addresses[0], "here:99");
}

#[test]
fn stores_all_addresses_of_an_invite_with_the_one_that_worked_first() {
    let mut known = KnownServers::default();
    let (ours, theirs, lobby) = (Fingerprint([1; 20]), Fingerprint([2; 20]), RoomName::new("lobby").unwrap());
    let learn = |known: &mut KnownServers, places: &str, key| {
        known.learn(&joined(&places.parse().unwrap(), key, &lobby, None));
    };
    learn(&mut known, "theirs:1,both:1", &theirs);
    learn(&mut known, "old:1", &ours);
    learn(&mut known, "met:1,both:1,[fe80::1%eth0]:7,other:1", &ours);
    assert_eq!(known.servers[0].addresses, ["met:1", "[fe80::1%eth0]:7", "other:1", "old:1"]);
    assert_eq!(known.rooms()[0].addresses.len(), 4, "all are read again");
    assert_eq!(known.servers[1].addresses, ["theirs:1", "both:1"], "not tried");
    learn(&mut known, "both:1,met:1", &ours);
    assert_eq!(known.servers[0].addresses[..2], ["both:1", "met:1"]);
    assert_eq!(known.servers[1].addresses, ["theirs:1"]);
}

#[test]
fn reports_a_damaged_file() {
    let (_home, dir) = temporary_dir();
    for damaged in
        ["[[server]", "[[server]]\nfingerprint = \"x\"\nroom=\"lobby\"\naddresses=[]\nname=\"a\"\n", "x = 1\n"]
    {
        dir.replace(FILE, damaged.as_bytes()).unwrap();
        assert!(KnownServers::load(&dir).unwrap_err().to_string().contains(FILE), "{damaged}");
    }
}
