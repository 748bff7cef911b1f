//! The member as a person, in all rooms of the server: its name, and what it wants to see.

use kabar_core::chat::{EntryHeader, EntryKind};
use kabar_std::names::Name;

use super::front_end::FrontEnd;
use super::notice::{IgnoreError, Notice};
use crate::preferences::{Change, Preferences};

/// The state of a person on a server.
#[derive(Debug)]
pub(super) struct Person {
    name: String,
    preferences: Preferences,
    /// Lines of ignored members.
    ignored: u64,
}

impl Person {
    pub(super) fn new(preferences: Preferences) -> Self {
        Self { name: String::new(), preferences, ignored: 0 }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn set_name(&mut self, name: &str, ui: &dyn FrontEnd) {
        name.clone_into(&mut self.name);
        ui.set_name(name);
    }

    /// Returns the number of lines of ignored members.
    pub(super) fn ignored(&self) -> u64 {
        self.ignored
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

    /// Another member has another name: if it is ignored, it stays ignored.
    pub(super) fn follow_rename(&mut self, from: &str, to: &str, ui: &dyn FrontEnd) {
        if let Some(change) = self.preferences.renamed(from, to) {
            report_kept(change, ui);
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
