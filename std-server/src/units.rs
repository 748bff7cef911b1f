//! Parses and formats numbers, sizes, times and rates: `64`, `4MiB`, `1h30m`, `20/s`.

use crate::hub::Unit;

/// Sizes, largest first.
const SIZES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
/// Times in microseconds, largest first.
const TIMES: [(&str, u64); 6] =
    [("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000), ("us", 1)];

/// Ends a rate.
const PER_SECOND: &str = "/s";
/// A rate that is not limited.
const OFF: &str = "off";

/// The placeholder for a value of this unit in help texts.
#[must_use]
pub const fn placeholder(unit: Unit) -> &'static str {
    match unit {
        Unit::Count => "N",
        Unit::Bytes => "SIZE",
        Unit::Time => "TIME",
        Unit::Rate => "RATE",
    }
}

/// Parses a value into its raw form, or returns `None`. A size without a unit is in bytes, a time
/// in seconds. A rate is per second, or `off`.
#[must_use]
pub fn parse(unit: Unit, text: &str) -> Option<u64> {
    match unit {
        Unit::Count => digits(text),
        Unit::Bytes => digits(text).or_else(|| sum(text, size)),
        Unit::Time => digits(text).map_or_else(|| sum(text, time), |seconds| seconds.checked_mul(1_000_000)),
        Unit::Rate if text == OFF => Some(0),
        Unit::Rate => digits(text.strip_suffix(PER_SECOND).unwrap_or(text)).filter(|rate| *rate > 0),
    }
}

/// Formats a raw value so that [`parse`] reads it back.
#[must_use]
pub fn format(unit: Unit, raw: u64) -> String {
    let table: &[(&str, u64)] = match unit {
        Unit::Count => &[("", 1)],
        Unit::Bytes => &SIZES,
        Unit::Time => &TIMES,
        Unit::Rate => &[(PER_SECOND, 1)],
    };
    match unit {
        Unit::Time if raw == 0 => return "0s".to_owned(),
        Unit::Rate if raw == 0 => return OFF.to_owned(),
        _ => {}
    }
    let fits = |(_, factor): &&(&str, u64)| raw != 0 && raw.is_multiple_of(*factor);
    let (name, factor) = table.iter().find(fits).copied().unwrap_or(("", 1));
    let name = if name == "B" { "" } else { name };
    format!("{}{name}", raw / factor)
}

/// Describes what [`parse`] accepts.
#[must_use]
pub const fn hint(unit: Unit) -> &'static str {
    match unit {
        Unit::Count => "a number",
        Unit::Bytes => "a size such as 4096, 64KiB or 4MiB",
        Unit::Time => "a time such as 250ms, 10s, 1h30m or 30d",
        Unit::Rate => "a rate such as 20/s, or off,",
    }
}

fn digits(text: &str) -> Option<u64> {
    // `u64::from_str` accepts a sign.
    let plain: String = text.chars().filter(|character| *character != '_').collect();
    let is_number = !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { plain.parse().ok() } else { None }
}

fn size(name: &str) -> Option<u64> {
    let short = name.trim_end_matches('B').trim_end_matches('i');
    match short {
        "" => Some(1),
        "K" | "k" => Some(1 << 10),
        "M" => Some(1 << 20),
        "G" => Some(1 << 30),
        _ => None,
    }
}

fn time(name: &str) -> Option<u64> {
    let name = if name == "min" { "m" } else { name };
    TIMES.iter().find(|(known, _)| *known == name).map(|(_, factor)| *factor)
}

/// Adds up numbers that are each followed by a unit.
fn sum(text: &str, factor: impl Fn(&str) -> Option<u64>) -> Option<u64> {
    let mut total = 0u64;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let unit_at = rest.find(|character: char| !character.is_ascii_digit())?;
        let (number, after) = rest.split_at(unit_at);
        let end = after.find(|character: char| character.is_ascii_digit()).unwrap_or(after.len());
        let (name, next) = after.split_at(end);
        total = total.checked_add(digits(number)?.checked_mul(factor(name.trim())?)?)?;
        rest = next;
    }
    (total > 0 || !text.trim().is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::LIMITS;

    #[test]
    fn accepts_the_usual_spellings() {
        for (unit, text, raw) in [
            (Unit::Count, "64", 64),
            (Unit::Count, "10_000", 10_000),
            (Unit::Bytes, "4096", 4096),
            (Unit::Bytes, "64KiB", 65_536),
            (Unit::Bytes, "64k", 65_536),
            (Unit::Bytes, "4M", 4 << 20),
            (Unit::Bytes, "1 GiB", 1 << 30),
            (Unit::Bytes, "512B", 512),
            (Unit::Time, "10", 10_000_000),
            (Unit::Time, "250ms", 250_000),
            (Unit::Time, "1h30m", 5_400_000_000),
            (Unit::Time, "30d", 30 * 86_400_000_000),
            (Unit::Time, "5min", 300_000_000),
            (Unit::Time, "0s", 0),
            (Unit::Rate, "20", 20),
            (Unit::Rate, "20/s", 20),
            (Unit::Rate, "off", 0),
        ] {
            assert_eq!(parse(unit, text), Some(raw), "{text}");
        }
        for (unit, text) in [
            (Unit::Count, ""),
            (Unit::Count, "-1"),
            (Unit::Count, "+1"),
            (Unit::Count, "1.5"),
            (Unit::Count, "4k"),
            (Unit::Bytes, "MiB"),
            (Unit::Bytes, "4 parsecs"),
            (Unit::Time, ""),
            (Unit::Time, "s"),
            (Unit::Time, "10 apples"),
            (Unit::Time, "99999999999999d"),
            (Unit::Rate, "0"),
            (Unit::Rate, "20/m"),
            (Unit::Rate, "/s"),
            (Unit::Rate, "never"),
        ] {
            assert_eq!(parse(unit, text), None, "{text}");
        }
    }

    #[test]
    fn every_value_of_the_table_survives_being_written() {
        for limit in LIMITS {
            for raw in [limit.min, limit.default, limit.max] {
                let text = format(limit.unit, raw);
                assert_eq!(parse(limit.unit, &text), Some(raw), "{} {text}", limit.name);
            }
        }
        assert_eq!(format(Unit::Time, 30 * 86_400_000_000), "30d");
        assert_eq!((format(Unit::Bytes, 4 << 20), format(Unit::Bytes, 4352)), ("4MiB".into(), "4352".into()));
    }
}
