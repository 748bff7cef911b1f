//! Where devices are: serial ports, and sockets that they come to.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, IsTerminal};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nix::sys::termios::{self, BaudRate, SetArg};

use super::Shared;
use crate::ending::Ending;

/// Devices on one socket at a time.
const MAX_DEVICES: usize = 64;
/// Time between two tries to open a port that went away.
const REOPEN: Duration = Duration::from_secs(1);

/// Speeds that serial ports have.
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

/// A place where a device is, or devices come to.
#[derive(Clone, Debug)]
pub(super) enum Wire {
    /// A serial port, a pseudo-terminal, a pipe.
    Port(PathBuf),
    /// A socket that devices connect to (an emulator does).
    Socket(PathBuf),
}

/// What is to be undone at the end.
#[derive(Debug)]
pub(super) struct Open {
    socket: Option<PathBuf>,
}

impl Wire {
    /// `unix:SOCKET`, or the path of a port.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        match text.strip_prefix("unix:") {
            Some("") => Err("a path follows `unix:`"),
            Some(path) => Ok(Self::Socket(path.into())),
            None if text.is_empty() => Err("the path is empty"),
            None => Ok(Self::Port(text.into())),
        }
    }

    /// Begins to carry, on threads of its own.
    pub(super) fn serve(self, shared: &Arc<Shared>) -> Result<Open, Ending> {
        let (server, shared) = (shared.server, Arc::clone(shared));
        match self {
            Self::Port(path) => {
                let port = open(&path, shared.baud).map_err(|error| failed("open", &path, &error))?;
                eprintln!("bridging {} to {server}", path.display());
                spawn(move || serve_port(&path, port, &shared))?;
                Ok(Open { socket: None })
            }
            Self::Socket(path) => {
                let listener = listen(&path).map_err(|error| failed("listen on", &path, &error))?;
                eprintln!("bridging whoever connects to {} to {server}", path.display());
                let open = Open { socket: Some(path) };
                spawn(move || serve_socket(&listener, &shared))?;
                Ok(open)
            }
        }
    }
}

/// A speed that serial ports have.
pub(super) fn parse_baud(text: &str) -> Result<u32, String> {
    let baud = text.parse().ok().filter(|baud| SPEEDS.iter().any(|(speed, _)| speed == baud));
    baud.ok_or_else(|| format!("one of {}", SPEEDS.map(|(speed, _)| speed.to_string()).join(", ")))
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(path) = &self.socket {
            drop(std::fs::remove_file(path));
        }
    }
}

fn failed(action: &str, path: &Path, error: &io::Error) -> Ending {
    Ending::error(format_args!("cannot {action} {}: {error}", path.display()))
}

fn spawn(run: impl FnOnce() + Send + 'static) -> Result<(), Ending> {
    std::thread::Builder::new().name("kabar-bridge".to_owned()).spawn(run).map(drop).map_err(Ending::error)
}

/// Opens a port, as a wire for bytes if it is a terminal.
fn open(path: &Path, baud: u32) -> io::Result<File> {
    let port = OpenOptions::new().read(true).write(true).open(path)?;
    if port.is_terminal() {
        let mut settings = termios::tcgetattr(&port)?;
        termios::cfmakeraw(&mut settings);
        if let Some((_, speed)) = SPEEDS.iter().find(|(speed, _)| *speed == baud) {
            termios::cfsetspeed(&mut settings, *speed)?;
        }
        termios::tcsetattr(&port, SetArg::TCSANOW, &settings)?;
    }
    Ok(port)
}

/// Carries for as long as the port is there, and again when it is there again: a plug is pulled now and then.
fn serve_port(path: &Path, mut port: File, shared: &Shared) {
    loop {
        if let Err(error) = shared.carry(&port, &port) {
            eprintln!("{}: {error}", path.display());
        }
        eprintln!("{} went away; waiting for it", path.display());
        port = loop {
            std::thread::sleep(REOPEN);
            if let Ok(port) = open(path, shared.baud) {
                break port;
            }
        };
        eprintln!("{} is back", path.display());
    }
}

/// Listens on a socket; one that nobody listens on any more is replaced.
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
            // Out of descriptors, as a rule: not for ever, and not in a hurry.
            std::thread::sleep(REOPEN);
            continue;
        };
        if devices.fetch_add(1, Ordering::Relaxed) >= MAX_DEVICES {
            devices.fetch_sub(1, Ordering::Relaxed);
            eprintln!("a device is turned away: {MAX_DEVICES} are here");
            continue;
        }
        let (shared, here) = (Arc::clone(shared), Arc::clone(&devices));
        let spawned = spawn(move || {
            eprintln!("a device has come");
            if let Err(error) = shared.carry(&stream, &stream) {
                eprintln!("a device: {error}");
            }
            eprintln!("a device has gone");
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
    fn a_wire_is_a_port_or_a_socket() {
        assert!(matches!(Wire::parse("/dev/ttyACM0"), Ok(Wire::Port(path)) if path == Path::new("/dev/ttyACM0")));
        assert!(matches!(Wire::parse("unix:/run/x"), Ok(Wire::Socket(path)) if path == Path::new("/run/x")));
        assert!(Wire::parse("unix:").is_err() && Wire::parse("").is_err());
    }

    #[test]
    fn a_speed_is_one_that_ports_have() {
        assert_eq!(parse_baud("921600"), Ok(921_600));
        for wrong in ["", "0", "115201", "fast"] {
            assert!(parse_baud(wrong).unwrap_err().contains("115200"), "{wrong}");
        }
    }

    #[test]
    fn a_socket_that_was_left_over_is_replaced_and_one_in_use_is_not() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("socket");
        drop(UnixListener::bind(&path).unwrap());
        let listener = listen(&path).unwrap();
        assert_eq!(listen(&path).unwrap_err().kind(), ErrorKind::AddrInUse);
        drop(listener);
    }
}
