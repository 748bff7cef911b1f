//! Messages: posted by one or several, delivered to everybody, each counted.

mod timeline;

use kabar_core::time::Duration;
use serde::Serialize;

use super::baseline::{Forwarded, Forwarder, Load};
use super::fleet::{Fleet, Traffic};
use super::joining::{join, seconds, settle};
use super::latency::Percentiles;
use super::server::Server;
use super::usage::Cpu;
use super::{Error, Setup, aead, digits, ratio};
use timeline::Timeline;

/// Bytes at the front of each post: who posted it, its number, when.
pub const MIN_PAYLOAD: usize = 32;
/// Members who join at the same time.
const AT_ONCE: usize = 12;
/// Asked-for idle time-out: nobody says anything for its own sake meanwhile.
const IDLE_S: u16 = 3_600;
/// Nothing may come for so long before it begins.
const QUIET: Duration = Duration::from_millis(300);
/// Without any delivery for so long it has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest time the baseline is measured.
const BASELINE: Duration = Duration::from_secs(3);
/// Datagrams that the baseline has under way at most when it is not paced: more would be lost.
const BASELINE_WINDOW: usize = 8;

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Members, those who post included.
    pub members: usize,
    /// Bytes of each post.
    pub payload: usize,
    /// How fast.
    pub rate: Rate,
    /// Seconds during which is posted.
    pub seconds: f64,
    /// Members who post, in turn.
    pub posters: usize,
    /// Posts that not everybody has yet, at most, when the rate is [`Rate::Max`].
    pub window: usize,
}

/// How fast is posted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// So many a second, all posters together, whether or not earlier ones have arrived.
    Paced(f64),
    /// As fast as it goes with a bounded number on their way.
    Max,
    /// The next when everybody has the one before.
    Lockstep,
}

impl std::str::FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "max" => Ok(Self::Max),
            "lockstep" => Ok(Self::Lockstep),
            _ => text
                .parse()
                .ok()
                .filter(|rate| (0.01..=1e6).contains(rate))
                .map(Self::Paced)
                .ok_or_else(|| "it is posts per second, `max` or `lockstep`".to_owned()),
        }
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Paced(rate) => rate.fmt(f),
            Self::Max => f.write_str("max"),
            Self::Lockstep => f.write_str("lockstep"),
        }
    }
}

/// What came out.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    mode: &'static str,
    members: usize,
    payload: usize,
    rate: String,
    posters: usize,
    posts: u64,
    /// Entries that reached a member other than their author.
    deliveries: u64,
    /// Deliveries that did not happen.
    missing: u64,
    elapsed_s: f64,
    deliveries_per_s: f64,
    /// From post to entry at another member. If the rate is given, from when it was due.
    latency: Percentiles,
    server: ServerShare,
    datagrams: Datagrams,
    baseline: Forwarded,
    /// This, divided by the baseline.
    to_baseline: ToBaseline,
}

/// What it took of the server.
#[derive(Clone, Copy, Debug, Serialize)]
struct ServerShare {
    user_s_per_100k: f64,
    system_s_per_100k: f64,
    cpu_s_per_100k: f64,
    /// Of that, the cryptography of packets, as measured beside it.
    aead_s_per_100k: f64,
    /// User time without that cryptography, as a part of user time ...
    other_of_user: Option<f64>,
    /// ... and as a part of all processor time.
    other_of_cpu: Option<f64>,
    resident_kib: u64,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Datagrams {
    to_members: u64,
    from_members: u64,
    bytes_to_members: u64,
    /// Entries per datagram at members who do not post.
    messages_per_datagram: Option<f64>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct ToBaseline {
    cpu: Option<f64>,
    deliveries_per_s: Option<f64>,
    p50: Option<f64>,
}

/// Measures.
///
/// # Errors
/// [`Error`], also if not everything arrived.
pub fn run(setup: &Setup, options: Options) -> Result<Report, Error> {
    let server = Server::start(setup, None)?;
    let mut fleet = Fleet::new(server.target(), IDLE_S)?;
    join(&mut fleet, options.members, options.posters, AT_ONCE)?;
    settle(&mut fleet, QUIET)?;

    let (cpu, traffic) = (server.cpu()?, fleet.traffic());
    let read_before: u64 = readers(&options).map(|seat| fleet.received(seat)).sum();
    let mut timeline = Timeline::new(&options, fleet.now());
    timeline.run(&mut fleet, &options)?;
    let (traffic, cpu) = (fleet.traffic().since(traffic), server.cpu()?.since(cpu));
    let read = readers(&options).map(|seat| fleet.received(seat)).sum::<u64>() - read_before;
    let resident = server.resident()?;
    drop((fleet, server));
    report(setup, &options, timeline, Measured { cpu, traffic, read, resident })
}

struct Measured {
    cpu: Cpu,
    traffic: Traffic,
    /// Datagrams received by those who do not post.
    read: u64,
    resident: u64,
}

fn readers(options: &Options) -> std::ops::Range<usize> {
    options.posters..options.members
}

fn report(setup: &Setup, options: &Options, timeline: Timeline, measured: Measured) -> Result<Report, Error> {
    let Measured { cpu, traffic, read, resident } = measured;
    let deliveries = timeline.latencies.len() as u64;
    let expected = timeline.posted * (options.members as u64 - 1);
    let per_100k = |seconds: f64| digits(seconds * 1e5 / deliveries.max(1) as f64, 3);
    let aead = aead::seconds(traffic.received, traffic.received_bytes, traffic.sent, traffic.sent_bytes);
    let other = (cpu.user - aead).max(0.0);
    let elapsed = seconds(timeline.last.saturating_since(timeline.begin));
    let deliveries_per_s = digits(deliveries as f64 / elapsed.max(1e-6), 0);
    let cpu_s_per_100k = per_100k(cpu.total());
    let posted = timeline.posted;
    let latency = timeline.latencies.percentiles();

    let baseline = baseline(setup, options)?;
    Ok(Report {
        mode: "room",
        members: options.members,
        payload: options.payload,
        rate: options.rate.to_string(),
        posters: options.posters,
        posts: posted,
        deliveries,
        missing: expected - deliveries,
        elapsed_s: digits(elapsed, 3),
        deliveries_per_s,
        latency,
        server: ServerShare {
            user_s_per_100k: per_100k(cpu.user),
            system_s_per_100k: per_100k(cpu.system),
            cpu_s_per_100k,
            aead_s_per_100k: per_100k(aead),
            other_of_user: ratio(other, cpu.user),
            other_of_cpu: ratio(other, cpu.total()),
            resident_kib: resident / 1024,
        },
        datagrams: Datagrams {
            to_members: traffic.received,
            from_members: traffic.sent,
            bytes_to_members: traffic.received_bytes,
            messages_per_datagram: ratio((posted * readers(options).len() as u64) as f64, read as f64),
        },
        baseline,
        to_baseline: ToBaseline {
            cpu: ratio(cpu_s_per_100k, baseline.cpu_s_per_100k),
            deliveries_per_s: ratio(deliveries_per_s, baseline.deliveries_per_s),
            p50: ratio(latency.p50_ms, baseline.latency.p50_ms),
        },
    })
}

/// Forwarding of datagrams as long as one that carries one entry, to as many, as fast.
fn baseline(setup: &Setup, options: &Options) -> Result<Forwarded, Error> {
    let mut forwarder = Forwarder::start(setup)?;
    forwarder.register(options.members)?;
    // An entry's head with a name of 6 bytes, a frame's head, a packet's overhead (SPEC 5.2, 6.2,
    // 8).
    let bytes = (options.payload + 46 + 4 + 33).min(1200);
    let (interval, window) = match options.rate {
        Rate::Paced(rate) => (Some(std::time::Duration::from_secs_f64(1.0 / rate)), usize::MAX),
        Rate::Max => (None, BASELINE_WINDOW),
        Rate::Lockstep => (None, 1),
    };
    let time = std::time::Duration::from_secs_f64(options.seconds.min(seconds(BASELINE)));
    forwarder.run(Load { bytes, interval, window, time })
}
