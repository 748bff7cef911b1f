use super::*;

fn parse(text: &str) -> Result<String, AddressError> {
    text.parse::<HostPort>().map(|address| address.to_string())
}

#[test]
fn accepts_the_usual_spellings() {
    for (written, meant) in [
        ("192.168.0.162", "192.168.0.162:9999"),
        ("192.168.0.162:1", "192.168.0.162:1"),
        ("Darryls-Laptop.local:65535", "darryls-laptop.local:65535"),
        ("localhost", "localhost:9999"),
        ("::1", "[::1]:9999"),
        ("[::1]", "[::1]:9999"),
        ("[2001:db8::7]:80", "[2001:db8::7]:80"),
        ("2001:db8::7", "[2001:db8::7]:9999"),
        ("fe80::1%eth0", "[fe80::1%eth0]:9999"),
        ("fe80::1%eth0:7", "[fe80::1%eth0]:7"),
        ("[fe80::1%Wlan_0]:7", "[fe80::1%Wlan_0]:7"),
        ("[FE80::1%25]", "[fe80::1%25]:9999"),
        ("fe80::1%2", "[fe80::1%2]:9999"),
    ] {
        assert_eq!(parse(written).as_deref(), Ok(meant), "{written}");
        assert_eq!(parse(meant).as_deref(), Ok(meant), "{meant}");
    }
}

#[test]
fn listens_where_an_operator_says() {
    for (written, meant) in [
        ("127.0.0.1:0", "127.0.0.1:0"),
        ("192.168.0.1", "192.168.0.1:9999"),
        ("[::1]:7", "[::1]:7"),
        ("::1", "[::1]:9999"),
        (":7", "[::]:7"),
        ("7", "[::]:7"),
    ] {
        assert_eq!(parse_listen(written), Ok(meant.parse().unwrap()), "{written}");
    }
    for wrong in ["", ":", "65536", "1.2.3.4:99999", "here", "here:7", "fe80::1", "[fe80::1]:7", "[fd00::1%1]:7"] {
        assert!(parse_listen(wrong).is_err(), "{wrong}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn listens_on_a_link_local_address_by_name_or_number_of_its_interface() {
    for written in ["fe80::1%lo", "fe80::1%1", "[fe80::1%lo]:9999", "[fe80::1%1]:9999", "fe80::1%lo:9999"] {
        let Ok(SocketAddr::V6(address)) = parse_listen(written) else { panic!("{written}") };
        assert_eq!((address.scope_id(), address.port()), (1, 9999), "{written}");
    }
    let port_0 = parse_listen("[fe80::1%lo]:0").unwrap();
    assert_eq!(port_0.port(), 0);
    let zone = Zone::new("no-such-if").unwrap();
    assert_eq!(parse_listen("fe80::1%no-such-if"), Err(AddressError::UnknownZone(zone)));
}

#[test]
fn asks_for_the_interface_of_a_link_local_address() {
    let ip: Ipv6Addr = "fe80::1".parse().unwrap();
    for typed in ["fe80::1", "[fe80::1]", "[fe80::1]:7"] {
        assert_eq!(parse(typed), Err(AddressError::NoZone(ip)), "{typed}");
    }
    let why = AddressError::NoZone(ip).to_string();
    assert!(why.contains("fe80::1%") && !why.contains('\n'), "{why}");
    for typed in ["fd00::1%eth0", "[2001:db8::1%2]:7", "::1%lo:7"] {
        let error = parse(typed).unwrap_err();
        assert!(matches!(error, AddressError::NeedlessZone(_)), "{typed}: {error:?}");
    }
    assert_eq!(parse("192.0.2.1%eth0"), Err(AddressError::Host));
}

#[test]
fn names_the_part_that_is_wrong() {
    for port in ["", "0", "65536", "+1", "-1", "1x", " 1"] {
        assert_eq!(parse(&format!("here:{port}")), Err(AddressError::Port), "{port}");
    }
    for host in [
        "",
        ".",
        "a..b",
        "-a",
        "a b",
        "a/b",
        "$(id)",
        "[::1",
        "[1.2.3.4]",
        "[]",
        "h\u{e9}",
        "a;b",
        "fe80::1%",
        "fe80::1%a/b",
    ] {
        assert_eq!(parse(&format!("{host}:1")), Err(AddressError::Host), "{host}");
    }
    assert_eq!(parse(&"a".repeat(64)), Err(AddressError::Host));
    assert_eq!(parse(&["a"; 128].join(".")), Err(AddressError::Host));
}
