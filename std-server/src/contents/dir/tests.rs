use super::*;

fn dir() -> (tempfile::TempDir, ContentDir) {
    let home = tempfile::tempdir().unwrap();
    let dir = ContentDir::new(home.path());
    (home, dir)
}

/// Stores `content`, of one group, as a server does.
fn store(dir: &ContentDir, content: &[u8]) -> Root {
    let (root, size) = (Root::of(content), content.len() as u64);
    let (file, _) = dir.open_part(root, size).unwrap();
    kabar_std::content::write_at(&file, 0, content).unwrap();
    dir.complete(root, size).unwrap();
    root
}

#[test]
fn a_directory_that_does_not_exist_is_empty() {
    let (_home, dir) = dir();
    assert_eq!(dir.stored().unwrap(), Stored::default());
    assert!(dir.open_whole(Root::of(b"x"), 1).unwrap().is_none());
    dir.remove(Root::of(b"x")).unwrap();
    assert!(!dir.path().exists());
}

#[test]
fn lists_contents_parts_and_what_is_neither() {
    let (_home, dir) = dir();
    let (whole, part) = (store(&dir, b"whole"), Root::of(b"part"));
    let (file, _) = dir.open_part(part, 4).unwrap();
    file.set_len(3).unwrap();
    let lonely = append(dir.whole(part), ".77.part.tree");
    let shouted = dir.dir_of(whole).join(whole.to_string()[PREFIX_LEN..].to_uppercase());
    let mut others = vec![
        dir.path.join("README"),
        dir.path.join("abc"),
        dir.dir_of(whole).join("notes.tree"),
        append(dir.whole(whole), ".x.part"),
        append(dir.whole(whole), ".07.part"),
        append(dir.whole(whole), ".old"),
        lonely,
        shouted,
    ];
    others.iter().for_each(|path| fs::write(path, b"").unwrap());
    others.push(dir.path.join("ee"));
    fs::write(dir.path.join("ee"), b"").unwrap();
    others.sort_unstable();
    let stored = dir.stored().unwrap();
    assert_eq!(stored, Stored { whole: vec![(whole, 5)], parts: vec![(part, 4, 3)], others });
}

#[test]
fn removes_a_content_and_its_parts_and_no_other() {
    let (_home, dir) = dir();
    let (gone, stays) = (store(&dir, b"gone"), store(&dir, b"stays"));
    dir.open_part(gone, 9).unwrap();
    dir.open_part(stays, 9).unwrap();
    dir.remove(gone).unwrap();
    let expected = Stored { whole: vec![(stays, 5)], parts: vec![(stays, 9, 0)], others: vec![] };
    assert_eq!(dir.stored().unwrap(), expected);
    assert_eq!(fs::read_dir(dir.dir_of(gone)).unwrap().count(), 0);
}

#[test]
fn a_copy_is_whole_and_stays_when_the_original_goes() {
    let (home, dir) = dir();
    let copy = ContentDir::at(home.path().join("copy"));
    let root = store(&dir, b"content");
    dir.copy(root, &copy).unwrap();
    dir.copy(root, &copy).unwrap();
    dir.remove(root).unwrap();
    assert_eq!(copy.stored().unwrap().whole, [(root, 7)]);
    assert!(copy.open_whole(root, 7).unwrap().is_some());
    assert_eq!(dir.copy(root, &ContentDir::at(home.path().join("b"))).unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[cfg(unix)]
#[test]
fn everything_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let (_home, dir) = dir();
    let root = store(&dir, b"private");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!([&dir.path, &dir.dir_of(root)].map(|path| mode(path)), [0o700; 2]);
    assert_eq!([&dir.whole(root), &tree(&dir.whole(root))].map(|path| mode(path)), [0o600; 2]);
}

#[cfg(unix)]
#[test]
fn what_is_in_the_way_is_not_followed() {
    use std::os::unix::fs::symlink;
    let root = Root::of(b"x");
    let at_each_place: [fn(&ContentDir, Root) -> PathBuf; 4] = [
        |dir, _| dir.path.clone(),
        |dir, root| dir.dir_of(root),
        |dir, root| dir.part(root, 1),
        |dir, root| tree(&dir.part(root, 1)),
    ];
    for place in at_each_place {
        for outside_exists in [true, false] {
            let (home, dir) = dir();
            let (outside, link) = (home.path().join("outside"), place(&dir, root));
            if outside_exists {
                fs::create_dir(&outside).unwrap();
            }
            fs::create_dir_all(link.parent().unwrap()).unwrap();
            symlink(&outside, &link).unwrap();
            assert!(dir.open_part(root, 1).is_err(), "{}", link.display());
            assert_eq!(outside.exists(), outside_exists);
        }
    }
    let (home, dir) = dir();
    let root = store(&dir, b"x");
    let outside = home.path().join("outside");
    fs::rename(dir.whole(root), &outside).unwrap();
    symlink(&outside, dir.whole(root)).unwrap();
    assert!(dir.open_whole(root, 1).is_err());
    assert_eq!(dir.stored().unwrap().whole, []);
    assert!(dir.copy(root, &ContentDir::at(home.path().join("copy"))).is_err());
    // The link goes, and not its target.
    dir.remove(root).unwrap();
    assert!(outside.exists() && dir.open_whole(root, 1).unwrap().is_none());
}
