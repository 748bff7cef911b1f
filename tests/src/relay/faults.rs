//! The faults of a path, and their chances.

use std::fmt;
use std::str::FromStr;

use kabar_core::time::Duration;

/// Denominator of a chance.
const WHOLE: u32 = 1_000_000;

/// A probability from 0 to 1, in steps of one millionth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chance(u32);

impl Chance {
    /// Probability 0.
    pub const NEVER: Self = Self(0);
    /// Probability 1.
    pub const ALWAYS: Self = Self(WHOLE);

    /// From a probability; `None` if `share` is not in 0 to 1.
    #[must_use]
    pub fn from_share(share: f64) -> Option<Self> {
        // Excludes NaN, too.
        (0.0..=1.0).contains(&share).then(|| Self((share * f64::from(WHOLE)).round() as u32))
    }

    /// The probability.
    #[must_use]
    pub fn share(self) -> f64 {
        f64::from(self.0) / f64::from(WHOLE)
    }

    /// Whether it happens, decided by `drawn`, a uniform random 64-bit number.
    #[must_use]
    pub fn happens(self, drawn: u64) -> bool {
        (u128::from(drawn) * u128::from(WHOLE)) >> 64 < u128::from(self.0)
    }
}

/// A text that is not a probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidChance;

impl fmt::Display for InvalidChance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a share is written as 0% to 100%, or as 0 to 1")
    }
}

impl std::error::Error for InvalidChance {}

/// Parses `30%` or `0.3`.
impl FromStr for Chance {
    type Err = InvalidChance;

    fn from_str(text: &str) -> Result<Self, InvalidChance> {
        let (digits, whole) = text.strip_suffix('%').map_or((text, 1.0), |digits| (digits, 100.0));
        // Digits and a point only: no sign, no exponent, no "inf" or "nan".
        let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let share: f64 = digits.parse().ok().filter(|_| is_plain).ok_or(InvalidChance)?;
        Self::from_share(share / whole).ok_or(InvalidChance)
    }
}

impl fmt::Display for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.share() * 100.0)
    }
}

/// The rule by which datagrams are lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// Chance of losing a datagram after one that arrived.
    after_arrival: Chance,
    /// Chance of losing a datagram after one that was lost.
    after_loss: Chance,
}

impl Loss {
    /// Each datagram independently.
    #[must_use]
    pub fn independent(share: Chance) -> Self {
        Self { after_arrival: share, after_loss: share }
    }

    /// Loses `share` of all datagrams in bursts of `len` on average (the two-state chain of
    /// Gilbert).
    ///
    /// # Errors
    /// [`BurstTooShort`]: bursts of this length cannot add up to this share.
    pub fn in_bursts(share: Chance, len: f64) -> Result<Self, BurstTooShort> {
        if share == Chance::ALWAYS {
            return Ok(Self::independent(share));
        }
        // In integers, so that a round share has a round shortest burst.
        let odds = f64::from(share.0) / f64::from(WHOLE - share.0);
        let shortest = odds.max(1.0);
        let chances = || {
            let after_arrival = Chance::from_share(odds / len)?;
            Some(Self { after_arrival, after_loss: Chance::from_share(1.0 - 1.0 / len)? })
        };
        chances().filter(|_| len >= shortest).ok_or(BurstTooShort(shortest))
    }

    /// The chance of losing the next datagram.
    #[must_use]
    pub fn chance(self, was_lost: bool) -> Chance {
        if was_lost { self.after_loss } else { self.after_arrival }
    }
}

/// The shortest mean burst that is possible at the loss rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BurstTooShort(f64);

impl fmt::Display for BurstTooShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at this loss a burst is at least {} datagrams long", (self.0 * 100.0).ceil() / 100.0)
    }
}

impl std::error::Error for BurstTooShort {}

/// The faults of one direction. Each chance is drawn independently for each datagram or copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults {
    /// Loss.
    pub loss: Loss,
    /// Longer datagrams are lost, in bytes without headers of the network.
    pub max_len: Option<usize>,
    /// Duplicated.
    pub duplicate: Chance,
    /// Held back, in addition to any delay, so that later datagrams overtake it.
    pub reorder: Chance,
    /// Longest time that a datagram is held back.
    pub max_hold: Duration,
    /// Some bits are flipped.
    pub corrupt: Chance,
    /// Some bits are flipped, and the checksum is repaired.
    pub forge: Chance,
    /// Transit time.
    pub delay: Duration,
    /// Largest addition to the transit time, drawn for each datagram.
    pub jitter: Duration,
}

impl Faults {
    /// Default of `max_hold`.
    pub const DEFAULT_HOLD: Duration = Duration::from_millis(30);

    /// No faults.
    pub const NONE: Self = Self {
        loss: Loss { after_arrival: Chance::NEVER, after_loss: Chance::NEVER },
        max_len: None,
        duplicate: Chance::NEVER,
        reorder: Chance::NEVER,
        max_hold: Self::DEFAULT_HOLD,
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
    fn parses_percentages_and_fractions() {
        for (written, parts) in
            [("30%", 300_000), ("0.3", 300_000), ("0", 0), ("0%", 0), ("1", WHOLE), ("100%", WHOLE), ("0.05%", 500)]
        {
            assert_eq!(written.parse(), Ok(Chance(parts)), "{written}");
        }
        assert_eq!("12.5%".parse::<Chance>().unwrap().to_string(), "12.5%");
    }

    #[test]
    fn rejects_what_is_not_a_probability() {
        for wrong in ["", "%", ".", "30", "1.01", "101%", "-1%", "-0", "+1", "nan", "inf", "1e-1", "30 %", "a", "0,3"] {
            assert_eq!(wrong.parse::<Chance>(), Err(InvalidChance), "{wrong}");
        }
    }

    #[test]
    fn never_and_always_are_exact() {
        for drawn in [0, 1, u64::MAX / 2, u64::MAX] {
            assert!(!Chance::NEVER.happens(drawn));
            assert!(Chance::ALWAYS.happens(drawn));
        }
        let half = Chance::from_share(0.5).unwrap();
        assert!(half.happens(u64::MAX / 2) && !half.happens(u64::MAX / 2 + 1));
    }

    #[test]
    fn bursts_are_no_shorter_than_the_loss_permits() {
        let share = |text: &str| text.parse().unwrap();
        assert_eq!(Loss::in_bursts(share("80%"), 3.9).unwrap_err().to_string(), {
            "at this loss a burst is at least 4 datagrams long"
        });
        assert!(Loss::in_bursts(share("80%"), 4.0).is_ok());
        assert!(Loss::in_bursts(share("10%"), 0.5).is_err());
        assert!(Loss::in_bursts(share("10%"), f64::NAN).is_err());
        assert_eq!(Loss::in_bursts(Chance::ALWAYS, 1.0), Ok(Loss::independent(Chance::ALWAYS)));
        assert_eq!(Loss::in_bursts(Chance::NEVER, 7.0).unwrap().chance(false), Chance::NEVER);
    }
}
