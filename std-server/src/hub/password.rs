//! Passwords: checked one at a time, on another thread, and not for whoever guessed wrong too often.

use std::collections::VecDeque;

use kabar_core::chat::RefusedCode;
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;
use zeroize::Zeroizing;

use super::limiter::{Bucket, Buckets, Prefix, Rate};
use super::peer::{Ask, Phase};
use super::{Hub, HubLimits, Job, PasswordDone, PasswordJob};

/// Who waits for a password check, and who guessed wrong.
#[derive(Debug)]
pub(super) struct Passwords {
    queue: VecDeque<u32>,
    /// From where the password came that is being checked.
    outstanding: Option<Prefix>,
    wrong: Buckets,
    wrong_in_all: Bucket,
    rate_in_all: Rate,
}

impl Passwords {
    pub(super) fn new(limits: &HubLimits) -> Self {
        let rate = Rate { burst: limits.password_burst, interval: limits.password_interval };
        Self {
            queue: VecDeque::new(),
            outstanding: None,
            wrong: Buckets::new(rate, limits.prefixes),
            wrong_in_all: Bucket::FULL,
            rate_in_all: Rate { burst: limits.room_password_burst, interval: limits.room_password_interval },
        }
    }

    /// How often there was no room to count the wrong passwords of an address.
    pub(super) fn buckets_full(&self) -> u64 {
        self.wrong.full()
    }
}

impl<P: Provider> Hub<P> {
    /// A Join that has to wait until its password was checked.
    pub(super) fn ask_password(&mut self, now: Instant, id: u32, ask: Box<Ask>, password: Zeroizing<Vec<u8>>) {
        if self.passwords.queue.len() >= self.config.limits.password_queue {
            self.counters.password_queue_full += 1;
            return self.refuse(now, id, ask.name.shown(), RefusedCode::TRY_LATER, "too many wait for their password");
        }
        self.passwords.queue.push_back(id);
        self.set_phase(id, Phase::Checking(ask, password));
    }

    /// Begins the next check, if none is under way.
    pub(super) fn check_next_password(&mut self, now: Instant) {
        while self.passwords.outstanding.is_none()
            && let Some(id) = self.passwords.queue.pop_front()
        {
            let Some(peer) = self.peers.get_mut(&id) else { continue };
            let prefix = Prefix::of(peer.address);
            let Phase::Checking(ask, password) = &mut peer.phase else { continue };
            let may_here = self.passwords.wrong.has_token(now, prefix);
            if !may_here || !self.passwords.wrong_in_all.has_token(now, self.passwords.rate_in_all) {
                let name = ask.name.shown().to_owned();
                let counters = &mut self.counters;
                *if may_here { &mut counters.room_passwords_limited } else { &mut counters.passwords_limited } += 1;
                self.refuse(now, id, &name, RefusedCode::TRY_LATER, "too many wrong passwords; try again in a minute");
                continue;
            }
            let password = core::mem::take(password);
            self.passwords.outstanding = Some(prefix);
            self.jobs.push_back(Job::Password(PasswordJob { connection_id: id, password }));
        }
    }

    pub(super) fn on_password_done(&mut self, now: Instant, done: PasswordDone) {
        let PasswordDone { connection_id: id, is_right } = done;
        let prefix = self.passwords.outstanding.take();
        if !is_right {
            self.counters.wrong_passwords += 1;
            prefix.map(|prefix| self.passwords.wrong.take(now, prefix));
            self.passwords.wrong_in_all.take(now, self.passwords.rate_in_all);
        }
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if !matches!(peer.phase, Phase::Checking(..)) {
            return;
        }
        let Phase::Checking(ask, _) = core::mem::replace(&mut peer.phase, Phase::Unjoined) else { return };
        if is_right {
            self.admit(now, id, ask);
        } else {
            self.refuse(now, id, ask.name.shown(), RefusedCode::AUTHENTICATION, "wrong password");
        }
    }
}
