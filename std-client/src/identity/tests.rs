use std::path::Path;
use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use super::key_file::{format, parse};
use super::*;
use crate::temporary_dir;

/// The first byte of each key in the data directory of the version that made a key per name.
const CARL: u8 = 0xc0;
const ANNA: u8 = 0xc5;
const BOB: u8 = 0xa9;

fn open(dir: &DataDir, label: Option<&str>, name: Option<&str>, usual: Option<&str>) -> LocalIdentity {
    LocalIdentity::open(dir, IdentityChoice { label, name, usual }).unwrap()
}

/// A data directory as that version wrote it, in which carl, Anna and "bob b" joined in this order.
fn former_dir() -> (tempfile::TempDir, DataDir) {
    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for file in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
            let to = to.join(file.file_name());
            if file.path().is_dir() {
                copy(&file.path(), &to);
            } else {
                std::fs::copy(file.path(), to).unwrap();
            }
        }
    }
    let (home, dir) = temporary_dir();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/identity/testdata/key_per_name"), home.path());
    used(&dir, &["carl", "anna", "bob b"]);
    (home, dir)
}

/// Sets the times of the files that a session of each name changed, one after the other.
fn used(dir: &DataDir, names: &[&str]) {
    let cursors: Vec<_> = std::fs::read_dir(dir.join("cursors")).unwrap().map(|file| file.unwrap().path()).collect();
    for (hour, name) in (1..).zip(names) {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + hour * 3_600);
        let of_name = |path: &&std::path::PathBuf| path.to_str().unwrap().contains(&format!(".lobby.{name}"));
        for path in cursors.iter().filter(of_name).chain([&dir.join(&format!("identities/{name}.lock"))]) {
            let file = std::fs::File::options().write(true).open(path).unwrap();
            file.set_times(std::fs::FileTimes::new().set_modified(at)).unwrap();
        }
    }
}

#[test]
fn one_key_has_every_name() {
    let (_home, dir) = temporary_dir();
    let first = open(&dir, None, None, None);
    assert_eq!((first.name.as_str(), first.is_default_name), (login_name().as_str(), true));
    for name in ["Farhan", "FARHAN", "Darryl"] {
        let named = open(&dir, None, Some(name), None);
        assert_eq!((named.name.as_str(), named.is_default_name), (name, false));
        assert_eq!(named.key, first.key);
    }
    let usual = open(&dir, None, None, Some("farhan"));
    assert_eq!((usual.name.as_str(), usual.is_default_name, &usual.key), ("farhan", true, &first.key));
    assert!(dir.join("identity.key").exists() && !dir.join("identities").exists());
}

#[test]
fn label_is_another_person_of_this_computer() {
    let (_home, dir) = temporary_dir();
    let person = open(&dir, None, None, None).key;
    let bob = open(&dir, Some("Bob"), None, None);
    assert_eq!((bob.name.as_str(), bob.is_default_name), ("Bob", true));
    assert_ne!(bob.key, person);
    assert_eq!(open(&dir, Some("bob"), Some("robert"), None).key, bob.key);
    assert_eq!(open(&dir, None, Some("bob"), None).key, person, "a label is no name");
    assert_eq!(bob.usual_name("robert"), None, "the usual name of a room is the user's own");
}

#[test]
fn processes_that_create_one_identity_at_once_get_one_key() {
    let (_home, dir) = temporary_dir();
    let start = std::sync::Barrier::new(8);
    let create = || {
        start.wait();
        open(&dir, None, None, None).key
    };
    let keys: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(create)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]));
}

#[test]
fn key_used_last_becomes_the_users_own_and_files_stay() {
    let (_home, dir) = former_dir();
    let read = |name: &str| dir.read(&format!("identities/{name}.key")).unwrap().unwrap();
    let before = read("bob b");
    let bob = open(&dir, None, None, Some("bob b"));
    assert_eq!((bob.key.seed()[0], bob.name.as_str()), (BOB, "bob b"));
    assert_eq!(bob.former_names, ["bob b"]);
    assert_eq!(open(&dir, None, None, None).key, bob.key, "in new rooms, too");
    assert_eq!(*read("bob b"), *before, "an earlier version finds what it wrote");
    used(&dir, &["bob b", "carl", "anna"]);
    assert_eq!(open(&dir, None, None, None).key, bob.key, "chosen once");
}

#[test]
fn evidence_of_the_key_used_last() {
    let chosen = |change: &dyn Fn(&DataDir)| {
        let (_home, dir) = former_dir();
        change(&dir);
        open(&dir, None, None, None).key.seed()[0]
    };
    assert_eq!(chosen(&|dir| used(dir, &["bob b", "carl", "anna"])), ANNA);
    assert_eq!(chosen(&|dir| used(dir, &["anna", "bob b", "carl"])), CARL);
    // In a copy, all files are as old as the copy: the room joined last counts.
    let same = |dir: &DataDir| ["carl", "anna", "bob b"].iter().for_each(|name| used(dir, &[name]));
    assert_eq!(chosen(&same), BOB);
    // A device's key was never in a room with `kabar`.
    let device = |dir: &DataDir| {
        let key = Key::from_seed(Zeroizing::new([1; 32]));
        key_file::store(dir, "identities/probe.key", &key, false).unwrap();
        dir.make_private_file("identities/probe.lock").unwrap();
    };
    assert_eq!(chosen(&device), BOB);
    // A name with a number was made because the other one was in use.
    let second = |dir: &DataDir| {
        used(dir, &["bob b", "carl", "anna"]);
        std::fs::rename(dir.join("identities/carl.key"), dir.join("identities/anna-2.key")).unwrap();
        let cursor = "cursors/XA2N5T7BM4DO2L7PO3OIQPA3PRU4HAYV.lobby.anna";
        dir.replace(&format!("{cursor}-2"), dir.read(cursor).unwrap().unwrap().as_bytes()).unwrap();
    };
    assert_eq!(chosen(&second), ANNA);
}

#[test]
fn former_names_have_their_keys() {
    let (_home, dir) = former_dir();
    let person = open(&dir, None, None, None);
    let anna = open(&dir, None, Some("Anna"), None);
    assert_eq!((anna.key.seed()[0], anna.is_default_name), (ANNA, false));
    let in_her_room = open(&dir, None, None, Some("anna"));
    assert_eq!((in_her_room.key.seed()[0], in_her_room.is_default_name), (ANNA, true));
    assert_eq!(open(&dir, Some("carl"), None, None).key.seed()[0], CARL);
    assert_eq!(open(&dir, None, Some("new"), None).key, person.key);
    assert_eq!(person.usual_name("ann").as_deref(), Some("ann"));
    assert_eq!(person.usual_name("Anna"), None, "that name chooses another key");
    assert_eq!(anna.usual_name("ann").as_deref(), Some("Anna"), "chooses this key again");
}

#[test]
fn known_room_gives_the_usual_name_unless_it_was_chosen() {
    let (_home, dir) = former_dir();
    let mut person = open(&dir, None, None, None);
    person.apply_usual_name(&dir, "anna").unwrap();
    assert_eq!((person.key.seed()[0], person.name.as_str()), (ANNA, "anna"));
    for (label, name) in [(None, Some("carl")), (Some("eka"), None)] {
        let mut chosen = open(&dir, label, name, None);
        let key = chosen.key.clone();
        chosen.apply_usual_name(&dir, "anna").unwrap();
        assert_eq!(chosen.key, key);
    }
}

#[test]
fn rejects_a_name_that_is_not_allowed() {
    let (_home, dir) = temporary_dir();
    for name in ["", "a:b", "../x", "server", " x"] {
        for choice in [
            IdentityChoice { name: Some(name), ..IdentityChoice::default() },
            IdentityChoice { label: Some(name), ..IdentityChoice::default() },
        ] {
            let error = LocalIdentity::open(&dir, choice).unwrap_err();
            assert!(matches!(error, IdentityError::Name(_)), "{name}");
        }
    }
    assert!(!dir.join("identity.key").exists());
}

#[test]
fn names_of_this_user_are_not_held_to_the_rules_for_new_ones() {
    let (_home, dir) = former_dir();
    let choice = |name| IdentityChoice { name: Some(name), ..IdentityChoice::default() };
    assert!(matches!(LocalIdentity::open(&dir, choice("admin")), Err(IdentityError::Name(_))));
    let key = |name: &str| dir.join(&format!("identities/{name}.key"));
    std::fs::copy(key("anna"), key("admin")).unwrap();
    assert_eq!(open(&dir, None, Some("admin"), None).key.seed()[0], ANNA);
    assert_eq!(open(&dir, Some("admin"), None, None).key.seed()[0], ANNA);
    // A room in which it is the usual name.
    assert_eq!(open(&dir, None, Some("operator"), Some("operator")).name, "operator");
}

#[test]
fn reports_a_damaged_key_and_never_replaces_it() {
    let (_home, dir) = temporary_dir();
    let key = Key::from_seed(Zeroizing::new([7; 32]));
    let text = format(&key, false);
    assert_eq!(parse(&text).unwrap().key, key);
    for damaged in ["", &text[..60], &text.replacen('7', "6", 1), &text.replace("identity 1", "identity 2")] {
        dir.replace("identity.key", damaged.as_bytes()).unwrap();
        let error = LocalIdentity::open(&dir, IdentityChoice::default()).unwrap_err();
        assert!(error.to_string().contains("identity.key"));
        assert_eq!(dir.read("identity.key").unwrap().unwrap().as_str(), damaged);
    }
}

#[test]
fn damaged_former_key_is_an_error_only_where_it_is_needed() {
    let (_home, dir) = former_dir();
    dir.replace("identities/anna.key", b"damaged").unwrap();
    assert_eq!(open(&dir, None, None, None).key.seed()[0], BOB);
    let anna = IdentityChoice { name: Some("anna"), ..IdentityChoice::default() };
    assert!(LocalIdentity::open(&dir, anna).unwrap_err().to_string().contains("anna.key"));
    let (_home, dir) = former_dir();
    dir.replace("identities/bob b.key", b"damaged").unwrap();
    let error = LocalIdentity::open(&dir, IdentityChoice::default()).unwrap_err();
    assert!(error.to_string().contains("bob b.key") && !dir.join("identity.key").exists());
}

#[test]
fn identity_is_imported_and_never_lost() {
    let (_home, here) = temporary_dir();
    let (_other, there) = temporary_dir();
    assert!(StoredIdentity::find(&here, None).unwrap().is_none());
    let key = open(&here, None, None, None).key;
    let import = |label, replaces| StoredIdentity::import(&there, label, &key, replaces).unwrap();
    assert!(import(None, false).unwrap().aside.is_none());
    assert_eq!(open(&there, None, None, None).key, key);
    assert!(import(None, false).unwrap().aside.is_none(), "it is there already");
    let before = open(&there, Some("bob"), None, None).key;
    assert_eq!(import(Some("bob"), false).unwrap_err().key, before);
    let aside = import(Some("bob"), true).unwrap().aside.unwrap();
    assert_eq!(open(&there, Some("bob"), None, None).key, key);
    let kept = Exported::parse(&std::fs::read_to_string(aside).unwrap()).unwrap();
    assert_eq!(kept.open(None).unwrap(), before, "and can be imported again");
    let all = StoredIdentity::all(&there).unwrap();
    let choices: Vec<_> = all.iter().map(|stored| &stored.choice).collect();
    assert_eq!(choices, [&StoredChoice::Person, &StoredChoice::Label("bob".to_owned())]);
}

#[test]
fn identity_of_an_earlier_version_is_not_replaced_by_an_import() {
    let (_home, dir) = former_dir();
    let key = Key::from_seed(Zeroizing::new([7; 32]));
    let present = StoredIdentity::import(&dir, None, &key, false).unwrap().unwrap_err();
    assert_eq!((present.key.seed()[0], present.former_names), (BOB, vec!["bob b".to_owned()]));
    let all = StoredIdentity::all(&dir).unwrap();
    let choices: Vec<_> = all.into_iter().map(|stored| stored.choice).collect();
    let former = |name: &str| StoredChoice::Name(name.to_owned());
    assert_eq!(choices, [StoredChoice::Person, former("anna"), former("carl")]);
}

#[test]
fn login_name_becomes_an_allowed_name() {
    assert_eq!(allowed("farhan"), "farhan");
    assert_eq!(allowed("far:han@home"), "farhanhome");
    assert_eq!(allowed(" DOMAIN/me "), "DOMAINme");
    assert_eq!(allowed(""), "guest");
    assert_eq!(allowed("server"), "guest");
    assert!(allowed(&"\u{e9}".repeat(40)).len() <= 24);
}
