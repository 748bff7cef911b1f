//! `kabar-server run`: a room, its invite, and a line for everything that happens.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::{CommandError, Place};
use crate::address::{Advertised, DEFAULT_PORT, parse_listen};
use crate::console::show_event;
use crate::data_dir::FileError;
use crate::hosting::Hosting;
use crate::output::Output;
use crate::text::Lines;
use crate::{password, signals};

/// Of `run`.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Arguments {
    /// Where to listen: IP:PORT, IP, or PORT (0: any that is free).
    #[arg(long, value_name = "ADDR", default_value_t = SocketAddr::from(([0u16; 8], DEFAULT_PORT)), value_parser = parse_listen)]
    listen: SocketAddr,

    #[command(flatten)]
    place: Place,

    /// What invites name, if others reach this computer by another address than it knows.
    #[arg(long, value_name = "HOST[:PORT]")]
    advertise: Option<Advertised>,

    /// Lets in, beside holders of the invite, whoever knows the password in the first line of this file.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// Serves until it is told to stop.
///
/// # Errors
/// [`CommandError`].
pub fn run(arguments: Arguments) -> Result<(), CommandError> {
    let data_dir = arguments.place.data_dir()?;
    let password_file = arguments.password_file.map(|path| {
        let text = fs::read_to_string(&path).map(Zeroizing::new);
        text.map_err(FileError::new("read", &path))
    });
    let password_file = password_file.transpose().map_err(CommandError::failed)?;
    let password = password_file.as_ref().map(|text| password::from_first_line(text)).transpose();
    let password = password.map_err(CommandError::Failed)?;

    let output = Output::start(std::io::stdout()).map_err(CommandError::failed)?;
    let (sender, lines) = (output.sender(), Lines::new());
    let tell = {
        let sender = sender.clone();
        move |event| sender.line(show_event(&lines, &event))
    };
    let hosting = Hosting {
        data_dir: &data_dir,
        room: arguments.place.room,
        listen: arguments.listen,
        advertise: arguments.advertise,
        password,
        transcript: None,
    };
    let slow = || eprintln!("making this room's key (once) ...");
    let hosted = hosting.start(slow, tell).map_err(CommandError::failed)?;
    let control = hosted.control().clone();
    signals::on_stop(move || control.stop()).map_err(CommandError::failed)?;
    sender.line(format!("listening on {}", hosted.local_addr()));
    sender.line(hosted.invite().to_string());
    if hosted.is_local_only() {
        eprintln!("kabar-server: with this invite only this computer can join; others need --advertise HOST");
    }
    eprintln!("kabar-server: history: {}", data_dir.display());
    let served = hosted.wait();
    drop(sender);
    output.finish();
    served.map_err(CommandError::failed)
}
