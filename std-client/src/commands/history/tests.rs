//! Output and errors of `kabar history`, on files made by a writer.

use clap::Parser;
use kabar_core::chat::{EntryHeader, EntryKind, Term};
use kabar_core::session::Fingerprint;
use kabar_std::text::Content;

use super::*;
use crate::history::{Attention, Batch, Beginning, NewEntry, Writer};
use crate::identity::{IdentityChoice, LocalIdentity};
use crate::temporary_dir;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    arguments: HistoryArguments,
}

/// The output of `kabar history WORDS`.
fn history(dir: &DataDir, words: &[&str]) -> Result<String, HistoryCommandError> {
    let arguments = Cli::try_parse_from([&["history"], words].concat()).unwrap().arguments;
    let mut out = Printer::new(Vec::new(), arguments.json);
    match print(&arguments, dir, &mut out) {
        Ok(()) => Ok(String::from_utf8(out.out).unwrap()),
        Err(Failed::Reading(error)) => Err(error),
        Err(Failed::Printing(error)) => panic!("{error}"),
    }
}

/// The texts of the entries, and other lines as they are.
fn words(dir: &DataDir, words: &[&str]) -> String {
    let lines = history(dir, words).unwrap();
    lines.lines().map(|line| line.split_once("] bob: ").map_or(line, |(_, text)| text)).collect::<Vec<_>>().join("|")
}

/// A writer of the user's own history, and its lobby with the entries "text 3" to "text 9".
fn filled(dir: &DataDir) -> Writer {
    let identity = LocalIdentity::open(dir, IdentityChoice::default()).unwrap();
    let (mut writer, _) = Writer::open(dir, &identity.key.fingerprint()).unwrap();
    fill(&mut writer, "lobby", 2, 3..=9, "text");
    writer
}

fn fill(writer: &mut Writer, room: &str, start: u64, seqs: std::ops::RangeInclusive<u64>, word: &str) {
    let room = writer.room(&Fingerprint([7; 20]), room).unwrap();
    let from = writer.current(room).unwrap().map(|current| current.log);
    let term = Term([1; 8]);
    let is_reset = from.is_some() && start == 0;
    let log = writer.begin(room, from, Beginning { start, term, is_reset }).unwrap().log;
    let texts: Vec<_> = seqs.clone().map(|seq| format!("{word} {seq}")).collect();
    let entry = |(seq, text): (u64, &'_ String)| (seq, text.clone());
    let texts: Vec<_> = seqs.zip(&texts).map(entry).collect();
    let entries: Vec<_> = texts
        .iter()
        .map(|(seq, text)| NewEntry {
            header: EntryHeader {
                seq: *seq,
                time_ms: 1_730_000_000_000 + seq * 1000,
                author: "bob",
                instance: 5,
                number: *seq,
                kind: EntryKind::TEXT,
            },
            content: Content::Body(text.as_bytes()),
            attention: Attention::Unread,
        })
        .collect();
    writer.append(&[Batch { log, term, entries: &entries }]).unwrap();
}

#[test]
fn prints_a_room_from_a_time_or_an_entry_or_its_end() {
    let (_home, dir) = temporary_dir();
    let mut writer = filled(&dir);
    assert_eq!(words(&dir, &["lobby"]), "text 3|text 4|text 5|text 6|text 7|text 8|text 9");
    assert_eq!(words(&dir, &["--last", "2"]), "text 8|text 9");
    assert_eq!(words(&dir, &["--last", "0"]), "");
    assert_eq!(words(&dir, &["--since", "8"]), "text 8|text 9");
    assert_eq!(words(&dir, &["--since", "8", "--last", "1"]), "text 9");
    assert_eq!(words(&dir, &["--since", "2024-10-27T03:33:28Z"]), "text 8|text 9");
    assert_eq!(words(&dir, &["--since", "1h"]), "");
    // Retention has taken 10 and 11; then the history is reset.
    fill(&mut writer, "lobby", 11, 12..=12, "text");
    assert_eq!(words(&dir, &["--last", "2"]), "text 9|(entries 10 to 11 are not stored here)|text 12");
    fill(&mut writer, "lobby", 0, 1..=2, "new");
    assert_eq!(words(&dir, &["--last", "3"]), "text 12|(the history of the room was reset)|new 1|new 2");
    assert_eq!(words(&dir, &["--since", "2"]), "new 2");
}

#[test]
fn prints_all_rooms_or_one() {
    let (_home, dir) = temporary_dir();
    let mut writer = filled(&dir);
    fill(&mut writer, "garden", 0, 1..=1, "leaf");
    let key = show_fingerprint(&Fingerprint([7; 20]));
    assert_eq!(words(&dir, &["garden"]), "leaf 1");
    assert_eq!(words(&dir, &["--last", "1"]), format!("lobby ({key}):|text 9|garden ({key}):|leaf 1"));
    let json = history(&dir, &["garden", "--json"]).unwrap();
    assert!(json.starts_with(&format!(r#"{{"server":"{key}","room":"garden","log":2,"seq":1,"#)), "{json}");
}

#[test]
fn searches_words_and_phrases() {
    let (_home, dir) = temporary_dir();
    let mut writer = filled(&dir);
    fill(&mut writer, "garden", 0, 1..=5, "leaf");
    assert_eq!(words(&dir, &["lobby", "--search", "TEXT 4"]), "text 4");
    assert_eq!(words(&dir, &["lobby", "--search", "\"ext 4\""]), "text 4");
    assert_eq!(words(&dir, &["lobby", "--search", "te", "--last", "2"]), "text 8|text 9");
    assert_eq!(words(&dir, &["lobby", "--search", "te", "--since", "8"]), "text 8|text 9");
    let key = show_fingerprint(&Fingerprint([7; 20]));
    assert_eq!(words(&dir, &["--search", "5"]), format!("lobby ({key}):|text 5|garden ({key}):|leaf 5"));
    assert_eq!(words(&dir, &["--search", "nothing"]), "");
    assert!(Cli::try_parse_from(["history", "--search", " "]).is_err());
}

#[test]
fn reports_that_there_is_none() {
    let (_home, dir) = temporary_dir();
    assert!(matches!(history(&dir, &[]), Err(HistoryCommandError::None)));
    let identity = LocalIdentity::open(&dir, IdentityChoice::default()).unwrap();
    assert!(matches!(history(&dir, &[]), Err(HistoryCommandError::None)));
    drop(Writer::open(&dir, &identity.key.fingerprint()).unwrap());
    assert!(matches!(history(&dir, &[]), Err(HistoryCommandError::None)));
    drop(filled(&dir));
    assert!(matches!(history(&dir, &["attic"]), Err(HistoryCommandError::NoRoom(_, rooms)) if rooms == ["lobby"]));
    let label = history(&dir, &["--identity", "work"]);
    assert!(matches!(label, Err(HistoryCommandError::Identity(IdentityCommandError::NoIdentity(Some(_))))));
}
