//! A recorded exchange, gone through again: the same calls give the same bytes on every processor.
//!
//! A script is what a driver called, with the moment of each call and every datagram that came. A [`Player`] makes these calls on a
//! client of its own and tells what that gave: each datagram, each event, and when it wants to be called again. No clock, no network
//! and no randomness is left that could differ, so what it tells on a new board is what it tells on a laptop, or the board's
//! compiler or code is at fault.
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

use core::fmt;
use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use kabar_core::chat::{EntryKind, ROOM_SECRET_LEN};
use kabar_core::client::{ClientCounters, ConfigError, Event, PostError, State};
use kabar_core::crypto::identity::Identity;
use kabar_core::session::{FINGERPRINT_LEN, Fingerprint};
use kabar_core::time::{Duration, Instant};
use kabar_core::wire::io::{BufferFull, DecodeError, Reader, Writer};

use crate::profile::{self, DATAGRAM_LEN, DeviceClient, MESSAGE_LEN};

/// Longest step in bytes, without its length: a post of the largest message, or a datagram.
pub const MAX_STEP_LEN: usize = 16 + if MESSAGE_LEN > DATAGRAM_LEN { MESSAGE_LEN } else { DATAGRAM_LEN };

/// One call of a driver.
#[derive(Clone, Copy, Debug)]
pub enum Call<'a> {
    /// [`kabar_core::client::Client::start`].
    Start(Start<'a>),
    /// `handle_datagram`.
    Datagram {
        /// Whence it came.
        from: SocketAddrV4,
        /// What came, at most [`DATAGRAM_LEN`] bytes.
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

/// What a client is started with: see [`profile::config`].
#[derive(Clone, Copy)]
pub struct Start<'a> {
    /// All of its randomness.
    pub seed: [u8; 32],
    /// Where the server is.
    pub server: SocketAddrV4,
    /// The server's key.
    pub fingerprint: Fingerprint,
    /// The room's secret.
    pub secret: [u8; ROOM_SECRET_LEN],
    /// The seed of what owns the name.
    pub identity: &'a [u8; 32],
    /// Granularity of the clock in us.
    pub tick_us: u32,
    /// The room.
    pub room: &'a str,
    /// The name wanted.
    pub name: &'a str,
}

impl fmt::Debug for Start<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Start").field("room", &self.room).field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a step gave, one after another. As text it is one line.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// The step begins.
    Step {
        /// 1, 2, 3, ...
        number: u32,
        /// The moment of the call.
        now: Instant,
        /// The call.
        call: &'a Call<'a>,
    },
    /// What `start` returned.
    Started(Result<(), ConfigError>),
    /// What `post` returned.
    Posted(Result<u64, PostError>),
    /// What `who` or `history` returned.
    Asked(bool),
    /// A datagram leaves.
    Datagram {
        /// Where to.
        to: SocketAddr,
        /// The datagram.
        bytes: &'a [u8],
    },
    /// Something happened.
    Event(&'a Event<'a>),
    /// The client rests.
    Rests {
        /// When it wants to be called.
        due: Option<Instant>,
        /// What it is doing.
        state: State,
        /// Posts that are not settled.
        unsettled: u64,
        /// Its estimate of the path.
        rtt: Option<Duration>,
    },
    /// Behind the last step: what was counted.
    Counted(&'a ClientCounters),
}

/// Why a script was not played to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlayError {
    /// A step breaks the layout.
    Malformed(DecodeError),
    /// A step, or a datagram in it, is longer than any can be.
    TooLong,
    /// The script ends within a step.
    Truncated,
    /// What it told was not taken.
    NotTold,
}

impl fmt::Display for PlayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed(_) => "a step of the script breaks the layout",
            Self::TooLong => "a step of the script is too long",
            Self::Truncated => "the script ends within a step",
            Self::NotTold => "what the client said cannot be written",
        })
    }
}

impl core::error::Error for PlayError {}

/// A client that does what a script says. All zero when new, so that a `static` one takes no flash.
#[derive(Debug)]
pub struct Player {
    client: DeviceClient,
    steps: u32,
    datagram: [u8; DATAGRAM_LEN],
}

impl Player {
    /// Its client is idle.
    #[must_use]
    pub const fn new() -> Self {
        Self { client: profile::client(), steps: 0, datagram: [0; DATAGRAM_LEN] }
    }

    /// The client, to look at.
    #[must_use]
    pub const fn client(&self) -> &DeviceClient {
        &self.client
    }

    /// Plays a whole script and writes down what it gave, a line for each [`Outcome`]. `read` fills the whole buffer with what comes
    /// next in the script; `false`: that much does not come.
    ///
    /// # Errors
    /// [`PlayError`]; what was told until then stands.
    pub fn replay(
        &mut self,
        mut read: impl FnMut(&mut [u8]) -> bool,
        told: &mut impl fmt::Write,
    ) -> Result<(), PlayError> {
        let mut result = Ok(());
        let mut tell = |outcome: Outcome<'_>| {
            if writeln!(told, "{outcome}").is_err() {
                result = Err(PlayError::NotTold);
            }
        };
        let mut len = [0; 2];
        let mut step = [0; MAX_STEP_LEN];
        while read(&mut len) {
            let step = step.get_mut(..u16::from_be_bytes(len).into()).ok_or(PlayError::TooLong)?;
            if !read(step) {
                return Err(PlayError::Truncated);
            }
            self.play(step, &mut tell)?;
        }
        tell(Outcome::Counted(&self.client.counters()));
        result
    }

    /// Makes the call of one step, given without its length, and drains what the client has to say.
    ///
    /// # Errors
    /// [`PlayError`]; nothing was called.
    pub fn play(&mut self, step: &[u8], mut tell: impl FnMut(Outcome<'_>)) -> Result<(), PlayError> {
        let (now, call) = decode(step).map_err(PlayError::Malformed)?;
        self.steps = self.steps.saturating_add(1);
        tell(Outcome::Step { number: self.steps, now, call: &call });
        match call {
            Call::Start(start) => {
                let Start { fingerprint, secret, room, name, identity, tick_us, .. } = start;
                let server = start.server.into();
                let identity = Identity::from_seed(identity);
                let config = profile::config(server, fingerprint, secret, room, name, &identity, tick_us);
                tell(Outcome::Started(self.client.start(&config, start.seed, now)));
            }
            Call::Datagram { from, bytes } => {
                // It is opened in place.
                let datagram = self.datagram.get_mut(..bytes.len()).ok_or(PlayError::TooLong)?;
                datagram.copy_from_slice(bytes);
                self.client.handle_datagram(now, from.into(), datagram);
            }
            Call::Timeout => self.client.handle_timeout(now),
            Call::Post(kind, body) => tell(Outcome::Posted(self.client.post(kind, body))),
            Call::Who => tell(Outcome::Asked(self.client.who())),
            Call::History { before, count } => tell(Outcome::Asked(self.client.history(before, count))),
            Call::Leave => self.client.leave(now),
        }
        while let Some(transmit) = self.client.poll_transmit(now, &mut self.datagram) {
            let bytes = self.datagram.get(..transmit.len).unwrap_or_default();
            tell(Outcome::Datagram { to: transmit.to, bytes });
        }
        while let Some(event) = self.client.poll_event() {
            tell(Outcome::Event(&event));
        }
        tell(Outcome::Rests {
            due: self.client.poll_timeout(),
            state: self.client.state(),
            unsettled: self.client.unsettled(),
            rtt: self.client.rtt(),
        });
        Ok(())
    }
}

impl Default for Player {
    fn default() -> Self {
        Self::new()
    }
}

/// The call that a step, given without its length, makes, and when.
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
    /// Writes the step that makes this call at `now`, without its length; its length in bytes.
    ///
    /// # Errors
    /// [`BufferFull`]: `step` is too short, or a name longer than 255 bytes. [`MAX_STEP_LEN`] bytes are enough for every call that
    /// can be played.
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
            Self::Rests { due, state, unsettled, rtt } => {
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
