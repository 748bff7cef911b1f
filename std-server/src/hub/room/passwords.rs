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
use zeroize::Zeroizing;

use super::Room;
use super::password_queue::{PasswordCheck, PasswordQueue, WaitingJoin};
use super::requests::JoinRequest;
use crate::hub::context::Context;
use crate::hub::jobs::{Job, PasswordDone, PasswordJob};
use crate::hub::peer::{Peer, Peers, Phase};
use crate::hub::timers::{RoomTimer, Timer};

const QUEUE_FULL: &str = "too many wait for their password";

impl Room {
    /// Queues a Join until its password was checked.
    pub(super) fn ask_password<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        peer: &mut Peer<P>,
        request: Box<JoinRequest>,
        password: Zeroizing<Vec<u8>>,
    ) {
        if self.passwords.queue.len() >= context.config.limits.password_queue {
            context.counters.password_queue_full += 1;
            let Some(displaced) = self.passwords.displaced_by(peer.prefix).and_then(|it| self.passwords.take(it))
            else {
                return peer.refuse(now, context, request.name.shown(), RefusedCode::TRY_LATER, QUEUE_FULL);
            };
            context.counters.displaced += 1;
            self.passwords.displaced.push(displaced);
        }
        self.passwords.push(WaitingJoin { peer: peer.id, prefix: peer.prefix, request, password, is_delayed: false });
        peer.set_phase(context, Phase::Checking(self.id));
        context.timers.set(Timer::Phase(peer.id), Some(now + context.config.limits.join_time));
    }

    /// Refuses the displaced Joins, and creates the job of the next check if none is in progress.
    pub(in crate::hub) fn create_password_job<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
    ) {
        for WaitingJoin { peer, request, .. } in core::mem::take(&mut self.passwords.displaced) {
            self.refuse_waiting(now, peers, context, peer, &request, QUEUE_FULL);
        }
        if self.passwords.outstanding.is_some() {
            return;
        }
        let PasswordQueue { queue, wrong, .. } = &self.passwords;
        let limited = queue.iter().filter(|waiting| !wrong.has_token(now, waiting.prefix)).map(|waiting| waiting.peer);
        for id in limited.collect::<Vec<_>>() {
            context.counters.passwords_limited += 1;
            let Some(request) = self.passwords.remove(id) else { continue };
            self.refuse_waiting(now, peers, context, id, &request, "too many wrong passwords; try again in a minute");
        }
        let PasswordQueue { queue, wrong, wrong_in_total, total_rate, .. } = &mut self.passwords;
        if !queue.is_empty() && !wrong_in_total.has_token(now, *total_rate) {
            for waiting in queue.iter_mut().filter(|waiting| !waiting.is_delayed) {
                waiting.is_delayed = true;
                context.counters.room_passwords_limited += 1;
            }
            let token_at = wrong_in_total.token_at(*total_rate);
            context.timers.set(self.timer(RoomTimer::Passwords), Some(token_at));
            return;
        }
        // Among equals, the first that arrived.
        let next = queue.iter().min_by_key(|waiting| wrong.full_at(waiting.prefix)).map(|waiting| waiting.peer);
        let Some(next) = next.and_then(|next| self.passwords.take(next)) else { return };
        let WaitingJoin { peer, prefix, request, password, .. } = next;
        self.passwords.outstanding = Some(PasswordCheck { peer, prefix, request });
        context.jobs.push_back(Job::Password(PasswordJob { room: self.id, connection_id: peer, password }));
    }

    /// Refuses a Join that has waited too long for the check of its password.
    pub(in crate::hub) fn on_password_timer<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        peer: &mut Peer<P>,
    ) {
        if self.passwords.is_checking(peer.id) {
            return;
        }
        let Some(request) = self.passwords.remove(peer.id) else { return };
        context.counters.passwords_unchecked += 1;
        let text = "too many wrong passwords from everywhere; try again in a minute";
        peer.refuse(now, context, request.name.shown(), RefusedCode::TRY_LATER, text);
    }

    pub(in crate::hub) fn on_password_done<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        done: &PasswordDone,
    ) {
        let outstanding = self.passwords.outstanding.take_if(|it| it.peer == done.connection_id);
        let Some(PasswordCheck { peer: id, prefix, request }) = outstanding else { return };
        if !done.is_right {
            context.counters.wrong_passwords += 1;
            self.passwords.wrong.take(now, prefix);
            self.passwords.wrong_in_total.take(now, self.passwords.total_rate);
        }
        let Some(peer) = peers.get_mut(id).filter(|peer| peer.phase.is_checking(self.id)) else { return };
        context.timers.set(Timer::Phase(id), None);
        if done.is_right {
            self.admit_or_wait(now, context, peer, request);
        } else {
            peer.refuse(now, context, request.name.shown(), RefusedCode::AUTHENTICATION, "wrong password");
        }
    }

    /// Refuses a Join that waits for its password, for now.
    fn refuse_waiting<P: Provider>(
        &self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        id: u32,
        request: &JoinRequest,
        text: &str,
    ) {
        if let Some(peer) = peers.get_mut(id).filter(|peer| peer.phase.is_checking(self.id)) {
            peer.refuse(now, context, request.name.shown(), RefusedCode::TRY_LATER, text);
        }
    }
}
