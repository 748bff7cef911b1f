//! A room of real programs: a server, what its members saw of the log, and a relay in front of it.
//!
//! * [`Room`]: the server and its members' programs. [`Room::open`] is all that most tests need.
//! * [`Member`]: one that sees all of the log; [`lines`] are what it says.
//! * [`Relay`]: in front of the server.
//! * [`temp_home`], [`text`], [`data_dir`], [`copy_files`], [`give_key`]: their files.

mod member;
mod relay;
mod temp_home;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

pub use self::member::{Entry, Member, line, lines};
pub use self::relay::Relay;
pub use self::temp_home::{copy_files, data_dir, give_key, temp_home, text};
use crate::process::Process;

/// A running `kabar-server`.
#[derive(Debug)]
pub struct Room {
    /// The program.
    pub server: Process,
    /// Where it listens.
    pub address: String,
    /// What lets others in.
    pub invite: String,
    home: PathBuf,
    further: Vec<String>,
    /// The home, if it is the room's own: it goes last.
    _own_home: Option<TempDir>,
}

/// `kabar-server` with these words and its data below `home`, whatever becomes of it.
#[must_use]
pub fn start_server(home: &Path, words: &[&str]) -> Process {
    Process::start("kabar-server", home, &[words, &["--data-dir", text(&data_dir(home))]].concat())
}

/// Begins to join by `invite` as `name`, with further arguments and the data below `home`.
#[must_use]
pub fn begin_join(home: &Path, invite: &str, name: &str, further: &[&str]) -> Process {
    Process::start("kabar", home, &[&["join", invite, "--name", name], further].concat())
}

impl Room {
    /// Starts a server on any port, in a home of its own.
    #[must_use]
    pub fn open() -> Self {
        let home = temp_home();
        let room = Self::start(home.path());
        Self { _own_home: Some(home), ..room }
    }

    /// The same for a test that needs the home before the room or after it; everything lies below
    /// `home`.
    #[must_use]
    pub fn start(home: &Path) -> Self {
        Self::start_with(home, "127.0.0.1:0", &[])
    }

    /// The same at `listen`, with further arguments.
    #[must_use]
    pub fn start_with(home: &Path, listen: &str, further: &[&str]) -> Self {
        give_key(home);
        Self::start_with_own_key(home, listen, further)
    }

    /// The same on any port, for whoever knows the password too.
    ///
    /// # Panics
    /// If its file cannot be written.
    #[must_use]
    pub fn start_with_password(home: &Path, password: &str) -> Self {
        let file = home.join("password");
        std::fs::write(&file, format!("{password}\n")).expect("a file");
        Self::start_with(home, "127.0.0.1:0", &["--password-file", text(&file)])
    }

    /// As [`Room::start_with`], for a test in which it matters that no other server has its key: it
    /// makes one, unless it has it from before.
    #[must_use]
    pub fn start_with_own_key(home: &Path, listen: &str, further: &[&str]) -> Self {
        let server = start_server(home, &[&["--listen", listen], further].concat());
        let further = further.iter().copied().map(str::to_owned).collect();
        Self { further, ..Self::of(server, home) }
    }

    /// The room of a server that was started in some other way.
    ///
    /// # Panics
    /// If it does not say where it is.
    #[must_use]
    pub fn of(mut server: Process, home: &Path) -> Self {
        let listening = server.expect("listening on ");
        let address = listening.rsplit(' ').next().expect("an address").to_owned();
        let invite = server.expect("kabar://");
        Self { server, address, invite, home: home.to_owned(), further: Vec::new(), _own_home: None }
    }

    /// Ends the server as its operator would.
    ///
    /// # Panics
    /// If it does not end well.
    pub fn stop(&mut self) {
        self.server.signal("TERM");
        assert_eq!(self.server.wait(), Some(0), "{:?}", self.server.noticed);
    }

    /// SIGKILL: as when the power goes.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts the server again, which has ended: with the same data and arguments on the same port.
    ///
    /// # Panics
    /// If its address or invite is another one then.
    pub fn restart(&mut self) {
        let further: Vec<&str> = self.further.iter().map(String::as_str).collect();
        let again = Self::start_with_own_key(&self.home, &self.address, &further);
        assert_eq!((&again.address, &again.invite), (&self.address, &self.invite), "same data, same invite");
        self.server = again.server;
    }

    /// [`Room::kill`] and [`Room::restart`].
    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.restart();
    }

    /// Below which everything lies.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
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

    /// The invite with another port in it.
    ///
    /// # Panics
    /// If that changes nothing.
    #[must_use]
    pub fn invite_to(&self, other_port: &str) -> String {
        let changed = self.invite.replace(&format!(":{}/", self.port()), &format!(":{other_port}/"));
        assert_ne!(changed, self.invite);
        changed
    }

    /// A member on a laptop, which has joined as `name`, with lines for people on standard output.
    #[must_use]
    pub fn laptop(&self, name: &str) -> Process {
        let mut laptop = self.begin_join(name, &[]);
        laptop.expect_notice("Joined ");
        laptop
    }

    /// Begins to join as `name`, with further arguments.
    #[must_use]
    pub fn begin_join(&self, name: &str, further: &[&str]) -> Process {
        begin_join(&self.home_of(name), &self.invite, name, further)
    }

    /// Joins directly, to see all of the log.
    #[must_use]
    pub fn join(&self, name: &str) -> Member {
        Member::join(&self.home, &self.invite, name)
    }

    /// The same through `relay`.
    #[must_use]
    pub fn join_through(&self, relay: &Relay, name: &str) -> Member {
        Member::join(&self.home, &self.invite_to(port(&relay.address)), name)
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

fn port(address: &str) -> &str {
    address.rsplit(':').next().expect("a port")
}
