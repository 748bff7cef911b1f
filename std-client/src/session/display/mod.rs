//! Which entries of the log are displayed, and what follows from those that are not: names of
//! others and of this member, who is ignored, which entries are own ones.

use std::collections::VecDeque;

use kabar_core::chat::{EntryHeader, EntryKind, Term};
use kabar_std::names::Name;
use kabar_std::text::{Content, clean_line, removed_seq};

use super::front_end::FrontEnd;
use super::notice::{IgnoreError, Notice};
use crate::cursor::Cursor;
use crate::preferences::{Change, Preferences};

/// Number of own entries that are remembered for `/delete`.
const MAX_OWN: usize = 64;

/// The state of the display of a log.
#[derive(Debug)]
pub(super) struct Display {
    pub(super) term: Term,
    /// Entries up to here are not displayed.
    skip_to: u64,
    /// Entries before the first one with this time are not displayed; `None` after it.
    since_ms: Option<u64>,
    /// Entries up to here were displayed in an earlier session, and are repeated for context.
    seen_to: Option<u64>,
    /// Renames up to here were followed in an earlier session.
    followed_to: u64,
    /// The name of this member, valid after the entry `named_at`.
    name: String,
    named_at: u64,
    preferences: Preferences,
    /// Lines of ignored members.
    ignored: u64,
    /// Own entries whose text may be removed, the last one last.
    own: VecDeque<u64>,
}

/// The entries to begin with.
#[derive(Clone, Copy, Debug)]
pub(super) struct DisplayStart {
    /// The term of the server.
    pub(super) term: Term,
    /// Entries up to here are not displayed.
    pub(super) skip_to: u64,
    /// Entries before the first one with this time are not displayed.
    pub(super) since_ms: Option<u64>,
    /// Entries up to here are repeated for context.
    pub(super) seen_to: Option<u64>,
    /// Entries up to here were displayed in an earlier session.
    pub(super) followed_to: u64,
}

impl Display {
    pub(super) fn new(start: DisplayStart, preferences: Preferences) -> Self {
        let DisplayStart { term, skip_to, since_ms, seen_to, followed_to } = start;
        let (name, own) = (String::new(), VecDeque::new());
        Self { term, skip_to, since_ms, seen_to, followed_to, name, named_at: 0, preferences, ignored: 0, own }
    }

    /// Returns the name of this member.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the number of lines of ignored members.
    pub(super) fn ignored(&self) -> u64 {
        self.ignored
    }

    /// Returns the last own entry.
    pub(super) fn last_own(&self) -> Option<u64> {
        self.own.back().copied()
    }

    /// Sets the name of this member, valid after the entry `at`.
    pub(super) fn set_name(&mut self, name: &str, at: u64, ui: &dyn FrontEnd) {
        (self.name, self.named_at) = (name.to_owned(), at.max(self.named_at));
        ui.set_name(name);
    }

    /// The history was replaced by an older one: everything is displayed.
    pub(super) fn reset(&mut self) {
        (self.skip_to, self.since_ms, self.seen_to) = (0, None, None);
        (self.followed_to, self.named_at) = (0, 0);
        self.own.clear();
    }

    /// Displays an entry, unless it is hidden.
    pub(super) fn entry(&mut self, header: &EntryHeader<'_>, content: Content<'_>, is_own: bool, ui: &dyn FrontEnd) {
        self.follow(header, content, is_own, ui);
        if header.seq <= self.skip_to || self.since_ms.is_some_and(|since| header.time_ms < since) {
            return;
        }
        self.since_ms = None;
        let cursor = Cursor { seq: header.seq, term: self.term };
        if !self.shows(header) {
            return ui.hidden_entry(header, content, is_own, cursor);
        }
        if self.seen_to.is_some_and(|seen| header.seq > seen) {
            self.seen_to = None;
            ui.notice(&Notice::NewEntries);
        }
        ui.entry(header, content, is_own, Some(cursor));
    }

    /// Whether an entry is displayed. Counts lines of ignored members.
    pub(super) fn shows(&mut self, header: &EntryHeader<'_>) -> bool {
        match header.kind {
            EntryKind::JOINED | EntryKind::LEFT => !self.preferences.hides_joins(),
            kind if kind.is_postable() && self.preferences.ignores(header.author) => {
                self.ignored += 1;
                false
            }
            _ => true,
        }
    }

    /// Learns names and own entries.
    fn follow(&mut self, header: &EntryHeader<'_>, content: Content<'_>, is_own: bool, ui: &dyn FrontEnd) {
        let EntryHeader { seq, author, kind, .. } = *header;
        match (kind, content) {
            (EntryKind::RENAMED, Content::Body(to)) => {
                let to = clean_line(&String::from_utf8_lossy(to));
                self.renamed(seq, author, &to, ui);
            }
            (EntryKind::REMOVAL, Content::Body(body)) => {
                let removed = removed_seq(body);
                self.own.retain(|own| Some(*own) != removed);
            }
            (kind, _) if kind.is_postable() && (is_own || author == self.name) => {
                self.own.push_back(seq);
                if self.own.len() > MAX_OWN {
                    self.own.pop_front();
                }
            }
            _ => {}
        }
        if kind != EntryKind::RENAMED && kind != EntryKind::REMOVED {
            ui.note_author(author, kind);
        }
    }

    /// Earlier entries may be about a member that had the same name then.
    fn renamed(&mut self, seq: u64, from: &str, to: &str, ui: &dyn FrontEnd) {
        if seq > self.named_at && from == self.name {
            return self.set_name(to, seq, ui);
        }
        ui.note_renamed(from, to);
        if seq > self.followed_to {
            self.followed_to = seq;
            if let Some(Change { kept: Err(error), .. }) = self.preferences.renamed(from, to) {
                ui.notice(&Notice::PreferencesNotKept(&error));
            }
        }
    }

    /// `/ignore NAME`.
    pub(super) fn ignore(&mut self, name: &str, ui: &dyn FrontEnd) {
        let allowed = Name::existing(name).map_err(IgnoreError::Name).and_then(|name| {
            let is_own = Name::existing(&self.name).is_ok_and(|own| own.folded() == name.folded());
            if is_own { Err(IgnoreError::OwnName) } else { Ok(name) }
        });
        let changed = allowed
            .and_then(|name| self.preferences.ignore(&name).map(|change| (name, change)).ok_or(IgnoreError::TooMany));
        match changed {
            Ok((name, change)) => {
                ui.notice(&Notice::Ignored { name: name.shown(), is_change: change.is_change });
                report_kept(change, ui);
            }
            Err(error) => ui.notice(&Notice::NotIgnored(error)),
        }
    }

    /// `/unignore NAME`.
    pub(super) fn unignore(&mut self, name: &str, ui: &dyn FrontEnd) {
        match Name::existing(name) {
            Ok(name) => {
                let change = self.preferences.unignore(&name);
                ui.notice(&Notice::Unignored { name: name.shown(), is_change: change.is_change });
                report_kept(change, ui);
            }
            Err(error) => ui.notice(&Notice::NotIgnored(IgnoreError::Name(error))),
        }
    }

    /// `/ignore`.
    pub(super) fn list_ignored(&self, ui: &dyn FrontEnd) {
        ui.notice(&Notice::IgnoreList(&self.preferences.ignored()));
    }

    /// `/joins on|off`.
    pub(super) fn show_joins(&mut self, shows: bool, ui: &dyn FrontEnd) {
        let change = self.preferences.hide_joins(!shows);
        ui.notice(&Notice::JoinsShown(shows));
        report_kept(change, ui);
    }
}

fn report_kept(change: Change, ui: &dyn FrontEnd) {
    if let Err(error) = change.kept {
        ui.notice(&Notice::PreferencesNotKept(&error));
    }
}

#[cfg(test)]
mod tests;
