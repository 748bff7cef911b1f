//! A room of real programs: a server, members that record the log, and a relay in front of the
//! server.
//!
//! * [`Room`]: the server. [`Room::open`] is enough for most tests.
//! * [`Member`]: a member that records the whole log; [`lines`] are the texts that it posts.
//! * [`Relay`]: a relay in front of the server.
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
    /// The server's process.
    pub server: Process,
    /// Address that it listens on, as it printed it.
    pub address: String,
    /// The invite that it printed.
    pub invite: String,
    home: PathBuf,
    extra: Vec<String>,
    /// The room's own temporary directory, if it has one; declared last, so that it is removed
    /// last.
    _own_home: Option<TempDir>,
}

/// Starts `kabar-server` with these arguments and its data under `home`.
#[must_use]
pub fn start_server(home: &Path, arguments: &[&str]) -> Process {
    Process::start("kabar-server", home, &[arguments, &["--data-dir", text(&data_dir(home))]].concat())
}

/// Starts `kabar join` by `invite` as `name`, with additional arguments and its data under `home`,
/// without waiting for the join.
#[must_use]
pub fn spawn_join(home: &Path, invite: &str, name: &str, extra: &[&str]) -> Process {
    Process::start("kabar", home, &[&["join", invite, "--name", name], extra].concat())
}

impl Room {
    /// Starts a server on any port, in a temporary directory.
    #[must_use]
    pub fn open() -> Self {
        let home = temp_home();
        let room = Self::start(home.path());
        Self { _own_home: Some(home), ..room }
    }

    /// Starts a server on any port, in a temporary directory, whose members post without a limit.
    #[must_use]
    pub fn open_for_machines() -> Self {
        let home = temp_home();
        let room = Self::start_with(home.path(), "127.0.0.1:0", &["--post-rate", "off"]);
        Self { _own_home: Some(home), ..room }
    }

    /// Starts a server on any port, with everything under `home`.
    #[must_use]
    pub fn start(home: &Path) -> Self {
        Self::start_with(home, "127.0.0.1:0", &[])
    }

    /// Starts a server that listens on `listen`, with additional arguments.
    #[must_use]
    pub fn start_with(home: &Path, listen: &str, extra: &[&str]) -> Self {
        give_key(home);
        Self::start_with_own_key(home, listen, extra)
    }

    /// Starts a server on any port that also admits members with `password`.
    ///
    /// # Panics
    /// If the password file cannot be written.
    #[must_use]
    pub fn start_with_password(home: &Path, password: &str) -> Self {
        let file = home.join("password");
        std::fs::write(&file, format!("{password}\n")).expect("a file");
        Self::start_with(home, "127.0.0.1:0", &["--password-file", text(&file)])
    }

    /// Like [`Room::start_with`], for a test in which no other server may have the same key: the
    /// server generates a key unless `home` already has one.
    #[must_use]
    pub fn start_with_own_key(home: &Path, listen: &str, extra: &[&str]) -> Self {
        let server = start_server(home, &[&["--listen", listen], extra].concat());
        let extra = extra.iter().copied().map(str::to_owned).collect();
        Self { extra, ..Self::of(server, home) }
    }

    /// The room of a server that was started in some other way.
    ///
    /// # Panics
    /// If the server does not print its address.
    #[must_use]
    pub fn of(mut server: Process, home: &Path) -> Self {
        let listening = server.expect("listening on ");
        let address = listening.rsplit(' ').next().expect("an address").to_owned();
        let invite = server.expect("kabar://");
        Self { server, address, invite, home: home.to_owned(), extra: Vec::new(), _own_home: None }
    }

    /// Stops the server with SIGTERM.
    ///
    /// # Panics
    /// If its exit code is not 0.
    pub fn stop(&mut self) {
        self.server.signal("TERM");
        assert_eq!(self.server.wait(), Some(0), "{:?}", self.server.stderr);
    }

    /// Kills the server with SIGKILL.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts the stopped server again with the same data, arguments and port.
    ///
    /// # Panics
    /// If its address or invite changed.
    pub fn restart(&mut self) {
        let extra: Vec<&str> = self.extra.iter().map(String::as_str).collect();
        let again = Self::start_with_own_key(&self.home, &self.address, &extra);
        assert_eq!((&again.address, &again.invite), (&self.address, &self.invite), "same data, same invite");
        self.server = again.server;
    }

    /// [`Room::kill`] and [`Room::restart`].
    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.restart();
    }

    /// The directory of all data of this room.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The server's port.
    #[must_use]
    pub fn port(&self) -> &str {
        port(&self.address)
    }

    /// The data directory of a user called `name`; each user has one, like a user on another
    /// computer.
    ///
    /// # Panics
    /// If it cannot be created.
    #[must_use]
    pub fn home_of(&self, name: &str) -> PathBuf {
        let home = self.home.join(name);
        std::fs::create_dir_all(&home).expect("a home");
        home
    }

    /// The invite with another port.
    ///
    /// # Panics
    /// If the invite does not contain the port.
    #[must_use]
    pub fn invite_to(&self, other_port: &str) -> String {
        let changed = self.invite.replace(&format!(":{}/", self.port()), &format!(":{other_port}/"));
        assert_ne!(changed, self.invite);
        changed
    }

    /// A `kabar join` process that has joined as `name`, with text on standard output.
    #[must_use]
    pub fn client(&self, name: &str) -> Process {
        let mut client = self.spawn_join(name, &[]);
        client.expect_stderr("Joined ");
        client
    }

    /// Starts to join as `name`, with additional arguments, without waiting for the join.
    #[must_use]
    pub fn spawn_join(&self, name: &str, extra: &[&str]) -> Process {
        spawn_join(&self.home_of(name), &self.invite, name, extra)
    }

    /// Joins directly and records the whole log.
    #[must_use]
    pub fn join(&self, name: &str) -> Member {
        Member::join(&self.home, &self.invite, name)
    }

    /// Joins through `relay` and records the whole log.
    #[must_use]
    pub fn join_through(&self, relay: &Relay, name: &str) -> Member {
        Member::join(&self.home, &self.invite_to(port(&relay.address)), name)
    }

    /// Starts a relay to this server that listens on `listen`.
    #[must_use]
    pub fn relay(&self, listen: &str, arguments: &[&str]) -> Relay {
        let all = [&["--listen", listen, "--to", &self.address], arguments].concat();
        let mut process = Process::start("kabar-relay", &self.home, &all);
        let line = process.expect("relaying ");
        let address = line.split_whitespace().nth(1).expect("an address").to_owned();
        Relay { process, address }
    }

    /// The log, as a new member reads it.
    #[must_use]
    pub fn log(&self, reader: &str, texts: usize) -> Vec<Entry> {
        let mut reader = self.join(reader);
        reader.wait_for(texts);
        reader.entries
    }
}

fn port(address: &str) -> &str {
    address.rsplit(':').next().expect("a port")
}
