//! Numbers of things in words.

/// Returns a number with the word for one or for several.
pub(super) fn count(count: u64, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}
