use super::*;
use crate::temporary_dir;

fn preferences(dir: &DataDir, identity: &str) -> Preferences {
    let mut preferences = Preferences::new(dir, &Fingerprint([7; 20]), identity);
    preferences.load().unwrap();
    preferences
}

fn name(name: &str) -> Name {
    Name::new(name).unwrap()
}

#[test]
fn are_kept_per_identity() {
    let (_home, dir) = temporary_dir();
    let mut anna = preferences(&dir, "ANNA");
    assert!(!anna.ignores("bob") && !anna.hides_joins());
    assert!(anna.ignore(&name("Bob")).unwrap().is_change);
    assert!(!anna.ignore(&name("bob")).unwrap().is_change, "it is ignored already");
    assert!(anna.hide_joins(true).is_change && anna.ignores("BOB"));
    let again = preferences(&dir, "ANNA");
    assert!(again.ignores("bob") && again.hides_joins() && again.ignored() == ["Bob"]);
    assert!(!preferences(&dir, "EKA").ignores("bob"));
    assert!(anna.unignore(&name("bOb")).is_change && !anna.unignore(&name("bob")).is_change);
    assert!(!preferences(&dir, "ANNA").ignores("bob"));
}

#[test]
fn follow_a_member_to_its_new_name() {
    let (_home, dir) = temporary_dir();
    let mut anna = preferences(&dir, "ANNA");
    let _ = anna.ignore(&name("bob"));
    assert!(anna.renamed("Bob", "robert").unwrap().is_change);
    assert!(anna.renamed("eka", "bob").is_none());
    assert!(anna.ignores("Robert") && !anna.ignores("bob"), "bob is somebody else now");
    assert_eq!(preferences(&dir, "ANNA").ignored(), ["robert"]);
}

#[test]
fn of_two_sessions_are_both_kept() {
    let (_home, dir) = temporary_dir();
    let (mut first, mut second) = (preferences(&dir, "ANNA"), preferences(&dir, "ANNA"));
    let _ = first.ignore(&name("bob"));
    let _ = second.ignore(&name("eka"));
    assert_eq!(preferences(&dir, "ANNA").ignored(), ["bob", "eka"]);
    assert!(second.ignores("bob"));
}

#[test]
fn number_of_ignored_names_is_bounded() {
    let (_home, dir) = temporary_dir();
    let mut anna = preferences(&dir, "ANNA");
    anna.values.ignored = (0..MAX_IGNORED).map(|number| name(&format!("n{number}"))).collect();
    assert!(anna.ignore(&name("bob")).is_none());
}

#[test]
fn apply_although_they_cannot_be_kept() {
    let (_home, dir) = temporary_dir();
    let mut anna = preferences(&dir, "ANNA");
    dir.replace(&anna.file, b"damaged").unwrap();
    assert!(anna.load().is_err());
    let change = anna.ignore(&name("bob")).unwrap();
    assert!(change.is_change && change.kept.is_err() && anna.ignores("bob"));
}
