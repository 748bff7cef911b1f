use super::key_file::{format_key, parse};
use super::*;
use crate::temporary_dir;

#[test]
fn spellings_of_one_name_share_one_key() {
    let (_home, dir) = temporary_dir();
    let first = LocalIdentity::load_or_create(&dir, Some("Farhan"), None).unwrap().seed;
    assert_eq!(LocalIdentity::load_or_create(&dir, Some("Farhan"), None).unwrap().seed, first);
    assert_eq!(LocalIdentity::load_or_create(&dir, Some("FARHAN"), None).unwrap().seed, first);
    assert_ne!(LocalIdentity::load_or_create(&dir, Some("Darryl"), None).unwrap().seed, first);
}

#[test]
fn requested_name_in_use_has_the_same_key() {
    let (_home, dir) = temporary_dir();
    let first = LocalIdentity::load_or_create(&dir, Some("farhan"), None).unwrap();
    let second = LocalIdentity::load_or_create(&dir, Some("Farhan"), None).unwrap();
    assert_eq!(first.seed, second.seed);
}

#[test]
fn processes_that_create_one_identity_at_once_get_one_key() {
    let (_home, dir) = temporary_dir();
    let start = std::sync::Barrier::new(8);
    let create_probe = || {
        start.wait();
        LocalIdentity::load_or_create(&dir, Some("probe"), None).unwrap().seed
    };
    let seeds: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(create_probe)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(seeds.iter().all(|seed| *seed == seeds[0]));
}

#[test]
fn uses_the_usual_name_unless_it_is_in_use_or_another_is_requested() {
    let (_home, dir) = temporary_dir();
    let first = LocalIdentity::load_or_create(&dir, None, Some("farhan")).unwrap();
    assert_eq!((first.name.as_str(), first.is_temporary), ("farhan", false));
    let second = LocalIdentity::load_or_create(&dir, None, Some("farhan")).unwrap();
    assert_eq!((second.name.as_str(), second.is_temporary), ("farhan-2", true));
    assert_eq!(LocalIdentity::load_or_create(&dir, Some("anna"), Some("farhan")).unwrap().name, "anna");
}

#[test]
fn picks_a_free_name_when_none_is_requested() {
    let (_home, dir) = temporary_dir();
    let first = LocalIdentity::load_or_create(&dir, None, None).unwrap();
    let second = LocalIdentity::load_or_create(&dir, None, None).unwrap();
    assert_eq!(second.name, format!("{}-2", first.name));
    assert_ne!(second.seed, first.seed);
}

#[test]
fn rejects_a_name_that_is_not_allowed() {
    let (_home, dir) = temporary_dir();
    for name in ["", "a:b", "../x", "server", " x"] {
        let error = LocalIdentity::load_or_create(&dir, Some(name), None).unwrap_err();
        assert!(matches!(error, IdentityError::Name(_)), "{name}");
    }
}

#[test]
fn reports_a_damaged_key_and_never_replaces_it() {
    let (_home, dir) = temporary_dir();
    let text = format_key(None, &[7; SEED_LEN]);
    assert_eq!(parse(&text).unwrap(), (None, Zeroizing::new([7; SEED_LEN])));
    for damaged in ["", &text[..60], &text.replacen('7', "6", 1), &text.replace("identity 1", "identity 2")] {
        dir.replace("identities/anna.key", damaged.as_bytes()).unwrap();
        let error = LocalIdentity::load_or_create(&dir, Some("anna"), None).unwrap_err();
        assert!(error.to_string().contains("anna.key"));
        assert_eq!(dir.read("identities/anna.key").unwrap().unwrap().as_str(), damaged);
    }
}

#[test]
fn exported_key_is_imported_on_another_computer() {
    let (_home, here) = temporary_dir();
    let (_other, there) = temporary_dir();
    let seed = LocalIdentity::load_or_create(&here, Some("Farhan"), None).unwrap().seed;
    let stored = StoredIdentity::load(&here, "farhan").unwrap().unwrap();
    let (name, imported) = StoredIdentity::import(&stored.export("Farhan")).unwrap();
    assert_eq!(name.as_deref(), Some("Farhan"));
    imported.store(&there, "Farhan").unwrap();
    assert_eq!(LocalIdentity::load_or_create(&there, Some("farhan"), None).unwrap().seed, seed);
    assert_eq!(StoredIdentity::names(&there).unwrap(), ["farhan"]);
    assert_eq!(stored.fingerprint().len(), 32);
    StoredIdentity::forget(&there, "FARHAN").unwrap();
    assert!(
        StoredIdentity::load(&there, "farhan").unwrap().is_none() && StoredIdentity::names(&there).unwrap().is_empty()
    );
}

#[test]
fn identity_in_use_is_not_forgotten() {
    let (_home, dir) = temporary_dir();
    let _identity = LocalIdentity::load_or_create(&dir, Some("anna"), None).unwrap();
    assert!(StoredIdentity::forget(&dir, "anna").unwrap_err().to_string().contains("in use"));
    assert!(StoredIdentity::load(&dir, "anna").unwrap().is_some());
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
