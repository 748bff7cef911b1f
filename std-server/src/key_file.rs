//! The identity of a server: its RSA key and the secrets of its rooms, in files of the data
//! directory.
//!
//! ```text
//! server.key                      rooms/NAME.secret
//!   kabar server key 1              kabar room secret 1
//!   p HEX                           BASE32
//!   q HEX
//!   fingerprint BASE32
//! ```
//! The fingerprint detects a damaged file: a server never starts with a key other than its own.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use data_encoding::HEXLOWER;
use kabar_core::crypto::rsa::{AnyRsaPrivateKey, KeySize, PrivateKey};
use kabar_core::session::Fingerprint;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zeroize::Zeroizing;

use kabar_std::data_dir::{DataDir, FileError};
use kabar_std::invite::{RoomName, RoomSecret, parse_fingerprint, show_fingerprint};
use kabar_std::random::random_bytes;

const KEY_FILE: &str = "server.key";
const KEY_VERSION: &str = "kabar server key 1";
const SECRET_VERSION: &str = "kabar room secret 1";

/// How long generating a key may take before it is reported.
const SLOW: Duration = Duration::from_millis(200);

/// Loads the server's key, or generates one of `size` if there is none. Calls `slow` if that takes
/// longer than 200 ms.
///
/// # Errors
/// [`FileError`], also if the file is damaged.
pub fn load_or_create_key(
    dir: &DataDir,
    size: KeySize,
    slow: impl FnOnce() + Send,
) -> Result<AnyRsaPrivateKey, FileError> {
    if let Some(key) = load_key(dir)? {
        return Ok(key);
    }
    let path = dir.join(KEY_FILE);
    let seed = Zeroizing::new(random_bytes().map_err(FileError::new("generate a key for", &path))?);
    let key = notify_if_slow(slow, || AnyRsaPrivateKey::generate(size, &mut ChaCha20Rng::from_seed(*seed)));
    dir.replace(KEY_FILE, format_key(&key).as_bytes())?;
    Ok(key)
}

/// Loads the server's key, if there is one.
///
/// # Errors
/// [`FileError`], also if the file is damaged.
pub fn load_key(dir: &DataDir) -> Result<Option<AnyRsaPrivateKey>, FileError> {
    let damaged = || FileError::damaged(&dir.join(KEY_FILE), "the file is damaged; restore it from a copy");
    dir.read(KEY_FILE)?.map(|text| parse_key(&text).ok_or_else(damaged)).transpose()
}

/// Loads a room's secret, or generates one if there is none.
///
/// # Errors
/// [`FileError`], also if the file is damaged.
pub fn load_or_create_secret(dir: &DataDir, room: &RoomName) -> Result<RoomSecret, FileError> {
    load_secret(dir, room)?.map_or_else(|| generate_secret(dir, room), Ok)
}

/// Loads a room's secret, if there is one.
///
/// # Errors
/// [`FileError`], also if the file is damaged.
pub fn load_secret(dir: &DataDir, room: &RoomName) -> Result<Option<RoomSecret>, FileError> {
    let name = secret_file(room);
    let parse = |text: &str| text.strip_prefix(SECRET_VERSION).and_then(|rest| RoomSecret::from_base32(rest.trim()));
    let damaged = || {
        FileError::damaged(
            &dir.join(&name),
            "the file is damaged; restore it from a copy, or remove it for a new secret",
        )
    };
    dir.read(&name)?.map(|text| parse(&text).ok_or_else(damaged)).transpose()
}

/// Generates a new secret for a room and replaces the old one. Invites with the old secret stop
/// working when the server is restarted.
///
/// # Errors
/// [`FileError`].
pub fn generate_secret(dir: &DataDir, room: &RoomName) -> Result<RoomSecret, FileError> {
    let name = secret_file(room);
    let secret = RoomSecret::new(random_bytes().map_err(FileError::new("generate a secret for", &dir.join(&name)))?);
    let text = Zeroizing::new(format!("{SECRET_VERSION}\n{}\n", secret.to_base32()));
    dir.replace(&name, text.as_bytes())?;
    Ok(secret)
}

fn secret_file(room: &RoomName) -> String {
    format!("rooms/{room}.secret")
}

fn parse_key(text: &str) -> Option<AnyRsaPrivateKey> {
    let mut lines = text.lines();
    if lines.next()? != KEY_VERSION {
        return None;
    }
    let mut value = |name| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
    let number = |text: &str| HEXLOWER.decode(text.as_bytes()).ok().map(Zeroizing::new);
    let (p, q) = (number(value("p")?)?, number(value("q")?)?);
    let expected = parse_fingerprint(value("fingerprint")?)?;
    let key = AnyRsaPrivateKey::from_primes(&p, &q).ok()?;
    (Fingerprint::of_modulus(key.modulus()) == expected).then_some(key)
}

fn format_key(key: &AnyRsaPrivateKey) -> Zeroizing<String> {
    let len = key.size().prime_len();
    let (mut p, mut q) = (Zeroizing::new(vec![0; len]), Zeroizing::new(vec![0; len]));
    key.primes(&mut p, &mut q).expect("as long as the size says");
    let fingerprint = show_fingerprint(&Fingerprint::of_modulus(key.modulus()));
    let (p, q) = (Zeroizing::new(HEXLOWER.encode(&p)), Zeroizing::new(HEXLOWER.encode(&q)));
    Zeroizing::new(format!("{KEY_VERSION}\np {}\nq {}\nfingerprint {fingerprint}\n", *p, *q))
}

fn notify_if_slow<T>(say: impl FnOnce() + Send, work: impl FnOnce() -> T) -> T {
    let (done, is_done) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if is_done.recv_timeout(SLOW) == Err(RecvTimeoutError::Timeout) {
                say();
            }
        });
        let result = work();
        drop(done);
        result
    })
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use super::*;

    fn key_text() -> &'static str {
        static TEXT: OnceLock<String> = OnceLock::new();
        TEXT.get_or_init(|| {
            format_key(&AnyRsaPrivateKey::generate(KeySize::Bits2048, &mut ChaCha20Rng::from_seed([1; 32]))).to_string()
        })
    }

    #[test]
    fn a_server_keeps_its_key_and_secret() {
        let (_home, dir) = crate::temporary_dir();
        let lobby = RoomName::new("lobby").unwrap();
        let first = load_or_create_key(&dir, KeySize::Bits2048, || ()).unwrap();
        let second = load_or_create_key(&dir, KeySize::Bits4096, || panic!("a key is there")).unwrap();
        assert_eq!(first.modulus(), second.modulus());
        let secret = load_or_create_secret(&dir, &lobby).unwrap();
        assert_eq!(load_or_create_secret(&dir, &lobby).unwrap(), secret);
        assert_ne!(load_or_create_secret(&dir, &RoomName::new("other").unwrap()).unwrap(), secret);
    }

    #[test]
    fn a_key_survives_being_written() {
        assert_eq!(format_key(&parse_key(key_text()).unwrap()).as_str(), key_text());
    }

    #[test]
    fn a_damaged_key_is_told_and_never_replaced() {
        let (_home, dir) = crate::temporary_dir();
        let text = key_text();
        for damaged in [
            "",
            &text[..text.len() / 2],
            &text.replacen('1', "2", 1),
            &text.replacen("p ", "p 00", 1),
            &text.replacen("\nq ", "\nq x", 1),
            // One bit of p, then one character of the fingerprint.
            &text.replacen(&text[30..31], if &text[30..31] == "0" { "1" } else { "0" }, 1),
            &text.replacen("fingerprint ", "fingerprint A", 1),
        ] {
            assert_ne!(damaged, text);
            dir.replace(KEY_FILE, damaged.as_bytes()).unwrap();
            let error = load_or_create_key(&dir, KeySize::Bits2048, || ()).unwrap_err().to_string();
            assert!(error.contains("server.key") && error.contains("damaged"), "{error}");
            assert_eq!(dir.read(KEY_FILE).unwrap().unwrap().as_str(), damaged);
        }
    }

    #[test]
    fn a_key_that_is_not_the_one_it_was_is_damaged() {
        let other = format_key(&AnyRsaPrivateKey::generate(KeySize::Bits2048, &mut ChaCha20Rng::from_seed([2; 32])));
        let (numbers, _) = other.split_once("fingerprint").unwrap();
        let (_, fingerprint) = key_text().split_once("fingerprint").unwrap();
        assert!(parse_key(&format!("{numbers}fingerprint{fingerprint}")).is_none());
    }

    #[test]
    fn a_damaged_secret_is_told_and_never_replaced() {
        let (_home, dir) = crate::temporary_dir();
        let lobby = RoomName::new("lobby").unwrap();
        for damaged in
            ["", "kabar room secret 2\nAAAQEAYEAUDAOCAJBIFQYDIOB4\n", "kabar room secret 1\nAAAQEAYEAUDAOCAJ\n"]
        {
            dir.replace("rooms/lobby.secret", damaged.as_bytes()).unwrap();
            assert!(load_or_create_secret(&dir, &lobby).unwrap_err().to_string().contains("lobby.secret"));
            assert_eq!(dir.read("rooms/lobby.secret").unwrap().unwrap().as_str(), damaged);
        }
    }
}
