//! Real programs at a real terminal: a pseudo-terminal, and a screen that understands what is
//! written to it.
//!
//! What is asked of a screen is waited for; nothing is asserted about how it looks on the way
//! there.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::process::{PATIENCE, environment, program};

/// Rows of a screen: enough that nothing a test looks for has left it.
const ROWS: u16 = 50;
/// Columns of a screen.
const COLUMNS: u16 = 120;

/// Ctrl-C.
pub const CTRL_C: &str = "\x03";
/// Ctrl-D.
pub const CTRL_D: &str = "\x04";
/// Tab.
pub const TAB: &str = "\t";
/// The arrow key up.
pub const UP: &str = "\x1b[A";

/// A program at a terminal. Killed when dropped.
pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    screen: Arc<Screen>,
}

#[derive(Default)]
struct Screen {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    parser: vt100::Parser,
    /// Everything that was written, as it came.
    written: Vec<u8>,
    /// Nobody writes any more.
    has_ended: bool,
}

impl Default for State {
    fn default() -> Self {
        Self { parser: vt100::Parser::new(ROWS, COLUMNS, 0), written: Vec::new(), has_ended: false }
    }
}

impl Terminal {
    /// Starts `name` with `arguments`, its data below `home`.
    ///
    /// # Panics
    /// If there is no terminal to be had, or no such program.
    #[must_use]
    pub fn start(name: &str, home: &Path, arguments: &[&str]) -> Self {
        Self::start_with(name, home, arguments, &[])
    }

    /// As [`Terminal::start`], with further variables.
    ///
    /// # Panics
    /// If there is no terminal to be had, or no such program.
    #[must_use]
    pub fn start_with(name: &str, home: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = CommandBuilder::new(program(name));
        command.args(arguments);
        Self::spawn(command, home, variables)
    }

    /// Lets a shell run `script`, in which `$BIN` is the folder of the programs.
    ///
    /// # Panics
    /// If there is no terminal to be had.
    #[must_use]
    pub fn shell(script: &str, home: &Path) -> Self {
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", script]);
        command.env("BIN", program("kabar").parent().expect("a folder"));
        Self::spawn(command, home, &[])
    }

    fn spawn(mut command: CommandBuilder, home: &Path, variables: &[(&str, &str)]) -> Self {
        std::fs::create_dir_all(home).expect("a home");
        let pair = native_pty_system().openpty(size(ROWS, COLUMNS)).expect("a pseudo-terminal");
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
        variables.iter().for_each(|(variable, value)| command.env(variable, value));
        let shown = format!("{command:?}");
        let child = pair.slave.spawn_command(command).unwrap_or_else(|error| panic!("{shown} does not start: {error}"));
        let reader = pair.master.try_clone_reader().expect("a reader");
        let keyboard = pair.master.take_writer().expect("a keyboard");
        let screen = Arc::new(Screen::default());
        let shown = Arc::clone(&screen);
        std::thread::spawn(move || shown.follow(reader));
        Self { child, master: pair.master, keyboard, screen }
    }

    /// Waits until the screen shows `wanted`; lines that were too long for it count as one.
    ///
    /// # Panics
    /// If it does not within [`PATIENCE`].
    pub fn expect(&self, wanted: &str) {
        self.until(&format!("{wanted:?} on the screen"), |screen| screen.contains(wanted));
    }

    /// Waits until the screen is as `is_wanted` says.
    ///
    /// # Panics
    /// If it is not within [`PATIENCE`].
    pub fn until(&self, what: &str, is_wanted: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.screen.lock();
        while !is_wanted(&state.parser.screen().contents()) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "not {what}:\n{}", state.parser.screen().contents());
            let waited = self.screen.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until everything that was written is as `is_wanted` says.
    ///
    /// # Panics
    /// If it is not within [`PATIENCE`].
    pub fn until_written(&self, what: &str, is_wanted: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_wanted(&self.written()) {
            assert!(Instant::now() < deadline, "not {what}:\n{}", self.screen());
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// What the screen shows now.
    #[must_use]
    pub fn screen(&self) -> String {
        self.screen.lock().parser.screen().contents()
    }

    /// Everything that was written to it, with what steers a terminal.
    #[must_use]
    pub fn written(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().written).into_owned()
    }

    /// Waits for the prompt of a room, empty, on the last line.
    ///
    /// # Panics
    /// If it does not come within [`PATIENCE`].
    pub fn expect_prompt(&self) {
        self.until("at an empty prompt", |screen| {
            screen.lines().next_back().is_some_and(|line| line.trim_end() == ">")
        });
    }

    /// Presses keys.
    ///
    /// # Panics
    /// If nobody reads the keyboard.
    pub fn press(&mut self, keys: &str) {
        self.press_bytes(keys.as_bytes());
    }

    /// Presses keys that give other bytes than UTF-8.
    ///
    /// # Panics
    /// As [`Terminal::press`].
    pub fn press_bytes(&mut self, bytes: &[u8]) {
        self.keyboard.write_all(bytes).expect("somebody reads the keyboard");
        self.keyboard.flush().expect("somebody reads the keyboard");
    }

    /// Types a line and Enter.
    ///
    /// # Panics
    /// As [`Terminal::press`].
    pub fn type_line(&mut self, line: &str) {
        self.press(&format!("{line}\r"));
    }

    /// Pastes `text`, as a terminal does that was asked to say so.
    ///
    /// # Panics
    /// As [`Terminal::press`].
    pub fn paste(&mut self, text: &str) {
        self.press(&format!("\x1b[200~{text}\x1b[201~"));
    }

    /// Makes the screen another size.
    ///
    /// # Panics
    /// If the system refuses.
    pub fn resize(&mut self, rows: u16, columns: u16) {
        self.screen.lock().parser.screen_mut().set_size(rows, columns);
        self.master.resize(size(rows, columns)).expect("another size");
    }

    /// Waits for its end; the exit code. All that it wrote is on the screen then.
    ///
    /// # Panics
    /// If it does not end within [`PATIENCE`].
    pub fn wait(&mut self) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the child is ours") {
                // The master reports an end when the last of it was read.
                let state = self.screen.lock();
                let waited = self.screen.changed.wait_timeout_while(state, PATIENCE, |state| !state.has_ended);
                drop(waited.unwrap_or_else(PoisonError::into_inner));
                return status.exit_code();
            }
            assert!(Instant::now() < deadline, "it does not end:\n{}", self.screen());
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
