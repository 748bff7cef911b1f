//! The firmware in the emulator: it is built, started with its arguments, its log is decoded, and
//! it is stopped when dropped.
//!
//! * [`build`](mod@build): the image, and the table that turns its log from numbers into lines.
//! * [`Machine`]: one run of it.
//! * [`Wire`]: a cable to its network card on which frames are lost and damaged.
//!
//! The firmware reaches this computer at [`HOST`].

pub mod build;
pub mod wire;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Ipv4Addr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use defmt_decoder::{DecodeError, Table};

pub use build::{Board, Image, Program, firmware, image};
pub use wire::Wire;

use crate::process::TIMEOUT;

/// The address of this computer in the emulator's network.
pub const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
/// Seconds after which a machine stops even if its test was killed.
const LONGEST_RUN_S: u32 = 120;

/// The other end of the device's link.
#[derive(Clone, Copy, Debug)]
pub enum Cable<'a> {
    /// A network with DHCP and a route to this computer.
    Plugged,
    /// The same network, at the other end of a cable that loses and damages frames.
    Along(&'a Wire),
    /// A network with no other member.
    Nobody,
    /// No network: the serial port, connected to this socket.
    Serial(&'a Path),
}

/// One run of the firmware.
#[derive(Debug)]
pub struct Machine {
    child: Child,
    emulator: &'static str,
    lines: Receiver<String>,
    /// The socket for commands to the emulator.
    monitor: PathBuf,
    /// The lines of its log that were read so far.
    pub log: Vec<String>,
}

impl Machine {
    /// Starts `image` with `words` on its command line, and further `options` of the emulator.
    ///
    /// # Panics
    /// If the emulator is not installed.
    #[must_use]
    pub fn start(image: &Image, cable: Cable<'_>, words: &[String], options: &[&str]) -> Self {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=2", &LONGEST_RUN_S.to_string(), image.board.emulator()]);
        Self::launch(command, image, cable, words, options)
    }

    /// The same without a limit of time, for a person.
    ///
    /// # Panics
    /// If the emulator is not installed.
    #[must_use]
    pub fn start_without_end(image: &Image, cable: Cable<'_>, words: &[String]) -> Self {
        Self::launch(Command::new(image.board.emulator()), image, cable, words, &[])
    }

    fn launch(mut command: Command, image: &Image, cable: Cable<'_>, words: &[String], options: &[&str]) -> Self {
        command.args(["-M", image.board.machine(), "-display", "none"]);
        command.args(image.board.options());
        let monitor = monitor_path();
        command.args(["-monitor", &format!("unix:{},server=on,wait=off", monitor.display())]);
        match cable {
            Cable::Plugged => command.args(["-netdev", "user,ipv6=off,id=n0"]),
            Cable::Along(wire) => command.args(wire.options()),
            Cable::Nobody | Cable::Serial(_) => command.args(["-netdev", "hubport,id=n0,hubid=0"]),
        };
        match cable {
            Cable::Serial(socket) => command.args(["-serial", &format!("unix:{}", socket.display())]),
            _ => command.args(["-serial", "none"]),
        };
        // A comma in a value is written twice.
        let words: String = words.iter().map(|word| format!(",arg={}", word.replace(',', ",,"))).collect();
        command.args(["-semihosting-config", &format!("enable=on,target=native,arg=firmware{words}")]);
        command.args(options).arg("-kernel").arg(image.path);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("timeout(1), and an emulator, which `tests/ci.sh firmware` installs");
        let (sender, lines) = mpsc::channel();
        decode(child.stdout.take().expect("piped"), image.table, sender.clone());
        forward_errors(child.stderr.take().expect("piped"), sender);
        Self { child, emulator: image.board.emulator(), lines, monitor, log: Vec::new() }
    }

    /// Reads the log up to the next line that contains `wanted`, and returns that line.
    ///
    /// # Panics
    /// If there is none within [`TIMEOUT`].
    pub fn expect(&mut self, wanted: &str) -> String {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.log.push(line.clone());
                    if line.contains(wanted) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("the device did not log {wanted:?}\n{}", self.transcript());
                }
            }
        }
    }

    /// The next line of its log; blocks without a limit. `None`: it has ended.
    pub fn next_line(&mut self) -> Option<String> {
        self.lines.recv().ok()
    }

    /// Waits until it has ended and returns its exit code. The whole log is read then.
    ///
    /// # Panics
    /// If it does not end within [`TIMEOUT`].
    pub fn wait(&mut self) -> Option<i32> {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            if let Some(status) = self.child.try_wait().expect("the child is ours") {
                self.log.extend(self.lines.iter());
                let code = status.code();
                assert_ne!(code, Some(127), "{} is not installed: `tests/ci.sh firmware` does that", self.emulator);
                return code;
            }
            assert!(Instant::now() < deadline, "the device does not end\n{}", self.transcript());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Pulls the network cable, or plugs it in again.
    ///
    /// # Panics
    /// If the emulator takes no commands.
    pub fn set_cable(&self, is_plugged: bool) {
        let mut commands = UnixStream::connect(&self.monitor).expect("the emulator takes commands");
        let mut answers = BufReader::new(commands.try_clone().expect("a second handle"));
        writeln!(commands, "set_link n0 {}", if is_plugged { "on" } else { "off" }).expect("the emulator reads");
        // The command is done at the second prompt.
        for _ in 0..2 {
            let mut words = Vec::new();
            while !words.ends_with(b"(qemu) ") {
                let read = answers.read_until(b' ', &mut words).expect("the emulator answers");
                assert_ne!(read, 0, "the emulator hung up: {}", String::from_utf8_lossy(&words));
            }
        }
    }

    /// Stops it at once, as a power failure would.
    pub fn kill(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // `timeout` forwards the signal to the emulator.
            let _ = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
            let _ = self.child.wait();
        }
        self.log.extend(self.lines.iter());
    }

    /// The number of lines so far that contain `wanted`, including those not read yet.
    pub fn count(&mut self, wanted: &str) -> usize {
        self.log.extend(self.lines.try_iter());
        self.log.iter().filter(|line| line.contains(wanted)).count()
    }

    /// The log that was read so far, for the message of a failed test.
    #[must_use]
    pub fn transcript(&self) -> String {
        format!("log of the device:\n  {}", self.log.join("\n  "))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.kill();
        // An emulator that is not killed removes the file itself.
        let _ = std::fs::remove_file(&self.monitor);
        if std::thread::panicking() {
            eprintln!("{}", self.transcript());
        }
    }
}

/// A path that no other machine uses.
fn monitor_path() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("kabar-qemu-{}-{count}", std::process::id()))
}

/// Decodes the firmware's output to lines as it arrives.
fn decode(mut stream: ChildStdout, table: &'static Table, lines: Sender<String>) {
    std::thread::spawn(move || {
        let mut decoder = table.new_stream_decoder();
        let mut bytes = [0; 1024];
        while let Ok(len @ 1..) = stream.read(&mut bytes) {
            decoder.received(&bytes[..len]);
            loop {
                let line = match decoder.decode() {
                    Ok(frame) => frame.display(false).to_string(),
                    Err(DecodeError::UnexpectedEof) => break,
                    Err(DecodeError::Malformed) => "(malformed log line)".to_owned(),
                };
                if lines.send(line).is_err() {
                    return;
                }
            }
        }
    });
}

/// Adds the emulator's own errors to the lines of the log.
fn forward_errors(stream: ChildStderr, lines: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if lines.send(format!("emulator: {line}")).is_err() {
                return;
            }
        }
    });
}
