//! Packets of one device: two threads for its stream, which block, and one for the network, which
//! does not. Knows streams and sockets, not which port a stream comes from.
//!
//! ```text
//! device -bytes-> read  -packets-> queue -> network -> Links -> addresses of the server
//! device <-bytes- write <-packets- queue <- network <- Links <- addresses of the server
//! ```
//!
//! A full queue drops packets, as a network does.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TryRecvError};
use std::time::Duration as StdDuration;

use kabar_core::MAX_DATAGRAM;
use kabar_core::serial::{Deframer, Framer, MAX_FRAME_LEN};
use kabar_core::time::Instant;
use kabar_std::clock::Clock;
use mio::Waker;

use super::paths::Paths;
use super::report::Reporter;
use super::servers::Servers;
use crate::link::ReceiveBuffers;
use crate::links::{Links, Sent};
use crate::poller::Poller;

/// Bytes read from a stream at a time.
const CHUNK: usize = 4096;
/// Capacity of each queue, in packets.
const QUEUE_LEN: usize = 64;
/// First byte of a Hello (SPEC 2).
const HELLO: u8 = 0x11;

/// Shared by all devices.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) servers: Arc<Servers>,
    pub(super) reporter: Reporter,
    pub(super) to_server: AtomicU64,
    pub(super) to_devices: AtomicU64,
}

/// The network side of one device.
struct Network<'a> {
    shared: &'a Shared,
    from_device: Receiver<Vec<u8>>,
    to_device: SyncSender<Vec<u8>>,
    poller: Poller,
    clock: Clock,
    links: Links,
    received: ReceiveBuffers,
    paths: Paths,
}

impl Shared {
    pub(super) fn new(servers: Arc<Servers>, reporter: Reporter) -> Self {
        Self { servers, reporter, to_server: AtomicU64::new(0), to_devices: AtomicU64::new(0) }
    }

    /// Forwards packets of one device until its stream ends. `end` then closes the other direction.
    pub(super) fn forward(
        &self,
        mut from_device: impl Read,
        to_device: impl Write + Send,
        end: impl FnOnce(),
    ) -> io::Result<()> {
        let (poller, waker) = Poller::new()?;
        let links = Links::new(poller.sockets()?);
        let (up, from_device_packets) = mpsc::sync_channel(QUEUE_LEN);
        let (down, to_device_packets) = mpsc::sync_channel(QUEUE_LEN);
        let mut network = Network {
            shared: self,
            from_device: from_device_packets,
            to_device: down,
            poller,
            clock: Clock::start(),
            links,
            received: ReceiveBuffers::default(),
            paths: Paths::default(),
        };
        std::thread::scope(|scope| {
            scope.spawn(move || network.run());
            scope.spawn(|| self.write(to_device, to_device_packets));
            let result = read(&mut from_device, &up, &waker);
            // Ends the network thread, and with it the other direction.
            drop(up);
            let _ = waker.wake();
            end();
            result
        })
    }

    /// Writes packets until the stream fails; reading from it then fails, too.
    fn write(&self, mut to_device: impl Write, packets: Receiver<Vec<u8>>) {
        let mut frame = [0; MAX_FRAME_LEN];
        for packet in packets {
            let Ok(len) = Framer::frame(&packet, &mut frame) else { continue };
            let sent = to_device.write_all(frame.get(..len).unwrap_or_default()).and_then(|()| to_device.flush());
            if sent.is_err() {
                return;
            }
            self.to_devices.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn read(from_device: &mut impl Read, packets: &SyncSender<Vec<u8>>, waker: &Waker) -> io::Result<()> {
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
            let _ = packets.try_send(packet.to_vec());
            waker.wake()?;
        }
    }
}

impl Network<'_> {
    /// Runs until the device's stream has ended.
    fn run(&mut self) {
        while self.send() {
            let now = self.clock.now();
            let next = [self.links.check_at(), self.paths.race.deadline()].into_iter().flatten().min();
            let next = if self.links.is_readable() { Some(now) } else { next };
            let timeout = next.map(|next| StdDuration::from_micros(next.saturating_since(now).as_micros()));
            self.poller.wait(timeout, |event| self.links.ready(event));
            self.receive();
            self.links.check_health(self.clock.now());
        }
    }

    /// Sends the queued packets. Returns whether more may follow.
    fn send(&mut self) -> bool {
        loop {
            let now = self.clock.now();
            while let Some(address) = self.paths.race.start_next(now) {
                let hello = self.paths.race.hello().to_vec();
                self.send_to(address, &hello, now);
            }
            let packet = match self.from_device.try_recv() {
                Ok(packet) => packet,
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            };
            if packet.first() == Some(&HELLO) {
                self.shared.servers.look_again();
            }
            for address in self.paths.route(&packet, &self.shared.servers.addresses(), now) {
                self.send_to(address, &packet, now);
            }
        }
    }

    /// Sends a packet. One that the system does not accept is lost: the network may be down.
    fn send_to(&mut self, address: SocketAddr, packet: &[u8], now: Instant) {
        let paths = &self.paths;
        self.links.retain(|other| other == address || paths.is_used(other));
        let error = self.links.open(address, now).err();
        self.paths.race.set_error(address, error);
        if self.links.send(address, packet, now) == Sent::Taken {
            self.shared.to_server.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn receive(&mut self) {
        let Self { to_device, links, received, paths, .. } = self;
        for link in links.iter_mut() {
            let remote = link.remote();
            link.receive(received, |packet| {
                if packet.len() <= MAX_DATAGRAM {
                    paths.learn(remote, packet);
                    let _ = to_device.try_send(packet.to_vec());
                }
            });
            if link.refusals() > 0 {
                paths.race.on_refused(remote);
            }
        }
    }
}

#[cfg(test)]
mod tests;
