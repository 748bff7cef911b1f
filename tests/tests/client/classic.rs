//! `kabar join --classic` at a server of the dialect that was written independently, in Python.

use std::process::Command;

use kabar_tests::process::{Process, program};
use kabar_tests::room::temp_home;

use super::object;

const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/classic_server.py");
/// All that the original reads of a datagram.
const MAX_DATAGRAM: u64 = 1024;

/// A server, and everything under one directory.
struct Classic {
    server: Process,
    address: String,
    home: tempfile::TempDir,
}

impl Classic {
    fn start(arguments: &[&str]) -> Self {
        let home = temp_home();
        let mut server = Process::command(Command::new("python3").arg(SERVER).args(arguments), home.path());
        let line = server.expect("port ");
        let address = format!("127.0.0.1:{}", line.trim_start_matches("port "));
        Self { server, address, home }
    }

    fn join(&self, name: &str, password: Option<&str>, further: &[&str]) -> Process {
        let mut command = Command::new(program("kabar"));
        command.args(["join", "--classic", &self.address, "--name", name]).args(further);
        match password {
            Some(password) => command.env("KABAR_CLASSIC_PASSWORD", password),
            None => command.env_remove("KABAR_CLASSIC_PASSWORD"),
        };
        Process::command(&mut command, self.home.path())
    }

    /// The message of the next post that the server reads, and the length of its datagram.
    fn read(&mut self) -> (String, u64) {
        let line = object(&self.server.expect("\"text\""));
        let text = line["text"].as_str().expect("a text");
        let parts: Vec<_> = text.rsplitn(3, ':').collect();
        (parts[1].to_owned(), line["bytes"].as_u64().expect("a length"))
    }
}

/// Ends with this exit code, and says this.
fn fails(mut process: Process, code: i32, expected: &str) {
    assert_eq!(process.wait(), Some(code), "{:?}", process.stderr);
    let said = process.stderr.join("\n");
    assert!(said.contains(expected), "{said}");
}

#[test]
fn a_member_reads_the_history_and_talks_with_the_others() {
    let mut classic = Classic::start(&[]);
    let mut anna = classic.join("anna", Some("rahasia"), &[]);
    anna.expect("darryl: the first line");
    anna.expect("darryl: the second line: last");
    let mut farhan = classic.join("farhan", Some("rahasia"), &["--json"]);
    anna.expect("farhan has joined the chat!");
    farhan.expect("\"joined\"");
    anna.type_line("haloooo \u{1f44b}");
    let own = anna.expect("anna: haloooo \u{1f44b}");
    let came = object(&farhan.expect("haloooo"));
    assert_eq!((came["author"].as_str(), came["own"].as_bool()), (Some("anna"), Some(false)), "{came}");
    assert!(own.starts_with('['), "the time at which it was sent: {own}");
    farhan.type_line("apa kabar?");
    let stored = object(&farhan.expect("\"stored\""));
    assert_eq!(stored["number"].as_u64(), Some(1), "{stored}");
    anna.expect("farhan: apa kabar?");
    classic.server.type_line("say darryl and a line of mine");
    anna.expect("darryl: and a line of mine");
    classic.server.type_line("raw Message integrity compromised!");
    anna.expect_stderr("Message integrity compromised!");
    // Neither a line nor an answer, with what a terminal must not get.
    classic.server.type_line("raw \u{1b}[2Jfrom elsewhere");
    let line = anna.expect_stderr("from elsewhere");
    assert!(!line.contains('\u{1b}'), "{line:?}");
    for mut member in [anna, farhan] {
        member.close_stdin();
        assert_eq!(member.wait(), Some(0), "{:?}", member.stderr);
        let warnings = member.stdout.iter().chain(&member.stderr).filter(|line| line.contains("nothing is protected"));
        assert_eq!(warnings.count(), 1, "it is said once: {:?}", member.stderr);
    }
    assert!(!classic.home.path().join("share/kabar/identity.key").exists(), "the identity is not used");
}

#[test]
fn lines_fit_into_what_the_original_reads() {
    let mut classic = Classic::start(&[]);
    let long = "a line that goes on and on ".repeat(30);
    let mut anna = classic.join("anna", Some("rahasia"), &[]);
    anna.type_line(long.trim_end());
    anna.type_line("at 10:30, http://x");
    anna.close_stdin();
    assert_eq!(anna.wait(), Some(0), "{:?}", anna.stderr);
    classic.server.expect("anna:rahasia");
    let (mut words, mut is_first) = (0, true);
    loop {
        let (message, bytes) = classic.read();
        assert!(bytes <= MAX_DATAGRAM, "{bytes}: {message}");
        assert_eq!(message.starts_with('\u{2026}'), !is_first, "{message}");
        words += message.matches("goes").count();
        is_first = false;
        if !message.ends_with('\u{2026}') {
            break;
        }
    }
    assert_eq!(words, 30, "nothing is lost");
    assert_eq!(classic.read().0, "at 10\u{ff1a}30, http\u{ff1a}//x");
    assert!(anna.stderr.join("\n").contains("no colon"), "{:?}", anna.stderr);
}

#[test]
fn what_the_key_is_too_small_for_is_refused() {
    let classic = Classic::start(&["--small-key"]);
    let mut anna = classic.join("anna", Some("rahasia"), &[]);
    anna.type_line("a private character: \u{10fffd}");
    anna.type_line("an emoji is none: \u{1f44b}");
    anna.close_stdin();
    assert_eq!(anna.wait(), Some(6), "{:?}", anna.stderr);
    assert!(anna.stderr.join("\n").contains("U+10FFFD"), "{:?}", anna.stderr);
    assert!(anna.stdout.iter().any(|line| line.contains("an emoji is none")), "{:?}", anna.stdout);
}

#[test]
fn refusals_have_the_exit_codes_of_other_servers() {
    let classic = Classic::start(&[]);
    fails(classic.join("anna", Some("wrong"), &[]), 4, "wrong password");
    fails(classic.join("darryl", Some("rahasia"), &[]), 5, "the name darryl is taken");
    fails(classic.join("anna", None, &[]), 4, "KABAR_CLASSIC_PASSWORD");
    fails(classic.join("anna", Some("with:colon"), &[]), 7, "Invalid message format.");
    fails(classic.join("a:b", Some("rahasia"), &[]), 5, "':'");
    // The password of a room of Kabar is not sent to a server that protects nothing.
    let mut command = Command::new(program("kabar"));
    command.args(["join", "--classic", &classic.address, "--name", "anna"]).env("KABAR_PASSWORD", "rahasia");
    fails(Process::command(&mut command, classic.home.path()), 4, "KABAR_CLASSIC_PASSWORD");
}

#[test]
fn a_server_that_does_not_answer_is_one_that_is_not_reached() {
    let silent = Classic::start(&["--silent"]);
    let deaf = Classic::start(&["--deaf"]);
    let joins = [silent.join("anna", Some("rahasia"), &[]), deaf.join("anna", Some("rahasia"), &[])];
    for join in joins {
        fails(join, 3, "after 5 s");
    }
    let mut gone = Classic::start(&[]);
    gone.server.kill();
    fails(gone.join("anna", Some("rahasia"), &[]), 3, "refused");
}

#[test]
fn commands_that_the_dialect_does_not_have_are_refused() {
    let classic = Classic::start(&[]);
    // With a terminal's commands, since a pipe has few.
    let mut anna = classic.join("anna", Some("rahasia"), &[]);
    anna.expect("the second line");
    anna.type_line("/who");
    anna.expect_stderr("2 seen here so far: anna, darryl");
    anna.type_line("/quit");
    assert_eq!(anna.wait(), Some(0));
}
