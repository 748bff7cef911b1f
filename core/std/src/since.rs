//! Times in the past as people write them: an argument of `--since`.

use std::time::SystemTime;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

/// Parses a date, a date and a time (local, or RFC 3339), or a span back from now such as `2h`,
/// `3d` or `1w`. Returns the time in ms since 1970.
///
/// # Errors
/// A sentence, if it is none.
pub fn parse_since(text: &str) -> Result<u64, String> {
    // The computer's clock may be outside the range of a timestamp.
    let now = Timestamp::try_from(SystemTime::now()).map_err(|_| "the computer's clock is wrong".to_owned())?;
    let time = since(text.trim(), &now.to_zoned(TimeZone::system()));
    time.map(|time| u64::try_from(time.as_millisecond()).unwrap_or(0))
        .ok_or_else(|| "a time looks like 2024-11-01, \"2024-11-01 10:37\", 2024-11-01T10:37:10Z, 2h or 3d".to_owned())
}

fn since(text: &str, now: &Zoned) -> Option<Timestamp> {
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    if let Ok(time) = text.parse::<DateTime>() {
        return time.to_zoned(now.time_zone().clone()).ok().map(|time| time.timestamp());
    }
    // "2h ago" means the same as "2h".
    let span = text.parse::<Span>().ok()?.abs();
    now.checked_sub(span).ok().map(|time| time.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_taken_as_people_write_them() {
        let now: Zoned = "2024-11-03T12:00:00+07:00[Asia/Jakarta]".parse().unwrap();
        for (text, wanted) in [
            ("2024-11-01", "2024-10-31T17:00:00Z"),
            ("2024-11-01 10:37", "2024-11-01T03:37:00Z"),
            ("2024-11-01 10:37:10", "2024-11-01T03:37:10Z"),
            ("2024-11-01T10:37:10", "2024-11-01T03:37:10Z"),
            ("2024-11-01T10:37:10Z", "2024-11-01T10:37:10Z"),
            ("2024-11-01T10:37:10.5+02:00", "2024-11-01T08:37:10.5Z"),
            ("2h", "2024-11-03T03:00:00Z"),
            ("2h ago", "2024-11-03T03:00:00Z"),
            ("90m", "2024-11-03T03:30:00Z"),
            ("3d", "2024-10-31T05:00:00Z"),
            ("1w", "2024-10-27T05:00:00Z"),
        ] {
            assert_eq!(since(text, &now), Some(wanted.parse().unwrap()), "{text}");
        }
        // A span that goes beyond all years, on any day.
        for now in ["-009999-01-02T12:00:00Z[UTC]", "1970-01-01T00:00:00Z[UTC]", "9999-12-30T12:00:00Z[UTC]"] {
            let now: Zoned = now.parse().unwrap();
            assert!(since("19000y", &now).is_none_or(|time| time < now.timestamp()));
            assert!(since("2h", &now).is_some());
        }
        for wrong in ["", "x", "12", "2024-13-01", "2024-11-31", "10:37", "2x", "--"] {
            assert_eq!(since(wrong, &now), None, "{wrong}");
        }
    }
}
