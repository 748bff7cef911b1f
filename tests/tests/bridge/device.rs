//! A device whose only link is a byte stream, in this process.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant as StdInstant};

use kabar_core::MAX_DATAGRAM;
use kabar_core::chat::EntryKind;
use kabar_core::client::{EndReason, Event, Output, RoomSlot};
use kabar_core::crypto::identity::Identity;
use kabar_core::serial::{Deframer, Framer, MAX_FRAME_LEN};
use kabar_core::time::Instant;
use kabar_device::profile::{self, DeviceClient};
use kabar_std::invite::Invite;
use kabar_tests::process::TIMEOUT;

/// A device whose only link is a byte stream.
pub(crate) struct Device {
    pub(crate) client: DeviceClient,
    pub(crate) stream: UnixStream,
    deframer: Deframer<MAX_DATAGRAM>,
    started: StdInstant,
    deadline: Option<Instant>,
    pub(crate) received: Vec<String>,
    pub(crate) has_left: bool,
}

impl Device {
    pub(crate) fn start(socket: &Path, invite: &Invite, name: &str, seed: u8) -> Self {
        let stream = UnixStream::connect(socket).expect("the bridge listens");
        stream.set_read_timeout(Some(Duration::from_millis(5))).expect("a time-out");
        let mut client = profile::client();
        // A stream has no addresses; this one stands for its other end.
        let server = ([192, 0, 2, 1], 9999).into();
        let secret = *invite.secret.expose();
        let identity = Identity::from_seed(&[seed; 32]);
        let config = profile::config(server, invite.fingerprint, secret, "lobby", name, &identity, 1_000);
        client.start(&config, [seed + 100; 32], Instant::ZERO).expect("in order");
        let started = StdInstant::now();
        Self {
            client,
            stream,
            deframer: Deframer::new(),
            started,
            deadline: None,
            received: Vec::new(),
            has_left: false,
        }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_micros(self.started.elapsed().as_micros() as u64)
    }

    pub(crate) fn turn(&mut self) {
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
        if self.deadline.is_some_and(|at| at <= now) {
            self.client.handle_timeout(now);
        }
        let (mut datagram, mut frame) = ([0; MAX_DATAGRAM], [0; MAX_FRAME_LEN]);
        self.deadline = loop {
            match self.client.poll_output(now, &mut datagram) {
                Output::Transmit(transmit) => {
                    let len = Framer::frame(&datagram[..transmit.len], &mut frame).expect("room");
                    self.stream.write_all(&frame[..len]).expect("the bridge reads");
                }
                Output::Event(Event::Joined { .. }) => self.received.push("joined".to_owned()),
                Output::Event(Event::Entry { header, body, .. }) if header.kind == EntryKind::TEXT => {
                    self.received.push(format!("{}: {}", header.author, String::from_utf8_lossy(body)));
                }
                Output::Event(Event::Ended(reason)) => {
                    assert_eq!(reason, EndReason::Left);
                    self.has_left = true;
                }
                Output::Event(_) => {}
                Output::Timeout(deadline) => break deadline,
            }
        };
    }

    pub(crate) fn post(&mut self, text: &str) {
        self.client.post(RoomSlot::FIRST, EntryKind::TEXT, text.as_bytes()).expect("room");
    }

    pub(crate) fn has_received(&self, line: &str) -> bool {
        self.received.iter().any(|received| received == line)
    }
}

pub(crate) fn run_until(devices: &mut [&mut Device], what: &str, is_done: impl Fn(&[&mut Device]) -> bool) {
    let deadline = StdInstant::now() + TIMEOUT;
    while !is_done(devices) {
        assert!(
            StdInstant::now() < deadline,
            "{what}: {:?}",
            devices.iter().map(|it| &it.received).collect::<Vec<_>>()
        );
        devices.iter_mut().for_each(|device| device.turn());
    }
}
