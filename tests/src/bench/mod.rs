//! The benchmark: a real `kabar-server` process, real clients on loopback, and beside each
//! measurement a baseline without cryptography, taken in the same run.
//!
//! * [`room`]: messages. [`handshake`]: joining. [`idle`]: memory per member. [`reconnect`]:
//!   everybody after a crash of the server.
//! * [`work`]: what one datagram can make the server do, for each kind of message.
//! * `fleet`: many clients on one thread, each with its own socket. `member`: one of them.
//! * `server`: the server's process. `usage`: what the system says of a process.
//! * `baseline`: what the same work costs without Kabar. `aead`: what the cryptography of packets
//!   costs. `latency`: percentiles.
//!
//! The clients run on one thread, so that with two cores the server has the other.

mod aead;
pub mod baseline;
mod fleet;
pub mod handshake;
pub mod idle;
mod joining;
mod latency;
mod member;
pub mod reconnect;
pub mod room;
mod server;
mod usage;
pub mod work;

use std::fmt;
use std::path::PathBuf;

/// What every measurement needs to know.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The server program.
    pub server: PathBuf,
    /// This program, for baselines that need a process of their own.
    pub this: PathBuf,
    /// More arguments for the server.
    pub server_arguments: Vec<String>,
}

impl Setup {
    /// The server program that was built beside this one, unless another is named.
    ///
    /// # Errors
    /// If there is none.
    pub fn new(server: Option<PathBuf>, server_arguments: Vec<String>) -> Result<Self, Error> {
        let this = std::env::current_exe().map_err(Error::io("find this program"))?;
        let server =
            server.unwrap_or_else(|| this.with_file_name(format!("kabar-server{}", std::env::consts::EXE_SUFFIX)));
        if !server.is_file() {
            let how =
                "build it with the same profile (cargo build --release -p kabar-server), or name it with --server";
            return Err(Error::new(format!("there is no {}: {how}", server.display())));
        }
        Ok(Self { server, this, server_arguments })
    }
}

/// A measurement could not be taken, in one line.
#[derive(Debug)]
pub struct Error(String);

impl Error {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |error| {
            let many = matches!(error.raw_os_error(), Some(23 | 24));
            let hint = if many { " (each member needs an open file: raise `ulimit -n`)" } else { "" };
            Self(format!("cannot {what}: {error}{hint}"))
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// `a / b`, with as many digits as are worth reading; `None` when there is nothing to divide by.
fn ratio(a: f64, b: f64) -> Option<f64> {
    (b > 0.0).then(|| digits(a / b, 3))
}

/// Rounded to `digits` digits behind the point.
fn digits(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}
