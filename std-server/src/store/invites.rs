//! Invites (SPEC 6.2): records of who may join by which secret, for how long and how often.

use core::fmt;

use kabar_core::chat::ROOM_SECRET_LEN;
use kabar_core::crypto::identity::PublicIdentity;

/// Uses of an invite that are kept; older ones are only counted.
pub const KEPT_USES: u32 = 64;

/// An invite.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteRecord {
    /// The number by which operators name it; unique in the store.
    pub id: u32,
    /// The room that it admits to; `None`: all of the server.
    pub room: Option<String>,
    /// Proves that a client holds it.
    pub secret: [u8; ROOM_SECRET_LEN],
    /// Whether it is the room's standing invite, whose secret is in a file of the data directory.
    pub is_standing: bool,
    /// Who made it; `None`: the server.
    pub made_by: Option<PublicIdentity>,
    /// When it was made, in ms since 1970.
    pub made_ms: u64,
    /// When it ends, in ms since 1970; `None`: never.
    pub expires_ms: Option<u64>,
    /// How many more identities it admits; `None`: any number.
    pub uses_left: Option<u32>,
    /// How many identities it has admitted.
    pub used: u32,
    /// It was revoked.
    pub is_revoked: bool,
}

/// The admission of an identity by an invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InviteUse {
    /// The invite.
    pub invite: u32,
    /// The first use of the invite is 1. Of each invite, the last [`KEPT_USES`] are kept.
    pub number: u32,
    /// The identity.
    pub identity: PublicIdentity,
    /// When it was admitted, in ms since 1970.
    pub time_ms: u64,
}

/// Whether an invite admits newcomers, or why it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteState {
    /// It admits.
    InForce,
    /// It was revoked.
    Revoked,
    /// It has admitted as many as it may.
    UsedUp,
    /// Its time is over.
    Expired,
}

impl InviteRecord {
    /// Its state when the time of day is `now_ms` since 1970.
    #[must_use]
    pub fn state(&self, now_ms: u64) -> InviteState {
        if self.is_revoked {
            InviteState::Revoked
        } else if self.uses_left == Some(0) {
            InviteState::UsedUp
        } else if self.expires_ms.is_some_and(|expires| now_ms >= expires) {
            InviteState::Expired
        } else {
            InviteState::InForce
        }
    }

    /// Whether it admits newcomers when the time of day is `now_ms` since 1970.
    #[must_use]
    pub fn is_in_force(&self, now_ms: u64) -> bool {
        self.state(now_ms) == InviteState::InForce
    }
}

/// Without the secret.
impl fmt::Debug for InviteRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, room, is_standing, expires_ms, uses_left, used, is_revoked, .. } = self;
        f.debug_struct("InviteRecord")
            .field("id", id)
            .field("room", room)
            .field("is_standing", is_standing)
            .field("expires_ms", expires_ms)
            .field("uses_left", uses_left)
            .field("used", used)
            .field("is_revoked", is_revoked)
            .finish_non_exhaustive()
    }
}
