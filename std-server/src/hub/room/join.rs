//! Join (SPEC 6.2): who it is, whether it may come in, under which name and instance. Nothing is said before the commit.

use kabar_core::chat::message::{client_proof, join_statement};
use kabar_core::chat::{Authentication, Join, Kind, RefusedCode};
use kabar_core::crypto::Provider;
use kabar_core::crypto::kdf;
use kabar_core::time::Instant;
use rand_core::Rng;
use zeroize::Zeroizing;

use crate::hub::commit::{Pending, Source};
use crate::hub::peer::{Ask, Phase};
use crate::hub::prefix::Prefix;
use crate::hub::read::Taken;
use crate::hub::timers::Timer;
use crate::hub::{Entrance, Hub};
use crate::store::SanctionKind;
use kabar_std::names::Name;

/// Room for what a Join signs, with a room name as long as strings are.
const STATEMENT_LEN: usize = 11 + 32 + 32 + 255;

/// What the banned are told.
const BANNED: &str = "banned from this room";

/// How a Join that is in order goes on.
enum Entry {
    Admitted,
    Password,
}

impl<P: Provider> Hub<P> {
    pub(in crate::hub) fn on_join(&mut self, now: Instant, id: u32, join: &Join<'_>) -> Taken {
        let Some(peer) = self.peers.get_mut(&id) else { return Taken::Broken };
        // SPEC 6.2
        if *peer.identity.get_or_insert(join.identity) != join.identity {
            return Taken::Broken;
        }
        let judged = self.judge(id, join);
        if judged.is_ok() && !self.visits.take_join(now, join.identity) {
            self.counters.joins_held += 1;
            self.read_later(now, id, self.visits.join_interval());
            return Taken::Later;
        }
        self.timers.set(Timer::Phase(id), None);
        match judged {
            Err((RefusedCode::BANNED, _)) => self.refuse_banned(now, id, join.name),
            Err((code, text)) => self.refuse(now, id, join.name, code, text),
            Ok((ask, Entry::Admitted)) => self.admit(now, id, ask),
            Ok((ask, Entry::Password)) => {
                let Authentication::Password(password) = join.authentication else { return Taken::Broken };
                self.ask_password(now, id, ask, Zeroizing::new(password.to_vec()));
            }
        }
        Taken::Yes
    }

    /// Whose Join it is, and whether it may come in. Strangers learn nothing about names.
    fn judge(&self, id: u32, join: &Join<'_>) -> Result<(Box<Ask>, Entry), (RefusedCode, &'static str)> {
        let exporter = self.peers.get(&id).and_then(|peer| peer.connection.exporter());
        let Some(exporter) = exporter else { return Err((RefusedCode::TRY_LATER, "")) };
        if join.room != &*self.room {
            return Err((RefusedCode::UNKNOWN_ROOM, "there is no such room here"));
        }
        // SPEC 6.2
        let mut statement = [0; STATEMENT_LEN];
        let len = join_statement(exporter, &join.identity, join.room, &mut statement).unwrap_or_default();
        if !join.identity.verify(&statement[..len], &join.signature) {
            return Err((RefusedCode::SIGNATURE, "the signature does not verify"));
        }
        if self.sanctions.holds(join.identity, SanctionKind::Ban) {
            return Err((RefusedCode::BANNED, BANNED));
        }
        let is_admitted = self.ownership.is_admitted(&join.identity);
        let entrance = self.config.entrance;
        let entry = match join.authentication {
            Authentication::Secret(proof) if kdf::equal(&proof, &client_proof(&self.config.secret, exporter)) => {
                Entry::Admitted
            }
            Authentication::Secret(_) => return Err((RefusedCode::AUTHENTICATION, "wrong secret")),
            _ if is_admitted || entrance == Entrance::Open => Entry::Admitted,
            Authentication::Password(_) if entrance == Entrance::Password => Entry::Password,
            Authentication::Password(_) => {
                return Err((RefusedCode::AUTHENTICATION, "this room is joined by invitation, not by password"));
            }
            Authentication::None => {
                return Err((RefusedCode::AUTHENTICATION, "this room needs an invitation or a password"));
            }
        };
        // SPEC 6.6
        let name = Name::new(join.name).map_err(|_| (RefusedCode::NAME_NOT_ALLOWED, "this name is not allowed"))?;
        let ask = Ask {
            name,
            identity: join.identity,
            instance: join.instance,
            start: join.start,
            largest_entry: join.largest_entry,
            is_newly_admitted: !is_admitted,
        };
        Ok((Box::new(ask), entry))
    }

    pub(in crate::hub) fn refuse_banned(&mut self, now: Instant, id: u32, name: &str) {
        self.counters.banned += 1;
        self.refuse(now, id, name, RefusedCode::BANNED, BANNED);
    }

    /// A Join that may come in: name, instance and place, then the commit.
    pub(in crate::hub) fn admit(&mut self, now: Instant, id: u32, mut ask: Box<Ask>) {
        let Some(prefix) = self.peers.get(&id).map(|peer| peer.prefix) else { return };
        let placed = self.place(now, prefix, &mut ask).and_then(|()| self.take_newcomer(now, id, &ask.identity));
        if let Err((code, text)) = placed {
            return self.refuse(now, id, ask.name.shown(), code, text);
        }
        let folded = ask.name.folded().to_owned();
        let is_lapsed = self.ownership.record(&folded).is_some_and(|record| record.identity != ask.identity);
        self.counters.names_lapsed += u64::from(is_lapsed);
        self.ownership.claim(&folded, ask.identity);
        self.announce_joined(now, id, &ask);
        self.timers.set(Timer::Away(folded.clone()), None);
        self.set_phase(id, Phase::Joining(ask));
        self.appender.push_join(id, folded);
    }

    fn place(&mut self, now: Instant, prefix: Prefix, ask: &mut Ask) -> Result<(), (RefusedCode, &'static str)> {
        if self.appender.is_recovering() {
            return Err((RefusedCode::TRY_LATER, "the server cannot store anything at the moment"));
        }
        match self.log.instance(ask.instance) {
            // SPEC 6.5
            Some(instance) if instance.identity != ask.identity => {
                return Err((RefusedCode::INSTANCE, "the instance belongs to another identity"));
            }
            Some(_) => {}
            None => ask.instance = self.draw_instance(),
        }
        let folded = ask.name.folded();
        let holder = self.members.by_name.get(folded).and_then(|id| self.peers.get(id)?.member());
        let is_held = holder.is_some_and(|holder| holder.identity != ask.identity);
        let is_owned = self.ownership.is_owned_by_another(folded, ask.identity, self.ran_ms(now));
        if is_held || (is_owned && !self.appender.is_releasing(folded)) {
            return Err((RefusedCode::NAME_TAKEN, "somebody else has this name"));
        }
        // Joins under way may yet come to nothing: what only they take is not refused for good.
        if self.ownership.is_claimed_by_another(folded, ask.identity) {
            return Err((RefusedCode::TRY_LATER, "somebody else is about to take this name"));
        }
        // Whoever replaces a connection of its own takes no more room than before.
        let replaced = self.members.by_identity.get(&ask.identity).and_then(|id| self.peers.get(id));
        let is_no_more = replaced.is_some_and(|replaced| replaced.prefix.at(0) == prefix.at(0));
        if self.residents.weight(prefix, 0) >= self.config.limits.members_per_prefix && !is_no_more {
            self.counters.prefix_members_full += 1;
            return Err((RefusedCode::TRY_LATER, "too many members from your network"));
        }
        let (members, limit) = (self.members.by_identity.len(), self.config.limits.members);
        if members + self.appender.joins() >= limit && !self.members.by_identity.contains_key(&ask.identity) {
            self.counters.room_full += 1;
            let is_full = members >= limit;
            let code = if is_full { RefusedCode::ROOM_FULL } else { RefusedCode::TRY_LATER };
            return Err((code, if is_full { "the room is full" } else { "others are about to take the last places" }));
        }
        Ok(())
    }

    /// The random number that a client process goes by; never 0, never one that is known.
    fn draw_instance(&mut self) -> u64 {
        loop {
            let instance = self.rng.next_u64();
            if instance != 0 && self.log.instance(instance).is_none() {
                return instance;
            }
        }
    }

    /// Says joined in a small room, unless the log says already that it is here or it was only away (DESIGN: a return).
    fn announce_joined(&mut self, now: Instant, id: u32, ask: &Ask) {
        let folded = ask.name.folded();
        let is_return = self.is_present(folded) || self.timers.get(&Timer::Away(folded.to_owned())).is_some();
        let is_small = self.members.by_identity.len() < self.config.limits.announced_members;
        self.counters.unannounced += u64::from(!is_small && !is_return);
        if is_small && !is_return {
            if !self.visits.take_announcement(now, ask.identity) {
                self.counters.announcements_limited += 1;
                return;
            }
            let source = Source::Presence { folded: folded.to_owned(), joiner: Some(id) };
            self.appender.push(Pending::by_server(ask.name.shown(), Kind::JOINED, &[], source));
        }
    }
}
