//! The real server with a wall clock that jumps (`libfaketime` sets it and leaves the monotonic
//! clock unchanged).

use std::fs;
use std::path::{Path, PathBuf};

use kabar_tests::process::Process;
use kabar_tests::room::{Room, data_dir, give_key, spawn_join, temp_home, text};

/// Path of the library that sets the clock.
fn library() -> PathBuf {
    let directories = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
    let libraries = directories.map(|directory| Path::new(directory).join("faketime/libfaketimeMT.so.1"));
    let found = libraries.into_iter().find(|path| path.exists());
    found.expect("libfaketime is not installed: `tests/ci.sh processes` installs it")
}

/// A server whose wall clock is set by the file `clock` in its home.
fn start(home: &Path, listen: &str) -> Room {
    let script = format!(
        "FAKETIME_TIMESTAMP_FILE={} FAKETIME_NO_CACHE=1 DONT_FAKE_MONOTONIC=1 FAKETIME_DONT_FAKE_MONOTONIC=1 LD_PRELOAD={} \
         exec \"$BIN/kabar-server\" --listen {listen} --data-dir {}",
        text(&home.join("clock")),
        text(&library()),
        text(&data_dir(home)),
    );
    Room::of(Process::shell(&script, home), home)
}

/// Another identity requests the name and is refused. Returns the year that the server prints.
fn is_refused(room: &mut Room, name: &str) -> String {
    let home = temp_home();
    let mut stranger = spawn_join(home.path(), &room.invite, name, &[]);
    let line = room.server.expect(": the name is taken");
    stranger.kill();
    line.get(1..5).expect("a year").to_owned()
}

#[test]
fn setting_the_clock_frees_no_name() {
    let home = temp_home();
    give_key(home.path());
    let set = |clock: &str| fs::write(home.path().join("clock"), format!("{clock}\n")).expect("written");
    // A Raspberry Pi without a battery starts in 1970.
    set("@1970-01-01 00:10:00");
    let mut room = start(home.path(), "127.0.0.1:0");
    let mut anna = spawn_join(home.path(), &room.invite, "anna", &[]);
    anna.expect("anna has joined");
    anna.type_line("/quit");
    assert_eq!(anna.wait(), Some(0));
    room.server.expect("anna (127.0.0.1");
    // Months late, then right, then far in the future, then back.
    for (clock, year) in [
        ("@2025-03-01 12:00:00", "2025"),
        ("@2026-11-28 12:00:00", "2026"),
        ("@2039-01-01 12:00:00", "2039"),
        ("@1970-01-02 00:00:00", "1970"),
    ] {
        set(clock);
        assert_eq!(is_refused(&mut room, "anna"), year, "the clock was moved");
    }
    room.stop();
    set("@2030-01-01 12:00:00");
    let mut room = start(home.path(), "127.0.0.1:0");
    assert_eq!(is_refused(&mut room, "Anna"), "2030");
    // The owner of the name joins.
    let mut anna = spawn_join(home.path(), &room.invite, "anna", &[]);
    anna.expect("anna has joined");
    room.stop();
}
