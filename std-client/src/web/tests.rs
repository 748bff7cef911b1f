//! The texts that the page and its sentences name.

use std::collections::{BTreeMap, BTreeSet};

use crate::language::{Language, texts};

const HTML: &str = include_str!("page/index.html");
const SCRIPTS: [&str; 10] = [
    include_str!("page/app.js"),
    include_str!("page/composer.js"),
    include_str!("page/connection.js"),
    include_str!("page/dialogs.js"),
    include_str!("page/dom.js"),
    include_str!("page/lines.js"),
    include_str!("page/lists.js"),
    include_str!("page/notify.js"),
    include_str!("page/state.js"),
    include_str!("page/transcript.js"),
];

/// The keys, without the ends for numbers.
fn keys() -> BTreeSet<String> {
    let texts: BTreeMap<String, String> = serde_json::from_str(&texts::of_page(Language::ENGLISH)).unwrap();
    let key = |key: &String| key.strip_suffix("_one").or_else(|| key.strip_suffix("_other")).unwrap_or(key).to_owned();
    // A text may end so by itself.
    texts.keys().flat_map(|text| [key(text), text.clone()]).collect()
}

#[test]
fn every_sentence_and_command_has_a_text() {
    let texts = keys();
    let (_, variants) = include_str!("protocol.rs").split_once("pub enum Sentence {").unwrap();
    let variants = variants.split("\n}").next().unwrap().lines().filter_map(|line| line.strip_prefix("    "));
    let names = variants.map(|line| line.trim_end_matches([' ', '{', ',']));
    let names: Vec<_> = names.filter(|name| name.starts_with(char::is_uppercase)).collect();
    assert!(names.len() > 40, "{names:?}");
    let keys = names.iter().map(|name| {
        let words = name.chars().map(|c| if c.is_uppercase() { format!("_{}", c.to_lowercase()) } else { c.into() });
        format!("sentence{}", words.collect::<String>())
    });
    let commands = crate::web::protocol::commands().into_iter();
    let commands = commands.map(|command| command.word.replace('/', "command_"));
    for key in keys.chain(commands) {
        assert!(texts.contains(&key), "{key}");
    }
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
