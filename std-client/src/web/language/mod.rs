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
            Self::En => include_str!("../page/texts/en.json"),
            Self::Id => include_str!("../page/texts/id.json"),
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
mod tests;
