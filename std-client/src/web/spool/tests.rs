use super::*;

fn files(spool: &Spool) -> usize {
    fs::read_dir(spool.dir.path()).unwrap().count()
}

#[test]
fn file_is_private_and_whole_and_removed_on_request() {
    let (_home, dir) = crate::temporary_dir();
    let spool = Spool::open(&dir).unwrap();
    let mut incoming = spool.create().unwrap();
    incoming.write(b"one ").unwrap();
    incoming.write(b"two").unwrap();
    let file = incoming.finish().unwrap();
    assert_eq!(fs::read(file.path()).unwrap(), b"one two");
    #[cfg(unix)]
    for (path, expected) in [(file.path(), 0o600), (spool.dir.path(), 0o700)] {
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions());
        assert_eq!(mode & 0o777, expected, "{}", path.display());
    }
    file.remove();
    assert_eq!(files(&spool), 0);
}

#[test]
fn file_that_does_not_become_whole_is_removed() {
    let (_home, dir) = crate::temporary_dir();
    let spool = Spool::open(&dir).unwrap();
    let mut incoming = spool.create().unwrap();
    incoming.write(b"one").unwrap();
    incoming.len = MAX_FILE_LEN;
    assert!(matches!(incoming.write(b"x"), Err(SpoolError::TooLong)));
    drop(incoming);
    assert_eq!(files(&spool), 0);
}

#[test]
fn files_are_bounded_in_number() {
    let (_home, dir) = crate::temporary_dir();
    let spool = Spool::open(&dir).unwrap();
    let mut all: Vec<_> = (0..MAX_FILES).map(|_| spool.create().unwrap()).collect();
    assert!(matches!(spool.create(), Err(SpoolError::Busy)));
    all.pop().unwrap().finish().unwrap().remove();
    assert!(spool.create().is_ok(), "there is place again, also after one was refused");
}

#[test]
fn next_start_removes_what_no_transfer_needs_and_no_process_has() {
    let (_home, dir) = crate::temporary_dir();
    let spool = Spool::open(&dir).unwrap();
    let [held, left, needed] = [(); 3].map(|()| spool.create().unwrap().finish().unwrap());
    let (left_path, needed_path) = (left.path().to_owned(), needed.path().to_owned());
    drop((left, needed));
    spool.clean(|| None);
    assert_eq!(files(&spool), 3, "nothing is known about transfers");
    spool.clean(|| Some(vec![needed_path.clone()]));
    assert!(held.path().exists() && needed_path.exists() && !left_path.exists());
    drop(Spool::open(&dir).unwrap());
    assert!(held.path().exists() && !needed_path.exists());
}
