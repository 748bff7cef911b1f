//! Replays a recorded exchange: the same calls give the same bytes on every processor.
//!
//! A script contains a driver's calls, with the time of each call and every datagram received. A
//! [`Replay`] makes these calls on a client and logs the results: each datagram, each event, and
//! when the client wants to be called again. Time, network and randomness are in the script, so a
//! log that differs from a host's shows a fault of the board's compiler or code.
//!
//! A script is a sequence of steps, integers big-endian:
//!
//! ```text
//! length u16 | now u64, us | call u8 | by call:
//!   1 start      seed 32, server, fingerprint 20, secret 16, identity 32, tick u32 in us, room and name (length u8 each)
//!   2 datagram   from, the datagram
//!   3 time-out
//!   4 post       kind u8, the body
//!   5 who
//!   6 history    before u64, count u8
//!   7 leave
//! server, from: IPv4 address 4, port u16
//! ```
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

use core::fmt;
use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use kabar_core::chat::{EntryKind, ROOM_SECRET_LEN, Request};
use kabar_core::client::{ClientCounters, ConfigError, Event, Output, PostError, RoomSlot, State};
use kabar_core::crypto::identity::Identity;
use kabar_core::internals::io::{BufferFull, DecodeError, Reader, Writer};
use kabar_core::session::{FINGERPRINT_LEN, Fingerprint};
use kabar_core::time::{Duration, Instant};

use kabar_device::profile::{self, DATAGRAM_LEN, DeviceClient, MESSAGE_LEN};

/// Longest step in bytes, without its length field: a post of the largest message, or a datagram.
pub const MAX_STEP_LEN: usize = 16 + if MESSAGE_LEN > DATAGRAM_LEN { MESSAGE_LEN } else { DATAGRAM_LEN };

/// One call of a driver.
#[derive(Clone, Copy, Debug)]
pub enum Call<'a> {
    /// [`kabar_core::client::Client::start`].
    Start(Start<'a>),
    /// `handle_datagram`.
    Datagram {
        /// The sender.
        from: SocketAddrV4,
        /// The datagram, at most [`DATAGRAM_LEN`] bytes.
        bytes: &'a [u8],
    },
    /// `handle_timeout`.
    Timeout,
    /// `post`.
    Post(EntryKind, &'a [u8]),
    /// `who`.
    Who,
    /// `history`.
    History {
        /// The entry before which it ends; 0: the head.
        before: u64,
        /// Entries, 1 to 200.
        count: u8,
    },
    /// `leave`.
    Leave,
}

/// The arguments of a start: see [`profile::config`].
#[derive(Clone, Copy)]
pub struct Start<'a> {
    /// Seeds all randomness of the client.
    pub seed: [u8; 32],
    /// The server's address.
    pub server: SocketAddrV4,
    /// The server's key.
    pub fingerprint: Fingerprint,
    /// The room's secret.
    pub secret: [u8; ROOM_SECRET_LEN],
    /// The seed of the key that owns the name.
    pub identity: &'a [u8; 32],
    /// Granularity of the clock in us.
    pub tick_us: u32,
    /// The room.
    pub room: &'a str,
    /// The requested name.
    pub name: &'a str,
}

impl fmt::Debug for Start<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Start").field("room", &self.room).field("name", &self.name).finish_non_exhaustive()
    }
}

/// A result of a step, in order. Its `Display` is one line of the log.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// The step begins.
    Step {
        /// 1, 2, 3, ...
        number: u32,
        /// The time of the call.
        now: Instant,
        /// The call.
        call: &'a Call<'a>,
    },
    /// The result of `start`.
    Started(Result<(), ConfigError>),
    /// The result of `post`.
    Posted(Result<u64, PostError>),
    /// The result of `who` or `history`.
    Asked(bool),
    /// A datagram is sent.
    Datagram {
        /// The receiver.
        to: SocketAddr,
        /// The datagram.
        bytes: &'a [u8],
    },
    /// The client reported an event.
    Event(&'a Event<'a>),
    /// The client has nothing more to do.
    Idle {
        /// When it wants to be called.
        due: Option<Instant>,
        /// Its state.
        state: State,
        /// Posts that are neither stored nor refused.
        unsettled: u64,
        /// Its estimate of the round-trip time.
        rtt: Option<Duration>,
    },
    /// The counters after the last step.
    Counted(&'a ClientCounters),
}

/// Why a script was not replayed to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayError {
    /// A step is malformed.
    Malformed(DecodeError),
    /// A step, or a datagram in it, exceeds the maximum length.
    TooLong,
    /// The script ends within a step.
    Truncated,
    /// The log cannot be written.
    Log,
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed(_) => "a step of the script is malformed",
            Self::TooLong => "a step of the script is too long",
            Self::Truncated => "the script ends within a step",
            Self::Log => "the log cannot be written",
        })
    }
}

impl core::error::Error for ReplayError {}

/// A client that a script drives. All zero when new, so that a `static` one takes no flash.
#[derive(Debug)]
pub struct Replay {
    client: DeviceClient,
    steps: u32,
    due: Option<Instant>,
    datagram: [u8; DATAGRAM_LEN],
}

impl Replay {
    /// An idle client.
    #[must_use]
    pub const fn new() -> Self {
        Self { client: profile::client(), steps: 0, due: None, datagram: [0; DATAGRAM_LEN] }
    }

    /// The client.
    #[must_use]
    pub const fn client(&self) -> &DeviceClient {
        &self.client
    }

    /// When the client has something to do, as it reported after the last step.
    #[must_use]
    pub const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Replays a whole script and writes a line to `log` for each [`Outcome`]. `read` fills the
    /// whole buffer with the next bytes of the script, or returns `false` if there are fewer.
    ///
    /// # Errors
    /// [`ReplayError`]; the log is complete up to there.
    pub fn run(
        &mut self,
        mut read: impl FnMut(&mut [u8]) -> bool,
        log: &mut impl fmt::Write,
    ) -> Result<(), ReplayError> {
        let mut result = Ok(());
        let mut report = |outcome: Outcome<'_>| {
            if writeln!(log, "{outcome}").is_err() {
                result = Err(ReplayError::Log);
            }
        };
        let mut len = [0; 2];
        let mut step = [0; MAX_STEP_LEN];
        while read(&mut len) {
            let step = step.get_mut(..u16::from_be_bytes(len).into()).ok_or(ReplayError::TooLong)?;
            if !read(step) {
                return Err(ReplayError::Truncated);
            }
            self.step(step, &mut report)?;
        }
        report(Outcome::Counted(&self.client.counters()));
        result
    }

    /// Makes the call of one step, given without its length field, and drains the client's output.
    ///
    /// # Errors
    /// [`ReplayError`]; nothing was called.
    pub fn step(&mut self, step: &[u8], mut report: impl FnMut(Outcome<'_>)) -> Result<(), ReplayError> {
        let (now, call) = decode(step).map_err(ReplayError::Malformed)?;
        self.steps = self.steps.saturating_add(1);
        report(Outcome::Step { number: self.steps, now, call: &call });
        match call {
            Call::Start(start) => {
                let Start { fingerprint, secret, room, name, identity, tick_us, .. } = start;
                let server = start.server.into();
                let identity = Identity::from_seed(identity);
                let config = profile::config(server, fingerprint, secret, room, name, &identity, tick_us);
                report(Outcome::Started(self.client.start(&config, start.seed, now)));
            }
            Call::Datagram { from, bytes } => {
                // The client decrypts in place.
                let datagram = self.datagram.get_mut(..bytes.len()).ok_or(ReplayError::TooLong)?;
                datagram.copy_from_slice(bytes);
                self.client.handle_datagram(now, from.into(), datagram);
            }
            Call::Timeout => self.client.handle_timeout(now),
            Call::Post(kind, body) => report(Outcome::Posted(self.client.post(RoomSlot::FIRST, kind, body))),
            Call::Who => {
                report(Outcome::Asked(self.client.request(now, RoomSlot::FIRST, Request::ListMembers).is_ok()))
            }
            Call::History { before, count } => {
                report(Outcome::Asked(
                    self.client.request(now, RoomSlot::FIRST, Request::History { before, count }).is_ok(),
                ));
            }
            Call::Leave => self.client.leave(now),
        }
        self.due = loop {
            match self.client.poll_output(now, &mut self.datagram) {
                Output::Transmit(transmit) => {
                    let bytes = self.datagram.get(..transmit.len).unwrap_or_default();
                    report(Outcome::Datagram { to: transmit.to, bytes });
                }
                Output::Event(event) => report(Outcome::Event(&event)),
                Output::Timeout(due) => break due,
            }
        };
        report(Outcome::Idle {
            due: self.due,
            state: self.client.state(RoomSlot::FIRST),
            unsettled: self.client.unsettled(RoomSlot::FIRST),
            rtt: self.client.rtt(),
        });
        Ok(())
    }
}

impl Default for Replay {
    fn default() -> Self {
        Self::new()
    }
}

/// Decodes a step, given without its length field.
fn decode(step: &[u8]) -> Result<(Instant, Call<'_>), DecodeError> {
    let mut reader = Reader::new(step);
    let now = Instant::from_micros(reader.u64()?);
    let call = match reader.u8()? {
        1 => Call::Start(Start {
            seed: reader.array()?,
            server: address(&mut reader)?,
            fingerprint: Fingerprint(reader.array::<FINGERPRINT_LEN>()?),
            secret: reader.array()?,
            identity: reader.bytes(32)?.first_chunk().ok_or(DecodeError::Truncated)?,
            tick_us: reader.u32()?,
            room: reader.str_u8()?,
            name: reader.str_u8()?,
        }),
        2 => Call::Datagram { from: address(&mut reader)?, bytes: reader.rest() },
        3 => Call::Timeout,
        4 => Call::Post(EntryKind(reader.u8()?), reader.rest()),
        5 => Call::Who,
        6 => Call::History { before: reader.u64()?, count: reader.u8()? },
        7 => Call::Leave,
        _ => return Err(DecodeError::Value),
    };
    reader.finish()?;
    Ok((now, call))
}

fn address(reader: &mut Reader<'_>) -> Result<SocketAddrV4, DecodeError> {
    Ok(SocketAddrV4::new(Ipv4Addr::from(reader.array()?), reader.u16()?))
}

impl Call<'_> {
    /// Encodes the step that makes this call at `now`, without its length field; returns its length
    /// in bytes.
    ///
    /// # Errors
    /// [`BufferFull`]: `step` is too short, or a name is longer than 255 bytes. [`MAX_STEP_LEN`]
    /// bytes are enough for every call that can be replayed.
    pub fn encode(&self, now: Instant, step: &mut [u8]) -> Result<usize, BufferFull> {
        let mut writer = Writer::new(step);
        writer.u64(now.as_micros())?;
        match *self {
            Call::Start(start) => {
                writer.u8(1)?;
                writer.bytes(&start.seed)?;
                write_address(&mut writer, start.server)?;
                writer.bytes(&start.fingerprint.0)?;
                writer.bytes(&start.secret)?;
                writer.bytes(start.identity)?;
                writer.u32(start.tick_us)?;
                writer.bytes_u8(start.room.as_bytes())?;
                writer.bytes_u8(start.name.as_bytes())?;
            }
            Call::Datagram { from, bytes } => {
                writer.u8(2)?;
                write_address(&mut writer, from)?;
                writer.bytes(bytes)?;
            }
            Call::Timeout => writer.u8(3)?,
            Call::Post(kind, body) => {
                writer.bytes(&[4, kind.0])?;
                writer.bytes(body)?;
            }
            Call::Who => writer.u8(5)?,
            Call::History { before, count } => {
                writer.u8(6)?;
                writer.u64(before)?;
                writer.u8(count)?;
            }
            Call::Leave => writer.u8(7)?,
        }
        Ok(writer.len())
    }
}

fn write_address(writer: &mut Writer<'_>, address: SocketAddrV4) -> Result<(), BufferFull> {
    writer.bytes(&address.ip().octets())?;
    writer.u16(address.port())
}

impl fmt::Display for Outcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step { number, now, call } => {
                write!(f, "step {number} at {} us: ", now.as_micros())?;
                match call {
                    Call::Datagram { from, bytes } => write!(f, "{} bytes from {from}", bytes.len()),
                    Call::Post(kind, body) => write!(f, "post {} bytes of {kind:?}", body.len()),
                    call => write!(f, "{call:?}"),
                }
            }
            Self::Started(result) => write!(f, "  {result:?}"),
            Self::Posted(result) => write!(f, "  {result:?}"),
            Self::Asked(is_asked) => write!(f, "  {is_asked}"),
            Self::Datagram { to, bytes } => {
                write!(f, "  to {to}: ")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Self::Event(event) => write!(f, "  {event:?}"),
            Self::Idle { due, state, unsettled, rtt } => {
                write!(f, "  {state:?}, {unsettled} unsettled, rtt {:?}, due ", rtt.map(Duration::as_micros))?;
                match due {
                    Some(due) => write!(f, "at {} us", due.as_micros()),
                    None => f.write_str("never"),
                }
            }
            Self::Counted(counters) => write!(f, "{counters:?}"),
        }
    }
}

#[cfg(all(test, feature = "host"))]
mod tests;
