//! The control socket: passes on the commands of `kabar-server ctl` while the server runs.
//!
//! It is a Unix socket in the data directory that only the owner of the server, and root, can
//! connect to. A connection is one exchange:
//!
//! ```text
//! client: ( @ROOM space )?  COMMAND \n
//! server: ( = a line of the answer \n )*  ( ! why it was not carried out \n )?  . \n
//! ```
//!
//! Without a room, the command acts on the first one of the server.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kabar_core::chat::AnswerCode;
use nix::unistd::geteuid;

use super::execute::{Answer, Operator};

/// The name of the socket in the data directory.
pub const SOCKET_NAME: &str = "ctl.sock";
/// Begins the name of the room that a command acts on.
pub const ROOM: char = '@';
/// Begins a line of an answer.
pub const LINE: char = '=';
/// Begins the line that states why a command was not carried out.
pub const ERROR: char = '!';
/// The last line of an answer.
pub const END: &str = ".";

/// Longest path of a socket in bytes, on every system.
const MAX_PATH: usize = 103;
/// Longest command in bytes.
pub const MAX_COMMAND: usize = 16 << 10;
/// Connections at once; others wait until one has ended.
const CONNECTIONS: usize = 4;
/// How long a command may take to arrive, and its answer to leave.
const EXCHANGE_TIME: Duration = Duration::from_secs(5);
/// A pause after the system refused a connection (too many files are open).
const PAUSE: Duration = Duration::from_millis(100);

/// Why there is no control socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Others could replace the socket or pass commands: the server must not start.
    #[error("{} may be written by others (mode {mode:03o}): they could operate the server; `chmod go-w` it", path.display())]
    Insecure {
        /// The directory or socket.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It belongs to another user, who could pass commands: the server must not start.
    #[error("{} belongs to another user, who could operate the server", .0.display())]
    Foreign(PathBuf),
    /// Something else has its name.
    #[error("{} is not a socket; it is in the way of the control socket", .0.display())]
    InTheWay(PathBuf),
    /// Another server answers there.
    #[error("another server answers at {}", .0.display())]
    InUse(PathBuf),
    /// The system does not accept its path.
    #[error("the path {} is longer than {MAX_PATH} bytes, too long for a control socket", .0.display())]
    TooLong(PathBuf),
    /// The system does not create it.
    #[error("cannot create the control socket {}: {cause}", path.display())]
    Failed {
        /// Its path.
        path: PathBuf,
        /// The error.
        #[source]
        cause: io::Error,
    },
}

impl SocketError {
    /// Whether the server is safe and useful without a control socket.
    #[must_use]
    pub fn is_tolerable(&self) -> bool {
        matches!(self, Self::TooLong(_) | Self::Failed { .. })
    }
}

/// A control socket that accepts connections. Removed when dropped.
#[derive(Debug)]
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
    /// Device and number of its file.
    file: Option<(u64, u64)>,
}

/// Checks that nobody else can replace the socket in a data directory, or pass commands to it.
///
/// # Errors
/// [`SocketError::Insecure`], [`SocketError::Foreign`].
pub fn check(dir: &Path) -> Result<(), SocketError> {
    // A directory that does not exist yet is created for its owner only.
    let paths = [fs::metadata(dir).map(|about| (dir.to_path_buf(), about)), {
        let path = dir.join(SOCKET_NAME);
        fs::symlink_metadata(&path).map(|about| (path, about))
    }];
    for (path, about) in paths.into_iter().flatten() {
        let owner = about.uid();
        if owner != geteuid().as_raw() && owner != 0 {
            return Err(SocketError::Foreign(path));
        }
        let mode = about.permissions().mode() & 0o777;
        if mode & 0o022 != 0 && !about.file_type().is_symlink() {
            return Err(SocketError::Insecure { path, mode });
        }
    }
    Ok(())
}

impl ControlSocket {
    /// Creates the socket in a data directory whose lock this process holds. Replaces that of a
    /// server that has ended.
    ///
    /// # Errors
    /// [`SocketError`].
    pub fn bind(dir: &Path) -> Result<Self, SocketError> {
        check(dir)?;
        let path = dir.join(SOCKET_NAME);
        match fs::symlink_metadata(&path) {
            Ok(about) if !about.file_type().is_socket() => return Err(SocketError::InTheWay(path)),
            Ok(_) if UnixStream::connect(&path).is_ok() => return Err(SocketError::InUse(path)),
            _ => {}
        }
        let bound = Self::bind_in_private(dir, &path);
        let listener = bound.map_err(|cause| match cause.kind() {
            io::ErrorKind::InvalidInput => SocketError::TooLong(path.clone()),
            _ => SocketError::Failed { path: path.clone(), cause },
        })?;
        let file = fs::symlink_metadata(&path).ok().map(|about| (about.dev(), about.ino()));
        Ok(Self { listener, path, file })
    }

    /// Binds it where nobody else can reach it, and moves it into place with its permissions.
    fn bind_in_private(dir: &Path, path: &Path) -> io::Result<UnixListener> {
        let private = tempfile::Builder::new().prefix(".ctl").tempdir_in(dir)?;
        let begun = private.path().join("s");
        if path.as_os_str().len().max(begun.as_os_str().len()) > MAX_PATH {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let listener = UnixListener::bind(&begun)?;
        fs::set_permissions(&begun, fs::Permissions::from_mode(0o600))?;
        fs::rename(&begun, path)?;
        Ok(listener)
    }

    /// Passes commands to `operator`, on separate threads.
    ///
    /// # Errors
    /// If a thread cannot be spawned.
    pub fn serve(&self, operator: &Operator) -> io::Result<()> {
        for _ in 0..CONNECTIONS {
            let (listener, operator) = (self.listener.try_clone()?, operator.clone());
            std::thread::Builder::new().name("kabar-ctl".to_owned()).spawn(move || {
                loop {
                    match listener.accept() {
                        // A client that hangs up early causes an error here.
                        Ok((stream, _)) => drop(exchange(&stream, &operator)),
                        Err(_) => std::thread::sleep(PAUSE),
                    }
                }
            })?;
        }
        Ok(())
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // Unless another server has replaced it.
        let present = fs::symlink_metadata(&self.path).ok().map(|about| (about.dev(), about.ino()));
        if present.is_some() && present == self.file {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn exchange(mut stream: &UnixStream, operator: &Operator) -> io::Result<()> {
    let deadline = Instant::now() + EXCHANGE_TIME;
    let answer = match read_command(stream, deadline)? {
        Some(line) => {
            let named = line.strip_prefix(ROOM).map(|rest| rest.split_once(' ').unwrap_or((rest.trim_end(), "")));
            let (room, command) = named.unwrap_or((operator.first_room().as_str(), &line));
            operator.run_command(room, command)
        }
        None => {
            let why = format!("a command is one line of UTF-8 text of at most {MAX_COMMAND} bytes");
            Answer::error(AnswerCode::NOT_UNDERSTOOD, why)
        }
    };
    let mut text = String::new();
    let mut push = |begin: char, line: &str| {
        text.push(begin);
        text.extend(line.chars().map(|character| if character == '\n' { ' ' } else { character }));
        text.push('\n');
    };
    answer.lines.iter().for_each(|line| push(LINE, line));
    answer.error.iter().for_each(|error| push(ERROR, error));
    text += END;
    text.push('\n');
    let written = write_by(stream, text.as_bytes(), Instant::now() + EXCHANGE_TIME);
    if answer.stops {
        operator.stop();
    }
    written.and_then(|()| stream.flush())
}

/// Reads a command; `None` if it is not one line of text, or too long.
fn read_command(mut stream: &UnixStream, deadline: Instant) -> io::Result<Option<String>> {
    let (mut command, mut chunk) = (Vec::new(), [0; 1024]);
    while !command.ends_with(b"\n") {
        stream.set_read_timeout(Some(time_left(deadline)?))?;
        match stream.read(&mut chunk)? {
            0 => break,
            len => command.extend_from_slice(&chunk[..len]),
        }
        if command.len() > MAX_COMMAND {
            return Ok(None);
        }
    }
    let text = String::from_utf8(command).ok();
    Ok(text.filter(|text| !text.trim_end_matches('\n').contains('\n')))
}

fn write_by(mut stream: &UnixStream, mut bytes: &[u8], deadline: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.set_write_timeout(Some(time_left(deadline)?))?;
        let len = stream.write(bytes)?;
        bytes = bytes.get(len..).unwrap_or_default();
    }
    Ok(())
}

/// Time until `deadline`; a zero duration would mean no time-out.
fn time_left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}
