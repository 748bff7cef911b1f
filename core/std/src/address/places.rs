//! The addresses of one server, in the order in which they are tried.

use std::fmt;
use std::str::FromStr;

use super::{AddressError, Advertised, HostPort};

/// Maximum number of addresses of one server.
pub const MAX_PLACES: usize = 8;

/// The addresses of a server: 1 to [`MAX_PLACES`], without duplicates, the best first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Places {
    first: HostPort,
    others: Vec<HostPort>,
}

impl Places {
    /// A single address.
    #[must_use]
    pub const fn one(first: HostPort) -> Self {
        Self { first, others: Vec::new() }
    }

    /// Takes the first [`MAX_PLACES`] addresses and drops duplicates; `None` if there are none.
    #[must_use]
    pub fn of(all: impl IntoIterator<Item = HostPort>) -> Option<Self> {
        let mut all = all.into_iter();
        let mut places = Self::one(all.next()?);
        all.for_each(|place| places.push(place));
        Some(places)
    }

    /// Appends an address, unless it is a duplicate or there are [`MAX_PLACES`] already.
    pub fn push(&mut self, place: HostPort) {
        if !self.iter().any(|known| *known == place) && self.others.len() + 1 < MAX_PLACES {
            self.others.push(place);
        }
    }

    /// The address to try first.
    #[must_use]
    pub const fn first(&self) -> &HostPort {
        &self.first
    }

    /// Iterates over the addresses in order.
    pub fn iter(&self) -> impl Iterator<Item = &HostPort> + Clone {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Returns the same addresses with `place` in front.
    #[must_use]
    pub fn with_first(&self, place: HostPort) -> Self {
        let mut places = Self::one(place);
        self.iter().cloned().for_each(|place| places.push(place));
        places
    }
}

impl From<HostPort> for Places {
    fn from(place: HostPort) -> Self {
        Self::one(place)
    }
}

/// Parses `HOST[:PORT]`, separated by commas.
impl FromStr for Places {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let all: Vec<HostPort> = several(text)?;
        Self::of(all).ok_or(AddressError::Host)
    }
}

/// Formats as `HOST:PORT`, separated by commas.
impl fmt::Display for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        self.others.iter().try_for_each(|place| write!(f, ",{place}"))
    }
}

/// Parses the addresses that invites are to name: `HOST[:PORT]`, separated by commas. Drops
/// duplicates.
///
/// # Errors
/// [`AddressError`].
pub fn parse_advertised(text: &str) -> Result<Vec<Advertised>, AddressError> {
    let mut all: Vec<Advertised> = Vec::new();
    for advertised in several(text)? {
        if !all.contains(&advertised) {
            all.push(advertised);
        }
    }
    Ok(all)
}

fn several<T: FromStr<Err = AddressError>>(text: &str) -> Result<Vec<T>, AddressError> {
    if text.split(',').count() > MAX_PLACES {
        return Err(AddressError::TooMany);
    }
    text.split(',').map(|part| part.trim().parse()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, AddressError> {
        text.parse::<Places>().map(|places| places.to_string())
    }

    #[test]
    fn reads_several_addresses_in_order_and_each_once() {
        for (written, meant) in [
            ("here", "here:9999"),
            ("here:7,there", "here:7,there:9999"),
            ("here:7, there:8 ,here:7", "here:7,there:8"),
            ("fd00::1,192.0.2.1:7,[fd00::1]:9999", "[fd00::1]:9999,192.0.2.1:7"),
            ("fe80::1%eth0,[fe80::1%2]:7", "[fe80::1%eth0]:9999,[fe80::1%2]:7"),
        ] {
            assert_eq!(parse(written).as_deref(), Ok(meant), "{written}");
            assert_eq!(parse(meant).as_deref(), Ok(meant), "{meant}");
        }
    }

    #[test]
    fn rejects_empty_parts_and_more_than_eight() {
        for wrong in ["", ",", "here,", ",here", "here,,there"] {
            assert_eq!(parse(wrong), Err(AddressError::Host), "{wrong}");
        }
        let eight: Vec<_> = (1..=8).map(|port| format!("here:{port}")).collect();
        assert_eq!(parse(&eight.join(",")), Ok(eight.join(",")));
        assert_eq!(parse(&format!("{},here:9", eight.join(","))), Err(AddressError::TooMany));
    }

    #[test]
    fn moves_the_place_that_worked_to_the_front() {
        let places: Places = "a:1,b:2,c:3".parse().unwrap();
        let moved = places.with_first("b:2".parse().unwrap());
        assert_eq!(moved.to_string(), "b:2,a:1,c:3");
    }

    #[test]
    fn advertises_the_configured_addresses_in_order() {
        let all = parse_advertised("chat.example, 192.0.2.1:7,[fd00::1],chat.example").unwrap();
        let shown: Vec<_> = all.iter().map(|one| (one.host.to_string(), one.port)).collect();
        let meant = [("chat.example", None), ("192.0.2.1", Some(7)), ("fd00::1", None)];
        assert_eq!(shown, meant.map(|(host, port)| (host.to_owned(), port)));
        assert!(parse_advertised("fe80::1").is_ok());
        let error = parse_advertised("192.0.2.1,fe80::1%eth0").unwrap_err().to_string();
        assert!(error.contains("fe80::1 without %eth0"), "{error}");
    }
}
