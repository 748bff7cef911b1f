use proptest::prelude::*;

use super::*;
use crate::address::Host;

const INVITE: &str = "kabar://192.168.0.162:9999/lobby/AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT.AAAQEAYEAUDAOCAJBIFQYDIOB4";

fn invites() -> impl Strategy<Value = Invite> {
    let host = prop_oneof![
        any::<std::net::Ipv4Addr>().prop_map(|ip| Host::Ip(ip.into())),
        any::<std::net::Ipv6Addr>().prop_map(|ip| Host::Ip(ip.into())),
        "[a-z][a-z0-9-]{0,20}(\\.[a-z0-9]{1,10}){0,3}".prop_map(|name| name.parse().unwrap()),
    ];
    let place = (host, 1..=u16::MAX).prop_map(|(host, port)| HostPort { host, port });
    let places = proptest::collection::vec(place, 1..=MAX_PLACES);
    (places, "[a-z0-9_-]{1,32}", any::<[u8; 20]>(), any::<[u8; 16]>()).prop_filter_map(
        "a reserved name",
        |(places, room, fingerprint, secret)| {
            let (fingerprint, secret) = (Fingerprint(fingerprint), RoomSecret::new(secret));
            Some(Invite { places: Places::of(places)?, room: RoomName::new(&room).ok()?, fingerprint, secret })
        },
    )
}

proptest! {
    #[test]
    fn round_trips(invite in invites()) {
        prop_assert_eq!(invite.to_string().parse(), Ok(invite));
    }

    #[test]
    fn holds_nothing_that_a_shell_takes_for_something_else(invite in invites()) {
        let text = invite.to_string();
        prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".,:/-_".contains(&byte)), "{}", text);
    }

    #[test]
    fn rejects_every_cut(invite in invites(), at in any::<prop::sample::Index>()) {
        let text = invite.to_string();
        prop_assert!(text[..at.index(text.len())].parse::<Invite>().is_err());
    }

    #[test]
    fn reads_brackets_and_duplicates_as_the_same(invite in invites()) {
        let places: Vec<_> = invite.places.iter().map(ToString::to_string).collect();
        let rest = invite.to_string();
        let (_, rest) = rest[SCHEME.len()..].split_once('/').unwrap();
        let bracketed = format!("{SCHEME}{}/{rest}", places.join(","));
        prop_assert_eq!(bracketed.parse(), Ok(invite.clone()));
        if places.len() < MAX_PLACES {
            let doubled = format!("{SCHEME}{},{}/{rest}", places.join(","), places[0]);
            prop_assert_eq!(doubled.parse(), Ok(invite));
        }
    }

    #[test]
    fn never_panics_on_addresses(text in "[a-f0-9.,:%\\[\\]]{0,60}") {
        let _ = INVITE.replace("192.168.0.162:9999", &text).parse::<Invite>();
    }

    #[test]
    fn never_panics(text in "\\PC*") {
        let _ = text.parse::<Invite>();
        let _ = format!("{SCHEME}{text}").parse::<Invite>();
    }
}

#[test]
fn survives_being_pasted_unquoted_into_a_shell() {
    let v6 = INVITE.replace("192.168.0.162", "2001:db8::7");
    let several = INVITE.replace("192.168.0.162", "192.0.2.7:1,2001:db8::7:2,chat.example");
    for invite in [INVITE, &v6, &several] {
        let echo = std::process::Command::new("sh").arg("-c").arg(format!("printf %s {invite}")).output().unwrap();
        assert_eq!(String::from_utf8(echo.stdout).unwrap(), invite.parse::<Invite>().unwrap().to_string());
    }
}

#[test]
fn takes_brackets_lower_case_and_white_space_around() {
    let plain: Invite = INVITE.replace("192.168.0.162", "2001:db8::7").parse().unwrap();
    assert_eq!(INVITE.replace("192.168.0.162", "[2001:db8::7]").parse(), Ok(plain));
    assert_eq!(format!("  {}\r\n", INVITE.to_lowercase()).parse(), INVITE.parse::<Invite>());
}

#[test]
fn reads_several_addresses_in_order() {
    let places = |addresses: &str| {
        INVITE.replace("192.168.0.162:9999", addresses).parse::<Invite>().map(|invite| invite.places.to_string())
    };
    for (written, meant) in [
        ("192.0.2.1:7,chat.example:8", "192.0.2.1:7,chat.example:8"),
        ("2001:db8::7:9999,192.0.2.1:7", "[2001:db8::7]:9999,192.0.2.1:7"),
        ("[2001:db8::7]:1,fd00::1:2", "[2001:db8::7]:1,[fd00::1]:2"),
        ("a:1,a:1,b:1", "a:1,b:1"),
        ("fe80::1:7", "[fe80::1]:7"),
        ("fe80::1%eth0:7", "[fe80::1%eth0]:7"),
        ("[fe80::1%25eth0]:7", "[fe80::1%eth0]:7"),
        ("fe80::1%2525:7,fe80::1%25:7", "[fe80::1%25]:7"),
    ] {
        assert_eq!(places(written).as_deref(), Ok(meant), "{written}");
    }
    let port = Err(InviteError::Address(AddressError::Port));
    let host = Err(InviteError::Address(AddressError::Host));
    for (written, wrong) in [
        ("a:1,", Err(InviteError::NoPort)),
        (",a:1", Err(InviteError::NoPort)),
        ("a:1,b", Err(InviteError::NoPort)),
        ("a:1,:2", host.clone()),
        ("a:1, b:2", host.clone()),
        ("a:1,b:0", port.clone()),
        ("a:1,b:65536", port),
        ("2001:db8::7", host.clone()),
        ("fe80::1%:7", host),
        ("a:1,a:2,a:3,a:4,a:5,a:6,a:7,a:8,a:9", Err(InviteError::TooMany)),
    ] {
        assert_eq!(places(written), wrong, "{written}");
    }
}

#[test]
fn names_the_part_that_is_wrong() {
    let parse = |from: &str, to: &str| {
        assert!(INVITE.contains(from));
        INVITE.replacen(from, to, 1).parse::<Invite>().map(drop)
    };
    assert_eq!(parse("kabar:", "http:"), Err(InviteError::Parts(ParseInviteError::Scheme)));
    assert_eq!(parse(":9999", ""), Err(InviteError::NoPort));
    assert_eq!(parse("9999", "99999"), Err(InviteError::Address(AddressError::Port)));
    assert_eq!(parse("192.168.0.162", "a b"), Err(InviteError::Address(AddressError::Host)));
    assert_eq!(parse("lobby", "Lob by"), Err(InviteError::Parts(ParseInviteError::Room)));
    assert_eq!(parse("lobby", "server"), Err(InviteError::Parts(ParseInviteError::Room)));
    assert_eq!(parse("lobby/", ""), Err(InviteError::Parts(ParseInviteError::CutOff)));
    assert_eq!(parse("AAAQ", "AAA1"), Err(InviteError::Parts(ParseInviteError::Fingerprint)));
    assert_eq!(parse(".AAAQ", ".AAA"), Err(InviteError::Parts(ParseInviteError::Secret)));
    // The last character carries two bits that must be zero: one secret has one spelling.
    assert_eq!(INVITE.trim_end_matches('4').parse::<Invite>(), Err(InviteError::Parts(ParseInviteError::Secret)));
    assert_eq!(
        format!("{}5", INVITE.trim_end_matches('4')).parse::<Invite>(),
        Err(InviteError::Parts(ParseInviteError::Secret))
    );
    assert_eq!("".parse::<Invite>(), Err(InviteError::Parts(ParseInviteError::Scheme)));
    assert_eq!("kabar://".parse::<Invite>(), Err(InviteError::Parts(ParseInviteError::CutOff)));
}

#[test]
fn rooms_are_lower_case_ascii() {
    for room in ["lobby", "a-b_c", "7", &"r".repeat(32)] {
        assert_eq!(RoomName::new(room).map(|name| name.to_string()).as_deref(), Ok(room));
    }
    for room in ["Lobby", "lob by", "\u{f6}", "a.b", "", "server", &"r".repeat(33)] {
        assert_eq!(RoomName::new(room), Err(InvalidRoomName), "{room}");
    }
}

#[test]
fn does_not_print_its_secret() {
    let shown = format!("{:?}", INVITE.parse::<Invite>().unwrap());
    assert!(!shown.contains("secret") && !shown.contains("AAAQ"), "{shown}");
    assert_eq!(format!("{:?}", RoomSecret::new([7; 16])), "RoomSecret(..)");
}
