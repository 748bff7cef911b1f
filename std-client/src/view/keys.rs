//! Keys, what they do, and how they are written in a configuration.

use std::fmt;
use std::str::FromStr;

use crate::language::{self, Arguments};

/// A key with its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The key.
    pub code: Code,
    /// Whether Ctrl is held.
    pub ctrl: bool,
    /// Whether Alt is held.
    pub alt: bool,
    /// Whether Shift is held. Characters are as they are with it.
    pub shift: bool,
}

/// A key without modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// A character.
    Char(char),
    /// A function key.
    F(u8),
    /// Enter.
    Enter,
    /// Tab.
    Tab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// An arrow.
    Left,
    /// An arrow.
    Right,
    /// An arrow.
    Up,
    /// An arrow.
    Down,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Escape.
    Escape,
}

impl Key {
    /// A key without modifiers.
    #[must_use]
    pub const fn plain(code: Code) -> Self {
        Self { code, ctrl: false, alt: false, shift: false }
    }

    /// A character with Ctrl.
    #[must_use]
    pub const fn ctrl(c: char) -> Self {
        Self { ctrl: true, ..Self::plain(Code::Char(c)) }
    }

    /// A character with Alt.
    #[must_use]
    pub const fn alt(c: char) -> Self {
        Self { alt: true, ..Self::plain(Code::Char(c)) }
    }
}

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Sends the input, or accepts.
    Send,
    /// Begins another line.
    NewLine,
    /// Completes, then the next completion.
    Complete,
    /// The completion before.
    CompleteBack,
    /// Moves the cursor.
    Left,
    /// Moves the cursor.
    Right,
    /// Moves the cursor.
    WordLeft,
    /// Moves the cursor.
    WordRight,
    /// Moves the cursor.
    LineStart,
    /// Moves the cursor.
    LineEnd,
    /// Moves to the row above; from the first one, recalls what was typed before.
    Up,
    /// Moves to the row below; from the last one, recalls what was typed after.
    Down,
    /// Deletes.
    DeleteLeft,
    /// Deletes.
    DeleteRight,
    /// Deletes a word.
    KillWordLeft,
    /// Deletes a word.
    KillWordRight,
    /// Deletes to the beginning of the line.
    KillToStart,
    /// Deletes to the end of the line.
    KillToEnd,
    /// Inserts what was deleted last.
    Yank,
    /// Undoes.
    Undo,
    /// Shows the next room.
    NextRoom,
    /// Shows the room before.
    PreviousRoom,
    /// Shows the next room with something new.
    NextActive,
    /// Shows the room with this number.
    Room(u8),
    /// Scrolls.
    PageUp,
    /// Scrolls.
    PageDown,
    /// Scrolls to the beginning.
    Top,
    /// Scrolls to the end.
    Bottom,
    /// Searches.
    Search,
    /// Shows keys and commands.
    Help,
    /// Selects the message before, to be quoted.
    SelectUp,
    /// Selects the message after.
    SelectDown,
    /// Quotes a message.
    Quote,
    /// Shows or hides the members.
    Members,
    /// Shows the list of transfers.
    Transfers,
    /// Copies a message, or an invite.
    Copy,
    /// Shows the text alone, so that the terminal selects whole lines.
    Bare,
    /// Clears the input; without any, asks whether to leave.
    Interrupt,
    /// Leaves if there is no input.
    EndOfInput,
    /// Closes what is open.
    Cancel,
    /// Draws the screen again.
    Redraw,
    /// Suspends the program.
    Suspend,
}

/// What is bound by default, and the text that describes each group in the help.
const DEFAULTS: &[(&str, &[(&str, Action)])] = &[
    ("keys-send", &[("enter", Action::Send)]),
    ("keys-new-line", &[("alt-enter", Action::NewLine), ("shift-enter", Action::NewLine)]),
    ("keys-complete", &[("tab", Action::Complete), ("shift-tab", Action::CompleteBack)]),
    (
        "keys-rooms",
        &[
            ("ctrl-n", Action::NextRoom),
            ("alt-right", Action::NextRoom),
            ("ctrl-p", Action::PreviousRoom),
            ("alt-left", Action::PreviousRoom),
        ],
    ),
    ("keys-active", &[("alt-a", Action::NextActive)]),
    ("keys-scroll", &[("pageup", Action::PageUp), ("pagedown", Action::PageDown)]),
    ("keys-ends", &[("ctrl-home", Action::Top), ("ctrl-end", Action::Bottom), ("alt-end", Action::Bottom)]),
    ("keys-search", &[("ctrl-f", Action::Search)]),
    ("keys-select", &[("alt-up", Action::SelectUp), ("alt-down", Action::SelectDown)]),
    ("keys-quote", &[("alt-q", Action::Quote)]),
    ("keys-members", &[("alt-m", Action::Members)]),
    ("keys-transfers", &[("alt-t", Action::Transfers)]),
    ("keys-copy", &[("alt-c", Action::Copy)]),
    ("keys-bare", &[("alt-l", Action::Bare)]),
    ("keys-recall", &[("up", Action::Up), ("down", Action::Down)]),
    ("keys-move", &[("left", Action::Left), ("right", Action::Right), ("ctrl-b", Action::Left)]),
    (
        "keys-words",
        &[
            ("ctrl-left", Action::WordLeft),
            ("ctrl-right", Action::WordRight),
            ("alt-b", Action::WordLeft),
            ("alt-f", Action::WordRight),
        ],
    ),
    (
        "keys-line",
        &[
            ("home", Action::LineStart),
            ("end", Action::LineEnd),
            ("ctrl-a", Action::LineStart),
            ("ctrl-e", Action::LineEnd),
        ],
    ),
    (
        "keys-delete",
        &[("backspace", Action::DeleteLeft), ("delete", Action::DeleteRight), ("ctrl-h", Action::DeleteLeft)],
    ),
    (
        "keys-delete-word",
        &[("ctrl-w", Action::KillWordLeft), ("alt-backspace", Action::KillWordLeft), ("alt-d", Action::KillWordRight)],
    ),
    ("keys-delete-to", &[("ctrl-u", Action::KillToStart), ("ctrl-k", Action::KillToEnd)]),
    ("keys-yank", &[("ctrl-y", Action::Yank), ("ctrl-_", Action::Undo)]),
    ("keys-clear", &[("ctrl-c", Action::Interrupt), ("ctrl-d", Action::EndOfInput)]),
    ("keys-redraw", &[("ctrl-l", Action::Redraw), ("ctrl-z", Action::Suspend)]),
    ("keys-close", &[("escape", Action::Cancel)]),
    ("keys-help", &[("f1", Action::Help)]),
];

/// The name of each action in a configuration, but those of rooms: `room-1` to `room-10`.
const ACTIONS: [(&str, Action); 41] = [
    ("send", Action::Send),
    ("new-line", Action::NewLine),
    ("complete", Action::Complete),
    ("complete-back", Action::CompleteBack),
    ("left", Action::Left),
    ("right", Action::Right),
    ("word-left", Action::WordLeft),
    ("word-right", Action::WordRight),
    ("line-start", Action::LineStart),
    ("line-end", Action::LineEnd),
    ("up", Action::Up),
    ("down", Action::Down),
    ("delete-left", Action::DeleteLeft),
    ("delete-right", Action::DeleteRight),
    ("kill-word-left", Action::KillWordLeft),
    ("kill-word-right", Action::KillWordRight),
    ("kill-to-start", Action::KillToStart),
    ("kill-to-end", Action::KillToEnd),
    ("yank", Action::Yank),
    ("undo", Action::Undo),
    ("next-room", Action::NextRoom),
    ("previous-room", Action::PreviousRoom),
    ("next-active", Action::NextActive),
    ("page-up", Action::PageUp),
    ("page-down", Action::PageDown),
    ("top", Action::Top),
    ("bottom", Action::Bottom),
    ("search", Action::Search),
    ("help", Action::Help),
    ("select-up", Action::SelectUp),
    ("select-down", Action::SelectDown),
    ("quote", Action::Quote),
    ("members", Action::Members),
    ("transfers", Action::Transfers),
    ("copy", Action::Copy),
    ("bare", Action::Bare),
    ("interrupt", Action::Interrupt),
    ("end-of-input", Action::EndOfInput),
    ("cancel", Action::Cancel),
    ("redraw", Action::Redraw),
    ("suspend", Action::Suspend),
];

/// The number of rooms that keys can show.
const ROOMS: u8 = 10;

impl Action {
    /// Returns all actions that can be bound, with their names.
    pub fn all() -> impl Iterator<Item = (String, Self)> {
        let rooms = (1..=ROOMS).map(|number| (format!("room-{number}"), Self::Room(number)));
        ACTIONS.into_iter().map(|(name, action)| (name.to_owned(), action)).chain(rooms)
    }

    /// Returns the action with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|(known, _)| known == name).map(|(_, action)| action)
    }
}

/// The keys and their actions, each key once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bindings(Vec<(Key, Action)>);

impl Default for Bindings {
    fn default() -> Self {
        let all = DEFAULTS.iter().flat_map(|(_, keys)| *keys);
        let rooms = ('1'..='9').chain(['0']).zip(1..=ROOMS);
        let rooms = rooms.map(|(digit, number)| (Key::alt(digit), Action::Room(number)));
        Self(all.filter_map(|(key, action)| Some((key.parse().ok()?, *action))).chain(rooms).collect())
    }
}

impl Bindings {
    /// Returns what a key does; `None`: a character is inserted, another key does nothing.
    #[must_use]
    pub fn action(&self, key: Key) -> Option<Action> {
        self.0.iter().find(|(known, _)| *known == key).map(|(_, action)| *action)
    }

    /// Returns the keys of an action.
    pub fn keys(&self, action: Action) -> impl Iterator<Item = Key> {
        self.0.iter().filter(move |(_, known)| *known == action).map(|(key, _)| *key)
    }

    /// Binds an action to these keys only. They do nothing else.
    pub fn bind(&mut self, action: Action, keys: &[Key]) {
        self.0.retain(|(key, known)| *known != action && !keys.contains(key));
        self.0.extend(keys.iter().map(|key| (*key, action)));
    }

    /// Returns the rows of the help: keys, and what they do. Without keys there is no row.
    pub fn help(&self) -> impl Iterator<Item = (String, String)> {
        let rooms = std::iter::once((self.rooms(), "keys-show-room"));
        let all = DEFAULTS.iter().map(|(description, keys)| {
            let mut bound = Vec::new();
            for (at, (_, action)) in keys.iter().enumerate() {
                if !keys[..at].iter().any(|(_, earlier)| earlier == action) {
                    bound.extend(self.keys(*action).map(|key| key.to_string()));
                }
            }
            (bound.join(", "), *description)
        });
        let rows = rooms.chain(all).filter(|(keys, _)| !keys.is_empty());
        rows.map(|(keys, text)| (keys, language::format(text, &Arguments::new())))
    }

    /// The keys of the first and the last room.
    fn rooms(&self) -> String {
        let key = |number| self.keys(Action::Room(number)).next().map(|key| key.to_string());
        let ends: Vec<_> = [1, ROOMS].into_iter().filter_map(key).collect();
        ends.join(" ... ")
    }
}

/// This is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a key")]
pub struct KeyError;

/// Keys with a name.
const NAMES: [(&str, Code); 15] = [
    ("enter", Code::Enter),
    ("tab", Code::Tab),
    ("backspace", Code::Backspace),
    ("delete", Code::Delete),
    ("left", Code::Left),
    ("right", Code::Right),
    ("up", Code::Up),
    ("down", Code::Down),
    ("home", Code::Home),
    ("end", Code::End),
    ("pageup", Code::PageUp),
    ("pagedown", Code::PageDown),
    ("escape", Code::Escape),
    ("space", Code::Char(' ')),
    ("minus", Code::Char('-')),
];

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut words: Vec<_> = text.split('-').collect();
        let name = words.pop().ok_or(KeyError)?;
        let named = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, code)| *code);
        let mut characters = name.chars();
        let code = match (named, characters.next(), characters.as_str()) {
            (Some(code), ..) => code,
            (None, Some(c), "") if !c.is_control() => Code::Char(c),
            (None, Some('f' | 'F'), number) => match number.parse() {
                Ok(number @ 1..=24) => Code::F(number),
                _ => return Err(KeyError),
            },
            _ => return Err(KeyError),
        };
        let mut key = Self::plain(code);
        for word in words {
            match word.to_ascii_lowercase().as_str() {
                "ctrl" => key.ctrl = true,
                "alt" => key.alt = true,
                "shift" => key.shift = true,
                _ => return Err(KeyError),
            }
        }
        Ok(key)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (is_held, name) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")] {
            f.write_str(if is_held { name } else { "" })?;
        }
        if let Some((name, _)) = NAMES.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            Code::Char(c) => write!(f, "{c}"),
            Code::F(number) => write!(f, "f{number}"),
            code => write!(f, "{code:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_key() {
        for (key, action) in DEFAULTS.iter().flat_map(|(_, keys)| *keys) {
            let parsed: Key = key.parse().unwrap_or_else(|_| panic!("{key}"));
            assert_eq!((parsed.to_string().as_str(), Bindings::default().action(parsed)), (*key, Some(*action)));
        }
    }

    #[test]
    fn every_bound_action_has_a_name_and_keys_are_bound_once() {
        let defaults = Bindings::default();
        for (key, action) in &defaults.0 {
            assert!(Action::all().any(|(_, known)| known == *action), "{action:?}");
            assert_eq!(defaults.0.iter().filter(|(known, _)| known == key).count(), 1, "{key}");
        }
        assert!(Action::all().all(|(name, action)| Action::named(&name) == Some(action)));
    }

    #[test]
    fn a_key_that_is_bound_loses_its_earlier_action() {
        let mut bindings = Bindings::default();
        bindings.bind(Action::Search, &[Key::ctrl('n'), Key::plain(Code::F(3))]);
        assert_eq!((bindings.action(Key::ctrl('n')), bindings.action(Key::ctrl('f'))), (Some(Action::Search), None));
        let help: Vec<_> = bindings.help().collect();
        assert!(help.contains(&("ctrl-n, f3".to_owned(), "search".to_owned())), "{help:?}");
        assert!(
            help.contains(&("alt-right, ctrl-p, alt-left".to_owned(), "next, previous room".to_owned())),
            "{help:?}"
        );
        assert!(help.contains(&("alt-1 ... alt-0".to_owned(), "show a room".to_owned())), "{help:?}");
        bindings.bind(Action::Search, &[]);
        assert!(bindings.help().all(|(_, description)| description != "search"));
    }

    #[test]
    fn parses_keys_as_people_write_them() {
        assert_eq!("Ctrl-N".parse(), Ok(Key { code: Code::Char('N'), ..Key::ctrl('n') }));
        assert_eq!("alt-minus".parse(), Ok(Key::alt('-')));
        assert_eq!("F12".parse(), Ok(Key::plain(Code::F(12))));
        assert_eq!("\u{e9}".parse(), Ok(Key::plain(Code::Char('\u{e9}'))));
        for text in ["", "-", "ctrl-", "f0", "f25", "hyper-a", "ab", "\u{7}"] {
            assert_eq!(text.parse::<Key>(), Err(KeyError), "{text:?}");
        }
    }
}
