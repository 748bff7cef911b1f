//! `kabar bridge`: carries packets between devices on byte streams (SPEC 2.5) and a server on UDP. It can read none of them.
//!
//! * `wire`: where devices are: serial ports, and sockets that they come to.
//! * `carry`: packets of one device; `paths`: which of them goes to which address. Each has its
//!   own sockets, so that the server sees each as a client with another address.
//! * `servers`: where the server is.
//!
//! A plug that is pulled, a network that is away, a name that is not found and a server that is
//! down are waited for, at the start as well as later: the bridge runs for as long as nobody ends
//! it. What does not get through at once is lost like any datagram, and sent again by whoever needs
//! it.

mod carry;
mod paths;
mod servers;
mod wire;

use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};

use clap::Args;
use kabar_std::address::Places;
use kabar_std::signals::{self, AfterHangup, TerminalWatch};

use crate::exit::{Exit, ExitReport};
use carry::Shared;
use servers::Servers;
use wire::Wire;

/// `kabar bridge`.
#[derive(Debug, Args)]
pub struct BridgeArguments {
    /// Where devices are: a serial port, which may be plugged in later, or `unix:SOCKET` to wait
    /// for them on a socket. May be given several times.
    #[arg(long = "serial", value_name = "PATH|unix:SOCKET", required = true, value_parser = Wire::parse)]
    wires: Vec<Wire>,

    /// The server; several addresses of it, with commas between them, are tried together.
    #[arg(long, value_name = "HOST[:PORT],...")]
    to: Places,

    /// Bits per second of serial ports.
    #[arg(long, value_name = "BAUD", default_value = "115200", value_parser = wire::parse_baud)]
    baud: u32,
}

/// `kabar bridge`: until it is interrupted.
#[must_use]
pub fn bridge(arguments: BridgeArguments) -> ExitReport {
    run(arguments).unwrap_or_else(|ending| ending)
}

fn run(arguments: BridgeArguments) -> Result<ExitReport, ExitReport> {
    let BridgeArguments { wires, to, baud } = arguments;
    let server = to.to_string();
    let servers = Servers::new(to);
    let shared = Arc::new(Shared::new(Arc::clone(&servers)));
    let (stop, stopped) = mpsc::channel();
    let terminal = TerminalWatch::start();
    let stop = move || {
        let _ = stop.send(());
    };
    // Nothing is kept in files: without a terminal, SIGHUP asks for nothing.
    let hang_up = move || if terminal.is_gone() { AfterHangup::Stop } else { AfterHangup::GoOn };
    signals::on_stop_or_hangup(stop, hang_up).map_err(ExitReport::error)?;
    // StoredIdentity until the end: sockets that were made are removed then.
    let serve = |wire: Wire| {
        let open = wire.serve(&shared, baud)?;
        eprintln!("bridging {open} to {server}");
        Ok(open)
    };
    let _open = wires.into_iter().map(serve).collect::<Result<Vec<_>, _>>()?;
    let finding = Arc::clone(&servers);
    wire::spawn(move || finding.look_until_found())?;
    let _ = stopped.recv();
    if servers.addresses().is_empty() {
        return Err(ExitReport::new(Exit::Unreachable, format_args!("the address of {server} was never found")));
    }
    let (up, down) = (shared.to_server.load(Ordering::Relaxed), shared.to_devices.load(Ordering::Relaxed));
    Ok(ExitReport::new(Exit::Done, format_args!("carried {up} packets to the server and {down} to devices")))
}
