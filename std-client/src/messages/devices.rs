//! Sentences of `kabar bridge` while it runs.

use std::net::SocketAddr;

use crate::bridge::{BridgeNotice, Forwarded, Port};

/// Returns the line about something that happened to the bridge.
#[must_use]
pub fn notice(notice: &BridgeNotice<'_>) -> String {
    match notice {
        BridgeNotice::Bridging { port, to } => format!("bridging {} to {to}", name_of(port)),
        BridgeNotice::PortMissing(path) => format!("{} is not there; waiting for it", path.display()),
        BridgeNotice::PortFound(path) => format!("{} is there", path.display()),
        BridgeNotice::PortLost(path, None) => format!("{} went away; waiting for it", path.display()),
        BridgeNotice::PortLost(path, Some(error)) => format!("{} went away ({error}); waiting for it", path.display()),
        BridgeNotice::PortBack(path) => format!("{} is back", path.display()),
        BridgeNotice::DeviceConnected => "a device has connected".to_owned(),
        BridgeNotice::DeviceRefused(connected) => format!("a device was refused: {connected} are connected"),
        BridgeNotice::DeviceFailed(error) => format!("device error: {error}"),
        BridgeNotice::DeviceDisconnected => "a device has disconnected".to_owned(),
        BridgeNotice::Resolved(place, addresses) => format!("{place} is at {}", list(addresses)),
        BridgeNotice::NotResolved(host, error) => format!("cannot resolve {host} ({error}); trying again"),
    }
}

/// Returns the last line.
pub(super) fn stopped(forwarded: Forwarded) -> String {
    let Forwarded { to_server, to_devices } = forwarded;
    format!("forwarded {to_server} packets to the server and {to_devices} to devices")
}

fn name_of(port: &Port) -> String {
    match port {
        Port::Serial(path) => path.display().to_string(),
        Port::Socket(path) => format!("devices on {}", path.display()),
    }
}

fn list(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
