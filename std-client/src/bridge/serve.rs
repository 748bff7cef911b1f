//! Serves ports: waits for those that are unplugged, accepts devices on sockets, and hands their
//! streams to [`super::forward`].

use std::fs::File;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::forward::Shared;
use super::port::{Port, is_away, listen, open};
use super::report::{BridgeError, BridgeNotice};

/// Number of devices on one socket at a time.
const MAX_DEVICES: usize = 64;
/// Time between two attempts to open a port.
const REOPEN: Duration = Duration::from_secs(1);

/// A port in use. A socket is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Open(Port);

impl Drop for Open {
    fn drop(&mut self) {
        if let Port::Socket(path) = &self.0 {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Open {
    pub(super) fn port(&self) -> &Port {
        &self.0
    }
}

/// Starts to forward packets on new threads. Waits for a port that is not plugged in yet.
pub(super) fn serve(port: Port, shared: &Arc<Shared>, baud: u32) -> Result<Open, BridgeError> {
    let shared = Arc::clone(shared);
    match &port {
        Port::Serial(path) => {
            let port = match open(path, baud) {
                Ok(port) => Some(port),
                Err(error) if is_away(&error) => None,
                Err(error) => return Err(BridgeError::Open { path: path.clone(), error }),
            };
            let path = path.clone();
            spawn(move || serve_port(&path, baud, port, &shared))?;
        }
        Port::Socket(path) => {
            let listener = listen(path).map_err(|error| BridgeError::Listen { path: path.clone(), error })?;
            spawn(move || serve_socket(&listener, &shared))?;
        }
    }
    Ok(Open(port))
}

pub(super) fn spawn(run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name("kabar-bridge".to_owned()).spawn(run).map(drop)
}

/// Forwards packets of a port, and again after it was unplugged and plugged in.
fn serve_port(path: &Path, baud: u32, port: Option<File>, shared: &Shared) {
    let mut port = port.unwrap_or_else(|| {
        shared.reporter.report(&BridgeNotice::PortMissing(path));
        let port = wait_for(path, baud);
        shared.reporter.report(&BridgeNotice::PortFound(path));
        port
    });
    loop {
        let why = shared.forward(&port, &port, || ()).err();
        shared.reporter.report(&BridgeNotice::PortLost(path, why.as_ref()));
        // While a port is open, the system reserves its number, and the device would get another
        // one.
        drop(port);
        port = wait_for(path, baud);
        shared.reporter.report(&BridgeNotice::PortBack(path));
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
            shared.reporter.report(&BridgeNotice::DeviceRefused(MAX_DEVICES));
            continue;
        }
        let (shared, here) = (Arc::clone(shared), Arc::clone(&devices));
        let spawned = spawn(move || {
            shared.reporter.report(&BridgeNotice::DeviceConnected);
            if let Err(error) = shared.forward(&stream, &stream, || drop(stream.shutdown(Shutdown::Both))) {
                shared.reporter.report(&BridgeNotice::DeviceFailed(&error));
            }
            shared.reporter.report(&BridgeNotice::DeviceDisconnected);
            here.fetch_sub(1, Ordering::Relaxed);
        });
        if spawned.is_err() {
            devices.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
