//! Joins and memberships of a connection that have ended: their rooms, and the messages about them
//! that are still to be sent.
//!
//! The first Joins of a connection for different rooms count as one against the rate of its
//! identity; each repeated one counts (SPEC 6.2).

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Rooms remembered at most; beyond them, every Join counts as repeated.
const MAX_ROOMS: usize = 64;

/// The ended Joins and memberships of one connection. Most have none.
#[derive(Debug, Default)]
pub(in crate::hub) struct Endings(Option<Box<Ended>>);

#[derive(Debug, Default)]
struct Ended {
    /// Hashes of the names of their rooms.
    rooms: Vec<u64>,
    /// Messages for which the send ring had no space.
    unsent: Vec<Box<[u8]>>,
}

impl Endings {
    /// Adds a room.
    pub(in crate::hub) fn add(&mut self, room: &str) {
        if !self.contains(room) {
            self.0.get_or_insert_default().rooms.push(hash(room));
        }
    }

    /// Whether a Join for this room is a repeated one.
    pub(in crate::hub) fn contains(&self, room: &str) -> bool {
        let rooms = self.0.as_ref().map_or(&[][..], |ended| &ended.rooms);
        rooms.len() >= MAX_ROOMS || rooms.contains(&hash(room))
    }

    /// Adds a message that is to be sent.
    pub(super) fn push_unsent(&mut self, message: Box<[u8]>) {
        self.0.get_or_insert_default().unsent.push(message);
    }

    /// The messages that are to be sent, in this order.
    pub(super) fn unsent(&self) -> &[Box<[u8]>] {
        self.0.as_ref().map_or(&[], |ended| &ended.unsent)
    }

    /// Removes the first `count` messages, which were sent.
    pub(super) fn remove_sent(&mut self, count: usize) {
        if let Some(ended) = &mut self.0 {
            ended.unsent.drain(..count);
        }
    }
}

/// The names are chosen by the client, which only delays itself if two have the same hash.
fn hash(room: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    room.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_rooms_and_takes_all_for_repeated_when_it_is_full() {
        let mut endings = Endings::default();
        assert!(!endings.contains("lobby"));
        endings.add("lobby");
        endings.add("lobby");
        assert!(endings.contains("lobby") && !endings.contains("cellar"));
        (2..MAX_ROOMS).for_each(|number| endings.add(&format!("room{number}")));
        assert!(!endings.contains("cellar"), "one more fits");
        endings.add("attic");
        assert!(endings.contains("cellar"));
    }
}
