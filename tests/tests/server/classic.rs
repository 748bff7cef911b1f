//! Clients of the classic dialect: an independent implementation in Python, written from the
//! description of the dialect, against the real server.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use kabar_tests::process::Process;
use kabar_tests::room::{Room, give_key, start_server, temp_home, text};

const PASSWORD: &str = "kata sandi";
const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/classic_client.py");

/// A room that admits classic clients.
fn open(home: &Path) -> Room {
    let file = home.join("classic");
    std::fs::write(&file, format!("{PASSWORD}\n")).expect("a file");
    Room::start_with(home, "127.0.0.1:0", &["--classic", "--classic-password-file", text(&file)])
}

/// A classic client that has its key, and that key. It logs in if `login` has a name and a
/// password.
fn python(room: &Room, login: &[&str]) -> (Process, String) {
    let mut command = Command::new("python3");
    let mut client = Process::command(command.arg(CLIENT).arg(&room.address).args(login), room.home());
    let key = client.expect("key ");
    (client, key)
}

/// A classic client that has logged in.
fn member(room: &Room, name: &str) -> Process {
    let (mut client, _) = python(room, &[name, PASSWORD]);
    client.expect(&format!("{name} joined!"));
    client.expect("Password accepted. You are now connected.");
    client
}

#[test]
fn two_python_clients_and_a_sealed_one_are_in_one_room() {
    let home = temp_home();
    let mut room = open(home.path());
    room.server.expect_stderr("reads and changes all that they write and read");
    let mut reader = room.join("reader");
    let mut ani = member(&room, "ani");
    ani.type_line("post haloooo");
    reader.wait_for(1);
    let mut budi = member(&room, "budi");
    budi.expect("] ani~: haloooo");
    let joined = ani.expect("has joined the chat!");
    assert!(joined.starts_with('[') && &joined[20..] == "] budi~ has joined the chat!", "{joined}");
    let mut rina = room.client("rina");
    ani.expect("] rina has joined the chat!");
    rina.type_line("jam 10:30: di kantin");
    ani.expect("] rina: jam 10:30: di kantin");
    budi.expect("] rina: jam 10:30: di kantin");
    budi.type_line("post selamat pagi, é 😀");
    ani.expect("] budi~: selamat pagi, é 😀");
    rina.expect("] budi~: selamat pagi, é 😀");
    rina.type_line(&"panjang ".repeat(200));
    let cut = budi.expect("] rina: panjang ");
    assert!((1_000..=1_024).contains(&cut.len()) && cut.ends_with(" [...]"), "{cut}");

    // A spoofed source has to guess the key; noise is dropped. The room goes on.
    let (mut stranger, _) = python(&room, &[]);
    let (_other, key) = python(&room, &[]);
    stranger.type_line(&key);
    stranger.type_line(&format!("text citra:{PASSWORD}"));
    stranger.type_line("noise 10000");
    stranger.expect("noise sent");
    ani.type_line("noise 500");
    ani.expect("noise sent");
    ani.type_line("post cek");
    budi.expect("] ani~: cek");
    rina.expect("] ani~: cek");
    rina.type_line("cok");
    ani.expect("] rina: cok");
    budi.type_line("post tosss");
    ani.expect("] budi~: tosss");
    reader.wait_for(7);
    reader.assert_whole();
    assert_eq!(reader.texts_of("ani~"), ["haloooo", "cek"]);
    assert_eq!(reader.texts_of("budi~"), ["selamat pagi, é 😀", "tosss"]);
    stranger.read_available();
    assert_eq!(stranger.stdout.len(), 2, "its key, and the end of the noise: {:?}", stranger.stdout);
    // Nobody gets its own lines.
    assert!(!ani.stdout.iter().any(|line| line.contains("] ani~:")), "{:?}", ani.stdout);

    room.server.type_line("/kick ani~ spam");
    ani.expect("Removed from the chat: you were kicked by server: spam.");
    // The noise came from the same host, so its next texts may be dropped.
    let answered = (0..240).any(|_| {
        ani.type_line("post cek");
        std::thread::sleep(Duration::from_millis(250));
        ani.read_available();
        ani.stdout.iter().any(|line| line == "You are no longer in the chat: join again.")
    });
    assert!(answered, "{:?}", ani.stdout);
    room.stop();
    budi.expect("The chat is closing");
}

#[test]
fn each_error_is_answered_as_by_the_original() {
    let home = temp_home();
    let room = open(home.path());
    let mut ani = member(&room, "ani");
    let (mut other, _) = python(&room, &["ani", PASSWORD]);
    other.expect("Name already taken.");
    other.type_line("text budi:salah");
    other.expect("Incorrect password.");
    other.type_line("text budi");
    other.expect("Invalid message format.");
    for (command, answer) in [
        ("text ani", "Invalid message format."),
        ("text ani:cek", "Invalid message format."),
        ("text ani:cek:x", "Invalid message format."),
        ("text budi:cek:2000325465", "Invalid message format."),
        ("raw 7,7,7,7,7,7,7,7", "Invalid message format."),
        ("text ani:cok:2000325465", "Message integrity compromised!"),
        ("post jam 10:30", "Message integrity compromised!"),
    ] {
        ani.type_line(command);
        ani.expect(answer);
    }
    // The name of a member with a key, also while it is away.
    drop(room.client("rina"));
    other.type_line(&format!("text rina:{PASSWORD}"));
    other.expect("Name already taken.");
}

#[test]
fn the_password_of_classic_clients_is_given_and_not_that_of_the_room() {
    let home = temp_home();
    give_key(home.path());
    let file = |name: &str, password: &str| {
        let file = home.path().join(name);
        std::fs::write(&file, format!("{password}\n")).expect("a file");
        file
    };
    let (same, room) = (file("classic", "caf\u{e9}"), file("room", "cafe\u{301}"));
    let fails = |arguments: &[&str]| {
        let mut server = start_server(home.path(), &[&["--listen", "127.0.0.1:0"], arguments].concat());
        (server.wait(), server.stderr.join("\n"))
    };
    let (code, stderr) = fails(&["--classic"]);
    assert!(code == Some(2) && stderr.contains("KABAR_CLASSIC_PASSWORD"), "{code:?} {stderr}");
    let (code, stderr) = fails(&["--classic", "--classic-password-file", text(&same), "--password-file", text(&room)]);
    assert!(code == Some(2) && stderr.contains("is that of the room"), "{code:?} {stderr}");
    let (code, stderr) = fails(&["--classic=perhaps"]);
    assert!(code == Some(2) && stderr.contains("true or false"), "{code:?} {stderr}");
}
