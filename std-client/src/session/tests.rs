use kabar_std::address::{HostPort, Places};

use super::attempt::Attempt;
use super::*;

#[test]
fn all_addresses_share_one_timeout() {
    let start = Instant::from_micros(1_000_000);
    assert_eq!(Attempt::new(start).deadline(), Some(start + CONNECT_TIMEOUT));
    assert_eq!(Attempt::patient(start).deadline(), None, "a returning member waits");
}

#[test]
fn resolving_a_place_again_replaces_only_its_addresses() {
    let places: Places = "there,192.0.2.1,here".parse().unwrap();
    let place = |text: &str| -> HostPort { text.parse().unwrap() };
    let addresses =
        |texts: &[&str]| -> Vec<std::net::SocketAddr> { texts.iter().map(|text| text.parse().unwrap()).collect() };
    let mut located = Located::default();
    located.take(place("192.0.2.1"), Ok(addresses(&["192.0.2.1:9999"])), &places);
    located.take(place("there"), Ok(addresses(&["192.0.2.2:9999", "192.0.2.3:9999"])), &places);
    located.take(place("here"), Err(crate::resolve::ResolveError::NoAddress), &places);
    let all = addresses(&["192.0.2.2:9999", "192.0.2.3:9999", "192.0.2.1:9999"]);
    assert_eq!(located.addresses(), all, "in the order of the places");
    located.take(place("there"), Ok(addresses(&["192.0.2.4:9999"])), &places);
    located.take(place("192.0.2.1"), Err(crate::resolve::ResolveError::NoAddress), &places);
    assert_eq!(located.addresses(), addresses(&["192.0.2.4:9999", "192.0.2.1:9999"]));
    assert_eq!(located.place_of("192.0.2.4:9999".parse().unwrap()), Some(&place("there")));
}
