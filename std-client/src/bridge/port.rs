//! Serial ports, and sockets that devices connect to.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, IsTerminal};
use std::net::Shutdown;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::termios::{self, BaudRate, ControlFlags, SetArg};

use super::forward::Shared;
use crate::commands::CommandError;

/// Number of devices on one socket at a time.
const MAX_DEVICES: usize = 64;
/// Time between two attempts to open a port.
const REOPEN: Duration = Duration::from_secs(1);

/// Supported speeds of serial ports.
const SPEEDS: [(u32, BaudRate); 8] = [
    (9_600, BaudRate::B9600),
    (19_200, BaudRate::B19200),
    (38_400, BaudRate::B38400),
    (57_600, BaudRate::B57600),
    (115_200, BaudRate::B115200),
    (230_400, BaudRate::B230400),
    (460_800, BaudRate::B460800),
    (921_600, BaudRate::B921600),
];

/// A place where devices are connected.
#[derive(Clone, Debug)]
pub(super) enum Port {
    /// A serial port, a pseudo-terminal, a pipe.
    Serial(PathBuf),
    /// A socket that devices connect to (an emulator does).
    Socket(PathBuf),
}

/// A port in use. A socket is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Open(Port);

impl Port {
    /// Parses `unix:SOCKET`, or the path of a port.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        match text.strip_prefix("unix:") {
            Some("") => Err("a path follows `unix:`"),
            Some(path) => Ok(Self::Socket(path.into())),
            None if text.is_empty() => Err("the path is empty"),
            None => Ok(Self::Serial(text.into())),
        }
    }

    /// Starts to forward packets on new threads. Waits for a port that is not plugged in yet.
    pub(super) fn serve(self, shared: &Arc<Shared>, baud: u32) -> Result<Open, CommandError> {
        let shared = Arc::clone(shared);
        match &self {
            Self::Serial(path) => {
                let port = match open(path, baud) {
                    Ok(port) => Some(port),
                    Err(error) if is_away(&error) => None,
                    Err(error) => return Err(failed("open", path, &error)),
                };
                let path = path.clone();
                spawn(move || serve_port(&path, baud, port, &shared)).map_err(super::failed)?;
            }
            Self::Socket(path) => {
                let listener = listen(path).map_err(|error| failed("listen on", path, &error))?;
                spawn(move || serve_socket(&listener, &shared)).map_err(super::failed)?;
            }
        }
        Ok(Open(self))
    }
}

/// Parses a supported speed.
pub(super) fn parse_baud(text: &str) -> Result<u32, String> {
    let baud = text.parse().ok().filter(|baud| SPEEDS.iter().any(|(speed, _)| speed == baud));
    baud.ok_or_else(|| format!("one of {}", SPEEDS.map(|(speed, _)| speed.to_string()).join(", ")))
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Port::Socket(path) = &self.0 {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl fmt::Display for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Port::Serial(path) => path.display().fmt(f),
            Port::Socket(path) => write!(f, "devices on {}", path.display()),
        }
    }
}

fn failed(action: &str, path: &Path, error: &io::Error) -> CommandError {
    CommandError::Bridge(format!("cannot {action} {}: {error}", path.display()))
}

pub(super) fn spawn(run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name("kabar-bridge".to_owned()).spawn(run).map(drop)
}

/// Opens a port, in raw mode if it is a terminal.
///
/// Without `O_NOCTTY` the port would become the controlling terminal of a process that leads a
/// session, as a service does, and a pulled plug would hang it up. Without `O_NONBLOCK` opening
/// would wait for a carrier, which three wires do not have.
fn open(path: &Path, baud: u32) -> io::Result<File> {
    let flags = OFlag::O_NOCTTY | OFlag::O_NONBLOCK;
    let port = OpenOptions::new().read(true).write(true).custom_flags(flags.bits()).open(path)?;
    if port.is_terminal() {
        let mut settings = termios::tcgetattr(&port)?;
        termios::cfmakeraw(&mut settings);
        settings.control_flags |= ControlFlags::CLOCAL | ControlFlags::CREAD;
        if let Some((_, speed)) = SPEEDS.iter().find(|(speed, _)| *speed == baud) {
            termios::cfsetspeed(&mut settings, *speed)?;
        }
        termios::tcsetattr(&port, SetArg::TCSANOW, &settings)?;
    } else if !port.metadata()?.file_type().is_fifo() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "neither a serial port nor a pipe"));
    }
    let flags = OFlag::from_bits_truncate(fcntl(&port, FcntlArg::F_GETFL)?);
    fcntl(&port, FcntlArg::F_SETFL(flags & !OFlag::O_NONBLOCK))?;
    Ok(port)
}

/// Whether the error means that a port is not plugged in.
fn is_away(error: &io::Error) -> bool {
    use nix::errno::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::ENOENT | Errno::ENXIO | Errno::ENODEV | Errno::EIO))
}

/// Forwards packets of a port, and again after it was unplugged and plugged in.
fn serve_port(path: &Path, baud: u32, port: Option<File>, shared: &Shared) {
    let path_shown = path.display();
    let mut port = port.unwrap_or_else(|| {
        eprintln!("{path_shown} is not there; waiting for it");
        let port = wait_for(path, baud);
        eprintln!("{path_shown} is there");
        port
    });
    loop {
        let why = shared.forward(&port, &port, || ()).err().map(|error| format!(" ({error})"));
        eprintln!("{path_shown} went away{}; waiting for it", why.unwrap_or_default());
        // While a port is open, the system reserves its number, and the device would get another
        // one.
        drop(port);
        port = wait_for(path, baud);
        eprintln!("{path_shown} is back");
    }
}

/// Waits until a port can be opened. Right after it is plugged in, udev may not have set its group
/// yet.
fn wait_for(path: &Path, baud: u32) -> File {
    loop {
        std::thread::sleep(REOPEN);
        if let Ok(port) = open(path, baud) {
            return port;
        }
    }
}

/// Listens on a socket. Replaces one that no process listens on.
fn listen(path: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let is_left_over =
                UnixStream::connect(path).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused);
            if !is_left_over {
                return Err(error);
            }
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        result => result,
    }
}

fn serve_socket(listener: &UnixListener, shared: &Arc<Shared>) {
    let devices = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            // Usually out of descriptors, which passes.
            std::thread::sleep(REOPEN);
            continue;
        };
        if devices.fetch_add(1, Ordering::Relaxed) >= MAX_DEVICES {
            devices.fetch_sub(1, Ordering::Relaxed);
            eprintln!("a device was refused: {MAX_DEVICES} are connected");
            continue;
        }
        let (shared, here) = (Arc::clone(shared), Arc::clone(&devices));
        let spawned = spawn(move || {
            eprintln!("a device has connected");
            if let Err(error) = shared.forward(&stream, &stream, || drop(stream.shutdown(Shutdown::Both))) {
                eprintln!("device error: {error}");
            }
            eprintln!("a device has disconnected");
            here.fetch_sub(1, Ordering::Relaxed);
        });
        if spawned.is_err() {
            devices.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_is_serial_or_a_socket() {
        assert!(matches!(Port::parse("/dev/ttyACM0"), Ok(Port::Serial(path)) if path == Path::new("/dev/ttyACM0")));
        assert!(matches!(Port::parse("unix:/run/x"), Ok(Port::Socket(path)) if path == Path::new("/run/x")));
        assert!(Port::parse("unix:").is_err() && Port::parse("").is_err());
    }

    #[test]
    fn accepts_supported_speeds_only() {
        assert_eq!(parse_baud("921600"), Ok(921_600));
        for wrong in ["", "0", "115201", "fast"] {
            assert!(parse_baud(wrong).unwrap_err().contains("115200"), "{wrong}");
        }
    }

    #[test]
    fn replaces_a_stale_socket_and_not_one_in_use() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("socket");
        drop(UnixListener::bind(&path).unwrap());
        let listener = listen(&path).unwrap();
        assert_eq!(listen(&path).unwrap_err().kind(), ErrorKind::AddrInUse);
        drop(listener);
    }
}
