//! Two clients and a server over loopback: the time of a join, and the time of one line from one
//! client to the other.
//!
//! Run with `cargo bench -p kabar-tests --bench loopback`. The server thread, the client drivers
//! and the sockets are real; the log is in memory. The baseline is measured in the same run: a
//! datagram of 64 bytes to a thread that forwards it to a third socket.

use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use kabar_client::driver::{self, Driver};
use kabar_client::poller::Poller;
use kabar_client::profile::{ACK_DELAY_MS, IDLE_S, LARGEST_ENTRY, TICK_US};
use kabar_core::chat::{EntryKind, Start};
use kabar_core::client::{Config, Credential, Event, RoomSlot};
use kabar_core::crypto::identity::Identity;
use kabar_core::session::Fingerprint;
use kabar_server::room_host::RoomHost;
use kabar_std::clock::Clock;
use kabar_std::invite::RoomName;

const HANDSHAKES: usize = 100;
const LINES: usize = 500;
/// Time between two lines, so that none waits for another.
const PAUSE: Duration = Duration::from_millis(10);

#[derive(Clone, Copy)]
struct Room {
    server: SocketAddr,
    fingerprint: Fingerprint,
    secret: [u8; 16],
}

/// One member, and the waker of its poll.
struct Member {
    poller: Poller,
    clock: Clock,
    driver: Driver,
    waker: std::sync::Arc<mio::Waker>,
}

impl Member {
    fn new() -> Self {
        let (poller, waker) = Poller::new().expect("a poll");
        let clock = Clock::start();
        let driver = Driver::new(poller.sockets().expect("a descriptor"), clock);
        Self { poller, clock, driver, waker }
    }

    fn start(&mut self, room: Room, name: &str) {
        let config = Config {
            server: room.server,
            fingerprint: Some(room.fingerprint),
            room: "lobby",
            name,
            is_default_name: false,
            identity: &Identity::from_seed(&[name.as_bytes()[0]; 32]),
            credential: Credential::Secret(room.secret),
            start: Start::Head,
            max_entry_len: LARGEST_ENTRY,
            idle_s: IDLE_S,
            ack_delay_ms: ACK_DELAY_MS,
            tick_us: TICK_US,
        };
        self.driver.start(&config).expect("it starts");
    }

    /// Drives the client until `select` returns a value for an event.
    fn until<T>(&mut self, mut select: impl FnMut(&Event<'_>) -> Option<T>) -> T {
        loop {
            while let Some(event) = self.driver.poll_event() {
                if let Some(found) = select(&event) {
                    return found;
                }
            }
            self.driver.transmit();
            driver::wait(&mut self.poller, self.clock, &mut [&mut self.driver], None);
        }
    }

    fn join(&mut self, room: Room, name: &str) -> Duration {
        let begin = Instant::now();
        self.start(room, name);
        self.until(|event| matches!(event, Event::Joined { .. }).then(|| begin.elapsed()))
    }

    fn leave(&mut self) {
        self.driver.client.leave(self.driver.now());
        self.until(|event| matches!(event, Event::Ended(_)).then_some(()));
    }
}

fn listen(room: Room, joined: &Sender<()>, arrivals: &Sender<Instant>) {
    let mut member = Member::new();
    member.join(room, "reader");
    joined.send(()).expect("the bench waits");
    for _ in 0..LINES {
        let at = member.until(|event| match event {
            Event::Entry { header, .. } if header.kind == EntryKind::TEXT => Some(Instant::now()),
            _ => None,
        });
        if arrivals.send(at).is_err() {
            return;
        }
    }
    member.leave();
}

fn lines(room: Room) -> Vec<Duration> {
    let (joined, is_joined) = mpsc::channel();
    let (arrivals, arrived) = mpsc::channel();
    let reader = thread::spawn(move || listen(room, &joined, &arrivals));
    is_joined.recv().expect("the reader joins");
    let mut writer = Member::new();
    writer.join(room, "writer");
    let times = (0..LINES).map(|_| one_line(&mut writer, &arrived)).collect();
    writer.leave();
    drop(writer.waker);
    reader.join().expect("the reader ends");
    times
}

fn one_line(writer: &mut Member, arrived: &Receiver<Instant>) -> Duration {
    let begin = Instant::now();
    writer
        .driver
        .client
        .post(RoomSlot::FIRST, EntryKind::TEXT, b"one line, about as long as people write in a chat")
        .expect("there is room");
    writer.until(|event| matches!(event, Event::Stored { .. }).then_some(()));
    writer.driver.transmit();
    let at = arrived.recv().expect("the line arrives");
    thread::sleep(PAUSE);
    at.duration_since(begin)
}

fn baseline() -> Vec<Duration> {
    let sockets: Vec<UdpSocket> = (0..3).map(|_| UdpSocket::bind("127.0.0.1:0").expect("a port")).collect();
    let [from, by, to] = <[UdpSocket; 3]>::try_from(sockets).expect("three");
    let (by_address, to_address) = (by.local_addr().expect("bound"), to.local_addr().expect("bound"));
    let forward = thread::spawn(move || {
        let mut buffer = [0; 64];
        for _ in 0..LINES {
            let len = by.recv(&mut buffer).expect("a datagram");
            by.send_to(&buffer[..len], to_address).expect("sent on");
        }
    });
    let mut buffer = [0; 64];
    let times = (0..LINES)
        .map(|_| {
            let begin = Instant::now();
            from.send_to(&[0; 64], by_address).expect("sent");
            to.recv(&mut buffer).expect("a datagram");
            begin.elapsed()
        })
        .collect();
    forward.join().expect("the forwarder ends");
    times
}

fn report(what: &str, mut times: Vec<Duration>) -> f64 {
    times.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let (median, p99) = (ms(times[times.len() / 2]), ms(times[times.len() * 99 / 100]));
    println!("| {what} | {median:.3} | {p99:.3} | {:.3} |", ms(times[times.len() - 1]));
    median
}

fn host(directory: &std::path::Path) -> (RoomHost, Room) {
    let listen = "127.0.0.1:0".parse().expect("an address");
    let room = RoomName::new("lobby").expect("a name");
    let host = RoomHost::builder(directory, room, listen);
    let hosted = host.start(|| (), drop, drop).expect("the room starts");
    let invite = hosted.invite();
    let room =
        Room { server: hosted.same_host_addr(), fingerprint: invite.fingerprint, secret: *invite.secret.expose() };
    (hosted, room)
}

fn main() {
    let directory = tempfile::tempdir().expect("a directory");
    let (hosted, room) = host(directory.path());
    println!("| over loopback | median ms | p99 ms | longest ms |\n|---|---|---|---|");
    let baseline = report("a datagram, sent on (baseline)", baseline());
    let joins = (0..HANDSHAKES)
        .map(|_| {
            let mut member = Member::new();
            let time = member.join(room, "guest");
            member.leave();
            time
        })
        .collect();
    report("handshake (RSA-2048) and join", joins);
    let line = report("one line, typed to shown, stored before it is shown", lines(room));
    println!("\none line takes {:.1} times the baseline", line / baseline);
    hosted.stop().expect("it stops");
}
