//! Sentences about the page in a browser.

/// The server is running at this address; whether a browser was started.
#[must_use]
pub fn started(url: &str, is_opened: bool) -> String {
    let lead = if is_opened { "Kabar is in your browser. Otherwise open" } else { "Open in a browser" };
    format!("{lead}:\n  {url}\nWhoever has this address reads and writes as you, on this computer. Ctrl-C ends it.")
}
