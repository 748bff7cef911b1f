//! The randomness of a simulation: independent streams from one seed.

/// SplitMix64: small, fast, and the same on every machine.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The stream of `seed` for `purpose`, independent of the streams for other purposes.
    #[must_use]
    pub fn new(seed: u64, purpose: &str) -> Self {
        let mut state = seed ^ 0x6b61_6261_7273_696d;
        for byte in purpose.bytes() {
            state = mix(state ^ u64::from(byte));
        }
        Self(state)
    }

    /// A uniform u64.
    #[expect(clippy::should_implement_trait, reason = "an endless source is not used as an iterator")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A value less than `bound` (0 if that is 0). The bias is below 2^-32 for the bounds used
    /// here.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A value from `low` to `high`, both inclusive.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True with a probability of `per_mille` / 1000.
    pub fn chance(&mut self, per_mille: u16) -> bool {
        per_mille > 0 && self.below(1000) < u64::from(per_mille)
    }

    /// One of `choices`, which must not be empty.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len() as u64) as usize]
    }

    /// An index below `len`.
    pub fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    /// A seed of 32 bytes.
    pub fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.fill(&mut seed);
        seed
    }

    /// Fills `bytes`.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let word = self.next().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_purpose_give_the_same_stream_and_others_do_not() {
        let first = |seed, purpose| Rng::new(seed, purpose).next();
        assert_eq!(first(1, "network"), first(1, "network"));
        assert_ne!(first(1, "network"), first(2, "network"));
        assert_ne!(first(1, "network"), first(1, "client"));
    }

    #[test]
    fn stays_within_bounds_and_reaches_them() {
        let mut rng = Rng::new(3, "bounds");
        let drawn: Vec<u64> = (0..1000).map(|_| rng.between(4, 7)).collect();
        assert_eq!(drawn.iter().min(), Some(&4));
        assert_eq!(drawn.iter().max(), Some(&7));
        assert_eq!(rng.below(0), 0);
        assert!(!(0..1000).any(|_| rng.chance(0)));
        assert!((0..1000).all(|_| rng.chance(1000)));
        let hits = (0..10_000).filter(|_| rng.chance(400)).count();
        assert!((3_700..4_300).contains(&hits), "{hits}");
    }
}
