//! The identity of a server: its RSA key and the secret of its standing invite, in files of the
//! data directory. Both are those of the server, whatever its first room is called.
//!
//! ```text
//! server.key                      standing.secret
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

use kabar_std::data_dir::{DataDir, FileError, Unusable};
use kabar_std::invite::{RoomName, RoomSecret, parse_fingerprint, show_fingerprint};
use kabar_std::random::random_bytes;

const KEY_FILE: &str = "server.key";
const KEY_VERSION: &str = "kabar server key 1";
const SECRET_FILE: &str = "standing.secret";
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
    let damaged = || FileError::damaged(&dir.join(KEY_FILE), Unusable::DamagedKey);
    dir.read(KEY_FILE)?.map(|text| parse_key(&text).ok_or_else(damaged)).transpose()
}

/// Loads the secret of the standing invite, or generates one if there is none. `room` is as for
/// [`load_secret`].
///
/// # Errors
/// [`FileError`], also if the file is damaged.
pub fn load_or_create_secret(dir: &DataDir, room: &RoomName) -> Result<RoomSecret, FileError> {
    match load_secret(dir, room)? {
        Some(secret) => {
            save_secret(dir, &secret)?;
            Ok(secret)
        }
        None => generate_secret(dir),
    }
}

/// Loads the secret of the standing invite, if there is one. A server that had a single room stored
/// it as that of the room: until another one is saved, it is that of `room`.
///
/// # Errors
/// [`FileError`], also if the file is damaged.
pub fn load_secret(dir: &DataDir, room: &RoomName) -> Result<Option<RoomSecret>, FileError> {
    match load_secret_from(dir, SECRET_FILE)? {
        Some(secret) => Ok(Some(secret)),
        None => load_secret_from(dir, &format!("rooms/{room}.secret")),
    }
}

fn load_secret_from(dir: &DataDir, name: &str) -> Result<Option<RoomSecret>, FileError> {
    let parse = |text: &str| text.strip_prefix(SECRET_VERSION).and_then(|rest| RoomSecret::from_base32(rest.trim()));
    let damaged = || FileError::damaged(&dir.join(name), Unusable::DamagedSecret);
    dir.read(name)?.map(|text| parse(&text).ok_or_else(damaged)).transpose()
}

/// Generates a new secret for the standing invite and replaces the old one. Invites with the old
/// secret stop working when the server is restarted.
///
/// # Errors
/// [`FileError`].
pub fn generate_secret(dir: &DataDir) -> Result<RoomSecret, FileError> {
    let random = random_bytes().map_err(FileError::new("generate a secret for", &dir.join(SECRET_FILE)));
    let secret = RoomSecret::new(random?);
    save_secret(dir, &secret)?;
    Ok(secret)
}

fn save_secret(dir: &DataDir, secret: &RoomSecret) -> Result<(), FileError> {
    let text = Zeroizing::new(format!("{SECRET_VERSION}\n{}\n", secret.to_base32()));
    if dir.read(SECRET_FILE)?.is_some_and(|present| *present == *text) {
        return Ok(());
    }
    dir.replace(SECRET_FILE, text.as_bytes())
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
mod tests;
