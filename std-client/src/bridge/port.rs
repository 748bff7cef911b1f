//! Serial ports, and sockets that devices connect to: their names, and how the system opens them.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, IsTerminal};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::termios::{self, BaudRate, ControlFlags, SetArg};

/// The file of a port is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither a serial port nor a pipe")]
pub struct NotAPort;

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
pub enum Port {
    /// A serial port, a pseudo-terminal, a pipe.
    Serial(PathBuf),
    /// A socket that devices connect to (an emulator does).
    Socket(PathBuf),
}

impl Port {
    /// Parses `unix:SOCKET`, or the path of a port.
    ///
    /// # Errors
    /// A sentence, if there is no path.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text.strip_prefix("unix:") {
            Some("") => Err("a path follows `unix:`"),
            Some(path) => Ok(Self::Socket(path.into())),
            None if text.is_empty() => Err("the path is empty"),
            None => Ok(Self::Serial(text.into())),
        }
    }
}

/// Parses a supported speed.
///
/// # Errors
/// A sentence, if the speed is not supported.
pub fn parse_baud(text: &str) -> Result<u32, String> {
    let baud = text.parse().ok().filter(|baud| SPEEDS.iter().any(|(speed, _)| speed == baud));
    baud.ok_or_else(|| format!("one of {}", SPEEDS.map(|(speed, _)| speed.to_string()).join(", ")))
}

/// Opens a port, in raw mode if it is a terminal.
///
/// Without `O_NOCTTY` the port would become the controlling terminal of a process that leads a
/// session, as a service does, and unplugging it would send that process SIGHUP. Without
/// `O_NONBLOCK` opening would wait for a carrier, which a line of three wires does not have.
pub(super) fn open(path: &Path, baud: u32) -> io::Result<File> {
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
        return Err(io::Error::new(ErrorKind::InvalidInput, NotAPort));
    }
    let flags = OFlag::from_bits_truncate(fcntl(&port, FcntlArg::F_GETFL)?);
    fcntl(&port, FcntlArg::F_SETFL(flags & !OFlag::O_NONBLOCK))?;
    Ok(port)
}

/// Whether the error means that a port is not plugged in.
pub(super) fn is_away(error: &io::Error) -> bool {
    use nix::errno::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::ENOENT | Errno::ENXIO | Errno::ENODEV | Errno::EIO))
}

/// Listens on a socket. Replaces one that no process listens on.
pub(super) fn listen(path: &Path) -> io::Result<UnixListener> {
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
