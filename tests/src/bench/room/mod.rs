//! Messages: posted by one or several members, delivered to all, each counted.

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

/// Bytes at the front of each post: poster, number, time.
pub const MIN_PAYLOAD: usize = 32;
/// Members joining at the same time.
const AT_ONCE: usize = 12;
/// Idle timeout that members state: long, so that no keep-alives are sent during the measurement.
const IDLE_S: u16 = 3_600;
/// Time without a datagram before the measurement begins.
const QUIET: Duration = Duration::from_millis(300);
/// Time without a delivery after which the measurement fails.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Longest time for which the baseline is measured.
const BASELINE: Duration = Duration::from_secs(3);
/// Most datagrams in flight in the baseline when it is not paced: more would be lost.
const BASELINE_WINDOW: usize = 8;

/// Parameters.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Number of members, posters included.
    pub members: usize,
    /// Bytes per post.
    pub payload: usize,
    /// The rate of posts.
    pub rate: Rate,
    /// Seconds during which members post.
    pub seconds: f64,
    /// Members that post, in turn.
    pub posters: usize,
    /// With [`Rate::Max`], the most posts that are not delivered to all members yet.
    pub window: usize,
}

/// The rate of posts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// Posts per second by all posters together, whether or not earlier posts have arrived.
    Paced(f64),
    /// As fast as possible, with a bounded number in flight.
    Max,
    /// The next post when all members have the one before.
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
                .ok_or_else(|| "expected posts per second, `max` or `lockstep`".to_owned()),
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

/// Results.
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
    /// Deliveries that are missing.
    missing: u64,
    elapsed_s: f64,
    deliveries_per_s: f64,
    /// Time from post to delivery at another member. With a paced rate, from the time at which the
    /// post was due.
    latency: Percentiles,
    server: ServerShare,
    datagrams: Datagrams,
    baseline: Forwarded,
    /// The results, divided by the baseline.
    to_baseline: ToBaseline,
}

/// Resources that the server used.
#[derive(Clone, Copy, Debug, Serialize)]
struct ServerShare {
    user_s_per_100k: f64,
    system_s_per_100k: f64,
    cpu_s_per_100k: f64,
    /// Part of `cpu_s_per_100k`: the cryptography of packets, as measured in the same run.
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
    /// Entries per datagram at members that do not post.
    messages_per_datagram: Option<f64>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct ToBaseline {
    cpu: Option<f64>,
    deliveries_per_s: Option<f64>,
    p50: Option<f64>,
}

/// Runs the measurement.
///
/// # Errors
/// [`Error`], also if a post is missing at a member.
pub fn run(setup: &Setup, options: Options) -> Result<Report, Error> {
    let server = Server::start(setup, None)?;
    let mut fleet = Fleet::new(server.target(), IDLE_S)?;
    join(&mut fleet, options.members, options.posters, AT_ONCE)?;
    settle(&mut fleet, QUIET)?;

    let (cpu, traffic) = (server.cpu()?, fleet.traffic());
    let read_before: u64 = readers(&options).map(|slot| fleet.received(slot)).sum();
    let mut timeline = Timeline::new(&options, fleet.now());
    timeline.run(&mut fleet, &options)?;
    let (traffic, cpu) = (fleet.traffic().since(traffic), server.cpu()?.since(cpu));
    let read = readers(&options).map(|slot| fleet.received(slot)).sum::<u64>() - read_before;
    let resident = server.resident()?;
    drop((fleet, server));
    report(setup, &options, timeline, Measured { cpu, traffic, read, resident })
}

struct Measured {
    cpu: Cpu,
    traffic: Traffic,
    /// Datagrams received by members that do not post.
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

/// Forwards datagrams of the length of one that carries one entry, to the same number of receivers
/// and at the same rate.
fn baseline(setup: &Setup, options: &Options) -> Result<Forwarded, Error> {
    let mut forwarder = Forwarder::start(setup)?;
    forwarder.register(options.members)?;
    // Header of an entry whose author has a name of 6 bytes, header of a frame, overhead of a
    // packet (SPEC 5.1, 6.3, 8).
    let bytes = (options.payload + 46 + 4 + 33).min(1200);
    let (interval, window) = match options.rate {
        Rate::Paced(rate) => (Some(std::time::Duration::from_secs_f64(1.0 / rate)), usize::MAX),
        Rate::Max => (None, BASELINE_WINDOW),
        Rate::Lockstep => (None, 1),
    };
    let time = std::time::Duration::from_secs_f64(options.seconds.min(seconds(BASELINE)));
    forwarder.run(Load { bytes, interval, window, time })
}
