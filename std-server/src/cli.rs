//! The command line of `kabar-server`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

use crate::address::{Advertised, DEFAULT_PORT, parse_listen};
use crate::invite::{DEFAULT_ROOM, RoomName};

/// Hosts a room for encrypted chat over UDP.
///
/// Prints where it listens, then an invite that lets others in, then one line per thing that happens. SIGTERM or Ctrl-C stop it.
#[derive(Debug, Parser)]
#[command(name = "kabar-server", version)]
pub struct Arguments {
    /// Where to listen: IP:PORT, IP, or PORT (0: any that is free).
    #[arg(long, value_name = "ADDR", default_value_t = SocketAddr::from(([0u16; 8], DEFAULT_PORT)), value_parser = parse_listen)]
    pub listen: SocketAddr,

    /// Where key and secrets lie; for one server at a time [default: the user's data directory].
    #[arg(long, value_name = "DIR", env = "KABAR_DATA_DIR", hide_env_values = true)]
    pub data_dir: Option<PathBuf>,

    /// The room.
    #[arg(long, value_name = "NAME", default_value = DEFAULT_ROOM)]
    pub room: RoomName,

    /// What invites name, if others reach this computer by another address than it knows.
    #[arg(long, value_name = "HOST[:PORT]")]
    pub advertise: Option<Advertised>,

    /// Lets in, beside holders of the invite, whoever knows the password in the first line of this file.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn listens_on_everything_by_default() {
        let arguments = Arguments::parse_from(["kabar-server"]);
        assert_eq!(arguments.listen.to_string(), "[::]:9999");
        assert_eq!(arguments.room.as_str(), "lobby");
    }
}
