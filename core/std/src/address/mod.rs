//! Where a server is, as people write it: `HOST`, `HOST:PORT`, `[IPV6]:PORT`, and several of these
//! with commas between them.
//!
//! ```text
//! places    = address *7("," address)        ; duplicates count once, the first stays
//! address   = host [":" port]                ; without a port: 9999
//! host      = IPv4 / name / IPv6 ["%" zone] / "[" IPv6 ["%" zone] "]"
//! zone      = 1*15(ALPHA / DIGIT / "." / "-" / "_")   ; a name or number of an interface here
//! port      = 1*5DIGIT                       ; 1 to 65535
//! ```
//! An IPv6 address without brackets that parses as a whole has no port; otherwise the last colon
//! separates the port. Only link-local addresses (fe80::/10) have a zone; they cannot be reached
//! without one, and it is valid only on the computer that has this interface.

mod places;
mod zone;

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::str::FromStr;

pub use places::{MAX_PLACES, Places, parse_advertised};
pub use zone::Zone;

/// The port used when none is given.
pub const DEFAULT_PORT: u16 = 9999;

/// Longest host name in bytes (RFC 1035, 2.3.4).
const MAX_HOST_LEN: usize = 253;
/// Longest label of a host name in bytes.
const MAX_LABEL_LEN: usize = 63;

/// An IP address or host name. Contains no character that is special to a shell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// An IP address. A link-local one cannot be reached, because its interface is missing.
    Ip(IpAddr),
    /// A link-local address and the interface of this computer that leads to it.
    LinkLocal(Ipv6Addr, Zone),
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

/// An address for invites: a host, and a port if it differs from the port listened on. Has no
/// zone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Advertised {
    /// The host.
    pub host: Host,
    /// The port; never 0.
    pub port: Option<u16>,
}

/// A text is not a valid address, or cannot be used on this computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Neither an IP address nor a host name.
    #[error("the host is neither an address nor a name")]
    Host,
    /// Not a number from 1 to 65535.
    #[error("the port is not a number from 1 to 65535")]
    Port,
    /// A link-local address without an interface.
    #[error(
        "{0} needs the interface of this computer that leads there: {0}%{example}{available}",
        example = example_zone(),
        available = available_zones()
    )]
    NoZone(Ipv6Addr),
    /// An interface with an address that is not link-local.
    #[error("{0} is not a link-local address (fe80::...): leave out the % and what follows it")]
    NeedlessZone(Ipv6Addr),
    /// This computer has no such interface.
    #[error("this computer has no interface {0}{available}", available = available_zones())]
    UnknownZone(Zone),
    /// An interface of this computer in an address for other computers.
    #[error(
        "an interface of this computer means nothing to others: advertise {0} without %{1}, \
         and whoever joins adds an interface of their computer"
    )]
    AdvertisedZone(Ipv6Addr, Zone),
    /// More addresses than [`MAX_PLACES`].
    #[error("at most {MAX_PLACES} addresses")]
    TooMany,
}

fn available_zones() -> String {
    let here = zone::interfaces_here();
    if here.is_empty() { String::new() } else { format!(" (here: {})", here.join(", ")) }
}

fn example_zone() -> String {
    zone::interfaces_here().into_iter().next().unwrap_or_else(|| "eth0".to_owned())
}

impl FromStr for Host {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(AddressError::Host)?;
            return if inner.contains(':') { Self::parse_ip(inner) } else { Err(AddressError::Host) };
        }
        if text.parse::<IpAddr>().is_ok() || text.contains('%') {
            return Self::parse_ip(text);
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

impl Host {
    fn parse_ip(text: &str) -> Result<Self, AddressError> {
        let Some((ip, zone)) = text.split_once('%') else {
            return text.parse().map(Self::Ip).map_err(|_| AddressError::Host);
        };
        let ip: Ipv6Addr = ip.parse().map_err(|_| AddressError::Host)?;
        let zone = Zone::new(zone).ok_or(AddressError::Host)?;
        if ip.is_unicast_link_local() { Ok(Self::LinkLocal(ip, zone)) } else { Err(AddressError::NeedlessZone(ip)) }
    }

    /// Checks that the host can be connected to: a link-local address needs an interface.
    ///
    /// # Errors
    /// [`AddressError::NoZone`].
    pub fn check_zone(&self) -> Result<(), AddressError> {
        match self {
            Self::Ip(IpAddr::V6(ip)) if ip.is_unicast_link_local() => Err(AddressError::NoZone(*ip)),
            _ => Ok(()),
        }
    }

    /// Returns the socket address, with the interface index of a link-local address; `None` for a
    /// name, which has to be resolved first.
    ///
    /// # Errors
    /// [`AddressError`] if the interface is missing or does not exist.
    pub fn socket_addr(&self, port: u16) -> Result<Option<SocketAddr>, AddressError> {
        self.check_zone()?;
        match self {
            Self::Ip(ip) => Ok(Some((*ip, port).into())),
            Self::LinkLocal(ip, zone) => {
                let index = zone.index().ok_or(AddressError::UnknownZone(*zone))?;
                Ok(Some(SocketAddrV6::new(*ip, port, 0, index).into()))
            }
            Self::Name(_) => Ok(None),
        }
    }
}

/// Formats an IPv6 address without brackets, because some shells take brackets for a pattern. A
/// port always follows the last colon.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::LinkLocal(ip, zone) => write!(f, "{ip}%{zone}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Parses `HOST` or `HOST:PORT`; a link-local address must have its interface.
impl FromStr for HostPort {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (host, port) = split(text)?;
        host.check_zone()?;
        Ok(Self { host, port: port.unwrap_or(DEFAULT_PORT) })
    }
}

impl FromStr for Advertised {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match split(text)? {
            (Host::LinkLocal(ip, zone), _) => Err(AddressError::AdvertisedZone(ip, zone)),
            (host, port) => Ok(Self { host, port }),
        }
    }
}

/// Splits a text into its host and, if there is one, its port.
fn split(text: &str) -> Result<(Host, Option<u16>), AddressError> {
    // An IPv6 address alone has no port, even if its last group looks like one.
    match text.parse() {
        Ok(host @ (Host::Ip(_) | Host::LinkLocal(..))) => return Ok((host, None)),
        Err(error @ AddressError::NeedlessZone(_)) => return Err(error),
        _ => {}
    }
    let Some((host, port)) = text.rsplit_once(':') else { return Ok((text.parse()?, None)) };
    let HostPort { host, port } = HostPort::from_parts(host, port)?;
    Ok((host, Some(port)))
}

/// Parses an address to listen on: `IP:PORT` (port 0: any free port), `IP`, `:PORT` or `PORT`.
/// Without an address, all addresses of this computer, IPv6 and IPv4.
///
/// # Errors
/// [`AddressError`].
pub fn parse_listen(text: &str) -> Result<SocketAddr, AddressError> {
    let address = match text.parse() {
        Ok(SocketAddr::V6(address)) if address.scope_id() != 0 && !address.ip().is_unicast_link_local() => {
            return Err(AddressError::NeedlessZone(*address.ip()));
        }
        Ok(address @ SocketAddr::V6(v6)) if v6.scope_id() != 0 => return Ok(address),
        Ok(address) => Some(address),
        Err(_) => None,
    };
    let (host, port) = match address {
        Some(address) => (Host::Ip(address.ip()), address.port()),
        None => match text.parse() {
            Ok(host @ (Host::Ip(_) | Host::LinkLocal(..))) => (host, DEFAULT_PORT),
            Err(error @ AddressError::NeedlessZone(_)) => return Err(error),
            // `SocketAddr` parses everything except an interface given by name.
            _ => match text.rsplit_once(':').map(|(host, port)| (host.parse(), port.parse::<u16>())) {
                Some((Ok(host @ Host::LinkLocal(..)), Ok(port))) => (host, port),
                Some((Err(error @ AddressError::NeedlessZone(_)), _)) => return Err(error),
                _ => return parse_listen_port(text),
            },
        },
    };
    host.socket_addr(port)?.ok_or(AddressError::Host)
}

fn parse_listen_port(text: &str) -> Result<SocketAddr, AddressError> {
    let digits = text.strip_prefix(':').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(if digits.contains(':') { AddressError::Port } else { AddressError::Host });
    }
    digits.parse().map(|port| (Ipv6Addr::UNSPECIFIED, port).into()).map_err(|_| AddressError::Port)
}

impl HostPort {
    /// Parses a host and a port. A link-local address may lack its interface.
    ///
    /// # Errors
    /// [`AddressError`], naming the part that is wrong.
    pub fn from_parts(host: &str, port: &str) -> Result<Self, AddressError> {
        let host = host.parse()?;
        // `u16::from_str` accepts a sign; an address has only one spelling.
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        match port.parse() {
            Ok(port @ 1..) if digits => Ok(Self { host, port }),
            _ => Err(AddressError::Port),
        }
    }
}

impl From<SocketAddr> for HostPort {
    fn from(address: SocketAddr) -> Self {
        let host = match address {
            SocketAddr::V6(v6) if v6.scope_id() != 0 && v6.ip().is_unicast_link_local() => {
                Host::LinkLocal(*v6.ip(), Zone::of_index(v6.scope_id()))
            }
            _ => Host::Ip(address.ip()),
        };
        Self { host, port: address.port() }
    }
}

/// Formats as `HOST:PORT`, with an IPv6 address in brackets.
impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host {
            Host::Ip(IpAddr::V6(_)) | Host::LinkLocal(..) => write!(f, "[{}]:{}", self.host, self.port),
            _ => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests;
