//! Information from the server. A reply that comes in parts, such as members and history, is
//! displayed in one piece when it is complete.

use kabar_core::chat::{Entry, EntryKind, Info};
use kabar_std::text::{Content, clean_line};

use super::front_end::FrontEnd;
use super::notice::Notice;

/// Bound of the names in one reply: the largest number that a server can state.
const MAX_NAMES: usize = 1 << 16;

/// Replies that are not complete yet.
#[derive(Debug, Default)]
pub(super) struct Replies {
    names: Vec<String>,
    history: String,
    history_lines: u64,
    /// Number of expected member lists that are not displayed: they are for completion.
    silent: u32,
}

impl Replies {
    /// The next member list is for completion only.
    pub(super) fn expect_silent(&mut self) {
        self.silent += 1;
    }

    /// Forgets everything: the connection was lost.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Displays information, or takes a part of a reply and displays the reply with its last part.
    pub(super) fn on_info(&mut self, info: Info<'_>, ui: &dyn FrontEnd) {
        match info {
            Info::MemberListed { remaining, name, .. } => {
                self.names.extend(name.filter(|_| self.names.len() < MAX_NAMES).map(clean_line));
                if remaining == 0 {
                    self.report_names(ui);
                }
            }
            Info::HistoryEntry { remaining, entry, .. } => {
                if let Some(Entry { header, body }) = entry
                    && let Some(line) = ui.history_line(&header, Content::Body(body))
                {
                    self.history.push_str(&line);
                    self.history_lines += 1;
                }
                if remaining == 0 {
                    self.report_history(ui);
                }
            }
            Info::Notice { .. } | Info::Answer { .. } => ui.notice(&Notice::Info(info)),
        }
    }

    fn report_names(&mut self, ui: &dyn FrontEnd) {
        let mut names = std::mem::take(&mut self.names);
        names.sort();
        if self.silent > 0 {
            self.silent -= 1;
            return names.iter().for_each(|name| ui.note_author(name, EntryKind::JOINED));
        }
        ui.notice(&Notice::Members(&names));
    }

    fn report_history(&mut self, ui: &dyn FrontEnd) {
        let (history, lines) = (std::mem::take(&mut self.history), std::mem::take(&mut self.history_lines));
        if history.is_empty() {
            return;
        }
        // In one piece, so that no entry comes in between.
        ui.notice(&Notice::History { lines, text: &history });
    }
}
