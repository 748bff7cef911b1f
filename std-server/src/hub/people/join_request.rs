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
}
