//! ListMembers and History (SPEC 6.3): a question is recorded here and answered by the delivery.

use kabar_core::crypto::Provider;

use super::{Handled, Room};
use crate::hub::peer::Peer;
use crate::hub::peer::member::{History, Listing};

impl Room {
    pub(in crate::hub) fn on_list_members<P: Provider>(&self, peer: &mut Peer<P>) -> Handled {
        let Some(member) = peer.member_mut() else { return Handled::Violation };
        if member.listing.is_some() {
            return Handled::Defer;
        }
        member.listing = Some(Listing { after: None, remaining: self.members.len() });
        Handled::Done
    }

    pub(in crate::hub) fn on_history<P: Provider>(&self, peer: &mut Peer<P>, before: u64, count: u8) -> Handled {
        let Some(member) = peer.member_mut() else { return Handled::Violation };
        if member.history.is_some() {
            return Handled::Defer;
        }
        let end = self.log.head() + 1;
        let before = if before == 0 { end } else { before.min(end) };
        let next = before.saturating_sub(u64::from(count)).max(self.log.first());
        member.history = Some(History { next, last: before - 1 });
        Handled::Done
    }
}
