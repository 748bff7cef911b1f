//! Join (SPEC 6.2): checks whether its identity is admitted, its name and its instance. Nothing is
//! sent before the commit.

use kabar_core::chat::{Authentication, EntryKind, Join, RefusedCode};
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;
use kabar_std::names::Name;
use rand_core::Rng;
use zeroize::Zeroizing;

use super::appender::{Origin, PendingEntry, RenamedBy};
use super::causes::{cause, sentence};
use super::requests::{DELAYED, JoinError, Password};
use super::{Room, STORE_FAILS, TOO_OFTEN};
use crate::hub::context::Context;
use crate::hub::peer::memberships::Stage;
use crate::hub::peer::{Link, Peer};
use crate::hub::people::JoinRequest;
use crate::hub::timers::RoomTimer;
use crate::store::SanctionKind;

/// Precedes the operator's reason, which a banned identity is shown.
const BANNED: &str = "banned from this room";

impl Room {
    pub(in crate::hub) fn on_join<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        peer: &mut Peer<P>,
        join: &Join<'_>,
    ) {
        match self.check_join(now, context, peer, join) {
            Err((RefusedCode::BANNED, _)) => self.refuse_banned(now, context, peer, join.identity, join.name),
            Err((code, text)) => self.refuse(now, context, peer, join.name, code, &text),
            Ok((request, password)) => match password {
                Some(password) => self.ask_password(now, context, peer, request, password),
                None => self.admit_or_wait(now, context, peer, request),
            },
        }
    }

    /// Checks whether the identity of a Join may be admitted; with its password, if that is still
    /// to be checked. Strangers learn nothing about names.
    fn check_join<P: Provider>(
        &self,
        now: Instant,
        context: &Context<P>,
        peer: &Peer<P>,
        join: &Join<'_>,
    ) -> Result<(Box<JoinRequest>, Option<Password>), JoinError> {
        let Some(exporter) = peer.link.connection.exporter() else { return Err((RefusedCode::TRY_LATER, "".into())) };
        let admission = self.check_admission(now, context, join, exporter);
        // For whoever may not join it, a private room does not exist.
        let is_known = !self.settings.is_private || admission.is_ok();
        if is_known && self.sanctions.holds(join.identity, SanctionKind::Ban) {
            return Err((RefusedCode::BANNED, BANNED.into()));
        }
        let admission = admission?;
        // Whether it may have the name is checked when it is admitted.
        let name = Name::existing(join.name).and_then(|name| name.for_member(peer.link.connection.is_classic()));
        let name = name.map_err(|error| (RefusedCode::NAME_NOT_ALLOWED, error.to_string().into()))?;
        let request = JoinRequest {
            name,
            identity: join.identity,
            instance: join.instance,
            start: join.start,
            max_entry_len: join.max_entry_len,
            is_default_name: join.is_default_name,
            is_newly_admitted: !self.admissions.contains(&join.identity, &context.admitted),
            invite: admission.invite,
            is_lasting: admission.invite.is_some() || context.admitted.is_lasting(&join.identity),
            proof: admission.proof,
        };
        let password = match join.authentication {
            Authentication::Password(password) if admission.needs_password => Some(Zeroizing::new(password.to_vec())),
            _ => None,
        };
        Ok((Box::new(request), password))
    }

    pub(super) fn refuse_banned<P: Provider>(
        &self,
        now: Instant,
        context: &mut Context<P>,
        peer: &mut Peer<P>,
        identity: PublicIdentity,
        name: &str,
    ) {
        context.counters.banned += 1;
        let ban = self.sanctions.get(identity, SanctionKind::Ban);
        let cause = ban.map(|ban| cause(&context.people, ban.by, ban.reason.as_deref())).unwrap_or_default();
        let text = sentence(BANNED, &cause);
        self.refuse(now, context, peer, name, RefusedCode::BANNED, &text);
    }

    /// Refuses a Join, in whichever stage it is. The connection is closed if it is in no other
    /// room.
    pub(super) fn refuse<P: Provider>(
        &self,
        now: Instant,
        context: &mut Context<P>,
        peer: &mut Peer<P>,
        name: &str,
        code: RefusedCode,
        text: &str,
    ) {
        peer.take_membership(now, context, self.id);
        peer.refuse(now, context, self.name(), name, code, text);
    }

    /// Registers an admitted Join (its name, instance and place) and adds it to the next commit.
    pub(in crate::hub) fn admit<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        peer: &mut Peer<P>,
        mut request: Box<JoinRequest>,
    ) {
        let checked = self.check_admission_again(now, context, &request);
        let checked = checked.and_then(|()| self.check_name_and_capacity(now, context, &peer.link, &mut request));
        let checked = checked.and_then(|()| self.take_newcomer(now, context, &peer.link, &request.identity));
        let current = context.people.current_name(&request.identity, self.id);
        let renames = current.is_some_and(|current| current != request.name.shown());
        let checked = checked.and_then(|()| {
            let may_announce =
                !renames || context.people.take_announcement(now, &mut context.counters, request.identity);
            if may_announce { Ok(()) } else { Err((RefusedCode::TRY_LATER, TOO_OFTEN.into())) }
        });
        if let Err((code, text)) = checked {
            return self.refuse(now, context, peer, request.name.shown(), code, &text);
        }
        let identity = request.identity;
        context.people.count_lapsed(&mut context.counters, &request.name, &identity);
        if renames {
            self.push_renamed(context, identity, request.name.clone(), RenamedBy::Join(peer.link.id));
        }
        if !renames || !self.is_named(&identity) {
            self.announce_joined(now, context, peer.link.id, &request);
        }
        context.people.claims.begin_join(&request.name, identity);
        context.invites.begin_join(identity, request.invite);
        *self.joining.or_default(identity) += 1;
        context.timers.set(self.timer(RoomTimer::Absence(identity)), None);
        peer.set_stage(context, self.id, Stage::Joining);
        self.residents.insert(peer.link.id, peer.link.prefix);
        self.appender.push_join(peer.link.id, request);
    }

    fn check_name_and_capacity<P: Provider>(
        &self,
        now: Instant,
        context: &mut Context<P>,
        link: &Link<P>,
        request: &mut JoinRequest,
    ) -> Result<(), JoinError> {
        if context.commits.is_recovering() {
            return Err((RefusedCode::TRY_LATER, STORE_FAILS.into()));
        }
        match self.log.instance(request.instance) {
            // SPEC 6.5
            Some(instance) if instance.identity != request.identity => {
                return Err((RefusedCode::INSTANCE, "the instance belongs to another identity".into()));
            }
            Some(_) => {}
            None => request.instance = self.draw_instance(context),
        }
        let identity = request.identity;
        let named = if request.is_default_name {
            context.people.default_name(now, &request.name, &identity, self.id).map(|name| request.name = name)
        } else {
            context.people.check_name(now, &request.name, &identity)
        };
        named.map_err(|why| (why.refused_code(), why.text()))?;
        let limits = &context.config.limits;
        let replaced = self.members.session_of_instance(request.instance);
        // SPEC 6.2: its client has abandoned this connection for the later one. If it has not, it
        // joins again.
        if replaced.is_some_and(|later| later.ordinal > link.ordinal) {
            return Err((RefusedCode::TRY_LATER, DELAYED.into()));
        }
        // Members from the same prefix may join again: a device that restarted replaces a session
        // that is silent by now.
        let sessions = self.members.sessions_of(&identity);
        let is_no_more = sessions.iter().any(|session| session.prefix.at(0) == link.prefix.at(0));
        if self.residents.weight(link.prefix) >= limits.members_per_prefix && !is_no_more {
            context.counters.prefix_members_full += 1;
            return Err((RefusedCode::TRY_LATER, "too many members from your network".into()));
        }
        let (members, limit) = (self.members.len(), limits.members);
        if members + self.appender.joins() >= limit && !self.members.contains(&identity) {
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

    /// Announces a Join in a small room, unless its identity is present according to the log, or
    /// connected, or only returns.
    fn announce_joined<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        peer: u32,
        request: &JoinRequest,
    ) {
        let identity = request.identity;
        let absence = self.timer(RoomTimer::Absence(identity));
        let is_return = self.is_present(&identity) || self.is_here(&identity) || context.timers.get(&absence).is_some();
        let is_small = self.members.len() < context.config.limits.announced_members;
        let is_return = is_return && !context.config.faults().announce_each_session();
        context.counters.unannounced += u64::from(!is_small && !is_return);
        if is_small && !is_return {
            if !context.people.take_announcement(now, &mut context.counters, identity) {
                return;
            }
            let origin = Origin::Presence { identity, joining: Some(peer) };
            self.push(context, PendingEntry::by_server(request.name.shown(), EntryKind::JOINED, &[], origin));
        }
    }
}
