//! RSA of fixed size, from the crate `kabar-rsa`.
//!
//! The handshake uses the KEM only (SPEC 3.4). A device uses [`Rsa2048`], a host [`AnyRsa`].

pub use kabar_rsa::PublicKey as ServerKey;
pub use kabar_rsa::*;

#[cfg(test)]
#[path = "../../rsa/src/test_keys.rs"]
#[expect(dead_code, reason = "the file serves other tests too")]
pub(crate) mod test_keys;
