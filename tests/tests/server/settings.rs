//! Settings of a server at its start, and invalid ones.

use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;

use kabar_tests::process::{Process, program};
use kabar_tests::room::{data_dir, give_key, start_server, temp_home, text};

/// Exit code and error of a server that does not start: one line on stderr, nothing on stdout.
fn startup_error(mut server: Process) -> (Option<i32>, String) {
    server.close_stdin();
    let code = server.wait();
    assert!(server.stdout.is_empty(), "{:?}", server.stdout);
    assert_eq!(server.stderr.len(), 1, "{:?}", server.stderr);
    (code, server.stderr[0].clone())
}

#[test]
fn the_run_subcommand_may_be_given() {
    let home = temp_home();
    give_key(home.path());
    let mut server = start_server(home.path(), &["run", "--listen", "127.0.0.1:0"]);
    server.expect("listening on ");
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn without_a_data_directory_the_default_of_the_user_applies() {
    let home = temp_home();
    let mut server = Process::start("kabar-server", home.path(), &["--listen", "127.0.0.1:0"]);
    server.expect("listening on ");
    assert!(home.path().join("share/kabar/server.key").is_file(), "{:?}", server.stdout);
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn a_password_comes_from_stdin_or_a_file() {
    let home = temp_home();
    give_key(home.path());
    let mut server = start_server(home.path(), &["--listen", "127.0.0.1:0", "--password-stdin"]);
    server.type_line("open sesame");
    let address = server.expect("listening on ").rsplit(' ').next().expect("an address").to_owned();
    // The next line is a line for the console.
    server.type_line("/who");
    server.expect("0 members here");
    let file = home.path().join("password");
    fs::write(&file, "open sesame\n").expect("written");
    let visit = |name: &str, password: &Path| {
        let arguments = ["join", &address, "--name", name, "--accept-new", "--password-file", text(password)];
        Process::start("kabar", &home.path().join(name), &arguments)
    };
    visit("darryl", &file).expect_stderr("Joined ");
    let wrong = home.path().join("wrong");
    fs::write(&wrong, "guess\n").expect("written");
    assert_eq!(visit("thief", &wrong).wait(), Some(4));
    server.kill();

    fs::write(&file, "\n").expect("written");
    let (code, stderr) =
        startup_error(start_server(home.path(), &["--listen", "127.0.0.1:0", "--password-file", text(&file)]));
    assert!(code == Some(2) && stderr.contains("empty") && stderr.contains(text(&file)), "{code:?} {stderr}");
    let mut long = start_server(home.path(), &["--listen", "127.0.0.1:0", "--password-stdin"]);
    long.type_line(&"x".repeat(2_000));
    let (code, stderr) = startup_error(long);
    assert!(
        code == Some(2) && stderr.contains("longer than") && stderr.contains("--password-stdin"),
        "{code:?} {stderr}"
    );
}

#[test]
fn a_flag_overrides_the_environment_which_overrides_the_file() {
    let home = temp_home();
    let data = data_dir(home.path());
    give_key(home.path());
    fs::write(data.join("kabar-server.toml"), "room = \"den\"\nmax-members = 12\nmax-body = 99\n").expect("written");
    let config = |arguments: &[&str]| {
        let output = Command::new(program("kabar-server"))
            .arg("config")
            .args(["--data-dir", text(&data)])
            .args(arguments)
            .env("KABAR_MAX_BODY", "77")
            .env("KABAR_ROOM", "attic")
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let shown = config(&["--room", "yard"]);
    let has = |start: &str, end: &str| shown.lines().any(|line| line.starts_with(start) && line.ends_with(end));
    assert!(has("room = \"yard\"", "# --room"), "{shown}");
    assert!(has("max-body = \"77\"", "# KABAR_MAX_BODY"), "{shown}");
    assert!(has("max-members = \"12\"", "kabar-server.toml:2"), "{shown}");
    assert!(has("max-events = \"4096\"", "# default"), "{shown}");
    // The server uses these values.
    let mut server = start_server(home.path(), &["--listen", "127.0.0.1:0", "--max-body", "50"]);
    assert!(server.expect("kabar://").contains("/den/"));
    server.type_line("/stats");
    server.expect("at most 12;");
}

#[test]
fn bad_input_is_reported_in_one_line_that_names_it() {
    let home = temp_home();
    let listen = ["--listen", "127.0.0.1:0"];
    for (arguments, named) in [
        (vec!["--lisen", "1"], "--lisen"),
        (vec!["--listen", "here"], "--listen \"here\""),
        (vec!["--max-members", "none"], "--max-members \"none\""),
        (vec!["--room", "Lob by"], "--room"),
        (vec!["--key-bits", "1024"], "--key-bits"),
        (vec!["--metrics", "somewhere"], "--metrics"),
        (vec!["--config", "/nonexistent/k.toml"], "/nonexistent/k.toml"),
        (vec!["dance"], "dance"),
    ] {
        let (code, stderr) = startup_error(start_server(home.path(), &arguments));
        assert!(code == Some(2) && stderr.starts_with("kabar-server: ") && stderr.contains(named), "{code:?} {stderr}");
    }
    let data = data_dir(home.path());
    assert!(!data.exists(), "nothing was created");
    fs::create_dir(&data).expect("created");
    fs::write(data.join("kabar-server.toml"), "# limits\nmax-membrs = 5\n").expect("written");
    let (code, stderr) = startup_error(start_server(home.path(), &listen));
    assert!(
        code == Some(2) && stderr.contains("kabar-server.toml:2") && stderr.contains("max-membrs"),
        "{code:?} {stderr}"
    );
    fs::write(data.join("kabar-server.toml"), "max-members = 0\n").expect("written");
    let (code, stderr) = startup_error(start_server(home.path(), &listen));
    assert!(
        code == Some(2) && stderr.contains("kabar-server.toml:1") && stderr.contains("max-members"),
        "{code:?} {stderr}"
    );
}

#[test]
fn an_unusable_port_or_directory_is_named() {
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    let (home, other) = (temp_home(), temp_home());
    give_key(home.path());
    let (code, stderr) = startup_error(start_server(home.path(), &["--listen", &address]));
    assert!(code == Some(1) && stderr.contains(&address) && stderr.contains("in use"), "{code:?} {stderr}");
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let metrics = tcp.local_addr().expect("bound").to_string();
    let (code, stderr) = startup_error(start_server(home.path(), &["--listen", "127.0.0.1:0", "--metrics", &metrics]));
    assert!(code == Some(1) && stderr.contains(&metrics), "{code:?} {stderr}");
    // A file in place of the directory: not even root can write there.
    fs::write(other.path().join("server"), "").expect("written");
    let (code, stderr) = startup_error(start_server(other.path(), &["--listen", "127.0.0.1:0"]));
    assert!(code == Some(1) && stderr.contains(text(&data_dir(other.path()))), "{code:?} {stderr}");
}
