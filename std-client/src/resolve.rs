//! Names to addresses, each name on its own thread: the system's resolver may take its time, and
//! one name must not hold up the others.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use kabar_std::address::{AddressError, Host, HostPort, MAX_PLACES, Places};

use crate::app_event::{AppEvent, EventSender};
use crate::race::MAX_CANDIDATES;

/// Why an address is not known.
#[derive(Debug)]
pub enum NotFound {
    /// The name means nothing, or nobody could be asked.
    Name(io::Error),
    /// The name has no address.
    Empty,
    /// A link-local address without an interface of this computer.
    Zone(AddressError),
}

/// The addresses of one place of `places`; at most its share of those that are tried together.
///
/// # Errors
/// [`NotFound`].
pub fn addresses_of(place: &HostPort, places: usize) -> Result<Vec<SocketAddr>, NotFound> {
    if let Some(address) = place.host.socket_addr(place.port).map_err(NotFound::Zone)? {
        return Ok(vec![address]);
    }
    let name = place.host.to_string();
    let found = (name.as_str(), place.port).to_socket_addrs().map_err(NotFound::Name)?;
    let mut found = interleaved(found);
    found.truncate((MAX_CANDIDATES / places.clamp(1, MAX_PLACES)).max(1));
    if found.is_empty() { Err(NotFound::Empty) } else { Ok(found) }
}

/// All addresses of all places, in order; waits for the system's resolver.
///
/// # Errors
/// [`NotFound`] of the first place, if no place has an address.
pub fn resolve_now(places: &Places) -> Result<Vec<SocketAddr>, NotFound> {
    let count = places.iter().count();
    let (mut all, mut first_error) = (Vec::new(), None);
    for place in places.iter() {
        match addresses_of(place, count) {
            Ok(found) => all.extend(found),
            Err(error) => drop(first_error.get_or_insert(error)),
        }
    }
    all.truncate(MAX_CANDIDATES);
    match first_error {
        Some(error) if all.is_empty() => Err(error),
        _ => Ok(all),
    }
}

/// Looks every place up; one [`AppEvent::Resolved`] per place follows. Returns how many.
///
/// # Errors
/// If the system gives no thread.
pub fn resolve(places: &Places, sender: &EventSender) -> io::Result<usize> {
    let count = places.iter().count();
    for place in places.iter() {
        let (place, sender) = (place.clone(), sender.clone());
        if !matches!(place.host, Host::Name(_)) {
            let found = addresses_of(&place, count);
            sender.send(AppEvent::Resolved(place, found));
            continue;
        }
        let look_up = move || {
            let found = addresses_of(&place, count);
            sender.send(AppEvent::Resolved(place, found));
        };
        std::thread::Builder::new().name("kabar-resolve".to_owned()).spawn(look_up)?;
    }
    Ok(count)
}

/// Each address once, families in turn (RFC 8305, section 4): a computer may have no way at all in one.
fn interleaved(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut all: Vec<SocketAddr> = Vec::new();
    // Resolvers repeat themselves.
    addresses.for_each(|address| {
        if !all.contains(&address) {
            all.push(address);
        }
    });
    let is_v6 = all.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = all.iter().copied().partition(|address| address.is_ipv6() == is_v6);
    let turns = first.len().max(second.len());
    (0..turns).flat_map(|at| [first.get(at), second.get(at)]).flatten().copied().collect()
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => error.fmt(f),
            Self::Empty => f.write_str("it has no address"),
            Self::Zone(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for NotFound {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns_and_each_address_comes_once() {
        let all = ["[::1]:1", "[::2]:1", "[::1]:1", "1.1.1.1:1", "[::3]:1"].map(|text| text.parse().unwrap());
        let meant: Vec<SocketAddr> =
            ["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"].map(|text| text.parse().unwrap()).into();
        assert_eq!(interleaved(all.into_iter()), meant);
    }

    #[test]
    fn a_place_that_means_nothing_holds_up_no_other() {
        let places = "no-such-host.invalid:7,127.0.0.1:8,[::1]:9".parse().unwrap();
        let meant: Vec<SocketAddr> = vec!["127.0.0.1:8".parse().unwrap(), "[::1]:9".parse().unwrap()];
        assert_eq!(resolve_now(&places).unwrap(), meant);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_link_local_address_keeps_the_number_of_its_interface() {
        for typed in ["fe80::1%lo", "fe80::1%1"] {
            let found = resolve_now(&typed.parse().unwrap()).unwrap();
            let [SocketAddr::V6(address)] = found[..] else { panic!("{found:?}") };
            assert_eq!((address.scope_id(), address.port()), (1, 9999), "{typed}");
        }
        let error = resolve_now(&"fe80::1%no-such-if".parse().unwrap()).unwrap_err();
        assert!(error.to_string().contains("no interface no-such-if"), "{error}");
    }
}
