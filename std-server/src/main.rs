//! The `kabar-server` program: a room, its invite, and a line for everything that happens.

use std::error::Error;
use std::fs;
use std::process::ExitCode;

use clap::Parser;
use kabar_server::cli::Arguments;
use kabar_server::console::show_event;
use kabar_server::data_dir::{DataDir, FileError};
use kabar_server::hosting::Hosting;
use kabar_server::output::Output;
use kabar_server::text::Lines;
use kabar_server::{password, signals};
use zeroize::Zeroizing;

fn main() -> ExitCode {
    match serve(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kabar-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let data_dir =
        arguments.data_dir.or_else(DataDir::default_path).ok_or("there is no home directory: use --data-dir DIR")?;
    let password_file = arguments.password_file.map(|path| {
        let text = fs::read_to_string(&path).map(Zeroizing::new);
        text.map_err(FileError::new("read", &path))
    });
    let password_file = password_file.transpose()?;
    let password = password_file.as_ref().map(|text| password::from_first_line(text)).transpose()?;

    let output = Output::start(std::io::stdout())?;
    let (sender, lines) = (output.sender(), Lines::new());
    let tell = {
        let sender = sender.clone();
        move |event| sender.line(show_event(&lines, &event))
    };
    let hosting = Hosting {
        data_dir: &data_dir,
        room: arguments.room,
        listen: arguments.listen,
        advertise: arguments.advertise,
        password,
    };
    let hosted = hosting.start(|| eprintln!("making this room's key (once) ..."), tell)?;
    let stopper = hosted.stopper();
    signals::on_stop(move || stopper.stop())?;
    sender.line(format!("listening on {}", hosted.local_addr()));
    sender.line(hosted.invite().to_string());
    if hosted.is_local_only() {
        eprintln!("kabar-server: with this invite only this computer can join; others need --advertise HOST");
    }
    eprintln!("kabar-server: the history is kept in memory: it ends with this process");
    let served = hosted.wait();
    drop(sender);
    output.finish();
    Ok(served?)
}
