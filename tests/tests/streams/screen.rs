//! Standard output and standard error of a server on one terminal.

use kabar_tests::process::Process;
use kabar_tests::room::{data_dir, give_key, temp_home, text};
use kabar_tests::terminal::Terminal;

/// Number of starts; a race between threads shows in some of them.
const STARTS: usize = 20;

#[test]
fn first_and_last_lines_are_whole_and_in_order() {
    let home = temp_home();
    give_key(home.path());
    let data = text(&data_dir(home.path())).to_owned();
    let arguments = ["--listen", "127.0.0.1:0", "--metrics", "0", "--key-bits", "3072", "--data-dir", &data];
    for _ in 0..STARTS {
        let mut server =
            Terminal::start_with("kabar-server", home.path(), &arguments, &[("NOTIFY_SOCKET", "/nonexistent")]);
        server.expect("READY=1");
        server.type_line("/stop");
        assert_eq!(server.wait(), 0);
        let written = server.written();
        let mut lines = shown_lines(&written);
        // A line typed before the editor reads is echoed by the terminal and drawn by the editor.
        lines.dedup();
        // The terminal echoes typed text at the cursor, so it follows all output except the end.
        let expected = [
            "listening on 127.0.0.1:",
            "kabar://127.0.0.1:",
            "kabar-server: with this invite only this computer can join",
            "kabar-server: key-bits changes nothing",
            "kabar-server: history: ",
            "kabar-server: metrics on http://127.0.0.1:",
            "kabar-server: the service manager at /nonexistent does not take READY=1: ",
            "/stop",
            "kabar-server: the service manager at /nonexistent does not take STOPPING=1: ",
        ];
        assert_eq!(lines.len(), expected.len(), "{lines:?}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.starts_with(expected), "{expected:?} in {written}");
        }
    }
}

/// The lines on the screen, without control sequences, prompts and empty lines.
fn shown_lines(written: &str) -> Vec<String> {
    let mut shown = String::new();
    let mut rest = written;
    while let Some((before, sequence)) = rest.split_once("\x1b[") {
        shown.push_str(before);
        rest = sequence.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
        rest = rest.get(1..).unwrap_or_default();
    }
    shown.push_str(rest);
    let lines = shown.lines().map(|line| line.replace('\r', "").trim_start_matches("> ").to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

#[test]
fn both_outputs_keep_their_order_in_one_pipe() {
    let home = temp_home();
    give_key(home.path());
    let data = text(&data_dir(home.path())).to_owned();
    let script = format!("exec \"$BIN/kabar-server\" --listen 127.0.0.1:0 --data-dir '{data}' 2>&1");
    for _ in 0..STARTS {
        let mut server = Process::shell(&script, home.path());
        server.expect("history: ");
        server.signal("TERM");
        assert_eq!(server.wait(), Some(0));
        let starts = ["listening on ", "kabar://", "kabar-server: with this invite", "kabar-server: history: "];
        assert!(server.stdout.iter().zip(starts).all(|(line, start)| line.starts_with(start)), "{:?}", server.stdout);
        assert_eq!(server.stdout.len(), starts.len(), "{:?}", server.stdout);
    }
}

#[test]
fn a_startup_error_is_the_last_line() {
    let home = temp_home();
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").and_then(|socket| Ok((socket.local_addr()?, socket)));
    let (address, _socket) = taken.expect("a port");
    let data = text(&data_dir(home.path())).to_owned();
    let arguments = ["--listen", &address.to_string(), "--data-dir", &data];
    let mut server = Terminal::start("kabar-server", home.path(), &arguments);
    assert_eq!(server.wait(), 1);
    let written = server.written();
    // Generating a key may take so long that a notice is printed.
    let (before, last) = written.trim_end().rsplit_once("\r\n").unwrap_or(("", written.trim_end()));
    assert!(before.is_empty() || before == "kabar-server: generating the server key (once) ...", "{written}");
    assert!(last.starts_with(&format!("kabar-server: cannot listen on {address}: ")), "{written}");
}
