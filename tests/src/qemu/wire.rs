//! A cable between the network card and the emulator's network that loses, duplicates, delays and
//! damages Ethernet frames.
//!
//! ```text
//! card <-> n0 <-- datagrams --> Wire <-- datagrams --> d0 <-> hub <-> network with DHCP and a route to this computer
//! ```
//!
//! Each datagram is one frame without its check sequence, so a frame that is damaged here reaches
//! the device's software, where real hardware would have dropped it. The sockets are Unix sockets:
//! both ends have names before the emulator runs, no other program can take a port, and frames that
//! the emulator has not read yet wait instead of being lost, so frames are only lost on purpose.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kabar_std::clock::Clock;
use tempfile::TempDir;

use crate::process::TIMEOUT;
use crate::relay::counts::Counts;
use crate::relay::engine::Engine;
use crate::relay::faults::Faults;
use crate::relay::payload::Payload;

/// More than the longest frame that the emulator sends.
const MAX_FRAME: usize = 1 << 16;
/// Frames that are kept in each direction.
const MAX_REMEMBERED: usize = 256;
/// Interval between two checks for a frame that a caller waits for.
const CHECK_INTERVAL: Duration = Duration::from_millis(1);

/// See the module's documentation.
#[derive(Debug)]
pub struct Wire {
    folder: TempDir,
    up: Arc<Direction>,
    down: Arc<Direction>,
    threads: Vec<JoinHandle<()>>,
    injector: UnixDatagram,
}

/// One direction of the cable.
#[derive(Debug)]
struct Direction {
    from: UnixDatagram,
    to: PathBuf,
    is_over: AtomicBool,
    traffic: Mutex<Traffic>,
}

#[derive(Debug)]
struct Traffic {
    engine: Engine<()>,
    /// The latest frames that arrived.
    arrived: VecDeque<Vec<u8>>,
}

/// Counts of frames.
#[derive(Clone, Copy, Debug)]
pub struct Passed {
    /// From the card to the network.
    pub up: Counts,
    /// From the network to the card, without those injected.
    pub down: Counts,
}

impl Wire {
    /// A cable with these faults from and to the card; `seed` makes their random decisions.
    ///
    /// # Panics
    /// If its sockets cannot be created.
    #[must_use]
    pub fn start(up: Faults, down: Faults, seed: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder for sockets");
        let up = Direction::new(folder.path(), ["card", "network"], Engine::new(up, Payload::OPAQUE, seed, 0));
        let down = Direction::new(folder.path(), ["network", "card"], Engine::new(down, Payload::OPAQUE, seed, 1));
        let threads = [&up, &down].map(|direction| {
            let direction = Arc::clone(direction);
            std::thread::spawn(move || direction.run())
        });
        let injector = UnixDatagram::unbound().expect("a socket");
        injector.set_write_timeout(Some(TIMEOUT)).expect("a time-out that is not zero");
        Self { folder, up, down, threads: threads.into(), injector }
    }

    /// The emulator's options that connect `n0`, which has the card, to one end and its network to
    /// the other.
    pub(super) fn options(&self) -> Vec<String> {
        let socket = |id: &str, end: &str| {
            let (local, remote) = (socket(self.folder.path(), end), cable_end(self.folder.path(), end));
            let (local, remote) = (local.display(), remote.display());
            format!("dgram,id={id},local.type=unix,local.path={local},remote.type=unix,remote.path={remote}")
        };
        let netdevs = [
            socket("n0", "card"),
            "user,id=u0,ipv6=off".into(),
            "hubport,id=h0,hubid=1,netdev=u0".into(),
            socket("d0", "network"),
            "hubport,id=h1,hubid=1,netdev=d0".into(),
        ];
        netdevs.into_iter().flat_map(|netdev| ["-netdev".into(), netdev]).collect()
    }

    /// The counts so far.
    #[must_use]
    pub fn passed(&self) -> Passed {
        Passed { up: self.up.counts(), down: self.down.counts() }
    }

    /// Sends `frame` to the card without faults. Waits until the emulator has room for it.
    ///
    /// # Panics
    /// If `frame` is empty, which the emulator takes for the end of the cable, or if the emulator
    /// has ended or does not read.
    pub fn inject(&self, frame: &[u8]) {
        assert!(!frame.is_empty(), "an empty frame ends the cable");
        self.injector.send_to(frame, &self.down.to).expect("the emulator takes frames");
    }

    /// The latest frames that the card sent, in order.
    #[must_use]
    pub fn sent_by_card(&self) -> Vec<Vec<u8>> {
        self.up.arrived()
    }

    /// The latest frames that the network sent to the card, in order.
    #[must_use]
    pub fn sent_to_card(&self) -> Vec<Vec<u8>> {
        self.down.arrived()
    }

    /// Injects `question`, which was not sent before, until the card sends an answer.
    ///
    /// # Panics
    /// If there is none within [`TIMEOUT`].
    pub fn ask(&self, question: &[u8], is_answer: impl Fn(&[u8]) -> bool) {
        let deadline = Instant::now() + TIMEOUT;
        while !self.sent_by_card().iter().any(|frame| is_answer(frame)) {
            assert!(Instant::now() < deadline, "the device does not answer");
            self.inject(question);
            std::thread::sleep(CHECK_INTERVAL);
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        for direction in [&self.up, &self.down] {
            direction.is_over.store(true, Ordering::Release);
            // The thread that waits for a frame wakes.
            let _ = direction.from.shutdown(std::net::Shutdown::Both);
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Direction {
    fn new(folder: &Path, [from, to]: [&str; 2], engine: Engine<()>) -> Arc<Self> {
        let traffic = Mutex::new(Traffic { engine, arrived: VecDeque::new() });
        let from = UnixDatagram::bind(cable_end(folder, from)).expect("a socket in a folder of our own");
        from.set_write_timeout(Some(TIMEOUT)).expect("a time-out that is not zero");
        Arc::new(Self { from, to: socket(folder, to), is_over: AtomicBool::new(false), traffic })
    }

    /// Forwards frames until `is_over`.
    fn run(&self) {
        let clock = Clock::start();
        let mut frame = vec![0; MAX_FRAME];
        loop {
            let (due, wait) = self.due(clock);
            for frame in due {
                // While the emulator is not running the frame is lost, as on an unconnected cable.
                let _ = self.from.send_to(&frame, &self.to);
            }
            self.from.set_read_timeout(wait).expect("a time-out that is not zero");
            let received = self.from.recv(&mut frame);
            if self.is_over.load(Ordering::Acquire) {
                return;
            }
            match received {
                Ok(len) => self.traffic().take(clock, &frame[..len]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(error) => panic!("no frame can be received: {error}"),
            }
        }
    }

    /// The frames that are due, and the time until the next one.
    fn due(&self, clock: Clock) -> (Vec<Vec<u8>>, Option<Duration>) {
        let mut traffic = self.traffic();
        let now = clock.now();
        let due = std::iter::from_fn(|| traffic.engine.poll(now)).map(|((), frame)| frame).collect();
        let wait = traffic.engine.deadline().map(|next| next.saturating_since(now).as_micros().max(1));
        (due, wait.map(Duration::from_micros))
    }

    fn traffic(&self) -> std::sync::MutexGuard<'_, Traffic> {
        self.traffic.lock().expect("no thread of the cable has failed")
    }

    fn counts(&self) -> Counts {
        self.traffic().engine.counts()
    }

    fn arrived(&self) -> Vec<Vec<u8>> {
        self.traffic().arrived.iter().cloned().collect()
    }
}

impl Traffic {
    fn take(&mut self, clock: Clock, frame: &[u8]) {
        self.engine.push(clock.now(), &(), frame);
        if self.arrived.len() == MAX_REMEMBERED {
            self.arrived.pop_front();
        }
        self.arrived.push_back(frame.to_vec());
    }
}

/// The path of the emulator's socket for `end`.
fn socket(folder: &Path, end: &str) -> PathBuf {
    folder.join(end)
}

/// The path of the cable's socket for `end`.
fn cable_end(folder: &Path, end: &str) -> PathBuf {
    folder.join(format!("{end}.cable"))
}
