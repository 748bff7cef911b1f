use super::*;
use crate::web::picture::tests::png;

fn store(cache: &Cache, number: u8, content: &[u8], age: u64) -> Root {
    let root = Root([number; ROOT_LEN]);
    fs::write(cache.path(root), content).unwrap();
    let file = File::options().write(true).open(cache.path(root)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    root
}

#[test]
fn what_was_not_used_for_the_longest_time_is_removed() {
    let (_home, dir) = crate::temporary_dir();
    let cache = Cache { max_len: 25, ..Cache::open(&dir).unwrap() };
    let [old, middle, new] = [(1, 30), (2, 20), (3, 10)].map(|(number, age)| store(&cache, number, &[0; 10], age));
    fs::write(cache.dir.join("other"), [0; 100]).unwrap();
    assert!(cache.get(old).unwrap().is_some(), "it is used now");
    cache.trim(|_| false);
    assert_eq!([old, middle, new].map(|root| cache.has(root)), [true, false, true]);
    let large = store(&cache, 4, &[0; 30], 0);
    cache.trim(|root| root == large);
    assert_eq!([old, new, large].map(|root| cache.has(root)), [false, false, true]);
    cache.trim(|_| false);
    assert!(!cache.has(large) && cache.get(large).unwrap().is_none());
}

#[test]
fn picture_is_known_by_its_content_and_only_if_it_is_not_too_large() {
    let (_home, dir) = crate::temporary_dir();
    let cache = Cache::open(&dir).unwrap();
    let content = |root| cache.get(root).unwrap().unwrap();
    let picture = content(store(&cache, 1, &png(3, 4), 0));
    assert_eq!((picture.len, picture.picture.map(|it| (it.width, it.height))), (29, Some((3, 4))));
    let mut whole = Vec::new();
    (&picture.file).read_to_end(&mut whole).unwrap();
    assert_eq!(whole, png(3, 4), "it is read from its beginning");
    assert!(content(store(&cache, 2, b"<html>", 0)).picture.is_none());
    let large = store(&cache, 3, &png(3, 4), 0);
    File::options().write(true).open(cache.path(large)).unwrap().set_len(picture::MAX_LEN + 1).unwrap();
    assert!(content(large).picture.is_none());
}

#[test]
fn parts_that_nobody_continues_are_removed() {
    let (_home, dir) = crate::temporary_dir();
    let cache = Cache::open(&dir).unwrap();
    let [old, held] = ["a", "b"].map(|name| cache.dir.join(&format!("{name}.0123{PART}")));
    [&old, &held].iter().for_each(|path| fs::write(path, "x").unwrap());
    let lock = File::open(&held).unwrap();
    lock.lock().unwrap();
    cache.remove_parts(KEEP_PARTS);
    assert!(old.exists() && held.exists());
    cache.remove_parts(Duration::ZERO);
    assert!(!old.exists() && held.exists());
}

#[test]
fn names_of_other_files_are_no_roots() {
    for text in ["", "00", "..", &"g".repeat(64), &"0".repeat(63), &"A".repeat(64), &format!("{}/x", "0".repeat(64))] {
        assert_eq!(parse_root(text), None, "{text}");
    }
    assert_eq!(parse_root(&"0f".repeat(32)), Some(Root([0x0f; ROOT_LEN])));
}
