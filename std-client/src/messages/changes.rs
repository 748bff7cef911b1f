//! Sentences about what a member changes: its name, its entries, what is displayed.

use kabar_core::chat::AnswerCode;
use kabar_std::text::clean_line;

use super::plural::count;
use crate::command::CommandName;
use crate::command::Notify;
use crate::engine::event::{Earlier, IgnoreError, Refusal, RenameError, Request};
use crate::history::MAX_IGNORED;

/// Why a name is not changed.
pub(super) fn rename_error(error: &RenameError) -> String {
    match error {
        RenameError::SameName => "that is your name already".to_owned(),
        RenameError::Name(error) => error.to_string(),
        RenameError::Refused(why) => refusal(why),
    }
}

/// Why the server refused a request: its own text, or else one for the code.
pub(super) fn refusal(why: &Refusal) -> String {
    let text = clean_line(&why.text);
    if !text.trim().is_empty() {
        return text;
    }
    let words = match why.code {
        AnswerCode::NOT_PERMITTED => "you may not do this",
        AnswerCode::NOT_FOUND => "there is no such thing",
        AnswerCode::NAME_TAKEN => "the name is taken",
        AnswerCode::NAME_NOT_ALLOWED => "the name is not allowed",
        AnswerCode::TRY_LATER => "not possible at the moment; try again later",
        AnswerCode::LIMIT => "a limit of the server is reached",
        AnswerCode::UNCHANGED => "it is so already",
        AnswerCode(code) => return format!("the server refused it (reason {code})"),
    };
    words.to_owned()
}

/// The server has not answered a command.
pub(super) fn unanswered(request: &Request, is_lost: bool) -> String {
    let word = match request {
        Request::Rename => CommandName::Nick.word(),
        Request::Remove(_) => CommandName::Delete.word(),
        Request::Operate(word) => word,
        Request::AddRoom => CommandName::Room.word(),
        Request::ListRooms => CommandName::Rooms.word(),
    };
    if is_lost {
        format!("(the connection was lost before the server answered {word}: it may have taken effect)")
    } else {
        format!("(no answer from the server to {word}; it may be an earlier version, without this command)")
    }
}

pub(super) fn ignored(name: &str, is_change: bool) -> String {
    if is_change {
        format!("lines of {name} are hidden from now on (/unignore {name} displays them again)")
    } else {
        format!("{name} is ignored already")
    }
}

pub(super) fn unignored(name: &str, is_change: bool) -> String {
    if is_change { format!("lines of {name} are displayed again") } else { format!("{name} is not ignored") }
}

pub(super) fn ignore_error(error: IgnoreError) -> String {
    match error {
        IgnoreError::Name(error) => error.to_string(),
        IgnoreError::OwnName => "you cannot ignore yourself".to_owned(),
        IgnoreError::TooMany => format!("{MAX_IGNORED} names are ignored already: /unignore one first"),
    }
}

pub(super) fn ignore_list(names: &[String]) -> String {
    if names.is_empty() { "nobody is ignored".to_owned() } else { format!("ignored: {}", names.join(", ")) }
}

pub(super) fn joins_shown(shows: bool) -> String {
    format!("joins and leaves are {} from now on", if shows { "displayed" } else { "hidden" })
}

pub(super) const fn notify_set(notify: Notify) -> &'static str {
    match notify {
        Notify::All => "all lines of this room are announced from now on",
        Notify::Mentions => "lines of this room that mention you are announced from now on",
        Notify::Nothing => "nothing of this room is announced from now on",
    }
}

/// The reply to `/history`: the entries of a page, as they are displayed.
pub(super) fn history(lines: u64, text: &str, is_last: bool, earlier: Earlier) -> String {
    if text.is_empty() {
        return match earlier {
            Earlier::Beginning => "there are no earlier lines: this is the beginning of the room".to_owned(),
            Earlier::NotKept => "there are no earlier lines: the server no longer keeps them".to_owned(),
            Earlier::Possible => "all lines of this page are hidden (/history more shows earlier ones)".to_owned(),
        };
    }
    let text = text.trim_end();
    let heading = if is_last {
        format!("the last {} of the room", count(lines, "line", "lines"))
    } else {
        count(lines, "earlier line", "earlier lines")
    };
    let end = match earlier {
        Earlier::Possible => " (/history more shows earlier ones)",
        Earlier::Beginning => ", from the beginning of the room",
        Earlier::NotKept => " (earlier ones are no longer kept)",
    };
    let end = if is_last && earlier == Earlier::Beginning { "" } else { end };
    format!("{heading}{end}:\n{text}")
}
