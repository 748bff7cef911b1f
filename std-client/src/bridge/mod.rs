//! `kabar bridge`: carries packets between devices on byte streams (SPEC 2.5) and a server on UDP. It can read none of them.
//!
//! ```text
//! device -bytes-> Deframer -packets-> UDP socket -> server          one thread each way; a socket for each device, so that the
//! device <-bytes- Framer  <-packets- UDP socket <- server           server sees each as a client with an address of its own
//! ```
//!
//! What does not get through at once (a device that does not read, a network that is away) is lost like any datagram, and sent again
//! by whoever needs it.

mod wire;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use clap::Args;
use kabar_core::serial::{Deframer, Framer, MAX_FRAME_LEN};
use kabar_core::wire::MAX_DATAGRAM;
use kabar_server::address::HostPort;
use kabar_server::signals;

use crate::ending::{Ending, Exit};
use crate::resolve::addresses_of;
use wire::Wire;

/// How long the way back goes without looking whether the device is still there.
const LOOK: Duration = Duration::from_millis(500);
/// Bytes taken from a stream at a time.
const CHUNK: usize = 4096;

/// `kabar bridge`.
#[derive(Debug, Args)]
pub struct BridgeArguments {
    /// Where devices are: a serial port, or `unix:SOCKET` to wait for them on a socket. May be given several times.
    #[arg(long = "serial", value_name = "PATH|unix:SOCKET", required = true, value_parser = Wire::parse)]
    wires: Vec<Wire>,

    /// The server.
    #[arg(long, value_name = "HOST[:PORT]")]
    to: HostPort,

    /// Bits per second of serial ports.
    #[arg(long, value_name = "BAUD", default_value = "115200", value_parser = wire::parse_baud)]
    baud: u32,
}

/// What all devices share.
#[derive(Debug)]
struct Shared {
    server: SocketAddr,
    baud: u32,
    to_server: AtomicU64,
    to_devices: AtomicU64,
}

/// `kabar bridge`: until it is interrupted.
#[must_use]
pub fn bridge(arguments: BridgeArguments) -> Ending {
    run(arguments).unwrap_or_else(|ending| ending)
}

fn run(arguments: BridgeArguments) -> Result<Ending, Ending> {
    let BridgeArguments { wires, to, baud } = arguments;
    let shared = Shared { server: resolve(&to)?, baud, to_server: AtomicU64::new(0), to_devices: AtomicU64::new(0) };
    let shared = Arc::new(shared);
    let (stop, stopped) = mpsc::channel();
    signals::on_stop(move || {
        let _ = stop.send(());
    })
    .map_err(Ending::error)?;
    // Kept until the end: sockets that were made are removed then.
    let _open = wires.into_iter().map(|wire| wire.serve(&shared)).collect::<Result<Vec<_>, _>>()?;
    let _ = stopped.recv();
    let (up, down) = (shared.to_server.load(Ordering::Relaxed), shared.to_devices.load(Ordering::Relaxed));
    Ok(Ending::new(Exit::Done, format_args!("carried {up} packets to the server and {down} to devices")))
}

fn resolve(to: &HostPort) -> Result<SocketAddr, Ending> {
    let failed = |why: &dyn std::fmt::Display| Ending::new(Exit::Unreachable, format_args!("{to}: {why}"));
    let found = addresses_of(to, 1).map_err(|error| failed(&error))?;
    found.first().copied().ok_or_else(|| failed(&"no such host"))
}

impl Shared {
    /// Carries packets of one device until its stream ends.
    fn carry(&self, mut from_device: impl Read, to_device: impl Write + Send) -> io::Result<()> {
        let own: SocketAddr = if self.server.is_ipv4() { ([0; 4], 0).into() } else { ([0u16; 8], 0).into() };
        let socket = UdpSocket::bind(own)?;
        socket.connect(self.server)?;
        socket.set_read_timeout(Some(LOOK))?;
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let back = scope.spawn(|| self.carry_back(&socket, to_device, &is_over));
            let result = self.carry_up(&mut from_device, &socket);
            is_over.store(true, Ordering::Relaxed);
            let _ = back.join();
            result
        })
    }

    fn carry_up(&self, from_device: &mut impl Read, socket: &UdpSocket) -> io::Result<()> {
        let mut deframer = Deframer::<MAX_DATAGRAM>::new();
        let mut chunk = [0; CHUNK];
        loop {
            let len = match from_device.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let mut bytes = chunk.get(..len).unwrap_or_default();
            while let Some(packet) = deframer.take(&mut bytes) {
                // The network may be away for a while.
                if socket.send(packet).is_ok() {
                    self.to_server.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    /// A stream that cannot be written ends the way back; reading it then ends the rest.
    fn carry_back(&self, socket: &UdpSocket, mut to_device: impl Write, is_over: &AtomicBool) {
        // One more than a packet has: a longer datagram is seen as such.
        let (mut datagram, mut frame) = ([0; MAX_DATAGRAM + 1], [0; MAX_FRAME_LEN]);
        while !is_over.load(Ordering::Relaxed) {
            // Nothing came for a while, or the system tells of what became of an earlier one.
            let Ok(len) = socket.recv(&mut datagram) else { continue };
            let packet = datagram.get(..len).filter(|packet| packet.len() <= MAX_DATAGRAM);
            let Some(Ok(len)) = packet.map(|packet| Framer::frame(packet, &mut frame)) else { continue };
            let sent = to_device.write_all(frame.get(..len).unwrap_or_default()).and_then(|()| to_device.flush());
            if sent.is_err() {
                return;
            }
            self.to_devices.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn packets_go_both_ways_and_nothing_else_does() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        server.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let shared = Shared {
            server: server.local_addr().unwrap(),
            baud: 0,
            to_server: AtomicU64::new(0),
            to_devices: AtomicU64::new(0),
        };
        let (mut device, far) = UnixStream::pair().unwrap();
        device.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        std::thread::scope(|scope| {
            let carrying = scope.spawn(|| shared.carry(&far, &far));
            let mut frame = [0; MAX_FRAME_LEN];
            let len = Framer::frame(&[1, 0, 2], &mut frame).unwrap();
            device.write_all(b"boot: hello\n").unwrap();
            device.write_all(&frame[..len]).unwrap();
            let mut datagram = [0; 2000];
            let (len, from) = server.recv_from(&mut datagram).unwrap();
            assert_eq!(datagram[..len], [1, 0, 2]);

            server.send_to(&[7; 1201], from).unwrap();
            server.send_to(&[9; 1200], from).unwrap();
            let mut deframer = Deframer::<MAX_DATAGRAM>::new();
            let found = loop {
                let mut bytes = [0; 100];
                let len = device.read(&mut bytes).unwrap();
                if let Some(packet) = deframer.take(&mut &bytes[..len]) {
                    break packet.to_vec();
                }
            };
            assert_eq!(found, [9; 1200]);
            drop(device);
            carrying.join().unwrap().unwrap();
        });
        assert_eq!(shared.to_devices.load(Ordering::Relaxed), 1);
    }
}
