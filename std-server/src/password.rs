//! The password of a server, stored as an Argon2id hash.
//!
//! ```text
//! server.password
//!   kabar room password 1
//!   salt HEX
//!   hash HEX
//!   tag HEX        identifies this password: identities admitted under it are not asked again
//! ```

use argon2::Argon2;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use data_encoding::HEXLOWER;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use crate::hub::PasswordVerifier;
use kabar_std::data_dir::{DataDir, FileError};
use kabar_std::invite::RoomName;
use kabar_std::password::normalize;
use kabar_std::random::random_bytes;

const FILE: &str = "server.password";
const VERSION: &str = "kabar room password 1";

/// The stored form of a password.
#[derive(Debug)]
pub struct Password {
    salt: [u8; 16],
    hash: [u8; 32],
    tag: [u8; 16],
}

impl Password {
    /// Sets the password. If it is unchanged, it keeps its tag. Slow on purpose. A server that had
    /// a single room stored it as that of the room: until it is set once more, it is that of
    /// `room`.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn set(dir: &DataDir, room: &RoomName, password: &str) -> Result<Self, FileError> {
        let path = dir.join(FILE);
        let normal = normalize(password);
        let random = || random_bytes::<16>().map_err(FileError::new("create", &path));
        let mut tag = None;
        let saved = dir.read(FILE)?;
        let is_of_room = saved.is_none();
        let saved = if is_of_room { dir.read(&format!("rooms/{room}.password"))? } else { saved };
        if let Some(present) = saved.and_then(|text| Self::parse(&text)) {
            if present.is_of(normal.as_bytes()) {
                if is_of_room {
                    dir.replace(FILE, present.format().as_bytes())?;
                }
                return Ok(present);
            }
            // Stored before passwords were normalised: the same password, whose hash is replaced.
            let decomposed = Zeroizing::new(normal.nfd().collect::<String>());
            let mut others = [password, decomposed.as_str()].into_iter().filter(|other| *other != normal.as_str());
            tag = others.any(|other| present.is_of(other.as_bytes())).then_some(present.tag);
        }
        let (salt, tag) = (random()?, tag.map_or_else(random, Ok)?);
        let made = Self { salt, hash: hash(normal.as_bytes(), &salt), tag };
        dir.replace(FILE, made.format().as_bytes())?;
        Ok(made)
    }

    fn is_of(&self, password: &[u8]) -> bool {
        verify_slices_are_equal(&hash(password, &self.salt), &self.hash).is_ok()
    }

    /// An identifier of the password that reveals nothing about it.
    #[must_use]
    pub fn tag(&self) -> [u8; 16] {
        self.tag
    }

    fn parse(text: &str) -> Option<Self> {
        fn value<const LEN: usize>(line: Option<&str>, name: &str) -> Option<[u8; LEN]> {
            let digits = line?.strip_prefix(name)?.strip_prefix(' ')?;
            HEXLOWER.decode(digits.as_bytes()).ok()?.try_into().ok()
        }
        let mut lines = text.lines();
        if lines.next()? != VERSION {
            return None;
        }
        let salt = value(lines.next(), "salt")?;
        let hash = value(lines.next(), "hash")?;
        Some(Self { salt, hash, tag: value(lines.next(), "tag")? })
    }

    fn format(&self) -> Zeroizing<String> {
        let Self { salt, hash, tag } = self;
        let [salt, hash, tag] = [&salt[..], hash, tag].map(|bytes| HEXLOWER.encode(bytes));
        Zeroizing::new(format!("{VERSION}\nsalt {salt}\nhash {hash}\ntag {tag}\n"))
    }
}

impl PasswordVerifier for Password {
    /// Normalises the password first, because a device may not.
    fn verify(&self, password: &[u8]) -> bool {
        match std::str::from_utf8(password) {
            Ok(text) => self.is_of(normalize(text).as_bytes()),
            Err(_) => self.is_of(password),
        }
    }
}

/// A room without a password accepts none.
impl PasswordVerifier for Option<Password> {
    fn verify(&self, password: &[u8]) -> bool {
        self.as_ref().is_some_and(|present| present.verify(password))
    }
}

/// Argon2id: 19 MiB, two passes, one lane (about 30 ms).
fn hash(password: &[u8], salt: &[u8; 16]) -> [u8; 32] {
    let mut hash = [0; 32];
    Argon2::default().hash_password_into(password, salt, &mut hash).expect("lengths within the bounds of Argon2");
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_is_right_and_it_keeps_its_tag() {
        let (_home, dir) = crate::temporary_dir();
        let lobby = RoomName::new("lobby").unwrap();
        let first = Password::set(&dir, &lobby, "s\u{e9}same").unwrap();
        assert!(first.verify("s\u{e9}same".as_bytes()) && !first.verify(b"sesame") && !first.verify(b""));
        assert_eq!(Password::set(&dir, &lobby, "s\u{e9}same").unwrap().tag(), first.tag());
        let second = Password::set(&dir, &lobby, "other").unwrap();
        assert_ne!(second.tag(), first.tag());
        assert!(second.verify(b"other") && !second.verify("s\u{e9}same".as_bytes()));
        // It is the server's, whatever its first room is called.
        let other = RoomName::new("other").unwrap();
        assert_eq!(Password::set(&dir, &other, "other").unwrap().tag(), second.tag());
        let kept = dir.read("server.password").unwrap().unwrap();
        assert!(!kept.contains("other"), "never in clear: {}", *kept);
        assert!(!None::<Password>.verify(b""));
    }

    #[test]
    fn composed_and_decomposed_letters_are_one_password() {
        let (_home, dir) = crate::temporary_dir();
        let lobby = RoomName::new("lobby").unwrap();
        let (composed, decomposed) = ("s\u{e9}same \u{c5}", "se\u{301}same\u{a0}A\u{30a}");
        let first = Password::set(&dir, &lobby, composed).unwrap();
        assert!(first.verify(composed.as_bytes()) && first.verify(decomposed.as_bytes()) && !first.verify(b"sesame A"));
        assert!(!first.verify(b"s\xe9same"));
        assert_eq!(Password::set(&dir, &lobby, decomposed).unwrap().tag(), first.tag());
    }

    #[test]
    fn a_hash_of_an_earlier_version_keeps_its_tag() {
        let lobby = RoomName::new("lobby").unwrap();
        for given in ["se\u{301}same", "s\u{e9}same"] {
            let (_home, dir) = crate::temporary_dir();
            let (salt, tag) = ([3; 16], [4; 16]);
            let old = Password { salt, hash: hash("se\u{301}same".as_bytes(), &salt), tag };
            dir.replace("rooms/lobby.password", old.format().as_bytes()).unwrap();
            for room in [&lobby, &lobby, &RoomName::new("other").unwrap()] {
                let kept = Password::set(&dir, room, given).unwrap();
                assert_eq!(kept.tag(), tag, "{given}");
                assert!(kept.verify("se\u{301}same".as_bytes()) && kept.verify("s\u{e9}same".as_bytes()));
            }
            assert_ne!(Password::set(&dir, &lobby, "other").unwrap().tag(), tag);
        }
    }
}
