//! Private networks of a test: what happens to addresses and names there happens to nobody else.
//!
//! ```text
//! network of the server <-- a pair of virtual cards --> network of the client, with its own names
//! ```
//!
//! Made by `unshare`, `nsenter` and `ip`, in a user namespace, so that no privileges are needed.
//! They go with the processes in them.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::process::PATIENCE;

/// The card of each network.
const CARD: &str = "card";

/// Two networks with a cable between them.
#[derive(Debug)]
pub struct Networks {
    server: Namespace,
    client: Namespace,
    names: PathBuf,
}

/// A process that keeps a network namespace, for as long as it is not dropped.
#[derive(Debug)]
struct Namespace {
    keeper: Child,
}

impl Networks {
    /// Two networks without addresses. The client's names are in a file in `home`.
    ///
    /// # Panics
    /// If the system gives none.
    #[must_use]
    pub fn new(home: &Path) -> Self {
        let names = home.join("names");
        std::fs::write(&names, "").expect("a file for names");
        let server = Namespace::keep(Command::new("unshare").args(["--user", "--map-root-user", "--net", "--mount"]));
        let client = Namespace::keep(server.enter().args(["unshare", "--net", "--mount"]));
        server.ip("link set lo up");
        client.ip("link set lo up");
        server.ip(&format!("link add {CARD} type veth peer name {CARD} netns {}", client.keeper.id()));
        server.ip(&format!("link set {CARD} up"));
        client.ip(&format!("link set {CARD} up"));
        client.run(Command::new("mount").args(["--bind", names.to_str().expect("UTF-8"), "/etc/hosts"]));
        Self { server, client, names }
    }

    /// Gives the server's card an address (`10.0.0.1/24`).
    pub fn add_server_address(&self, address: &str) {
        self.server.add(address);
    }

    /// Takes it away.
    pub fn remove_server_address(&self, address: &str) {
        self.server.ip(&format!("address del {address} dev {CARD}"));
    }

    /// Gives the client's card an address.
    pub fn add_client_address(&self, address: &str) {
        self.client.add(address);
    }

    /// Takes it away.
    pub fn remove_client_address(&self, address: &str) {
        self.client.ip(&format!("address del {address} dev {CARD}"));
    }

    /// Lines for the client's `/etc/hosts`.
    ///
    /// # Panics
    /// If they cannot be written.
    pub fn set_names(&self, lines: &str) {
        // In place: another file under this name would not be the one that is mounted.
        std::fs::write(&self.names, lines).expect("the file is there");
    }

    /// The words that let a program run in the server's network.
    #[must_use]
    pub fn at_server(&self) -> Vec<String> {
        self.server.words()
    }

    /// The same in the client's.
    #[must_use]
    pub fn at_client(&self) -> Vec<String> {
        self.client.words()
    }
}

impl Namespace {
    /// Runs what keeps a namespace under `command`, which makes it.
    fn keep(command: &mut Command) -> Self {
        let keeper = command.args(["sleep", "600"]).stdin(Stdio::null()).spawn().expect("unshare(1)");
        let deadline = Instant::now() + PATIENCE;
        // It becomes what sleeps when the namespace is made.
        while !is_asleep(keeper.id()) {
            assert!(Instant::now() < deadline, "there is no namespace: unshare(1) is not permitted?");
            std::thread::sleep(Duration::from_millis(5));
        }
        Self { keeper }
    }

    fn words(&self) -> Vec<String> {
        let id = self.keeper.id().to_string();
        ["nsenter", "--preserve-credentials", "--user", "--net", "--mount", "--target", &id].map(str::to_owned).into()
    }

    fn enter(&self) -> Command {
        let words = self.words();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        command
    }

    fn run(&self, command: &Command) {
        let mut inside = self.enter();
        inside.arg(command.get_program()).args(command.get_args());
        let status = inside.status().expect("nsenter(1)");
        assert!(status.success(), "{inside:?}: {status}");
    }

    fn ip(&self, words: &str) {
        self.run(Command::new("ip").args(words.split(' ')));
    }

    fn add(&self, address: &str) {
        // An IPv6 address is usable at once, without a look whether somebody else has it.
        let nodad = if address.contains(':') { " nodad" } else { "" };
        self.ip(&format!("address add {address} dev {CARD}{nodad}"));
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

fn is_asleep(process: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|name| name.trim() == "sleep")
}
