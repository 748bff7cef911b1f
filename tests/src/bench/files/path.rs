//! The relay between client and server on its own thread, and how much of it passes.

use std::net::{SocketAddr, UdpSocket};
use std::thread::JoinHandle;
use std::time::{Duration as StdDuration, Instant};

use kabar_core::time::Duration;

use crate::bench::Error;
use crate::relay::faults::{Chance, Faults, Loss};
use crate::relay::serve::{Control, Relay, Setup};

/// Bytes of a datagram when the relay itself is measured.
const DATAGRAM: usize = 1_200;
/// Interval between two bursts then.
const TICK: StdDuration = StdDuration::from_millis(1);
/// Time without a datagram after which no more arrive.
const QUIET: StdDuration = StdDuration::from_millis(200);
/// Part of the datagrams that have to arrive.
const ARRIVED: f64 = 0.99;

/// A relay that runs until this is dropped.
#[derive(Debug)]
pub(super) struct Path {
    address: SocketAddr,
    control: Control,
    thread: Option<JoinHandle<()>>,
}

/// A path: the same in both directions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quality {
    /// Part of the datagrams that is lost.
    pub(super) loss: f64,
    pub(super) delay: Duration,
    pub(super) seed: u64,
}

impl Path {
    pub(super) fn start(server: SocketAddr, quality: Quality) -> Result<Self, Error> {
        let Quality { loss, delay, seed } = quality;
        let loss = Chance::from_share(loss).ok_or_else(|| Error::new("a loss is a share from 0 to 1"))?;
        let faults = Faults { loss: Loss::independent(loss), delay, ..Faults::NONE };
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let setup = Setup { listen, server, up: faults, down: faults, rebind: None, seed };
        let mut relay = Relay::bind(&setup).map_err(Error::io("start the relay"))?;
        let (address, control) = (relay.local_addr(), relay.control());
        let run = move || drop(relay.run(None, |_| ()));
        let thread = std::thread::Builder::new().name("relay".to_owned()).spawn(run);
        let thread = thread.map_err(Error::io("start the relay"))?;
        Ok(Self { address, control, thread: Some(thread) })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        self.control.end();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The highest rate in MB/s, of those that are tried for this time each, at which the relay passes
/// on 99 % of what one sender sends to one receiver. `None`: that is not measured.
pub(super) fn ceiling(delay: Duration, time: StdDuration) -> Result<Option<f64>, Error> {
    let mut best = None;
    for rate in [25.0, 50.0, 75.0, 100.0, 150.0, 200.0, 300.0, 400.0] {
        // Other work on the computer may disturb one trial.
        let arrived = if time.is_zero() { 0.0 } else { trial(rate, delay, time)?.max(trial(rate, delay, time)?) };
        if arrived < ARRIVED {
            break;
        }
        best = Some(rate);
    }
    Ok(best)
}

/// Sends at a rate in MB/s through a relay. Returns the part of what was due that arrives.
fn trial(rate: f64, delay: Duration, time: StdDuration) -> Result<f64, Error> {
    let bind = || {
        let socket = UdpSocket::bind("127.0.0.1:0").map_err(Error::io("create a socket"))?;
        let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 20);
        Ok::<_, Error>(socket)
    };
    let (sender, receiver) = (bind()?, bind()?);
    let server = receiver.local_addr().map_err(Error::io("create a socket"))?;
    let path = Path::start(server, Quality { loss: 0.0, delay, seed: 1 })?;
    sender.connect(path.address()).map_err(Error::io("connect a socket"))?;
    let quiet = kabar_core::time::Duration::as_micros(delay);
    let quiet = QUIET + StdDuration::from_micros(quiet);
    receiver.set_read_timeout(Some(quiet)).map_err(Error::io("set up a socket"))?;
    let counting = std::thread::spawn(move || {
        let (mut count, mut buffer) = (0_u64, [0; DATAGRAM]);
        while receiver.recv(&mut buffer).is_ok() {
            count += 1;
        }
        count
    });
    let (begin, mut sent) = (Instant::now(), 0);
    while begin.elapsed() < time {
        let due = (begin.elapsed().as_secs_f64() * rate * 1e6) as u64 / DATAGRAM as u64;
        for _ in sent..due {
            let _ = sender.send(&[0x5a; DATAGRAM]);
        }
        sent = due.max(sent);
        std::thread::sleep(TICK);
    }
    let arrived = counting.join().map_err(|_| Error::new("the receiver failed"))?;
    let due = time.as_secs_f64() * rate * 1e6 / DATAGRAM as f64;
    // The last ones may be sent a little later than they are due.
    Ok(arrived as f64 / due.max(sent as f64))
}
