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
fn inputs_in_the_corpus_of_content_pass() {
    replay("content", checks::content::check);
}

#[test]
fn inputs_in_the_corpus_of_packet_pass() {
    replay("packet", checks::packet::check);
}
