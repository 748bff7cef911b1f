//! A `kabar-server` process with its data in a temporary directory.

use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use kabar_core::session::Fingerprint;
use kabar_std::invite::Invite;

use super::usage::{Cpu, cpu_time, resident};
use super::{Error, Setup};

/// Time limit of the first start, which generates a key.
const START: Duration = Duration::from_secs(300);

/// Address and credentials for clients.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) server: SocketAddr,
    pub(super) fingerprint: Fingerprint,
    pub(super) secret: [u8; 16],
}

/// A running server. Dropping it kills the process and removes its directory.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    home: tempfile::TempDir,
    target: Target,
    key_bits: Option<u32>,
}

impl Server {
    pub(super) fn start(setup: &Setup, key_bits: Option<u32>) -> Result<Self, Error> {
        let home = tempfile::tempdir().map_err(Error::io("create a directory for the server"))?;
        let (child, target) = spawn(setup, home.path(), "127.0.0.1:0", key_bits)?;
        Ok(Self { child, home, target, key_bits })
    }

    pub(super) fn target(&self) -> Target {
        self.target
    }

    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Its data directory.
    pub(super) fn data_dir(&self) -> std::path::PathBuf {
        self.home.path().join("server")
    }

    pub(super) fn cpu(&self) -> Result<Cpu, Error> {
        Cpu::of(self.child.id())
    }

    /// Processor time so far in seconds, more precise than [`Self::cpu`].
    pub(super) fn cpu_time(&self) -> Result<f64, Error> {
        cpu_time(self.child.id())
    }

    pub(super) fn resident(&self) -> Result<u64, Error> {
        resident(self.child.id())
    }

    /// Kills it with SIGKILL, like a crash.
    pub(super) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again with its data and on its port.
    pub(super) fn restart(&mut self, setup: &Setup) -> Result<(), Error> {
        let listen = self.target.server.to_string();
        let (child, target) = spawn(setup, self.home.path(), &listen, self.key_bits)?;
        if (target.server, target.fingerprint) != (self.target.server, self.target.fingerprint) {
            return Err(Error::new("the restarted server has another address or key"));
        }
        self.child = child;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// All members have the same address here, and post as fast as the server takes it.
const NO_LIMITS: [&str; 4] =
    ["--handshake-burst=100000", "--max-members-per-address=65535", "--newcomer-burst=1000000", "--post-rate=off"];

fn spawn(setup: &Setup, home: &Path, listen: &str, key_bits: Option<u32>) -> Result<(Child, Target), Error> {
    let mut command = Command::new(&setup.server);
    command.args(["--listen", listen, "--data-dir"]).arg(home.join("server")).args(&setup.server_arguments);
    let is_stated = |flag: &str| {
        let name = flag.split('=').next();
        setup.server_arguments.iter().any(|stated| stated.split('=').next() == name)
    };
    command.args(NO_LIMITS.iter().filter(|flag| !is_stated(flag)));
    if let Some(bits) = key_bits {
        command.args(["--key-bits", &bits.to_string()]);
    }
    command.env("HOME", home).env_remove("KABAR_DATA_DIR").env_remove("KABAR_PASSWORD");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(Error::io("start the server"))?;
    let complaint = child.stderr.take().map(collect);
    let (sender, lines) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        std::thread::spawn(move || first_lines(stdout, &sender));
    }
    match lines.recv_timeout(START) {
        Ok((server, invite)) => {
            let server = loopback(server);
            Ok((child, Target { server, fingerprint: invite.fingerprint, secret: *invite.secret.expose() }))
        }
        Err(_) => {
            let _ = child.kill();
            let _ = child.wait();
            let why = complaint.and_then(|thread| thread.join().ok()).unwrap_or_default();
            let why = why.lines().last().unwrap_or("no reason was printed").to_owned();
            Err(Error::new(format!("the server did not start: {why}")))
        }
    }
}

/// Finds address and invite, then continues to read, so that the server never waits for its output.
fn first_lines(stdout: ChildStdout, found: &mpsc::Sender<(SocketAddr, Invite)>) {
    let (mut address, mut reader) = (None, BufReader::new(stdout));
    let mut line = String::new();
    while matches!(reader.read_line(&mut line), Ok(1..)) {
        if let Some(rest) = line.trim().strip_prefix("listening on ") {
            address = rest.parse().ok();
        }
        let invite = line.split_whitespace().find_map(|word| word.parse::<Invite>().ok());
        if let (Some(address), Some(invite)) = (address, invite) {
            let _ = found.send((address, invite));
            break;
        }
        line.clear();
    }
    let mut rest = vec![0; 1 << 16];
    while matches!(reader.read(&mut rest), Ok(1..)) {}
}

fn collect(mut stream: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn loopback(address: SocketAddr) -> SocketAddr {
    let ip = if address.ip().is_unspecified() { IpAddr::from([127, 0, 0, 1]) } else { address.ip() };
    (ip, address.port()).into()
}
