//! The secrets of a client: its identity, the credential of each room, and the state of its random
//! generator. Wiped when they are needed no longer, never printed.

use zeroize::Zeroize;

use super::config::Credential;
use super::zero_option::ZeroOption;
use crate::chat::message::client_proof;
use crate::chat::{Authentication, MAX_PASSWORD_LEN, ROOM_SECRET_LEN};
use crate::crypto::identity::Identity;
use crate::crypto::kdf::Secret;

const _: () = assert!(MAX_PASSWORD_LEN <= u8::MAX as usize);

/// The identity and the random generator.
pub(super) struct Secrets {
    randomness: Secret,
    identity: ZeroOption<Identity>,
}

impl Secrets {
    pub(super) const fn new() -> Self {
        Self { randomness: Secret::new([0; 32]), identity: ZeroOption::None }
    }

    /// Takes copies.
    pub(super) fn set(&mut self, identity: &Identity, seed: [u8; 32]) {
        self.identity = ZeroOption::Some(identity.clone());
        self.randomness = Secret::new(seed);
    }

    pub(super) fn wipe(&mut self) {
        self.randomness.zeroize();
        self.identity = ZeroOption::None;
    }

    /// Returns 32 fresh bytes. Earlier results cannot be recomputed from the remaining state.
    pub(super) fn draw(&mut self) -> [u8; 32] {
        let fresh = self.randomness.derive(b"kabar1 client draw", &[]);
        self.randomness = self.randomness.derive(b"kabar1 client next", &[]);
        *fresh.expose()
    }

    /// `Some` from [`Secrets::set`] until wiped.
    pub(super) const fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }
}

/// The kind of [`Credential`]; its bytes are stored separately.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Means {
    None,
    Secret,
    Password,
}

/// The credential of a room, copied.
pub(super) struct StoredCredential {
    means: Means,
    room_secret: [u8; ROOM_SECRET_LEN],
    password: [u8; MAX_PASSWORD_LEN],
    password_len: u8,
}

impl StoredCredential {
    pub(super) const fn new() -> Self {
        Self { means: Means::None, room_secret: [0; ROOM_SECRET_LEN], password: [0; MAX_PASSWORD_LEN], password_len: 0 }
    }

    /// Takes a copy. A password has at most [`MAX_PASSWORD_LEN`] bytes; further bytes are not
    /// copied.
    pub(super) fn set(&mut self, credential: &Credential<'_>) {
        self.wipe();
        match credential {
            Credential::None => {}
            Credential::Secret(secret) => {
                self.room_secret = *secret;
                self.means = Means::Secret;
            }
            Credential::Password(password) => {
                for (to, from) in self.password.iter_mut().zip(*password) {
                    *to = *from;
                    self.password_len = self.password_len.saturating_add(1);
                }
                self.means = Means::Password;
            }
        }
    }

    pub(super) fn wipe(&mut self) {
        self.means = Means::None;
        self.room_secret.zeroize();
        self.password.zeroize();
        self.password_len = 0;
    }

    /// The authentication in a Join (SPEC 6.2).
    pub(super) fn authentication(&self, exporter: &[u8; 32]) -> Authentication<'_> {
        match self.means {
            Means::None => Authentication::None,
            Means::Secret => Authentication::Secret(client_proof(&self.room_secret, exporter)),
            Means::Password => {
                Authentication::Password(self.password.get(..usize::from(self.password_len)).unwrap_or(&[]))
            }
        }
    }

    /// The room's secret, if that is the credential.
    pub(super) const fn room_secret(&self) -> Option<&[u8; ROOM_SECRET_LEN]> {
        match self.means {
            Means::Secret => Some(&self.room_secret),
            Means::None | Means::Password => None,
        }
    }
}

impl Drop for Secrets {
    fn drop(&mut self) {
        self.wipe();
    }
}

impl Drop for StoredCredential {
    fn drop(&mut self) {
        self.wipe();
    }
}
