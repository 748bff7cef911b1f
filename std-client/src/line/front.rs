//! The state of the front end, and its loop.

use std::io;
use std::sync::Arc;
use std::time::Duration as StdDuration;

use kabar_core::time::{Duration, Instant};
use kabar_std::clock::Clock;
use kabar_std::invite::RoomName;
use kabar_std::signals::{self, AfterHangup};

use super::app_event::{AppEvent, EventReceiver, EventSender};
use super::config::LineConfig;
use super::end::LeavingState;
use super::prompt::PromptRooms;
use super::rooms::Rooms;
use super::servers::Server;
use super::ui::Ui;
use crate::engine::{self, Command, EngineConfig, Events, Handle, RoomId, ServerId};
use crate::input::InputError;
use crate::messages::events::RoomLabel;
use crate::messages::notices::Notice;
use crate::outcome::{EndState, Loss};
use crate::poller::Poller;

/// Entries that are displayed again at a prompt, as context of new ones.
const CONTEXT: u64 = 10;

/// The front end.
#[derive(Debug)]
pub(super) struct Front {
    pub(super) ui: Ui,
    pub(super) engine: Handle,
    pub(super) events: Events,
    sender: EventSender,
    pub(super) receiver: EventReceiver,
    poller: Poller,
    clock: Clock,
    pub(super) give_up: StdDuration,
    pub(super) servers: Vec<Server>,
    pub(super) rooms: Rooms,
    pub(super) input: InputState,
    pub(super) leaving: LeavingState,
    pub(super) end: EndState,
}

/// The state of the input.
#[derive(Debug)]
pub(super) struct InputState {
    /// Whether a room was joined, and lines are read.
    pub(super) has_started: bool,
    /// When the prompt is displayed, at the latest: it waits for what completion needs.
    pub(super) prompt_due: Option<Instant>,
    /// Whether the room that was requested first was refused. Lines that a script sends are meant
    /// for it.
    pub(super) is_first_refused: bool,
    /// Whether lines are taken for the room that is shown. They are not if a script chose another
    /// one.
    pub(super) takes_lines: bool,
    /// The room to show once it is joined. Input waits for that.
    pub(super) switch: Option<Switch>,
    /// Posts that the engine has not answered.
    pub(super) unanswered: usize,
    /// Lines of standard input so far.
    pub(super) lines: u64,
    pub(super) error: Option<InputError>,
    /// Whether more lines may wait than were taken.
    pub(super) has_more: bool,
}

/// A room that is shown once it is joined.
#[derive(Debug)]
pub(super) struct Switch {
    pub(super) server: ServerId,
    pub(super) name: RoomName,
    /// Until when input waits.
    pub(super) until: Instant,
}

impl Front {
    /// Starts the engine and the threads of the screen.
    pub(super) fn start(config: LineConfig) -> io::Result<Self> {
        let LineConfig { servers, dir, give_up, downloads, lines_taken, is_json, hosting } = config;
        let (mut poller, waker) = Poller::new()?;
        poller.watch_output();
        let (sender, receiver) = EventSender::new(Arc::clone(&waker));
        let ui = Ui::start(is_json, sender.clone())?;
        if let Some((invite, address)) = hosting {
            ui.hosting(invite, address);
        }
        let context = if ui.is_prompt() { CONTEXT } else { 0 };
        let wake = Box::new(move || drop(waker.wake()));
        let (engine, events) = engine::start(EngineConfig {
            dir,
            context,
            replays_history: true,
            ends_with_servers: true,
            downloads,
            wake,
        })?;
        take_signals(&sender)?;
        servers.into_iter().for_each(|server| engine.send(Command::Connect(Box::new(server))));
        let input = InputState {
            has_started: false,
            prompt_due: None,
            is_first_refused: false,
            takes_lines: true,
            switch: None,
            unanswered: 0,
            lines: lines_taken,
            error: None,
            has_more: false,
        };
        Ok(Self {
            ui,
            engine,
            events,
            sender,
            receiver,
            poller,
            clock: Clock::start(),
            give_up,
            servers: Vec::new(),
            rooms: Rooms::default(),
            input,
            leaving: LeavingState::default(),
            end: EndState::default(),
        })
    }

    /// Returns a sender to this front end.
    pub(super) fn sender(&self) -> EventSender {
        self.sender.clone()
    }

    /// Runs until the engine has stopped.
    pub(super) fn run(&mut self) {
        while !self.leaving.has_ended {
            let now = self.clock.now();
            self.take_app_events(now);
            self.take_events(now);
            self.mark_read();
            self.check(now);
            if self.leaving.has_ended {
                return;
            }
            // Last: input may have waited for what came before, and nothing else wakes up for it.
            self.take_input(now);
            self.mark_read();
            let until = if self.input.has_more { Some(now) } else { self.deadline() };
            let timeout =
                until.map(|until| StdDuration::from_micros(until.saturating_since(self.clock.now()).as_micros()));
            self.poller.wait(timeout, |_| ());
        }
    }

    fn take_app_events(&mut self, now: Instant) {
        while let Ok(event) = self.receiver.events.try_recv() {
            match event {
                AppEvent::Interrupt => self.interrupt(),
                AppEvent::HangUp => self.hang_up(now),
                AppEvent::Answer(accept) => self.key_answered(accept),
                AppEvent::Password(password) => self.password_typed(password),
                AppEvent::OutputWritable => {}
                AppEvent::OutputClosed => self.output_closed(now),
                AppEvent::PositionNotSaved(error) => {
                    self.notice(&Notice::Loss(&Loss::PositionNotSaved(error)));
                }
                AppEvent::PositionSavedAgain => self.notice(&Notice::PositionSavedAgain),
                AppEvent::Transcript(words) => self.notice(&Notice::Transcript(&words)),
            }
        }
        if self.leaving.is_output_closed || self.poller.is_output_closed() {
            self.output_closed(now);
        }
    }

    /// Reports unread lines and lines that are not stored yet, and ends waiting.
    fn check(&mut self, now: Instant) {
        let Self { rooms, servers, ui, .. } = self;
        let mut reports = Vec::new();
        for room in rooms.iter_mut() {
            let is_online = servers.iter().any(|server| server.id == room.id.server && server.is_online);
            if ui.is_prompt() {
                let overdue = room.unstored.overdue(now, is_online);
                reports.extend(overdue.into_iter().map(|text| (room.id, Report::NotStoredYet(text.to_owned()))));
            }
            if let Some(report) = room.backlog.report(now) {
                reports.push((room.id, Report::Unread(report.lines, report.mentioned_by)));
            }
        }
        for (room, report) in reports {
            self.room_notice(
                room,
                &match &report {
                    Report::NotStoredYet(text) => Notice::NotStoredYet(text),
                    Report::Unread(lines, by) => Notice::Unread { lines: *lines, mentioned_by: by.as_deref() },
                },
            );
        }
        if self.input.prompt_due.take_if(|due| now >= *due).is_some() {
            self.read_input();
        }
        if self.input.switch.take_if(|switch| now >= switch.until).is_some() {
            self.ui.resume_input();
        }
        self.check_draining(now);
    }

    fn deadline(&self) -> Option<Instant> {
        let is_prompt = self.ui.is_prompt();
        let rooms = self.rooms.iter().flat_map(|room| {
            let unstored = if is_prompt { room.unstored.deadline() } else { None };
            [unstored, room.backlog.deadline()]
        });
        let switched = self.input.switch.as_ref().map(|switch| switch.until);
        rooms.chain([self.input.prompt_due, switched, self.draining_deadline()]).flatten().min()
    }

    /// Displays a notice.
    pub(super) fn notice(&self, notice: &Notice<'_>) {
        self.ui.notice(notice, None);
    }

    /// Displays a notice about a room.
    pub(super) fn room_notice(&self, room: RoomId, notice: &Notice<'_>) {
        self.with_label(room, |label| self.ui.notice(notice, label));
    }

    /// Calls `display` with the name of a room, if it is known.
    pub(super) fn with_label(&self, room: RoomId, display: impl FnOnce(Option<RoomLabel<'_>>)) {
        let Some(room) = self.rooms.find(room) else { return display(None) };
        let name = self.rooms.label(room, &self.servers);
        display(Some(RoomLabel { name: &name, is_shown: self.is_displayed(room.id) }));
    }

    /// Whether entries of this room are displayed as they come in.
    pub(super) fn is_displayed(&self, room: RoomId) -> bool {
        self.rooms.is_shown(room) || self.ui.shows_everything()
    }

    /// Returns the server of the room that is shown, or else the first one.
    pub(super) fn current_server(&self) -> Option<ServerId> {
        self.rooms.shown().map(|room| room.id.server).or_else(|| self.servers.first().map(|server| server.id))
    }

    pub(super) fn server(&mut self, id: ServerId) -> Option<&mut Server> {
        self.servers.iter_mut().find(|server| server.id == id)
    }

    /// Updates what the prompt knows about the rooms.
    pub(super) fn publish(&self) {
        let rooms: PromptRooms = self.rooms.for_prompt(&self.servers);
        self.ui.set_rooms(rooms);
    }

    pub(super) fn switch_when_joined(&mut self, server: ServerId, name: RoomName, now: Instant, wait: StdDuration) {
        let until = now + Duration::from_micros(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX));
        self.input.switch = Some(Switch { server, name, until });
    }
}

/// A report that is due.
enum Report {
    NotStoredYet(String),
    Unread(u64, Option<String>),
}

fn take_signals(sender: &EventSender) -> io::Result<()> {
    let (on_stop, on_hangup) = (sender.clone(), sender.clone());
    let interrupt = move || on_stop.send(AppEvent::Interrupt);
    if signals::is_hangup_ignored() {
        return signals::on_stop(interrupt);
    }
    signals::on_stop_or_hangup(interrupt, move || {
        on_hangup.send(AppEvent::HangUp);
        AfterHangup::GoOn
    })
}
