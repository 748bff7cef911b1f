//! `kabar bridge`: forwards packets between devices on byte streams (SPEC 2.5) and a server on UDP,
//! without being able to read them. Has no command line and prints nothing.
//!
//! * `port`: serial ports, and sockets that devices connect to; `serve`: waits for them.
//! * `forward`: packets of one device; `paths`: the address that each of them goes to. Each device
//!   has its own sockets, so that the server sees it as a client with its own address.
//! * `servers`: the addresses of the server. `report`: reports and errors.
//!
//! A port that is unplugged, a network that is down, a name that is not found and a server that
//! does not answer are waited for, at the start as well as later. A packet that cannot be forwarded
//! at once is lost like any datagram; its sender repeats what it needs.

mod forward;
mod paths;
mod port;
mod report;
mod serve;
mod servers;

use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};

use kabar_std::address::Places;
use kabar_std::signals::{self, AfterHangup, TerminalWatch};

use forward::Shared;
pub use port::{NotAPort, Port, parse_baud};
use report::Reporter;
pub use report::{BridgeError, BridgeNotice};
use serve::{serve, spawn};
use servers::Servers;

/// Numbers of forwarded packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// Packets from devices to the server.
    pub to_server: u64,
    /// Packets from the server to devices.
    pub to_devices: u64,
}

/// Forwards packets between devices on `ports` and the server at `to` until it is interrupted.
/// Serial ports have `baud` bits per second. `report` is called from several threads.
///
/// # Errors
/// [`BridgeError`].
pub fn run(
    ports: Vec<Port>,
    to: Places,
    baud: u32,
    report: impl Fn(&BridgeNotice<'_>) + Send + Sync + 'static,
) -> Result<Forwarded, BridgeError> {
    let reporter = Reporter::new(report);
    let servers = Servers::new(to.clone(), reporter.clone());
    let shared = Arc::new(Shared::new(Arc::clone(&servers), reporter.clone()));
    let (stop, stopped) = mpsc::channel();
    let terminal = TerminalWatch::start();
    let stop = move || {
        let _ = stop.send(());
    };
    // The bridge has no files to reopen: without a terminal, SIGHUP requests nothing.
    let hang_up = move || if terminal.is_gone() { AfterHangup::Stop } else { AfterHangup::GoOn };
    signals::on_stop_or_hangup(stop, hang_up)?;
    // Held until the end: sockets that were created are removed then.
    let start = |port: Port| {
        let open = serve(port, &shared, baud)?;
        reporter.report(&BridgeNotice::Bridging { port: open.port(), to: &to });
        Ok::<_, BridgeError>(open)
    };
    let _open = ports.into_iter().map(start).collect::<Result<Vec<_>, _>>()?;
    let resolving = Arc::clone(&servers);
    spawn(move || resolving.look_until_found())?;
    let _ = stopped.recv();
    if servers.addresses().is_empty() {
        return Err(BridgeError::Unresolved(to));
    }
    let (to_server, to_devices) = (&shared.to_server, &shared.to_devices);
    Ok(Forwarded { to_server: to_server.load(Ordering::Relaxed), to_devices: to_devices.load(Ordering::Relaxed) })
}
