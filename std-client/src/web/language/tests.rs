//! The texts of all languages, and how one is chosen.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

type Texts = BTreeMap<String, String>;

fn texts(language: Language) -> Texts {
    serde_json::from_str(language.texts()).unwrap()
}

fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name).collect()
}

#[test]
fn all_languages_have_the_same_keys_and_placeholders() {
    let english = texts(Language::En);
    for language in Language::ALL {
        let other = texts(language);
        let (expected, found): (Vec<_>, Vec<_>) = (english.keys().collect(), other.keys().collect());
        assert_eq!(expected, found, "{language:?}");
        for (key, text) in &english {
            // A text about one thing may leave the number out.
            let without = |text| placeholders(text).into_iter().filter(|name| *name != "count").collect::<Vec<_>>();
            assert_eq!(without(text), without(&other[key]), "{language:?}: {key}");
            assert!(!other[key].is_empty(), "{language:?}: {key}");
        }
        assert_eq!(other["_language"], language.code());
    }
}

/// Whether there is a text for a key, or one for each number.
fn has(texts: &Texts, key: &str) -> bool {
    texts.contains_key(key) || ["one", "other"].iter().all(|form| texts.contains_key(&format!("{key}_{form}")))
}

#[test]
fn every_sentence_and_command_has_a_text() {
    let texts = texts(Language::En);
    let (_, variants) = include_str!("../protocol.rs").split_once("pub enum Sentence {").unwrap();
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
        assert!(has(&texts, &key), "{key}");
    }
}

#[test]
fn page_names_only_texts_that_exist() {
    let texts = texts(Language::En);
    let html = [include_str!("../page/index.html")];
    let scripts = [
        include_str!("../page/app.js"),
        include_str!("../page/composer.js"),
        include_str!("../page/dialogs.js"),
        include_str!("../page/lines.js"),
        include_str!("../page/lists.js"),
        include_str!("../page/notify.js"),
        include_str!("../page/transcript.js"),
    ];
    for (files, start) in [(&html[..], " data-text=\""), (&html, " data-label=\""), (&scripts, "t(\"")] {
        for (file, at) in files.iter().flat_map(|file| file.match_indices(start).map(move |(at, _)| (file, at))) {
            // Not the end of another name.
            if !file[..at].ends_with(|c: char| c.is_alphanumeric() || c == '.') {
                let key = file[at + start.len()..].split('"').next().unwrap();
                assert!(has(&texts, key), "{key}");
            }
        }
    }
}

#[test]
fn language_follows_the_locale_and_the_browser() {
    assert_eq!(of_locale("id_ID.UTF-8"), Some(Language::Id));
    assert_eq!(of_locale("en"), Some(Language::En));
    assert_eq!(of_locale("C.UTF-8"), None);
    assert_eq!(accepted("de-DE,de;q=0.9,id;q=0.8,en;q=0.7"), Language::Id);
    assert_eq!(accepted("en-GB,id"), Language::En);
    assert_eq!(accepted("en;q=0.1, ID-id;q=0.5"), Language::Id);
    assert_eq!(accepted("id;q=x"), Language::En);
    assert_eq!(accepted(""), Language::En);
}
