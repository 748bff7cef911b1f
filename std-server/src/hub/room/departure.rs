//! How members go: by saying so, by silence, by force; and what the log says of it (DESIGN 5.4, 6): left is said once, and only of
//! whom joined was said; who vanished and returns soon was never gone.

use kabar_core::chat::Kind;
use kabar_core::connection::Ended;
use kabar_core::crypto::Provider;
use kabar_core::time::{Duration, Instant};
use kabar_core::wire::frame::CloseCode;

use crate::hub::commit::{Pending, Source};
use crate::hub::peer::Phase;
use crate::hub::timers::Timer;
use crate::hub::{Departure, Hub, HubEvent};

impl<P: Provider> Hub<P> {
    /// A connection ended by itself or by its peer.
    pub(in crate::hub) fn on_closed(&mut self, now: Instant, id: u32, ended: Ended) {
        match ended {
            Ended::ByPeer(CloseCode::LEFT) => self.depart(now, id, Departure::Left),
            Ended::Idle => {
                // Its silence counts.
                let silence =
                    self.peers.get(&id).map_or(Duration::ZERO, |peer| Duration::from_secs(u64::from(peer.idle_s)));
                self.depart_after(now, id, Departure::Vanished, silence);
            }
            Ended::Here(_) => self.depart(now, id, Departure::Broke),
            _ => self.depart(now, id, Departure::Vanished),
        }
        self.set_phase(id, Phase::Over);
        self.timers.set(Timer::Phase(id), None);
        self.mark_ready(id);
    }

    /// Ends the membership on a connection, if there is one. What becomes of the connection is the caller's matter.
    pub(in crate::hub) fn depart(&mut self, now: Instant, id: u32, how: Departure) {
        self.depart_after(now, id, how, Duration::ZERO);
    }

    fn depart_after(&mut self, now: Instant, id: u32, how: Departure, silence: Duration) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if peer.member().is_none() {
            return;
        }
        let from = peer.address;
        let Phase::Member(member) = core::mem::replace(&mut peer.phase, Phase::Over) else { return };
        self.residents.remove(&id);
        self.pages.forget(id);
        self.members.by_identity.remove(&member.identity);
        self.members.by_instance.remove(&member.instance);
        self.members.by_name.remove(member.name.folded());
        let (name, folded) = (member.name.shown(), member.name.folded());
        self.appender.push_seen(folded, member.instance);
        // The same member may be on its way in again.
        let is_returning = self.ownership.is_claimed(folded);
        match how {
            Departure::Kicked | Departure::Banned => {
                let source = Source::Presence { folded: folded.to_owned(), joiner: None };
                self.appender.push(Pending::by_server(name, Kind::KICKED, &[], source));
            }
            Departure::Left | Departure::Replaced if !is_returning => self.say_left(name, folded),
            Departure::Vanished | Departure::Broke if !is_returning => {
                let grace = self.config.limits.return_time.saturating_sub(silence);
                self.timers.set(Timer::Away(folded.to_owned()), Some(now + grace));
            }
            _ => {}
        }
        self.tell(HubEvent::Left { name: name.to_owned(), from, how });
    }

    fn say_left(&mut self, name: &str, folded: &str) {
        if self.is_present(folded) {
            let source = Source::Presence { folded: folded.to_owned(), joiner: None };
            self.appender.push(Pending::by_server(name, Kind::LEFT, &[], source));
        }
    }

    /// Somebody did not return in time.
    pub(in crate::hub) fn on_away_timer(&mut self, _now: Instant, folded: &str) {
        let is_back = self.members.by_name.contains_key(folded) || self.ownership.is_claimed(folded);
        let name = self.ownership.record(folded).map(|record| record.name.clone());
        if let (false, Some(name)) = (is_back, name) {
            self.counters.not_returned += u64::from(self.is_present(folded));
            self.say_left(&name, folded);
        }
    }

    /// At the start: who was here when the last run ended may return.
    pub(in crate::hub) fn await_the_present(&mut self, now: Instant) {
        let deadline = now + self.config.limits.return_time;
        let present = self.ownership.records().filter(|record| record.present);
        for folded in present.map(|record| record.folded.clone()).collect::<Vec<_>>() {
            self.timers.set(Timer::Away(folded), Some(deadline));
        }
    }

    /// Whether the log says, or is about to say, that the owner of this name is here.
    pub(in crate::hub) fn is_present(&self, folded: &str) -> bool {
        let durable = || self.ownership.record(folded).is_some_and(|record| record.present);
        self.appender.presence(folded).unwrap_or_else(durable)
    }
}
