//! The language that the environment asks for, or a browser.

use std::ffi::OsString;

use super::Language;

/// Returns the language of the environment's locale; `None`: it names none that there are texts in.
#[must_use]
pub fn of_environment(environment: &dyn Fn(&str) -> Option<OsString>) -> Option<Language> {
    let set = |name: &str| environment(name).filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_MESSAGES")).or_else(|| set("LANG"))?;
    of_tag(locale.to_str()?)
}

/// Returns the preferred language of an `Accept-Language` header; `None`: there are texts in none
/// of them.
#[must_use]
pub fn accepted(header: &str) -> Option<Language> {
    let choices = header.split(',').filter_map(|choice| {
        let (tag, parameters) = choice.split_once(';').unwrap_or((choice, ""));
        let weight = parameters.trim().strip_prefix("q=").map_or(Some(1.0), |weight| weight.parse::<f32>().ok())?;
        Some((of_tag(tag.trim())?, weight))
    });
    // Of equal weights, the first one.
    choices.reduce(|best, choice| if choice.1 > best.1 { choice } else { best }).map(|(language, _)| language)
}

/// Returns the language of a tag or a locale: `id`, `id-ID`, `id_ID.UTF-8`.
fn of_tag(tag: &str) -> Option<Language> {
    let code = tag.split(['-', '_', '.', '@']).next().unwrap_or_default().trim();
    Language::all().find(|language| language.code().eq_ignore_ascii_case(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(language: Option<Language>) -> Option<&'static str> {
        language.map(Language::code)
    }

    #[test]
    fn language_follows_the_locale() {
        let of = |variables: &[(&str, &str)]| {
            code(of_environment(&|name| variables.iter().find(|(known, _)| *known == name).map(|(_, v)| v.into())))
        };
        assert_eq!(of(&[("LANG", "id_ID.UTF-8")]), Some("id"));
        assert_eq!(of(&[("LANG", "en")]), Some("en"));
        assert_eq!(of(&[("LANG", "id_ID.UTF-8"), ("LC_ALL", "C.UTF-8")]), None);
        assert_eq!(of(&[("LANG", "C"), ("LC_MESSAGES", "id"), ("LC_ALL", "")]), Some("id"));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn language_follows_the_browser() {
        for (header, expected) in [
            ("de-DE,de;q=0.9,id;q=0.8,en;q=0.7", Some("id")),
            ("en-GB,id", Some("en")),
            ("en;q=0.1, ID-id;q=0.5", Some("id")),
            ("id;q=x", None),
            ("de", None),
            ("", None),
        ] {
            assert_eq!(code(accepted(header)), expected, "{header}");
        }
    }
}
