//! The files of all languages, compared with each other and with the source code.

mod source;

use std::collections::{BTreeMap, BTreeSet};

use fluent_bundle::FluentResource;
use fluent_syntax::ast::{Expression, InlineExpression, Pattern, PatternElement};

use super::*;
use crate::command::OPERATOR_COMMANDS;

/// Texts that are the same in English and in Indonesian: units, names of keys, and placeholders
/// with a word that both languages have.
const SAME: &[&str] = &[
    "interface-vpn",
    "milliseconds",
    "page-key-enter-name",
    "page-key-search-name",
    "page-key-shift-enter-name",
    "page-key-tab-name",
    "page-milliseconds",
    "server-text",
    "too-many-advertised",
    "with-server-text",
];

/// Placeholders that only some languages need.
const OPTIONAL: &[(&str, &str)] = &[("file-error", "key"), ("system-error", "kind")];

fn resource(language: Language) -> FluentResource {
    FluentResource::try_new(LANGUAGES[language.0].texts.to_owned()).unwrap()
}

pub(crate) fn indonesian() -> Language {
    "id".parse().unwrap()
}

/// Returns a part of an English text that is in `sentence`; only parts of several words count.
pub(crate) fn english_in(sentence: &str) -> Option<String> {
    let resource = resource(Language::ENGLISH);
    let mut parts = Vec::new();
    texts::messages(&resource).for_each(|(_, pattern)| add_parts(pattern, &mut parts));
    let part = parts.into_iter().find(|part| part.split_whitespace().count() > 2 && sentence.contains(part))?;
    Some(part.to_owned())
}

fn add_parts<'a>(pattern: &Pattern<&'a str>, parts: &mut Vec<&'a str>) {
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { value } => parts.push(value.trim()),
            PatternElement::Placeable { expression: Expression::Select { variants, .. } } => {
                variants.iter().for_each(|variant| add_parts(&variant.value, parts));
            }
            PatternElement::Placeable { .. } => {}
        }
    }
}

/// The identifiers of a language, each with its placeholders.
fn placeholders(language: Language) -> BTreeMap<String, BTreeSet<String>> {
    let resource = resource(language);
    let mut all = BTreeMap::new();
    for (id, pattern) in texts::messages(&resource) {
        let mut names = BTreeSet::new();
        add_placeholders(pattern, &mut names);
        assert!(all.insert(id.to_owned(), names).is_none(), "{id} is there twice");
    }
    assert_eq!(all.len(), resource.entries().count(), "every entry has a text");
    all
}

fn add_placeholders(pattern: &Pattern<&str>, names: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        let PatternElement::Placeable { expression } = element else { continue };
        let (inline, variants) = match expression {
            Expression::Inline(inline) => (inline, &[][..]),
            Expression::Select { selector, variants } => (selector, &variants[..]),
        };
        if let InlineExpression::VariableReference { id } = inline {
            names.insert(id.name.to_owned());
        }
        variants.iter().for_each(|variant| add_placeholders(&variant.value, names));
    }
}

#[test]
fn all_languages_have_the_same_texts_and_placeholders() {
    let english = placeholders(Language::ENGLISH);
    for language in Language::all() {
        let mut other = placeholders(language);
        for (id, name) in OPTIONAL {
            other.get_mut(*id).unwrap().remove(*name);
        }
        let (expected, found): (Vec<_>, Vec<_>) = (english.keys().collect(), other.keys().collect());
        assert_eq!(expected, found, "{}", language.code());
        for (id, names) in &english {
            assert_eq!(names, &other[id], "{}: {id}", language.code());
        }
    }
}

#[test]
fn every_text_is_formatted_without_errors() {
    for language in Language::all() {
        for (id, names) in placeholders(language) {
            for number in [Some(0_u32), Some(1), Some(2), None] {
                let mut arguments = Arguments::new();
                for name in &names {
                    let name: &'static str = name.clone().leak();
                    arguments = match number {
                        Some(number) => arguments.with(name, number),
                        None => arguments.with(name, "possible"),
                    };
                }
                let text = language.format(&id, &arguments).unwrap_or_else(|| panic!("{}: {id}", language.code()));
                assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{id}: {text:?}");
                assert!(!text.contains("{ $") && !text.contains('\u{2068}'), "{id}: {text}");
            }
        }
    }
}

#[test]
fn translations_are_translated() {
    let texts = |language: Language| {
        let resource = resource(language);
        let texts = texts::messages(&resource).map(|(id, pattern)| (id.to_owned(), format!("{pattern:?}")));
        texts.collect::<BTreeMap<_, _>>()
    };
    let english = texts(Language::ENGLISH);
    for language in Language::all().filter(|language| *language != Language::ENGLISH) {
        let same: Vec<_> =
            texts(language).into_iter().filter(|(id, text)| english[id] == *text).map(|(id, _)| id).collect();
        assert_eq!(same, SAME, "{}", language.code());
    }
}

/// Texts are used where `message!` names them, in tables as literals, or by the page.
#[test]
fn source_and_files_have_the_same_texts() {
    let files = placeholders(Language::ENGLISH);
    let mut needed = files.clone();
    for language in Language::all() {
        for (id, names) in placeholders(language) {
            needed.get_mut(&id).unwrap().extend(names);
        }
    }
    let mut used = BTreeSet::new();
    for source::Use { id, arguments, place } in source::uses() {
        let names = needed.get(&id).unwrap_or_else(|| panic!("{place}: there is no text {id}"));
        assert_eq!(&arguments, names, "{place}: the placeholders of {id}");
        used.insert(id);
    }
    assert!(used.len() > 200, "{}", used.len());
    used.extend(OPERATOR_COMMANDS.iter().map(|command| format!("help-operator-{}", &command.word[1..])));
    let literals = source::literals();
    let is_used = |id: &&String| used.contains(*id) || literals.contains(*id) || id.starts_with(texts::PAGE);
    let unused: Vec<_> = files.keys().filter(|id| !is_used(id)).collect();
    assert!(unused.is_empty(), "{unused:?}");
    let unknown: Vec<_> = used.iter().filter(|id| !files.contains_key(*id)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn forms_follow_the_number() {
    let lost = |language, lines: u64| with(language, || message!("lines-lost", lines));
    assert_eq!(lost(Language::ENGLISH, 1), "1 line was not sent");
    assert_eq!(lost(Language::ENGLISH, 2), "2 lines were not sent");
    assert_eq!(lost(Language::ENGLISH, u64::MAX), "18446744073709551615 lines were not sent");
    assert_eq!(lost(indonesian(), 1), "1 pesan tidak terkirim");
    assert_eq!(current(), Language::ENGLISH, "only in the scope");
}

#[test]
fn text_that_is_missing_is_in_english_or_its_identifier() {
    assert_eq!(with(indonesian(), || format("no-such-text", &Arguments::new())), "no-such-text");
    assert_eq!(indonesian().format("lines-lost", &Arguments::new()), None, "an argument is missing");
}

#[test]
fn page_has_its_texts_with_placeholders() {
    let page: BTreeMap<String, String> = serde_json::from_str(&texts::of_page(Language::ENGLISH)).unwrap();
    assert_eq!((page["_language"].as_str(), page["send"].as_str()), ("en", "Send"));
    assert_eq!(page["unread_one"], "{count} unread message");
    assert_eq!(page["unread_other"], "{count} unread messages");
    let page: BTreeMap<String, String> = serde_json::from_str(&texts::of_page(indonesian())).unwrap();
    assert_eq!((page["_language"].as_str(), page["unread"].as_str()), ("id", "{count} pesan belum dibaca"));
}
