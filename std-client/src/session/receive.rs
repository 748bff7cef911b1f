//! What comes from the server while rooms are joined: entries, answers, and what became of posts.

use kabar_core::chat::{EndedCode, Entry, EntryHeader, Info};
use kabar_core::client::{Event, RoomSlot};
use kabar_core::time::Instant;
use kabar_std::invite::RoomName;
use kabar_std::text::Content;

use super::front_end::FrontEnd;
use super::notice::{ListedRoom, Notice, Reconnection};
use super::online::OnlineState;
use super::requests::Effect;
use super::room::Membership;
use super::rooms::Rooms;
use super::view::RoomView;

impl OnlineState {
    /// Handles an event about the whole connection.
    pub(super) fn on_event(&mut self, event: &Event<'_>, ui: &dyn FrontEnd, now: Instant) {
        match *event {
            Event::Reconnected => {
                let event = Reconnection { seconds: 0, is_resumed: true, is_restarted: false, members: None };
                self.reconnected(ui, event, now);
            }
            Event::Info { info: Info::Notice { text, .. }, .. } => ui.notice(&Notice::Server(text)),
            _ => {}
        }
    }

    /// Displays an event of a room that was joined before.
    pub(super) fn on_room_event(
        &mut self,
        slot: RoomSlot,
        event: &Event<'_>,
        rooms: &mut Rooms,
        ui: &dyn FrontEnd,
        now: Instant,
    ) {
        if let (Event::Stored { .. } | Event::PostRefused { .. }, Some(since)) = (event, &mut self.leaving_since) {
            // A room may take posts more slowly than they were typed.
            *since = now;
        }
        self.refused += u64::from(matches!(event, Event::PostRefused { .. }));
        // It may have been left.
        let Some((member, view)) = rooms.member_at(slot, ui) else { return };
        match *event {
            Event::Entry { header, body, own, .. } => {
                self.entry(&header, Content::Body(body), own, member, view, now);
            }
            Event::EntryTooLarge { header, size, .. } => {
                self.entry(&header, Content::Omitted(size), false, member, view, now);
            }
            Event::Stored { number, seq, .. } => {
                member.wait_for = member.wait_for.max(seq);
                member.unstored.stored(number);
                view.notice(&Notice::Stored { number, seq });
            }
            Event::PostRefused { number, code, .. } => {
                let excerpt = member.unstored.refused(number);
                view.notice(&Notice::PostRefused { number, code, excerpt: excerpt.as_deref() });
            }
            Event::Reset { .. } => {
                member.catch_up = None;
                member.display.reset();
                view.notice(&Notice::HistoryReset);
            }
            Event::Gap { after, first, .. } => view.notice(&Notice::Gap { after, first }),
            // Posts that do not fit are tried again with every wake-up.
            Event::OutboxWritable { .. } => {}
            // The session handles these.
            Event::Info { .. }
            | Event::Reconnected
            | Event::UnknownServerKey(_)
            | Event::Joined { .. }
            | Event::Refused { .. }
            | Event::RoomEnded { .. }
            | Event::Disconnected(_)
            | Event::Ended(_) => {}
        }
    }

    /// Displays information about a room that was joined before.
    pub(super) fn on_info(
        &mut self,
        slot: RoomSlot,
        info: Info<'_>,
        rooms: &mut Rooms,
        ui: &dyn FrontEnd,
        now: Instant,
    ) {
        if let Info::RoomListed { room, remaining, .. } = info {
            let Some((list, is_displayed)) = self.room_list.take(room, remaining) else { return };
            let list = marked(list, rooms);
            if is_displayed {
                ui.notice(&Notice::RoomList(&list));
            }
            rooms.set_listed(list.into_iter().map(|room| room.name).collect());
            return rooms.publish(ui);
        }
        let Some((member, view)) = rooms.member_at(slot, ui) else { return };
        match info {
            Info::MemberListed { remaining, name, .. } => {
                member.replies.name(name, remaining, self.person.name(), &member.display.roster, view);
            }
            Info::HistoryEntry { remaining, entry, .. } if member.replies.is_catch_up_next() => {
                self.catch_up(entry, remaining, member, view, now);
            }
            Info::HistoryEntry { remaining, entry, .. } => {
                member.replies.entry(entry, remaining, &mut self.person, view);
            }
            Info::OutputLine { text, .. } => view.notice(&Notice::Output(text)),
            Info::Answer { request, code, text, .. } => {
                let name = self.person.name();
                match member.requests.answered(request, code, text, name, view) {
                    Effect::Renamed(name) => self.person.set_name(&name, ui),
                    Effect::RoomAdded => self.added_rooms += 1,
                    Effect::None => {}
                }
            }
            Info::Topic { topic, .. } => {
                if member.display.set_topic(topic) && view.label.is_shown {
                    view.notice(&Notice::Topic(member.display.topic()));
                }
            }
            // The client joins the room again, and states what is missing.
            Info::Ended { code: EndedCode::GAP, .. } => member.disconnected(view),
            // The session handles the end, and has the list.
            Info::Ended { .. } | Info::RoomListed { .. } | Info::Notice { .. } => {}
        }
    }

    /// Takes a part of a page that was requested for `--since`.
    fn catch_up(
        &mut self,
        entry: Option<Entry<'_>>,
        remaining: u16,
        member: &mut Membership,
        view: RoomView<'_>,
        now: Instant,
    ) {
        let is_empty = entry.is_none();
        if let (Some(Entry { header, body }), Some(catch_up)) = (entry, &mut member.catch_up)
            && catch_up.entry(header.seq, header.time_ms)
        {
            member.display.entry(&header, Content::Body(body), false, &mut self.person, view, now);
        }
        if remaining == 0 {
            member.replies.catch_up_answered();
            if let Some(catch_up) = &mut member.catch_up {
                catch_up.answered(is_empty);
            }
        }
    }

    /// Takes an entry that the server sends on its own. While earlier ones are read, it is read
    /// after them.
    fn entry(
        &mut self,
        header: &EntryHeader<'_>,
        content: Content<'_>,
        is_own: bool,
        member: &mut Membership,
        view: RoomView<'_>,
        now: Instant,
    ) {
        if member.catch_up.is_none() {
            member.display.entry(header, content, is_own, &mut self.person, view, now);
        }
    }
}

/// Marks the rooms that the user is in, and remembers which are private.
fn marked(mut list: Vec<ListedRoom>, rooms: &mut Rooms) -> Vec<ListedRoom> {
    for listed in &mut list {
        let Ok(name) = RoomName::new(&listed.name) else { continue };
        listed.is_shown = rooms.is_shown(&name);
        if let Some(room) = rooms.find_mut(&name) {
            listed.unread = Some(room.unread());
            room.is_private = listed.is_private;
        }
    }
    list
}
