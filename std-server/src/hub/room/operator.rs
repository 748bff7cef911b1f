//! Actions of an operator on a room.

use kabar_core::chat::{EntryKind, MAX_TEXT_LEN};
use kabar_core::connection::CloseCode;
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;
use kabar_std::names::Name;

use super::Room;
use super::appender::{Origin, PendingEntry};
use super::members::Person;
use crate::hub::context::Context;
use crate::hub::events::LeaveReason;
use crate::hub::peer::Peers;
use crate::hub::people::People;
use crate::hub::report::{MemberInfo, OperatorError, Status};
use crate::store::{Sanction, SanctionKind};

/// The author of an operator's entries (SPEC 6.6).
const SERVER: &str = "server";

impl Room {
    pub(in crate::hub) fn say<P: Provider>(&mut self, context: &mut Context<P>, text: &str) {
        let text = &text[..text.floor_char_boundary(MAX_TEXT_LEN)];
        self.push(context, PendingEntry::by_server(SERVER, EntryKind::OPERATOR, text.as_bytes(), Origin::Operator));
    }

    /// Closes the sessions of the member with a name. Returns the name as the server writes it.
    pub(in crate::hub) fn kick<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        name: &str,
    ) -> Result<String, OperatorError> {
        let identity = Name::existing(name).ok().and_then(|name| self.members.named(name.folded()));
        let identity = identity.ok_or(OperatorError::NotHere)?;
        let shown = self.members.get(&identity).map_or_else(String::new, |person| person.name.shown().to_owned());
        self.expel(now, peers, context, identity, LeaveReason::Kicked);
        Ok(shown)
    }

    /// Bans the identity that has or owns a name, and closes its sessions.
    pub(in crate::hub) fn ban<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        name: &str,
    ) -> Result<String, OperatorError> {
        let (shown, identity) = self.impose(now, context, name, SanctionKind::Ban)?;
        self.expel(now, peers, context, identity, LeaveReason::Banned);
        Ok(shown)
    }

    fn expel<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        identity: PublicIdentity,
        reason: LeaveReason,
    ) {
        let code = if reason == LeaveReason::Banned { CloseCode::BANNED } else { CloseCode::KICKED };
        for session in self.members.sessions_of(&identity).to_vec() {
            let Some(peer) = peers.get_mut(session.peer) else { continue };
            self.remove_member(now, context, peer, reason);
            peer.close(now, context, code, "");
        }
    }

    /// Imposes a sanction on the identity that has or owns a name.
    pub(in crate::hub) fn impose<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        name: &str,
        kind: SanctionKind,
    ) -> Result<(String, PublicIdentity), OperatorError> {
        let (shown, identity) = self.resolve_name(&context.people, name).ok_or(OperatorError::NoSuchName)?;
        if self.sanctions.all().len() >= context.config.limits.sanctions && !self.sanctions.holds(identity, kind) {
            context.counters.sanctions_full += 1;
            return Err(OperatorError::Full);
        }
        let (name, since_ms) = (shown.clone(), context.wall_ms(now));
        let sanction = Sanction { identity, kind, name, since_ms, reason: None, by: None };
        if self.sanctions.impose(sanction) { Ok((shown, identity)) } else { Err(OperatorError::AlreadyInEffect) }
    }

    /// Lifts a sanction from the owner of a name, or from the identity that had the name when it
    /// was imposed.
    pub(in crate::hub) fn lift(
        &mut self,
        people: &People,
        name: &str,
        kind: SanctionKind,
    ) -> Result<String, OperatorError> {
        let name = Name::existing(name).map_err(|_| OperatorError::NotInEffect)?;
        let owner = people.names.record(name.folded()).map(|record| record.identity);
        let named = owner.filter(|owner| self.sanctions.holds(*owner, kind));
        let identity = named.or_else(|| self.sanctions.find_by_name(&name, kind)).ok_or(OperatorError::NotInEffect)?;
        self.sanctions.lift(identity, kind);
        Ok(name.shown().to_owned())
    }

    pub(in crate::hub) fn sanctions(&self) -> Vec<Sanction> {
        self.sanctions.all().into_iter().cloned().collect()
    }

    /// The members by name.
    pub(in crate::hub) fn list_members<P: Provider>(&self, now: Instant, peers: &Peers<P>) -> Vec<MemberInfo> {
        let info = |(identity, person): (PublicIdentity, &Person)| {
            let sessions = person.sessions().iter().filter_map(|session| peers.get(session.peer));
            let sessions = sessions.filter_map(|peer| Some((peer, peer.member()?)));
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

    /// The member with this name, or else its owner.
    fn resolve_name(&self, people: &People, name: &str) -> Option<(String, PublicIdentity)> {
        let name = Name::existing(name).ok()?;
        let identity = self.members.named(name.folded());
        let member = identity.and_then(|it| Some((self.members.get(&it)?.name.shown().to_owned(), it)));
        member.or_else(|| people.names.record(name.folded()).map(|it| (it.name.clone(), it.identity)))
    }
}
