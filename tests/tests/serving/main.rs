//! The operator's side of the real `kabar-server`: console, signals, configuration, metrics, subcommands, bad input.
//!
//! * [`operator`]: what is typed at it, and signals. * [`settings`]: what it is told at its start, and what it refuses.
//! * [`showing`]: what it shows: lines, figures, invites, manuals.

mod operator;
mod settings;
mod showing;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use kabar_core::crypto::rsa::KeySize;
use kabar_server::data_dir::DataDir;
use kabar_server::key_file::load_or_make_key;
use kabar_tests::process::Process;
use tempfile::TempDir;

struct Room {
    home: TempDir,
    server: Process,
    address: String,
    invite: String,
}

fn home() -> TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn data_dir(home: &Path) -> PathBuf {
    home.join("server")
}

/// `kabar-server` with these words and its data below `home`.
fn start(home: &Path, words: &[&str]) -> Process {
    let data = data_dir(home);
    Process::start("kabar-server", home, &[words, &["--data-dir", text(&data)]].concat())
}

/// All servers here have one key: making one takes a debug build a while.
fn give_key(data: &Path) {
    static KEY: OnceLock<String> = OnceLock::new();
    let key = KEY.get_or_init(|| {
        let folder = home();
        let dir = DataDir::open(folder.path()).expect("a directory");
        drop(load_or_make_key(&dir, KeySize::Bits2048, || ()).expect("a key"));
        fs::read_to_string(folder.path().join("server.key")).expect("a key")
    });
    fs::create_dir_all(data).expect("made");
    fs::write(data.join("server.key"), key).expect("written");
}

fn serve(home: TempDir, more: &[&str]) -> Room {
    give_key(&data_dir(home.path()));
    let server = start(home.path(), &[&["--listen", "127.0.0.1:0"], more].concat());
    let mut room = Room { home, server, address: String::new(), invite: String::new() };
    room.address = room.server.expect("listening on ").rsplit(' ').next().expect("an address").to_owned();
    room.invite = room.server.expect("kabar://");
    room
}

fn room() -> Room {
    serve(home(), &[])
}

impl Room {
    fn visit(&self, name: &str, more: &[&str]) -> Process {
        Process::start("kabar", &self.home.path().join(name), &[&["join", &self.invite, "--name", name], more].concat())
    }

    fn join(&self, name: &str) -> Process {
        let mut client = self.visit(name, &[]);
        client.expect_notice("Joined ");
        client
    }
}
