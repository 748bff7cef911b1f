//! The member as a person, in all rooms of the server: its name, and what it wants to see. That
//! changes nothing in the room. A client sees names only, so names are ignored; who is ignored
//! stays ignored under a new name.

use std::sync::Arc;

use kabar_core::chat::{EntryHeader, EntryKind};
use kabar_core::session::Fingerprint;
use kabar_std::names::Name;

use crate::engine::command::Command;
use crate::engine::event::{Event, HistoryError, IgnoreError, NotKept, ServerId};
use crate::engine::local_history::{Choice, Choices, LocalHistory};
use crate::engine::queue::EventSink;
use crate::history::MAX_IGNORED;

/// The state of a person on a server.
#[derive(Debug)]
pub(super) struct Person {
    name: String,
    /// The key of the server.
    key: Fingerprint,
    history: LocalHistory,
    choices: Choices,
    /// Lines of ignored members.
    ignored: u64,
}

impl Person {
    /// Loads what the person ignores and hides on the server with this key.
    pub(super) fn load(history: LocalHistory, key: Fingerprint, server: ServerId, sink: &EventSink) -> Self {
        let choices = history.choices(&key).unwrap_or_else(|error| {
            // A history that cannot be used is reported by itself.
            if let HistoryError::File(_) = *error {
                report(error, server, sink);
            }
            Choices::default()
        });
        Self { name: String::new(), key, history, choices, ignored: 0 }
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
            EntryKind::JOINED | EntryKind::LEFT => !self.choices.hides_joins,
            kind => !(kind.is_postable() && self.ignores(header.author)),
        }
    }

    fn ignores(&self, author: &str) -> bool {
        !self.choices.ignored.is_empty() && Name::existing(author).is_ok_and(|author| self.position(&author).is_some())
    }

    fn position(&self, name: &Name) -> Option<usize> {
        self.choices.ignored.iter().position(|ignored| ignored.folded() == name.folded())
    }

    /// Counts an entry that is not displayed, if it is a line of an ignored member.
    pub(super) fn count_hidden(&mut self, kind: EntryKind) {
        self.ignored += u64::from(kind.is_postable());
    }

    /// Another member has another name: if it is ignored, it stays ignored.
    pub(super) fn follow_rename(&mut self, from: &str, to: &str, server: ServerId, sink: &EventSink) {
        if !self.ignores(from) {
            return;
        }
        let (Ok(from), Ok(to)) = (Name::existing(from), Name::existing(to)) else { return };
        let position = self.position(&from);
        if let Some(name) = position.and_then(|at| self.choices.ignored.get_mut(at)) {
            *name = to.clone();
        }
        self.store(Choice::Renamed { from: &from, to: &to }, server, sink);
    }

    /// Executes a command about what is displayed.
    pub(super) fn execute(&mut self, command: Command, sink: &EventSink) {
        match command {
            Command::Ignore { server, name } => self.ignore(&name, server, sink),
            Command::Unignore { server, name } => self.unignore(&name, server, sink),
            Command::ListIgnored { server } => {
                let names = self.choices.ignored.iter().map(|name| name.shown().to_owned()).collect();
                sink.send(Event::IgnoreList { server, names });
            }
            Command::ShowJoins { server, shows } => {
                sink.send(Event::JoinsShown { server, shows });
                self.hide_joins(!shows, server, sink);
            }
            _ => {}
        }
    }

    /// Hides or displays joins and leaves.
    pub(super) fn hide_joins(&mut self, hides: bool, server: ServerId, sink: &EventSink) {
        self.choices.hides_joins = hides;
        self.store(Choice::HideJoins(hides), server, sink);
    }

    fn ignore(&mut self, name: &str, server: ServerId, sink: &EventSink) {
        let allowed = Name::existing(name).map_err(IgnoreError::Name).and_then(|name| {
            let is_own = Name::existing(&self.name).is_ok_and(|own| own.folded() == name.folded());
            if is_own { Err(IgnoreError::OwnName) } else { Ok(name) }
        });
        let is_full = self.choices.ignored.len() >= MAX_IGNORED;
        let name = match allowed {
            Ok(name) if is_full && self.position(&name).is_none() => {
                return sink.send(Event::NotIgnored { server, why: IgnoreError::TooMany });
            }
            Ok(name) => name,
            Err(why) => return sink.send(Event::NotIgnored { server, why }),
        };
        let is_change = self.position(&name).is_none();
        if is_change {
            self.choices.ignored.push(name.clone());
        }
        sink.send(Event::Ignored { server, name: name.shown().to_owned(), is_change });
        self.store(Choice::Ignore(&name), server, sink);
    }

    fn unignore(&mut self, name: &str, server: ServerId, sink: &EventSink) {
        let name = match Name::existing(name) {
            Ok(name) => name,
            Err(error) => return sink.send(Event::NotIgnored { server, why: IgnoreError::Name(error) }),
        };
        let position = self.position(&name);
        if let Some(at) = position {
            self.choices.ignored.remove(at);
        }
        let is_change = position.is_some();
        sink.send(Event::Unignored { server, name: name.shown().to_owned(), is_change });
        self.store(Choice::Unignore(&name), server, sink);
    }

    /// Stores a change, and takes over those of other processes. If it cannot be stored, it lasts
    /// until the end of this session.
    fn store(&mut self, choice: Choice<'_>, server: ServerId, sink: &EventSink) {
        match self.history.choose(&self.key, choice) {
            Ok(choices) => self.choices = choices,
            Err(error) => report(error, server, sink),
        }
    }
}

fn report(error: Arc<HistoryError>, server: ServerId, sink: &EventSink) {
    sink.send(Event::NotKept { server, what: NotKept::Preferences(error) });
}
