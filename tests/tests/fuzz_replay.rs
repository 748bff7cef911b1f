//! Replays the corpus of each fuzz target through the target's checks, without a fuzzer.

use std::fs;
use std::path::Path;

#[path = "../../core/fuzz/src/lib.rs"]
#[allow(unreachable_pub)]
mod checks;

/// Runs `check` on each input in the corpus of `target`.
fn replay(target: &str, check: fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/fuzz/corpus").join(target);
    let entries = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut count = 0;
    for entry in entries {
        let path = entry.expect("a readable directory").path();
        println!("{}", path.display());
        check(&fs::read(&path).expect("a readable file"));
        count += 1;
    }
    assert!(count > 0, "no inputs in {}", directory.display());
}

#[test]
fn inputs_in_the_corpus_of_classic_pass() {
    replay("classic", checks::classic::check);
}

#[test]
fn inputs_in_the_corpus_of_client_pass() {
    replay("client", checks::client::check);
}

#[test]
fn inputs_in_the_corpus_of_connection_pass() {
    replay("connection", checks::connection::check);
}

#[test]
fn inputs_in_the_corpus_of_content_pass() {
    replay("content", checks::content::check);
}

#[test]
fn inputs_in_the_corpus_of_duplex_pass() {
    replay("duplex", checks::duplex::check);
}

#[test]
fn inputs_in_the_corpus_of_handshake_pass() {
    replay("handshake", checks::handshake::check);
}

#[test]
fn inputs_in_the_corpus_of_messages_pass() {
    replay("messages", checks::messages::check);
}

#[test]
fn inputs_in_the_corpus_of_packet_pass() {
    replay("packet", checks::packet::check);
}

#[test]
fn inputs_in_the_corpus_of_serial_pass() {
    replay("serial", checks::serial::check);
}

#[test]
fn every_fuzz_target_is_replayed() {
    let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/fuzz/fuzz_targets");
    for entry in fs::read_dir(targets).expect("the folder of the targets") {
        let target = entry.expect("a readable directory").path().with_extension("");
        let target = target.file_name().and_then(|name| name.to_str()).expect("a name");
        assert!(include_str!("fuzz_replay.rs").contains(&format!("replay(\"{target}\", ")), "{target} is not");
    }
}
