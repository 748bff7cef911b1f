//! A digest of the state that unauthenticated datagrams must not change (SPEC 7, S6).

use core::fmt::Write as _;

use kabar_core::connection::StreamId;
use kabar_core::crypto::Provider;
use kabar_core::crypto::sha256;

use super::Hub;

impl<P: Provider> Hub<P> {
    /// A digest of connections, members, rooms and uncommitted posts: equal before and after a
    /// datagram that does not authenticate (SPEC 7, S6). Counters, half-open entries and limiters
    /// are left out. For tests.
    #[doc(hidden)]
    #[must_use]
    pub fn state_digest(&self) -> [u8; 32] {
        let mut text = String::new();
        for peer in self.peers.iter() {
            let (link, connection) = (&peer.link, &peer.link.connection);
            let counters = connection.counters();
            let _ = write!(text, "{:x} {:?} {:?}", link.id, connection.remote(), connection.rtt());
            let _ =
                write!(text, " {} {} {:?}", connection.is_open(), connection.is_finished(), connection.poll_timeout());
            let _ = write!(text, " {} {}", counters.sent, counters.received);
            let _ = write!(text, " {}", connection.readable(StreamId::Chat));
            let _ = write!(text, " {}", connection.unacknowledged(StreamId::Chat));
            let _ = writeln!(text, " {:?} {:?} {}", link.phase, peer.memberships, link.turn.is_paused);
        }
        let _ = writeln!(text, "{:?}", self.rooms.directory);
        for room in self.rooms.iter() {
            let _ = room.write_state(&mut text);
        }
        let _ = self.context.people.write_state(&mut text);
        let _ = writeln!(text, "{:?}", self.context.commits);
        let _ = writeln!(text, "{:?}", self.context.privileges);
        let _ = writeln!(text, "{:?}\n{:?}", self.context.invites, self.context.admitted);
        let _ = writeln!(text, "{:?} {}", self.context.turns.paused, self.context.census.unjoined);
        sha256(&[text.as_bytes()])
    }
}
