//! A line of the room, as all clients get it: `[YYYY-MM-DD HH:MM:SS] NAME: message`.

use core::fmt::{self, Write};

use crate::classic::MAX_DATAGRAM;
use crate::classic::text::LineWriter;

/// Date and time of a line. The dialect states no time zone: the server chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DateTime {
    /// Year, 0 to 9999.
    pub year: u16,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, 1 to 31.
    pub day: u8,
    /// Hour, 0 to 23.
    pub hour: u8,
    /// Minute, 0 to 59.
    pub minute: u8,
    /// Second, 0 to 60.
    pub second: u8,
}

impl DateTime {
    /// Its length as text.
    const LEN: usize = 19;

    /// Parses `YYYY-MM-DD HH:MM:SS`. A day that its month does not have is not detected.
    fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.split_once(' ')?;
        let [year, month, day] = fields(date, '-', [4, 2, 2])?;
        let [hour, minute, second] = fields(time, ':', [2, 2, 2])?;
        let in_range =
            |value: u16, low: u8, high: u8| u8::try_from(value).ok().filter(|value| (low..=high).contains(value));
        Some(Self {
            year,
            month: in_range(month, 1, 12)?,
            day: in_range(day, 1, 31)?,
            hour: in_range(hour, 0, 23)?,
            minute: in_range(minute, 0, 59)?,
            second: in_range(second, 0, 60)?,
        })
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second } = self;
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}

/// Three numbers of exactly `lens` digits.
fn fields(text: &str, separator: char, lens: [usize; 3]) -> Option<[u16; 3]> {
    let mut fields = text.split(separator);
    let mut next = |len: usize| -> Option<u16> {
        let field = fields.next().filter(|field| field.len() == len)?;
        field.bytes().all(|byte| byte.is_ascii_digit()).then(|| field.parse().ok())?
    };
    let [first, second, third] = lens;
    let numbers = [next(first)?, next(second)?, next(third)?];
    fields.next().is_none().then_some(numbers)
}

/// A line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// When it was written.
    pub time: DateTime,
    /// What it states.
    pub body: LineBody<'a>,
}

/// What a line states. A name that contains `: ` is not told from a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineBody<'a> {
    /// `NAME: message`
    Message {
        /// The author.
        name: &'a str,
        /// The message.
        text: &'a str,
    },
    /// `NAME has joined the chat!`
    Joined(&'a str),
    /// Anything else.
    Other(&'a str),
}

const JOINED: &str = " has joined the chat!";

impl<'a> Line<'a> {
    /// Parses a datagram of the server; `None` if it does not begin with a time in brackets.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (time, rest) = text.strip_prefix('[')?.split_at_checked(DateTime::LEN)?;
        let (time, rest) = (DateTime::parse(time)?, rest.strip_prefix("] ")?);
        let body = if let Some((name, text)) = rest.split_once(": ") {
            LineBody::Message { name, text }
        } else {
            rest.strip_suffix(JOINED).map_or(LineBody::Other(rest), LineBody::Joined)
        };
        Some(Self { time, body })
    }

    /// Writes the datagram as [`encode_line`] does.
    pub fn encode(&self, out: &mut [u8]) -> usize {
        encode_line(format_args!("[{}] {}", self.time, self.body), out)
    }
}

impl fmt::Display for LineBody<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message { name, text } => write!(f, "{name}: {text}"),
            Self::Joined(name) => write!(f, "{name}{JOINED}"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// Writes one line into `out` and returns its length. Control characters become spaces, and what is
/// longer than `out` or [`MAX_DATAGRAM`] is cut at a character and ends with
/// [`CUT_MARK`](crate::classic::CUT_MARK).
pub fn encode_line(text: fmt::Arguments<'_>, out: &mut [u8]) -> usize {
    let len = out.len().min(MAX_DATAGRAM);
    let mut line = LineWriter::new(out.get_mut(..len).unwrap_or_default());
    // A line writer takes everything.
    let _ = line.write_fmt(text);
    line.finish()
}
