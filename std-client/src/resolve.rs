//! Resolves host names, each on its own thread: the system's resolver blocks, and one name must not
//! delay the others.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use kabar_std::address::{AddressError, Host, HostPort, MAX_PLACES, Places};

use crate::race::MAX_CANDIDATES;

/// Why a place has no address.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The resolver failed, or does not know the name.
    #[error(transparent)]
    Lookup(io::Error),
    /// The name has no address.
    #[error("the name has no address")]
    NoAddress,
    /// A link-local address without an interface of this computer.
    #[error(transparent)]
    Zone(AddressError),
}

/// Returns the addresses of one of `places` places; at most its share of [`MAX_CANDIDATES`].
///
/// # Errors
/// [`ResolveError`].
pub fn addresses_of(place: &HostPort, places: usize) -> Result<Vec<SocketAddr>, ResolveError> {
    if let Some(address) = place.host.socket_addr(place.port).map_err(ResolveError::Zone)? {
        return Ok(vec![address]);
    }
    let name = place.host.to_string();
    let found = (name.as_str(), place.port).to_socket_addrs().map_err(ResolveError::Lookup)?;
    let mut found = interleaved(found);
    found.truncate((MAX_CANDIDATES / places.clamp(1, MAX_PLACES)).max(1));
    if found.is_empty() { Err(ResolveError::NoAddress) } else { Ok(found) }
}

/// Returns all addresses of all places, in order. Blocks on the system's resolver.
///
/// # Errors
/// [`ResolveError`] of the first place, if no place has an address.
pub fn resolve_now(places: &Places) -> Result<Vec<SocketAddr>, ResolveError> {
    let count = places.iter().count();
    let (mut all, mut first_error) = (Vec::new(), None);
    for place in places.iter() {
        match addresses_of(place, count) {
            Ok(found) => all.extend(found),
            Err(error) => {
                first_error.get_or_insert(error);
            }
        }
    }
    all.truncate(MAX_CANDIDATES);
    match first_error {
        Some(error) if all.is_empty() => Err(error),
        _ => Ok(all),
    }
}

/// Resolves every place on its own thread, and calls `report` once per place. Returns the number of
/// places.
///
/// # Errors
/// If a thread cannot be spawned.
pub fn resolve(
    places: &Places,
    report: impl Fn(HostPort, Result<Vec<SocketAddr>, ResolveError>) + Clone + Send + 'static,
) -> io::Result<usize> {
    let count = places.iter().count();
    for place in places.iter() {
        let (place, report) = (place.clone(), report.clone());
        if !matches!(place.host, Host::Name(_)) {
            let found = addresses_of(&place, count);
            report(place, found);
            continue;
        }
        let look_up = move || {
            let found = addresses_of(&place, count);
            report(place, found);
        };
        std::thread::Builder::new().name("kabar-resolve".to_owned()).spawn(look_up)?;
    }
    Ok(count)
}

/// Returns each address once, alternating between the families (RFC 8305, section 4): a computer
/// may have no route at all in one of them.
fn interleaved(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut all: Vec<SocketAddr> = Vec::new();
    // Resolvers return duplicates.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternates_families_and_drops_duplicates() {
        let all = ["[::1]:1", "[::2]:1", "[::1]:1", "1.1.1.1:1", "[::3]:1"].map(|text| text.parse().unwrap());
        let meant: Vec<SocketAddr> =
            ["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"].map(|text| text.parse().unwrap()).into();
        assert_eq!(interleaved(all.into_iter()), meant);
    }

    #[test]
    fn resolves_the_other_places_when_one_name_is_unknown() {
        let places = "no-such-host.invalid:7,127.0.0.1:8,[::1]:9".parse().unwrap();
        let meant: Vec<SocketAddr> = vec!["127.0.0.1:8".parse().unwrap(), "[::1]:9".parse().unwrap()];
        assert_eq!(resolve_now(&places).unwrap(), meant);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn keeps_the_interface_number_of_a_link_local_address() {
        for typed in ["fe80::1%lo", "fe80::1%1"] {
            let found = resolve_now(&typed.parse().unwrap()).unwrap();
            let [SocketAddr::V6(address)] = found[..] else { panic!("{found:?}") };
            assert_eq!((address.scope_id(), address.port()), (1, 9999), "{typed}");
        }
        let error = resolve_now(&"fe80::1%no-such-if".parse().unwrap()).unwrap_err();
        assert!(error.to_string().contains("no interface no-such-if"), "{error}");
    }
}
