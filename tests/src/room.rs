//! A room of real programs: a server, what its members saw of the log, and a relay in front of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::process::Process;

/// A running `kabar-server`.
#[derive(Debug)]
pub struct Room {
    home: PathBuf,
    /// The program.
    pub server: Process,
    /// Where it listens.
    pub address: String,
    /// What lets others in.
    pub invite: String,
}

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

/// A `kabar-relay` in front of a room.
#[derive(Debug)]
pub struct Relay {
    /// The program.
    pub process: Process,
    /// Where it listens.
    pub address: String,
}

fn serve(home: &Path, listen: &str, further: &[&str]) -> (Process, String, String) {
    let data = home.join("server");
    let arguments = [&["--listen", listen, "--data-dir", text(&data)], further].concat();
    let mut server = Process::start("kabar-server", home, &arguments);
    let listening = server.expect("listening on ");
    let address = listening.rsplit(' ').next().expect("an address").to_owned();
    let line = server.expect("kabar://");
    let invite = line.split_whitespace().find(|word| word.starts_with("kabar://")).expect("an invite").to_owned();
    (server, address, invite)
}

fn port(address: &str) -> &str {
    address.rsplit(':').next().expect("a port")
}

/// A path as an argument.
///
/// # Panics
/// If it is not UTF-8.
#[must_use]
pub fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

impl Room {
    /// Starts a server on any port; everything lies below `home`.
    #[must_use]
    pub fn start(home: &Path) -> Self {
        Self::start_with(home, "127.0.0.1:0", &[])
    }

    /// The same at `listen`, with further arguments.
    #[must_use]
    pub fn start_with(home: &Path, listen: &str, further: &[&str]) -> Self {
        let (server, address, invite) = serve(home, listen, further);
        Self { home: home.to_owned(), server, address, invite }
    }

    /// SIGKILL, and starts it again with the same data on the same port.
    ///
    /// # Panics
    /// If its address or invite is another one then.
    pub fn kill_and_restart(&mut self) {
        self.server.kill();
        let (server, address, invite) = serve(&self.home, &self.address, &[]);
        assert_eq!((&address, &invite), (&self.address, &self.invite), "same data, same invite");
        self.server = server;
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> &str {
        port(&self.address)
    }

    /// Where somebody who is called `name` keeps their data: on a computer of their own.
    ///
    /// # Panics
    /// If there can be no such place.
    #[must_use]
    pub fn home_of(&self, name: &str) -> PathBuf {
        let home = self.home.join(name);
        std::fs::create_dir_all(&home).expect("a home");
        home
    }

    /// Joins as `name`, with lines for people on standard output.
    #[must_use]
    pub fn join_plainly(&self, name: &str) -> Process {
        let mut member = self.begin_join(name, &[]);
        member.expect_notice("Joined ");
        member
    }

    /// Begins to join as `name`, with further arguments.
    #[must_use]
    pub fn begin_join(&self, name: &str, further: &[&str]) -> Process {
        let arguments = [&["join", self.invite.as_str(), "--name", name], further].concat();
        Process::start("kabar", &self.home_of(name), &arguments)
    }

    /// The invite by which one joins through `relay`.
    #[must_use]
    pub fn invite_through(&self, relay: &Relay) -> String {
        self.invite.replace(&format!(":{}/", port(&self.address)), &format!(":{}/", port(&relay.address)))
    }

    /// Joins directly, to see all of the log.
    #[must_use]
    pub fn join(&self, name: &str) -> Member {
        Member::join(&self.home, &self.invite, name)
    }

    /// The same through `relay`.
    #[must_use]
    pub fn join_through(&self, relay: &Relay, name: &str) -> Member {
        Member::join(&self.home, &self.invite_through(relay), name)
    }

    /// Starts a relay to it that listens on `listen`.
    #[must_use]
    pub fn relay(&self, listen: &str, arguments: &[&str]) -> Relay {
        let all = [&["--listen", listen, "--to", &self.address], arguments].concat();
        let mut process = Process::start("kabar-relay", &self.home, &all);
        let line = process.expect("relaying ");
        let address = line.split_whitespace().nth(1).expect("an address").to_owned();
        Relay { process, address }
    }

    /// The log, read by somebody who was not there before.
    #[must_use]
    pub fn log(&self, reader: &str, texts: usize) -> Vec<Entry> {
        let mut reader = self.join(reader);
        reader.see(texts);
        reader.entries
    }
}

impl Member {
    /// Starts `kabar join` and waits until it is in the room. Each member has a home of its own, as on a computer of its own.
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

impl Relay {
    /// What is counted now, as (direction, column) gives it.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn counts(&mut self) -> impl Fn(&str, &str) -> u64 + use<> {
        self.process.signal("USR1");
        let heading = self.process.expect(" came ");
        let rows = ["to server", "to clients"].map(|direction| (direction, self.process.expect(direction)));
        move |direction, column| {
            let end = heading.find(&format!(" {column}")).expect("a column") + 1 + column.len();
            let (_, row) = rows.iter().find(|(name, _)| *name == direction).expect("a direction");
            row[..end].rsplit(' ').next().and_then(|digits| digits.parse().ok()).expect("a number")
        }
    }

    /// Times that a client was given another port.
    ///
    /// # Panics
    /// If it does not say so.
    #[must_use]
    pub fn rebinds(&mut self) -> u64 {
        self.process.signal("USR1");
        let line = self.process.expect(" new port");
        line.split(", ").nth(1).and_then(|part| part.split(' ').next()?.parse().ok()).expect("a number")
    }
}
