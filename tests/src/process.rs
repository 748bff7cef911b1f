//! Real programs under test: started with pipes, read line by line with a deadline, ended when
//! dropped.
//!
//! A deadline here only bounds a hang; no test asserts how long something took.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How long anything may take before the test gives up on it: three times what an idle client
/// needs to notice that its server was killed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Where the built program `name` is. Builds the workspace's programs once per process, so that a
/// lone `cargo test --test processes` never runs stale ones.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(|| {
        let test = std::env::current_exe().expect("the path of this test");
        let folder = test.parent().and_then(Path::parent).expect("target/PROFILE/deps/TEST").to_path_buf();
        let mut build = Command::new(env!("CARGO"));
        build.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).args(["build", "--quiet", "--bins"]);
        build.args(["-p", "kabar-client", "-p", "kabar-server", "-p", "kabar-embedded-example"]);
        if folder.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo").success(), "the programs build");
        folder
    });
    folder.join(name)
}

/// The variables that programs under test are started with, or without: their data lie below
/// `home`, and nothing of this computer's shows.
#[must_use]
pub fn environment(home: &Path) -> [(&'static str, Option<PathBuf>); 6] {
    [
        ("HOME", Some(home.to_path_buf())),
        ("XDG_DATA_HOME", Some(home.join("share"))),
        ("XDG_CONFIG_HOME", Some(home.join("config"))),
        ("TZ", Some(PathBuf::from("UTC"))),
        ("KABAR_PASSWORD", None),
        ("KABAR_DATA_DIR", None),
    ]
}

/// One running program.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    /// All lines read from stdout so far.
    pub said: Vec<String>,
    /// All lines read from stderr so far.
    pub noticed: Vec<String>,
    patience: Duration,
}

impl Process {
    /// Starts `name` with `arguments`, its data below `home`.
    #[must_use]
    pub fn start(name: &str, home: &Path, arguments: &[&str]) -> Self {
        Self::spawn(Command::new(program(name)).args(arguments), home)
    }

    /// As [`Process::start`], by way of another program: `setsid`, `nsenter`, which run what
    /// follows their own `words`.
    #[must_use]
    pub fn start_under(words: &[&str], name: &str, home: &Path, arguments: &[&str]) -> Self {
        let [under, words @ ..] = words else { return Self::start(name, home, arguments) };
        Self::spawn(Command::new(under).args(words).arg(program(name)).args(arguments), home)
    }

    /// Lets a shell run `script`, in which `$BIN` is the folder of the programs.
    #[must_use]
    pub fn shell(script: &str, home: &Path) -> Self {
        let folder = program("kabar").parent().map(Path::to_path_buf).unwrap_or_default();
        Self::spawn(Command::new("sh").arg("-c").arg(script).env("BIN", folder), home)
    }

    /// Runs `command`, its data below `home`: for arguments and variables that are no text.
    #[must_use]
    pub fn command(command: &mut Command, home: &Path) -> Self {
        Self::spawn(command, home)
    }

    /// Waits longer than [`PATIENCE`] for whatever it is to do.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    fn spawn(command: &mut Command, home: &Path) -> Self {
        let asked_for: Vec<_> = command.get_envs().map(|(variable, _)| variable.to_owned()).collect();
        for (variable, value) in environment(home) {
            if asked_for.iter().any(|known| known == variable) {
                continue;
            }
            match value {
                Some(value) => command.env(variable, value),
                None => command.env_remove(variable),
            };
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let stdin = child.stdin.take();
        let stdout = lines_of(child.stdout.take().expect("piped"));
        let stderr = lines_of(child.stderr.take().expect("piped"));
        Self { child, stdin, stdout, stderr, said: Vec::new(), noticed: Vec::new(), patience: PATIENCE }
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Types `line`.
    pub fn type_line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("stdin is open");
        writeln!(stdin, "{line}").expect("the program reads");
        stdin.flush().expect("the program reads");
    }

    /// Types `text` as it is; an error (the program has ended) is no failure.
    pub fn type_all(&mut self, text: &str) {
        self.type_bytes(text.as_bytes());
    }

    /// The same for what is no text.
    pub fn type_bytes(&mut self, bytes: &[u8]) {
        if let Some(stdin) = self.stdin.as_mut() {
            let _ = stdin.write_all(bytes).and_then(|()| stdin.flush());
        }
    }

    /// Ends its input.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// The first line of stdout, from those not read yet, that contains `wanted`.
    ///
    /// # Panics
    /// If there is none within [`PATIENCE`].
    pub fn expect(&mut self, wanted: &str) -> String {
        let found = await_line(&self.stdout, &mut self.said, wanted, self.patience);
        found.unwrap_or_else(|| panic!("no line with {wanted:?} on stdout\n{}", self.transcript()))
    }

    /// As [`Process::expect`], of stderr.
    ///
    /// # Panics
    /// If there is none within [`PATIENCE`].
    pub fn expect_notice(&mut self, wanted: &str) -> String {
        let found = await_line(&self.stderr, &mut self.noticed, wanted, self.patience);
        found.unwrap_or_else(|| panic!("no line with {wanted:?} on stderr\n{}", self.transcript()))
    }

    /// Reads what there is, without waiting for more.
    pub fn read_on(&mut self) {
        self.said.extend(self.stdout.try_iter());
        self.noticed.extend(self.stderr.try_iter());
    }

    /// Waits for its end; the exit code, or `None` if a signal ended it. All output is read then.
    ///
    /// # Panics
    /// If it does not end within [`PATIENCE`].
    pub fn wait(&mut self) -> Option<i32> {
        let deadline = Instant::now() + self.patience;
        loop {
            if let Some(status) = self.child.try_wait().expect("the child is ours") {
                self.said.extend(self.stdout.iter());
                self.noticed.extend(self.stderr.iter());
                return status.code();
            }
            assert!(Instant::now() < deadline, "it does not end\n{}", self.transcript());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether it has ended.
    ///
    /// # Panics
    /// If the system does not know.
    #[must_use]
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("the child is ours").is_some()
    }

    /// SIGKILL, and waits for the end.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends a signal by name, as `kill -NAME` does.
    ///
    /// # Panics
    /// If there is no `kill` program.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.id().to_string()).status();
        assert!(status.expect("kill(1)").success(), "signal {name}");
    }

    fn transcript(&self) -> String {
        format!("stdout: {:#?}\nstderr: {:#?}", self.said, self.noticed)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn lines_of(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n') {
            let Ok(line) = line else { return };
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    });
    receiver
}

fn await_line(lines: &Receiver<String>, seen: &mut Vec<String>, wanted: &str, patience: Duration) -> Option<String> {
    let deadline = Instant::now() + patience;
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                seen.push(line.clone());
                if line.contains(wanted) {
                    return Some(line);
                }
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
        }
    }
}
