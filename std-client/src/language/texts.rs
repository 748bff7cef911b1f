//! The texts of a language as its file has them, and those of the page in a browser.

use std::collections::BTreeMap;

use fluent_bundle::FluentResource;
use fluent_syntax::ast::{Entry, Expression, InlineExpression, Message, Pattern, PatternElement, VariantKey};

use super::{LANGUAGES, Language};

/// What the identifiers of texts of the page begin with.
pub const PAGE: &str = "page-";

/// Parses the file of a language. An entry that is invalid is left out.
pub(super) fn parse(language: Language) -> FluentResource {
    FluentResource::try_new(LANGUAGES[language.0].texts.to_owned()).unwrap_or_else(|(resource, _)| resource)
}

/// Returns the texts of the page, as a JSON object: `page-not-stored` under the key `not_stored`. A
/// text whose form depends on a number is there once for each form: `unread_one`, `unread_other`.
/// The page itself replaces placeholders, as `{name}`.
#[must_use]
pub fn of_page(language: Language) -> String {
    let mut texts = BTreeMap::from([("_language".to_owned(), language.code().to_owned())]);
    let resource = parse(language);
    for (id, pattern) in messages(&resource) {
        let Some(key) = id.strip_prefix(PAGE).map(|key| key.replace('-', "_")) else { continue };
        let forms = forms(pattern);
        texts.extend(forms.iter().map(|form| (format!("{key}_{form}"), template(pattern, form))));
        if forms.is_empty() {
            texts.insert(key, template(pattern, ""));
        }
    }
    serde_json::to_string(&texts).unwrap_or_default()
}

/// Returns the texts with their identifiers.
pub(super) fn messages(resource: &FluentResource) -> impl Iterator<Item = (&str, &Pattern<&str>)> {
    resource.entries().filter_map(|entry| match entry {
        Entry::Message(Message { id, value: Some(pattern), .. }) => Some((id.name, pattern)),
        _ => None,
    })
}

/// Returns the forms that a text has for numbers: `one`, `other`.
fn forms<'a>(pattern: &'a Pattern<&'a str>) -> Vec<&'a str> {
    let select = pattern.elements.iter().find_map(|element| match element {
        PatternElement::Placeable { expression: Expression::Select { variants, .. } } => Some(variants),
        _ => None,
    });
    select.into_iter().flatten().map(|variant| key(&variant.key)).collect()
}

const fn key<'a>(key: &VariantKey<&'a str>) -> &'a str {
    match key {
        VariantKey::Identifier { name } => name,
        VariantKey::NumberLiteral { value } => value,
    }
}

/// Returns the text for a form, with placeholders as `{name}`.
fn template(pattern: &Pattern<&str>, form: &str) -> String {
    pattern
        .elements
        .iter()
        .map(|element| match element {
            PatternElement::TextElement { value } => (*value).to_owned(),
            PatternElement::Placeable { expression } => template_of(expression, form),
        })
        .collect()
}

fn template_of(expression: &Expression<&str>, form: &str) -> String {
    match expression {
        Expression::Inline(InlineExpression::VariableReference { id }) => format!("{{{}}}", id.name),
        Expression::Inline(InlineExpression::StringLiteral { value } | InlineExpression::NumberLiteral { value }) => {
            (*value).to_owned()
        }
        // The page's texts have no other expressions.
        Expression::Inline(_) => String::new(),
        Expression::Select { variants, .. } => {
            let named = variants.iter().find(|variant| key(&variant.key) == form);
            let variant = named.or_else(|| variants.iter().find(|variant| variant.default));
            variant.map(|variant| template(&variant.value, form)).unwrap_or_default()
        }
    }
}
