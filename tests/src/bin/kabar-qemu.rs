//! `kabar-qemu`: builds the firmware, starts it on an emulated board that joins a room, and shows
//! its log until it ends.
//!
//! ```text
//! cargo run -p kabar-tests --bin kabar-qemu -- INVITE --name probe --board lm3s6965evb
//! ```

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use kabar_client::commands::open;
use kabar_client::identity::{IdentityChoice, LocalIdentity};
use kabar_client::messages::command_error;
use kabar_client::outcome::CommandError;
use kabar_client::probe;
use kabar_core::crypto::identity::Identity;
use kabar_embedded_example::host::address;
use kabar_std::address::{HostPort, Places};
use kabar_std::invite::Invite;
use kabar_std::random::random_bytes;
use kabar_tests::qemu::{Board, Cable, HOST, Machine, firmware};

/// Starts the firmware on an emulated board, which joins a room.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// kabar://HOST:PORT/ROOM/FINGERPRINT.SECRET
    invite: Invite,
    /// The name in the room.
    #[arg(long)]
    name: String,
    /// The board.
    #[arg(long, value_enum, default_value_t = Board::An386)]
    board: Board,
    /// Milliseconds between two readings.
    #[arg(long, value_name = "MS", default_value_t = 10_000)]
    every: u32,
    /// Leave after this number of readings.
    #[arg(long, value_name = "COUNT")]
    readings: Option<u32>,
    /// Use the serial port in place of the network: the socket of
    /// `kabar bridge --serial unix:SOCKET`. Only on the mps2 boards.
    #[arg(long, value_name = "SOCKET")]
    serial: Option<PathBuf>,
    /// 64 hexadecimal digits that own the name [default: the key that `kabar` keeps for the name].
    #[arg(long, value_name = "DIGITS", conflicts_with = "ephemeral")]
    identity: Option<String>,
    /// An identity for this run only: the room keeps the name for it for 30 days, so the next run
    /// needs another name.
    #[arg(long)]
    ephemeral: bool,
    /// The directory of keys [default: the user's data directory].
    #[arg(long, value_name = "DIR", env = "KABAR_DATA_DIR", hide_env_values = true)]
    data_dir: Option<PathBuf>,
}

/// The identity that owns the name.
enum Owner {
    /// The identity with this seed.
    Seed([u8; 32]),
    /// The identity that `kabar` keeps under the name as a label.
    Kept(LocalIdentity),
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
    let mut invite = arguments.invite.clone();
    let mut words = vec![
        format!("seed={}", seed()?),
        format!("identity={}{}", HEXLOWER.encode(identity), HEXLOWER.encode(&public)),
        format!("name={}", arguments.name),
        format!("every={}", arguments.every),
    ];
    let cable = match &arguments.serial {
        None => {
            let server = reachable(&invite.places).ok_or("the server has no IPv4 address")?;
            // This computer has another address in the emulator's network.
            let ip = if server.ip() == Ipv4Addr::LOCALHOST { HOST.into() } else { server.ip() };
            invite.places = Places::one(SocketAddr::new(ip, server.port()).into());
            words.push("ip=dhcp".to_owned());
            Cable::Plugged
        }
        Some(_) if !arguments.board.has_serial_port() => {
            return Err("the firmware has no driver for the serial port of this board".into());
        }
        Some(socket) => {
            words.push("link=serial".to_owned());
            Cable::Serial(socket)
        }
    };
    words.push(format!("invite={invite}"));
    words.extend(arguments.readings.map(|readings| format!("readings={readings}")));
    let image = firmware(arguments.board);
    let mut machine = Machine::start_without_end(&image, cable, &words);
    while let Some(line) = machine.next_line() {
        println!("{line}");
    }
    let code = machine.wait().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The IPv4 address for the device, which takes only one: if the invite has several, one that
/// answers now, or else the first.
fn reachable(places: &Places) -> Option<SocketAddr> {
    let addresses = address::ipv4(places);
    let first = *addresses.first()?;
    if addresses.len() == 1 {
        return Some(first);
    }
    let answering = Places::of(addresses.into_iter().map(HostPort::from)).and_then(|places| probe::find(&places).ok());
    Some(answering.map_or(first, |(address, _)| address))
}

impl Owner {
    fn seed(&self) -> &[u8; 32] {
        match self {
            Self::Seed(seed) => seed,
            Self::Kept(identity) => identity.key.seed(),
        }
    }
}

/// The name's owner, as the arguments choose it. `Err` inside: the error that `kabar` would report.
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
        Ok(Owner::Kept(LocalIdentity::open(&dir, kept_as(&arguments.name))?))
    };
    Ok(load())
}

/// The choice of the identity that `kabar join --identity NAME` has.
fn kept_as(name: &str) -> IdentityChoice<'_> {
    IdentityChoice { label: Some(name), ..IdentityChoice::default() }
}

fn seed() -> Result<String, Box<dyn Error>> {
    let bytes: [u8; 32] = random_bytes()?;
    Ok(HEXLOWER.encode(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &str = "kabar://192.0.2.1:9999/lobby/AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT.AAAQEAYEAUDAOCAJBIFQYDIOB4";

    /// The seed of the identity that these arguments choose, with keys in `dir`.
    fn seed_of(dir: &std::path::Path, further: &[&str]) -> [u8; 32] {
        let dir = dir.to_str().unwrap();
        let words = [&["kabar-qemu", INVITE, "--name", "probe", "--data-dir", dir], further].concat();
        let arguments = Arguments::try_parse_from(words).unwrap();
        *resolve_owner(&arguments).unwrap().unwrap().seed()
    }

    #[test]
    fn chooses_the_address_that_answers() {
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
        let reachable = |places: &str| reachable(&places.parse().unwrap());
        assert_eq!(reachable(&format!("[::1]:1,{dead},{there}")), Some(there));
        assert_eq!(reachable(&dead.to_string()), Some(dead), "there is no choice");
        assert_eq!(reachable("[::1]:1"), None);
    }

    #[test]
    fn keeps_the_identity_of_a_name_between_runs() {
        let home = tempfile::tempdir().unwrap();
        let first = seed_of(home.path(), &[]);
        assert_eq!(seed_of(home.path(), &[]), first);
        let identity = LocalIdentity::open(&open(Some(home.path().into())).unwrap(), kept_as("Probe")).unwrap();
        assert_eq!(*identity.key.seed(), first, "kept as `kabar` keeps it");
    }

    #[test]
    fn takes_an_ephemeral_or_a_given_identity() {
        let home = tempfile::tempdir().unwrap();
        assert_ne!(seed_of(home.path(), &["--ephemeral"]), seed_of(home.path(), &["--ephemeral"]));
        assert_eq!(seed_of(home.path(), &["--identity", &"2A".repeat(32)]), [42; 32]);
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "nothing is kept");
        let both = ["kabar-qemu", INVITE, "--name", "probe", "--ephemeral", "--identity", "00"];
        assert!(Arguments::try_parse_from(both).is_err());
    }

    #[test]
    fn a_name_that_is_not_allowed_ends_as_in_kabar() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().to_str().unwrap();
        let arguments = Arguments::parse_from(["kabar-qemu", INVITE, "--name", "a:b", "--data-dir", dir]);
        assert_eq!(command_error(&resolve_owner(&arguments).unwrap().err().unwrap()).0.code(), 5);
    }
}
