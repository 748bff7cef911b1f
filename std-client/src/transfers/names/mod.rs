//! The names of received files. A name comes from another member, so it is only a proposal: it
//! never leaves the folder of downloads, hides nothing, and means the same on every system.

use std::borrow::Cow;
use std::path::Path;

use kabar_std::text::clean_line;

/// Longest name of a file in bytes, as common file systems have it.
pub const MAX_LEN: usize = 255;
/// Longest extension that is kept when a name is cut, in bytes with its dot.
const MAX_EXTENSION_LEN: usize = 32;
/// The name of a file whose name has nothing that can be used.
const UNNAMED: &str = "file";
/// Names of devices on Windows, with any extension and in any case.
const DEVICES: &[&str] = &["con", "prn", "aux", "nul", "conin$", "conout$"];
/// Devices with a digit after the name.
const NUMBERED_DEVICES: &[&str] = &["com", "lpt"];

/// Returns a name for a received file: one component of a path, neither hidden nor a device, of at
/// most [`MAX_LEN`] bytes.
#[must_use]
pub fn safe_name(received: &str) -> String {
    // Drops characters that control a terminal or change the direction of writing.
    let clean = clean_line(received);
    let name: String = clean.chars().map(|c| if is_reserved(c) { '_' } else { c }).collect();
    // Windows drops dots and spaces at the end, so that another name would remain.
    let name = name.trim_start_matches(['.', ' ']).trim_end_matches(['.', ' ']);
    if name.is_empty() {
        return UNNAMED.to_owned();
    }
    let name = if is_device(name) { format!("_{name}") } else { name.to_owned() };
    with_suffix(&name, "").into_owned()
}

/// Returns the name of the copy with this number: `name (1).ext`; the name itself for 0.
#[must_use]
pub fn numbered(name: &str, number: u32) -> Cow<'_, str> {
    if number == 0 { Cow::Borrowed(name) } else { Cow::Owned(with_suffix(name, &format!(" ({number})")).into_owned()) }
}

/// Returns the name under which a file is sent; `None`: it has none that is text.
#[must_use]
pub fn sent_name(path: &Path) -> Option<String> {
    Some(clean_line(path.file_name()?.to_str()?)).filter(|name| !name.is_empty())
}

/// Returns the name with `suffix` before its extension, cut to [`MAX_LEN`] bytes.
fn with_suffix<'a>(name: &'a str, suffix: &str) -> Cow<'a, str> {
    let len = name.len().saturating_add(suffix.len());
    if suffix.is_empty() && len <= MAX_LEN {
        return Cow::Borrowed(name);
    }
    let (stem, extension) = split(name);
    let free = MAX_LEN.saturating_sub(suffix.len()).saturating_sub(extension.len());
    Cow::Owned(format!("{}{suffix}{extension}", cut(stem, free)))
}

/// Splits a name into its stem and its extension with the dot, if that is one to keep.
fn split(name: &str) -> (&str, &str) {
    match name.rfind('.').filter(|at| *at > 0 && name.len().saturating_sub(*at) <= MAX_EXTENSION_LEN) {
        Some(at) => name.split_at_checked(at).unwrap_or((name, "")),
        None => (name, ""),
    }
}

/// Returns the beginning of `text` with at most `len` bytes.
pub(super) fn cut(text: &str, len: usize) -> &str {
    text.get(..text.floor_char_boundary(len)).unwrap_or(text)
}

/// Whether a character separates the parts of a path, or is not allowed in names on Windows.
const fn is_reserved(c: char) -> bool {
    matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    let is_numbered = |device: &str| {
        stem.strip_prefix(device).is_some_and(|rest| {
            let mut digits = rest.chars();
            let is_digit = |c: char| c.is_ascii_digit() || matches!(c, '\u{b9}' | '\u{b2}' | '\u{b3}');
            digits.next().is_some_and(is_digit) && digits.next().is_none()
        })
    };
    DEVICES.contains(&stem.as_str()) || NUMBERED_DEVICES.iter().any(|device| is_numbered(device))
}

#[cfg(test)]
mod tests;
