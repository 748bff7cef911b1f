//! Real programs at a real terminal: a pseudo-terminal, and a screen that interprets their output.
//!
//! Tests wait until the screen shows what they expect, and assert nothing about its state before
//! that.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::picture;
use crate::process::{TIMEOUT, environment, program};

/// Rows of the screen: enough that nothing scrolls off during a test.
const ROWS: u16 = 50;
/// Columns of the screen.
const COLUMNS: u16 = 120;

/// Ctrl-C.
pub const CTRL_C: &str = "\x03";
/// Ctrl-D.
pub const CTRL_D: &str = "\x04";
/// Tab.
pub const TAB: &str = "\t";
/// The up arrow key.
pub const UP: &str = "\x1b[A";
/// Page up.
pub const PAGE_UP: &str = "\x1b[5~";
/// Ctrl-End.
pub const CTRL_END: &str = "\x1b[1;5F";

/// A program at a terminal, killed when dropped.
pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    screen: Arc<Screen>,
    /// The modes of the terminal (termios) before the program started.
    modes: String,
}

struct Screen {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    parser: vt100::Parser,
    /// All output so far.
    written: Vec<u8>,
    /// The output has ended.
    has_ended: bool,
}

impl Terminal {
    /// Starts `name` with `arguments`, its data under `home`.
    ///
    /// # Panics
    /// If no terminal is available, or there is no such program.
    #[must_use]
    pub fn start(name: &str, home: &Path, arguments: &[&str]) -> Self {
        Self::start_with(name, home, arguments, &[])
    }

    /// Like [`Terminal::start`], with additional environment variables.
    ///
    /// # Panics
    /// If no terminal is available, or there is no such program.
    #[must_use]
    pub fn start_with(name: &str, home: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::start_sized(name, home, arguments, variables, (ROWS, COLUMNS))
    }

    /// Like [`Terminal::start_with`], with this number of rows and columns.
    ///
    /// # Panics
    /// If no terminal is available, or there is no such program.
    #[must_use]
    pub fn start_sized(
        name: &str,
        home: &Path,
        arguments: &[&str],
        variables: &[(&str, &str)],
        (rows, columns): (u16, u16),
    ) -> Self {
        let mut command = CommandBuilder::new(program(name));
        command.args(arguments);
        Self::spawn(command, home, variables, (rows, columns))
    }

    /// Starts any program.
    ///
    /// # Panics
    /// If no terminal is available, or there is no such program.
    #[must_use]
    pub fn run(path: &Path, home: &Path, arguments: &[&str]) -> Self {
        let mut command = CommandBuilder::new(path);
        command.args(arguments);
        Self::spawn(command, home, &[], (ROWS, COLUMNS))
    }

    /// Runs `script` in a shell; `$BIN` is the directory of the programs.
    ///
    /// # Panics
    /// If no terminal is available.
    #[must_use]
    pub fn shell(script: &str, home: &Path) -> Self {
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", script]);
        command.env("BIN", program("kabar").parent().expect("a directory"));
        Self::spawn(command, home, &[], (ROWS, COLUMNS))
    }

    fn spawn(
        mut command: CommandBuilder,
        home: &Path,
        variables: &[(&str, &str)],
        (rows, columns): (u16, u16),
    ) -> Self {
        std::fs::create_dir_all(home).expect("a home");
        let pair = native_pty_system().openpty(size(rows, columns)).expect("a pseudo-terminal");
        command.cwd(home);
        for (variable, value) in environment(home) {
            match value {
                Some(value) => command.env(variable, value),
                None => command.env_remove(variable),
            }
        }
        command.env("TERM", "xterm-256color");
        command.env("USER", "guest");
        command.env_remove("NO_COLOR");
        command.env_remove("COLORTERM");
        variables.iter().for_each(|(variable, value)| command.env(variable, value));
        let modes = format!("{:?}", pair.master.get_termios());
        let shown = format!("{command:?}");
        let child = pair.slave.spawn_command(command).unwrap_or_else(|error| panic!("{shown} does not start: {error}"));
        let reader = pair.master.try_clone_reader().expect("a reader");
        let keyboard = pair.master.take_writer().expect("a keyboard");
        let parser = vt100::Parser::new(rows, columns, 0);
        let state = Mutex::new(State { parser, written: Vec::new(), has_ended: false });
        let screen = Arc::new(Screen { state, changed: Condvar::new() });
        let shown = Arc::clone(&screen);
        std::thread::spawn(move || shown.follow(reader));
        Self { child, master: pair.master, keyboard, screen, modes }
    }

    /// Waits until the screen shows `expected`; a line that was wrapped counts as one line.
    ///
    /// # Panics
    /// If it does not within [`TIMEOUT`].
    pub fn expect(&self, expected: &str) {
        self.until(&format!("{expected:?} on the screen"), |screen| screen.contains(expected));
    }

    /// Waits until `condition` accepts the screen.
    ///
    /// # Panics
    /// If it does not within [`TIMEOUT`].
    pub fn until(&self, what: &str, condition: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + TIMEOUT;
        let mut state = self.screen.lock();
        while !condition(&state.parser.screen().contents()) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "not {what}:\n{}", state.parser.screen().contents());
            let waited = self.screen.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until the screen changes, or for this time. Returns what it shows.
    #[must_use]
    pub fn wait_for_change(&self, time: std::time::Duration) -> String {
        let waited = self.screen.changed.wait_timeout(self.screen.lock(), time);
        waited.unwrap_or_else(PoisonError::into_inner).0.parser.screen().contents()
    }

    /// The id of the process.
    ///
    /// # Panics
    /// If it has none.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.process_id().expect("a process")
    }

    /// Waits until `condition` accepts all output so far.
    ///
    /// # Panics
    /// If it does not within [`TIMEOUT`].
    pub fn until_written(&self, what: &str, condition: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + TIMEOUT;
        while !condition(&self.written()) {
            assert!(Instant::now() < deadline, "not {what}:\n{}", self.screen());
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// The current content of the screen.
    #[must_use]
    pub fn screen(&self) -> String {
        self.screen.lock().parser.screen().contents()
    }

    /// All output so far, including control sequences.
    #[must_use]
    pub fn written(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().written).into_owned()
    }

    /// A picture of the screen, as SVG.
    #[must_use]
    pub fn picture(&self) -> String {
        picture::svg(self.screen.lock().parser.screen())
    }

    /// Whether a full screen is displayed.
    #[must_use]
    pub fn is_full_screen(&self) -> bool {
        self.screen.lock().parser.screen().alternate_screen()
    }

    /// Asserts that the terminal is as it was before the program started.
    ///
    /// # Panics
    /// If it is not.
    pub fn assert_restored(&self) {
        let state = self.screen.lock();
        let screen = state.parser.screen();
        let is_restored = !screen.alternate_screen()
            && !screen.hide_cursor()
            && !screen.bracketed_paste()
            && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None;
        assert!(is_restored, "{}", screen.contents());
        assert_eq!(format!("{:?}", self.master.get_termios()), self.modes);
    }

    /// Sends a signal, such as `TERM`, to the program.
    ///
    /// # Panics
    /// If there is no such signal.
    pub fn signal(&self, name: &str) {
        let id = self.process().to_string();
        let sent = std::process::Command::new("kill").args([&format!("-{name}"), &id]).status().expect("kill");
        assert!(sent.success(), "{sent}");
    }

    /// Waits until the last line is an empty prompt.
    ///
    /// # Panics
    /// If it is not within [`TIMEOUT`].
    pub fn expect_prompt(&self) {
        self.until("at an empty prompt", |screen| {
            screen.lines().next_back().is_some_and(|line| line.trim_end() == ">")
        });
    }

    /// Presses keys.
    ///
    /// # Panics
    /// If the program has ended.
    pub fn press(&mut self, keys: &str) {
        self.press_bytes(keys.as_bytes());
    }

    /// Presses keys that produce other bytes than UTF-8.
    ///
    /// # Panics
    /// Like [`Terminal::press`].
    pub fn press_bytes(&mut self, bytes: &[u8]) {
        self.keyboard.write_all(bytes).expect("somebody reads the keyboard");
        self.keyboard.flush().expect("somebody reads the keyboard");
    }

    /// Types a line and Enter.
    ///
    /// # Panics
    /// Like [`Terminal::press`].
    pub fn type_line(&mut self, line: &str) {
        self.press(&format!("{line}\r"));
    }

    /// Pastes `text` in the way of a terminal with bracketed paste.
    ///
    /// # Panics
    /// Like [`Terminal::press`].
    pub fn paste(&mut self, text: &str) {
        self.press(&format!("\x1b[200~{text}\x1b[201~"));
    }

    /// Changes the size of the screen.
    ///
    /// # Panics
    /// If the system does not permit it.
    pub fn resize(&mut self, rows: u16, columns: u16) {
        // The interpreter fails where a wide character does not fit.
        self.screen.lock().parser.screen_mut().set_size(rows.max(2), columns.max(2));
        self.master.resize(size(rows, columns)).expect("another size");
    }

    /// Waits until the program ends and returns its exit code. All its output is on the screen
    /// then.
    ///
    /// # Panics
    /// If it does not end within [`TIMEOUT`].
    pub fn wait(&mut self) -> u32 {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child process") {
                // The reader reports the end when all output was read.
                let state = self.screen.lock();
                let waited = self.screen.changed.wait_timeout_while(state, TIMEOUT, |state| !state.has_ended);
                drop(waited.unwrap_or_else(PoisonError::into_inner));
                return status.exit_code();
            }
            assert!(Instant::now() < deadline, "the program did not end:\n{}", self.screen());
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

impl Screen {
    fn follow(&self, mut reader: Box<dyn Read + Send>) {
        let mut buffer = [0; 4096];
        loop {
            let len = reader.read(&mut buffer).unwrap_or(0);
            let mut state = self.lock();
            match buffer.get(..len) {
                Some(bytes) if len > 0 => {
                    state.written.extend_from_slice(bytes);
                    state.parser.process(bytes);
                }
                _ => state.has_ended = true,
            }
            self.changed.notify_all();
            if len == 0 {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn size(rows: u16, cols: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal").field("screen", &self.screen()).finish_non_exhaustive()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
