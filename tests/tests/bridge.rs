//! Devices on byte streams, through `kabar bridge`, in a room of the real server.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant as StdInstant};

use kabar_core::chat::Kind;
use kabar_core::client::{EndReason, Event};
use kabar_core::crypto::identity::Identity;
use kabar_core::serial::{Deframer, Framer, MAX_FRAME_LEN};
use kabar_core::time::Instant;
use kabar_core::wire::MAX_DATAGRAM;
use kabar_embedded_example::profile::{self, DeviceClient};
use kabar_server::invite::Invite;
use kabar_tests::process::{PATIENCE, Process};
use kabar_tests::room::{Room, home};

/// A device whose only link is a byte stream.
struct Device {
    client: DeviceClient,
    stream: UnixStream,
    deframer: Deframer<MAX_DATAGRAM>,
    began: StdInstant,
    heard: Vec<String>,
    has_left: bool,
}

impl Device {
    fn start(socket: &Path, invite: &Invite, name: &str, seed: u8) -> Self {
        let stream = UnixStream::connect(socket).expect("the bridge listens");
        stream.set_read_timeout(Some(Duration::from_millis(5))).expect("a time-out");
        let mut client = profile::client();
        // A stream has no addresses: this one is only a name for its far end.
        let server = ([192, 0, 2, 1], 9999).into();
        let secret = *invite.secret.expose();
        let identity = Identity::from_seed(&[seed; 32]);
        let config = profile::config(server, invite.fingerprint, secret, "lobby", name, &identity, 1_000);
        client.start(&config, [seed + 100; 32], Instant::ZERO).expect("in order");
        let began = StdInstant::now();
        Self { client, stream, deframer: Deframer::new(), began, heard: Vec::new(), has_left: false }
    }

    fn now(&self) -> Instant {
        Instant::from_micros(self.began.elapsed().as_micros() as u64)
    }

    fn turn(&mut self) {
        let mut chunk = [0; 256];
        let len = match self.stream.read(&mut chunk) {
            Ok(len) => len,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => 0,
            Err(error) => panic!("{error}"),
        };
        let (now, mut bytes) = (self.now(), &chunk[..len]);
        let server = self.client.server();
        while let Some(packet) = self.deframer.take(&mut bytes) {
            self.client.handle_datagram(now, server, packet);
        }
        if self.client.poll_timeout().is_some_and(|at| at <= now) {
            self.client.handle_timeout(now);
        }
        let (mut datagram, mut frame) = ([0; MAX_DATAGRAM], [0; MAX_FRAME_LEN]);
        while let Some(transmit) = self.client.poll_transmit(now, &mut datagram) {
            let len = Framer::frame(&datagram[..transmit.len], &mut frame).expect("room");
            self.stream.write_all(&frame[..len]).expect("the bridge reads");
        }
        while let Some(event) = self.client.poll_event() {
            match event {
                Event::Joined { .. } => self.heard.push("joined".to_owned()),
                Event::Entry { head, body, .. } if head.kind == Kind::TEXT => {
                    self.heard.push(format!("{}: {}", head.author, String::from_utf8_lossy(body)));
                }
                Event::Ended(reason) => {
                    assert_eq!(reason, EndReason::Left);
                    self.has_left = true;
                }
                _ => {}
            }
        }
    }

    fn post(&mut self, text: &str) {
        self.client.post(Kind::TEXT, text.as_bytes()).expect("room");
    }

    fn has_heard(&self, line: &str) -> bool {
        self.heard.iter().any(|heard| heard == line)
    }
}

fn run_until(devices: &mut [&mut Device], what: &str, is_done: impl Fn(&[&mut Device]) -> bool) {
    let deadline = StdInstant::now() + PATIENCE;
    while !is_done(devices) {
        assert!(StdInstant::now() < deadline, "{what}: {:?}", devices.iter().map(|it| &it.heard).collect::<Vec<_>>());
        devices.iter_mut().for_each(|device| device.turn());
    }
}

#[test]
fn devices_on_one_socket_talk_with_a_laptop_through_noise() {
    let room = Room::open();
    let invite: Invite = room.invite.parse().expect("an invite");

    let socket = room.home().join("serial");
    let wire = format!("unix:{}", socket.display());
    let mut bridge = Process::start("kabar", room.home(), &["bridge", "--serial", &wire, "--to", &room.address]);
    let _ = bridge.expect_notice("bridging");
    let mut laptop = room.laptop("ana");

    let mut one = Device::start(&socket, &invite, "one", 1);
    let mut two = Device::start(&socket, &invite, "two", 2);
    run_until(&mut [&mut one, &mut two], "joining", |all| all.iter().all(|device| device.has_heard("joined")));
    one.post("from one");
    two.post("from two");
    laptop.type_line("from a laptop");
    let everything = ["one: from one", "two: from two", "ana: from a laptop"];
    run_until(&mut [&mut one, &mut two], "talking", |all| {
        all.iter().all(|device| everything.iter().all(|line| device.has_heard(line)))
    });

    // A connector that is loose: what is hit is sent again.
    for noise in [&b"\x05\x01garbage"[..], &[0, 0, 0], &[0xff; 3000]] {
        one.stream.write_all(noise).expect("the bridge reads");
        one.post("through noise");
    }
    run_until(&mut [&mut one, &mut two], "noise", |all| {
        all.iter().all(|device| device.heard.iter().filter(|line| *line == "one: through noise").count() == 3)
    });
    let _ = laptop.expect("one: through noise");

    // One leaves; the other stays.
    let now = one.now();
    one.client.leave(now);
    run_until(&mut [&mut one], "leaving", |all| all[0].has_left);
    drop(one);
    let _ = bridge.expect_notice("a device has gone");
    two.post("still here");
    run_until(&mut [&mut two], "staying", |all| all[0].has_heard("two: still here"));

    bridge.signal("INT");
    assert_eq!(bridge.wait(), Some(0));
    assert!(bridge.noticed.iter().any(|line| line.starts_with("carried ")), "{:?}", bridge.noticed);
    assert!(!socket.exists(), "the socket is removed");
}

#[test]
fn what_is_wrong_is_said_in_one_line() {
    let home = home();
    let cases: [(&[&str], i32); 4] = [
        (&["bridge", "--serial", "/nowhere/tty", "--to", "127.0.0.1"], 1),
        (&["bridge", "--serial", "unix:/nowhere/socket", "--to", "127.0.0.1"], 1),
        (&["bridge", "--serial", "/dev/null", "--to", "no-such-host.invalid"], 3),
        (&["bridge", "--serial", "/dev/null", "--to", "127.0.0.1", "--baud", "5"], 2),
    ];
    for (arguments, code) in cases {
        let mut bridge = Process::start("kabar", home.path(), arguments);
        assert_eq!(bridge.wait(), Some(code), "{arguments:?}");
        assert!(!bridge.noticed.is_empty() && (code == 2 || bridge.noticed.len() == 1), "{:?}", bridge.noticed);
    }
}
