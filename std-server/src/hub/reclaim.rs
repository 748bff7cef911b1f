//! Rings of connections that are not there any more: when others find the pool empty, whoever holds a ring and was not heard of for
//! a while is given up. (Its peer may have stated an idle time of an hour; whoever is there comes again and goes on where it was.)

use kabar_core::crypto::Provider;
use kabar_core::time::{Duration, Instant};

use super::timers::Timer;
use super::{Departure, Hub};

/// Time between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// Silence after which a ring is taken back: a peer that is there acknowledges, or sends again, within far less.
const SILENCE: Duration = Duration::from_secs(30);

impl<P: Provider> Hub<P> {
    /// Plans a look if somebody was refused a ring since the last one.
    pub(super) fn watch_pool(&mut self, now: Instant) {
        if self.pool.refused() > self.refusals_seen && self.timers.get(&Timer::Pool).is_none() {
            self.timers.set(Timer::Pool, Some(now + LOOK));
        }
    }

    /// Gives up who is silent and holds a ring.
    pub(super) fn on_pool_timer(&mut self, now: Instant) {
        self.refusals_seen = self.pool.refused();
        let silent = self.peers.iter().filter(|(_, peer)| {
            // Who is not read on has nothing to send again, and is silent until its keep-alive.
            !peer.is_held && peer.connection.memory().holds_ring() && peer.connection.silence(now) >= SILENCE
        });
        let mut silent: Vec<u32> = silent.map(|(id, _)| *id).collect();
        silent.sort_unstable();
        for id in silent {
            self.counters.reclaimed += 1;
            self.depart(now, id, Departure::Vanished);
            self.remove(id);
        }
    }
}
