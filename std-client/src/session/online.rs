//! The session in the room: displays entries and notices, posts lines, and leaves when all of them
//! are stored.

use kabar_core::chat::{EntryKind, Info, MAX_TEXT_LEN, Request, Term};
use kabar_core::client::{DisconnectReason, Event, PostError, RequestError, RoomSlot};
use kabar_core::time::{Duration, Instant};
use kabar_std::names::Name;
use kabar_std::text::Content;

use super::display::Display;
use super::front_end::FrontEnd;
use super::notice::{Notice, Reconnection, Rejection, RenameError};
use super::replies::Replies;
use super::requests::Requests;
use super::sleep::SleepMonitor;
use super::unstored::UnstoredLines;
use crate::command::Command;
use crate::driver::Driver;
use crate::input::{Input, InputError};
use crate::profile::StdClient;

/// Largest room whose members are listed after joining, for completion.
const MAX_COMPLETED_MEMBERS: u16 = 64;
/// How long input is still taken after the output was closed: lines that were piped in before are
/// sent.
const DRAIN_INPUT: Duration = Duration::from_secs(1);

/// The state of a session after the first Joined.
#[derive(Debug)]
pub(super) struct OnlineState {
    display: Display,
    /// A post that did not fit into the outbox. No more lines are taken until it fits.
    held: Option<(EntryKind, String)>,
    unstored: UnstoredLines,
    replies: Replies,
    requests: Requests,
    /// Number of lines that were refused.
    refused: u64,
    lost_since: Option<Instant>,
    sleep: SleepMonitor,
    /// When the output was closed; input is taken for [`DRAIN_INPUT`] after it.
    draining_since: Option<Instant>,
    /// When the session began to leave; while it waits for posts, when the last one was settled.
    leaving_since: Option<Instant>,
    /// Whether to leave without waiting until all entries are displayed.
    skip_pending_output: bool,
    /// Whether the client was asked to leave.
    leave_requested: bool,
    /// Whether it was reported that lines are not stored yet.
    wait_notice_shown: bool,
    /// Entries up to here are displayed before the end.
    wait_for: u64,
    give_up: Duration,
    /// Lines of standard input so far.
    lines: u64,
    input_error: Option<InputError>,
}

/// The information in a Joined event.
#[derive(Clone, Copy, Debug)]
pub(super) struct JoinInfo {
    pub(super) term: Term,
    pub(super) head: u64,
    pub(super) members: u16,
}

impl OnlineState {
    pub(super) fn new(display: Display, head: u64, give_up: Duration, lines_taken: u64) -> Self {
        Self {
            display,
            held: None,
            unstored: UnstoredLines::default(),
            replies: Replies::default(),
            requests: Requests::default(),
            refused: 0,
            lost_since: None,
            sleep: SleepMonitor::default(),
            draining_since: None,
            leaving_since: None,
            skip_pending_output: false,
            leave_requested: false,
            wait_notice_shown: false,
            wait_for: head,
            give_up,
            lines: lines_taken,
            input_error: None,
        }
    }

    /// Returns the name in the room.
    pub(super) fn name(&self) -> &str {
        self.display.name()
    }

    /// Returns why no more lines can be read, if an error ended the input.
    pub(super) fn input_error(&self) -> Option<&InputError> {
        self.input_error.as_ref()
    }

    /// Requests the members of a small room, for completion.
    pub(super) fn request_names(&mut self, members: u16, client: &mut StdClient, ui: &dyn FrontEnd, now: Instant) {
        if ui.is_prompt()
            && members <= MAX_COMPLETED_MEMBERS
            && client.request(now, RoomSlot::FIRST, Request::ListMembers).is_ok()
        {
            self.replies.expect_silent();
        }
    }

    /// The room was joined again, as `name`.
    pub(super) fn rejoined(&mut self, name: &str, info: JoinInfo, is_resumed: bool, ui: &dyn FrontEnd, now: Instant) {
        self.display.set_name(name, info.head, ui);
        let is_restarted = info.term != self.display.term;
        (self.wait_for, self.display.term) = (info.head, info.term);
        let members = Some(info.members);
        self.reconnected(ui, Reconnection { seconds: 0, is_resumed, is_restarted, members }, now);
    }

    fn reconnected(&mut self, ui: &dyn FrontEnd, event: Reconnection, now: Instant) {
        let seconds = self.lost_since.take().map_or(0, |since| now.saturating_since(since).as_millis() / 1_000);
        ui.notice(&Notice::Reconnected(Reconnection { seconds, ..event }));
    }

    /// Whether input is taken: not while a post does not fit, and not at the end.
    pub(super) fn wants_input(&mut self, client: &mut StdClient, now: Instant) -> bool {
        self.sleep.look(now);
        if let Some((kind, text)) = self.held.take() {
            self.post(kind, &text, client, now);
        }
        self.held.is_none() && self.leaving_since.is_none()
    }

    pub(super) fn take(&mut self, input: Input, driver: &mut Driver, ui: &dyn FrontEnd) {
        let now = driver.now();
        self.lines += u64::from(input.is_line());
        match input {
            Input::Line(line) => self.execute(ui.parse(&line), driver, ui, now),
            Input::TooLong(len) => self.reject(ui, Rejection::TooLong(len)),
            Input::NotUtf8 => self.reject(ui, Rejection::NotUtf8),
            Input::InvalidBytes => ui.notice(&Notice::InvalidBytes),
            Input::End => self.end_of_input(now),
            Input::Failed(error) => {
                self.input_error = Some(error);
                self.end_of_input(now);
            }
        }
    }

    fn execute(&mut self, command: Command<'_>, driver: &mut Driver, ui: &dyn FrontEnd, now: Instant) {
        let client = &mut driver.client;
        match command {
            Command::Nothing => {}
            Command::Post(_, text) if text.len() > MAX_TEXT_LEN => self.reject(ui, Rejection::TooLong(text.len())),
            Command::Post(kind, text) => self.post(kind, text, client, now),
            Command::Who => check_requested(client.request(now, RoomSlot::FIRST, Request::ListMembers), ui),
            Command::History(count) => check_requested(self.replies.request_history(count, client, ui, now), ui),
            Command::Nick(name) => self.rename(name, client, ui, now),
            Command::Delete(seq) => match seq.or(self.display.last_own()) {
                Some(seq) => check_requested(self.requests.remove(seq, client, now), ui),
                None => ui.notice(&Notice::NothingToRemove),
            },
            Command::Operate(command, text) => {
                check_requested(self.requests.operate(command.word, text, client, now), ui);
            }
            Command::Ignore(None) => self.display.list_ignored(ui),
            Command::Ignore(Some(name)) => self.display.ignore(name, ui),
            Command::Unignore(name) => self.display.unignore(name, ui),
            Command::Joins(shows) => self.display.show_joins(shows, ui),
            Command::Stats => {
                let (rtt, counters, traffic) = (driver.client.rtt(), &driver.client.counters(), driver.traffic());
                ui.notice(&Notice::Stats { rtt, counters, traffic, ignored: self.display.ignored() });
            }
            Command::Help => ui.notice(&Notice::Help { is_prompt: ui.is_prompt() }),
            Command::Quit => {
                self.skip_pending_output = true;
                self.end_of_input(now);
            }
            Command::Usage(name) => ui.notice(&Notice::Usage(name)),
            Command::Unknown(word) => ui.notice(&Notice::UnknownCommand(word)),
        }
    }

    fn rename(&mut self, requested: &str, client: &mut StdClient, ui: &dyn FrontEnd, now: Instant) {
        let name = self.display.name();
        match Name::existing(requested) {
            Err(error) => ui.notice(&Notice::NotRenamed { name, why: RenameError::Name(error) }),
            Ok(new) if new.shown() == name => {
                ui.notice(&Notice::NotRenamed { name, why: RenameError::SameName });
            }
            Ok(new) => check_requested(self.requests.rename(new.shown(), client, now), ui),
        }
    }

    fn post(&mut self, kind: EntryKind, text: &str, client: &mut StdClient, now: Instant) {
        match client.post(RoomSlot::FIRST, kind, text.as_bytes()) {
            Ok(number) => self.unstored.posted(number, text, now),
            Err(PostError::Full) => self.held = Some((kind, text.to_owned())),
            // Excluded by the checks before; counted anyway.
            Err(_) => self.refused += 1,
        }
    }

    fn reject(&mut self, ui: &dyn FrontEnd, why: Rejection) {
        // A person can type the line again; a script sees it by the exit code.
        if ui.is_prompt() {
            return ui.notice(&Notice::LineRejected { line: None, why });
        }
        self.refused += 1;
        ui.notice(&Notice::LineRejected { line: Some(self.lines), why });
    }

    /// Leaves when everything is stored.
    pub(super) fn end_of_input(&mut self, now: Instant) {
        self.leaving_since.get_or_insert(now);
    }

    /// Leaves soon, when everything typed until then is stored, and displays nothing more.
    pub(super) fn output_closed(&mut self, now: Instant) {
        self.skip_pending_output = true;
        self.draining_since.get_or_insert(now);
    }

    /// Drives leaving, and reports lines that are not stored yet.
    pub(super) fn check(&mut self, client: &mut StdClient, ui: &dyn FrontEnd, now: Instant) {
        self.replies.check(client, ui, now);
        self.requests.check(ui, now);
        if self.draining_since.is_some_and(|since| now >= since + DRAIN_INPUT) {
            self.end_of_input(now);
        }
        if ui.is_prompt() {
            for text in self.unstored.overdue(now, self.lost_since.is_none()) {
                ui.notice(&Notice::NotStoredYet(text));
            }
        }
        let waiting = client.unsettled(RoomSlot::FIRST) + u64::from(self.held.is_some());
        let is_displayed = self.skip_pending_output
            || ui.is_prompt()
            || client.cursor(RoomSlot::FIRST).is_some_and(|(seq, _)| seq >= self.wait_for);
        match self.leaving_since {
            Some(since) if now >= since + self.give_up => client.abort(now),
            Some(_) if waiting == 0 && is_displayed && !self.leave_requested => self.leave(client, now),
            Some(_) if waiting > 0 && ui.is_prompt() && !self.wait_notice_shown => {
                self.wait_notice_shown = true;
                ui.notice(&Notice::WaitingForStorage { lines: waiting, timeout: self.give_up });
            }
            _ => {}
        }
    }

    fn leave(&mut self, client: &mut StdClient, now: Instant) {
        self.leave_requested = true;
        client.leave(now);
    }

    pub(super) fn deadline(&self, ui: &dyn FrontEnd) -> Option<Instant> {
        let unstored = if ui.is_prompt() { self.unstored.deadline() } else { None };
        let drained = self.draining_since.filter(|_| self.leaving_since.is_none()).map(|since| since + DRAIN_INPUT);
        let given_up = self.leaving_since.map(|since| since + self.give_up);
        [given_up, drained, unstored, self.requests.deadline()].into_iter().flatten().min()
    }

    /// Returns the number of lines that are not in the room.
    pub(super) fn unsent(&self, client: &StdClient) -> u64 {
        client.unsettled(RoomSlot::FIRST) + u64::from(self.held.is_some()) + self.refused
    }

    /// Reports that the connection was lost.
    pub(super) fn disconnected(&mut self, reason: DisconnectReason, refusal: &str, ui: &dyn FrontEnd, now: Instant) {
        self.lost_since.get_or_insert(now);
        ui.notice(&Notice::ConnectionLost { reason, refusal, slept: self.sleep.recent(now) });
        self.replies.clear();
        self.requests.lost(ui);
    }

    /// Displays an event.
    pub(super) fn on_event(&mut self, event: &Event<'_>, ui: &dyn FrontEnd, now: Instant) {
        if let (Event::Stored { .. } | Event::PostRefused { .. }, Some(since)) = (event, &mut self.leaving_since) {
            // A room may take posts more slowly than they were typed.
            *since = now;
        }
        match *event {
            Event::Entry { header, body, own, .. } => self.display.entry(&header, Content::Body(body), own, ui),
            Event::EntryTooLarge { header, size, .. } => self.display.entry(&header, Content::Omitted(size), false, ui),
            Event::Stored { number, seq, .. } => {
                self.wait_for = self.wait_for.max(seq);
                self.unstored.stored(number);
                ui.notice(&Notice::Stored { number, seq });
            }
            Event::PostRefused { number, code, .. } => {
                self.refused += 1;
                let excerpt = self.unstored.refused(number);
                ui.notice(&Notice::PostRefused { number, code, excerpt: excerpt.as_deref() });
            }
            Event::Info { info, .. } => self.on_info(info, ui),
            Event::Reconnected => {
                let event = Reconnection { seconds: 0, is_resumed: true, is_restarted: false, members: None };
                self.reconnected(ui, event, now);
            }
            Event::Reset { .. } => {
                self.display.reset();
                ui.notice(&Notice::HistoryReset);
            }
            Event::Gap { after, first, .. } => report_gap(after, first, ui),
            // Posts that do not fit are tried again with every wake-up.
            Event::OutboxWritable { .. } => {}
            // The session handles these.
            Event::UnknownServerKey(_)
            | Event::Joined { .. }
            | Event::Refused { .. }
            | Event::RoomEnded { .. }
            | Event::Disconnected(_)
            | Event::Ended(_) => {}
        }
    }

    fn on_info(&mut self, info: Info<'_>, ui: &dyn FrontEnd) {
        match info {
            Info::MemberListed { remaining, name, .. } => self.replies.name(name, remaining, ui),
            Info::HistoryEntry { remaining, entry, .. } => {
                self.replies.entry(entry, remaining, &mut self.display, ui);
            }
            Info::Notice { text, .. } => ui.notice(&Notice::Server(text)),
            Info::Ended { text: "", .. } | Info::RoomListed { .. } | Info::Topic { .. } => {}
            Info::Ended { text, .. } => ui.notice(&Notice::Server(text)),
            Info::OutputLine { text, .. } => ui.notice(&Notice::Output(text)),
            Info::Answer { request, code, text, .. } => {
                let name = self.display.name().to_owned();
                if let Some(name) = self.requests.answered(request, code, text, &name, ui) {
                    self.display.set_name(&name, 0, ui);
                }
            }
        }
    }
}

fn check_requested(requested: Result<(), RequestError>, ui: &dyn FrontEnd) {
    if requested.is_err() {
        ui.notice(&Notice::NotConnected);
    }
}

/// Reports that the entries between `after` and `first` are no longer kept.
pub(super) fn report_gap(after: u64, first: u64, ui: &dyn FrontEnd) {
    ui.notice(&Notice::Gap { after, first });
}
