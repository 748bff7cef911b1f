//! What was asked of the room and comes in parts: who is here, and the past. Shown as one, when it is whole.

use kabar_core::client::Event;
use kabar_std::text::{Content, clean_line};

use super::online::count;
use crate::ui::Ui;
use crate::ui::json::Object;

/// Names that one answer to `/who` may have: as many as a server can count.
const MAX_NAMES: usize = 1 << 16;

/// Answers that are not whole yet.
#[derive(Debug, Default)]
pub(super) struct Answers {
    names: Vec<String>,
    past: String,
    past_lines: u64,
    /// Lists of names that nobody asked to see: they are for Tab.
    silent: u32,
}

impl Answers {
    /// The next list of names is for Tab only.
    pub(super) fn expect_silent(&mut self) {
        self.silent += 1;
    }

    /// The connection they came on is gone.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes a part; shows the whole with its last.
    pub(super) fn take(&mut self, event: &Event<'_>, ui: &Ui) {
        match *event {
            Event::Member { remaining, name } => {
                self.names.extend(name.filter(|_| self.names.len() < MAX_NAMES).map(clean_line));
                if remaining == 0 {
                    self.tell_names(ui);
                }
            }
            Event::Past { remaining, entry } => {
                if let Some((head, body)) = entry
                    && let Some(line) = ui.past(&head, Content::Body(body))
                {
                    self.past.push_str(&line);
                    self.past_lines += 1;
                }
                if remaining == 0 {
                    self.tell_past(ui);
                }
            }
            _ => {}
        }
    }

    fn tell_names(&mut self, ui: &Ui) {
        let mut names = std::mem::take(&mut self.names);
        names.sort();
        if self.silent > 0 {
            self.silent -= 1;
            return names.iter().for_each(|name| ui.heard(name, kabar_core::chat::EntryKind::JOINED));
        }
        ui.tell(&Object::Who { names: &names }, &format!("{} here: {}", names.len(), names.join(", ")));
    }

    fn tell_past(&mut self, ui: &Ui) {
        let (past, lines) = (std::mem::take(&mut self.past), std::mem::take(&mut self.past_lines));
        if past.is_empty() {
            return;
        }
        // In one piece, so that nothing comes in between.
        ui.notice(&format!("the last {} of the room:\n{}", count(lines, "line", "lines"), past.trim_end()));
    }
}
