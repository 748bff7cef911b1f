//! A cable between the network card and the emulator's network on which Ethernet frames are lost,
//! doubled, held up and damaged.
//!
//! ```text
//! card <-> n0 <-- datagrams --> Wire <-- datagrams --> d0 <-> hub <-> network with DHCP, behind which this computer is
//! ```
//!
//! Each datagram is one frame, without its check sequence: what is damaged here reaches the
//! device's software, where a real card would have dropped it. The datagrams go through sockets of
//! the file system: both ends can be named before the emulator runs, no port can be taken by
//! somebody else meanwhile, and what the emulator does not read in time waits instead of being
//! lost, so that frames are lost on purpose only.

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

/// Longest frame that the emulator hands on, and more.
const MAX_FRAME: usize = 1 << 16;
/// Frames that are remembered per direction.
const MAX_REMEMBERED: usize = 256;
/// How often somebody who waits for a frame looks.
const LOOK: Duration = Duration::from_millis(1);

/// See the module's documentation.
#[derive(Debug)]
pub struct Wire {
    folder: TempDir,
    up: Arc<Direction>,
    down: Arc<Direction>,
    threads: Vec<JoinHandle<()>>,
    injector: UnixDatagram,
}

/// One way along the cable.
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
    /// The last ones that came, as they came.
    came: VecDeque<Vec<u8>>,
}

/// What happened to frames.
#[derive(Clone, Copy, Debug)]
pub struct Passed {
    /// From the card to the network.
    pub up: Counts,
    /// From the network to the card, but for those injected.
    pub down: Counts,
}

impl Wire {
    /// A cable with these faults from and to the card, drawn from `seed`.
    ///
    /// # Panics
    /// If there is no place for its sockets.
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

    /// The emulator's options that put `n0`, which the card hangs on, at one end and its network at
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

    /// What happened so far.
    #[must_use]
    pub fn passed(&self) -> Passed {
        Passed { up: self.up.counts(), down: self.down.counts() }
    }

    /// Hands `frame` to the card, as it is. Waits until the emulator has room for it.
    ///
    /// # Panics
    /// If `frame` is empty, which to the emulator is the end of the cable, or if the emulator has
    /// ended or takes nothing.
    pub fn inject(&self, frame: &[u8]) {
        assert!(!frame.is_empty(), "an empty frame ends the cable");
        self.injector.send_to(frame, &self.down.to).expect("the emulator takes frames");
    }

    /// The last frames that the card sent, the latest at the end.
    #[must_use]
    pub fn sent_by_card(&self) -> Vec<Vec<u8>> {
        self.up.came()
    }

    /// The last frames that the network sent to the card, the latest at the end.
    #[must_use]
    pub fn sent_to_card(&self) -> Vec<Vec<u8>> {
        self.down.came()
    }

    /// Injects `question`, which nobody asked before, until the card sends a frame that is the
    /// answer.
    ///
    /// # Panics
    /// If there is none within [`TIMEOUT`].
    pub fn ask(&self, question: &[u8], is_answer: impl Fn(&[u8]) -> bool) {
        let deadline = Instant::now() + TIMEOUT;
        while !self.sent_by_card().iter().any(|frame| is_answer(frame)) {
            assert!(Instant::now() < deadline, "the device does not answer");
            self.inject(question);
            std::thread::sleep(LOOK);
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        for direction in [&self.up, &self.down] {
            direction.is_over.store(true, Ordering::Release);
            // Whoever waits for a frame wakes.
            let _ = direction.from.shutdown(std::net::Shutdown::Both);
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Direction {
    fn new(folder: &Path, [from, to]: [&str; 2], engine: Engine<()>) -> Arc<Self> {
        let traffic = Mutex::new(Traffic { engine, came: VecDeque::new() });
        let from = UnixDatagram::bind(cable_end(folder, from)).expect("a socket in a folder of our own");
        from.set_write_timeout(Some(TIMEOUT)).expect("a time-out that is not zero");
        Arc::new(Self { from, to: socket(folder, to), is_over: AtomicBool::new(false), traffic })
    }

    /// Until it is over.
    fn run(&self) {
        let clock = Clock::start();
        let mut frame = vec![0; MAX_FRAME];
        loop {
            let (due, wait) = self.due(clock);
            for frame in due {
                // An emulator that is not there yet, or not any more: the frame is lost, as on a
                // cable that ends in the air.
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

    /// The frames whose time has come, and the time until the next one.
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

    fn came(&self) -> Vec<Vec<u8>> {
        self.traffic().came.iter().cloned().collect()
    }
}

impl Traffic {
    fn take(&mut self, clock: Clock, frame: &[u8]) {
        self.engine.push(clock.now(), &(), frame);
        if self.came.len() == MAX_REMEMBERED {
            self.came.pop_front();
        }
        self.came.push_back(frame.to_vec());
    }
}

/// Where the emulator has its socket for `end`.
fn socket(folder: &Path, end: &str) -> PathBuf {
    folder.join(end)
}

/// Where the cable has its own.
fn cable_end(folder: &Path, end: &str) -> PathBuf {
    folder.join(format!("{end}.cable"))
}
