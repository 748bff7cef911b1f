//! The firmware in the emulator: built, started with what it needs to know, its log decoded, ended
//! when dropped.
//!
//! * [`build`](mod@build): the image, and the table that turns its log from numbers into lines.
//! * [`Machine`]: one run of it.
//! * [`Wire`]: a cable to its network card on which frames are lost and damaged.
//!
//! The guest reaches this computer at [`HOST`].

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

/// Where the emulator's network has this computer.
pub const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
/// A machine that nobody ends any more ends by itself, after so many seconds.
const LONGEST_RUN_S: u32 = 120;

/// What is at the other end of its link.
#[derive(Clone, Copy, Debug)]
pub enum Cable<'a> {
    /// A network with DHCP, behind which this computer is.
    Plugged,
    /// The same, at the far end of a cable on which things happen to frames.
    Along(&'a Wire),
    /// A network without anybody.
    Nobody,
    /// No network: the serial port, at whose other end somebody waits on this socket.
    Serial(&'a Path),
}

/// One run of the firmware.
#[derive(Debug)]
pub struct Machine {
    child: Child,
    emulator: &'static str,
    lines: Receiver<String>,
    /// Where the emulator takes orders.
    monitor: PathBuf,
    /// All lines of its log that were read so far.
    pub log: Vec<String>,
}

impl Machine {
    /// Starts `image`; `words` are what it is told on its command line. `options` are further ones
    /// of the emulator.
    ///
    /// # Panics
    /// If the emulator is not installed.
    #[must_use]
    pub fn start(image: &Image, cable: Cable<'_>, words: &[String], options: &[&str]) -> Self {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=2", &LONGEST_RUN_S.to_string(), image.board.emulator()]);
        Self::launch(command, image, cable, words, options)
    }

    /// The same for a person, who ends it when they like.
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
        let told: String = words.iter().map(|word| format!(",arg={word}")).collect();
        command.args(["-semihosting-config", &format!("enable=on,target=native,arg=firmware{told}")]);
        command.args(options).arg("-kernel").arg(image.path);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("timeout(1), and an emulator, which `tests/ci.sh firmware` installs");
        let (sender, lines) = mpsc::channel();
        decode(child.stdout.take().expect("piped"), image.table, sender.clone());
        complaints(child.stderr.take().expect("piped"), sender);
        Self { child, emulator: image.board.emulator(), lines, monitor, log: Vec::new() }
    }

    /// The first line of the log, from those not read yet, that contains `wanted`.
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

    /// The next line of its log, however long it takes; `None`: it has ended.
    pub fn next_line(&mut self) -> Option<String> {
        self.lines.recv().ok()
    }

    /// Waits for its end; the exit code. All of the log is read then.
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
    /// If the emulator takes no orders.
    pub fn set_cable(&self, is_plugged: bool) {
        let mut orders = UnixStream::connect(&self.monitor).expect("the emulator takes orders");
        let mut answers = BufReader::new(orders.try_clone().expect("a second handle"));
        writeln!(orders, "set_link n0 {}", if is_plugged { "on" } else { "off" }).expect("the emulator reads");
        // It is done when it asks for the next order: the second prompt.
        for _ in 0..2 {
            let mut words = Vec::new();
            while !words.ends_with(b"(qemu) ") {
                let read = answers.read_until(b' ', &mut words).expect("the emulator answers");
                assert_ne!(read, 0, "the emulator hung up: {}", String::from_utf8_lossy(&words));
            }
        }
    }

    /// Takes the power away.
    pub fn kill(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // `timeout` hands the signal on to the emulator.
            let _ = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
            let _ = self.child.wait();
        }
        self.log.extend(self.lines.iter());
    }

    /// Lines of the log so far, with what was not asked for yet, that contain `wanted`.
    pub fn count(&mut self, wanted: &str) -> usize {
        self.log.extend(self.lines.try_iter());
        self.log.iter().filter(|line| line.contains(wanted)).count()
    }

    /// What the device logged.
    #[must_use]
    pub fn transcript(&self) -> String {
        format!("log of the device:\n  {}", self.log.join("\n  "))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.kill();
        // It takes the file away itself when it ends in good order.
        let _ = std::fs::remove_file(&self.monitor);
        if std::thread::panicking() {
            eprintln!("{}", self.transcript());
        }
    }
}

/// A name that no other machine has.
fn monitor_path() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("kabar-qemu-{}-{count}", std::process::id()))
}

/// Turns what the firmware writes into lines, as it comes.
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
                    Err(DecodeError::Malformed) => "(bytes that are no log line)".to_owned(),
                };
                if lines.send(line).is_err() {
                    return;
                }
            }
        }
    });
}

/// What the emulator itself says, among the lines of the log.
fn complaints(stream: ChildStderr, lines: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if lines.send(format!("emulator: {line}")).is_err() {
                return;
            }
        }
    });
}
