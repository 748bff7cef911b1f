//! Where things lie on the disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use kabar_core::crypto::rsa::KeySize;
use kabar_server::key_file::load_or_create_key;
use kabar_std::data_dir::DataDir;
use tempfile::TempDir;

/// a temporary folder of one test.
///
/// # Panics
/// If there can be none.
#[must_use]
pub fn temp_home() -> TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

/// A path as an argument.
///
/// # Panics
/// If it is not UTF-8.
#[must_use]
pub fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Where a server keeps its data whose home is `home`.
#[must_use]
pub fn data_dir(home: &Path) -> PathBuf {
    home.join("server")
}

/// Gives the server of `home` the key that all servers of a test program share, unless it has one:
/// making one takes a debug build a while. The room's secret stays its own.
///
/// # Panics
/// If it cannot be made or written.
pub fn give_key(home: &Path) {
    static KEY: OnceLock<Vec<u8>> = OnceLock::new();
    let data = DataDir::open(&data_dir(home)).expect("a directory");
    if data.join("server.key").exists() {
        return;
    }
    let key = KEY.get_or_init(|| {
        let folder = self::temp_home();
        let dir = DataDir::open(folder.path()).expect("a directory");
        let _ = load_or_create_key(&dir, KeySize::Bits2048, || ()).expect("a key");
        fs::read(dir.join("server.key")).expect("a key")
    });
    data.replace("server.key", key).expect("written");
}
