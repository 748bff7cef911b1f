//! What may happen to a datagram on its way, and how often.

use std::fmt;
use std::str::FromStr;

use kabar_core::time::Duration;

/// How finely a chance is drawn: parts of this.
const WHOLE: u32 = 1_000_000;

/// How often something happens: from never to always, in steps of one millionth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chance(u32);

impl Chance {
    /// Not once.
    pub const NEVER: Self = Self(0);
    /// Each time.
    pub const ALWAYS: Self = Self(WHOLE);

    /// From a share of 1. `None`: it is none.
    #[must_use]
    pub fn from_share(share: f64) -> Option<Self> {
        // Not NaN either.
        (0.0..=1.0).contains(&share).then(|| Self((share * f64::from(WHOLE)).round() as u32))
    }

    /// The share of 1.
    #[must_use]
    pub fn share(self) -> f64 {
        f64::from(self.0) / f64::from(WHOLE)
    }

    /// Whether it happens this time, by a number drawn evenly from all 64-bit numbers.
    #[must_use]
    pub fn happens(self, drawn: u64) -> bool {
        (u128::from(drawn) * u128::from(WHOLE)) >> 64 < u128::from(self.0)
    }
}

/// A share that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAChance;

impl fmt::Display for NotAChance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a share is written as 0% to 100%, or as 0 to 1")
    }
}

impl std::error::Error for NotAChance {}

/// `30%` or `0.3`.
impl FromStr for Chance {
    type Err = NotAChance;

    fn from_str(text: &str) -> Result<Self, NotAChance> {
        let (digits, whole) = text.strip_suffix('%').map_or((text, 1.0), |digits| (digits, 100.0));
        // Digits and a point only: no sign, no exponent, no words for what is no number.
        let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let share: f64 = digits.parse().ok().filter(|_| is_plain).ok_or(NotAChance)?;
        Self::from_share(share / whole).ok_or(NotAChance)
    }
}

impl fmt::Display for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.share() * 100.0)
    }
}

/// Which datagrams are lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// Of a datagram after one that arrived.
    begin: Chance,
    /// Of a datagram after one that was lost.
    go_on: Chance,
}

impl Loss {
    /// Each for itself.
    #[must_use]
    pub fn each(share: Chance) -> Self {
        Self { begin: share, go_on: share }
    }

    /// `share` of all, in rows of `len` on average (a chain of two states, as Gilbert's).
    ///
    /// # Errors
    /// [`RowTooShort`]: so many cannot be lost in rows as short as that.
    pub fn in_rows(share: Chance, len: f64) -> Result<Self, RowTooShort> {
        if share == Chance::ALWAYS {
            return Ok(Self::each(share));
        }
        // In whole parts, so that a round share has a round shortest row.
        let odds = f64::from(share.0) / f64::from(WHOLE - share.0);
        let shortest = odds.max(1.0);
        let chances = || {
            let begin = Chance::from_share(odds / len)?;
            Some(Self { begin, go_on: Chance::from_share(1.0 - 1.0 / len)? })
        };
        chances().filter(|_| len >= shortest).ok_or(RowTooShort(shortest))
    }

    /// Of the next datagram.
    #[must_use]
    pub fn chance(self, was_lost: bool) -> Chance {
        if was_lost { self.go_on } else { self.begin }
    }
}

/// Rows have to be at least this long for so much loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowTooShort(f64);

impl fmt::Display for RowTooShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "with so much loss a row is at least {} datagrams long", (self.0 * 100.0).ceil() / 100.0)
    }
}

impl std::error::Error for RowTooShort {}

/// What may happen on one direction. Every chance is drawn for each datagram, or each copy, anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults {
    /// Lost.
    pub loss: Loss,
    /// Larger datagrams are lost, in bytes without any header of the network.
    pub largest: Option<usize>,
    /// Sent twice.
    pub duplicate: Chance,
    /// Held up on top of all else, so that later ones overtake it.
    pub reorder: Chance,
    /// At most how long.
    pub hold: Duration,
    /// Some bits turn.
    pub corrupt: Chance,
    /// Some bits turn and the checksum is made to match again.
    pub forge: Chance,
    /// Time on the way.
    pub delay: Duration,
    /// At most so much time on top, drawn for each.
    pub jitter: Duration,
}

impl Faults {
    /// At most how long a datagram is held up so that others overtake it, unless something else is
    /// asked for.
    pub const HOLD: Duration = Duration::from_millis(30);

    /// Nothing happens.
    pub const NONE: Self = Self {
        loss: Loss { begin: Chance::NEVER, go_on: Chance::NEVER },
        largest: None,
        duplicate: Chance::NEVER,
        reorder: Chance::NEVER,
        hold: Self::HOLD,
        corrupt: Chance::NEVER,
        forge: Chance::NEVER,
        delay: Duration::ZERO,
        jitter: Duration::ZERO,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_percent_and_fractions() {
        for (written, parts) in
            [("30%", 300_000), ("0.3", 300_000), ("0", 0), ("0%", 0), ("1", WHOLE), ("100%", WHOLE), ("0.05%", 500)]
        {
            assert_eq!(written.parse(), Ok(Chance(parts)), "{written}");
        }
        assert_eq!("12.5%".parse::<Chance>().unwrap().to_string(), "12.5%");
    }

    #[test]
    fn refuses_what_is_no_share() {
        for wrong in ["", "%", ".", "30", "1.01", "101%", "-1%", "-0", "+1", "nan", "inf", "1e-1", "30 %", "a", "0,3"] {
            assert_eq!(wrong.parse::<Chance>(), Err(NotAChance), "{wrong}");
        }
    }

    #[test]
    fn never_and_always_are_meant_literally() {
        for drawn in [0, 1, u64::MAX / 2, u64::MAX] {
            assert!(!Chance::NEVER.happens(drawn));
            assert!(Chance::ALWAYS.happens(drawn));
        }
        let half = Chance::from_share(0.5).unwrap();
        assert!(half.happens(u64::MAX / 2) && !half.happens(u64::MAX / 2 + 1));
    }

    #[test]
    fn rows_are_no_shorter_than_the_loss_allows() {
        let share = |text: &str| text.parse().unwrap();
        assert_eq!(Loss::in_rows(share("80%"), 3.9).unwrap_err().to_string(), {
            "with so much loss a row is at least 4 datagrams long"
        });
        assert!(Loss::in_rows(share("80%"), 4.0).is_ok());
        assert!(Loss::in_rows(share("10%"), 0.5).is_err());
        assert!(Loss::in_rows(share("10%"), f64::NAN).is_err());
        assert_eq!(Loss::in_rows(Chance::ALWAYS, 1.0), Ok(Loss::each(Chance::ALWAYS)));
        assert_eq!(Loss::in_rows(Chance::NEVER, 7.0).unwrap().chance(false), Chance::NEVER);
    }
}
