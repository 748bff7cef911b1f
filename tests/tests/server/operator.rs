//! Console commands, their effect on members, and signals.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use kabar_tests::process::{TIMEOUT, program};
use kabar_tests::room::{Room, data_dir, give_key, spawn_join, temp_home, text};

#[test]
fn the_operator_posts_and_runs_commands() {
    let mut room = Room::open();
    let mut darryl = room.client("darryl");
    room.server.type_line("dinner is ready");
    darryl.expect("server: dinner is ready");
    room.server.expect("server: dinner is ready");
    room.server.type_line("/who");
    room.server.expect("1 member here");
    let line = room.server.expect("darryl (127.0.0.1:");
    assert!(line.contains(" since 20") && line.contains(", idle ") && line.contains("round trip "), "{line}");
    room.server.type_line("/stats");
    room.server.expect("1 member of at most 10000");
    room.server.expect("dropped: damaged 0, not authentic 0, replayed 0");
    room.server.expect("entries in ");
    room.server.expect("no limit was hit");
    room.server.type_line("/invite");
    assert_eq!(room.server.expect("kabar://"), room.invite);
    room.server.type_line("/help");
    room.server.expect("/release NAME");
    room.server.type_line("/bans");
    room.server.expect("no bans or mutes");
}

#[test]
fn a_mistyped_command_is_reported_in_one_line_and_not_posted() {
    let mut room = Room::open();
    let mut darryl = room.client("darryl");
    for (typed, expected) in [
        ("/kcik darryl", "unknown command /kcik (see /help)"),
        ("/kick", "usage: /kick NAME"),
        ("/kick nobody", "nobody: no such member is connected (see /who)"),
        ("/ban nobody", "nobody: no such name"),
        ("/unban darryl", "darryl: is not banned (see /bans)"),
        ("/unmute darryl", "darryl: is not muted (see /bans)"),
        ("/release darryl", "darryl: the owner of this name is connected"),
        ("/release nobody", "nobody: no one owns this name"),
        ("/stop now", "/stop takes no argument"),
    ] {
        room.server.type_line(typed);
        room.server.expect(expected);
    }
    room.server.type_line("the end");
    darryl.expect("server: the end");
    assert!(!darryl.stdout.iter().any(|line| line.contains("/k")), "{:?}", darryl.stdout);
}

#[test]
fn a_kicked_member_ends_with_7_and_may_rejoin() {
    let mut room = Room::open();
    let mut reader = room.client("reader");
    let mut darryl = room.client("darryl");
    room.server.type_line("/kick DARRYL");
    room.server.expect("darryl was kicked");
    assert_eq!(darryl.wait(), Some(7), "{:?}", darryl.stderr);
    reader.expect("darryl was kicked from the chat!");
    let mut darryl = room.client("darryl");
    room.server.type_line("/kick darryl  please stop");
    darryl.expect_stderr("(server: you were kicked by server: please stop)");
    assert_eq!(darryl.wait(), Some(7), "{:?}", darryl.stderr);
    reader.expect("darryl was kicked from the chat: by server: please stop");
}

#[test]
fn a_banned_member_ends_with_7_and_is_refused_until_unbanned_even_after_a_restart() {
    let mut room = Room::open();
    let mut darryl = room.client("darryl");
    room.server.type_line("/ban darryl for spam");
    room.server.expect("server: darryl is banned by server: for spam");
    assert_eq!(darryl.wait(), Some(7));
    assert!(darryl.stderr.iter().any(|line| line.contains("banned")), "{:?}", darryl.stderr);
    // The ban is in the store, although the server is killed directly after it.
    room.server.type_line("/bans");
    assert!(room.server.expect("darryl banned since 20").ends_with(" by server: for spam"));
    let mut again = room.spawn_join("darryl", &[]);
    assert_eq!(again.wait(), Some(7), "{:?}", again.stderr);
    assert!(again.stderr.concat().contains("banned from this room by server: for spam"), "{:?}", again.stderr);
    let mut thief = spawn_join(&room.home_of("thief"), &room.invite, "Darryl", &[]);
    assert_eq!(thief.wait(), Some(5), "the name is still taken: {:?}", thief.stderr);
    room.kill_and_restart();
    let mut again = room.spawn_join("darryl", &[]);
    assert_eq!(again.wait(), Some(7), "{:?}", again.stderr);
    room.server.type_line("/unban darryl");
    room.server.expect("darryl is no longer banned");
    let _ = room.client("darryl");
}

#[test]
fn a_muted_member_learns_why_its_line_was_refused() {
    let mut room = Room::open();
    let mut reader = room.client("reader");
    let mut darryl = room.client("darryl");
    room.server.type_line("/mute darryl it is late");
    darryl.expect("server: darryl is muted by server: it is late");
    darryl.type_line("can you hear me");
    darryl.expect_stderr("muted in this room");
    room.server.type_line("/unmute darryl");
    room.server.expect("darryl is no longer muted");
    darryl.type_line("and now");
    reader.expect("darryl: and now");
    assert!(!reader.stdout.iter().any(|line| line.contains("hear me")), "{:?}", reader.stdout);
}

#[test]
fn a_released_name_is_free_for_another() {
    let mut room = Room::open();
    let mut darryl = room.client("darryl");
    darryl.type_line("/quit");
    assert_eq!(darryl.wait(), Some(0));
    room.server.expect("darryl (127.0.0.1");
    let other = room.home_of("other");
    let visit = || spawn_join(&other, &room.invite, "darryl", &[]);
    assert_eq!(visit().wait(), Some(5));
    room.server.type_line("/release darryl");
    room.server.expect("darryl is free");
    visit().expect_stderr("Joined ");
}

#[test]
fn stop_and_signals_end_the_server_cleanly_and_end_of_input_does_not() {
    for how in ["/stop", "TERM", "INT"] {
        let mut room = Room::open();
        let mut member = room.client("darryl");
        if how == "/stop" {
            room.server.type_line(how);
        } else {
            room.server.close_stdin();
            member.type_line("still here");
            room.server.expect("still here");
            room.server.signal(how);
        }
        assert_eq!(room.server.wait(), Some(0), "{how}: {:?}", room.server.stderr);
    }
}

/// A pseudo-terminal and the lines printed on it.
struct Terminal {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    lines: std::sync::mpsc::Receiver<String>,
    lines_read: Vec<String>,
}

impl Terminal {
    /// Runs `sh -c SCRIPT SERVER DATA` with the terminal as its controlling terminal.
    fn run(home: &Path, script: &str) -> Self {
        let pty = portable_pty::native_pty_system();
        // Wide enough that no line is wrapped.
        let size = portable_pty::PtySize { rows: 50, cols: 300, ..Default::default() };
        let pair = pty.openpty(size).expect("a terminal");
        let mut command = portable_pty::CommandBuilder::new("sh");
        command.args(["-c", script, text(&program("kabar-server")), text(&data_dir(home))]);
        let child = pair.slave.spawn_command(command).expect("it starts");
        let keyboard = pair.master.take_writer().expect("a keyboard");
        let mut screen = std::io::BufReader::new(pair.master.try_clone_reader().expect("a screen"));
        let (sender, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            // The master must be open while the reader reads.
            let _master = pair.master;
            let mut line = String::new();
            while std::io::BufRead::read_line(&mut screen, &mut line).is_ok_and(|len| len > 0) {
                if sender.send(std::mem::take(&mut line).trim_end().to_owned()).is_err() {
                    return;
                }
            }
        });
        Self { child, keyboard, lines, lines_read: Vec::new() }
    }

    fn type_line(&mut self, line: &str) {
        writeln!(self.keyboard, "{line}").and_then(|()| self.keyboard.flush()).expect("it reads");
    }

    fn expect(&mut self, expected: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(TIMEOUT);
            let line = line.unwrap_or_else(|_| panic!("no line with {expected:?}: {:#?}", self.lines_read));
            self.lines_read.push(line.clone());
            if line.contains(expected) {
                return line;
            }
        }
    }
}

impl Terminal {
    /// Waits until the program ends and returns its exit code.
    fn wait(&mut self) -> u32 {
        let deadline = std::time::Instant::now() + TIMEOUT;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child process") {
                return status.exit_code();
            }
            assert!(std::time::Instant::now() < deadline, "the program did not end: {:#?}", self.lines_read);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

#[test]
fn a_foreground_server_reads_its_terminal_and_a_background_server_continues() {
    let home = temp_home();
    give_key(home.path());
    let mut terminal = Terminal::run(home.path(), r#"exec "$0" --listen 127.0.0.1:0 --data-dir "$1""#);
    terminal.expect("kabar://");
    for _ in 0..2 {
        terminal.type_line("/who");
        terminal.expect("0 members here");
    }
    // Ctrl-C.
    terminal.type_line("\u{3}");
    assert_eq!(terminal.wait(), 0);

    // With job control, only the job in the foreground may read the terminal.
    let script = r#"set -m; "$0" --listen 127.0.0.1:0 --data-dir "$1" & echo "job $!"; cat"#;
    let mut terminal = Terminal::run(home.path(), script);
    let invite = terminal.expect("kabar://");
    let job = terminal.lines_read.iter().find_map(|line| line.strip_prefix("job ")).map(str::to_owned);
    // The terminal and `cat` echo it; the server must not read it.
    terminal.type_line("/who");
    terminal.expect("/who");
    terminal.expect("/who");
    let mut member = spawn_join(home.path(), &invite, "darryl", &[]);
    member.expect_stderr("Joined ");
    member.type_line("still here");
    terminal.expect("still here");
    assert!(!terminal.lines_read.iter().any(|line| line.contains("members here")), "{:?}", terminal.lines_read);
    let job = job.or_else(|| terminal.lines_read.iter().find_map(|line| line.strip_prefix("job ")).map(str::to_owned));
    let stopped = Command::new("kill").arg(job.expect("its id")).status();
    assert!(stopped.expect("kill(1)").success());
}
