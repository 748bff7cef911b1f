//! What comes from the server while rooms are joined: entries, answers, and what became of posts.

use kabar_core::chat::{EndedCode, Entry, EntryHeader, Info, MAX_HISTORY};
use kabar_core::client::{Event as ClientEvent, RoomSlot};
use kabar_std::text::Content;

use super::catch_up::CatchUp;
use super::log::Handling;
use super::online::OnlineState;
use super::output::RoomOutput;
use super::requests::Effect;
use super::room::Membership;
use super::rooms::Rooms;
use crate::engine::event::Event;
use crate::engine::queue::EventSink;

impl OnlineState {
    /// Handles an event of a room that was joined before.
    pub(super) fn on_room_event(
        &mut self,
        slot: RoomSlot,
        event: &ClientEvent<'_>,
        rooms: &mut Rooms,
        sink: &EventSink,
    ) {
        if let (ClientEvent::Reset { .. }, Some(room)) = (event, rooms.at(slot)) {
            room.is_reset = true;
        }
        let Some((member, output)) = rooms.member_at(slot, sink) else { return };
        let room = output.room;
        match *event {
            ClientEvent::Entry { header, body, own, .. } => {
                self.entry(&header, Content::Body(body), own, member, output);
            }
            ClientEvent::EntryTooLarge { header, size, .. } => {
                self.entry(&header, Content::Omitted(size), false, member, output);
            }
            ClientEvent::Reset { .. } => {
                (member.catch_up, member.refill, member.replay) = (None, None, None);
                member.delivers_after = 0;
                member.page.clear();
                member.log.reset();
                output.send(Event::HistoryReset { room });
            }
            ClientEvent::Gap { after, first, .. } => output.send(Event::Gap { room, after, first }),
            // Posts that do not fit are tried again with every wake-up.
            ClientEvent::OutboxWritable { .. } => {}
            // The session handles these.
            ClientEvent::Info { .. }
            | ClientEvent::Stored { .. }
            | ClientEvent::PostRefused { .. }
            | ClientEvent::Reconnected
            | ClientEvent::UnknownServerKey(_)
            | ClientEvent::Joined { .. }
            | ClientEvent::Refused { .. }
            | ClientEvent::RoomEnded { .. }
            | ClientEvent::Disconnected(_)
            | ClientEvent::Ended(_) => {}
        }
    }

    /// Handles information about a room that was joined before.
    pub(super) fn on_info(&mut self, slot: RoomSlot, info: Info<'_>, rooms: &mut Rooms, sink: &EventSink) {
        if let Info::RoomListed { room, remaining, .. } = info {
            let Some(list) = self.room_list.take(room, remaining) else { return };
            return sink.send(Event::RoomList { server: rooms.server(), rooms: list });
        }
        let Some((member, output)) = rooms.member_at(slot, sink) else { return };
        let room = output.room;
        match info {
            Info::MemberListed { remaining, name, .. } => {
                if let Some(names) = member.replies.name(name, remaining) {
                    output.send(Event::Members { room, names, is_complete: true });
                }
            }
            Info::HistoryEntry { remaining, entry, .. } if member.replies.is_catch_up_next() => {
                self.catch_up(entry, remaining, member, output);
            }
            Info::HistoryEntry { remaining, entry, .. } => {
                let entry = entry.map(|entry| {
                    let Entry { header, body } = entry;
                    member.log.describe(&header, Content::Body(body), false, &self.person, room)
                });
                if let Some(page) = member.replies.entry(entry, remaining, room) {
                    member.log.history().add_page(&page, self.person.name());
                    output.send(Event::HistoryPage(page));
                }
            }
            Info::OutputLine { text, .. } => output.send(Event::Output { room, text: text.to_owned() }),
            Info::Answer { request, code, text, .. } => {
                let effect = member.requests.answered(request, code, text, &mut self.person, output);
                self.added_rooms += usize::from(effect == Effect::RoomAdded);
            }
            Info::Topic { topic, .. } => member.log.set_topic(topic, false, output),
            // The client joins the room again, and states what is missing.
            Info::Ended { code: EndedCode::GAP, .. } => member.disconnected(output),
            // The session handles the end, and has the list.
            Info::Ended { .. } | Info::RoomListed { .. } | Info::Notice { .. } => {}
        }
    }

    /// Takes a part of a page that was requested by [`CatchUp`].
    fn catch_up(&mut self, entry: Option<Entry<'_>>, remaining: u16, member: &mut Membership, output: RoomOutput<'_>) {
        let is_empty = entry.is_none();
        let is_refill = member.refill.as_ref().is_some_and(CatchUp::is_waiting);
        let reading = if is_refill { &mut member.refill } else { &mut member.catch_up };
        if let (Some(Entry { header, body }), Some(reading)) = (entry, reading.as_mut())
            && reading.entry(header.seq, header.time_ms)
        {
            let content = Content::Body(body);
            if is_refill {
                member.log.record(&header, content, &self.person, output.room);
            } else {
                let entry = member.log.read(&header, content, &mut self.person, output);
                // A server that sends more than was requested is not kept in memory.
                if member.page.len() < usize::from(MAX_HISTORY) {
                    member.page.push(entry);
                }
            }
        }
        if remaining == 0 {
            member.replies.catch_up_answered();
            if let Some(reading) = reading {
                reading.answered(is_empty);
            }
            member.log.add_page(std::mem::take(&mut member.page), &self.person, output.room);
        }
    }

    /// Takes an entry that the server sends on its own. While earlier ones are read, it is only
    /// recorded, and read after them. While earlier ones are read to be recorded, it is in its
    /// turn.
    fn entry(
        &mut self,
        header: &EntryHeader<'_>,
        content: Content<'_>,
        is_own: bool,
        member: &mut Membership,
        output: RoomOutput<'_>,
    ) {
        let handling = Handling { is_recorded: member.refill.is_none(), is_delivered: member.delivers(header.seq) };
        member.log.entry(header, content, is_own, handling, &mut self.person, output);
    }
}
