use kabar_core::session::Fingerprint;
use kabar_std::data_dir::DataDir;

use super::*;
use crate::engine::command::Command;
use crate::engine::local_history::LocalHistories;
use crate::engine::session::tests::{LOBBY, Recorder};
use crate::temporary_dir;

/// A member called anna, and the log of the lobby.
struct Anna {
    person: Person,
    log: Log,
    recorder: Recorder,
}

impl Anna {
    fn new(dir: &DataDir, followed_to: u64, head: u64) -> Self {
        let history = LocalHistories::new(dir.clone()).of("ANNA");
        let recorder = Recorder::default();
        let mut person = Person::load(history.clone(), Fingerprint([7; 20]), LOBBY.server, &recorder.sink);
        person.set_name("anna", LOBBY.server, &recorder.sink);
        recorder.take();
        let log = Log::new(Term([9; 8]), head, followed_to, None, history);
        Self { person, log, recorder }
    }

    fn entry(&mut self, seq: u64, author: &str, kind: EntryKind, body: &[u8]) {
        let header = EntryHeader { seq, time_ms: 0, author, instance: 0, number: 0, kind };
        let handling = Handling { is_recorded: true, is_delivered: true };
        self.log.entry(&header, Content::Body(body), false, handling, &mut self.person, self.recorder.lobby());
    }

    fn execute(&mut self, command: Command) {
        self.person.execute(command, &self.recorder.sink);
    }

    fn ignore(&mut self, name: &str) {
        self.execute(Command::Ignore { server: LOBBY.server, name: name.to_owned() });
    }

    fn unignore(&mut self, name: &str) {
        self.execute(Command::Unignore { server: LOBBY.server, name: name.to_owned() });
    }

    fn show_joins(&mut self, shows: bool) {
        self.execute(Command::ShowJoins { server: LOBBY.server, shows });
    }
}

#[test]
fn ignored_members_are_hidden_counted_and_followed() {
    let (_home, dir) = temporary_dir();
    let mut anna = Anna::new(&dir, 0, 0);
    ["Bob", "bob", "ANNA", "b:b"].iter().for_each(|name| anna.ignore(name));
    let expected = [
        "lines of Bob are hidden from now on (/unignore Bob displays them again)",
        "bob is ignored already",
        "you cannot ignore yourself",
    ];
    assert_eq!(anna.recorder.take()[..3], expected);
    anna.entry(1, "bob", EntryKind::TEXT, b"one");
    anna.entry(2, "bob", EntryKind::RENAMED, b"robert");
    anna.entry(3, "robert", EntryKind::ACTION, b"waves");
    anna.entry(4, "bob", EntryKind::TEXT, b"another bob");
    assert_eq!(anna.recorder.take(), ["hidden 1", "2 bob", "hidden 3", "4 bob"]);
    assert_eq!(anna.person.ignored(), 2);
    let mut later = Anna::new(&dir, 4, 4);
    later.entry(2, "robert", EntryKind::RENAMED, b"rob");
    later.entry(5, "robert", EntryKind::TEXT, b"two");
    let expected = ["2 robert", "hidden 5"];
    assert_eq!(later.recorder.take(), expected, "a rename that was followed before is not followed again");
    later.execute(Command::ListIgnored { server: LOBBY.server });
    ["Robert", "robert"].iter().for_each(|name| later.unignore(name));
    let expected = ["ignored: robert", "lines of Robert are displayed again", "robert is not ignored"];
    assert_eq!(later.recorder.take(), expected);
}

#[test]
fn joins_are_hidden_and_kicks_are_not() {
    let (_home, dir) = temporary_dir();
    Anna::new(&dir, 0, 0).show_joins(false);
    let mut anna = Anna::new(&dir, 0, 0);
    for (seq, kind) in [(1, EntryKind::JOINED), (2, EntryKind::LEFT), (3, EntryKind::KICKED)] {
        anna.entry(seq, "bob", kind, b"");
    }
    assert_eq!(anna.recorder.take(), ["hidden 1", "hidden 2", "3 bob"]);
}

#[test]
fn own_name_follows_renames_after_the_join_only() {
    let (_home, dir) = temporary_dir();
    let mut anna = Anna::new(&dir, 0, 10);
    anna.entry(9, "anna", EntryKind::RENAMED, b"eka");
    assert_eq!(anna.recorder.take(), ["9 anna"], "that was another member");
    anna.entry(11, "anna", EntryKind::RENAMED, b"ann");
    assert_eq!(anna.recorder.take(), ["name ann", "11 anna"]);
}

#[test]
fn topic_is_that_of_the_server_and_then_of_the_log() {
    let (_home, dir) = temporary_dir();
    let mut anna = Anna::new(&dir, 0, 10);
    anna.log.set_topic("now", false, anna.recorder.lobby());
    anna.log.set_topic("now", false, anna.recorder.lobby());
    anna.entry(9, "bob", EntryKind::TOPIC, b"before");
    assert_eq!(anna.recorder.take(), ["Topic: now", "9 bob"], "an earlier one");
    anna.entry(11, "bob", EntryKind::TOPIC, b"then\x1b");
    assert_eq!(anna.recorder.take(), ["Topic: then", "11 bob"]);
}

#[test]
fn topic_after_joining_again_is_that_of_the_server_and_reported_only_if_it_changed() {
    let (_home, dir) = temporary_dir();
    let mut anna = Anna::new(&dir, 0, 10);
    anna.log.set_topic("now", false, anna.recorder.lobby());
    anna.log.rejoined(10);
    anna.log.set_topic("now", false, anna.recorder.lobby());
    assert_eq!(anna.recorder.take(), ["Topic: now"]);
    // An older store, in which no topic was set yet.
    anna.log.rejoined(4);
    anna.log.set_topic("", false, anna.recorder.lobby());
    anna.entry(4, "bob", EntryKind::TOPIC, b"before");
    anna.entry(5, "bob", EntryKind::TOPIC, b"then");
    assert_eq!(anna.recorder.take(), ["this room has no topic", "4 bob", "Topic: then", "5 bob"]);
}

#[test]
fn entry_has_what_is_known_about_it() {
    let (_home, dir) = temporary_dir();
    let mut anna = Anna::new(&dir, 0, 10);
    let describe = |anna: &Anna, seq, author, text: &[u8], is_own| {
        let header = EntryHeader { seq, time_ms: 0, author, instance: 0, number: 0, kind: EntryKind::TEXT };
        let entry = anna.log.describe(&header, Content::Body(text), is_own, &anna.person, *LOBBY);
        (entry.is_replayed, entry.is_mention, entry.is_hidden)
    };
    assert_eq!(describe(&anna, 10, "bob", b"Anna: hello", false), (true, true, false));
    assert_eq!(describe(&anna, 11, "bob", b"hannah", false), (false, false, false));
    assert_eq!(describe(&anna, 11, "anna", b"I am anna", false), (false, false, false), "her own, elsewhere");
    assert_eq!(describe(&anna, 11, "eka", b"I am anna", true), (false, false, false), "posted with another name");
    anna.ignore("bob");
    assert_eq!(describe(&anna, 11, "bob", b"anna", false), (false, true, true));
}

#[test]
fn what_cannot_be_stored_lasts_until_the_end() {
    let (_home, dir) = temporary_dir();
    std::fs::write(dir.join("history"), "no directory").unwrap();
    let mut anna = Anna::new(&dir, 0, 0);
    anna.ignore("bob");
    let reports = anna.recorder.take();
    assert!(reports[0].starts_with("lines of bob are hidden") && reports[1].contains("is not kept"), "{reports:?}");
    anna.entry(1, "bob", EntryKind::TEXT, b"one");
    assert_eq!(anna.recorder.take(), ["hidden 1"]);
}

#[test]
fn sessions_at_the_same_time_learn_what_the_other_one_ignores() {
    let (_home, dir) = temporary_dir();
    let (mut first, mut second) = (Anna::new(&dir, 0, 0), Anna::new(&dir, 0, 0));
    first.ignore("bob");
    second.ignore("eka");
    second.recorder.take();
    second.entry(1, "bob", EntryKind::TEXT, b"one");
    assert_eq!(second.recorder.take(), ["hidden 1"]);
}

#[test]
fn number_of_ignored_names_is_bounded() {
    let (_home, dir) = temporary_dir();
    let mut anna = Anna::new(&dir, 0, 0);
    (0..=crate::history::MAX_IGNORED).for_each(|number| anna.ignore(&format!("n{number}")));
    let reports = anna.recorder.take();
    let hidden = reports.iter().filter(|report| report.contains("are hidden")).count();
    assert_eq!((hidden, reports.len()), (crate::history::MAX_IGNORED, crate::history::MAX_IGNORED + 1));
}
