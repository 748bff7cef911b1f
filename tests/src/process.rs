//! Real programs under test: started with pipes, read line by line with a deadline, killed when
//! dropped.
//!
//! A deadline here only ends a test that hangs; no test asserts how long something took.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Time after which a test fails when it waits for a program: three times the time in which an
/// idle client notices that its server was killed.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// Path of the program `name`. Builds the workspace's programs once per process, so that `cargo
/// test --test processes` alone never runs old ones.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let directory = BUILT.get_or_init(|| {
        let test = std::env::current_exe().expect("the path of this test");
        let directory = test.parent().and_then(Path::parent).expect("target/PROFILE/deps/TEST").to_path_buf();
        let mut build = Command::new(env!("CARGO"));
        build.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).args(["build", "--quiet", "--bins"]);
        build.args(["-p", "kabar-client", "-p", "kabar-server", "-p", "kabar-embedded-example"]);
        if directory.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo").success(), "the programs build");
        directory
    });
    directory.join(name)
}

/// The environment of programs under test: their data is stored under `home`, and nothing of this
/// computer's user is visible.
#[must_use]
pub fn environment(home: &Path) -> [(&'static str, Option<PathBuf>); 9] {
    [
        ("HOME", Some(home.to_path_buf())),
        ("XDG_DATA_HOME", Some(home.join("share"))),
        ("XDG_CONFIG_HOME", Some(home.join("config"))),
        ("TZ", Some(PathBuf::from("UTC"))),
        ("LANG", Some(PathBuf::from("C.UTF-8"))),
        ("LC_ALL", None),
        ("KABAR_PASSWORD", None),
        ("KABAR_CLASSIC_PASSWORD", None),
        ("KABAR_DATA_DIR", None),
    ]
}

/// A running program.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout_lines: Receiver<String>,
    stderr_lines: Receiver<String>,
    /// All lines of standard output that were read so far.
    pub stdout: Vec<String>,
    /// All lines of standard error that were read so far.
    pub stderr: Vec<String>,
    timeout: Duration,
}

impl Process {
    /// Starts `name` with `arguments`, its data under `home`.
    #[must_use]
    pub fn start(name: &str, home: &Path, arguments: &[&str]) -> Self {
        Self::spawn(Command::new(program(name)).args(arguments), home)
    }

    /// Starts a program through another one, such as `setsid` or `nsenter`, which runs what follows
    /// its own arguments (`words`).
    #[must_use]
    pub fn start_under(words: &[&str], name: &str, home: &Path, arguments: &[&str]) -> Self {
        let [under, words @ ..] = words else { return Self::start(name, home, arguments) };
        Self::spawn(Command::new(under).args(words).arg(program(name)).args(arguments), home)
    }

    /// Runs `script` in a shell; `$BIN` is the directory of the programs.
    #[must_use]
    pub fn shell(script: &str, home: &Path) -> Self {
        let directory = program("kabar").parent().map(Path::to_path_buf).unwrap_or_default();
        Self::spawn(Command::new("sh").arg("-c").arg(script).env("BIN", directory), home)
    }

    /// Runs `command`, its data under `home`, for arguments and variables that are not UTF-8.
    #[must_use]
    pub fn command(command: &mut Command, home: &Path) -> Self {
        Self::spawn(command, home)
    }

    /// Waits for `timeout` instead of [`TIMEOUT`] for output and for the end.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn spawn(command: &mut Command, home: &Path) -> Self {
        let explicit: Vec<_> = command.get_envs().map(|(variable, _)| variable.to_owned()).collect();
        for (variable, value) in environment(home) {
            if explicit.iter().any(|known| known == variable) {
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
        let stdout_lines = lines_of(child.stdout.take().expect("piped"));
        let stderr_lines = lines_of(child.stderr.take().expect("piped"));
        Self { child, stdin, stdout_lines, stderr_lines, stdout: Vec::new(), stderr: Vec::new(), timeout: TIMEOUT }
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes `line` to its standard input.
    pub fn type_line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("stdin is open");
        writeln!(stdin, "{line}").expect("the program reads");
        stdin.flush().expect("the program reads");
    }

    /// Writes `text` to its standard input; an error (the program has ended) is ignored.
    pub fn type_all(&mut self, text: &str) {
        self.type_bytes(text.as_bytes());
    }

    /// Writes bytes to its standard input; an error is ignored.
    pub fn type_bytes(&mut self, bytes: &[u8]) {
        if let Some(stdin) = self.stdin.as_mut() {
            let _ = stdin.write_all(bytes).and_then(|()| stdin.flush());
        }
    }

    /// Closes its standard input.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Returns the next line of standard output that contains `expected`.
    ///
    /// # Panics
    /// If there is none within [`TIMEOUT`].
    pub fn expect(&mut self, expected: &str) -> String {
        let found = wait_for_line(&self.stdout_lines, &mut self.stdout, expected, self.timeout);
        found.unwrap_or_else(|| panic!("no line with {expected:?} on stdout\n{}", self.transcript()))
    }

    /// Returns the next line of standard error that contains `expected`.
    ///
    /// # Panics
    /// If there is none within [`TIMEOUT`].
    pub fn expect_stderr(&mut self, expected: &str) -> String {
        let found = wait_for_line(&self.stderr_lines, &mut self.stderr, expected, self.timeout);
        found.unwrap_or_else(|| panic!("no line with {expected:?} on stderr\n{}", self.transcript()))
    }

    /// Reads the lines that are available, without waiting for more.
    pub fn read_available(&mut self) {
        self.stdout.extend(self.stdout_lines.try_iter());
        self.stderr.extend(self.stderr_lines.try_iter());
    }

    /// Waits until it ends, reads all output, and returns its exit code, or `None` if a signal
    /// ended it.
    ///
    /// # Panics
    /// If it does not end within [`TIMEOUT`].
    pub fn wait(&mut self) -> Option<i32> {
        let deadline = Instant::now() + self.timeout;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child process") {
                self.stdout.extend(self.stdout_lines.iter());
                self.stderr.extend(self.stderr_lines.iter());
                return status.code();
            }
            assert!(Instant::now() < deadline, "the program did not end\n{}", self.transcript());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether it has ended.
    ///
    /// # Panics
    /// If the system does not report it.
    #[must_use]
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child process").is_some()
    }

    /// Sends SIGKILL and waits until it ends.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends a signal by name, like `kill -NAME`.
    ///
    /// # Panics
    /// If there is no `kill` program.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.id().to_string()).status();
        assert!(status.expect("kill(1)").success(), "signal {name}");
    }

    fn transcript(&self) -> String {
        format!("stdout: {:#?}\nstderr: {:#?}", self.stdout, self.stderr)
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

fn wait_for_line(
    lines: &Receiver<String>,
    seen: &mut Vec<String>,
    expected: &str,
    timeout: Duration,
) -> Option<String> {
    let deadline = Instant::now() + timeout;
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                seen.push(line.clone());
                if line.contains(expected) {
                    return Some(line);
                }
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
        }
    }
}
