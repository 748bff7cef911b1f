//! Sentences about what a member changes: its name, its entries, what is displayed.

use kabar_core::chat::AnswerCode;
use kabar_std::text::clean_line;

use super::errors::with_server_text;
use super::reasons;
use crate::command::CommandName;
use crate::command::Notify;
use crate::engine::event::{Earlier, IgnoreError, Refusal, RenameError, Request};
use crate::history::MAX_IGNORED;
use crate::language::{self, Language, message};

/// Why a name is not changed.
pub(super) fn rename_error(error: &RenameError) -> String {
    match error {
        RenameError::SameName => message!("rename-same"),
        RenameError::Name(error) => reasons::name(error),
        RenameError::Refused(why) => refusal(why),
    }
}

/// Why the server refused a request. Its own text, which is in English, says more than the code.
pub(super) fn refusal(why: &Refusal) -> String {
    let text = clean_line(&why.text);
    let is_empty = text.trim().is_empty();
    if !is_empty && language::current() == Language::ENGLISH {
        return text;
    }
    let sentence = match why.code {
        AnswerCode::NOT_PERMITTED => message!("refused-not-permitted"),
        AnswerCode::NOT_FOUND => message!("refused-not-found"),
        AnswerCode::NAME_TAKEN => message!("refused-name-taken"),
        AnswerCode::NAME_NOT_ALLOWED => message!("refused-name-not-allowed"),
        AnswerCode::TRY_LATER => message!("refused-try-later"),
        AnswerCode::LIMIT => message!("refused-limit"),
        AnswerCode::UNCHANGED => message!("refused-unchanged"),
        _ if !is_empty => return text,
        AnswerCode(code) => message!("refused-other", code),
    };
    with_server_text(sentence, &why.text)
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
    if is_lost { message!("unanswered-lost", word) } else { message!("unanswered", word) }
}

pub(super) fn ignored(name: &str, is_change: bool) -> String {
    if is_change { message!("ignored", name) } else { message!("ignored-already", name) }
}

pub(super) fn unignored(name: &str, is_change: bool) -> String {
    if is_change { message!("unignored", name) } else { message!("unignored-already", name) }
}

pub(super) fn ignore_error(error: IgnoreError) -> String {
    match error {
        IgnoreError::Name(error) => reasons::name(&error),
        IgnoreError::OwnName => message!("ignore-own-name"),
        IgnoreError::TooMany => message!("ignore-too-many", max = MAX_IGNORED),
    }
}

pub(super) fn ignore_list(names: &[String]) -> String {
    if names.is_empty() { message!("ignore-list-empty") } else { message!("ignore-list", names = names.join(", ")) }
}

pub(super) fn joins_shown(shows: bool) -> String {
    if shows { message!("joins-shown") } else { message!("joins-hidden") }
}

pub(super) fn notify_set(notify: Notify) -> String {
    match notify {
        Notify::All => message!("notify-all"),
        Notify::Mentions => message!("notify-mentions"),
        Notify::Nothing => message!("notify-nothing"),
    }
}

/// The reply to `/history`: the entries of a page, as they are displayed.
pub(super) fn history(lines: u64, text: &str, is_last: bool, earlier: Earlier) -> String {
    if text.is_empty() {
        return match earlier {
            Earlier::Beginning => message!("history-none-before-beginning"),
            Earlier::NotKept => message!("history-none-kept"),
            Earlier::Possible => message!("history-all-hidden"),
        };
    }
    let earlier = match earlier {
        Earlier::Possible => "possible",
        Earlier::Beginning => "beginning",
        Earlier::NotKept => "not-kept",
    };
    let heading = if is_last {
        message!("history-last-lines", lines, earlier)
    } else {
        message!("history-earlier-lines", lines, earlier)
    };
    format!("{heading}\n{}", text.trim_end())
}
