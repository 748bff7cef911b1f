//! Posts, from the command until the client has them. They are stored in the durable outbox first,
//! if the room has one; then those of an earlier process precede.
//!
//! ```text
//! Command::Post -> waiting -> durable outbox -> Posted -> unsent -> client
//! Command::Post -> waiting -> client -> Posted               without a durable outbox
//! ```
//! What the client has is sent at the end of the turn, when the outbox is durable.
//!
//! Events number the lines that are posted in a room 1, 2, 3, ... in this run. The entries of files
//! are posts, too, and not among them; the outbox and the client continue the numbers of earlier
//! processes.

use std::collections::VecDeque;

use kabar_core::chat::{EntryKind, MAX_TEXT_LEN, PostRefusedCode};
use kabar_core::client::{PostError, RoomSlot};
use kabar_core::time::Instant;

use super::posts::{DurablePosts, LineNumbers};
use super::room::Room;
use super::state::{Session, WaitingPost};
use crate::engine::command::MAX_WAITING_POSTS;
use crate::engine::event::{Event, NotPosted, RoomId};
use crate::engine::local_history::LocalHistory;
use crate::engine::queue::EventSink;
use crate::history::outbox::{OutboxLine, Resumption};
use crate::profile::StdClient;

impl Room {
    /// Continues the posts of an earlier process, directly after the client has the room.
    pub(super) fn resume_posts(&mut self, history: &LocalHistory, client: &mut StdClient) {
        let Some(slot) = self.slot else { return };
        let Some(resumed) = history.resume_posts(self.id) else {
            self.durable = None;
            return;
        };
        let Resumption { instance, settled } = resumed.resumption;
        if !client.resume(slot, instance, settled) {
            return history.release_posts(self.id);
        }
        let waiting = resumed.lines.iter().filter(|line| !line.is_refused).count() as u64;
        let last = resumed.lines.last().map_or(settled, |line| line.number);
        // The client may be started several times before the room is joined.
        let (before, resumed_lines) =
            self.durable.as_ref().map_or((last, waiting), |durable| (durable.before, durable.resumed));
        self.durable = Some(DurablePosts { unsent: resumed.lines.into(), before, resumed: resumed_lines });
    }

    /// The room was joined, at first or again: stores its instance. A room whose server was not
    /// known before has nothing to continue.
    pub(super) fn assign_posts(&mut self, history: &LocalHistory, client: &StdClient) {
        let Some(slot) = self.slot else { return };
        if self.durable.is_none() && self.membership.is_none() {
            match history.resume_posts(self.id) {
                Some(resumed) if resumed.resumption == Resumption::default() && resumed.lines.is_empty() => {
                    self.durable = Some(DurablePosts { unsent: VecDeque::new(), before: 0, resumed: 0 });
                }
                Some(_) => history.release_posts(self.id),
                None => {}
            }
        }
        if self.durable.is_some() {
            history.assign(self.id, client.instance(slot));
        }
    }
}

impl Session {
    /// Takes a post. Those of one turn are stored together.
    pub(super) fn post(&mut self, room: RoomId, kind: EntryKind, text: String) {
        if self.waiting.len() >= MAX_WAITING_POSTS {
            self.post_waiting();
        }
        let slot = self.rooms.find(room).and_then(|room| room.slot);
        let why = match slot {
            _ if text.len() > MAX_TEXT_LEN => NotPosted::TooLong(text.len()),
            None => NotPosted::NotInRoom,
            Some(_) if !kind.is_postable() => NotPosted::NotInRoom,
            Some(_) if self.waiting.len() >= MAX_WAITING_POSTS => NotPosted::TooMany,
            Some(slot) => return self.waiting.push_back(WaitingPost { room, slot, kind, text }),
        };
        self.post_waiting();
        self.sink.send(Event::NotPosted { room, why });
    }

    /// Stores what was posted, and gives the client what it has space for, in the order of the
    /// commands. It is sent when the turn is committed.
    pub(super) fn post_waiting(&mut self) {
        self.post_files();
        let Self { rooms, history, driver, sink, waiting, .. } = self;
        let client = &mut driver.client;
        for room in rooms.iter_mut() {
            let (id, Some(slot)) = (room.id, room.slot) else { continue };
            match &mut room.durable {
                Some(durable) => {
                    store_posts(waiting, id, durable, &room.numbers, history, sink);
                    durable.hand_over(id, slot, history, client);
                    // Its file was lost.
                    if history.space_for_posts(id).is_none() && durable.unsent.is_empty() {
                        post_directly(waiting, (id, slot), durable.before, &room.numbers, client, sink);
                    }
                }
                None if room.membership.is_some() || !history.is_usable() => {
                    post_directly(waiting, (id, slot), 0, &room.numbers, client, sink);
                }
                // The posts wait until the room is found in the history, or joined.
                None => {}
            }
        }
    }

    /// Posts up to this one are stored, also in a room that is being left.
    pub(super) fn stored(&mut self, slot: RoomSlot, number: u64, seq: u64, now: Instant) {
        self.note_settled(now);
        let Some(id) = self.rooms.id_at(slot) else { return };
        self.files_stored(id, number, seq);
        let mut in_run = number;
        if let Some(durable) = self.rooms.durable_at(slot) {
            // The server may have more than the client was given.
            durable.unsent.retain(|line| line.number > number);
            in_run = durable.number_in_run(number);
            self.history.settle(id, number);
        }
        if in_run > 0
            && let Some((line, is_last)) = self.rooms.numbers_at(slot).and_then(|numbers| numbers.on_stored(in_run))
        {
            let seq = if is_last { seq } else { 0 };
            self.sink.send(Event::Stored { room: id, number: line, seq });
        }
        if let Some((member, _)) = self.rooms.member_at(slot, &self.sink) {
            member.wait_for = member.wait_for.max(seq);
        }
    }

    /// A post is refused.
    pub(super) fn post_refused(&mut self, slot: RoomSlot, number: u64, code: PostRefusedCode, now: Instant) {
        self.note_settled(now);
        let Some(id) = self.rooms.id_at(slot) else { return };
        let mut in_run = number;
        if let Some(durable) = self.rooms.durable_at(slot) {
            in_run = durable.number_in_run(number);
            self.history.refuse(id, number);
        }
        if self.file_refused(slot, number, code) {
            return;
        }
        let number = self.rooms.numbers_at(slot).map_or(in_run, |numbers| numbers.line(in_run));
        self.sink.send(Event::PostRefused { room: id, number, code });
    }

    /// A room may take posts more slowly than they were typed.
    fn note_settled(&mut self, now: Instant) {
        if let Some(leaving) = &mut self.leaving {
            leaving.since = now;
        }
    }

    /// The room in this place has ended: its posts that wait have no room.
    pub(super) fn drop_waiting(&mut self, slot: RoomSlot) {
        let (lost, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|post| post.slot == slot);
        self.waiting = VecDeque::from(waiting);
        for post in lost {
            self.sink.send(Event::NotPosted { room: post.room, why: NotPosted::NotInRoom });
        }
    }

    /// Returns the number of posts that are neither stored nor refused.
    pub(super) fn unsettled(&self) -> u64 {
        let in_client: u64 = self.rooms.slots().map(|slot| self.driver.client.unsettled(slot)).sum();
        let in_outbox: u64 = self.rooms.durable().map(DurablePosts::unsent).sum();
        in_client + in_outbox + self.waiting.len() as u64
    }
}

/// Stores the posts of a room that its outbox has space for.
fn store_posts(
    waiting: &mut VecDeque<WaitingPost>,
    room: RoomId,
    durable: &mut DurablePosts,
    numbers: &LineNumbers,
    history: &LocalHistory,
    sink: &EventSink,
) {
    let space = history.space_for_posts(room).unwrap_or(0);
    let posts: Vec<_> = waiting
        .iter()
        .filter(|post| post.room == room)
        .take(space)
        .map(|post| (post.kind, post.text.as_bytes()))
        .collect();
    if posts.is_empty() {
        return;
    }
    let Some(first) = history.push(room, &posts) else { return };
    let count = posts.len();
    for number in (first..).take(count) {
        let Some(at) = waiting.iter().position(|post| post.room == room) else { return };
        let Some(WaitingPost { kind, text, .. }) = waiting.remove(at) else { return };
        sink.send(Event::Posted { room, number: numbers.line(durable.number_in_run(number)) });
        durable.unsent.push_back(OutboxLine { number, kind, body: text.into_bytes(), is_refused: false });
    }
}

/// Gives the client the posts of a room that it has space for. `before`: the last number of an
/// earlier process.
fn post_directly(
    waiting: &mut VecDeque<WaitingPost>,
    (room, slot): (RoomId, RoomSlot),
    before: u64,
    numbers: &LineNumbers,
    client: &mut StdClient,
    sink: &EventSink,
) {
    while let Some(at) = waiting.iter().position(|post| post.room == room) {
        let Some(post) = waiting.get(at) else { return };
        let answer = match client.post(slot, post.kind, post.text.as_bytes()) {
            Ok(number) => Event::Posted { room, number: numbers.line(number.saturating_sub(before)) },
            Err(PostError::Full) => return,
            Err(PostError::TooLong) => Event::NotPosted { room, why: NotPosted::TooLong(post.text.len()) },
            Err(_) => Event::NotPosted { room, why: NotPosted::NotInRoom },
        };
        waiting.remove(at);
        sink.send(answer);
    }
}
