//! What an operator can do.

use kabar_core::chat::{Kind, MAX_TEXT_LEN};
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;
use kabar_core::wire::frame::CloseCode;

use super::append::{Pending, Source};
use super::{Departure, Hub, Presence};
use crate::names::Name;

/// The author of what the operator says (SPEC 6.6).
const SERVER: &str = "server";

impl<P: Provider> Hub<P> {
    /// Says `text` (up to 4096 bytes; the rest is cut off) to the room as the operator.
    pub fn say(&mut self, now: Instant, text: &str) {
        let text = &text[..text.floor_char_boundary(MAX_TEXT_LEN)];
        self.appender.push(Pending::by_server(SERVER, Kind::OPERATOR, text.as_bytes(), Source::Operator));
        self.finish_input(now);
    }

    /// Puts a member out. `false`: there is nobody of that name.
    pub fn kick(&mut self, now: Instant, name: &str) -> bool {
        let folded = Name::new(name).map(|name| name.folded().to_owned()).unwrap_or_default();
        let Some(id) = self.members.by_name.get(&folded).copied() else { return false };
        self.depart(now, id, Departure::Kicked);
        self.close(now, id, CloseCode::KICKED, "");
        self.finish_input(now);
        true
    }

    /// Ends the ownership of a name, so that anybody may take it. `false`: nobody owns it, or the owner is here.
    pub fn release_name(&mut self, now: Instant, name: &str) -> bool {
        let Ok(name) = Name::new(name) else { return false };
        let folded = name.folded();
        let is_here = self.members.by_name.contains_key(folded) || self.ownership.is_claimed(folded);
        let is_released = !is_here && !self.is_present(folded) && self.ownership.record(folded).is_some();
        if is_released {
            self.appender.push_released(folded);
            self.finish_input(now);
        }
        is_released
    }

    /// Who is here, by name.
    #[must_use]
    pub fn who(&self) -> Vec<Presence> {
        let presence = |id| {
            let peer = self.peers.get(id)?;
            let name = peer.member()?.name.shown().to_owned();
            Some(Presence { name, address: peer.address })
        };
        self.members.by_name.values().filter_map(presence).collect()
    }

    /// Stops: everybody is told, nobody comes in any more. What was taken before is still committed: go on driving until
    /// [`Hub::is_finished`], or for as long as one is willing to wait.
    pub fn shutdown(&mut self, now: Instant) {
        self.is_stopping = true;
        for id in self.peers.keys().copied().collect::<Vec<_>>() {
            if self.peers.get(&id).is_some_and(|peer| peer.connection.is_open()) {
                self.depart(now, id, Departure::Shutdown);
                self.close(now, id, CloseCode::SHUTDOWN, "the server stops");
            }
        }
        self.finish_input(now);
    }

    /// Whether, after [`Hub::shutdown`], nothing is left to send or to commit.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.is_stopping && self.ready.is_empty() && self.replies.is_empty() && self.appender.is_idle()
    }
}
