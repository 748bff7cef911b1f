//! The list of the rooms of the server, which comes in parts: reported in one piece when it is
//! complete.

use kabar_core::chat::{Request, RoomInfo};
use kabar_core::client::{RequestError, RoomSlot};
use kabar_core::time::{Duration, Instant};
use kabar_std::text::clean_line;

use crate::engine::event::ListedRoom;
use crate::profile::StdClient;

/// How long an answer may take before it is reported as missing.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Rooms that are reported at most.
const MAX_ROOMS: usize = 1_000;

/// A list that is being received.
#[derive(Debug, Default)]
pub(super) struct RoomList {
    rooms: Vec<ListedRoom>,
    /// Whether rooms came with the last request.
    has_more: bool,
    /// Whether all rooms are wanted, and not only the first part.
    is_complete: bool,
    /// The next part, after this room, is to be requested.
    next_after: Option<String>,
    /// When the last part was requested.
    since: Option<Instant>,
}

impl RoomList {
    /// Requests the list, unless it was requested before.
    pub(super) fn request(
        &mut self,
        is_complete: bool,
        slot: RoomSlot,
        client: &mut StdClient,
        now: Instant,
    ) -> Result<(), RequestError> {
        if self.since.is_none() {
            client.request(now, slot, Request::ListRooms { after: "", count: 0 })?;
            self.since = Some(now);
        }
        self.is_complete |= is_complete;
        Ok(())
    }

    /// Takes an answer. Returns the list if it is complete.
    pub(super) fn take(&mut self, room: Option<RoomInfo<'_>>, remaining: u16) -> Option<Vec<ListedRoom>> {
        self.since?;
        self.add(room);
        if remaining > 0 {
            return None;
        }
        // The server states how many rooms it permits only by the number of answers.
        let last = self.rooms.last().filter(|_| self.rooms.len() < MAX_ROOMS && self.is_complete);
        self.next_after = last.filter(|_| self.has_more).map(|room| room.name.clone());
        self.has_more = false;
        if self.next_after.is_some() {
            return None;
        }
        Some(std::mem::take(self).rooms)
    }

    /// Requests the next part.
    pub(super) fn check(&mut self, slot: RoomSlot, client: &mut StdClient, now: Instant) {
        if let Some(after) = &self.next_after
            && client.request(now, slot, Request::ListRooms { after, count: 0 }).is_ok()
        {
            (self.next_after, self.since) = (None, Some(now));
        }
    }

    fn add(&mut self, room: Option<RoomInfo<'_>>) {
        let Some(RoomInfo { name, is_private, members, topic, .. }) = room else { return };
        self.has_more = true;
        if self.rooms.len() < MAX_ROOMS {
            let (name, topic) = (clean_line(name), clean_line(topic));
            self.rooms.push(ListedRoom { name, topic, members, is_private });
        }
    }

    /// Forgets what was requested: no more answers come. Returns whether something was.
    pub(super) fn clear(&mut self) -> bool {
        std::mem::take(self).since.is_some()
    }

    /// Returns when an answer is missing.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.since.map(|since| since + ANSWER_TIMEOUT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(name: &str) -> Option<RoomInfo<'_>> {
        Some(RoomInfo { name, is_private: false, members: 2, head: 7, topic: "what" })
    }

    fn requested(is_complete: bool) -> RoomList {
        RoomList { since: Some(Instant::ZERO), is_complete, ..RoomList::default() }
    }

    #[test]
    fn list_is_complete_when_no_more_rooms_come() {
        let mut list = requested(true);
        assert_eq!((list.take(listed("a"), 1), list.take(listed("b"), 0)), (None, None));
        assert_eq!(list.next_after.take().as_deref(), Some("b"));
        let all = list.take(None, 0).unwrap();
        assert_eq!(all.iter().map(|room| room.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((list.take(listed("c"), 0), list.deadline()), (None, None), "nothing was requested");
    }

    #[test]
    fn list_is_bounded() {
        let mut list = requested(true);
        let all = (0..1_200).find_map(|number: u16| list.take(listed(&number.to_string()), u16::from(number < 1_100)));
        assert_eq!(all.unwrap().len(), MAX_ROOMS);
    }

    #[test]
    fn first_part_is_enough_if_not_all_rooms_are_wanted() {
        let mut list = requested(false);
        assert_eq!(list.take(listed("a"), 0).unwrap().len(), 1);
        assert!(!list.clear());
    }
}
