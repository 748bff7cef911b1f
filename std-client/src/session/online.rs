//! The session after the first room was joined: displays what comes, posts lines, and leaves when
//! all of them are stored.

use kabar_core::chat::{EntryKind, MAX_TEXT_LEN, Request, Term};
use kabar_core::client::{DisconnectReason, PostError, RequestError, RoomSlot};
use kabar_core::time::{Duration, Instant};
use kabar_std::invite::RoomName;
use kabar_std::names::Name;

use super::front_end::FrontEnd;
use super::notice::{Notice, Reconnection, Rejection, RenameError, RoomCommandError};
use super::person::Person;
use super::room::Membership;
use super::room_list::RoomList;
use super::rooms::Rooms;
use super::sleep::SleepMonitor;
use crate::command::{Command, CommandName};
use crate::driver::Driver;
use crate::input::{Input, InputError};
use crate::profile::StdClient;

/// Largest room whose members are listed after joining, for completion.
const MAX_COMPLETED_MEMBERS: u16 = 64;
/// How long input is still taken after the output was closed: lines that were piped in before are
/// sent.
const DRAIN_INPUT: Duration = Duration::from_secs(1);

/// The state of a session after the first Joined, without its rooms.
#[derive(Debug)]
pub(super) struct OnlineState {
    pub(super) person: Person,
    /// A post that did not fit into the outbox. No more lines are taken until it fits.
    held: Option<(RoomSlot, EntryKind, String)>,
    pub(super) room_list: RoomList,
    /// The room to show once it is joined, and until when that is waited for.
    switch: Option<(RoomName, Instant)>,
    /// Whether lines are taken for the room that is shown. They are not if a script chose another
    /// one.
    takes_lines: bool,
    /// Rooms of this process that were created and are to be joined.
    pub(super) added_rooms: usize,
    /// Number of lines that were refused, or were lost with their room.
    pub(super) refused: u64,
    lost_since: Option<Instant>,
    sleep: SleepMonitor,
    /// When the output was closed; input is taken for [`DRAIN_INPUT`] after it.
    draining_since: Option<Instant>,
    /// When the session began to leave; while it waits for posts, when the last one was settled.
    pub(super) leaving_since: Option<Instant>,
    /// Whether to leave without waiting until all entries are displayed.
    skip_pending_output: bool,
    /// Whether the client was asked to leave.
    leave_requested: bool,
    /// Whether it was reported that lines are not stored yet.
    wait_notice_shown: bool,
    give_up: Duration,
    /// Lines of standard input so far.
    lines: u64,
    input_error: Option<InputError>,
}

/// The information in a Joined event.
#[derive(Clone, Copy, Debug)]
pub(super) struct JoinInfo {
    pub(super) term: Term,
    pub(super) start: u64,
    pub(super) head: u64,
    pub(super) members: u16,
    pub(super) is_resumed: bool,
}

impl OnlineState {
    pub(super) fn new(person: Person, give_up: Duration, lines_taken: u64) -> Self {
        Self {
            person,
            held: None,
            room_list: RoomList::default(),
            switch: None,
            takes_lines: true,
            added_rooms: 0,
            refused: 0,
            lost_since: None,
            sleep: SleepMonitor::default(),
            draining_since: None,
            leaving_since: None,
            skip_pending_output: false,
            leave_requested: false,
            wait_notice_shown: false,
            give_up,
            lines: lines_taken,
            input_error: None,
        }
    }

    /// Returns the name of the member.
    pub(super) fn name(&self) -> &str {
        self.person.name()
    }

    /// Returns why no more lines can be read, if an error ended the input.
    pub(super) fn input_error(&self) -> Option<&InputError> {
        self.input_error.as_ref()
    }

    /// Requests the members of a small room, for completion.
    pub(super) fn request_names(
        member: &mut Membership,
        slot: RoomSlot,
        members: u16,
        client: &mut StdClient,
        ui: &dyn FrontEnd,
        now: Instant,
    ) {
        if ui.is_prompt() && members <= MAX_COMPLETED_MEMBERS && client.request(now, slot, Request::ListMembers).is_ok()
        {
            member.replies.expect_silent();
        }
    }

    /// A room was joined again, as `name`.
    pub(super) fn rejoined(
        &mut self,
        name: &str,
        info: JoinInfo,
        slot: RoomSlot,
        rooms: &mut Rooms,
        ui: &dyn FrontEnd,
        now: Instant,
    ) {
        self.person.set_name(name, ui);
        let Some((member, view)) = rooms.member_at(slot, ui) else { return };
        let is_restarted = info.term != member.display.term;
        (member.wait_for, member.display.term) = (info.head, info.term);
        member.display.named_at(info.head);
        // Once for all rooms.
        if self.lost_since.is_some() {
            let members = Some(info.members).filter(|_| view.label.is_shown);
            let is_resumed = info.is_resumed;
            self.reconnected(ui, Reconnection { seconds: 0, is_resumed, is_restarted, members }, now);
        }
    }

    pub(super) fn reconnected(&mut self, ui: &dyn FrontEnd, event: Reconnection, now: Instant) {
        let seconds = self.lost_since.take().map_or(0, |since| now.saturating_since(since).as_millis() / 1_000);
        ui.notice(&Notice::Reconnected(Reconnection { seconds, ..event }));
    }

    /// Shows a room once it is joined; input waits for that until this time.
    pub(super) fn switch_when_joined(&mut self, name: &RoomName, until: Instant) {
        self.switch = Some((name.clone(), until));
    }

    /// Whether input waits for a room.
    pub(super) fn is_switching(&self) -> bool {
        self.switch.is_some()
    }

    /// Returns how long the next line may take to be stored, at the end.
    pub(super) fn give_up(&self) -> Duration {
        self.give_up
    }

    /// A room was joined, or has ended. Returns whether input waits for it.
    pub(super) fn take_switch(&mut self, name: &RoomName) -> bool {
        self.switch.take_if(|(awaited, _)| awaited == name).is_some()
    }

    /// From now on, lines go to the room that is shown, or nowhere.
    pub(super) fn set_takes_lines(&mut self, takes_lines: bool) {
        self.takes_lines = takes_lines;
    }

    /// Whether input is taken: not while a post does not fit or another room is about to be shown,
    /// and not at the end.
    pub(super) fn wants_input(&mut self, rooms: &mut Rooms, client: &mut StdClient, now: Instant) -> bool {
        self.sleep.look(now);
        if let Some((slot, kind, text)) = self.held.take() {
            self.post(slot, kind, &text, rooms, client, now);
        }
        self.held.is_none() && self.switch.is_none() && self.leaving_since.is_none()
    }

    /// Takes input other than a line.
    pub(super) fn take(&mut self, input: Input, ui: &dyn FrontEnd, now: Instant) {
        self.lines += u64::from(input.is_line());
        match input {
            Input::Line(_) => {}
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

    /// Counts a line of input.
    pub(super) fn count_line(&mut self) {
        self.lines += 1;
    }

    /// Executes a command that concerns the room that is shown, or none.
    pub(super) fn execute(
        &mut self,
        command: Command<'_>,
        rooms: &mut Rooms,
        driver: &mut Driver,
        ui: &dyn FrontEnd,
        now: Instant,
    ) {
        match command {
            Command::Ignore(None) => return self.person.list_ignored(ui),
            Command::Ignore(Some(name)) => return self.person.ignore(name, ui),
            Command::Unignore(name) => return self.person.unignore(name, ui),
            Command::Joins(shows) => return self.person.show_joins(shows, ui),
            Command::Stats => {
                let (rtt, counters, traffic) = (driver.client.rtt(), &driver.client.counters(), driver.traffic());
                return ui.notice(&Notice::Stats { rtt, counters, traffic, ignored: self.person.ignored() });
            }
            Command::Help => return ui.notice(&Notice::Help { is_prompt: ui.is_prompt() }),
            Command::Quit => {
                self.skip_pending_output = true;
                return self.end_of_input(now);
            }
            Command::Usage(name) => return ui.notice(&Notice::Usage(name)),
            Command::Unknown(word) => return ui.notice(&Notice::UnknownCommand(word)),
            Command::Nothing => return,
            _ => {}
        }
        let Some(slot) = rooms.shown().and_then(|room| room.slot) else {
            if matches!(command, Command::Post(..)) && !ui.is_prompt() {
                return self.reject(ui, Rejection::NoRoom);
            }
            let names: Vec<&RoomName> = rooms.iter().map(|room| &room.name).collect();
            return ui.notice(&Notice::RoomCommand(RoomCommandError::NoneShown(&names)));
        };
        self.execute_in(slot, command, rooms, &mut driver.client, ui, now);
    }

    fn execute_in(
        &mut self,
        slot: RoomSlot,
        command: Command<'_>,
        rooms: &mut Rooms,
        client: &mut StdClient,
        ui: &dyn FrontEnd,
        now: Instant,
    ) {
        match command {
            Command::Post(..) if !self.takes_lines => return self.reject(ui, Rejection::NoRoom),
            Command::Post(_, text) if text.len() > MAX_TEXT_LEN => {
                return self.reject(ui, Rejection::TooLong(text.len()));
            }
            Command::Post(kind, text) => return self.post(slot, kind, text, rooms, client, now),
            _ => {}
        }
        let Some((member, view)) = rooms.member_at(slot, ui) else { return ui.notice(&Notice::NotConnected) };
        let requested = match command {
            Command::Who => client.request(now, slot, Request::ListMembers),
            Command::History(count) => member.replies.request_history(count, slot, client, view, now),
            Command::Nick(name) => self.rename(name, slot, member, client, ui, now),
            Command::Delete(seq) => match seq.or(member.display.last_own()) {
                Some(seq) => member.requests.remove(seq, slot, client, now),
                None => return view.notice(&Notice::NothingToRemove),
            },
            Command::Operate(word, text) => member.requests.operate(word, text, slot, client, now),
            Command::Rooms => self.room_list.request(slot, client, now),
            Command::Topic => return view.notice(&Notice::Topic(member.display.topic())),
            _ => Ok(()),
        };
        if requested.is_err() {
            ui.notice(&Notice::NotConnected);
        }
    }

    fn rename(
        &mut self,
        requested: &str,
        slot: RoomSlot,
        member: &mut Membership,
        client: &mut StdClient,
        ui: &dyn FrontEnd,
        now: Instant,
    ) -> Result<(), RequestError> {
        let name = self.person.name();
        let why = match Name::existing(requested) {
            Err(error) => RenameError::Name(error),
            Ok(new) if new.shown() == name => RenameError::SameName,
            Ok(new) => return member.requests.rename(new.shown(), slot, client, now),
        };
        ui.notice(&Notice::NotRenamed { name, why });
        Ok(())
    }

    fn post(
        &mut self,
        slot: RoomSlot,
        kind: EntryKind,
        text: &str,
        rooms: &mut Rooms,
        client: &mut StdClient,
        now: Instant,
    ) {
        match client.post(slot, kind, text.as_bytes()) {
            Ok(number) => {
                if let Some(member) = rooms.at(slot).and_then(|room| room.membership.as_mut()) {
                    member.unstored.posted(number, text, now);
                }
            }
            Err(PostError::Full) => self.held = Some((slot, kind, text.to_owned())),
            // The room has ended. Everything else is excluded by the checks before.
            Err(_) => self.refused += 1,
        }
    }

    /// Reports that a line, or a line that chooses a room, has no effect.
    pub(super) fn reject(&mut self, ui: &dyn FrontEnd, why: Rejection) {
        // A person can type the line again; a script sees it by the exit code.
        if ui.is_prompt() {
            return ui.notice(&Notice::LineRejected { line: None, why });
        }
        self.refused += 1;
        ui.notice(&Notice::LineRejected { line: Some(self.lines), why });
    }

    /// Lines were lost with their room.
    pub(super) fn lost_lines(&mut self, slot: RoomSlot, unsettled: u64) -> u64 {
        let held = self.held.take_if(|(room, ..)| *room == slot);
        let lost = unsettled + u64::from(held.is_some());
        self.refused += lost;
        lost
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

    /// Drives leaving, and reports unread lines and lines that are not stored yet.
    pub(super) fn check(&mut self, rooms: &mut Rooms, client: &mut StdClient, ui: &dyn FrontEnd, now: Instant) {
        let is_online = self.lost_since.is_none();
        for (slot, member, view) in rooms.members(ui) {
            member.replies.check(slot, client, view, now);
            member.requests.check(view, now);
            check_catch_up(member, slot, client, now);
            self.room_list.check(slot, client, now);
            if ui.is_prompt() {
                for text in member.unstored.overdue(now, is_online) {
                    view.notice(&Notice::NotStoredYet(text));
                }
            }
            if let Some(report) = member.display.backlog.report(now) {
                let (lines, mentioned_by) = (report.lines, report.mentioned_by.as_deref());
                view.notice(&Notice::Unread { lines, mentioned_by });
            }
        }
        if self.room_list.deadline().is_some_and(|late| now >= late) && self.room_list.clear() {
            ui.notice(&Notice::Unanswered { word: CommandName::Rooms.word(), is_lost: false });
        }
        if self.switch.take_if(|(_, until)| now >= *until).is_some() {
            ui.resume_input();
        }
        if self.draining_since.is_some_and(|since| now >= since + DRAIN_INPUT) {
            self.end_of_input(now);
        }
        self.check_leaving(rooms, client, ui, now);
    }

    fn check_leaving(&mut self, rooms: &mut Rooms, client: &mut StdClient, ui: &dyn FrontEnd, now: Instant) {
        let waiting = self.waiting(rooms, client);
        let mut members = rooms.members(ui);
        let is_displayed = self.skip_pending_output
            || ui.is_prompt()
            || members.all(|(slot, member, _)| {
                member.catch_up.is_none() && client.cursor(slot).is_some_and(|(seq, _)| seq >= member.wait_for)
            });
        match self.leaving_since {
            Some(since) if now >= since + self.give_up => client.abort(now),
            Some(_) if waiting == 0 && is_displayed && !self.leave_requested => {
                self.leave_requested = true;
                client.leave(now);
            }
            Some(_) if waiting > 0 && ui.is_prompt() && !self.wait_notice_shown => {
                self.wait_notice_shown = true;
                ui.notice(&Notice::WaitingForStorage { lines: waiting, timeout: self.give_up });
            }
            _ => {}
        }
    }

    /// Returns the number of lines that are neither stored nor refused.
    fn waiting(&self, rooms: &Rooms, client: &StdClient) -> u64 {
        let unsettled: u64 = rooms.slots().map(|slot| client.unsettled(slot)).sum();
        unsettled + u64::from(self.held.is_some())
    }

    pub(super) fn deadline(&self, rooms: &Rooms, ui: &dyn FrontEnd) -> Option<Instant> {
        let drained = self.draining_since.filter(|_| self.leaving_since.is_none()).map(|since| since + DRAIN_INPUT);
        let given_up = self.leaving_since.map(|since| since + self.give_up);
        let switched = self.switch.as_ref().map(|(_, until)| *until);
        let members = rooms.iter().filter_map(|room| room.membership.as_ref()?.deadline(ui.is_prompt()));
        members.chain([given_up, drained, switched, self.room_list.deadline()].into_iter().flatten()).min()
    }

    /// Returns the number of lines that are not in a room.
    pub(super) fn unsent(&self, rooms: &Rooms, client: &StdClient) -> u64 {
        self.waiting(rooms, client) + self.refused
    }

    /// Reports that the connection was lost.
    pub(super) fn disconnected(
        &mut self,
        reason: DisconnectReason,
        refusal: &str,
        rooms: &mut Rooms,
        ui: &dyn FrontEnd,
        now: Instant,
    ) {
        self.lost_since.get_or_insert(now);
        ui.notice(&Notice::ConnectionLost { reason, refusal, slept: self.sleep.recent(now) });
        rooms.members(ui).for_each(|(_, member, view)| member.disconnected(view));
        if self.room_list.clear() {
            ui.notice(&Notice::Unanswered { word: CommandName::Rooms.word(), is_lost: true });
        }
    }
}

/// Continues to read the entries that `--since` requests.
fn check_catch_up(member: &mut Membership, slot: RoomSlot, client: &mut StdClient, now: Instant) {
    let (Some(catch_up), Some((delivered, _))) = (&mut member.catch_up, client.cursor(slot)) else { return };
    if catch_up.is_done(delivered) {
        member.catch_up = None;
    } else if let Some(request) = catch_up.request(delivered)
        && client.request(now, slot, request).is_ok()
    {
        catch_up.sent(delivered);
        member.replies.expect_catch_up();
    }
}
