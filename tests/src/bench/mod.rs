//! The benchmark: a real `kabar-server` process and real clients on loopback. Each measurement has
//! a baseline without cryptography, taken in the same run.
//!
//! * [`room`]: messages. [`rooms`]: many small rooms. [`handshake`]: joins. [`idle`]: memory per
//!   member. [`reconnect`]: recovery of all members after a crash of the server.
//! * [`work`]: the work that one datagram can cause in the server, for each kind of message.
//! * [`screen`]: the full screen of the client.
//! * [`files`]: files, and the same over another protocol.
//! * `fleet`: many clients on one thread, each with its own socket. `member`: one of them.
//! * `server`: the server's process. `usage`: processor time and memory of a process.
//! * `baseline`: the cost of the same work without Kabar. `aead`: the cost of the cryptography of
//!   packets. `latency`: percentiles.
//!
//! All clients run on one thread, so that with two cores the server has the other one.

mod aead;
pub mod baseline;
pub mod files;
mod fleet;
pub mod handshake;
pub mod idle;
mod joining;
mod latency;
mod member;
pub mod reconnect;
pub mod room;
pub mod rooms;
pub mod screen;
mod server;
mod usage;
pub mod work;

use std::fmt;
use std::path::PathBuf;

/// Parameters of every measurement.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Path of the server program.
    pub server: PathBuf,
    /// Path of this program, for baselines that run in a separate process.
    pub this: PathBuf,
    /// Additional arguments for the server.
    pub server_arguments: Vec<String>,
}

impl Setup {
    /// Uses the server program in the directory of this one, unless `server` is set.
    ///
    /// # Errors
    /// If there is no such file.
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

/// The reason why a measurement failed, in one line.
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

/// `a / b`, rounded to three digits; `None` if `b` is 0.
fn ratio(a: f64, b: f64) -> Option<f64> {
    (b > 0.0).then(|| digits(a / b, 3))
}

/// Rounded to `digits` digits after the decimal point.
fn digits(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}
