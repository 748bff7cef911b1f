//! The service manager, if the server runs under one: whether it keeps what the server prints, and
//! reports of readiness (systemd's `Type=notify`), each one datagram to the socket that
//! `NOTIFY_SOCKET` names.
//!
//! `sd-notify` is not used: it waits without limit for a manager whose socket is full, and does not
//! know abstract sockets (`@name`).

use std::ffi::OsStr;
use std::io::{self, IsTerminal};

/// The server accepts members.
pub const READY: &str = "READY=1";
/// How long to wait while the manager's socket is full.
#[cfg(target_os = "linux")]
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(1);

/// The server is about to stop.
pub const STOPPING: &str = "STOPPING=1";

/// Whether a service manager keeps what is printed, so that no secret belongs there: it started
/// this program (`NOTIFY_SOCKET`), or standard output is its journal. A terminal keeps nothing.
#[must_use]
pub fn is_output_kept() -> bool {
    let is_journal = || std::env::var("JOURNAL_STREAM").is_ok_and(|stream| is_standard_output(&stream));
    !io::stdout().is_terminal() && (std::env::var_os("NOTIFY_SOCKET").is_some() || is_journal())
}

/// Whether standard output is the stream that systemd describes as `DEVICE:INODE`. Programs inherit
/// that description also where their output is redirected.
#[cfg(target_os = "linux")]
fn is_standard_output(stream: &str) -> bool {
    use std::os::fd::AsFd;
    use std::os::linux::fs::MetadataExt;
    let output = io::stdout().as_fd().try_clone_to_owned().and_then(|output| std::fs::File::from(output).metadata());
    output.is_ok_and(|output| stream == format!("{}:{}", output.st_dev(), output.st_ino()))
}

#[cfg(not(target_os = "linux"))]
fn is_standard_output(_: &str) -> bool {
    false
}

/// Sends `state` to the manager, if there is one.
///
/// # Errors
/// A sentence, if the manager does not accept the datagram. The server continues.
pub fn notify(state: &str) -> Result<(), String> {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    send(&path, state)
        .map_err(|error| format!("the service manager at {} does not take {state}: {error}", path.to_string_lossy()))
}

#[cfg(target_os = "linux")]
fn send(path: &OsStr, state: &str) -> io::Result<()> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    let address = match path.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(path)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.send_to_addr(state.as_bytes(), &address).map(drop)
}

#[cfg(not(target_os = "linux"))]
fn send(_: &OsStr, _: &str) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    use super::*;

    fn heard(manager: &UnixDatagram) -> String {
        let mut buffer = [0; 64];
        let len = manager.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..len]).into_owned()
    }

    #[test]
    fn reaches_sockets_in_the_file_system_and_abstract_ones() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        send(path.as_os_str(), READY).unwrap();
        assert_eq!(heard(&manager), "READY=1");

        let name = format!("kabar-notify-{}", std::process::id());
        let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        send(OsStr::new(&format!("@{name}")), STOPPING).unwrap();
        assert_eq!(heard(&manager), "STOPPING=1");
    }

    #[test]
    fn a_manager_that_does_not_listen_is_waited_for_a_moment_only() {
        assert!(send(OsStr::new("/nonexistent/notify"), READY).is_err());
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("notify");
        let _manager = UnixDatagram::bind(&path).unwrap();
        // More than fit into any queue.
        let failed = (0..10_000).find_map(|_| send(path.as_os_str(), READY).err()).unwrap();
        assert_eq!(failed.kind(), io::ErrorKind::WouldBlock);
    }
}
