//! Everything that is known before a session sends anything.

use kabar_core::session::Fingerprint;
use kabar_std::address::Places;
use kabar_std::data_dir::DataDir;
use kabar_std::invite::{RoomName, RoomSecret};
use zeroize::Zeroizing;

use super::replay::ReplayFrom;
use crate::identity::LocalIdentity;

/// The configuration of a session.
#[derive(Debug)]
pub struct SessionConfig {
    /// The addresses of the server, as they were typed.
    pub server: Places,
    /// The rooms; the first one is shown.
    pub rooms: Vec<RequestedRoom>,
    /// The identity to join with.
    pub identity: LocalIdentity,
    /// The rule by which a key of the server is accepted.
    pub key_policy: KeyPolicy,
    /// Holds the known servers and the position in the room.
    pub dir: DataDir,
    /// Whether joins and leaves are hidden from now on.
    pub hide_joins: bool,
    /// The entries to begin with.
    pub replay_from: ReplayFrom,
    /// How long to wait, at the end, until the next line is stored.
    pub give_up: std::time::Duration,
    /// Whether this process hosts the room. It is not stored as a known server then.
    pub is_host: bool,
    /// Lines of standard input that were read before.
    pub lines_taken: u64,
}

/// A room to join.
#[derive(Debug)]
pub struct RequestedRoom {
    /// Its name.
    pub name: RoomName,
    /// The credentials to join with, one after another.
    pub credentials: Vec<RoomCredential>,
}

/// The rule by which a key of the server is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPolicy {
    /// The key in the invite.
    Invited(Fingerprint),
    /// The key that was typed, or is known from before.
    Expected(Fingerprint),
    /// Any key.
    AcceptNew,
    /// A key that a person accepts.
    Ask,
}

/// A credential to join with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomCredential {
    /// The room's secret.
    Secret(RoomSecret),
    /// The room's password.
    Password(Zeroizing<String>),
    /// Not known yet.
    None,
}
