//! Join (SPEC 6.2): checks its identity, whether it is admitted, its name and its instance. Nothing
//! is sent before the commit.

use kabar_core::chat::message::{client_proof, join_statement};
use kabar_core::chat::{Authentication, EntryKind, Join, RefusedCode};
use kabar_core::crypto::Provider;
use kabar_core::crypto::ct_eq;
use kabar_core::time::Instant;
use kabar_std::names::{Name, NameError};
use rand_core::Rng;
use zeroize::Zeroizing;

use super::appender::{Origin, PendingEntry};
use super::requests::{JoinError, JoinRequest};
use super::{Handled, Room};
use crate::hub::config::JoinPolicy;
use crate::hub::context::Context;
use crate::hub::peer::{Peer, Phase};
use crate::hub::timers::{RoomTimer, Timer};
use crate::store::SanctionKind;

/// Length of the statement that a Join signs, with the longest name of a room.
const STATEMENT_LEN: usize = 11 + 32 + 32 + 255;

/// The reason stated to a banned identity.
const BANNED: &str = "banned from this room";

/// Whether a valid Join still needs a check of its password.
enum Admission {
    Granted,
    /// A check of its password.
    Password,
}

impl Room {
    pub(in crate::hub) fn on_join<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        peer: &mut Peer<P>,
        join: &Join<'_>,
    ) -> Handled {
        let checked = self.check_join(peer, join);
        if checked.is_ok() && !self.visits.take_join(now, join.identity) {
            context.counters.joins_held += 1;
            peer.read_later(context, now + self.visits.join_interval());
            return Handled::Defer;
        }
        context.timers.set(Timer::Phase(peer.id), None);
        match checked {
            Err((RefusedCode::BANNED, _)) => self.refuse_banned(now, context, peer, join.name),
            Err((code, text)) => peer.refuse(now, context, join.name, code, &text),
            Ok((request, Admission::Granted)) => self.admit(now, context, peer, request),
            Ok((request, Admission::Password)) => {
                let Authentication::Password(password) = join.authentication else { return Handled::Violation };
                self.ask_password(now, context, peer, request, Zeroizing::new(password.to_vec()));
            }
        }
        Handled::Done
    }

    /// Checks the identity of a Join and whether it may be admitted. Strangers learn nothing about
    /// names.
    fn check_join<P: Provider>(
        &self,
        peer: &Peer<P>,
        join: &Join<'_>,
    ) -> Result<(Box<JoinRequest>, Admission), JoinError> {
        let Some(exporter) = peer.connection.exporter() else { return Err((RefusedCode::TRY_LATER, "".into())) };
        // SPEC 6.2
        let mut statement = [0; STATEMENT_LEN];
        let len = join_statement(exporter, &join.identity, join.room, &mut statement).unwrap_or_default();
        if !join.identity.verify(&statement[..len], &join.signature) {
            return Err((RefusedCode::SIGNATURE, "the signature does not verify".into()));
        }
        if self.sanctions.holds(join.identity, SanctionKind::Ban) {
            return Err((RefusedCode::BANNED, BANNED.into()));
        }
        let is_admitted = self.ownership.is_admitted(&join.identity);
        let policy = self.settings.join_policy;
        let admission = match join.authentication {
            Authentication::Secret(proof) if ct_eq(&proof, &client_proof(&self.settings.secret, exporter)) => {
                Admission::Granted
            }
            Authentication::Secret(_) => return Err((RefusedCode::AUTHENTICATION, "wrong secret".into())),
            _ if is_admitted || policy == JoinPolicy::Open => Admission::Granted,
            Authentication::Password(_) if policy == JoinPolicy::Password => Admission::Password,
            Authentication::Password(_) => {
                return Err((RefusedCode::AUTHENTICATION, "this room is joined by invitation, not by password".into()));
            }
            Authentication::None => {
                return Err((RefusedCode::AUTHENTICATION, "this room needs an invitation or a password".into()));
            }
        };
        // SPEC 6.6
        let name = self.check_name(join).map_err(|error| (RefusedCode::NAME_NOT_ALLOWED, error.to_string().into()))?;
        let request = JoinRequest {
            name,
            identity: join.identity,
            instance: join.instance,
            start: join.start,
            max_entry_len: join.max_entry_len,
            is_newly_admitted: !is_admitted,
        };
        Ok((Box::new(request), admission))
    }

    /// A name that its identity has already stays valid when the rules for new ones become stricter.
    fn check_name(&self, join: &Join<'_>) -> Result<Name, NameError> {
        let name = Name::existing(join.name)?;
        let record = self.ownership.record(name.folded());
        if record.is_none_or(|record| record.identity != join.identity) {
            name.check_new()?;
        }
        Ok(name)
    }

    pub(super) fn refuse_banned<P: Provider>(
        &self,
        now: Instant,
        context: &mut Context<P>,
        peer: &mut Peer<P>,
        name: &str,
    ) {
        context.counters.banned += 1;
        peer.refuse(now, context, name, RefusedCode::BANNED, BANNED);
    }

    /// Registers an admitted Join (its name, instance and place) and adds it to the next commit.
    pub(super) fn admit<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        peer: &mut Peer<P>,
        mut request: Box<JoinRequest>,
    ) {
        let checked = self.check_name_and_capacity(now, context, peer, &mut request);
        if let Err((code, text)) = checked.and_then(|()| self.take_newcomer(now, context, peer, &request.identity)) {
            return peer.refuse(now, context, request.name.shown(), code, &text);
        }
        let folded = request.name.folded().to_owned();
        let is_lapsed = self.ownership.record(&folded).is_some_and(|record| record.identity != request.identity);
        context.counters.names_lapsed += u64::from(is_lapsed);
        self.ownership.claim(&folded, request.identity);
        self.announce_joined(now, context, peer.id, &request);
        context.timers.set(self.timer(RoomTimer::Absence(folded)), None);
        peer.set_phase(context, Phase::Joining(self.id));
        self.residents.insert(peer.id, peer.prefix);
        self.appender.push_join(peer.id, request);
    }

    fn check_name_and_capacity<P: Provider>(
        &self,
        now: Instant,
        context: &mut Context<P>,
        peer: &Peer<P>,
        request: &mut JoinRequest,
    ) -> Result<(), JoinError> {
        if self.appender.is_recovering() {
            return Err((RefusedCode::TRY_LATER, "the server cannot store anything at the moment".into()));
        }
        match self.log.instance(request.instance) {
            // SPEC 6.5
            Some(instance) if instance.identity != request.identity => {
                return Err((RefusedCode::INSTANCE, "the instance belongs to another identity".into()));
            }
            Some(_) => {}
            None => request.instance = self.draw_instance(context),
        }
        let (folded, identity) = (request.name.folded(), request.identity);
        let is_in_use = self.members.named(folded).is_some_and(|(_, holder)| holder != identity);
        let is_owned = self.ownership.is_owned_by_another(folded, identity, self.ran_ms(now));
        if is_in_use || (is_owned && !self.appender.is_releasing(folded)) {
            return Err((RefusedCode::NAME_TAKEN, "somebody else has this name".into()));
        }
        // Joins in progress may still fail: a name that only they claim is not refused permanently.
        if self.ownership.is_claimed_by_another(folded, identity) {
            return Err((RefusedCode::TRY_LATER, "somebody else is about to take this name".into()));
        }
        // A Join that replaces a member of the same prefix adds no member to it.
        let limits = &context.config.limits;
        let replaced = self.members.get(&identity);
        let is_no_more = replaced.is_some_and(|replaced| replaced.prefix.at(0) == peer.prefix.at(0));
        if self.residents.weight(peer.prefix, 0) >= limits.members_per_prefix && !is_no_more {
            context.counters.prefix_members_full += 1;
            return Err((RefusedCode::TRY_LATER, "too many members from your network".into()));
        }
        let (members, limit) = (self.members.len(), limits.members);
        if members + self.appender.joins() >= limit && replaced.is_none() {
            context.counters.room_full += 1;
            let is_full = members >= limit;
            let code = if is_full { RefusedCode::ROOM_FULL } else { RefusedCode::TRY_LATER };
            let text = if is_full { "the room is full" } else { "others are about to take the last places" };
            return Err((code, text.into()));
        }
        Ok(())
    }

    /// A random instance for a client process: neither 0 nor one that is known.
    fn draw_instance<P: Provider>(&self, context: &mut Context<P>) -> u64 {
        loop {
            let instance = context.rng.next_u64();
            if instance != 0 && self.log.instance(instance).is_none() {
                return instance;
            }
        }
    }

    /// Announces a Join in a small room, unless the member is present according to the log, or only
    /// returns.
    fn announce_joined<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        peer: u32,
        request: &JoinRequest,
    ) {
        let folded = request.name.folded();
        let absence = self.timer(RoomTimer::Absence(folded.to_owned()));
        let is_return = self.is_present(folded) || context.timers.get(&absence).is_some();
        let is_small = self.members.len() < context.config.limits.announced_members;
        context.counters.unannounced += u64::from(!is_small && !is_return);
        if is_small && !is_return {
            if !self.visits.take_announcement(now, request.identity) {
                context.counters.announcements_limited += 1;
                return;
            }
            // An identity is present under one name at a time.
            let before = self.ownership.present_as(&request.identity).cloned();
            if let Some(before) = before.filter(|before| before != folded && self.is_present(before)) {
                let name = self.ownership.record(&before).map_or_else(String::new, |record| record.name.clone());
                let origin = Origin::Presence { folded: before, joining: Some(peer) };
                self.appender.push(PendingEntry::by_server(&name, EntryKind::LEFT, &[], origin));
            }
            let origin = Origin::Presence { folded: folded.to_owned(), joining: Some(peer) };
            self.appender.push(PendingEntry::by_server(request.name.shown(), EntryKind::JOINED, &[], origin));
        }
    }
}
