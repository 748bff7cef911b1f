//! A key in a file that goes to another computer.
//!
//! ```text
//! kabar identity export 2
//! name NAME                                    for people, if one is known
//! seed HEX                                     or, with a passphrase:
//!   argon2id MEMORY PASSES LANES SALT          Argon2id gives the key of the next line
//!   sealed HEX                                 ChaCha20-Poly1305 of the seed, over the lines above
//! public HEX
//! check HEX                                    first 8 bytes of the SHA-256 of the lines above
//! ```
//! The key of a sealed seed is used once, so its nonce is 0. `check` distinguishes a damaged file
//! from a wrong passphrase. Files of format 1, which are key files, are read, too.

use argon2::{Algorithm, Argon2, Params, Version};
use data_encoding::HEXLOWER;
use kabar_core::crypto::aead::{Aead, ChaCha20Poly1305, NONCE_LEN, TAG_LEN};
use kabar_core::crypto::identity::{PUBLIC_LEN, SEED_LEN};
use kabar_core::crypto::sha256;
use kabar_std::password::normalize;
use kabar_std::random::random_bytes;
use zeroize::Zeroizing;

use super::key_file::{self, Key};

const TITLE: &str = "kabar identity";
const VERSION: &str = "kabar identity export 2";
const CHECK_LEN: usize = 8;
const SALT_LEN: usize = 16;
const NONCE: [u8; NONCE_LEN] = [0; NONCE_LEN];
/// Cost of a guess at the passphrase: 64 MiB, three passes, one lane (about 0.2 s).
const COST: Cost = Cost { memory_kib: 64 << 10, passes: 3, lanes: 1 };
/// Larger costs in a file are an attack on the memory or the patience of its reader.
const MAX_COST: Cost = Cost { memory_kib: 1 << 20, passes: 64, lanes: 16 };

/// Why an exported key cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// The file is something else.
    #[error("not a file of kabar identity export")]
    OtherFile,
    /// The file is not as it was written.
    #[error("the file is damaged or incomplete")]
    Damaged,
    /// A newer version wrote the file.
    #[error("the file was written by a newer version of kabar")]
    Newer,
    /// The file needs a passphrase.
    #[error("the file is protected by a passphrase")]
    PassphraseRequired,
    /// The passphrase is another one.
    #[error("wrong passphrase")]
    WrongPassphrase,
    /// The operating system gives no random bytes.
    #[error("cannot create a salt: {0}")]
    Random(String),
}

/// An exported key, which may need a passphrase.
#[derive(Debug)]
pub struct Exported {
    /// The name that it had, if one was known.
    pub name: Option<String>,
    content: Content,
    public: [u8; PUBLIC_LEN],
}

enum Content {
    Plain(Key),
    Sealed {
        cost: Cost,
        salt: [u8; SALT_LEN],
        /// The lines over which the tag is.
        above: String,
        seed: [u8; SEED_LEN],
        tag: [u8; TAG_LEN],
    },
}

#[derive(Clone, Copy, Debug)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Exported {
    /// Formats a key, sealed if there is a passphrase.
    ///
    /// # Errors
    /// [`ExportError::Random`].
    pub fn format(key: &Key, name: Option<&str>, passphrase: Option<&str>) -> Result<Zeroizing<String>, ExportError> {
        // Reserved in one piece: growing would leave copies of the seed in memory.
        let mut text = Zeroizing::new(String::with_capacity(1_024));
        text.push_str(VERSION);
        text.push('\n');
        name.iter().for_each(|name| text.push_str(&format!("name {name}\n")));
        match passphrase {
            None => text.push_str(&Zeroizing::new(format!("seed {}\n", *Zeroizing::new(HEXLOWER.encode(key.seed()))))),
            Some(passphrase) => {
                let salt = random_bytes::<SALT_LEN>().map_err(|error| ExportError::Random(error.to_string()))?;
                let Cost { memory_kib, passes, lanes } = COST;
                text.push_str(&format!("argon2id {memory_kib} {passes} {lanes} {}\n", HEXLOWER.encode(&salt)));
                let mut sealed = *key.seed();
                let tag = COST.aead(passphrase, &salt)?.seal(&NONCE, text.as_bytes(), &mut sealed);
                text.push_str(&format!("sealed {}{}\n", HEXLOWER.encode(&sealed), HEXLOWER.encode(&tag)));
            }
        }
        text.push_str(&format!("public {}\n", HEXLOWER.encode(&key.public())));
        let check = HEXLOWER.encode(&check(&text));
        text.push_str(&format!("check {check}\n"));
        Ok(text)
    }

    /// Parses a file.
    ///
    /// # Errors
    /// [`ExportError::OtherFile`], [`ExportError::Damaged`], [`ExportError::Newer`].
    pub fn parse(text: &str) -> Result<Self, ExportError> {
        let text = text.trim_start_matches('\u{feff}').trim_start();
        if let Some(file) = key_file::parse(text) {
            let name = text.lines().nth(1).and_then(|line| line.strip_prefix("name ")).map(str::to_owned);
            return Ok(Self { name, public: file.key.public(), content: Content::Plain(file.key) });
        }
        let first = text.lines().next().unwrap_or_default().trim_end();
        let version = first.strip_prefix(TITLE).ok_or(ExportError::OtherFile)?;
        if first != VERSION {
            let number = version.trim_start().trim_start_matches("export").trim().parse::<u32>();
            return Err(if number.is_ok_and(|number| number > 2) { ExportError::Newer } else { ExportError::Damaged });
        }
        Self::parse_lines(text).ok_or(ExportError::Damaged)
    }

    fn parse_lines(text: &str) -> Option<Self> {
        let mut above = Zeroizing::new(String::with_capacity(text.len() + 1));
        let mut lines = text.lines().map(str::trim_end).peekable();
        let mut next = |above: &mut String, word: &str| {
            let line = lines.next_if(|line| line.split(' ').next() == Some(word))?;
            above.push_str(line);
            above.push('\n');
            Some(line.strip_prefix(word)?.trim_start())
        };
        next(&mut above, "kabar")?;
        let name = next(&mut above, "name").map(str::to_owned);
        let content = if let Some(seed) = next(&mut above, "seed") {
            Content::Plain(Key::from_seed(Zeroizing::new(hex(seed)?)))
        } else {
            let mut words = next(&mut above, "argon2id")?.split(' ');
            let mut number = || words.next()?.parse::<u32>().ok();
            let cost = Cost { memory_kib: number()?, passes: number()?, lanes: number()? };
            let salt = hex(words.next()?)?;
            let above_sealed = above.to_string();
            let (seed, tag) = next(&mut above, "sealed")?.split_at_checked(2 * SEED_LEN)?;
            Content::Sealed { cost, salt, above: above_sealed, seed: hex(seed)?, tag: hex(tag)? }
        };
        let public = hex(next(&mut above, "public")?)?;
        let expected = check(&above);
        let is_whole = hex::<CHECK_LEN>(next(&mut above, "check")?)? == expected;
        let is_consistent = if let Content::Plain(key) = &content { key.public() == public } else { true };
        (is_whole && is_consistent).then_some(Self { name, content, public })
    }

    /// Whether it needs a passphrase.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        matches!(self.content, Content::Sealed { .. })
    }

    /// Returns the key.
    ///
    /// # Errors
    /// [`ExportError::PassphraseRequired`], [`ExportError::WrongPassphrase`],
    /// [`ExportError::Damaged`].
    pub fn open(self, passphrase: Option<&str>) -> Result<Key, ExportError> {
        let key = match self.content {
            Content::Plain(key) => key,
            Content::Sealed { cost, salt, above, seed, tag } => {
                let passphrase = passphrase.ok_or(ExportError::PassphraseRequired)?;
                let mut seed = Zeroizing::new(seed);
                let aead = cost.aead(passphrase, &salt)?;
                let opened = aead.open(&NONCE, above.as_bytes(), &mut *seed, &tag);
                opened.map_err(|_| ExportError::WrongPassphrase)?;
                Key::from_seed(seed)
            }
        };
        if key.public() == self.public { Ok(key) } else { Err(ExportError::Damaged) }
    }
}

impl Cost {
    fn aead(self, passphrase: &str, salt: &[u8; SALT_LEN]) -> Result<ChaCha20Poly1305, ExportError> {
        let Self { memory_kib, passes, lanes } = self;
        let is_allowed = memory_kib <= MAX_COST.memory_kib && passes <= MAX_COST.passes && lanes <= MAX_COST.lanes;
        let params = Params::new(memory_kib, passes, lanes, None).ok().filter(|_| is_allowed);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.ok_or(ExportError::Damaged)?);
        let mut key = Zeroizing::new([0; 32]);
        let derived = argon2.hash_password_into(normalize(passphrase).as_bytes(), salt, &mut *key);
        derived.map_err(|_| ExportError::Damaged)?;
        Ok(ChaCha20Poly1305::new(&key))
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if matches!(self, Self::Plain(_)) { "Plain(..)" } else { "Sealed(..)" })
    }
}

fn check(above: &str) -> [u8; CHECK_LEN] {
    let mut check = [0; CHECK_LEN];
    check.iter_mut().zip(sha256(&[above.as_bytes()])).for_each(|(to, from)| *to = from);
    check
}

fn hex<const LEN: usize>(digits: &str) -> Option<[u8; LEN]> {
    Zeroizing::new(HEXLOWER.decode(digits.as_bytes()).ok()?).as_slice().try_into().ok()
}

#[cfg(test)]
mod tests;
