//! Actions of an operator on a room.

use kabar_core::chat::{EndedCode, EntryKind, MAX_NAME_LEN, MAX_TEXT_LEN};
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;
use kabar_std::names::Name;

use super::Room;
use super::appender::{Origin, PendingEntry};
use super::causes::{SERVER, cause, cut_reason, sentence};
use super::members::Person;
use crate::hub::context::Context;
use crate::hub::peer::Peers;
use crate::hub::people::People;
use crate::hub::report::{MemberInfo, OperatorError, Status};
use crate::store::{Privilege, PrivilegeKind, Sanction, SanctionKind};

/// Longest name in bytes that is looked for: normalised, it may be shorter.
const MAX_TYPED_NAME_LEN: usize = 8 * MAX_NAME_LEN;
impl Room {
    pub(in crate::hub) fn say<P: Provider>(&mut self, context: &mut Context<P>, text: &str) {
        let text = &text[..text.floor_char_boundary(MAX_TEXT_LEN)];
        self.push(context, PendingEntry::by_server(SERVER, EntryKind::OPERATOR, text.as_bytes(), Origin::Operator));
    }

    /// Splits a text into the longest beginning, in whole words, that is a name somebody has or
    /// owns, and the rest; without one, all of it is the name.
    pub(in crate::hub) fn split_name<'a>(&self, people: &People, text: &'a str) -> (&'a str, Option<&'a str>) {
        let text = text.trim();
        let ends = text.match_indices(char::is_whitespace).map(|(at, _)| at).take_while(|at| *at <= MAX_TYPED_NAME_LEN);
        let name_end = ends.filter(|end| self.resolve_name(people, &text[..*end]).is_some()).last();
        match name_end.filter(|_| self.resolve_name(people, text).is_none()) {
            Some(end) => (&text[..end], Some(text[end..].trim_start())),
            None => (text, None),
        }
    }

    /// Ends the sessions of the member with a name. Returns the name as the server writes it.
    pub(in crate::hub) fn kick<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        by: Option<PublicIdentity>,
        name: &str,
        reason: Option<&str>,
    ) -> Result<String, OperatorError> {
        let identity = Name::existing(name).ok().and_then(|name| self.members.named(name.folded()));
        let identity = identity.ok_or(OperatorError::NotHere)?;
        check_target(context, by, identity)?;
        let shown = self.members.get(&identity).map_or_else(String::new, |person| person.name.shown().to_owned());
        let cause = cause(&context.people, by, reason);
        self.expel(now, peers, context, identity, EndedCode::KICKED, &cause);
        Ok(shown)
    }

    /// Bans the identity that has or owns a name, and ends its sessions.
    pub(in crate::hub) fn ban<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        by: Option<PublicIdentity>,
        name: &str,
        reason: Option<&str>,
    ) -> Result<String, OperatorError> {
        let (shown, identity) = self.impose(now, context, by, name, SanctionKind::Ban, reason)?;
        let cause = cause(&context.people, by, reason);
        self.expel(now, peers, context, identity, EndedCode::BANNED, &cause);
        Ok(shown)
    }

    /// Ends the sessions of a member and announces that it was kicked.
    fn expel<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        identity: PublicIdentity,
        code: EndedCode,
        cause: &str,
    ) {
        let Some(name) = self.members.get(&identity).map(|person| person.name.shown().to_owned()) else { return };
        if code == EndedCode::BANNED && context.config.faults().keep_banned_members() {
            return;
        }
        let what = if code == EndedCode::BANNED { "banned" } else { "kicked" };
        let text = if cause.is_empty() { String::new() } else { sentence(&format!("you were {what}"), cause) };
        for session in self.members.sessions_of(&identity).to_vec() {
            if let Some(peer) = peers.get_mut(session.peer) {
                self.end_membership(now, context, peer, code, &text);
            }
        }
        let origin = Origin::Presence { identity, joining: None };
        self.push(context, PendingEntry::by_server(&name, EntryKind::KICKED, cause.as_bytes(), origin));
    }

    /// Imposes a sanction on the identity that has or owns a name.
    pub(in crate::hub) fn impose<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        by: Option<PublicIdentity>,
        name: &str,
        kind: SanctionKind,
        reason: Option<&str>,
    ) -> Result<(String, PublicIdentity), OperatorError> {
        let (shown, identity) = self.resolve_name(&context.people, name).ok_or(OperatorError::NoSuchName)?;
        check_target(context, by, identity)?;
        if self.sanctions.all().len() >= context.config.limits.sanctions && !self.sanctions.holds(identity, kind) {
            context.counters.sanctions_full += 1;
            return Err(OperatorError::Full);
        }
        let (name, since_ms, cause) = (shown.clone(), context.wall_ms(now), cause(&context.people, by, reason));
        let reason = reason.map(|reason| cut_reason(reason).to_owned());
        let sanction = Sanction { identity, kind, name, since_ms, reason, by };
        if !self.sanctions.impose(sanction) {
            return Err(OperatorError::AlreadyInEffect);
        }
        if !cause.is_empty() {
            let what = if kind == SanctionKind::Ban { "banned" } else { "muted" };
            self.say(context, &sentence(&format!("{shown} is {what}"), &cause));
        }
        Ok((shown, identity))
    }

    /// Shows the room what a member, who is an operator, did. Nothing is shown if it was done at
    /// the console.
    fn announce<P: Provider>(&mut self, context: &mut Context<P>, by: Option<PublicIdentity>, text: &str) {
        if by.is_some() {
            self.say(context, &sentence(text, &cause(&context.people, by, None)));
        }
    }

    /// Grants a privilege to the identity that has or owns a name.
    pub(in crate::hub) fn grant<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        by: Option<PublicIdentity>,
        name: &str,
        kind: PrivilegeKind,
    ) -> Result<String, OperatorError> {
        let (shown, identity) = self.resolve_name(&context.people, name).ok_or(OperatorError::NoSuchName)?;
        if kind == PrivilegeKind::Operator && context.privileges.is_operator(identity) {
            return Err(OperatorError::AlreadyInEffect);
        }
        if context.privileges.len() >= context.config.limits.privileges {
            context.counters.privileges_full += 1;
            return Err(OperatorError::TooManyPrivileges);
        }
        let privilege = Privilege { identity, kind, name: shown.clone(), since_ms: context.wall_ms(now), by };
        if !context.privileges.grant(privilege) {
            return Err(OperatorError::AlreadyInEffect);
        }
        match kind {
            PrivilegeKind::Operator => {
                let text = sentence(&format!("{shown} is an operator now"), &cause(&context.people, by, None));
                self.say(context, &text);
            }
            PrivilegeKind::Trusted => self.announce(context, by, &format!("{shown} is trusted now")),
        }
        Ok(shown)
    }

    /// Revokes a privilege of the identity that has or owns a name, or had it when the privilege
    /// was granted.
    pub(in crate::hub) fn revoke<P: Provider>(
        &mut self,
        context: &mut Context<P>,
        by: Option<PublicIdentity>,
        name: &str,
        kind: PrivilegeKind,
    ) -> Result<String, OperatorError> {
        let typed = Name::existing(name).map_err(|_| OperatorError::NotInEffect)?;
        let privileges = &mut context.privileges;
        let owner = self.resolve_name(&context.people, name);
        if owner.as_ref().is_some_and(|(_, it)| kind == PrivilegeKind::Operator && privileges.is_configured(*it)) {
            return Err(OperatorError::Configured);
        }
        let owner = owner.filter(|(_, identity)| privileges.revoke(*identity, kind));
        let shown = if let Some((shown, _)) = owner {
            shown
        } else {
            let identity = privileges.find_by_name(&typed, kind).ok_or(OperatorError::NotInEffect)?;
            privileges.revoke(identity, kind);
            typed.shown().to_owned()
        };
        match kind {
            PrivilegeKind::Operator => {
                let cause = cause(&context.people, by, None);
                self.say(context, &sentence(&format!("{shown} is no longer an operator"), &cause));
            }
            PrivilegeKind::Trusted => self.announce(context, by, &format!("{shown} is no longer trusted")),
        }
        Ok(shown)
    }

    /// Lifts a sanction from the owner of a name, or from the identity that had the name when it
    /// was imposed.
    pub(in crate::hub) fn lift<P: Provider>(
        &mut self,
        context: &mut Context<P>,
        by: Option<PublicIdentity>,
        name: &str,
        kind: SanctionKind,
    ) -> Result<String, OperatorError> {
        let name = Name::existing(name).map_err(|_| OperatorError::NotInEffect)?;
        let owner = context.people.names.record(name.folded()).map(|record| record.identity);
        let named = owner.filter(|owner| self.sanctions.holds(*owner, kind));
        let identity = named.or_else(|| self.sanctions.find_by_name(&name, kind)).ok_or(OperatorError::NotInEffect)?;
        self.sanctions.lift(identity, kind);
        let what = if kind == SanctionKind::Ban { "unbanned" } else { "unmuted" };
        self.announce(context, by, &format!("{} was {what}", name.shown()));
        Ok(name.shown().to_owned())
    }

    /// Ends the ownership of a name.
    pub(in crate::hub) fn release<P: Provider>(
        &mut self,
        context: &mut Context<P>,
        by: Option<PublicIdentity>,
        name: &str,
    ) -> Result<String, OperatorError> {
        let shown = context.people.release_name(name)?;
        self.announce(context, by, &format!("the name {shown} was released"));
        Ok(shown)
    }

    pub(in crate::hub) fn sanctions(&self) -> Vec<Sanction> {
        self.sanctions.all().into_iter().cloned().collect()
    }

    /// The members by name.
    pub(in crate::hub) fn list_members<P: Provider>(&self, now: Instant, peers: &Peers<P>) -> Vec<MemberInfo> {
        let info = |(identity, person): (PublicIdentity, &Person)| {
            let sessions = person.sessions().iter().filter_map(|session| peers.get(session.peer));
            let sessions = sessions.filter_map(|peer| Some((&peer.link, peer.memberships.member(self.id)?)));
            let since_ms = sessions.clone().map(|(_, member)| member.since_ms).min()?;
            let (latest, member) = sessions.max_by_key(|(_, member)| member.last_active)?;
            Some(MemberInfo {
                name: person.name.shown().to_owned(),
                address: latest.address,
                since_ms,
                idle: now.saturating_since(member.last_active),
                rtt: latest.connection.rtt(),
                is_muted: self.sanctions.holds(identity, SanctionKind::Mute),
                sessions: person.sessions().len(),
            })
        };
        self.members.iter().filter_map(info).collect()
    }

    /// Fills in how full the room is.
    pub(in crate::hub) fn add_status(&self, status: &mut Status) {
        status.members = self.members.len();
        (status.first, status.head) = (self.first(), self.head());
    }

    /// The identity that has or owns a name, or had it when it was banned.
    pub(in crate::hub) fn find_identity(&self, people: &People, name: &str) -> Option<PublicIdentity> {
        let known = self.resolve_name(people, name).map(|(_, identity)| identity);
        let banned = || self.sanctions.find_by_name(&Name::existing(name).ok()?, SanctionKind::Ban);
        known.or_else(banned)
    }

    /// The member with this name, or else its owner.
    fn resolve_name(&self, people: &People, name: &str) -> Option<(String, PublicIdentity)> {
        let name = Name::existing(name).ok()?;
        let identity = self.members.named(name.folded());
        let member = identity.and_then(|it| Some((self.members.get(&it)?.name.shown().to_owned(), it)));
        member.or_else(|| people.names.record(name.folded()).map(|it| (it.name.clone(), it.identity)))
    }
}

/// Checks that a member, who is an operator, may act against an identity.
fn check_target<P: Provider>(
    context: &Context<P>,
    by: Option<PublicIdentity>,
    identity: PublicIdentity,
) -> Result<(), OperatorError> {
    match by {
        Some(by) if by == identity => Err(OperatorError::Oneself),
        Some(_) if context.privileges.is_configured(identity) => Err(OperatorError::Configured),
        _ => Ok(()),
    }
}
