//! RSA of fixed size, from the crate `kabar-rsa`.
//!
//! The handshake uses the KEM only (SPEC 3.4). A device uses [`Rsa2048`], a host [`AnyRsa`].

pub use kabar_rsa::PublicKey as ServerKey;
pub use kabar_rsa::*;
