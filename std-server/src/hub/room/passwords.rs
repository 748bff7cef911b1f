//! Password checks: one at a time, on another thread, and none for a prefix with too many wrong
//! passwords.
//!
//! Wrong passwords are bounded per prefix and in total. Joins from a prefix that has used up its
//! attempts are refused. The total refuses no one: checks wait for it, and those from the prefix
//! with the least recent wrong password, or none, come first. So an attacker who guesses from many
//! addresses delays others by one check at most, unless it obtains unused addresses as fast as the
//! total allows.

use kabar_core::chat::RefusedCode;
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::requests::Password;
use super::{Room, Rooms};
use crate::hub::context::Context;
use crate::hub::jobs::{Job, PasswordDone, PasswordJob};
use crate::hub::peer::memberships::Stage;
use crate::hub::peer::{Peer, Peers};
use crate::hub::people::{JoinRequest, PasswordCheck, PasswordQueue, WaitingJoin};
use crate::hub::timers::Timer;

const QUEUE_FULL: &str = "too many wait for their password";

impl Room {
    /// Queues a Join until its password was checked.
    pub(super) fn ask_password<P: Provider>(
        &self,
        now: Instant,
        context: &mut Context<P>,
        peer: &mut Peer<P>,
        request: Box<JoinRequest>,
        password: Password,
    ) {
        let passwords = &mut context.people.passwords;
        if passwords.queue.len() >= context.config.limits.password_queue {
            context.counters.password_queue_full += 1;
            let displaced = passwords.displaced_by(peer.link.prefix);
            let Some(displaced) = displaced.and_then(|(peer, room)| passwords.take(peer, room)) else {
                return self.refuse(now, context, peer, request.name.shown(), RefusedCode::TRY_LATER, QUEUE_FULL);
            };
            context.counters.displaced += 1;
            passwords.displaced.push(displaced);
        }
        let (id, prefix) = (peer.link.id, peer.link.prefix);
        passwords.push(WaitingJoin { room: self.id, peer: id, prefix, request, password, is_delayed: false });
        peer.set_stage(context, self.id, Stage::Checking);
        context.timers.set(Timer::Join(id, self.id), Some(now + context.config.limits.join_time));
    }

    /// Refuses a Join that has waited too long for the check of its password.
    pub(in crate::hub) fn on_password_timer<P: Provider>(
        &self,
        now: Instant,
        context: &mut Context<P>,
        peer: &mut Peer<P>,
    ) {
        let passwords = &mut context.people.passwords;
        if passwords.is_checking(peer.link.id, self.id) {
            return;
        }
        let Some(WaitingJoin { request, .. }) = passwords.take(peer.link.id, self.id) else { return };
        context.counters.passwords_unchecked += 1;
        let text = "too many wrong passwords from everywhere; try again in a minute";
        self.refuse(now, context, peer, request.name.shown(), RefusedCode::TRY_LATER, text);
    }
}

impl<P: Provider> Context<P> {
    /// Refuses the displaced Joins, and creates the job of the next check if none is in progress.
    pub(in crate::hub) fn create_password_job(&mut self, now: Instant, peers: &mut Peers<P>, rooms: &Rooms) {
        for displaced in core::mem::take(&mut self.people.passwords.displaced) {
            self.refuse_waiting(now, peers, rooms, &displaced, QUEUE_FULL);
        }
        if self.people.passwords.outstanding.is_some() {
            return;
        }
        let PasswordQueue { queue, wrong, .. } = &self.people.passwords;
        let limited = queue.iter().filter(|waiting| !wrong.has_token(now, waiting.prefix)).map(WaitingJoin::key);
        for (peer, room) in limited.collect::<Vec<_>>() {
            self.counters.passwords_limited += 1;
            let Some(limited) = self.people.passwords.take(peer, room) else { continue };
            self.refuse_waiting(now, peers, rooms, &limited, "too many wrong passwords; try again in a minute");
        }
        let PasswordQueue { queue, wrong, wrong_in_total, total_rate, .. } = &mut self.people.passwords;
        if !queue.is_empty() && !wrong_in_total.has_token(now, *total_rate) {
            for waiting in queue.iter_mut().filter(|waiting| !waiting.is_delayed) {
                waiting.is_delayed = true;
                self.counters.room_passwords_limited += 1;
            }
            let token_at = wrong_in_total.token_at(*total_rate);
            self.timers.set(Timer::Passwords, Some(token_at));
            return;
        }
        // Among equals, the first that arrived.
        let next = queue.iter().min_by_key(|waiting| wrong.full_at(waiting.prefix)).map(WaitingJoin::key);
        let Some(next) = next.and_then(|(peer, room)| self.people.passwords.take(peer, room)) else { return };
        let WaitingJoin { room, peer, prefix, request, password, .. } = next;
        self.people.passwords.outstanding = Some(PasswordCheck { room, peer, prefix, request });
        self.jobs.push_back(Job::Password(PasswordJob { connection_id: peer, password }));
    }

    pub(in crate::hub) fn on_password_done(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        rooms: &mut Rooms,
        done: &PasswordDone,
    ) {
        let passwords = &mut self.people.passwords;
        let Some(check) = passwords.outstanding.take_if(|it| it.peer == done.connection_id) else {
            return self.counters.results_dropped += 1;
        };
        let PasswordCheck { room: id, peer, prefix, request } = check;
        if !done.is_right {
            self.counters.wrong_passwords += 1;
            passwords.wrong.take(now, prefix);
            passwords.wrong_in_total.take(now, passwords.total_rate);
        }
        let Some(peer) = peers.get_mut(peer).filter(|peer| peer.memberships.is_checking(id)) else { return };
        let Some(room) = rooms.get_mut(id) else { return };
        if done.is_right {
            room.admit_or_wait(now, self, peer, request);
        } else {
            room.refuse(now, self, peer, request.name.shown(), RefusedCode::AUTHENTICATION, "wrong password");
        }
        rooms.repeat_renames(self);
    }

    /// Refuses a Join that waits for its password, for now.
    fn refuse_waiting(&mut self, now: Instant, peers: &mut Peers<P>, rooms: &Rooms, waiting: &WaitingJoin, text: &str) {
        let (WaitingJoin { peer, request, .. }, Some(room)) = (waiting, rooms.get(waiting.room)) else { return };
        if let Some(peer) = peers.get_mut(*peer).filter(|peer| peer.memberships.is_checking(waiting.room)) {
            room.refuse(now, self, peer, request.name.shown(), RefusedCode::TRY_LATER, text);
        }
    }
}
