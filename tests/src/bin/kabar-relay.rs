//! `kabar-relay`: a faulty path between clients and a server, to watch loss and damage being
//! repaired.

use std::error::Error;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::process::ExitCode;

use clap::Parser;
use kabar_std::address::HostPort;
use kabar_std::output::{Lost, Output};
use kabar_std::random::random_bytes;
use kabar_std::signals;
use kabar_tests::relay::options::Options;
use kabar_tests::relay::serve::{Control, Relay, Setup};

fn main() -> ExitCode {
    match relay(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kabar-relay: {error}");
            ExitCode::FAILURE
        }
    }
}

fn relay(options: &Options) -> Result<(), Box<dyn Error>> {
    let (up, down) = options.faults()?;
    let seed = match options.seed {
        Some(seed) => seed,
        None => u64::from_be_bytes(random_bytes()?),
    };
    let server = resolve(&options.to)?;
    let setup = Setup { listen: options.listen, server, up, down, rebind: options.rebind, seed };
    let mut relay = Relay::bind(&setup).map_err(|error| format!("cannot listen on {}: {error}", options.listen))?;
    let control = relay.control();
    report_on_signal(control.clone())?;
    signals::on_stop(move || control.end())?;

    let output = Output::of_process("kabar-relay")?;
    let lines = output.sender();
    lines.line(format!("relaying {} -> {server}", relay.local_addr()));
    lines.remark(format!("kabar-relay: --seed {seed} repeats these faults; Ctrl-C ends the relay and prints a table"));
    let ran = relay.run(options.report, |report| lines.line(report.to_string()));
    lines.line(relay.report().to_string());
    let lost = output.finish();
    ran?;
    if lost == Lost::default() { Ok(()) } else { Err("not all of the output could be written".into()) }
}

fn resolve(address: &HostPort) -> Result<SocketAddr, String> {
    if let Some(address) = address.host.socket_addr(address.port).map_err(|error| error.to_string())? {
        return Ok(address);
    }
    let name = address.host.to_string();
    let name = name.as_str();
    let found = (name, address.port).to_socket_addrs().map_err(|error| format!("cannot find {name}: {error}"))?;
    // A service that listens on one family only usually listens on IPv4.
    let mut found: Vec<_> = found.collect();
    found.sort_by_key(SocketAddr::is_ipv6);
    found.first().copied().ok_or_else(|| format!("{name} has no address"))
}

#[cfg(unix)]
fn report_on_signal(control: Control) -> io::Result<()> {
    let mut signals = signal_hook::iterator::Signals::new([signal_hook::consts::SIGUSR1])?;
    let wait = move || signals.forever().for_each(|_| control.report());
    std::thread::Builder::new().name("kabar-signals".to_owned()).spawn(wait).map(drop)
}

#[cfg(not(unix))]
fn report_on_signal(_: Control) -> io::Result<()> {
    Ok(())
}
