//! The member as a person, in all rooms of the server: its name, and what it wants to see.

use std::sync::Arc;

use kabar_core::chat::{EntryHeader, EntryKind};
use kabar_std::names::Name;

use crate::engine::command::Command;
use crate::engine::event::{Event, IgnoreError, NotKept, ServerId};
use crate::engine::queue::EventSink;
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

    /// Sets the name, and reports it if it is another one.
    pub(super) fn set_name(&mut self, name: &str, server: ServerId, sink: &EventSink) {
        if self.name != name {
            name.clone_into(&mut self.name);
            sink.send(Event::OwnName { server, name: name.to_owned(), is_chosen: false });
        }
    }

    /// Sets the name that the server chose.
    pub(super) fn set_chosen_name(&mut self, name: &str, server: ServerId, sink: &EventSink) {
        name.clone_into(&mut self.name);
        sink.send(Event::OwnName { server, name: name.to_owned(), is_chosen: true });
    }

    /// Returns the number of lines of ignored members.
    pub(super) fn ignored(&self) -> u64 {
        self.ignored
    }

    /// Whether an entry is displayed.
    pub(super) fn shows(&self, header: &EntryHeader<'_>) -> bool {
        match header.kind {
            EntryKind::JOINED | EntryKind::LEFT => !self.preferences.hides_joins(),
            kind => !(kind.is_postable() && self.preferences.ignores(header.author)),
        }
    }

    /// Counts an entry that is not displayed, if it is a line of an ignored member.
    pub(super) fn count_hidden(&mut self, kind: EntryKind) {
        self.ignored += u64::from(kind.is_postable());
    }

    /// Another member has another name: if it is ignored, it stays ignored.
    pub(super) fn follow_rename(&mut self, from: &str, to: &str, server: ServerId, sink: &EventSink) {
        if let Some(change) = self.preferences.renamed(from, to) {
            report_kept(change, server, sink);
        }
    }

    /// Executes a command about what is displayed.
    pub(super) fn execute(&mut self, command: Command, sink: &EventSink) {
        match command {
            Command::Ignore { server, name } => self.ignore(&name, server, sink),
            Command::Unignore { server, name } => self.unignore(&name, server, sink),
            Command::ListIgnored { server } => {
                sink.send(Event::IgnoreList { server, names: self.preferences.ignored() });
            }
            Command::ShowJoins { server, shows } => {
                let change = self.preferences.hide_joins(!shows);
                sink.send(Event::JoinsShown { server, shows });
                report_kept(change, server, sink);
            }
            _ => {}
        }
    }

    fn ignore(&mut self, name: &str, server: ServerId, sink: &EventSink) {
        let allowed = Name::existing(name).map_err(IgnoreError::Name).and_then(|name| {
            let is_own = Name::existing(&self.name).is_ok_and(|own| own.folded() == name.folded());
            if is_own { Err(IgnoreError::OwnName) } else { Ok(name) }
        });
        let changed = allowed
            .and_then(|name| self.preferences.ignore(&name).map(|change| (name, change)).ok_or(IgnoreError::TooMany));
        match changed {
            Ok((name, change)) => {
                sink.send(Event::Ignored { server, name: name.shown().to_owned(), is_change: change.is_change });
                report_kept(change, server, sink);
            }
            Err(why) => sink.send(Event::NotIgnored { server, why }),
        }
    }

    fn unignore(&mut self, name: &str, server: ServerId, sink: &EventSink) {
        match Name::existing(name) {
            Ok(name) => {
                let change = self.preferences.unignore(&name);
                sink.send(Event::Unignored { server, name: name.shown().to_owned(), is_change: change.is_change });
                report_kept(change, server, sink);
            }
            Err(error) => sink.send(Event::NotIgnored { server, why: IgnoreError::Name(error) }),
        }
    }
}

fn report_kept(change: Change, server: ServerId, sink: &EventSink) {
    if let Err(error) = change.kept {
        sink.send(Event::NotKept { server, what: NotKept::Preferences(Arc::new(error)) });
    }
}
