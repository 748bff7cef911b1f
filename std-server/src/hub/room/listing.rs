//! Answers to ListRooms (SPEC 6.3): the rooms that a member may join, by name.

use kabar_core::chat::{Info, MAX_TOPIC_LEN, RoomInfo, ServerMessage};
use kabar_core::connection::StreamId;
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;

use super::delivery::Progress;
use super::directory::DirectoryEntry;
use super::{Room, Rooms};
use crate::hub::context::Context;
use crate::hub::peer::Link;
use crate::hub::peer::member::Member;
use crate::store::Visibility;

/// Rooms that one answer lists at most.
pub(super) const MAX_LISTED: u16 = 256;
/// Rooms written at once, and the longest message for one.
const ROOMS_AT_ONCE: usize = 8;
const ROOM_LEN: usize = 20 + u8::MAX as usize + MAX_TOPIC_LEN;
/// Rooms of the directory that are considered for one unit of work.
const CONSIDERED_PER_WORK: usize = 16;

impl Rooms {
    /// Sends the next part of the list of rooms that a member has requested.
    pub(in crate::hub) fn deliver_list<P: Provider>(
        &self,
        now: Instant,
        context: &mut Context<P>,
        link: &mut Link<P>,
        member: &mut Member,
    ) -> Progress {
        let Some(listing) = member.answers.rooms.as_deref().filter(|_| member.due.welcome.is_none()) else {
            return Progress::Nothing;
        };
        if !context.take_work(&mut link.turn) {
            return Progress::Later;
        }
        let mut considered = 0;
        let entries = self.directory.after(Some(&listing.after)).inspect(|_| considered += 1);
        let listed = entries.filter(|entry| self.is_listed_for(context, entry, &member.identity));
        // One more shows whether these are the last.
        let mut listed: Vec<&DirectoryEntry> = listed.take(usize::from(listing.left).min(ROOMS_AT_ONCE) + 1).collect();
        let is_last =
            listed.len() <= ROOMS_AT_ONCE.min(usize::from(listing.left)) || usize::from(listing.left) <= ROOMS_AT_ONCE;
        listed.truncate(usize::from(listing.left).min(ROOMS_AT_ONCE));
        (0..considered / CONSIDERED_PER_WORK).for_each(|_| link.turn.spend_work());

        let (mut buffer, mut len, mut left) = ([0; ROOMS_AT_ONCE * ROOM_LEN], 0, listing.left);
        let count = listed.len().max(1);
        for at in 0..count {
            left = left.saturating_sub(1);
            let remaining = if is_last && at + 1 == count { 0 } else { left.max(1) };
            let room = listed.get(at).map(|entry| self.info(entry));
            let message = ServerMessage::Info(Info::RoomListed { handle: member.handle, remaining, room });
            len += message.encode(&mut buffer[len..]).expect("there is room for as many of the longest");
        }
        if link.connection.send(now, StreamId::Chat, &[&buffer[..len]]).is_err() {
            return Progress::Full;
        }
        context.counters.messages_out += count as u64;
        match (listed.last(), member.answers.rooms.as_deref_mut()) {
            (Some(last), Some(listing)) if !is_last => {
                listing.after.clone_from(&last.record.name);
                listing.left = left;
            }
            _ => {
                member.answers.rooms = None;
                // The next request may wait in its stream: it is read with the next input.
                if link.connection.readable(StreamId::Chat) > 0 {
                    context.turns.defer(&mut link.turn);
                }
            }
        }
        Progress::Done
    }

    /// Whether an identity may know of a room.
    fn is_listed_for<P: Provider>(
        &self,
        context: &Context<P>,
        entry: &DirectoryEntry,
        identity: &PublicIdentity,
    ) -> bool {
        if entry.record.is_closed || entry.record.visibility == Visibility::Open {
            return !entry.record.is_closed;
        }
        match entry.id.and_then(|id| self.get(id)) {
            Some(room) => room.may_always_join(context, identity),
            None => entry.admitted.contains(identity, &context.admitted) || entry.record.created_by == Some(*identity),
        }
    }

    fn info<'a>(&'a self, entry: &'a DirectoryEntry) -> RoomInfo<'a> {
        let room = entry.id.and_then(|id| self.get(id));
        RoomInfo {
            name: &entry.record.name,
            is_private: entry.record.visibility == Visibility::Private,
            members: u16::try_from(room.map_or(0, Room::member_count)).unwrap_or(u16::MAX),
            head: room.map_or(entry.head, Room::head),
            topic: &entry.record.topic,
        }
    }
}
