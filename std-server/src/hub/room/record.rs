//! Changes of what the directory records of a room: its topic, who may join, how much is kept of
//! its log, and its end.

use kabar_core::chat::{EndedCode, EntryKind, RefusedCode};
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;

use super::appender::{Origin, PendingEntry};
use super::causes::SERVER;
use super::directory::NewTopic;
use super::{Room, Rooms};
use crate::hub::context::Context;
use crate::hub::peer::Peers;
use crate::hub::timers::RoomTimer;
use crate::store::{RoomBatch, RoomRecord, Visibility};

/// The reason that members and waiting Joins are given.
const CLOSED: &str = "the room is closed";

impl Room {
    /// Takes over the record of the directory. The topic follows with its entry.
    pub(in crate::hub) fn set_record<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        record: &RoomRecord,
    ) {
        self.settings.is_private = record.visibility == Visibility::Private;
        self.settings.is_closed = record.is_closed;
        self.settings.retention = record.retention;
        self.survey(now, context);
    }

    /// Opens the room again, which is closed and still in memory.
    pub(in crate::hub) fn reopen<P: Provider>(&mut self, now: Instant, context: &mut Context<P>, record: &RoomRecord) {
        self.settings.created_by = record.created_by;
        self.set_record(now, context, record);
    }

    /// Adds the entry about a new topic to the next commit.
    pub(in crate::hub) fn push_topic<P: Provider>(
        &mut self,
        context: &mut Context<P>,
        by: Option<PublicIdentity>,
        topic: &str,
    ) {
        let author = by.map_or(SERVER, |by| context.people.current_name(&by, self.id).unwrap_or(SERVER)).to_owned();
        self.push(context, PendingEntry::by_server(&author, EntryKind::TOPIC, topic.as_bytes(), Origin::Operator));
    }

    /// The topic of a committed batch, if it sets one.
    pub(super) fn apply_topic(&mut self, batch: &RoomBatch) {
        let topic = batch.entries.iter().rfind(|entry| entry.kind == EntryKind::TOPIC);
        if let Some(topic) = topic {
            self.settings.topic = String::from_utf8_lossy(&topic.body).into_owned();
        }
    }

    /// Ends all memberships and Joins.
    pub(in crate::hub) fn close<P: Provider>(&mut self, now: Instant, peers: &mut Peers<P>, context: &mut Context<P>) {
        self.settings.is_closed = true;
        if context.config.faults().keep_closed_rooms() {
            return;
        }
        self.refuse_joins(now, peers, context, RefusedCode::UNKNOWN_ROOM, CLOSED);
        self.displace_waiting(CLOSED);
        let sessions: Vec<u32> = self.members.sessions().map(|(_, session)| session.peer).collect();
        for id in sessions {
            if let Some(peer) = peers.get_mut(id) {
                self.end_membership(now, context, peer, EndedCode::CLOSED, CLOSED);
            }
        }
        // Nobody returns.
        for identity in self.presence.identities().collect::<Vec<_>>() {
            context.timers.set(self.timer(RoomTimer::Absence(identity)), None);
            self.on_absence_timer(context, &identity);
        }
    }
}

impl Rooms {
    /// Sets the topic of a room that was opened again, once it is in memory.
    pub(in crate::hub) fn set_topic_when_loaded<P: Provider>(
        &mut self,
        context: &mut Context<P>,
        name: &str,
        topic: NewTopic,
    ) {
        let Some(entry) = self.directory.get_mut(name) else { return };
        entry.new_topic = Some(topic);
        if entry.id.is_none() {
            return context.loads.request(&name.into(), None);
        }
        self.apply_new_topic(context, name);
    }

    /// Sets the topic with which a room was opened again: the room is in memory now.
    pub(in crate::hub) fn apply_new_topic<P: Provider>(&mut self, context: &mut Context<P>, name: &str) {
        let Some(entry) = self.directory.get_mut(name) else { return };
        let (id, mut record) = (entry.id, entry.record.clone());
        let new_topic = entry.new_topic.take().filter(|new| new.topic != record.topic);
        let Some(NewTopic { topic, by }) = new_topic else { return };
        if let Some(room) = id.and_then(|id| self.get_mut(id)) {
            room.push_topic(context, by, &topic);
            record.topic = topic;
            self.directory.put(record);
        }
    }
}
