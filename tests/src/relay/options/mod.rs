//! The command line of `kabar-relay`.

use std::net::SocketAddr;

use clap::{Parser, ValueEnum};
use kabar_core::time::Duration;
use kabar_std::address::{HostPort, parse_listen};

use super::faults::{Chance, Faults, Loss, RowTooShort};

/// Passes datagrams between clients and a server, and treats them badly on the way.
///
/// Clients join through it with the server's invite in which its address stands instead of the
/// server's. What happens is drawn for each datagram and each direction. A chance P is written as
/// 30% or as 0.3 (so 1 is always).
///
/// Ctrl-C ends it with a table of what happened; SIGUSR1 shows the table in between.
#[derive(Debug, Parser)]
#[command(name = "kabar-relay", version)]
pub struct Options {
    /// Where clients reach it: IP:PORT, IP, or PORT (0: any that is free).
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0", value_parser = parse_listen)]
    pub listen: SocketAddr,

    /// Where the server is: HOST or HOST:PORT.
    #[arg(long, value_name = "ADDR")]
    pub to: HostPort,

    /// Lose a datagram.
    #[arg(long, value_name = "P", default_value_t)]
    pub loss: Chance,

    /// Lose as many, but in rows of N on average.
    #[arg(long, value_name = "N", requires = "loss")]
    pub burst: Option<f64>,

    /// Send a datagram twice.
    #[arg(long, value_name = "P", default_value_t)]
    pub dup: Chance,

    /// Hold a datagram up, so that later ones overtake it.
    #[arg(long, value_name = "P", default_value_t)]
    pub reorder: Chance,

    /// At most how long.
    #[arg(long, value_name = "MS", default_value = "30", value_parser = parse_millis)]
    pub hold: Duration,

    /// Turn one to three bits of a datagram, as a bad line does: it is found to be damaged.
    #[arg(long, value_name = "P", default_value_t)]
    pub corrupt: Chance,

    /// Turn bits and make the checksum match again, as an attacker does: it is found to be not
    /// authentic.
    #[arg(long, value_name = "P", default_value_t)]
    pub forge: Chance,

    /// Let each datagram take this long.
    #[arg(long, value_name = "MS", default_value = "0", value_parser = parse_millis)]
    pub delay: Duration,

    /// And up to so much longer (which lets some overtake others).
    #[arg(long, value_name = "MS", default_value = "0", value_parser = parse_millis)]
    pub jitter: Duration,

    /// Lose datagrams that are larger than this, not counting the headers of IP and UDP.
    #[arg(long, value_name = "BYTES")]
    pub mtu: Option<usize>,

    /// Let all this happen on the way to the server only, or on the way back only.
    #[arg(long, value_enum)]
    pub only: Option<Direction>,

    /// Give each client another port towards the server every so often, as an address translation
    /// does that forgets.
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub rebind: Option<Duration>,

    /// Show the table every so often.
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub report: Option<Duration>,

    /// Draw the same again [default: any].
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// One way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Direction {
    /// To the server.
    Up,
    /// To the clients.
    Down,
}

impl Options {
    /// What happens on the way up, and on the way down.
    ///
    /// # Errors
    /// [`RowTooShort`].
    pub fn faults(&self) -> Result<(Faults, Faults), RowTooShort> {
        let faults = Faults {
            loss: self.burst.map_or(Ok(Loss::each(self.loss)), |len| Loss::in_rows(self.loss, len))?,
            largest: self.mtu,
            duplicate: self.dup,
            reorder: self.reorder,
            hold: self.hold,
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

/// Longest time that can be asked for, in seconds.
const LONGEST: f64 = 86_400.0;

fn parse_millis(text: &str) -> Result<Duration, &'static str> {
    let millis: Option<f64> = text.strip_suffix("ms").unwrap_or(text).parse().ok();
    let millis = millis.filter(|millis| (0.0..=LONGEST * 1e3).contains(millis));
    millis.map(|millis| Duration::from_micros((millis * 1e3) as u64)).ok_or("a time is a number of milliseconds")
}

fn parse_seconds(text: &str) -> Result<Duration, &'static str> {
    let seconds: Option<f64> = text.strip_suffix('s').unwrap_or(text).parse().ok();
    let seconds = seconds.filter(|seconds| (0.001..=LONGEST).contains(seconds));
    seconds.map(|seconds| Duration::from_micros((seconds * 1e6) as u64)).ok_or("a time is a number of seconds above 0")
}

#[cfg(test)]
mod tests;
