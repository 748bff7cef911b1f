//! Directories and files of servers and members.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use kabar_core::crypto::rsa::KeySize;
use kabar_server::key_file::load_or_create_key;
use kabar_std::data_dir::DataDir;
use tempfile::TempDir;

/// A temporary directory for one test.
///
/// # Panics
/// If it cannot be created.
#[must_use]
pub fn temp_home() -> TempDir {
    tempfile::tempdir().expect("a directory for the test")
}

/// A path as an argument.
///
/// # Panics
/// If it is not UTF-8.
#[must_use]
pub fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// The data directory of a server whose home is `home`.
#[must_use]
pub fn data_dir(home: &Path) -> PathBuf {
    home.join("server")
}

/// Copies a directory whose program may be running: a file that is replaced meanwhile is copied in
/// its old or its new version, and a temporary one that has been removed is left out.
///
/// # Panics
/// If anything else fails.
pub fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().expect("a type");
        if kind.is_dir() {
            copy_files(&source, &target);
        }
        // The control socket of a running server is not part of its data.
        if !kind.is_file() {
            continue;
        }
        match fs::copy(&source, &target) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => panic!("{}: {error}", source.display()),
        }
    }
}

/// Gives the server of `home` the key that all servers of a test program share, unless it has one:
/// generating a key takes a debug build a while. Each server still has its own room secret.
///
/// # Panics
/// If the key cannot be generated or written.
pub fn give_key(home: &Path) {
    static KEY: OnceLock<Vec<u8>> = OnceLock::new();
    let data = DataDir::open(&data_dir(home)).expect("a directory");
    if data.join("server.key").exists() {
        return;
    }
    let key = KEY.get_or_init(|| {
        let directory = self::temp_home();
        let dir = DataDir::open(directory.path()).expect("a directory");
        let _ = load_or_create_key(&dir, KeySize::Bits2048, || ()).expect("a key");
        fs::read(dir.join("server.key")).expect("a key")
    });
    data.replace("server.key", key).expect("written");
}
