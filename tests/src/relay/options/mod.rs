//! The command line of `kabar-relay`.

use std::net::SocketAddr;

use clap::{Parser, ValueEnum};
use kabar_core::time::Duration;
use kabar_std::address::{HostPort, parse_listen};

use super::faults::{BurstTooShort, Chance, Faults, Loss};

/// Forwards datagrams between clients and a server with deliberate faults.
///
/// Clients join with the server's invite, with the relay's address in place of the server's. Faults
/// are drawn independently for each datagram and direction. A probability P is written as 30% or as
/// 0.3 (so 1 means always).
///
/// Ctrl-C ends the relay and prints a table of counters; SIGUSR1 prints the table without ending
/// it.
#[derive(Debug, Parser)]
#[command(name = "kabar-relay", version)]
pub struct Options {
    /// Address to listen on: IP:PORT, IP, or PORT (0: any free port).
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0", value_parser = parse_listen)]
    pub listen: SocketAddr,

    /// Address of the server: HOST or HOST:PORT.
    #[arg(long, value_name = "ADDR")]
    pub to: HostPort,

    /// Lose datagrams.
    #[arg(long, value_name = "P", default_value_t)]
    pub loss: Chance,

    /// Lose them in bursts of N on average, at the same total rate.
    #[arg(long, value_name = "N", requires = "loss")]
    pub burst: Option<f64>,

    /// Duplicate datagrams.
    #[arg(long, value_name = "P", default_value_t)]
    pub dup: Chance,

    /// Hold datagrams back, so that later ones overtake them.
    #[arg(long, value_name = "P", default_value_t)]
    pub reorder: Chance,

    /// Longest time that a datagram is held back.
    #[arg(long, value_name = "MS", default_value = "30", value_parser = parse_millis)]
    pub hold: Duration,

    /// Flip one to three bits of a datagram, like a bad line; the receiver counts it as damaged.
    #[arg(long, value_name = "P", default_value_t)]
    pub corrupt: Chance,

    /// Flip bits and repair the checksum, like an attacker; the receiver counts the datagram as not
    /// authentic.
    #[arg(long, value_name = "P", default_value_t)]
    pub forge: Chance,

    /// Delay every datagram.
    #[arg(long, value_name = "MS", default_value = "0", value_parser = parse_millis)]
    pub delay: Duration,

    /// Delay each datagram by up to this much more (so that some overtake others).
    #[arg(long, value_name = "MS", default_value = "0", value_parser = parse_millis)]
    pub jitter: Duration,

    /// Drop datagrams larger than this, not counting IP and UDP headers.
    #[arg(long, value_name = "BYTES")]
    pub mtu: Option<usize>,

    /// Apply the faults only on the way to the server, or only on the way back.
    #[arg(long, value_enum)]
    pub only: Option<Direction>,

    /// Give each client another port towards the server at this interval, like an address
    /// translation whose entry expired.
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub rebind: Option<Duration>,

    /// Print the table at this interval.
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub report: Option<Duration>,

    /// Seed of the faults; the same seed draws the same faults [default: random].
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Direction {
    /// To the server.
    Up,
    /// To the clients.
    Down,
}

impl Options {
    /// The faults towards the server, and towards the clients.
    ///
    /// # Errors
    /// [`BurstTooShort`].
    pub fn faults(&self) -> Result<(Faults, Faults), BurstTooShort> {
        let faults = Faults {
            loss: self.burst.map_or(Ok(Loss::independent(self.loss)), |len| Loss::in_bursts(self.loss, len))?,
            max_len: self.mtu,
            duplicate: self.dup,
            reorder: self.reorder,
            max_hold: self.hold,
            corrupt: self.corrupt,
            forge: self.forge,
            delay: self.delay,
            jitter: self.jitter,
        };
        Ok(match self.only {
            None => (faults, faults),
            Some(Direction::Up) => (faults, Faults::NONE),
            Some(Direction::Down) => (Faults::NONE, faults),
        })
    }
}

/// Longest time that an option accepts, in seconds.
const MAX_TIME: f64 = 86_400.0;

fn parse_millis(text: &str) -> Result<Duration, &'static str> {
    let millis: Option<f64> = text.strip_suffix("ms").unwrap_or(text).parse().ok();
    let millis = millis.filter(|millis| (0.0..=MAX_TIME * 1e3).contains(millis));
    millis.map(|millis| Duration::from_micros((millis * 1e3) as u64)).ok_or("a time is a number of milliseconds")
}

fn parse_seconds(text: &str) -> Result<Duration, &'static str> {
    let seconds: Option<f64> = text.strip_suffix('s').unwrap_or(text).parse().ok();
    let seconds = seconds.filter(|seconds| (0.001..=MAX_TIME).contains(seconds));
    seconds.map(|seconds| Duration::from_micros((seconds * 1e6) as u64)).ok_or("a time is a number of seconds above 0")
}

#[cfg(test)]
mod tests;
