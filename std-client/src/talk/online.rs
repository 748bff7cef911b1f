//! In the room: entries and notices for people, lines for the room, and leaving when all of them are stored.

use kabar_core::chat::{EntryHead, Kind, MAX_TEXT_LEN};
use kabar_core::client::{Event, PostError};
use kabar_core::time::{Duration, Instant};
use kabar_server::text::{Content, Line, Lines, clean_line};

use crate::profile::LaptopClient;
use crate::ui::Ui;
use crate::ui::command::{Command, HELP, too_long};
use crate::ui::input::Typed;
use crate::words;

/// Names that one answer to `/who` may have: as many as a server can count.
const MAX_NAMES: usize = 1 << 16;

/// A visit from the first Joined on.
#[derive(Debug)]
pub(super) struct Visit {
    /// A post that found the outbox full. Until it fits, no more lines are taken.
    held: Option<(Kind, String)>,
    /// Lines that were not sent and never will be.
    refused: u64,
    /// Since when it is leaving.
    leaving: Option<Instant>,
    /// Whether it leaves without waiting for entries to be shown.
    is_hasty: bool,
    /// Whether the client was told to leave.
    is_told: bool,
    /// Whether it was said that something is not stored yet.
    is_wait_said: bool,
    /// Entries up to here are shown before the end.
    wait_for: u64,
    give_up: Duration,
    /// Answers to `/who`.
    names: Vec<String>,
}

impl Visit {
    pub(super) fn new(head: u64, give_up: Duration) -> Self {
        Self {
            held: None,
            refused: 0,
            leaving: None,
            is_hasty: false,
            is_told: false,
            is_wait_said: false,
            wait_for: head,
            give_up,
            names: Vec::new(),
        }
    }

    pub(super) fn joined_again(&mut self, ui: &Ui, members: u16, head: u64, is_resumed: bool) {
        self.wait_for = head;
        let missed = if is_resumed { "nothing was missed; " } else { "" };
        ui.notice(&format!("Connected again; {missed}{members} here."));
    }

    /// Whether lines are taken: not while one does not fit, and not at the end.
    pub(super) fn wants_lines(&mut self, client: &mut LaptopClient) -> bool {
        if let Some((kind, text)) = self.held.take() {
            self.post(kind, &text, client);
        }
        self.held.is_none() && self.leaving.is_none()
    }

    pub(super) fn take(&mut self, typed: Typed, client: &mut LaptopClient, ui: &Ui, now: Instant) {
        let line = match typed {
            Typed::Line(line) => line,
            Typed::TooLong(len) => return self.refuse(ui, &too_long(len)),
            Typed::NotText => return self.refuse(ui, "not sent: it is not UTF-8 text"),
            Typed::End => return self.end_of_input(now),
        };
        match ui.meaning(&line) {
            Command::Nothing => {}
            Command::Post(_, text) if text.len() > MAX_TEXT_LEN => self.refuse(ui, &too_long(text.len())),
            Command::Post(kind, text) => self.post(kind, text, client),
            Command::Who => {
                if !client.who() {
                    ui.notice("(not connected just now)");
                }
            }
            Command::Help => ui.notice(HELP),
            Command::Quit => {
                self.is_hasty = true;
                self.end_of_input(now);
            }
            Command::Unknown(word) => {
                let word = clean_line(word);
                ui.notice(&format!(
                    "there is no {word}: /help lists what there is; write // for a text that begins with /"
                ));
            }
        }
    }

    fn post(&mut self, kind: Kind, text: &str, client: &mut LaptopClient) {
        match client.post(kind, text.as_bytes()) {
            Ok(_) => {}
            Err(PostError::Full) => self.held = Some((kind, text.to_owned())),
            // Cannot be by what was checked before; counted all the same.
            Err(_) => self.refused += 1,
        }
    }

    fn refuse(&mut self, ui: &Ui, why: &str) {
        // Who sees it said can say it again; a script has to find out by the exit code.
        self.refused += u64::from(!ui.is_prompt());
        ui.notice(why);
    }

    /// No more lines: leaves when all is stored.
    pub(super) fn end_of_input(&mut self, now: Instant) {
        self.leaving.get_or_insert(now);
    }

    /// Nobody reads any more: leaves when all is stored, and shows nothing.
    pub(super) fn stop_reading(&mut self, now: Instant) {
        self.is_hasty = true;
        self.end_of_input(now);
    }

    /// Goes on with leaving.
    pub(super) fn check(&mut self, client: &mut LaptopClient, ui: &Ui, now: Instant) {
        let Some(since) = self.leaving else { return };
        let waiting = client.unsettled() + u64::from(self.held.is_some());
        let is_shown = self.is_hasty || ui.is_prompt() || client.cursor().is_some_and(|(seq, _)| seq >= self.wait_for);
        if now >= since + self.give_up {
            client.abort(now);
        } else if waiting == 0 && is_shown && !self.is_told {
            self.is_told = true;
            client.leave(now);
        } else if waiting > 0 && ui.is_prompt() && !self.is_wait_said {
            self.is_wait_said = true;
            let seconds = self.give_up.as_millis() / 1_000;
            ui.notice(&format!(
                "{} not stored yet: waiting up to {seconds} s (Ctrl-C leaves at once)",
                counted(waiting)
            ));
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.leaving.map(|since| since + self.give_up)
    }

    /// Lines that are not in the room.
    pub(super) fn unsent(&self, client: &LaptopClient) -> u64 {
        client.unsettled() + u64::from(self.held.is_some()) + self.refused
    }

    /// Shows an event. Whether the server is to be looked for again.
    pub(super) fn on_event(&mut self, event: &Event<'_>, ui: &Ui, lines: &Lines) -> bool {
        match *event {
            Event::Entry { head, body, .. } => ui.entry(lines.show(&line(&head, Content::Body(body)))),
            Event::Stub { head, size } => ui.entry(lines.show(&line(&head, Content::Omitted(size)))),
            Event::Stored { seq, .. } => self.wait_for = self.wait_for.max(seq),
            Event::PostRefused { code, .. } => {
                self.refused += 1;
                ui.notice(&format!("not sent: {}", words::refused_post(code)));
            }
            Event::Member { remaining, name } => {
                self.names.extend(name.filter(|_| self.names.len() < MAX_NAMES).map(clean_line));
                if remaining == 0 {
                    self.names.sort();
                    let names = std::mem::take(&mut self.names);
                    ui.notice(&format!("{} here: {}", names.len(), names.join(", ")));
                }
            }
            Event::Notice { text, .. } => ui.notice(&format!("(server: {})", clean_line(text))),
            Event::Reset => ui.notice("(the room has not the history that was known: it begins anew)"),
            Event::Gap { after, first } => {
                ui.notice(&format!("({} entries are no longer kept by the server)", first.saturating_sub(after + 1)));
            }
            Event::Lost(why) => {
                ui.set_online(false);
                ui.notice(&format!("Connection lost: {}; trying again. What you type is kept.", words::lost(why)));
                self.names.clear();
                return true;
            }
            Event::Recovered => {
                ui.set_online(true);
                ui.notice("Connected again; nothing was missed.");
            }
            _ => {}
        }
        false
    }
}

/// What may happen before one is in the room.
pub(super) fn before_joined(event: &Event<'_>, ui: &Ui) {
    match *event {
        Event::Notice { text, .. } => ui.notice(&format!("(server: {})", clean_line(text))),
        Event::Lost(why) => ui.part(&format!("({}; trying again) ", words::lost(why))),
        _ => {}
    }
}

/// What is said at an end with something unsent.
pub(super) fn unsent_words(count: u64) -> String {
    format!("{} not sent", counted(count))
}

fn counted(count: u64) -> String {
    if count == 1 { "1 line is".to_owned() } else { format!("{count} lines are") }
}

fn line<'a>(head: &EntryHead<'a>, content: Content<'a>) -> Line<'a> {
    Line { time_ms: head.time_ms, author: head.author, address: None, kind: head.kind, content }
}
