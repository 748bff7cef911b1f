//! Sentences about the page in a browser.

use crate::language::message;

/// The server is running at this address; whether a browser was started.
#[must_use]
pub fn started(url: &str, is_opened: bool) -> String {
    let lead = if is_opened { message!("web-opened") } else { message!("web-open") };
    format!("{lead}\n  {url}\n{}", message!("web-secret"))
}
