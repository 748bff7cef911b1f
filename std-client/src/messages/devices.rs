//! Sentences of `kabar bridge` while it runs.

use std::net::SocketAddr;

use super::{causes, reasons};
use crate::bridge::{BridgeNotice, Forwarded, Port};
use crate::language::message;

/// Returns the line about something that happened to the bridge.
#[must_use]
pub fn notice(notice: &BridgeNotice<'_>) -> String {
    match notice {
        BridgeNotice::Bridging { port, to } => message!("bridge-started", port = name_of(port), server = %to),
        BridgeNotice::PortMissing(path) => message!("bridge-port-missing", port = %path.display()),
        BridgeNotice::PortFound(path) => message!("bridge-port-found", port = %path.display()),
        BridgeNotice::PortLost(path, None) => message!("bridge-port-lost", port = %path.display()),
        BridgeNotice::PortLost(path, Some(error)) => {
            message!("bridge-port-failed", port = %path.display(), error = causes::io(error))
        }
        BridgeNotice::PortBack(path) => message!("bridge-port-back", port = %path.display()),
        BridgeNotice::DeviceConnected => message!("bridge-device-connected"),
        BridgeNotice::DeviceRefused(connected) => message!("bridge-device-refused", connected = *connected),
        BridgeNotice::DeviceFailed(error) => message!("bridge-device-failed", error = causes::io(error)),
        BridgeNotice::DeviceDisconnected => message!("bridge-device-disconnected"),
        BridgeNotice::Resolved(place, addresses) => {
            message!("bridge-resolved", server = %place, addresses = list(addresses))
        }
        BridgeNotice::NotResolved(host, error) => {
            message!("bridge-not-resolved", host = %host, error = reasons::resolve(error))
        }
    }
}

/// Returns the last line.
pub(super) fn stopped(forwarded: Forwarded) -> String {
    let Forwarded { to_server, to_devices } = forwarded;
    message!("bridge-stopped", to_server, to_devices)
}

fn name_of(port: &Port) -> String {
    match port {
        Port::Serial(path) => path.display().to_string(),
        Port::Socket(path) => message!("bridge-devices-on", path = %path.display()),
    }
}

fn list(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
