//! Questions, which are answered in the place of the input.

use kabar_std::text::clean_line;
use zeroize::Zeroizing;

use super::span::{Role, Row, Span};
use super::wrap::wrap;
use crate::engine::ServerId;
use crate::language::message;
use crate::transfers::TransferId;

/// The longest password that can be typed, in bytes.
const MAX_PASSWORD_LEN: usize = 1024;

/// A question.
#[derive(Debug)]
pub(super) enum Question {
    /// Whether to accept the key of a server.
    Key { server: ServerId, label: String },
    /// The password of a room.
    Password { server: ServerId, room: String, was_wrong: bool, typed: Zeroizing<String> },
    /// A password was typed, and the server has not answered. What is typed meanwhile goes nowhere:
    /// it may be meant as a password.
    Checking { server: ServerId, room: String },
    /// Whether to leave.
    Leave { unsent: usize },
    /// Whether to cancel a transfer.
    CancelTransfer { server: ServerId, transfer: TransferId, name: String },
}

impl Question {
    pub(super) fn password(server: ServerId, room: &str, was_wrong: bool) -> Self {
        // Of the full size, so that no copy stays behind when it grows.
        let typed = Zeroizing::new(String::with_capacity(MAX_PASSWORD_LEN));
        Self::Password { server, room: clean_line(room), was_wrong, typed }
    }

    /// The server that asks.
    pub(super) const fn server(&self) -> Option<ServerId> {
        match self {
            Self::Key { server, .. }
            | Self::Password { server, .. }
            | Self::Checking { server, .. }
            | Self::CancelTransfer { server, .. } => Some(*server),
            Self::Leave { .. } => None,
        }
    }

    /// Appends what is typed to a password.
    pub(super) fn type_text(&mut self, text: &str) {
        if let Self::Password { typed, .. } = self {
            let text = text.lines().next().unwrap_or_default();
            if typed.len() + text.len() <= MAX_PASSWORD_LEN {
                typed.push_str(text);
            }
        }
    }

    /// Removes the last character of a password, or all.
    pub(super) fn erase(&mut self, all: bool) {
        if let Self::Password { typed, .. } = self {
            typed.pop();
            if all {
                typed.clear();
            }
        }
    }

    /// Its rows: what is asked, and what was typed.
    pub(super) fn rows(&self, width: usize) -> Vec<Row> {
        let text = [Span::new(Role::Prompt, self.text())];
        wrap(&text, width, 0, false).into_iter().map(|row| row.row).collect()
    }

    fn text(&self) -> String {
        match self {
            Self::Key { label, .. } => message!("screen-accept-key", server = label),
            Self::Password { room, was_wrong, typed, .. } => {
                let question = if *was_wrong {
                    message!("screen-password-again", room)
                } else {
                    message!("screen-password", room)
                };
                question + &"*".repeat(typed.chars().count())
            }
            Self::Checking { room, .. } => message!("screen-checking-password", room),
            Self::Leave { unsent } => message!("screen-leave", unsent = *unsent),
            Self::CancelTransfer { name, .. } => message!("screen-cancel-transfer", name),
        }
    }
}
