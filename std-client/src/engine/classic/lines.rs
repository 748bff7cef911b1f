//! What a classic server writes, as entries.

use jiff::civil;
use jiff::tz::TimeZone;
use kabar_core::chat::EntryKind;
use kabar_core::classic::{DateTime, Line, LineBody};

/// What a line of the server reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reported<'a> {
    pub(super) author: &'a str,
    pub(super) kind: EntryKind,
    pub(super) text: &'a str,
}

impl<'a> Reported<'a> {
    /// Returns what a line reports; `None`: neither a message nor who has joined or left.
    pub(super) fn of(line: &Line<'a>) -> Option<Self> {
        match line.body {
            LineBody::Message { name, text } => Some(Self { author: name, kind: EntryKind::TEXT, text }),
            LineBody::Joined(author) => Some(Self { author, kind: EntryKind::JOINED, text: "" }),
            LineBody::Other(text) => {
                let author = text.strip_suffix(" has left the chat!")?;
                Some(Self { author, kind: EntryKind::LEFT, text: "" })
            }
            _ => None,
        }
    }
}

/// Returns the time of a line in ms since 1970. The dialect states no time zone: that of this
/// computer is assumed. `None`: there is no such time.
pub(super) fn time_ms(time: DateTime, zone: &TimeZone) -> Option<u64> {
    let small = |number: u8| i8::try_from(number).ok();
    let (year, month, day) = (i16::try_from(time.year).ok()?, small(time.month)?, small(time.day)?);
    // A leap second.
    let second = small(time.second)?.min(59);
    let time = civil::DateTime::new(year, month, day, small(time.hour)?, small(time.minute)?, second, 0).ok()?;
    let time = time.to_zoned(zone.clone()).ok()?;
    u64::try_from(time.timestamp().as_millisecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_entries() {
        let is = |rest, author, kind, text| {
            let line = format!("[2026-11-29 13:00:59] {rest}");
            let reported = Line::parse(&line).and_then(|line| Reported::of(&line));
            reported == Some(Reported { author, kind, text })
        };
        assert!(is("anna: a: b", "anna", EntryKind::TEXT, "a: b"));
        assert!(is("ben has joined the chat!", "ben", EntryKind::JOINED, ""));
        assert!(is("ben has left the chat!", "ben", EntryKind::LEFT, ""));
        assert!(Line::parse("[2026-11-29 13:00:59] or else").is_some_and(|line| Reported::of(&line).is_none()));
    }

    #[test]
    fn times_are_those_of_this_computer() {
        let at = |text: &str| Line::parse(text).map(|line| line.time).unwrap();
        let utc = |text| time_ms(at(text), &TimeZone::UTC);
        assert_eq!(utc("[2024-11-01 10:37:00] a: b"), Some(1_730_457_420_000));
        assert_eq!(utc("[2016-12-31 23:59:60] a: b"), Some(1_483_228_799_000));
        assert_eq!(utc("[2026-02-31 10:00:00] a: b"), None);
        assert_eq!(utc("[1969-12-31 10:00:00] a: b"), None);
        let jakarta = TimeZone::fixed(jiff::tz::offset(7));
        assert_eq!(time_ms(at("[2024-11-01 17:37:00] a: b"), &jakarta), Some(1_730_457_420_000));
    }
}
