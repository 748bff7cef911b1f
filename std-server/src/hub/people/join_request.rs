//! A Join whose form was checked, on its way to becoming a member.

use kabar_core::chat::Start;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_std::names::Name;

/// A valid Join.
#[derive(Debug)]
pub(in crate::hub) struct JoinRequest {
    pub(in crate::hub) name: Name,
    pub(in crate::hub) identity: PublicIdentity,
    /// As stated in the Join (0: none); once admitted, the instance that the member will have.
    pub(in crate::hub) instance: u64,
    pub(in crate::hub) start: Start,
    pub(in crate::hub) max_entry_len: u16,
    /// The user did not choose the name.
    pub(in crate::hub) is_default_name: bool,
    /// Its admission has to be stored.
    pub(in crate::hub) is_newly_admitted: bool,
    /// The invite by which it is newly admitted.
    pub(in crate::hub) invite: Option<u32>,
    /// Its admission does not end with the password.
    pub(in crate::hub) is_lasting: bool,
    /// What its Welcome proves: that the server knows the secret (SPEC 6.3).
    pub(in crate::hub) proof: [u8; 32],
}
