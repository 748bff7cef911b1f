//! Admission (SPEC 6.2): what a Join has to prove, and the invites that admit.

use std::collections::BTreeSet;

use kabar_core::chat::message::server_proof;
use kabar_core::chat::{Authentication, Join, ROOM_SECRET_LEN, RefusedCode};
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;

use super::Room;
use super::invites::{InviteTerms, ended_sentence};
use super::requests::JoinError;
use crate::hub::config::JoinPolicy;
use crate::hub::context::Context;
use crate::hub::people::JoinRequest;
use crate::hub::report::{InviteInfo, OperatorError};
use crate::store::{InviteRecord, InviteState};

/// What a Join has proved, and what is still to be checked.
pub(super) struct Admission {
    /// The password is still to be checked.
    pub(super) needs_password: bool,
    /// The invite that it proved to hold.
    pub(super) invite: Option<u32>,
    /// The proof for its Welcome.
    pub(super) proof: [u8; 32],
}

impl Room {
    /// Checks what a Join of `identity` states about its admission.
    pub(super) fn check_admission(
        &self,
        now_ms: u64,
        join: &Join<'_>,
        exporter: &[u8; 32],
    ) -> Result<Admission, JoinError> {
        let refuse = |text: &'static str| Err((RefusedCode::AUTHENTICATION, text.into()));
        let is_admitted = self.admissions.contains(&join.identity);
        let policy = self.settings.join_policy;
        let mut admission = Admission { needs_password: false, invite: None, proof: [0; 32] };
        let mut secret = self.invites.standing_secret().unwrap_or_default();
        match join.authentication {
            Authentication::Secret(proof) => match self.invites.proved(&proof, exporter) {
                None => return refuse("this server knows no such invite"),
                Some(invite) if !is_admitted && !invite.is_in_force(now_ms) => {
                    return refuse(ended_sentence(invite.state(now_ms)));
                }
                Some(invite) => {
                    admission.invite = (!is_admitted).then_some(invite.id);
                    secret = invite.secret;
                }
            },
            _ if is_admitted || policy == JoinPolicy::Open => {}
            Authentication::Password(_) if policy == JoinPolicy::Password => admission.needs_password = true,
            Authentication::Password(_) => return refuse("this room is joined by invitation, not by password"),
            Authentication::None => return refuse("this room needs an invitation or a password"),
        }
        admission.proof = server_proof(&secret, exporter);
        Ok(admission)
    }

    /// Checks that the invite of a Join still admits: it may have waited for an operator, and other
    /// Joins may be about to use the invite up.
    pub(super) fn check_invite(&self, now_ms: u64, request: &JoinRequest) -> Result<(), JoinError> {
        let Some(id) = request.invite.filter(|_| !self.admissions.contains(&request.identity)) else { return Ok(()) };
        let Some(invite) = self.invites.get(id) else {
            return Err((RefusedCode::AUTHENTICATION, ended_sentence(InviteState::Revoked).into()));
        };
        if !invite.is_in_force(now_ms) {
            return Err((RefusedCode::AUTHENTICATION, ended_sentence(invite.state(now_ms)).into()));
        }
        let others = self.appender.joining().filter(|it| it.invite == Some(id) && it.identity != request.identity);
        let others: BTreeSet<PublicIdentity> =
            others.map(|it| it.identity).filter(|it| !self.admissions.contains(it)).collect();
        if invite.uses_left.is_some_and(|left| others.len() >= left as usize) {
            return Err((RefusedCode::TRY_LATER, "others are about to use this invite up".into()));
        }
        Ok(())
    }

    pub(in crate::hub) fn create_invite<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        id: u32,
        secret: [u8; ROOM_SECRET_LEN],
        terms: InviteTerms,
    ) -> Result<InviteRecord, OperatorError> {
        let made = self.invites.add(context.wall_ms(now), id, secret, terms, context.config.limits.invites);
        context.counters.invites_full += u64::from(made.is_err());
        made
    }

    pub(in crate::hub) fn revoke_invite(&mut self, id: u32) -> Result<InviteRecord, OperatorError> {
        self.invites.revoke(id)
    }

    pub(in crate::hub) fn set_standing_invite<P: Provider>(
        &mut self,
        now: Instant,
        context: &Context<P>,
        id: u32,
        secret: [u8; ROOM_SECRET_LEN],
    ) {
        self.invites.set_standing(context.wall_ms(now), id, secret, context.config.limits.invites);
    }

    pub(in crate::hub) fn list_invites<P: Provider>(&self, now: Instant, context: &Context<P>) -> Vec<InviteInfo> {
        self.invites.list(context.wall_ms(now))
    }

    pub(in crate::hub) fn last_invite_id(&self) -> u32 {
        self.invites.last_id()
    }
}
