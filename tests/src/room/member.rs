//! A member that sees all of the log, and the lines that it says.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::process::Process;

/// An entry, as `--json` writes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// Its place.
    pub seq: u64,
    /// Whose.
    pub author: String,
    /// What it is.
    pub kind: String,
    /// What it says, if it is a text.
    #[serde(default)]
    pub text: String,
}

/// A `kabar join --json` and the part of the log that it saw.
#[derive(Debug)]
pub struct Member {
    /// The program.
    pub process: Process,
    /// Everything it was given, in that order.
    pub entries: Vec<Entry>,
    /// What it was told to be stored: (number, seq).
    pub stored: Vec<(u64, u64)>,
    /// Times that the connection was said to be lost.
    pub lost: u32,
    /// Lines of `process.said` that are in the fields above.
    read: usize,
}

/// The line of this number that `name` says.
#[must_use]
pub fn line(name: &str, number: usize) -> String {
    format!("{name}: line {number}")
}

/// The first `count` lines that `name` says.
#[must_use]
pub fn lines(name: &str, count: usize) -> Vec<String> {
    (1..=count).map(|number| line(name, number)).collect()
}

impl Member {
    /// Starts `kabar join` and waits until it is in the room. Each member has a home of its own, as
    /// on a computer of its own.
    #[must_use]
    pub fn join(home: &Path, invite: &str, name: &str) -> Self {
        let arguments = ["join", invite, "--name", name, "--json", "--since", "all"];
        let process = Process::start("kabar", &home.join(name), &arguments).with_patience(Duration::from_secs(90));
        let mut member = Self { process, entries: Vec::new(), stored: Vec::new(), lost: 0, read: 0 };
        member.process.expect("\"type\":\"joined\"");
        member
    }

    /// Says each line.
    pub fn say(&mut self, lines: impl IntoIterator<Item = String>) {
        let text: String = lines.into_iter().map(|line| line + "\n").collect();
        self.process.type_all(&text);
    }

    /// Waits until it has seen so many texts in all.
    pub fn see(&mut self, texts: usize) {
        self.take();
        while self.texts().count() < texts {
            self.process.expect("\"type\":\"entry\"");
            self.take();
        }
    }

    /// Takes what it wrote, without waiting for more.
    pub fn look(&mut self) {
        self.process.read_on();
        self.take();
    }

    /// Ends its input and waits for its end; the exit code.
    pub fn leave(&mut self) -> Option<i32> {
        self.process.close_stdin();
        let code = self.process.wait();
        self.take();
        code
    }

    /// The texts that it saw.
    pub fn texts(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.kind == "text")
    }

    /// What `author` said, as this member saw it.
    #[must_use]
    pub fn said_by(&self, author: &str) -> Vec<&str> {
        self.texts().filter(|entry| entry.author == author).map(|entry| entry.text.as_str()).collect()
    }

    /// # Panics
    /// If there is a gap or a repetition in what it saw.
    pub fn assert_whole(&self) {
        for (pair, name) in self.entries.windows(2).zip(std::iter::repeat(self.process.id())) {
            assert_eq!(pair[1].seq, pair[0].seq + 1, "process {name} saw {pair:?}");
        }
    }

    /// Takes what the program wrote since the last time.
    pub fn take(&mut self) {
        for line in self.process.said.get(self.read..).unwrap_or_default() {
            let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            match object["type"].as_str() {
                Some("entry") => self.entries.push(serde_json::from_value(object).expect("an entry")),
                Some("stored") => {
                    let number = |name: &str| object[name].as_u64().expect("a number");
                    self.stored.push((number("number"), number("seq")));
                }
                Some("lost") => self.lost += 1,
                _ => {}
            }
        }
        self.read = self.process.said.len();
    }
}
