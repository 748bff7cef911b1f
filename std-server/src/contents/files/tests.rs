use std::fs;

use super::super::conformance::{self, Sample};
use super::*;

fn contents() -> (tempfile::TempDir, FileContents) {
    let home = tempfile::tempdir().unwrap();
    let contents = FileContents::new(home.path());
    (home, contents)
}

conformance::suite!(contents);

fn put(contents: &mut FileContents, sample: &Sample, len: usize) {
    let offset = contents.open_upload(1, sample.root, sample.size()).unwrap();
    let encoding = sample.encoding(offset);
    contents.append(1, &encoding[..len.min(encoding.len())]).unwrap();
}

/// The only file with this ending.
fn file(home: &tempfile::TempDir, ending: &str) -> std::path::PathBuf {
    let dirs = fs::read_dir(home.path().join("files")).unwrap();
    let mut files = dirs.flat_map(|dir| fs::read_dir(dir.unwrap().path()).unwrap()).map(|file| file.unwrap().path());
    files.find(|path| path.to_str().unwrap().ends_with(ending)).unwrap()
}

#[test]
fn a_restart_goes_on_with_what_proves() {
    let (home, mut contents) = contents();
    let sample = Sample::new(9 * 16384);
    put(&mut contents, &sample, 4 * 16384 + 5000);
    let (part, tree) = (file(&home, ".part"), file(&home, ".part.tree"));
    assert_eq!(fs::metadata(&part).unwrap().len(), 4 * 16384);
    // A crash may leave less than was written, or zeros in its place.
    for (damage, offset) in [(3 * 16384 + 7, 3 * 16384), (5, 0)] {
        let mut bytes = fs::read(&part).unwrap();
        bytes[damage..].fill(0);
        fs::write(&part, bytes).unwrap();
        contents = FileContents::new(home.path());
        assert_eq!(contents.open_upload(1, sample.root, sample.size()).unwrap(), offset as u64);
        assert_eq!(fs::metadata(&part).unwrap().len(), offset as u64);
    }
    put(&mut contents, &sample, 4 * 16384);
    fs::write(&tree, b"").unwrap();
    assert_eq!(contents.open_upload(1, sample.root, sample.size()).unwrap(), 0);
    put(&mut contents, &sample, usize::MAX);
    contents.finish(1).unwrap();
    assert!(!part.exists() && !tree.exists());
    let (content, outboard) = (fs::read(file(&home, "")).unwrap(), fs::read(file(&home, ".tree")).unwrap());
    assert!([content.len(), outboard.len()].iter().all(|len| [9 * 16384, 8 * 64].contains(len)));
}

#[test]
fn a_damaged_content_is_replaced() {
    let (home, mut contents) = contents();
    let sample = Sample::new(3 * 16384);
    put(&mut contents, &sample, usize::MAX);
    contents.finish(1).unwrap();
    let path = file(&home, &sample.root.to_string()[2..]);
    let mut bytes = fs::read(&path).unwrap();
    bytes[20_000] ^= 1;
    fs::write(&path, bytes).unwrap();
    put(&mut contents, &sample, usize::MAX);
    contents.finish(1).unwrap();
    assert_eq!(fs::read(&path).unwrap(), sample.content);
}

#[cfg(unix)]
#[test]
fn a_disk_that_takes_no_directory_is_an_error_and_no_panic() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("files"), b"").unwrap();
    let mut contents = FileContents::new(home.path());
    let sample = Sample::new(10);
    assert!(matches!(contents.open_upload(1, sample.root, 10), Err(ContentError::Other(_))));
    assert!(contents.open_download(1, sample.root, 10, GroupRange::all(10)).is_err());
    assert!(matches!(contents.append(1, b"x"), Err(ContentError::Missing)));
}
