//! Changes of what the directory records of a room: its topic, who may join, how much is kept of
//! its log, and its end.

use kabar_core::chat::{EndedCode, EntryKind, RefusedCode};
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;

use super::Room;
use super::appender::{Origin, PendingEntry};
use super::causes::SERVER;
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
