//! `kabar-qemu`: a microcontroller in the emulator joins a room; its log is shown until it ends.
//!
//! ```text
//! cargo run -p kabar-tests --bin kabar-qemu -- INVITE --name probe
//! ```

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use kabar_core::crypto::identity::Identity;
use kabar_server::random::random_bytes;
use kabar_tests::qemu::{Board, Cable, HOST, Machine, firmware};

/// A microcontroller in the emulator joins a room.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// kabar://HOST:PORT/ROOM/FINGERPRINT.SECRET
    invite: String,
    /// The name in the room.
    #[arg(long)]
    name: String,
    /// What it runs on.
    #[arg(long, value_enum, default_value_t = Processor::M4)]
    processor: Processor,
    /// Milliseconds between two readings.
    #[arg(long, default_value_t = 10_000)]
    every: u32,
    /// Leave after so many readings.
    #[arg(long)]
    readings: Option<u32>,
    /// Give it a serial port in place of a network: the socket of `kabar bridge --serial unix:SOCKET`. Not with RISC-V.
    #[arg(long, value_name = "SOCKET")]
    serial: Option<PathBuf>,
    /// 64 hexadecimal digits that own the name; without them: an identity for this run only.
    #[arg(long)]
    identity: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Processor {
    M3,
    M4,
    Riscv,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("kabar-qemu: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let no_invite = "an invite reads kabar://HOST:PORT/ROOM/FINGERPRINT.SECRET";
    let rest = arguments.invite.strip_prefix("kabar://").ok_or(no_invite)?;
    let (server, path) = rest.split_once('/').ok_or(no_invite)?;
    let (room, keys) = path.split_once('/').ok_or(no_invite)?;
    let (fingerprint, secret) = keys.split_once('.').ok_or(no_invite)?;
    let identity: [u8; 32] = match &arguments.identity {
        Some(identity) => {
            HEXLOWER_PERMISSIVE.decode(identity.as_bytes())?.try_into().map_err(|_| "64 digits, please")?
        }
        None => random_bytes()?,
    };
    let public = Identity::from_seed(&identity).public().0;
    let mut words = vec![
        format!("seed={}", seed()?),
        format!("identity={}{}", HEXLOWER.encode(&identity), HEXLOWER.encode(&public)),
        format!("fingerprint={fingerprint}"),
        format!("room={room}"),
        format!("secret={secret}"),
        format!("name={}", arguments.name),
        format!("every={}", arguments.every),
    ];
    let cable = match &arguments.serial {
        None => {
            // An invite may name several addresses; a device takes one, of IPv4.
            let found = server.split(',').filter_map(|server| server.to_socket_addrs().ok()).flatten();
            let server = { found }.find(SocketAddr::is_ipv4).ok_or("the server has no IPv4 address")?;
            // This computer has another address in the emulator's network.
            let ip = if server.ip() == Ipv4Addr::LOCALHOST { HOST.into() } else { server.ip() };
            words.extend([format!("server={ip}:{}", server.port()), "ip=dhcp".to_owned()]);
            Cable::Plugged
        }
        Some(_) if arguments.processor == Processor::Riscv => {
            return Err("the RISC-V board's serial port has no driver here".into());
        }
        Some(socket) => {
            words.push("link=serial".to_owned());
            Cable::Serial(socket)
        }
    };
    words.extend(arguments.readings.map(|readings| format!("readings={readings}")));
    let image = firmware(match arguments.processor {
        Processor::M3 => Board::An385,
        Processor::M4 => Board::An386,
        Processor::Riscv => Board::Virt,
    });
    let mut machine = Machine::start_without_end(&image, cable, &words);
    while let Some(line) = machine.next_line() {
        println!("{line}");
    }
    let code = machine.wait().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn seed() -> Result<String, Box<dyn Error>> {
    let bytes: [u8; 32] = random_bytes()?;
    Ok(HEXLOWER.encode(&bytes))
}
