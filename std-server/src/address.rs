//! Where a server is, as people write it: `HOST`, `HOST:PORT`, `[IPV6]:PORT`.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// The port when none is written.
pub const DEFAULT_PORT: u16 = 9999;

/// Longest host name in bytes (RFC 1035, 2.3.4).
const MAX_HOST_LEN: usize = 253;
/// Longest label of a host name in bytes.
const MAX_LABEL_LEN: usize = 63;

/// An address or the name of a computer. Holds no character that means something to a shell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// An address.
    Ip(IpAddr),
    /// A name to resolve: ASCII letters, digits, `-`, `_`, `.`, in lower case.
    Name(String),
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// The host.
    pub host: Host,
    /// The port; never 0.
    pub port: u16,
}

/// What invites are to name: a host, and a port if it is not the one that is listened on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Advertised {
    /// The host.
    pub host: Host,
    /// The port; never 0.
    pub port: Option<u16>,
}

/// What is wrong with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressError {
    /// Neither an IP address nor a host name.
    Host,
    /// Not a number from 1 to 65535.
    Port,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "the host is neither an address nor a name",
            Self::Port => "the port is not a number from 1 to 65535",
        })
    }
}

impl std::error::Error for AddressError {}

impl FromStr for Host {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(AddressError::Host)?;
            return inner.parse::<Ipv6Addr>().map(|ip| Self::Ip(ip.into())).map_err(|_| AddressError::Host);
        }
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Ok(Self::Ip(ip));
        }
        let is_label = |label: &str| {
            (1..=MAX_LABEL_LEN).contains(&label.len())
                && !label.starts_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        if text.len() > MAX_HOST_LEN || !text.split('.').all(is_label) {
            return Err(AddressError::Host);
        }
        Ok(Self::Name(text.to_ascii_lowercase()))
    }
}

/// An IPv6 address without brackets: some shells take brackets for a pattern, and a port always follows after the last colon.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl FromStr for HostPort {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let Advertised { host, port } = text.parse()?;
        Ok(Self { host, port: port.unwrap_or(DEFAULT_PORT) })
    }
}

impl FromStr for Advertised {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        // An IPv6 address alone is no host and port, whatever its last group is.
        if let Ok(host @ Host::Ip(_)) = text.parse() {
            return Ok(Self { host, port: None });
        }
        let Some((host, port)) = text.rsplit_once(':') else { return Ok(Self { host: text.parse()?, port: None }) };
        let HostPort { host, port } = HostPort::from_parts(host, port)?;
        Ok(Self { host, port: Some(port) })
    }
}

/// Where to listen, as an operator writes it: `IP:PORT` (port 0: any that is free), `IP`, `:PORT` or `PORT`. Without an address: on
/// all of this computer, IPv6 and IPv4.
///
/// # Errors
/// [`AddressError`].
pub fn parse_listen(text: &str) -> Result<SocketAddr, AddressError> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    if let Ok(Host::Ip(ip)) = text.parse() {
        return Ok((ip, DEFAULT_PORT).into());
    }
    let digits = text.strip_prefix(':').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(if digits.contains(':') { AddressError::Port } else { AddressError::Host });
    }
    digits.parse().map(|port| (Ipv6Addr::UNSPECIFIED, port).into()).map_err(|_| AddressError::Port)
}

impl HostPort {
    /// Host and port from their texts.
    ///
    /// # Errors
    /// [`AddressError`], naming the part that is wrong.
    pub fn from_parts(host: &str, port: &str) -> Result<Self, AddressError> {
        let host = host.parse()?;
        // `u16::from_str` takes a sign; an address has one way to be written.
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        match port.parse() {
            Ok(port @ 1..) if digits => Ok(Self { host, port }),
            _ => Err(AddressError::Port),
        }
    }
}

/// `HOST:PORT`, an IPv6 address in brackets.
impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host {
            Host::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]:{}", self.port),
            _ => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, AddressError> {
        text.parse::<HostPort>().map(|address| address.to_string())
    }

    #[test]
    fn takes_what_people_write() {
        for (written, meant) in [
            ("192.168.0.162", "192.168.0.162:9999"),
            ("192.168.0.162:1", "192.168.0.162:1"),
            ("Darryls-Laptop.local:65535", "darryls-laptop.local:65535"),
            ("localhost", "localhost:9999"),
            ("::1", "[::1]:9999"),
            ("[::1]", "[::1]:9999"),
            ("[2001:db8::7]:80", "[2001:db8::7]:80"),
            ("2001:db8::7", "[2001:db8::7]:9999"),
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
        for wrong in ["", ":", "65536", "1.2.3.4:99999", "here", "here:7"] {
            assert!(parse_listen(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_the_part_that_is_wrong() {
        for port in ["", "0", "65536", "+1", "-1", "1x", " 1"] {
            assert_eq!(parse(&format!("here:{port}")), Err(AddressError::Port), "{port}");
        }
        for host in
            ["", ".", "a..b", "-a", "a b", "a/b", "$(id)", "[::1", "[1.2.3.4]", "[]", "h\u{e9}", "a;b", "fe80::1%eth0"]
        {
            assert_eq!(parse(&format!("{host}:1")), Err(AddressError::Host), "{host}");
        }
        assert_eq!(parse(&"a".repeat(64)), Err(AddressError::Host));
        assert_eq!(parse(&["a"; 128].join(".")), Err(AddressError::Host));
    }
}
