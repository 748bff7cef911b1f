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
use kabar_client::commands::open;
use kabar_client::identity::LocalIdentity;
use kabar_client::messages::command_error;
use kabar_client::outcome::CommandError;
use kabar_client::probe;
use kabar_core::crypto::identity::Identity;
use kabar_std::random::random_bytes;
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
    /// Give it a serial port in place of a network: the socket of
    /// `kabar bridge --serial unix:SOCKET`. Not with RISC-V.
    #[arg(long, value_name = "SOCKET")]
    serial: Option<PathBuf>,
    /// 64 hexadecimal digits that own the name [default: the key that `kabar` keeps for the name].
    #[arg(long, conflicts_with = "ephemeral")]
    identity: Option<String>,
    /// An identity for this run only: the room keeps the name for it for 30 days, so the next run
    /// needs another name.
    #[arg(long)]
    ephemeral: bool,
    /// Where keys are kept [default: the user's data directory].
    #[arg(long, value_name = "DIR", env = "KABAR_DATA_DIR", hide_env_values = true)]
    data_dir: Option<PathBuf>,
}

/// Who owns the name.
enum Owner {
    /// Whoever has this seed.
    Seed([u8; 32]),
    /// Whoever `kabar` is under this name.
    Kept(LocalIdentity),
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
    // Held to the end: `kabar` sees by it that the name is in use.
    let owner = match become_owner(arguments)? {
        Ok(owner) => owner,
        Err(error) => {
            let (exit, line) = command_error(&error);
            eprintln!("kabar-qemu: {line}");
            return Ok(ExitCode::from(exit.code()));
        }
    };
    let identity = owner.seed();
    let public = Identity::from_seed(identity).public().0;
    let mut words = vec![
        format!("seed={}", seed()?),
        format!("identity={}{}", HEXLOWER.encode(identity), HEXLOWER.encode(&public)),
        format!("fingerprint={fingerprint}"),
        format!("room={room}"),
        format!("secret={secret}"),
        format!("name={}", arguments.name),
        format!("every={}", arguments.every),
    ];
    let cable = match &arguments.serial {
        None => {
            let server = reachable(server).ok_or("the server has no IPv4 address")?;
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

/// The address that a device is given: an invite may name several, some of them dead, and a device
/// takes one, of IPv4. The first if none answers now.
fn reachable(server: &str) -> Option<SocketAddr> {
    let found = server.split(',').filter_map(|server| server.to_socket_addrs().ok()).flatten();
    let found: Vec<SocketAddr> = found.filter(SocketAddr::is_ipv4).collect();
    let first = *found.first()?;
    if found.len() == 1 {
        return Some(first);
    }
    let found: Vec<String> = found.iter().map(SocketAddr::to_string).collect();
    let answering = found.join(",").parse().ok().and_then(|places| probe::find(&places).ok());
    Some(answering.map_or(first, |(address, _)| address))
}

impl Owner {
    fn seed(&self) -> &[u8; 32] {
        match self {
            Self::Seed(seed) => seed,
            Self::Kept(person) => &person.seed,
        }
    }
}

/// The same owner at each run, unless it is to be another one. `Err` inside: what `kabar` would
/// say.
fn become_owner(arguments: &Arguments) -> Result<Result<Owner, CommandError>, Box<dyn Error>> {
    if arguments.ephemeral {
        return Ok(Ok(Owner::Seed(random_bytes()?)));
    }
    if let Some(identity) = &arguments.identity {
        let bytes = HEXLOWER_PERMISSIVE.decode(identity.as_bytes())?;
        return Ok(Ok(Owner::Seed(bytes.try_into().map_err(|_| "an identity has 64 digits")?)));
    }
    let load = || {
        let dir = open(arguments.data_dir.clone())?;
        Ok(Owner::Kept(LocalIdentity::load_or_create(&dir, Some(&arguments.name), None)?))
    };
    Ok(load())
}

fn seed() -> Result<String, Box<dyn Error>> {
    let bytes: [u8; 32] = random_bytes()?;
    Ok(HEXLOWER.encode(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seed that a run with these arguments has, its keys kept in `dir`.
    fn seed_of(dir: &std::path::Path, further: &[&str]) -> [u8; 32] {
        let dir = dir.to_str().unwrap();
        let words = [&["kabar-qemu", "INVITE", "--name", "probe", "--data-dir", dir], further].concat();
        let arguments = Arguments::try_parse_from(words).unwrap();
        *become_owner(&arguments).unwrap().unwrap().seed()
    }

    #[test]
    fn gives_the_device_the_address_that_answers() {
        use kabar_server::room_host::RoomHost;
        use kabar_std::invite::{DEFAULT_ROOM, RoomName};
        let home = kabar_tests::room::temp_home();
        kabar_tests::room::give_key(home.path());
        let data = kabar_tests::room::data_dir(home.path());
        let room = RoomName::new(DEFAULT_ROOM).unwrap();
        let host = RoomHost::builder(&data, room, (Ipv4Addr::LOCALHOST, 0).into());
        let hosted = host.start(|| (), |_| (), |_| ()).unwrap();
        let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let (there, dead) = (hosted.local_addr(), silent.local_addr().unwrap());
        assert_eq!(reachable(&format!("[::1]:1,{dead},{there}")), Some(there));
        assert_eq!(reachable(&dead.to_string()), Some(dead), "there is no choice");
        assert_eq!(reachable("[::1]:1"), None);
    }

    #[test]
    fn keeps_the_identity_of_a_name_from_run_to_run() {
        let home = tempfile::tempdir().unwrap();
        let first = seed_of(home.path(), &[]);
        assert_eq!(seed_of(home.path(), &[]), first);
        let person =
            LocalIdentity::load_or_create(&open(Some(home.path().into())).unwrap(), Some("Probe"), None).unwrap();
        assert_eq!(*person.seed, first, "kept as `kabar` keeps it");
    }

    #[test]
    fn has_another_identity_at_each_run_or_a_given_one_when_asked_to() {
        let home = tempfile::tempdir().unwrap();
        assert_ne!(seed_of(home.path(), &["--ephemeral"]), seed_of(home.path(), &["--ephemeral"]));
        assert_eq!(seed_of(home.path(), &["--identity", &"2A".repeat(32)]), [42; 32]);
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "nothing is kept");
        let both = ["kabar-qemu", "INVITE", "--name", "probe", "--ephemeral", "--identity", "00"];
        assert!(Arguments::try_parse_from(both).is_err());
    }

    #[test]
    fn name_that_is_not_allowed_ends_as_in_kabar() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().to_str().unwrap();
        let arguments = Arguments::parse_from(["kabar-qemu", "INVITE", "--name", "a:b", "--data-dir", dir]);
        assert_eq!(command_error(&become_owner(&arguments).unwrap().err().unwrap()).0.code(), 5);
    }
}
