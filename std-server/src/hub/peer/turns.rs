//! Turns: how much is done for one connection before the others are asked.
//!
//! A few bytes can ask for much: two hundred entries, everybody's name. So each connection has a
//! budget per *round*, which is from one time that all output was fetched to the next: one unit per
//! message that is read, per answer, and per look into the log for it. (Entries of the tail cost
//! none: the send ring bounds them.) What is left over goes on in the next round, after whatever
//! came in meanwhile.

use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use crate::hub::Hub;

impl<P: Provider> Hub<P> {
    /// With the first input after everything was fetched: all have their budget again, and what was
    /// left over goes on.
    pub(in crate::hub) fn begin_round(&mut self) {
        if core::mem::take(&mut self.is_round_over) {
            self.round = self.round.wrapping_add(1);
            for id in core::mem::take(&mut self.deferred) {
                self.mark_ready(id);
            }
        }
    }

    /// Takes one unit of a connection's budget. `false`: there is none left; it goes on in the next
    /// round.
    pub(in crate::hub) fn take_work(&mut self, id: u32) -> bool {
        let Some(peer) = self.peers.get_mut(&id) else { return false };
        let left = peer.work_left(self.round, self.config.limits.work);
        if left == 0 {
            self.defer(id);
            return false;
        }
        peer.work = left - 1;
        true
    }

    /// Puts off what is left to do for a connection until the next round.
    pub(in crate::hub) fn defer(&mut self, id: u32) {
        if let Some(peer) = self.peers.get_mut(&id)
            && !core::mem::replace(&mut peer.is_deferred, true)
        {
            self.counters.work_deferred += 1;
            self.deferred.push_back(id);
        }
    }

    /// Reads on where that was put off: its turn has come.
    pub(in crate::hub) fn go_on(&mut self, now: Instant, id: u32) {
        if self.peers.get_mut(&id).is_some_and(|peer| core::mem::take(&mut peer.is_deferred)) {
            self.read(now, id);
        }
    }
}
