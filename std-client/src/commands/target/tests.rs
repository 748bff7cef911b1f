use super::*;
use crate::exit::Exit;
use crate::messages::command_error;
use crate::outcome::CommandError;
use crate::temporary_dir;

fn sentence(error: TargetError) -> String {
    let (exit, line) = command_error(&CommandError::from(error));
    assert_eq!(exit, Exit::Usage);
    line
}

#[test]
fn target_is_an_invite_a_server_or_a_room() {
    let invite = "kabar://192.168.0.162:9999/lobby/AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT.AAAQEAYEAUDAOCAJBIFQYDIOB4";
    assert_eq!(Target::parse(invite), Ok(Target::Invite(invite.parse().unwrap())));
    assert_eq!(Target::parse(" 192.168.0.162 "), Ok(Target::Server("192.168.0.162:9999".parse().unwrap())));
    assert_eq!(Target::parse("here:7"), Ok(Target::Server("here:7".parse().unwrap())));
    let several = "192.168.0.162,here:7,fe80::1%eth0";
    assert_eq!(Target::parse(several), Ok(Target::Server(several.parse().unwrap())));
    assert_eq!(Target::parse("lobby"), Ok(Target::Word("lobby".to_owned())));
    for around in [format!(" \t{invite}\r\n"), format!("\u{feff}{invite}\u{a0}\n"), format!("\n{invite}\0")] {
        assert_eq!(Target::parse(&around), Ok(Target::Invite(invite.parse().unwrap())), "{around:?}");
    }
    for wrong in [
        "",
        "kabar://",
        "http://192.168.0.162:9999/lobby/A.B",
        "a b",
        "here:99999",
        "fe80::1",
        "[fe80::1]:7",
        "here,fe80::1",
    ] {
        let line = sentence(Target::parse(wrong).unwrap_err());
        assert!(!line.contains('\n'), "{wrong}");
    }
}

#[test]
fn uses_the_addresses_of_an_invite_that_have_an_interface() {
    let usable = |text: &str| {
        let invite = format!("kabar://{text}/lobby/AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT.AAAQEAYEAUDAOCAJBIFQYDIOB4");
        usable_places(invite.parse::<Invite>().unwrap().places).map(|places| places.to_string())
    };
    assert_eq!(usable("fe80::1:7,192.0.2.1:7"), Ok("192.0.2.1:7".to_owned()));
    assert_eq!(usable("fe80::1%eth0:7,fe80::2:7"), Ok("[fe80::1%eth0]:7".to_owned()));
    let line = sentence(usable("fe80::1:7").unwrap_err());
    assert!(line.contains("fe80::1%") && line.contains("put it into the invite"), "{line}");
}

#[test]
fn word_is_a_known_room_or_a_host() {
    let (_home, dir) = temporary_dir();
    let learn = |address: &str, key: u8, room: &str| {
        let (address, fingerprint) = (address.parse().unwrap(), kabar_core::session::Fingerprint([key; 20]));
        KnownServers::accept(&dir, &address, &fingerprint, &RoomName::new(room).unwrap(), None).unwrap();
    };
    let find = || find_room("books", &dir).unwrap();
    let books = |places: &str| Ok(Found::Room(places.parse().unwrap(), RoomName::new("books").unwrap()));
    assert_eq!(find(), Ok(Found::Host("books:9999".parse().unwrap())));
    learn("here:7", 1, "books");
    assert_eq!(find(), books("here:7"));
    learn("elsewhere:7", 1, "books");
    assert_eq!(find(), books("elsewhere:7,here:7"), "every address where it was");
    learn("there:8", 2, "books");
    let line = sentence(find().unwrap_err());
    assert!(
        line.contains("kabar join elsewhere:7 --room books") && line.contains("kabar join there:8 --room books"),
        "{line}"
    );
}
