//! Drafts, settings, ignored people.

use kabar_std::names::Name;

use super::*;
use crate::command::Notify;

fn name(name: &str) -> Name {
    Name::new(name).unwrap()
}

fn ignored(writer: &Writer, server: ServerRow) -> Vec<String> {
    let names = writer.reader().unwrap().ignored(server).unwrap();
    names.iter().map(|name| name.shown().to_owned()).collect()
}

#[test]
fn drafts_and_settings_belong_to_a_room() {
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    let (room, _) = lobby(&mut writer, 0);
    let other = writer.room(&key(7), "other").unwrap();
    writer.save_draft(room, "half a \u{1f980}").unwrap();
    writer.set(room, NOTIFY, Some(Notify::Nothing)).unwrap();
    writer.set(room, HIDE_JOINS, Some(true)).unwrap();
    drop(writer);
    let mut writer = open(&dir);
    let reader = writer.reader().unwrap();
    assert_eq!((reader.draft(room).unwrap().as_str(), reader.draft(other).unwrap().as_str()), ("half a \u{1f980}", ""));
    assert!(reader.summaries().unwrap()[0].has_draft);
    assert_eq!(reader.setting(room, NOTIFY).unwrap(), Some(Notify::Nothing));
    assert_eq!(
        (reader.setting(room, HIDE_JOINS).unwrap(), reader.setting(other, HIDE_JOINS).unwrap()),
        (Some(true), None)
    );
    assert_eq!(reader.setting(room, Setting::<i64>::new("notify")).unwrap(), None, "of another type");
    writer.set(room, NOTIFY, None).unwrap();
    writer.save_draft(room, "").unwrap();
    assert_eq!((reader.setting(room, NOTIFY).unwrap(), reader.draft(room).unwrap().as_str()), (None, ""));
    assert!(!reader.summaries().unwrap()[0].has_draft);
    let long = "x".repeat(MAX_DRAFT_LEN + 1);
    assert_eq!(writer.save_draft(room, &long), Err(ChangeError::TooLong));
    assert_eq!(writer.set(room, Setting::new("text"), Some(long)), Err(ChangeError::TooLong));
    assert_eq!(reader.setting(room, Setting::<String>::new("text")).unwrap(), None);
}

#[test]
fn ignored_people_belong_to_a_server_and_stay_ignored() {
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    let (server, other) = (writer.server(&key(7)).unwrap(), writer.server(&key(8)).unwrap());
    assert!(writer.ignore(server, &name("Bob")).unwrap() && !writer.ignore(server, &name("bob")).unwrap());
    assert!(writer.ignore(server, &name("eve")).unwrap());
    assert_eq!((ignored(&writer, server), ignored(&writer, other)), (vec!["Bob".into(), "eve".into()], vec![]));
    assert!(writer.renamed(server, &name("BOB"), &name("robert")).unwrap());
    assert!(!writer.renamed(server, &name("anna"), &name("bob")).unwrap());
    assert_eq!(ignored(&writer, server), ["robert", "eve"], "bob is somebody else now");
    assert!(writer.renamed(server, &name("robert"), &name("Eve")).unwrap());
    assert_eq!(ignored(&writer, server), ["Eve"]);
    assert!(writer.unignore(server, &name("eve")).unwrap() && !writer.unignore(server, &name("eve")).unwrap());
    writer.hide_joins(server, true).unwrap();
    let reader = writer.reader().unwrap();
    assert_eq!((reader.hides_joins(server).unwrap(), reader.hides_joins(other).unwrap()), (true, false));
    for number in 0..MAX_IGNORED {
        writer.ignore(server, &name(&format!("n{number}"))).unwrap();
    }
    assert_eq!(writer.ignore(server, &name("bob")), Err(ChangeError::TooMany));
    assert_eq!(ignored(&writer, server).len(), MAX_IGNORED);
}

#[test]
fn preferences_of_an_earlier_version_are_taken_over_once() {
    let (_home, dir) = temporary_dir();
    let file = |server| format!("preferences/{}.{ANNA}", kabar_std::invite::show_fingerprint(&key(server)));
    dir.replace(&file(7), b"kabar preferences 1\njoins hidden\nignore Bob\n").unwrap();
    let mut writer = open(&dir);
    assert!(writer.import_preferences(&key(7)).unwrap().unwrap());
    let server = writer.server(&key(7)).unwrap();
    assert_eq!(ignored(&writer, server), ["Bob"]);
    assert!(writer.reader().unwrap().hides_joins(server).unwrap());
    writer.unignore(server, &name("bob")).unwrap();
    assert!(!writer.import_preferences(&key(7)).unwrap().unwrap(), "once");
    assert_eq!(ignored(&writer, server), [""; 0]);
    // A file that cannot be read is tried again.
    dir.replace(&file(8), b"damaged").unwrap();
    assert!(writer.import_preferences(&key(8)).unwrap().is_err());
    dir.replace(&file(8), b"kabar preferences 1\nignore eve\n").unwrap();
    assert!(writer.import_preferences(&key(8)).unwrap().unwrap());
    let server = writer.server(&key(8)).unwrap();
    assert_eq!(ignored(&writer, server), ["eve"]);
}
