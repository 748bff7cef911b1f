//! `kabar bridge`: forwards packets between devices on byte streams (SPEC 2.5) and a server on UDP,
//! without being able to read them.
//!
//! * `port`: serial ports, and sockets that devices connect to.
//! * `forward`: packets of one device; `paths`: the address that each of them goes to. Each device
//!   has its own sockets, so that the server sees it as a client with its own address.
//! * `servers`: the addresses of the server.
//!
//! A port that is unplugged, a network that is down, a name that is not found and a server that
//! does not answer are waited for, at the start as well as later. A packet that cannot be forwarded
//! at once is lost like any datagram; its sender repeats what it needs.

mod forward;
mod paths;
mod port;
mod servers;

use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};

use clap::Args;
use kabar_std::address::Places;
use kabar_std::signals::{self, AfterHangup, TerminalWatch};

use crate::commands::{CommandError, Outcome};
use forward::Shared;
use port::{Port, spawn};
use servers::Servers;

/// `kabar bridge`.
#[derive(Debug, Args)]
pub struct BridgeArguments {
    /// A serial port, which may be plugged in later, or `unix:SOCKET` to accept devices on a
    /// socket. May be given several times.
    #[arg(long = "serial", value_name = "PATH|unix:SOCKET", required = true, value_parser = Port::parse)]
    ports: Vec<Port>,

    /// The server; several addresses of it, separated by commas, are tried together.
    #[arg(long, value_name = "HOST[:PORT],...")]
    to: Places,

    /// Bits per second of serial ports.
    #[arg(long, value_name = "BAUD", default_value = "115200", value_parser = port::parse_baud)]
    baud: u32,
}

/// Forwards packets until it is interrupted.
pub(crate) fn run(arguments: BridgeArguments) -> Result<Outcome, CommandError> {
    let BridgeArguments { ports, to, baud } = arguments;
    let servers = Servers::new(to.clone());
    let shared = Arc::new(Shared::new(Arc::clone(&servers)));
    let (stop, stopped) = mpsc::channel();
    let terminal = TerminalWatch::start();
    let stop = move || {
        let _ = stop.send(());
    };
    // The bridge has no files to reopen: without a terminal, SIGHUP requests nothing.
    let hang_up = move || if terminal.is_gone() { AfterHangup::Stop } else { AfterHangup::GoOn };
    signals::on_stop_or_hangup(stop, hang_up).map_err(failed)?;
    // Held until the end: sockets that were created are removed then.
    let serve = |port: Port| {
        let open = port.serve(&shared, baud)?;
        eprintln!("bridging {open} to {to}");
        Ok::<_, CommandError>(open)
    };
    let _open = ports.into_iter().map(serve).collect::<Result<Vec<_>, _>>()?;
    let resolving = Arc::clone(&servers);
    spawn(move || resolving.look_until_found()).map_err(failed)?;
    let _ = stopped.recv();
    if servers.addresses().is_empty() {
        return Err(CommandError::BridgeUnresolved(to));
    }
    let (to_server, to_devices) = (&shared.to_server, &shared.to_devices);
    Ok(Outcome::BridgeStopped {
        to_server: to_server.load(Ordering::Relaxed),
        to_devices: to_devices.load(Ordering::Relaxed),
    })
}

fn failed(error: std::io::Error) -> CommandError {
    CommandError::Bridge(error.to_string())
}
