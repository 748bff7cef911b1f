//! Group commit (SPEC 7): everything that rooms collect while one transaction is being written is
//! written by the next one. At most one is outstanding. It covers each room that has something to
//! commit, and is written whole or not at all; nothing is sent about its content before.

mod outcome;

use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::Hub;
use super::jobs::{Job, StoreJob};
use super::room::Begun;
use super::transaction::{State, Transaction};
use crate::store::Commit;

impl<P: Provider> Hub<P> {
    /// Begins a transaction if there is something to commit and none is in progress. Joins that
    /// need none are completed.
    pub(super) fn create_commit_job(&mut self, now: Instant) {
        while self.context.commits.is_idle() {
            let Self { peers, rooms, context, .. } = self;
            let dirty = rooms.take_dirty();
            let has_server_part =
                context.people.has_to_commit() || context.has_decided() || rooms.directory.has_changed();
            if dirty.is_empty() && !has_server_part {
                return;
            }
            for id in &dirty {
                let Some(room) = rooms.get_mut(*id) else { continue };
                for (identity, name) in room.prepare_commit(now, peers, context) {
                    rooms.drop_rename(context, *id, identity, &name);
                }
            }
            let mut part = context.people.begin_batch(now);
            context.privileges.write(&mut part.others);
            rooms.directory.write(&mut part.others);
            let (mut begun, mut batches, mut joined) = (Vec::new(), Vec::new(), Vec::new());
            for id in dirty {
                let Some(room) = rooms.get_mut(id) else { continue };
                match room.begin_commit(now, peers, context, &mut part) {
                    Begun::Batch(batch) => {
                        begun.push(id);
                        batches.push(batch);
                    }
                    Begun::Joined(peers) => joined.extend(peers),
                }
            }
            context.invites.write(context.wall_ms(now), &part.admitted, &mut part.others);
            let server = context.people.finish_batch(part, !batches.is_empty());
            if !batches.is_empty() || !server.is_empty() {
                let commit = Commit { server, rooms: batches };
                context.jobs.push_back(Job::Store(StoreJob::Append { commit }));
                context.commits.state = State::Appending(Transaction { rooms: begun });
            }
            // Only now: what follows a Join may concern every room.
            self.read_joined(now, joined);
            self.visit_touched_rooms(now);
        }
    }
}
