//! By whom and why something was done, as members are shown it (SPEC 6.7).

use kabar_core::crypto::identity::PublicIdentity;

use crate::hub::people::People;

/// The author of an operator's entries (SPEC 6.6).
pub(super) const SERVER: &str = "server";
/// Longest reason in bytes; the rest is cut off.
const MAX_REASON_LEN: usize = 200;

/// The name of whoever does something, as the record of it states, and the reason: `by anna: spam`.
/// May be empty: what is done at the console is stated only with a reason, as `by server: spam`. No
/// member has that name.
pub(super) fn cause(people: &People, by: Option<PublicIdentity>, reason: Option<&str>) -> String {
    let name = by.map(|by| people.name_of(&by).unwrap_or("an operator"));
    match (name, reason.map(cut_reason)) {
        (None, None) => String::new(),
        (Some(name), None) => format!("by {name}"),
        (name, Some(reason)) => format!("by {}: {reason}", name.unwrap_or(SERVER)),
    }
}

/// A reason, cut to the longest that is stored.
pub(super) fn cut_reason(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(MAX_REASON_LEN)]
}

/// Appends a cause to the beginning of a sentence.
pub(super) fn sentence(beginning: &str, cause: &str) -> String {
    match cause {
        "" => beginning.to_owned(),
        _ => format!("{beginning} {cause}"),
    }
}
