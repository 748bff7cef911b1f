//! The texts that the page names.

use std::collections::{BTreeMap, BTreeSet};

use crate::language::{Language, texts};

const HTML: &str = include_str!("page/index.html");
const ENTER: &str = include_str!("page/enter.html");
const TEXTS: &str = include_str!("page/texts.js");
const SCRIPTS: [&str; 13] = [
    include_str!("page/app.js"),
    include_str!("page/composer.js"),
    include_str!("page/connection.js"),
    include_str!("page/dialogs.js"),
    include_str!("page/dom.js"),
    include_str!("page/contents.js"),
    include_str!("page/files.js"),
    include_str!("page/lines.js"),
    include_str!("page/lists.js"),
    include_str!("page/notify.js"),
    include_str!("page/state.js"),
    include_str!("page/transcript.js"),
    include_str!("page/transfers.js"),
];

/// The keys, without the ends for numbers.
fn keys() -> BTreeSet<String> {
    let texts: BTreeMap<String, String> = serde_json::from_str(&texts::of_page(Language::ENGLISH)).unwrap();
    let key = |key: &String| key.strip_suffix("_one").or_else(|| key.strip_suffix("_other")).unwrap_or(key).to_owned();
    // A text may end so by itself.
    texts.keys().flat_map(|text| [key(text), text.clone()]).collect()
}

/// The texts that the scripts name by a part of their key.
fn composed() -> impl Iterator<Item = String> {
    let commands = crate::web::protocol::commands().into_iter();
    let commands = commands.map(|command| command.word.replace('/', "command_"));
    let connections = ["connecting", "online", "lost", "ended"].map(|state| format!("connection_{state}"));
    let (_, list) = SCRIPTS[3].split_once("const keys = [").unwrap();
    let keys = literals(list.split(']').next().unwrap());
    let keys = keys
        .into_iter()
        .filter(|key| key.starts_with(char::is_alphabetic))
        .flat_map(|key| [format!("key_{key}"), format!("key_{key}_name")]);
    commands.chain(connections).chain(keys.collect::<Vec<_>>())
}

/// The words in quotes.
fn literals(text: &str) -> BTreeSet<&str> {
    text.split(['"', '\'', '`']).collect()
}

#[test]
fn every_composed_key_has_a_text() {
    let texts = keys();
    for key in composed() {
        assert!(texts.contains(&key), "{key}");
    }
}

#[test]
fn page_uses_every_text() {
    let files = [HTML, ENTER, TEXTS].into_iter().chain(SCRIPTS);
    let used: BTreeSet<&str> = files.flat_map(literals).collect();
    let composed: BTreeSet<String> = composed().collect();
    let texts: BTreeMap<String, String> = serde_json::from_str(&texts::of_page(Language::ENGLISH)).unwrap();
    // The scripts read it as a property.
    let is_used = |key: &str| key == "_language" || used.contains(key) || composed.contains(key);
    let form = |key: &str| key.strip_suffix("_one").or_else(|| key.strip_suffix("_other")).is_some_and(is_used);
    let unused: Vec<_> = texts.keys().filter(|key| !(is_used(key) || form(key))).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn page_names_only_texts_that_exist() {
    let texts = keys();
    for (files, start) in [(&[HTML][..], " data-text=\""), (&[HTML][..], " data-label=\""), (&SCRIPTS[..], "t(\"")] {
        for (file, at) in files.iter().flat_map(|file| file.match_indices(start).map(move |(at, _)| (file, at))) {
            // Not the end of another name.
            if !file[..at].ends_with(|c: char| c.is_alphanumeric() || c == '.') {
                let key = file[at + start.len()..].split('"').next().unwrap();
                assert!(texts.contains(key), "{key}");
            }
        }
    }
}
