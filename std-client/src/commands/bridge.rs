//! `kabar bridge`: its arguments, and its reports on standard error.

use clap::Args;
use kabar_std::address::Places;
use kabar_std::output::remark;

use crate::bridge::{self, Port, parse_baud};
use crate::messages::devices;
use crate::outcome::{CommandError, Outcome};

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
    #[arg(long, value_name = "BAUD", default_value = "115200", value_parser = parse_baud)]
    baud: u32,
}

pub(crate) fn run(arguments: BridgeArguments) -> Result<Outcome, CommandError> {
    let BridgeArguments { ports, to, baud } = arguments;
    let forwarded = bridge::run(ports, to, baud, |notice| remark(&devices::notice(notice)))?;
    Ok(Outcome::BridgeStopped(forwarded))
}
