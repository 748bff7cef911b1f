//! Admission (SPEC 6.2): what a Join has to prove, and the invites that admit.
//!
//! An open room admits whoever was admitted to any room of the server, has an invite of the server
//! or of the room, or knows the password. A private one admits whoever was admitted to it or has an
//! invite of it; for everybody else it does not exist.

use core::hint::black_box;

use kabar_core::chat::message::server_proof;
use kabar_core::chat::{Authentication, Join, RefusedCode};
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;

use super::Room;
use super::requests::JoinError;
use crate::hub::config::JoinPolicy;
use crate::hub::context::Context;
use crate::hub::invites::ended_sentence;
use crate::hub::people::JoinRequest;
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
    /// Whether an identity may join without an invite or a password.
    pub(super) fn may_always_join<P: Provider>(&self, context: &Context<P>, identity: &PublicIdentity) -> bool {
        if self.settings.is_private {
            self.admissions.contains(identity, &context.admitted) || self.settings.created_by == Some(*identity)
        } else {
            context.admitted.contains(identity)
        }
    }

    /// Whether the room exists for the client of a Join.
    pub(in crate::hub) fn exists_for<P: Provider>(
        &self,
        context: &Context<P>,
        join: &Join<'_>,
        exporter: &[u8; 32],
    ) -> bool {
        !self.settings.is_private
            || self.may_always_join(context, &join.identity)
            || proved(context, join, exporter).is_some_and(|invite| self.is_for(&invite))
    }

    /// Checks what a Join of `identity` states about its admission.
    pub(super) fn check_admission<P: Provider>(
        &self,
        now: Instant,
        context: &Context<P>,
        join: &Join<'_>,
        exporter: &[u8; 32],
    ) -> Result<Admission, JoinError> {
        let refuse = |text: &'static str| Err((RefusedCode::AUTHENTICATION, text.into()));
        let is_admitted = self.may_always_join(context, &join.identity);
        let proved = proved(context, join, exporter);
        let (is_private, policy) = (self.settings.is_private, self.settings.join_policy);
        if is_private && !is_admitted && !proved.as_ref().is_some_and(|invite| self.is_for(invite)) {
            return Err(unknown_room());
        }
        let mut admission = Admission { needs_password: false, invite: None, proof: [0; 32] };
        let room = is_private.then_some(self.name());
        let mut secret = context.invites.standing(room).map(|it| it.secret).unwrap_or_default();
        match join.authentication {
            Authentication::Secret(_) => match proved {
                None => return refuse("this server knows no such invite"),
                Some(invite) if !is_admitted && !self.is_for(&invite) => {
                    return refuse("this invite is for another room");
                }
                Some(invite) if !is_admitted && !invite.is_in_force(context.wall_ms(now)) => {
                    return refuse(ended_sentence(invite.state(context.wall_ms(now))));
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

    /// Checks that a Join is still admitted: it may have waited for an operator, and other Joins
    /// may be about to use its invite up.
    pub(super) fn check_admission_again<P: Provider>(
        &self,
        now: Instant,
        context: &Context<P>,
        request: &JoinRequest,
    ) -> Result<(), JoinError> {
        if self.settings.is_closed {
            return Err(unknown_room());
        }
        if self.may_always_join(context, &request.identity) {
            return Ok(());
        }
        let Some(id) = request.invite else {
            // It was open when the password was asked for.
            return if self.settings.is_private && !request.is_lasting { Err(unknown_room()) } else { Ok(()) };
        };
        let invite = context.invites.get(id);
        let state = invite.as_ref().map_or(InviteState::Revoked, |invite| invite.state(context.wall_ms(now)));
        let Some(invite) = invite.filter(|_| state == InviteState::InForce) else {
            return Err((RefusedCode::AUTHENTICATION, ended_sentence(state).into()));
        };
        if !self.is_for(&invite) {
            return Err(unknown_room());
        }
        let others = context.invites.others_using(id, request.identity);
        let others = others.filter(|it| !self.may_always_join(context, it)).count();
        if invite.uses_left.is_some_and(|left| others >= left as usize) {
            return Err((RefusedCode::TRY_LATER, "others are about to use this invite up".into()));
        }
        Ok(())
    }

    /// Whether an invite, in force or not, is one for this room.
    pub(in crate::hub) fn is_for(&self, invite: &InviteRecord) -> bool {
        invite.room.as_deref().map_or(!self.settings.is_private, |room| room == self.name())
    }
}

/// The refusal of a Join for a room that does not exist. It and the work for it are those of a
/// private room that the identity may not join.
pub(in crate::hub) fn refuse_unknown<P: Provider>(
    context: &Context<P>,
    join: &Join<'_>,
    exporter: &[u8; 32],
) -> JoinError {
    let _ = black_box(proved(context, join, exporter));
    unknown_room()
}

/// The invite that a Join proves that its client holds, in force or not, and for any room.
fn proved<P: Provider>(context: &Context<P>, join: &Join<'_>, exporter: &[u8; 32]) -> Option<InviteRecord> {
    match &join.authentication {
        Authentication::Secret(proof) => context.invites.proved(proof, exporter),
        _ => None,
    }
}

fn unknown_room() -> JoinError {
    (RefusedCode::UNKNOWN_ROOM, "there is no such room here".into())
}
