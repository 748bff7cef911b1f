//! Baselines: the cost of the same work without Kabar. A process that forwards datagrams unchanged,
//! and a bare RSA operation.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kabar_core::crypto::rsa::{AnyRsaPrivateKey, KeySize, PrivateKey, RawPrivate};
use mio::{Events, Interest, Poll, Token};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde::Serialize;

use super::latency::{Latencies, Percentiles};
use super::usage::{Cpu, resident};
use super::{Error, Setup, digits};

/// First byte of a datagram that registers its sender; the same datagram is the answer.
const REGISTER: u8 = b'R';
/// First byte of a datagram that is forwarded.
const PASS: u8 = b'P';
/// Time without a datagram after which the missing ones count as lost.
const LOST: Duration = Duration::from_millis(200);
/// Time for which the RSA operation is repeated.
const OPERATIONS: Duration = Duration::from_secs(1);

/// Runs the forwarding process: sends each datagram to every registered address except its sender.
/// Ends when its input ends.
///
/// # Errors
/// If no socket is available.
pub fn forward() -> Result<(), Error> {
    let socket = UdpSocket::bind("127.0.0.1:0").map_err(Error::io("create a socket"))?;
    let socket = socket2::Socket::from(socket);
    let _ = socket.set_recv_buffer_size(4 << 20);
    let socket = UdpSocket::from(socket);
    println!("{}", socket.local_addr().map_err(Error::io("create a socket"))?);
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let (mut known, mut order) = (HashSet::new(), Vec::new());
    let mut buffer = [0; 2048];
    loop {
        let Ok((len, from)) = socket.recv_from(&mut buffer) else { continue };
        let datagram = &buffer[..len];
        if datagram.first() == Some(&REGISTER) {
            if known.insert(from) {
                order.push(from);
            }
            let _ = socket.send_to(datagram, from);
        } else {
            for to in order.iter().filter(|to| **to != from) {
                let _ = socket.send_to(datagram, to);
            }
        }
    }
}

/// The forwarding process, and the sockets registered with it.
pub(super) struct Forwarder {
    child: Child,
    server: SocketAddr,
    poll: Poll,
    sockets: Vec<mio::net::UdpSocket>,
}

/// The result of forwarding.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Forwarded {
    /// Bytes per datagram.
    pub datagram_bytes: usize,
    /// Datagrams that arrived, per second.
    pub deliveries_per_s: f64,
    /// Datagrams that did not arrive.
    pub lost: u64,
    /// Time from sending to receiving.
    pub latency: Percentiles,
    /// Processor time of the forwarding process in seconds per 100,000 datagrams that arrived.
    pub cpu_s_per_100k: f64,
}

/// The load for the forwarding process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) bytes: usize,
    /// Interval between two datagrams, if they are paced.
    pub(super) interval: Option<Duration>,
    /// Largest number of datagrams that were sent and not yet received by everybody.
    pub(super) window: usize,
    pub(super) time: Duration,
}

impl Forwarder {
    pub(super) fn start(setup: &Setup) -> Result<Self, Error> {
        let mut command = Command::new(&setup.this);
        command.arg("baseline-forward").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(Error::io("start the baseline"))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            let _ = BufReader::new(stdout).read_line(&mut line);
        }
        let poll = Poll::new().map_err(Error::io("wait for sockets"))?;
        let Ok(server) = line.trim().parse() else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(Error::new("the baseline did not start"));
        };
        Ok(Self { child, server, poll, sockets: Vec::new() })
    }

    pub(super) fn resident(&self) -> Result<u64, Error> {
        resident(self.child.id())
    }

    /// Registers `members` more sockets.
    pub(super) fn register(&mut self, members: usize) -> Result<(), Error> {
        for _ in 0..members {
            let mut socket = super::fleet::socket(self.server).map_err(Error::io("create a socket"))?;
            let token = Token(self.sockets.len());
            self.poll
                .registry()
                .register(&mut socket, token, Interest::READABLE)
                .map_err(Error::io("register a socket"))?;
            let mut answer = [0; 8];
            let begin = Instant::now();
            while begin.elapsed() < Duration::from_secs(10) {
                let _ = socket.send(&[REGISTER]);
                let mut events = Events::with_capacity(64);
                let _ = self.poll.poll(&mut events, Some(LOST));
                if socket.recv(&mut answer).is_ok() {
                    break;
                }
            }
            self.sockets.push(socket);
        }
        Ok(())
    }

    /// Sends from the socket that registered first; all others receive.
    pub(super) fn run(&mut self, load: Load) -> Result<Forwarded, Error> {
        let Load { bytes, interval, window, time } = load;
        let receivers = self.sockets.len() as u64 - 1;
        let cpu = Cpu::of(self.child.id())?;
        let begin = Instant::now();
        let (mut events, mut buffer) = (Events::with_capacity(1024), [0; 2048]);
        let mut datagram = vec![PASS; bytes.max(16)];
        let (mut sent, mut arrived, mut lost) = (0_u64, 0_u64, 0_u64);
        let mut latencies = Latencies::default();
        let mut last = begin;
        while begin.elapsed() < time || arrived + lost < sent * receivers {
            // Datagrams that were counted as lost may arrive late.
            lost = lost.min(sent * receivers - arrived);
            let outstanding = (sent * receivers - arrived - lost).div_ceil(receivers.max(1));
            let is_due = interval.is_none_or(|interval| begin.elapsed() >= interval.mul_f64(sent as f64));
            if begin.elapsed() < time && outstanding < window as u64 && is_due {
                datagram[8..16].copy_from_slice(&(begin.elapsed().as_micros() as u64).to_be_bytes());
                let _ = self.sockets[0].send(&datagram);
                sent += 1;
                last = if outstanding == 0 { Instant::now() } else { last };
            }
            let _ = self.poll.poll(&mut events, Some(Duration::ZERO));
            for event in &events {
                while let Ok(len) = self.sockets[event.token().0].recv(&mut buffer) {
                    let stamp = buffer.get(8..16).and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes);
                    if len >= 16 && buffer[0] == PASS {
                        arrived += 1;
                        last = Instant::now();
                        latencies.push((begin.elapsed().as_micros() as u64).saturating_sub(stamp.unwrap_or_default()));
                    }
                }
            }
            if last.elapsed() > LOST {
                lost = sent * receivers - arrived;
            }
        }
        let elapsed = last.saturating_duration_since(begin).as_secs_f64();
        let cpu = Cpu::of(self.child.id())?.since(cpu).total();
        Ok(Forwarded {
            datagram_bytes: datagram.len(),
            deliveries_per_s: digits(arrived as f64 / elapsed.max(1e-6), 0),
            lost,
            latency: latencies.percentiles(),
            cpu_s_per_100k: digits(cpu * 1e5 / arrived.max(1) as f64, 3),
        })
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Milliseconds of one bare RSA private operation: the fastest of one second, so that other load on
/// the computer matters least.
pub(super) fn rsa_ms(size: KeySize) -> Result<f64, Error> {
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    let key = AnyRsaPrivateKey::generate(size, &mut rng);
    let mut number = vec![0; key.modulus().len()];
    let (begin, mut quickest) = (Instant::now(), f64::INFINITY);
    while begin.elapsed() < OPERATIONS {
        number.fill(0x17);
        let this = Instant::now();
        key.raw_private(&mut rng, &mut number).map_err(|error| Error::new(error.to_string()))?;
        quickest = quickest.min(this.elapsed().as_secs_f64());
    }
    Ok(quickest * 1e3)
}
