//! The interface that a link-local address is reached by (RFC 4007, section 11): by name or number.

use std::fmt;

/// Longest name of an interface in bytes (Linux: `IFNAMSIZ` less the zero at its end).
const MAX_LEN: usize = 15;

/// The name or number of an interface of this computer. Holds no character that means something to
/// a shell, and none that RFC 6874 would have to escape.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Zone {
    bytes: [u8; MAX_LEN],
    len: u8,
}

impl Zone {
    /// Checks a name or number.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let len = u8::try_from(text.len()).ok()?;
        let mut bytes = [0; MAX_LEN];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        (len > 0 && text.bytes().all(is_allowed)).then_some(Self { bytes, len })
    }

    /// By its number, as sockets have it.
    #[must_use]
    pub fn of_index(index: u32) -> Self {
        let mut zone = Self { bytes: [0; MAX_LEN], len: 0 };
        for (place, digit) in zone.bytes.iter_mut().zip(index.to_string().bytes()) {
            *place = digit;
            zone.len += 1;
        }
        zone
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.bytes.get(..usize::from(self.len)).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// The number of the interface; `None` if this computer has no interface of that name. A number
    /// is taken as it is: the system refuses one that does not exist.
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

/// The names of the interfaces that have a link-local address: the ones that may lead to another.
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
