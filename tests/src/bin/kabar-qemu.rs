//! `kabar-qemu`: a microcontroller in the emulator joins a room; prints its log until it ends.
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
    /// The processor of the emulated board.
    #[arg(long, value_enum, default_value_t = Processor::M4)]
    processor: Processor,
    /// Interval between two readings, in milliseconds.
    #[arg(long, default_value_t = 10_000)]
    every: u32,
    /// Leave after this number of readings.
    #[arg(long)]
    readings: Option<u32>,
    /// Connect a serial port instead of a network: the socket of `kabar bridge --serial
    /// unix:SOCKET`. Not available for RISC-V.
    #[arg(long, value_name = "SOCKET")]
    serial: Option<PathBuf>,
    /// 64 hexadecimal digits of the identity that owns the name [default: the key that `kabar`
    /// stores for the name].
    #[arg(long, conflicts_with = "ephemeral")]
    identity: Option<String>,
    /// Use a new identity for this run only: the room reserves the name for it for 30 days, so the
    /// next run needs another name.
    #[arg(long)]
    ephemeral: bool,
    /// Directory of the keys [default: the user's data directory].
    #[arg(long, value_name = "DIR", env = "KABAR_DATA_DIR", hide_env_values = true)]
    data_dir: Option<PathBuf>,
}

/// The identity that owns the name.
enum Owner {
    /// A seed.
    Seed([u8; 32]),
    /// The identity that `kabar` stores for the name.
    Stored(LocalIdentity),
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
    // Held until the end, so that `kabar` sees that the name is in use.
    let owner = match resolve_owner(arguments)? {
        Ok(owner) => owner,
        Err(error) => {
            let (exit, line) = command_error(&error);
            eprintln!("kabar-qemu: {line}");
            return Ok(ExitCode::from(exit.code()));
        }
    };
    let identity = owner.seed();
    let public = Identity::from_seed(identity).public().0;
    let mut settings = vec![
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
            settings.extend([format!("server={ip}:{}", server.port()), "ip=dhcp".to_owned()]);
            Cable::Plugged
        }
        Some(_) if arguments.processor == Processor::Riscv => {
            return Err("the RISC-V board's serial port has no driver here".into());
        }
        Some(socket) => {
            settings.push("link=serial".to_owned());
            Cable::Serial(socket)
        }
    };
    settings.extend(arguments.readings.map(|readings| format!("readings={readings}")));
    let image = firmware(match arguments.processor {
        Processor::M3 => Board::An385,
        Processor::M4 => Board::An386,
        Processor::Riscv => Board::Virt,
    });
    let mut machine = Machine::start_without_end(&image, cable, &settings);
    while let Some(line) = machine.next_line() {
        println!("{line}");
    }
    let code = machine.wait().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The address for the device. An invite may contain several, some of which do not answer, but a
/// device uses one, of IPv4. The first one if none answers.
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
            Self::Stored(local) => &local.seed,
        }
    }
}

/// The stored identity of the name, unless the arguments select another one. The inner `Err` is
/// what `kabar` would report.
fn resolve_owner(arguments: &Arguments) -> Result<Result<Owner, CommandError>, Box<dyn Error>> {
    if arguments.ephemeral {
        return Ok(Ok(Owner::Seed(random_bytes()?)));
    }
    if let Some(identity) = &arguments.identity {
        let bytes = HEXLOWER_PERMISSIVE.decode(identity.as_bytes())?;
        return Ok(Ok(Owner::Seed(bytes.try_into().map_err(|_| "an identity has 64 digits")?)));
    }
    let load = || {
        let dir = open(arguments.data_dir.clone())?;
        Ok(Owner::Stored(LocalIdentity::load_or_create(&dir, Some(&arguments.name), None)?))
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

    /// The seed of a run with these arguments, with keys in `dir`.
    fn seed_of(dir: &std::path::Path, extra: &[&str]) -> [u8; 32] {
        let dir = dir.to_str().unwrap();
        let settings = [&["kabar-qemu", "INVITE", "--name", "probe", "--data-dir", dir], extra].concat();
        let arguments = Arguments::try_parse_from(settings).unwrap();
        *resolve_owner(&arguments).unwrap().unwrap().seed()
    }

    #[test]
    fn passes_the_address_that_answers_to_the_device() {
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
    fn keeps_the_identity_of_a_name_between_runs() {
        let home = tempfile::tempdir().unwrap();
        let first = seed_of(home.path(), &[]);
        assert_eq!(seed_of(home.path(), &[]), first);
        let local =
            LocalIdentity::load_or_create(&open(Some(home.path().into())).unwrap(), Some("Probe"), None).unwrap();
        assert_eq!(*local.seed, first, "stored as `kabar` stores it");
    }

    #[test]
    fn uses_a_new_or_a_given_identity_on_request() {
        let home = tempfile::tempdir().unwrap();
        assert_ne!(seed_of(home.path(), &["--ephemeral"]), seed_of(home.path(), &["--ephemeral"]));
        assert_eq!(seed_of(home.path(), &["--identity", &"2A".repeat(32)]), [42; 32]);
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "nothing is kept");
        let both = ["kabar-qemu", "INVITE", "--name", "probe", "--ephemeral", "--identity", "00"];
        assert!(Arguments::try_parse_from(both).is_err());
    }

    #[test]
    fn a_name_that_is_not_allowed_ends_with_the_exit_code_of_kabar() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().to_str().unwrap();
        let arguments = Arguments::parse_from(["kabar-qemu", "INVITE", "--name", "a:b", "--data-dir", dir]);
        assert_eq!(command_error(&resolve_owner(&arguments).unwrap().err().unwrap()).0.code(), 5);
    }
}
