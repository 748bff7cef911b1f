use super::*;

fn dir() -> (tempfile::TempDir, DataDir) {
    let home = tempfile::tempdir().unwrap();
    let data = DataDir::open(&home.path().join("a/b")).unwrap();
    (home, data)
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[cfg(unix)]
#[test]
fn creates_files_for_their_owner_only() {
    let (_home, data) = dir();
    data.replace("sub/file", b"secret").unwrap();
    let _lock = data.lock("sub/lock").unwrap();
    assert_eq!(mode(data.path()), 0o700);
    assert_eq!(mode(data.path().parent().unwrap()), 0o700);
    assert_eq!(mode(&data.join("sub")), 0o700);
    assert_eq!(mode(&data.join("sub/file")), 0o600);
    assert_eq!(mode(&data.join("sub/lock")), 0o600);
}

#[cfg(unix)]
#[test]
fn a_secret_that_others_may_read_is_made_private() {
    use std::os::unix::fs::PermissionsExt;
    let (_home, data) = dir();
    fs::write(data.join("file"), "secret").unwrap();
    fs::set_permissions(data.join("file"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(data.read("file").unwrap().unwrap().as_str(), "secret");
    assert_eq!(mode(&data.join("file")), 0o600);
}

#[test]
fn replacing_leaves_one_whole_file() {
    let (_home, data) = dir();
    assert!(data.read("file").unwrap().is_none());
    data.replace("file", b"a longer first content").unwrap();
    data.replace("file", b"second").unwrap();
    assert_eq!(data.read("file").unwrap().unwrap().as_str(), "second");
    assert_eq!(fs::read_dir(data.path()).unwrap().count(), 1, "no temporary file is left");
}

#[cfg(unix)]
#[test]
fn a_file_that_does_not_change_is_not_written() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let (_home, data) = dir();
    let file = || {
        let file = fs::metadata(data.join("file")).unwrap();
        (file.ino(), file.mtime_nsec(), file.ctime_nsec())
    };
    data.replace("file", b"content").unwrap();
    let before = file();
    data.replace("file", b"content").unwrap();
    assert_eq!(file(), before);
    fs::set_permissions(data.join("file"), fs::Permissions::from_mode(0o644)).unwrap();
    data.replace("file", b"content").unwrap();
    assert_eq!((file().0, mode(&data.join("file"))), (before.0, 0o600), "and is private all the same");
    for other in [b"content2".as_slice(), b"conten", b""] {
        data.replace("file", other).unwrap();
        assert_eq!(fs::read(data.join("file")).unwrap(), other);
    }
    // A symbolic link is replaced by a file.
    fs::rename(data.join("file"), data.join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(data.join("elsewhere"), data.join("file")).unwrap();
    data.replace("file", b"").unwrap();
    assert!(fs::symlink_metadata(data.join("file")).unwrap().is_file());
}

#[test]
fn skips_a_byte_order_mark_and_names_the_line_that_is_not_utf8() {
    let (_home, data) = dir();
    fs::write(data.join("file"), b"\xef\xbb\xbfone\r\ntwo\n").unwrap();
    assert_eq!(data.read("file").unwrap().unwrap().as_str(), "one\r\ntwo\n");
    fs::write(data.join("file"), b"one\ncaf\xe9\n").unwrap();
    assert!(data.read("file").unwrap_err().to_string().contains("line 2 is not UTF-8"));
}

#[test]
fn a_lock_is_held_once_and_names_its_holder() {
    let (_home, data) = dir();
    assert!(!is_locked(&data.join("lock")));
    let held = data.lock("lock").unwrap();
    assert!(is_locked(&data.join("lock")));
    assert!(matches!(data.lock("lock"), Err(LockError::Held(Some(id))) if id == std::process::id()));
    drop(data.lock("other").unwrap());
    drop(held);
    drop(data.lock("lock").unwrap());
}

#[test]
fn a_lock_is_free_although_a_new_process_still_has_its_file() {
    let (_home, data) = dir();
    let held = data.lock("lock").unwrap();
    let copy = held.file.try_clone().unwrap();
    drop(held);
    drop(data.lock("lock").unwrap());
    drop(copy);
}

#[test]
fn errors_name_the_file_in_one_line() {
    let (_home, data) = dir();
    fs::write(data.join("plain"), "").unwrap();
    fs::write(data.join("bytes"), [0xff, 0xfe]).unwrap();
    let errors = [
        data.replace("plain/file", b"").unwrap_err().to_string(),
        data.lock("plain/lock").unwrap_err().to_string(),
        data.read("bytes").unwrap_err().to_string(),
        DataDir::open(&data.join("plain/dir")).unwrap_err().to_string(),
    ];
    for error in errors {
        assert!(error.contains(data.path().to_str().unwrap()) && !error.contains('\n'), "{error}");
    }
}
