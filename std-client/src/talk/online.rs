//! In the room: entries and notices for people, lines for the room, and leaving when all of them are stored.

use kabar_core::chat::{EntryKind, MAX_TEXT_LEN, Term};
use kabar_core::client::{Event, PostError};
use kabar_core::time::{Duration, Instant};
use kabar_std::text::{Content, clean_line};

use super::answers::Answers;
use super::pending::Pending;
use super::sleep::Sleep;
use super::stats;
use crate::cursor::Cursor;
use crate::driver::Driver;
use crate::identity::Person;
use crate::profile::LaptopClient;
use crate::ui::Ui;
use crate::ui::command::{Command, help, too_long};
use crate::ui::input::Typed;
use crate::ui::json::Object;
use crate::words::{self, Back};

/// In rooms of up to so many members their names are asked for, so that Tab knows them.
const ASKED_MEMBERS: u16 = 64;
/// How long lines are still taken when nobody reads any more: what was piped in before is said.
const LAST_CALL: Duration = Duration::from_secs(1);

/// A visit from the first Joined on.
#[derive(Debug)]
pub(super) struct Visit {
    term: Term,
    /// Entries up to here are not wanted.
    skip_to: u64,
    /// Entries up to here were seen at an earlier visit, and come once more for context.
    seen_to: Option<u64>,
    /// A post that found the outbox full. Until it fits, no more lines are taken.
    held: Option<(EntryKind, String)>,
    pending: Pending,
    answers: Answers,
    /// Lines that were not sent and never will be.
    refused: u64,
    lost_since: Option<Instant>,
    sleep: Sleep,
    /// Who to be next.
    next: Option<Person>,
    /// Since when nobody reads: lines that were on their way are still taken.
    last_call: Option<Instant>,
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
    /// Lines of standard input until now.
    lines: u64,
    broken: Option<String>,
}

/// How a visit begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) term: Term,
    pub(super) head: u64,
    pub(super) members: u16,
    pub(super) skip_to: u64,
    pub(super) seen_to: Option<u64>,
}

/// What a line asks for that a visit cannot do by itself.
#[derive(Debug)]
pub(super) enum Wish {
    Nick(String),
}

impl Visit {
    pub(super) fn new(arrival: Arrival, give_up: Duration, lines_taken: u64) -> Self {
        let Arrival { term, head, skip_to, seen_to, .. } = arrival;
        Self {
            term,
            skip_to,
            seen_to,
            held: None,
            pending: Pending::default(),
            answers: Answers::default(),
            refused: 0,
            lost_since: None,
            sleep: Sleep::default(),
            next: None,
            last_call: None,
            leaving: None,
            is_hasty: false,
            is_told: false,
            is_wait_said: false,
            wait_for: head,
            give_up,
            lines: lines_taken,
            broken: None,
        }
    }

    /// Why no more lines can be read, if that is so.
    pub(super) fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// Asks who is there, so that Tab knows their names.
    pub(super) fn ask_names(&mut self, members: u16, client: &mut LaptopClient, ui: &Ui) {
        if ui.is_prompt() && members <= ASKED_MEMBERS && client.who() {
            self.answers.expect_silent();
        }
    }

    pub(super) fn joined_again(&mut self, ui: &Ui, arrival: Arrival, is_resumed: bool, now: Instant) {
        let is_restarted = arrival.term != self.term;
        (self.wait_for, self.term) = (arrival.head, arrival.term);
        self.back(ui, Back { seconds: 0, is_resumed, is_restarted, members: Some(arrival.members) }, now);
    }

    fn back(&mut self, ui: &Ui, back: Back, now: Instant) {
        let seconds = self.lost_since.take().map_or(0, |since| now.saturating_since(since).as_millis() / 1_000);
        let Back { is_resumed: resumed, is_restarted: restarted, .. } = back;
        ui.tell(&Object::Back { seconds, resumed, restarted }, &words::back(Back { seconds, ..back }));
    }

    /// Whether lines are taken: not while one does not fit, and not at the end.
    pub(super) fn wants_lines(&mut self, client: &mut LaptopClient, now: Instant) -> bool {
        self.sleep.look(now);
        if let Some((kind, text)) = self.held.take() {
            self.post(kind, &text, client, now);
        }
        self.held.is_none() && self.leaving.is_none() && self.next.is_none()
    }

    pub(super) fn take(&mut self, typed: Typed, driver: &mut Driver, ui: &Ui) -> Option<Wish> {
        let now = driver.now();
        self.lines += u64::from(matches!(typed, Typed::Line(_) | Typed::TooLong(_) | Typed::NotText));
        let line = match typed {
            Typed::Line(line) => line,
            Typed::TooLong(len) => {
                self.refuse(ui, &too_long(len));
                return None;
            }
            Typed::NotText => {
                self.refuse(ui, "not sent: it is not UTF-8 text");
                return None;
            }
            Typed::LeftOut => {
                ui.notice("(what came is not UTF-8 and was left out, with what came at once with it: set this terminal to UTF-8)");
                return None;
            }
            Typed::End => {
                self.end_of_input(now);
                return None;
            }
            Typed::Broken(why) => {
                self.broken = Some(why);
                self.end_of_input(now);
                return None;
            }
        };
        match ui.meaning(&line) {
            Command::Nothing => {}
            Command::Post(_, text) if text.len() > MAX_TEXT_LEN => self.refuse(ui, &too_long(text.len())),
            Command::Post(kind, text) => self.post(kind, text, &mut driver.client, now),
            Command::Who => asked(driver.client.who(), ui),
            Command::History(count) => asked(driver.client.history(0, count), ui),
            Command::Nick(name) => return Some(Wish::Nick(name.to_owned())),
            Command::Stats => {
                let client = &driver.client;
                ui.notice(&stats::words(client.rtt(), &client.counters(), driver.traffic()));
            }
            Command::Help => ui.notice(&help()),
            Command::Quit => {
                self.is_hasty = true;
                self.end_of_input(now);
            }
            Command::Incomplete(usage) => ui.notice(&format!("it is written {usage}")),
            Command::Unknown(word) => {
                let word = clean_line(word);
                ui.notice(&format!(
                    "there is no {word}: /help lists what there is; write // for a text that begins with /"
                ));
            }
        }
        None
    }

    fn post(&mut self, kind: EntryKind, text: &str, client: &mut LaptopClient, now: Instant) {
        match client.post(kind, text.as_bytes()) {
            Ok(number) => self.pending.posted(number, text, now),
            Err(PostError::Full) => self.held = Some((kind, text.to_owned())),
            // Cannot be by what was checked before; counted all the same.
            Err(_) => self.refused += 1,
        }
    }

    fn refuse(&mut self, ui: &Ui, why: &str) {
        // Who sees it said can say it again; a script has to find out by the exit code.
        if ui.is_prompt() {
            return ui.notice(why);
        }
        self.refused += 1;
        let why = format!("line {} {why}", self.lines);
        ui.tell(&Object::Refused { number: None, reason: &why }, &why);
    }

    /// Goes on as somebody else, when all is stored.
    pub(super) fn become_next(&mut self, next: Person) {
        self.next = Some(next);
    }

    /// Who to be next, if it is not the end.
    pub(super) fn take_next(&mut self) -> Option<Person> {
        if self.leaving.is_some() { None } else { self.next.take() }
    }

    /// No more lines: leaves when all is stored.
    pub(super) fn end_of_input(&mut self, now: Instant) {
        self.leaving.get_or_insert(now);
    }

    /// Nobody reads any more: leaves soon, when all that was typed until then is stored, and shows nothing.
    pub(super) fn stop_reading(&mut self, now: Instant) {
        self.is_hasty = true;
        self.last_call.get_or_insert(now);
    }

    /// Goes on with leaving, and tells what is not stored yet.
    pub(super) fn check(&mut self, client: &mut LaptopClient, ui: &Ui, now: Instant) {
        if self.last_call.is_some_and(|since| now >= since + LAST_CALL) {
            self.end_of_input(now);
        }
        if ui.is_prompt() {
            for text in self.pending.overdue(now, self.lost_since.is_none()) {
                ui.notice(&format!("(not stored yet: {})", clean_line(text)));
            }
        }
        let waiting = client.unsettled() + u64::from(self.held.is_some());
        let is_shown = self.is_hasty || ui.is_prompt() || client.cursor().is_some_and(|(seq, _)| seq >= self.wait_for);
        match self.leaving {
            Some(since) if now >= since + self.give_up => client.abort(now),
            Some(_) if waiting == 0 && is_shown && !self.is_told => self.leave(client, now),
            Some(_) if waiting > 0 && ui.is_prompt() && !self.is_wait_said => {
                self.is_wait_said = true;
                let seconds = self.give_up.as_millis() / 1_000;
                let lines = count(waiting, "line is", "lines are");
                ui.notice(&format!("{lines} not stored yet: waiting up to {seconds} s (Ctrl-C leaves at once)"));
            }
            None if self.next.is_some() && waiting == 0 && !self.is_told => self.leave(client, now),
            _ => {}
        }
    }

    fn leave(&mut self, client: &mut LaptopClient, now: Instant) {
        self.is_told = true;
        client.leave(now);
    }

    pub(super) fn deadline(&self, ui: &Ui) -> Option<Instant> {
        let pending = if ui.is_prompt() { self.pending.deadline() } else { None };
        let last_call = if self.leaving.is_none() { self.last_call.map(|since| since + LAST_CALL) } else { None };
        [self.leaving.map(|since| since + self.give_up), last_call, pending].into_iter().flatten().min()
    }

    /// Lines that are not in the room.
    pub(super) fn unsent(&self, client: &LaptopClient) -> u64 {
        client.unsettled() + u64::from(self.held.is_some()) + self.refused
    }

    /// Shows an event. Whether the server is to be looked for again.
    pub(super) fn on_event(&mut self, event: &Event<'_>, ui: &Ui, now: Instant) -> bool {
        match *event {
            Event::Entry { header, body, own } => self.entry(&header, Content::Body(body), own, ui),
            Event::Stub { header, size } => self.entry(&header, Content::Omitted(size), false, ui),
            Event::Stored { number, seq } => {
                self.wait_for = self.wait_for.max(seq);
                self.pending.stored(number);
                ui.object(&Object::Stored { number, seq });
            }
            Event::PostRefused { number, code } => {
                self.refused += 1;
                let reason = words::refused_post(code);
                let text = self.pending.refused(number).map(|text| format!(": {text}")).unwrap_or_default();
                let words = format!("not sent, {reason}{}", clean_line(&text));
                ui.tell(&Object::Refused { number: Some(number), reason }, &words);
            }
            Event::Member { .. } | Event::Past { .. } => self.answers.take(event, ui),
            Event::Lost(why) => {
                self.lost_since.get_or_insert(now);
                let reason = words::lost(why);
                let slept = self.sleep.recent(now).map(|slept| format!(" (this computer was asleep for {slept})"));
                let slept = slept.unwrap_or_default();
                let words = format!("Connection lost: {reason}{slept}; trying again. What you type is kept.");
                ui.tell(&Object::Lost { reason }, &words);
                self.answers.clear();
                return true;
            }
            Event::Recovered => {
                let back = Back { seconds: 0, is_resumed: true, is_restarted: false, members: None };
                self.back(ui, back, now);
            }
            Event::Reset => {
                (self.skip_to, self.seen_to) = (0, None);
                reset(ui);
            }
            Event::Gap { after, first } => gap(after, first, ui),
            ref other => before_joined(other, ui),
        }
        false
    }

    fn entry(&mut self, header: &kabar_core::chat::EntryHeader<'_>, content: Content<'_>, is_own: bool, ui: &Ui) {
        ui.heard(header.author, header.kind);
        if header.seq <= self.skip_to {
            return;
        }
        if self.seen_to.is_some_and(|seen| header.seq > seen) {
            self.seen_to = None;
            ui.notice("--- new since your last visit ---");
        }
        ui.entry(header, content, is_own, Some(Cursor { seq: header.seq, term: self.term }));
    }
}

fn asked(is_asked: bool, ui: &Ui) {
    if !is_asked {
        ui.notice("(not connected just now)");
    }
}

/// The history is another one.
pub(super) fn reset(ui: &Ui) {
    ui.tell(&Object::Reset, "(the history of this room was reset to an older state: what follows is shown anew)");
}

/// Entries between `after` and `first` are gone.
pub(super) fn gap(after: u64, first: u64, ui: &Ui) {
    let missing = count(first.saturating_sub(after + 1), "line is", "lines are");
    ui.tell(&Object::Gap { after, first }, &format!("({missing} missing here: the server no longer keeps them)"));
}

/// What may happen whether one is in the room or not.
pub(super) fn before_joined(event: &Event<'_>, ui: &Ui) {
    match *event {
        Event::Notice { text, .. } => ui.notice(&format!("(server: {})", clean_line(text))),
        Event::Lost(why) => ui.part(&format!("({}; trying again) ", words::lost(why))),
        _ => {}
    }
}

/// What is said at an end with something unsent.
pub(super) fn unsent_words(unsent: u64) -> String {
    format!("{} not sent", count(unsent, "line is", "lines are"))
}

/// So many of something.
pub(super) fn count(count: u64, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}
