//! The C library: its header is generated from its sources, and a C program that is built as its
//! README describes joins a room of the real server.

use std::path::{Path, PathBuf};
use std::process::Command;

use kabar_tests::process::Process;
use kabar_tests::room::{Room, temp_home, text};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../embedded-example/capi");

fn run(command: &mut Command) {
    let output = command.output().expect("it starts");
    let text = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&text));
}

/// Compiles `source`, links it with the library, and returns the program's path in `home`.
fn compiled(home: &Path, source: &str) -> PathBuf {
    let target = Path::new(FOLDER).join("target");
    let mut build = Command::new(env!("CARGO"));
    run(build.current_dir(FOLDER).env("CARGO_TARGET_DIR", &target).args(["build", "--quiet", "--locked", "--release"]));
    let program = home.join("program");
    let mut cc = Command::new("cc");
    cc.current_dir(FOLDER).args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-Iinclude", source]);
    run(cc.arg(target.join("release/libkabar.a")).arg("-o").arg(&program));
    program
}

/// With `KABAR_HEADER=write` it writes the header first.
#[test]
fn the_header_is_generated_from_the_library() {
    let folder = Path::new(FOLDER);
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml").to_str().expect("UTF-8")).expect("settings");
    let builder = cbindgen::Builder::new().with_config(config).with_src(folder.join("src/lib.rs"));
    let bindings = builder.generate().expect("legal sources");
    let mut generated = Vec::new();
    bindings.write(&mut generated);
    let generated = String::from_utf8(generated).expect("UTF-8");
    let path = folder.join("include/kabar.h");
    if std::env::var("KABAR_HEADER").is_ok_and(|word| word == "write") {
        std::fs::write(&path, &generated).expect("the header is writable");
    }
    let kept = std::fs::read_to_string(path).expect("the header");
    assert!(kept == generated, "the header is not the generated one; KABAR_HEADER=write writes it:\n{generated}");
}

#[test]
fn invalid_arguments_are_refused() {
    let home = temp_home();
    run(&mut Command::new(compiled(home.path(), "tests/errors.c")));
}

/// The header is the same for 32 bits; the library checks its sizes while it is built.
#[test]
fn builds_for_a_microcontroller() {
    let mut build = Command::new(env!("CARGO"));
    build.current_dir(FOLDER).env("CARGO_TARGET_DIR", Path::new(FOLDER).join("target"));
    run(build.args(["build", "--quiet", "--locked", "--release", "--target", "thumbv7em-none-eabihf"]));
}

#[test]
fn a_member_in_c_chats_with_the_client() {
    let room = Room::open();
    let program = compiled(room.home(), "example/chat.c");
    let mut client = room.client("ana");

    let mut device = Process::start(text(&program), room.home(), &[&room.invite, "probe"]);
    device.expect_stderr("joined as probe, 2 here");
    client.type_line("what is up?");
    device.expect("ana: what is up?");
    // More than its outbox takes at once.
    for line in 1..=300 {
        device.type_line(&format!("line {line}: ü"));
    }
    client.expect("probe: line 300: ü");
    let received: Vec<&String> = client.stdout.iter().filter(|line| line.contains("probe: line")).collect();
    assert_eq!(received.len(), 300);
    assert!((1..=300).zip(&received).all(|(number, line)| line.ends_with(&format!("probe: line {number}: ü"))));
    device.close_stdin();
    assert_eq!(device.wait(), Some(0));
    client.expect("probe has left");
}
