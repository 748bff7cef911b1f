//! Sentences about the page in a browser.

use kabar_std::text::clean_line;

use crate::language::message;

/// The server is running at this address; whether a browser was started.
#[must_use]
pub fn started(url: &str, is_opened: bool) -> String {
    let lead = if is_opened { message!("web-opened") } else { message!("web-open") };
    format!("{lead}\n  {url}\n{}", message!("web-secret"))
}

/// A command needs a room, and none is displayed.
#[must_use]
pub fn in_no_room() -> String {
    message!("screen-in-no-room")
}

/// The answer to `/history`.
#[must_use]
pub fn scroll_up() -> String {
    message!("web-scroll-up")
}

/// The answer to `/delete` where no text is the user's own.
#[must_use]
pub fn nothing_to_remove() -> String {
    message!("screen-nothing-to-remove")
}

/// The answer to a search where nothing is stored.
#[must_use]
pub fn no_search() -> String {
    message!("web-no-search")
}

/// The answer to `/send` with a path.
#[must_use]
pub fn no_paths() -> String {
    message!("web-no-paths")
}

/// A file of the page is for a room that the user is not in.
#[must_use]
pub fn file_in_no_room(name: &str) -> String {
    message!("web-file-in-no-room", name = clean_line(name))
}

/// The entry of a file that is to be saved is not known.
#[must_use]
pub fn no_such_file() -> String {
    message!("transfer-no-such-file")
}
