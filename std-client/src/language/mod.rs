//! The language of what a person reads, and the texts in it: one file per language in `texts/`, in
//! the syntax of Project Fluent. A translation is one more file, and a line in `LANGUAGES`.
//!
//! The language of the process is chosen once, when it starts. `message!` formats a text in it;
//! one that is missing there is in English.
//!
//! * [`locale`]: the language that the environment or a browser asks for. [`texts`]: what a file
//!   has.

pub mod locale;
mod message;
#[cfg(test)]
pub(crate) mod tests;
pub mod texts;

use std::cell::Cell;
use std::str::FromStr;
use std::sync::OnceLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

pub(crate) use message::message;

/// The file of a language.
struct Source {
    /// ISO 639-1.
    code: &'static str,
    texts: &'static str,
}

/// All languages. The first one is complete, and the default.
const LANGUAGES: &[Source] = &[
    Source { code: "en", texts: include_str!("../../texts/en.ftl") },
    Source { code: "id", texts: include_str!("../../texts/id.ftl") },
];

/// The texts that were needed so far.
static BUNDLES: [OnceLock<FluentBundle<FluentResource>>; LANGUAGES.len()] =
    [const { OnceLock::new() }; LANGUAGES.len()];

/// The language of the process.
static CHOSEN: OnceLock<Language> = OnceLock::new();

thread_local! {
    static SCOPED: Cell<Option<Language>> = const { Cell::new(None) };
}

/// A language that there are texts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Language(usize);

/// There are no texts in a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such language")]
pub struct UnknownLanguage;

impl Language {
    /// English.
    pub const ENGLISH: Self = Self(0);

    /// Returns all languages.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> {
        (0..LANGUAGES.len()).map(Self)
    }

    /// Returns its code (ISO 639-1).
    #[must_use]
    pub const fn code(self) -> &'static str {
        LANGUAGES[self.0].code
    }

    fn bundle(self) -> &'static FluentBundle<FluentResource> {
        BUNDLES[self.0].get_or_init(|| {
            let language: LanguageIdentifier = self.code().parse().unwrap_or_default();
            let mut bundle = FluentBundle::new_concurrent(vec![language]);
            // Isolation marks are control characters, which terminals do not get.
            bundle.set_use_isolating(false);
            bundle.add_resource_overriding(texts::parse(self));
            bundle
        })
    }

    /// Formats a text; `None`: it is missing, or an argument is.
    fn format(self, id: &str, arguments: &Arguments<'_>) -> Option<String> {
        let bundle = self.bundle();
        let mut errors = Vec::new();
        let pattern = bundle.get_message(id)?.value()?;
        let text = bundle.format_pattern(pattern, Some(&arguments.0), &mut errors);
        errors.is_empty().then(|| text.into_owned())
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(code: &str) -> Result<Self, UnknownLanguage> {
        Self::all().find(|language| language.code() == code).ok_or(UnknownLanguage)
    }
}

/// Chooses the language of the process, unless one is chosen. Returns that one.
pub fn choose(language: Language) -> Language {
    *CHOSEN.get_or_init(|| language)
}

/// Runs a function in a language, on this thread.
pub fn with<T>(language: Language, run: impl FnOnce() -> T) -> T {
    /// Restores the language also after a panic.
    struct Restore(Option<Language>);

    impl Drop for Restore {
        fn drop(&mut self) {
            SCOPED.set(self.0);
        }
    }

    let _restore = Restore(SCOPED.replace(Some(language)));
    run()
}

/// Returns the language that texts are formatted in.
#[must_use]
pub fn current() -> Language {
    SCOPED.get().or_else(|| CHOSEN.get().copied()).unwrap_or(Language::ENGLISH)
}

/// Formats the text with this identifier. One without a text is displayed as it is.
#[must_use]
pub fn format(id: &str, arguments: &Arguments<'_>) -> String {
    let text = current().format(id, arguments).or_else(|| Language::ENGLISH.format(id, arguments));
    text.unwrap_or_else(|| id.to_owned())
}

/// Values for the placeholders of a text.
#[derive(Debug, Default)]
pub struct Arguments<'a>(FluentArgs<'a>);

impl<'a> Arguments<'a> {
    /// Creates an empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Argument<'a>>) -> Self {
        self.0.set(name, value.into().0);
        self
    }
}

/// A value for a placeholder. The form of a text may depend on a number.
#[derive(Debug)]
pub struct Argument<'a>(FluentValue<'a>);

impl From<String> for Argument<'_> {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl<'a> From<&'a str> for Argument<'a> {
    fn from(text: &'a str) -> Self {
        Self(text.into())
    }
}

impl<'a> From<&'a String> for Argument<'a> {
    fn from(text: &'a String) -> Self {
        Self(text.as_str().into())
    }
}

impl From<u64> for Argument<'_> {
    fn from(number: u64) -> Self {
        /// A number of Fluent has the precision of `f64`.
        const MAX_EXACT: u64 = 1 << f64::MANTISSA_DIGITS;
        Self(if number <= MAX_EXACT { number.into() } else { number.to_string().into() })
    }
}

impl From<usize> for Argument<'_> {
    fn from(number: usize) -> Self {
        u64::try_from(number).unwrap_or(u64::MAX).into()
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl From<$number> for Argument<'_> {
            fn from(number: $number) -> Self {
                u64::from(number).into()
            }
        })*
    };
}

numbers!(u8, u16, u32);
