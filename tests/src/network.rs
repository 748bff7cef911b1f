//! Private networks for a test: changes of addresses and names there affect no other program.
//!
//! ```text
//! network of the server <-- a pair of virtual interfaces --> network of the client, with its own names
//! ```
//!
//! Created with `unshare`, `nsenter` and `ip` in a user namespace, so that no privileges are
//! needed. They are removed with the processes in them.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::process::TIMEOUT;

/// Name of the interface in each network.
const INTERFACE: &str = "card";

/// Two connected networks.
#[derive(Debug)]
pub struct Networks {
    server: Namespace,
    client: Namespace,
    names: PathBuf,
}

/// A process that keeps a network namespace until it is dropped.
#[derive(Debug)]
struct Namespace {
    keeper: Child,
}

impl Networks {
    /// Two networks without addresses. A file in `home` is the client's `/etc/hosts`.
    ///
    /// # Panics
    /// If the system does not permit it.
    #[must_use]
    pub fn new(home: &Path) -> Self {
        let names = home.join("names");
        std::fs::write(&names, "").expect("a file for names");
        let server = Namespace::keep(Command::new("unshare").args(["--user", "--map-root-user", "--net", "--mount"]));
        let client = Namespace::keep(server.enter().args(["unshare", "--net", "--mount"]));
        server.ip("link set lo up");
        client.ip("link set lo up");
        server.ip(&format!("link add {INTERFACE} type veth peer name {INTERFACE} netns {}", client.keeper.id()));
        server.ip(&format!("link set {INTERFACE} up"));
        client.ip(&format!("link set {INTERFACE} up"));
        client.run(Command::new("mount").args(["--bind", names.to_str().expect("UTF-8"), "/etc/hosts"]));
        Self { server, client, names }
    }

    /// Adds an address to the server's interface (`10.0.0.1/24`).
    pub fn add_server_address(&self, address: &str) {
        self.server.add(address);
    }

    /// Removes an address from the server's interface.
    pub fn remove_server_address(&self, address: &str) {
        self.server.ip(&format!("address del {address} dev {INTERFACE}"));
    }

    /// Adds an address to the client's interface.
    pub fn add_client_address(&self, address: &str) {
        self.client.add(address);
    }

    /// Removes an address from the client's interface.
    pub fn remove_client_address(&self, address: &str) {
        self.client.ip(&format!("address del {address} dev {INTERFACE}"));
    }

    /// Sets the content of the client's `/etc/hosts`.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn set_names(&self, lines: &str) {
        // Written in place: a new file under this name would not be the mounted one.
        std::fs::write(&self.names, lines).expect("the file is there");
    }

    /// Arguments with which a program runs in the server's network.
    #[must_use]
    pub fn at_server(&self) -> Vec<String> {
        self.server.arguments()
    }

    /// Arguments with which a program runs in the client's network.
    #[must_use]
    pub fn at_client(&self) -> Vec<String> {
        self.client.arguments()
    }
}

impl Namespace {
    /// Starts a process that keeps the namespace created by `command`.
    fn keep(command: &mut Command) -> Self {
        let keeper = command.args(["sleep", "600"]).stdin(Stdio::null()).spawn().expect("unshare(1)");
        let deadline = Instant::now() + TIMEOUT;
        // The process becomes `sleep` when the namespace exists.
        while !is_asleep(keeper.id()) {
            assert!(Instant::now() < deadline, "there is no namespace: unshare(1) is not permitted?");
            std::thread::sleep(Duration::from_millis(5));
        }
        Self { keeper }
    }

    fn arguments(&self) -> Vec<String> {
        let id = self.keeper.id().to_string();
        ["nsenter", "--preserve-credentials", "--user", "--net", "--mount", "--target", &id].map(str::to_owned).into()
    }

    fn enter(&self) -> Command {
        let arguments = self.arguments();
        let mut command = Command::new(&arguments[0]);
        command.args(&arguments[1..]);
        command
    }

    fn run(&self, command: &Command) {
        let mut inside = self.enter();
        inside.arg(command.get_program()).args(command.get_args());
        let status = inside.status().expect("nsenter(1)");
        assert!(status.success(), "{inside:?}: {status}");
    }

    fn ip(&self, arguments: &str) {
        self.run(Command::new("ip").args(arguments.split(' ')));
    }

    fn add(&self, address: &str) {
        // Without duplicate address detection, an IPv6 address is usable at once.
        let nodad = if address.contains(':') { " nodad" } else { "" };
        self.ip(&format!("address add {address} dev {INTERFACE}{nodad}"));
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
