//! Serial ports that are unplugged. Pseudo-terminals stand for them, and the bridge runs as under a
//! service manager: it leads a session that has no terminal.

use std::io::{Read, Write};
use std::net::UdpSocket;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::mpsc;

use kabar_core::MAX_DATAGRAM;
use kabar_core::crypto::Provider;
use kabar_core::internals::packet::{Hello, Packet};
use kabar_core::serial::{Deframer, Framer, MAX_FRAME_LEN};
use kabar_std::provider::Accelerated;
use kabar_tests::process::{Process, TIMEOUT};
use kabar_tests::room::{temp_home, text};
use portable_pty::{MasterPty, PtySize, native_pty_system};

/// Bytes that a terminal interprets unless it is in raw mode.
const UNSAFE: [u8; 12] = [3, 4, 8, b'\n', b'\r', 17, 19, 21, 26, 28, 0x7f, 0xff];

/// A packet with such bytes.
fn packet() -> Vec<u8> {
    let client_random = std::array::from_fn(|at| UNSAFE[at % UNSAFE.len()]);
    let hello = Packet::Hello(Hello { client_random, key_hint: [b'\r'; 8], datagram_len: 640 });
    let mut packet = vec![0; MAX_DATAGRAM];
    let len = hello.encode(&mut packet, Accelerated::crc32).expect("room");
    packet.truncate(len);
    packet
}

/// A device on a port; dropping it unplugs it.
struct Plugged {
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
}

impl Plugged {
    /// Plugs it in; `path` becomes a link to it, as udev's links are.
    fn at(path: &Path) -> Self {
        let pair = native_pty_system().openpty(PtySize::default()).expect("a pseudo-terminal");
        let writer = pair.master.take_writer().expect("a writer");
        symlink(pair.master.tty_name().expect("it has a path"), path).expect("nothing else is there");
        Self { master: pair.master, writer }
    }

    fn send(&mut self, packet: &[u8]) {
        let mut frame = [0; MAX_FRAME_LEN];
        let len = Framer::frame(packet, &mut frame).expect("room");
        self.writer.write_all(&frame[..len]).and_then(|()| self.writer.flush()).expect("the bridge reads");
    }

    /// The next packet.
    fn receive(&self) -> Vec<u8> {
        let mut reader = self.master.try_clone_reader().expect("a reader");
        let (sender, packet) = mpsc::channel();
        // A read has no time-out, so a thread reads. It closes its handle when it is done.
        std::thread::spawn(move || {
            let mut deframer = Deframer::<MAX_DATAGRAM>::new();
            let mut byte = [0];
            while let Ok(1) = reader.read(&mut byte) {
                if let Some(packet) = deframer.take(&mut &byte[..]).map(|packet| packet.to_vec()) {
                    drop(reader);
                    let _ = sender.send(packet);
                    return;
                }
            }
        });
        packet.recv_timeout(TIMEOUT).expect("a packet")
    }
}

/// Checks that the bridge forwards packets in both directions.
fn assert_forwards(device: &mut Plugged, server: &UdpSocket) {
    device.send(&packet());
    let mut datagram = [0; MAX_DATAGRAM];
    let (len, from) = server.recv_from(&mut datagram).expect("a packet of the device");
    assert_eq!(datagram[..len], packet());
    server.send_to(&packet(), from).expect("the way back");
    assert_eq!(device.receive(), packet());
}

fn server() -> UdpSocket {
    let server = UdpSocket::bind("127.0.0.1:0").expect("a port");
    server.set_read_timeout(Some(TIMEOUT)).expect("a time-out");
    server
}

fn bridge(home: &Path, port: &Path, server: &UdpSocket) -> Process {
    let to = server.local_addr().expect("bound").to_string();
    Process::start_under(&["setsid"], "kabar", home, &["bridge", "--serial", text(port), "--to", &to])
}

#[test]
fn waits_for_a_port_that_is_unplugged() {
    let (home, server) = (temp_home(), server());
    let port = home.path().join("port");
    let mut device = Plugged::at(&port);
    let mut bridge = bridge(home.path(), &port, &server);
    let _ = bridge.expect_stderr("bridging ");
    assert_forwards(&mut device, &server);

    for _ in 0..2 {
        std::fs::remove_file(&port).expect("the link");
        drop(device);
        let _ = bridge.expect_stderr("went away");
        device = Plugged::at(&port);
        let _ = bridge.expect_stderr("is back");
        assert_forwards(&mut device, &server);
    }

    bridge.signal("TERM");
    assert_eq!(bridge.wait(), Some(0), "{:?}", bridge.stderr);
    let count = |words: &str| bridge.stderr.iter().filter(|line| line.contains(words)).count();
    assert_eq!((count("went away"), count("is back")), (2, 2), "each once: {:?}", bridge.stderr);
}

#[test]
fn waits_for_a_port_that_is_missing_at_the_start() {
    let (home, server) = (temp_home(), server());
    // Like `/dev/serial/by-id` while nothing is plugged in: the folder does not exist either.
    let folder = home.path().join("by-id");
    let port = folder.join("port");
    let mut bridge = bridge(home.path(), &port, &server);
    let _ = bridge.expect_stderr("is not there; waiting for it");
    std::fs::create_dir(folder).expect("a folder");
    let mut device = Plugged::at(&port);
    let _ = bridge.expect_stderr("is there");
    assert_forwards(&mut device, &server);
}

#[test]
fn ignores_a_hangup_signal_under_a_service_manager() {
    let (home, server) = (temp_home(), server());
    let port = home.path().join("port");
    let mut device = Plugged::at(&port);
    let mut bridge = bridge(home.path(), &port, &server);
    let _ = bridge.expect_stderr("bridging ");
    bridge.signal("HUP");
    assert_forwards(&mut device, &server);
    bridge.signal("HUP");
    assert_forwards(&mut device, &server);
    bridge.signal("TERM");
    assert_eq!(bridge.wait(), Some(0), "{:?}", bridge.stderr);
}
