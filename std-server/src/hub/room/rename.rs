//! Renames (SPEC 6.2, 6.4), by a request or by a Join under another name: an entry in the log and
//! the ownership of the name, in one commit. All sessions of the member have the name after it.
//!
//! A rename whose commit fails is not retried: its member is answered, and keeps its name.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use kabar_core::chat::{AnswerCode, EntryKind};
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;
use kabar_std::names::Name;

use super::appender::{Origin, PendingEntry, Remover, RenamedBy};
use super::{Room, STORE_FAILS, TOO_OFTEN};
use crate::hub::context::Context;
use crate::hub::peer::Peers;
use crate::hub::peer::member::{AnswerResult, Member};
use crate::hub::people::Rename;

impl Room {
    /// Begins a rename that a member requests; `Err`: the answer.
    pub(super) fn request_rename<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        peer: u32,
        member: &Member,
        name: &str,
    ) -> Result<(), AnswerResult> {
        let identity = member.identity;
        let refused = |code: AnswerCode, text: &str| AnswerResult { code, text: text.to_owned() };
        let name = Name::existing(name).and_then(|name| name.for_member(false));
        let name = name.map_err(|why| refused(AnswerCode::NAME_NOT_ALLOWED, &why.to_string()))?;
        if context.people.current_name(&identity, self.id) == Some(name.shown()) {
            return Err(refused(AnswerCode::UNCHANGED, "this is your name already"));
        }
        if context.commits.is_recovering() {
            return Err(refused(AnswerCode::TRY_LATER, STORE_FAILS));
        }
        context.people.check_name(now, &name, &identity).map_err(|why| refused(why.answer_code(), &why.text()))?;
        if !context.people.take_announcement(now, &mut context.counters, identity) {
            return Err(refused(AnswerCode::TRY_LATER, TOO_OFTEN));
        }
        context.people.count_lapsed(&mut context.counters, &name, &identity);
        context.people.claims.claim(&name, identity);
        let early = refused(AnswerCode::DONE, name.shown());
        self.push_renamed(context, identity, name, RenamedBy::Request(peer));
        if context.config.faults().renamed_before_commit() { Err(early) } else { Ok(()) }
    }

    /// Adds the entry about a rename to the next commit, if the identity has a name here, and to
    /// those of all other rooms where it has.
    pub(super) fn push_renamed<P: Provider>(
        &mut self,
        context: &mut Context<P>,
        identity: PublicIdentity,
        name: Name,
        by: RenamedBy,
    ) {
        context.people.renames.push_back(Rename { room: self.id, identity, name: name.clone() });
        self.push_renamed_here(context, identity, name, by);
    }

    /// Adds the entry about a rename that began in another room.
    pub(super) fn repeat_rename<P: Provider>(
        &mut self,
        context: &mut Context<P>,
        identity: PublicIdentity,
        name: Name,
    ) {
        self.push_renamed_here(context, identity, name, RenamedBy::Elsewhere);
    }

    /// Adds the entries about renames that took place while the room was not in memory.
    pub(super) fn repeat_missed_renames<P: Provider>(&mut self, context: &mut Context<P>) {
        for identity in self.presence.identities().collect::<Vec<_>>() {
            let present = self.presence.committed_name(&identity);
            let later = present.and_then(|present| context.people.later_name(&identity, self.id, present));
            if let Some(name) = later.and_then(|name| Name::existing(name).ok()) {
                self.repeat_rename(context, identity, name);
            }
        }
    }

    fn push_renamed_here<P: Provider>(
        &mut self,
        context: &mut Context<P>,
        identity: PublicIdentity,
        name: Name,
        by: RenamedBy,
    ) {
        if !self.is_named(&identity) {
            return;
        }
        let Some(before) = context.people.current_name(&identity, self.id).map(str::to_owned) else { return };
        // It may have been renamed when the room was loaded, or while a Join waits for its commit.
        if before == name.shown() {
            return;
        }
        let body = name.shown().as_bytes().to_vec();
        let origin = Origin::Renamed { identity, name, by };
        self.push(context, PendingEntry::by_server(&before, EntryKind::RENAMED, &body, origin));
    }

    /// Completes the renames in a committed batch.
    pub(super) fn complete_renames<P: Provider>(
        &mut self,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        renames: Vec<Origin>,
    ) {
        for rename in renames {
            let Origin::Renamed { identity, name, by } = rename else { continue };
            let name = Arc::new(name);
            self.members.rename(&identity, &name);
            for session in self.members.sessions_of(&identity) {
                if let Some((_, member)) = peers.member_mut(session.peer, self.id) {
                    member.name = name.clone();
                }
            }
            self.reauthor_posts(&identity, &name);
            if let RenamedBy::Request(id) = by {
                context.people.claims.unclaim(&name);
                self.answer(peers, context, id, AnswerCode::DONE, name.shown());
            }
        }
    }

    /// Posts that were collected during the commit of a rename follow it in the log.
    fn reauthor_posts(&mut self, identity: &PublicIdentity, name: &Name) {
        let mut posts = core::mem::take(&mut self.appender.posts);
        for post in posts.iter_mut().filter(|post| self.identity_of(post).as_ref() == Some(identity)) {
            name.shown().clone_into(&mut post.author);
        }
        self.appender.posts = posts;
    }

    /// The identity that an entry is by or about; `None`: the server.
    pub(super) fn identity_of(&self, entry: &PendingEntry) -> Option<PublicIdentity> {
        match entry.origin {
            Origin::Member(_) => self.log.instance(entry.instance).map(|instance| instance.identity),
            Origin::Presence { identity, .. } | Origin::Renamed { identity, .. } => Some(identity),
            Origin::Removal { by: Remover::Member { identity, .. }, .. } => Some(identity),
            Origin::Removal { by: Remover::Operator, .. } | Origin::Operator => None,
        }
    }

    /// A commit failed: removes the renames from the collected entries, and answers those that were
    /// requested. Entries that follow one are by the name before.
    pub(in crate::hub) fn cancel_renames<P: Provider>(&mut self, peers: &mut Peers<P>, context: &mut Context<P>) {
        let mut names: BTreeMap<PublicIdentity, String> = BTreeMap::new();
        let mut kept = VecDeque::with_capacity(self.appender.posts.len());
        for mut entry in core::mem::take(&mut self.appender.posts) {
            if let Origin::Renamed { identity, name, by } = &entry.origin {
                context.commits.end_entries(entry.bytes());
                if let RenamedBy::Request(id) = by {
                    context.people.claims.unclaim(name);
                    self.answer(peers, context, *id, AnswerCode::TRY_LATER, STORE_FAILS);
                }
                names.entry(*identity).or_insert(entry.author);
                continue;
            }
            let before = self.identity_of(&entry).and_then(|identity| names.get(&identity));
            if let Some(before) = before {
                entry.author.clone_from(before);
            }
            kept.push_back(entry);
        }
        self.appender.posts = kept;
        self.appender.recompute_changes();
        for identity in names.into_keys() {
            self.report(&mut context.people, identity);
        }
    }

    /// Answers the request that the member of a connection waits for, if it still does.
    pub(super) fn answer<P: Provider>(
        &self,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        peer: u32,
        code: AnswerCode,
        text: &str,
    ) {
        let Some((link, member)) = peers.member_mut(peer, self.id) else { return };
        if let Some(change) = member.answers.change.as_mut().filter(|change| change.result.is_none()) {
            change.result = Some(AnswerResult { code, text: text.to_owned() });
            context.turns.mark_ready(&mut link.turn);
        }
    }
}
