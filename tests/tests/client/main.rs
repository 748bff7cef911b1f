//! `kabar` in pipes and scripts: options, exit codes, JSON objects, stored state, several rooms,
//! files, and invalid input.

mod addresses;
mod classic;
mod errors;
mod files;
mod history;
mod json;
mod persistence;
mod pipes;
mod rooms;
mod switching;

use std::path::Path;

use kabar_tests::process::Process;
use kabar_tests::room::text;

/// Creates a file under `home` with this content.
fn file(home: &Path, name: &str, content: &str) -> String {
    let path = home.join(name);
    std::fs::write(&path, content).expect("a file");
    text(&path).to_owned()
}

/// Runs `kabar` to its end without input. Returns exit code, standard output and standard error.
fn run(home: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut process = Process::start("kabar", home, arguments);
    process.close_stdin();
    let code = process.wait().expect("a code");
    (code, process.stdout.join("\n"), process.stderr.join("\n"))
}

/// Like [`run`], but asserts the exit code. Returns standard error.
fn ends_with(code: i32, home: &Path, arguments: &[&str]) -> String {
    let (found, stdout, stderr) = run(home, arguments);
    assert_eq!(found, code, "{arguments:?}: {stdout}\n{stderr}");
    stderr
}

fn object(line: &str) -> serde_json::Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{line} is not an object: {error}"))
}
