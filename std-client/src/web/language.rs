//! The language of the page: that of `--lang`, or of `LANG`, or of the browser. Each has one file
//! of texts, `page/texts/CODE.json`.

use clap::ValueEnum;

/// A language that the page has texts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// English.
    En,
    /// Indonesian.
    Id,
}

impl Language {
    /// All languages. The first one is the default.
    pub const ALL: [Self; 2] = [Self::En, Self::Id];

    /// Returns its code (ISO 639-1).
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Id => "id",
        }
    }

    /// Returns its texts, as JSON.
    #[must_use]
    pub const fn texts(self) -> &'static str {
        match self {
            Self::En => include_str!("page/texts/en.json"),
            Self::Id => include_str!("page/texts/id.json"),
        }
    }

    /// Returns the language of a tag or a locale: `id`, `id-ID`, `id_ID.UTF-8`.
    fn of_tag(tag: &str) -> Option<Self> {
        let code = tag.split(['-', '_', '.', '@']).next().unwrap_or_default().trim();
        Self::ALL.into_iter().find(|language| language.code().eq_ignore_ascii_case(code))
    }
}

/// Returns the language of the environment's locale; `None`: it names none that the page has.
#[must_use]
pub fn of_environment() -> Option<Language> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    of_locale(&set("LC_ALL").or_else(|| set("LC_MESSAGES")).or_else(|| set("LANG"))?)
}

fn of_locale(locale: &str) -> Option<Language> {
    Language::of_tag(locale)
}

/// Returns the preferred language of an `Accept-Language` header that the page has.
#[must_use]
pub fn accepted(header: &str) -> Language {
    let choices = header.split(',').filter_map(|choice| {
        let (tag, parameters) = choice.split_once(';').unwrap_or((choice, ""));
        let weight = parameters.trim().strip_prefix("q=").map_or(Some(1.0), |weight| weight.parse::<f32>().ok())?;
        Some((Language::of_tag(tag.trim())?, weight))
    });
    // Of equal weights, the first one.
    let best = choices.reduce(|best, choice| if choice.1 > best.1 { choice } else { best });
    best.map_or(Language::ALL[0], |(language, _)| language)
}

#[cfg(test)]
mod tests {
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
}
