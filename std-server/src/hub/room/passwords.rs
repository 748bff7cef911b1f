//! Passwords: checked one at a time, on another thread, and not for whoever guessed wrong too
//! often.
//!
//! Wrong passwords are bounded per prefix and in all. Joins from a prefix whose tries are used up
//! are refused. The bound in all refuses nobody: checks wait for it, and those from the prefix that
//! guessed wrong least recently, or never, come first. So a stranger who guesses from many
//! addresses delays others by one check at most, unless he has addresses that did not guess yet as
//! fast as the bound in all allows.

use kabar_core::chat::RefusedCode;
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;
use zeroize::Zeroizing;

use crate::hub::limiter::{Bucket, Buckets, Rate};
use crate::hub::peer::{Ask, Phase};
use crate::hub::prefix::Prefix;
use crate::hub::shares::Shares;
use crate::hub::timers::Timer;
use crate::hub::{Hub, HubLimits, Job, PasswordDone, PasswordJob};

/// Who waits for a password check, and who guessed wrong.
#[derive(Debug)]
pub(in crate::hub) struct Passwords {
    /// In the order of arrival.
    queue: Vec<Waiting>,
    shares: Shares<u32>,
    /// The check under way: of which connection, and from where.
    outstanding: Option<(u32, Prefix)>,
    wrong: Buckets,
    wrong_in_all: Bucket,
    rate_in_all: Rate,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    id: u32,
    prefix: Prefix,
    /// Whether it was counted that it has to wait for the bound in all.
    is_delayed: bool,
}

impl Passwords {
    pub(in crate::hub) fn new(limits: &HubLimits) -> Self {
        let rate = Rate { burst: limits.password_burst, interval: limits.password_interval };
        Self {
            queue: Vec::new(),
            shares: Shares::new(),
            outstanding: None,
            wrong: Buckets::new(rate, limits.prefixes),
            wrong_in_all: Bucket::FULL,
            rate_in_all: Rate { burst: limits.room_password_burst, interval: limits.room_password_interval },
        }
    }

    /// How often wrong passwords of an address were forgotten before their time.
    pub(in crate::hub) fn buckets_forgotten(&self) -> u64 {
        self.wrong.forgotten()
    }

    /// Whether the password of this connection is being checked.
    pub(in crate::hub) fn is_checking(&self, id: u32) -> bool {
        self.outstanding.is_some_and(|(checking, _)| checking == id)
    }

    fn push(&mut self, id: u32, prefix: Prefix) {
        self.queue.push(Waiting { id, prefix, is_delayed: false });
        self.shares.insert(id, prefix);
    }

    fn remove(&mut self, id: u32) {
        self.queue.retain(|waiting| waiting.id != id);
        self.shares.remove(&id);
    }

    /// The Join that has to go for one more of `prefix`: the oldest of the heaviest prefix, or else
    /// one of the prefix that guessed wrong last, if that was after this one did.
    fn displaced_by(&self, prefix: Prefix) -> Option<u32> {
        let last = || self.queue.iter().max_by_key(|waiting| self.wrong.full_at(waiting.prefix));
        let worse = || last().filter(|last| self.wrong.full_at(last.prefix) > self.wrong.full_at(prefix));
        self.shares.displaced_by(prefix).or_else(|| worse().map(|waiting| waiting.id))
    }
}

impl<P: Provider> Hub<P> {
    /// A Join that has to wait until its password was checked.
    pub(in crate::hub) fn ask_password(&mut self, now: Instant, id: u32, ask: Box<Ask>, password: Zeroizing<Vec<u8>>) {
        let Some(prefix) = self.peers.get(&id).map(|peer| peer.prefix) else { return };
        self.forget_who_does_not_wait();
        if self.passwords.queue.len() >= self.config.limits.password_queue {
            self.counters.password_queue_full += 1;
            let text = "too many wait for their password";
            let Some(displaced) = self.passwords.displaced_by(prefix) else {
                return self.refuse(now, id, ask.name.shown(), RefusedCode::TRY_LATER, text);
            };
            self.counters.displaced += 1;
            self.refuse_password(now, displaced, text);
        }
        self.passwords.push(id, prefix);
        self.set_phase(id, Phase::Checking(ask, password));
        self.timers.set(Timer::Phase(id), Some(now + self.config.limits.join_time));
    }

    /// Begins the next check, if none is under way.
    pub(in crate::hub) fn check_next_password(&mut self, now: Instant) {
        if self.passwords.outstanding.is_some() {
            return;
        }
        self.forget_who_does_not_wait();
        let Passwords { queue, wrong, .. } = &self.passwords;
        let tired = queue.iter().filter(|waiting| !wrong.has_token(now, waiting.prefix)).map(|waiting| waiting.id);
        for id in tired.collect::<Vec<_>>() {
            self.counters.passwords_limited += 1;
            self.refuse_password(now, id, "too many wrong passwords; try again in a minute");
        }
        let Passwords { queue, wrong, wrong_in_all, rate_in_all, .. } = &mut self.passwords;
        if !queue.is_empty() && !wrong_in_all.has_token(now, *rate_in_all) {
            for waiting in queue.iter_mut().filter(|waiting| !waiting.is_delayed) {
                waiting.is_delayed = true;
                self.counters.room_passwords_limited += 1;
            }
            self.timers.set(Timer::Passwords, Some(wrong_in_all.token_at(*rate_in_all)));
            return;
        }
        // Of equals the first that came.
        let next = queue.iter().min_by_key(|waiting| wrong.full_at(waiting.prefix)).copied();
        let Some(Waiting { id, prefix, .. }) = next else { return };
        self.passwords.remove(id);
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let Phase::Checking(_, password) = &mut peer.phase else { return };
        let password = core::mem::take(password);
        self.passwords.outstanding = Some((id, prefix));
        self.jobs.push_back(Job::Password(PasswordJob { connection_id: id, password }));
    }

    /// A Join waited for its password to be checked for as long as it may.
    pub(in crate::hub) fn on_password_timer(&mut self, now: Instant, id: u32) {
        if !self.passwords.is_checking(id) {
            self.counters.passwords_unchecked += 1;
            self.refuse_password(now, id, "too many wrong passwords from everywhere; try again in a minute");
        }
    }

    fn refuse_password(&mut self, now: Instant, id: u32, text: &str) {
        self.passwords.remove(id);
        let Some(Phase::Checking(ask, _)) = self.peers.get(&id).map(|peer| &peer.phase) else { return };
        let name = ask.name.shown().to_owned();
        self.refuse(now, id, &name, RefusedCode::TRY_LATER, text);
    }

    fn forget_who_does_not_wait(&mut self) {
        let Self { peers, passwords: Passwords { queue, shares, .. }, .. } = self;
        queue.retain(|Waiting { id, .. }| {
            let waits = peers.get(id).is_some_and(|peer| matches!(peer.phase, Phase::Checking(..)));
            if !waits {
                shares.remove(id);
            }
            waits
        });
    }

    pub(in crate::hub) fn on_password_done(&mut self, now: Instant, done: PasswordDone) {
        let PasswordDone { connection_id: id, is_right } = done;
        let outstanding = self.passwords.outstanding.take();
        if !is_right {
            self.counters.wrong_passwords += 1;
            outstanding.map(|(_, prefix)| self.passwords.wrong.take(now, prefix));
            self.passwords.wrong_in_all.take(now, self.passwords.rate_in_all);
        }
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if !matches!(peer.phase, Phase::Checking(..)) {
            return;
        }
        let Phase::Checking(ask, _) = core::mem::replace(&mut peer.phase, Phase::Unjoined) else { return };
        self.timers.set(Timer::Phase(id), None);
        if is_right {
            self.admit(now, id, ask);
        } else {
            self.refuse(now, id, ask.name.shown(), RefusedCode::AUTHENTICATION, "wrong password");
        }
    }
}
