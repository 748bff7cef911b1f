//! A member that records the whole log, and the texts that it posts.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::process::Process;

/// An entry in the form of `--json`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// Position in the log.
    pub seq: u64,
    /// Name of the author.
    pub author: String,
    /// Kind of the entry.
    pub kind: String,
    /// The text, if it is one.
    #[serde(default)]
    pub text: String,
}

/// A `kabar join --json` process and the part of the log that it has printed.
#[derive(Debug)]
pub struct Member {
    /// The process.
    pub process: Process,
    /// All entries that it printed, in that order.
    pub entries: Vec<Entry>,
    /// Posts that it reported as stored: (number, seq).
    pub stored: Vec<(u64, u64)>,
    /// Number of times that it reported the connection as lost.
    pub lost: u32,
    /// Lines of its standard output that were parsed.
    read: usize,
}

/// The text number `number` of `name`.
#[must_use]
pub fn line(name: &str, number: usize) -> String {
    format!("{name}: line {number}")
}

/// The first `count` texts of `name`.
#[must_use]
pub fn lines(name: &str, count: usize) -> Vec<String> {
    (1..=count).map(|number| line(name, number)).collect()
}

impl Member {
    /// Starts `kabar join` and waits until it has joined. Each member has its own data directory,
    /// like a user on another computer.
    #[must_use]
    pub fn join(home: &Path, invite: &str, name: &str) -> Self {
        let arguments = ["join", invite, "--name", name, "--json", "--since", "all"];
        let process = Process::start("kabar", &home.join(name), &arguments).with_timeout(Duration::from_secs(90));
        let mut member = Self { process, entries: Vec::new(), stored: Vec::new(), lost: 0, read: 0 };
        member.process.expect("\"type\":\"joined\"");
        member
    }

    /// Posts each line.
    pub fn post(&mut self, lines: impl IntoIterator<Item = String>) {
        let text: String = lines.into_iter().map(|line| line + "\n").collect();
        self.process.type_all(&text);
    }

    /// Waits until it has printed `texts` texts in total.
    pub fn wait_for(&mut self, texts: usize) {
        self.parse_output();
        while self.texts().count() < texts {
            self.process.expect("\"type\":\"entry\"");
            self.parse_output();
        }
    }

    /// Parses the output that is available, without waiting for more.
    pub fn poll(&mut self) {
        self.process.read_available();
        self.parse_output();
    }

    /// Closes its input, waits until it exits and returns the exit code.
    pub fn leave(&mut self) -> Option<i32> {
        self.process.close_stdin();
        let code = self.process.wait();
        self.parse_output();
        code
    }

    /// The texts that it printed.
    pub fn texts(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.kind == "text")
    }

    /// The texts of `author`, as this member printed them.
    #[must_use]
    pub fn texts_of(&self, author: &str) -> Vec<&str> {
        self.texts().filter(|entry| entry.author == author).map(|entry| entry.text.as_str()).collect()
    }

    /// # Panics
    /// If its entries have a gap or a repetition.
    pub fn assert_whole(&self) {
        for (pair, name) in self.entries.windows(2).zip(std::iter::repeat(self.process.id())) {
            assert_eq!(pair[1].seq, pair[0].seq + 1, "process {name} saw {pair:?}");
        }
    }

    /// Parses the lines that the program printed since the last call.
    pub fn parse_output(&mut self) {
        for line in self.process.stdout.get(self.read..).unwrap_or_default() {
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
        self.read = self.process.stdout.len();
    }
}
