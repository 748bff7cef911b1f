//! `kabar-server ctl COMMAND...`: operates a running server through its control socket.

use std::io::{self, BufRead};
use std::path::Path;

use super::{CommandError, print};
use crate::config::StorageArgs;
use kabar_std::invite::RoomName;
use kabar_std::output::remark;

/// Arguments of `ctl`.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "kabar-server ctl [OPTIONS] [COMMAND]...",
    after_help = "Examples:\n  \
kabar-server ctl who                      list members\n  \
kabar-server ctl say dinner is ready      send a text to the room\n  \
kabar-server ctl kick anna                disconnect anna\n  \
kabar-server ctl --room cellar who        list the members of another room\n  \
kabar-server ctl help                     list all commands\n  \
echo stop | kabar-server ctl              commands from standard input, one per line\n\n\
The exit code is 0 if every command was carried out, 1 if not. Only the user that runs the server, and root, may operate it."
)]
pub struct Arguments {
    #[command(flatten)]
    storage: StorageArgs,

    /// The room that the commands act on; by default the first one of the server.
    #[arg(long, value_name = "NAME")]
    room: Option<RoomName>,

    /// A command and its arguments, as at the server's console, without `/`; without one, commands
    /// are read from standard input, one per line.
    #[arg(value_name = "COMMAND", trailing_var_arg = true)]
    command: Vec<String>,
}

/// Runs the command, or those of standard input. Answers are printed to standard output, errors to
/// standard error.
///
/// # Errors
/// [`CommandError`].
pub fn run(arguments: &Arguments) -> Result<(), CommandError> {
    let dir = arguments.storage.resolve().map_err(CommandError::Usage)?.data_dir;
    let room = arguments.room.as_ref();
    if !arguments.command.is_empty() {
        return execute(&dir, room, &arguments.command.join(" "));
    }
    let mut result = Ok(());
    for line in io::stdin().lock().lines() {
        let line = line.map_err(|error| CommandError::Failed(format!("cannot read standard input: {error}")))?;
        match execute(&dir, room, &line) {
            Err(CommandError::Failed(error)) => {
                remark(&error);
                result = Err(CommandError::AlreadyReported(1));
            }
            Err(other) => result = Err(other),
            Ok(()) => {}
        }
    }
    result
}

/// Executes a command on the server of a data directory, and prints the answer.
fn execute(dir: &Path, room: Option<&RoomName>, command: &str) -> Result<(), CommandError> {
    ask_each(dir, room, command, |line| print(format!("{line}\n").as_bytes()))
}

/// Executes a command on the server of a data directory; returns the lines of the answer.
pub(super) fn ask(dir: &Path, room: Option<&RoomName>, command: &str) -> Result<Vec<String>, CommandError> {
    let mut lines = Vec::new();
    ask_each(dir, room, command, |line| {
        lines.push(line.to_owned());
        Ok(())
    })?;
    Ok(lines)
}

#[cfg(unix)]
use unix::ask_each;

#[cfg(unix)]
mod unix {
    use std::io::{self, BufRead, BufReader, Write};
    use std::net::Shutdown;
    use std::os::unix::net::UnixStream;
    use std::path::Path;
    use std::time::Duration;

    use super::{CommandError, RoomName, remark};
    use crate::console::control_socket::{END, ERROR, LINE, ROOM, SOCKET_NAME};

    /// How long the server may take for a part of its answer.
    const ANSWER_TIME: Duration = Duration::from_secs(30);

    /// Executes a command on the server of a data directory, and passes each line of the answer to
    /// `take`.
    pub(super) fn ask_each(
        dir: &Path,
        room: Option<&RoomName>,
        command: &str,
        mut take: impl FnMut(&str) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        let path = dir.join(SOCKET_NAME);
        let mut stream = UnixStream::connect(&path).map_err(|error| {
            let dir = dir.display();
            CommandError::Failed(match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => format!("no server runs in {dir}"),
                io::ErrorKind::PermissionDenied => {
                    format!("only the user that runs the server in {dir} may operate it")
                }
                io::ErrorKind::InvalidInput => format!("the path of {dir} is too long for a control socket"),
                _ => format!("cannot connect to {}: {error}", path.display()),
            })
        })?;
        let lost = |error: io::Error| CommandError::Failed(format!("no answer from the server: {error}"));
        stream.set_read_timeout(Some(ANSWER_TIME)).map_err(lost)?;
        stream.set_write_timeout(Some(ANSWER_TIME)).map_err(lost)?;
        // The server may have rejected it before it has read all.
        let room = room.map_or_else(String::new, |room| format!("{ROOM}{room} "));
        let _ = stream.write_all(format!("{room}{}\n", command.trim_end()).as_bytes());
        let _ = stream.shutdown(Shutdown::Write);
        let mut result = Ok(());
        for line in BufReader::new(stream).lines() {
            let line = line.map_err(lost)?;
            if line == END {
                return result;
            }
            if let Some(text) = line.strip_prefix(LINE) {
                take(text)?;
            } else if let Some(error) = line.strip_prefix(ERROR) {
                remark(error);
                result = Err(CommandError::AlreadyReported(1));
            }
        }
        Err(CommandError::Failed("the server ended before it answered".to_owned()))
    }
}

/// There are no Unix sockets.
#[cfg(not(unix))]
fn ask_each(
    _: &Path,
    _: Option<&RoomName>,
    _: &str,
    _: impl FnMut(&str) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    Err(CommandError::Failed("ctl is not available on this system".to_owned()))
}
