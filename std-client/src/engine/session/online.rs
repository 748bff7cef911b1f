//! The session after the first room was joined: the connection as a whole, and the answers that
//! its rooms wait for.

use kabar_core::chat::Term;
use kabar_core::client::{DisconnectReason, RoomSlot};
use kabar_core::time::Instant;
use kabar_std::names::Name;

use super::catch_up::CatchUp;
use super::local_replay::check_replay;
use super::output::RoomOutput;
use super::person::Person;
use super::room::Membership;
use super::room_list::RoomList;
use super::rooms::Rooms;
use super::sleep::SleepMonitor;
use crate::engine::event::{Event, Reconnected, RenameError, Request, RoomId, ServerId};
use crate::engine::queue::EventSink;
use crate::profile::StdClient;

/// The state of a session after the first Joined, without its rooms.
#[derive(Debug)]
pub(super) struct OnlineState {
    pub(super) person: Person,
    pub(super) room_list: RoomList,
    /// Rooms of this process that were created and are to be joined.
    pub(super) added_rooms: usize,
    lost_since: Option<Instant>,
    sleep: SleepMonitor,
}

/// The information in a Joined event.
#[derive(Clone, Copy, Debug)]
pub(super) struct JoinInfo {
    pub(super) term: Term,
    pub(super) start: u64,
    pub(super) head: u64,
    pub(super) members: u16,
    pub(super) is_resumed: bool,
}

impl OnlineState {
    pub(super) fn new(person: Person) -> Self {
        let (room_list, sleep) = (RoomList::default(), SleepMonitor::default());
        Self { person, room_list, added_rooms: 0, lost_since: None, sleep }
    }

    /// A room was joined again, as `name`.
    pub(super) fn rejoined(
        &mut self,
        name: &str,
        info: JoinInfo,
        slot: RoomSlot,
        rooms: &mut Rooms,
        sink: &EventSink,
        now: Instant,
    ) {
        let Some((member, output)) = rooms.member_at(slot, sink) else { return };
        self.person.set_name(name, output.room.server, sink);
        let is_restarted = info.term != member.log.term;
        (member.wait_for, member.log.term) = (info.head, info.term);
        member.log.rejoined(info.head);
        // Once for all rooms.
        if self.lost_since.is_some() {
            let members = Some((output.room, info.members));
            self.reconnected(output.room.server, info.is_resumed, is_restarted, members, sink, now);
        }
    }

    pub(super) fn reconnected(
        &mut self,
        server: ServerId,
        is_resumed: bool,
        is_restarted: bool,
        members: Option<(RoomId, u16)>,
        sink: &EventSink,
        now: Instant,
    ) {
        let seconds = self.lost_since.take().map_or(0, |since| now.saturating_since(since).as_millis() / 1_000);
        sink.send(Event::Reconnected(Reconnected { server, seconds, is_resumed, is_restarted, members }));
    }

    pub(super) fn rename(
        &mut self,
        requested: &str,
        slot: RoomSlot,
        member: &mut Membership,
        client: &mut StdClient,
        output: RoomOutput<'_>,
        now: Instant,
    ) {
        let name = self.person.name();
        let why = match Name::existing(requested) {
            Err(error) => RenameError::Name(error),
            Ok(new) if new.shown() == name => RenameError::SameName,
            Ok(new) => {
                if member.requests.rename(new.shown(), slot, client, now).is_err() {
                    output.not_connected();
                }
                return;
            }
        };
        output.send(Event::NotRenamed { server: output.room.server, name: name.to_owned(), why });
    }

    /// Requests what is to be requested next, and reports what is not answered.
    pub(super) fn check(&mut self, rooms: &mut Rooms, client: &mut StdClient, sink: &EventSink, now: Instant) {
        self.sleep.look(now);
        let server = rooms.server();
        for (slot, member, output) in rooms.members(sink) {
            member.requests.check(output, now);
            check_replay(member, client.instance(slot), &mut self.person, output);
            check_catch_up(member, slot, client, now);
            self.room_list.check(slot, client, now);
        }
        if self.room_list.deadline().is_some_and(|late| now >= late) && self.room_list.clear() {
            sink.send(Event::Unanswered { server, room: None, request: Request::ListRooms, is_lost: false });
        }
    }

    pub(super) fn deadline(&self, rooms: &Rooms) -> Option<Instant> {
        let members = rooms.iter().filter_map(|room| room.membership.as_ref()?.requests.deadline());
        members.chain(self.room_list.deadline()).min()
    }

    /// Reports that the connection was lost.
    pub(super) fn disconnected(
        &mut self,
        reason: DisconnectReason,
        refusal: String,
        rooms: &mut Rooms,
        sink: &EventSink,
        now: Instant,
    ) {
        self.lost_since.get_or_insert(now);
        let server = rooms.server();
        sink.send(Event::ConnectionLost { server, reason, refusal, slept: self.sleep.recent(now) });
        rooms.members(sink).for_each(|(_, member, output)| member.disconnected(output));
        if self.room_list.clear() {
            sink.send(Event::Unanswered { server, room: None, request: Request::ListRooms, is_lost: true });
        }
    }
}

/// Continues to read entries by pages: those that the local history lacks, and then those that
/// `--since` requests.
fn check_catch_up(member: &mut Membership, slot: RoomSlot, client: &mut StdClient, now: Instant) {
    let Some((delivered, _)) = client.cursor(slot) else { return };
    member.refill.take_if(|refill| refill.is_done(delivered));
    member.catch_up.take_if(|catch_up| catch_up.is_done(delivered));
    if [&member.refill, &member.catch_up].into_iter().flatten().any(CatchUp::is_waiting) {
        return;
    }
    let Some(next) = member.refill.as_mut().or(member.catch_up.as_mut()) else { return };
    if let Some(request) = next.request(delivered)
        && client.request(now, slot, request).is_ok()
    {
        next.sent(delivered);
        member.replies.expect_catch_up();
    }
}
