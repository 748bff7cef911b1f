//! Fresh randomness at every start, for a device without a random number generator.
//!
//! All randomness of a client comes from one seed, and two starts with the same seed would encrypt
//! different messages under the same keys. So a device keeps a seed in flash, written in the
//! factory, and replaces it *before* it uses the old one:
//!
//! ```text
//! flash:  seed 0   -- start -->   seed 1   -- start -->   seed 2 ...     written and read back
//! used:            seed 0's half            seed 1's half                then given to the client
//! ```
//!
//! A power failure at any moment skips a seed and never uses one twice. A person who reads the
//! flash learns future seeds, not past ones. A device with a random number generator draws the seed
//! from that instead.

use chacha20::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

/// A seed in bytes.
pub const SEED_LEN: usize = 32;

/// The memory in which a device keeps its seed: a page of flash, an EEPROM.
pub trait SeedStore {
    /// Errors of the memory.
    type Error;

    /// Reads the seed that was written last.
    ///
    /// # Errors
    /// Those of the memory; also if no seed was ever written.
    fn read(&mut self) -> Result<[u8; SEED_LEN], Self::Error>;

    /// Replaces the seed. The new one is permanent when this returns.
    ///
    /// # Errors
    /// Those of the memory.
    fn write(&mut self, seed: &[u8; SEED_LEN]) -> Result<(), Self::Error>;
}

/// Why there is no seed. A device without one does not start its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeedError<E> {
    /// The memory failed.
    Store(E),
    /// The seed read back is not the one that was written.
    NotWritten,
}

/// Returns the randomness of this start. The next start's seed is in the store by then.
///
/// # Errors
/// [`SeedError`]; the client must not be started then.
pub fn take<S: SeedStore>(store: &mut S) -> Result<ChaCha20Rng, SeedError<S::Error>> {
    let mut parent = ChaCha20Rng::from_seed(store.read().map_err(SeedError::Store)?);
    let (mut next, mut now) = ([0; SEED_LEN], [0; SEED_LEN]);
    parent.fill_bytes(&mut next);
    parent.fill_bytes(&mut now);
    store.write(&next).map_err(SeedError::Store)?;
    if store.read().map_err(SeedError::Store)? != next {
        return Err(SeedError::NotWritten);
    }
    Ok(ChaCha20Rng::from_seed(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    struct Flash {
        seed: Option<[u8; SEED_LEN]>,
        written: Vec<[u8; SEED_LEN]>,
        works: bool,
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Worn;

    impl SeedStore for Flash {
        type Error = Worn;

        fn read(&mut self) -> Result<[u8; SEED_LEN], Worn> {
            self.seed.ok_or(Worn)
        }

        fn write(&mut self, seed: &[u8; SEED_LEN]) -> Result<(), Worn> {
            self.written.push(*seed);
            if self.works {
                self.seed = Some(*seed);
            }
            Ok(())
        }
    }

    fn draw(flash: &mut Flash) -> Result<[u8; SEED_LEN], SeedError<Worn>> {
        let mut drawn = [0; SEED_LEN];
        take(flash)?.fill_bytes(&mut drawn);
        Ok(drawn)
    }

    #[test]
    fn draws_other_bytes_at_each_start_and_leaves_another_seed() {
        let mut flash = Flash { seed: Some([7; SEED_LEN]), written: Vec::new(), works: true };
        let mut all = std::vec![[7; SEED_LEN]];
        for _ in 0..5 {
            all.push(draw(&mut flash).unwrap());
            all.push(flash.seed.unwrap());
        }
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn gives_no_randomness_unless_the_next_seed_is_stored() {
        let mut worn = Flash { seed: Some([7; SEED_LEN]), written: Vec::new(), works: false };
        assert_eq!(draw(&mut worn), Err(SeedError::NotWritten));
        assert_eq!(worn.written.len(), 1);
        let mut empty = Flash { seed: None, written: Vec::new(), works: true };
        assert_eq!(draw(&mut empty), Err(SeedError::Store(Worn)));
        assert!(empty.written.is_empty());
    }
}
