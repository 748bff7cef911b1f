//! The reports of the bridge while it runs, and why it ends. Plain values; [`crate::messages`] puts
//! them into words.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kabar_std::address::{Host, HostPort, Places};

use super::port::Port;
use crate::resolve::ResolveError;

/// Something that happened to the bridge.
#[derive(Debug)]
pub enum BridgeNotice<'a> {
    /// A port is forwarded to a server.
    Bridging {
        /// The port.
        port: &'a Port,
        /// The server.
        to: &'a Places,
    },
    /// A serial port is not plugged in at the start.
    PortMissing(&'a Path),
    /// A serial port that was missing at the start can be used.
    PortFound(&'a Path),
    /// A serial port was unplugged, or failed.
    PortLost(&'a Path, Option<&'a io::Error>),
    /// A serial port that was lost can be used again.
    PortBack(&'a Path),
    /// A device has connected to a socket.
    DeviceConnected,
    /// A device was refused: this many are connected.
    DeviceRefused(usize),
    /// The stream of a device failed.
    DeviceFailed(&'a io::Error),
    /// A device has disconnected.
    DeviceDisconnected,
    /// The name of a server has these addresses, and did not have them before.
    Resolved(&'a HostPort, &'a [SocketAddr]),
    /// The name of a server cannot be resolved at present.
    NotResolved(&'a Host, &'a ResolveError),
}

/// Why the bridge ended, or did not start.
#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    /// A serial port cannot be used.
    #[error("cannot open {}: {error}", .path.display())]
    Open {
        /// Its path.
        path: PathBuf,
        /// The operating system's error.
        error: io::Error,
    },
    /// A socket cannot be used.
    #[error("cannot listen on {}: {error}", .path.display())]
    Listen {
        /// Its path.
        path: PathBuf,
        /// The operating system's error.
        error: io::Error,
    },
    /// A thread or a signal handler cannot be created.
    #[error(transparent)]
    System(#[from] io::Error),
    /// It was stopped before an address of the server was found.
    #[error("cannot resolve {0}")]
    Unresolved(Places),
}

/// Receives reports from all threads of the bridge.
#[derive(Clone)]
pub(super) struct Reporter(Arc<dyn Fn(&BridgeNotice<'_>) + Send + Sync>);

impl Reporter {
    pub(super) fn new(report: impl Fn(&BridgeNotice<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(report))
    }

    pub(super) fn report(&self, notice: &BridgeNotice<'_>) {
        (self.0)(notice);
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reporter")
    }
}
