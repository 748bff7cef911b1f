//! The zone of a link-local address (RFC 4007, section 11): the name or number of an interface.

use std::fmt;

/// Longest interface name in bytes (Linux: `IFNAMSIZ` without the terminating zero).
const MAX_LEN: usize = 15;

/// The name or number of an interface of this computer. Contains no character that is special to a
/// shell or that RFC 6874 would have to escape.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Zone {
    bytes: [u8; MAX_LEN],
    len: u8,
}

impl Zone {
    /// Returns the zone, or `None` if `text` cannot name an interface.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let len = u8::try_from(text.len()).ok()?;
        let mut bytes = [0; MAX_LEN];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        (len > 0 && text.bytes().all(is_allowed)).then_some(Self { bytes, len })
    }

    /// Creates a zone from an interface index, as sockets report it.
    #[must_use]
    pub fn of_index(index: u32) -> Self {
        let mut zone = Self { bytes: [0; MAX_LEN], len: 0 };
        for (place, digit) in zone.bytes.iter_mut().zip(index.to_string().bytes()) {
            *place = digit;
            zone.len += 1;
        }
        zone
    }

    /// The name or number as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.bytes.get(..usize::from(self.len)).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// Returns the interface index, or `None` if this computer has no such interface. A number is
    /// returned unchecked; the system rejects an index that does not exist.
    #[must_use]
    pub fn index(&self) -> Option<u32> {
        let text = self.as_str();
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().ok().filter(|index| *index != 0);
        }
        index_of(text)
    }
}

#[cfg(unix)]
fn index_of(name: &str) -> Option<u32> {
    nix::net::if_::if_nametoindex(name).ok()
}

#[cfg(not(unix))]
fn index_of(_: &str) -> Option<u32> {
    None
}

/// Returns the names of the interfaces that have a link-local address.
pub(super) fn interfaces_here() -> Vec<String> {
    crate::interfaces::link_local_names()
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_names_and_numbers_of_interfaces_only() {
        for good in ["eth0", "7", "wlp0s20f3", "br-1a2b", "eth0.100", "abcdefghijklmno", "Ethernet_2"] {
            assert_eq!(Zone::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "a b", "eth0/", "eth0:1", "%eth0", "$x", "abcdefghijklmnop", "\u{e9}th0", "eth0\0"] {
            assert_eq!(Zone::new(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn knows_the_number_of_an_interface() {
        assert_eq!(Zone::new("17").unwrap().index(), Some(17));
        assert_eq!(Zone::new("0").unwrap().index(), None, "0 stands for no interface");
        assert_eq!(Zone::new("4294967296").unwrap().index(), None);
        assert_eq!(Zone::new("no-such-if").unwrap().index(), None);
        assert_eq!(Zone::of_index(u32::MAX).index(), Some(u32::MAX));
        #[cfg(target_os = "linux")]
        assert_eq!(Zone::new("lo").unwrap().index(), Some(1));
    }
}
