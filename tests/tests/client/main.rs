//! `kabar` in pipes and scripts: options, exit codes, objects, what it keeps, and every kind of bad
//! input.

mod objects;
mod persistence;
mod pipes;
mod refused;
mod several;

use std::path::Path;

use kabar_tests::process::Process;
use kabar_tests::room::text;

/// A file below `home` that holds `content`.
fn file(home: &Path, name: &str, content: &str) -> String {
    let path = home.join(name);
    std::fs::write(&path, content).expect("a file");
    text(&path).to_owned()
}

/// Runs `kabar` to its end without input: exit code, standard output, standard error.
fn run(home: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut process = Process::start("kabar", home, arguments);
    process.close_stdin();
    let code = process.wait().expect("a code");
    (code, process.said.join("\n"), process.noticed.join("\n"))
}

/// As [`run`], for what has to end with `code`; what it said to people.
fn ends_with(code: i32, home: &Path, arguments: &[&str]) -> String {
    let (found, said, noticed) = run(home, arguments);
    assert_eq!(found, code, "{arguments:?}: {said}\n{noticed}");
    noticed
}

fn object(line: &str) -> serde_json::Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{line} is no object: {error}"))
}
