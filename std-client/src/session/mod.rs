//! One session on a server, in one or several rooms: connecting, being a member, leaving. Hands the
//! client's events to the front end, and posts the lines that are typed. Has no sentences and no
//! screen.
//!
//! ```text
//! Resolving -> Connecting -> (AskingKey) -> (AskingPassword -> Connecting) -> Online -> Leaving
//! ```
//! * `connecting`, `start`, `leaving`: from one phase to the next. `online`, `receive`: in the
//!   rooms. `membership`: which rooms these are.
//! * `room`: everything that belongs to one room, with `display`, `backlog`, `replies`, `requests`,
//!   `unstored`, `catch_up` and `roster`. `rooms`: all of them. `person`: what they have in common.
//! * `front_end`: the trait of the front end. `notice`: the reports to it. `end`: the result of a
//!   session. `config`: its configuration.

mod attempt;
mod backlog;
mod catch_up;
mod config;
mod connecting;
mod display;
mod end;
mod front_end;
mod leaving;
mod membership;
mod mention;
mod notice;
mod online;
mod person;
mod receive;
mod replay;
mod replies;
mod requests;
mod room;
mod room_list;
mod rooms;
mod roster;
mod sleep;
mod start;
mod state;
#[cfg(test)]
mod tests;
mod unstored;
mod view;

use std::convert::Infallible;
use std::io;
use std::sync::mpsc::TryRecvError;

use kabar_core::chat::Info;
use kabar_core::client::{DisconnectReason, Event};
use kabar_core::time::{Duration, Instant};
use kabar_std::clock::Clock;
use kabar_std::signals::{self, AfterHangup};

use crate::app_event::{AppEvent, EventSender};
use crate::connect::{CONNECT_TIMEOUT, ConnectError};
use crate::driver::{Driver, wait};
use crate::input::Input;
use crate::poller::Poller;

use attempt::Located;
pub use config::{KeyPolicy, RequestedRoom, RoomCredential, SessionConfig};
pub use end::{ClientEnd, CredentialUsed, Loss, OutputStream, SessionEnd, SessionError, SessionReport};
pub use front_end::{DisplayedEntry, DrainTimeout, FrontEnd, RoomLabel, RoomsView};
pub use mention::mentions;
pub use notice::{
    AcceptedKey, Earlier, HistoryPage, IgnoreError, Joined, ListedRoom, Notice, Occasion, Reconnection, Refusal,
    Rejection, RenameError, RoomCommandError,
};
use online::JoinInfo;
pub use replay::ReplayFrom;
use room::Room;
use rooms::Rooms;
pub use roster::Roster;
use state::{Phase, Session};

/// Lines that are taken before everything else has its turn.
const LINES_PER_WAKE: usize = 64;
/// How long an interrupted client has to close its connection.
const CLOSE_GRACE: Duration = Duration::from_millis(300);

/// Runs a session to its end, with the front end that `open` starts. `on_start` gets a sender
/// before the session begins, and `None` when it displays nothing more.
#[must_use]
pub fn run(
    config: SessionConfig,
    open: impl FnOnce(EventSender) -> io::Result<Box<dyn FrontEnd>>,
    mut on_start: impl FnMut(Option<EventSender>),
) -> SessionReport {
    let mut session = match Session::start(config, open) {
        Ok(session) => session,
        Err(error) => return SessionReport { end: SessionError::from(error).into(), losses: Vec::new() },
    };
    on_start(Some(session.sender.clone()));
    let end = match session.run() {
        Ok(never) => match never {},
        Err(end) => end,
    };
    session.finish(end, || on_start(None))
}

impl Session {
    fn start(
        mut config: SessionConfig,
        open: impl FnOnce(EventSender) -> io::Result<Box<dyn FrontEnd>>,
    ) -> io::Result<Self> {
        let (mut poller, waker) = Poller::new()?;
        poller.watch_output();
        let clock = Clock::start();
        let driver = Driver::new(poller.sockets()?, clock);
        let (sender, receiver) = EventSender::new(waker);
        let ui = open(sender.clone())?;
        let (on_stop, on_hangup) = (sender.clone(), sender.clone());
        let interrupt = move || on_stop.send(AppEvent::Interrupt);
        if signals::is_hangup_ignored() {
            signals::on_stop(interrupt)?;
        } else {
            signals::on_stop_or_hangup(interrupt, move || {
                on_hangup.send(AppEvent::HangUp);
                AfterHangup::GoOn
            })?;
        }
        let phase = Phase::Resolving(driver.now() + CONNECT_TIMEOUT);
        let replay_from = config.replay_from;
        let rooms = std::mem::take(&mut config.rooms).into_iter().map(|room| Room::new(room, replay_from));
        let rooms = Rooms::new(rooms.collect());
        Ok(Self {
            config,
            rooms,
            is_first_refused: false,
            poller,
            clock,
            driver,
            ui,
            sender,
            receiver,
            phase,
            accepted: None,
            is_key_reported: false,
            password_tries: 0,
            refusal: String::new(),
            interrupted: None,
            unread: 0,
            is_output_closed: false,
            is_terminal_closed: false,
            stored_name: String::new(),
            not_stored: None,
            located: Located::default(),
            has_more_input: false,
        })
    }

    fn run(&mut self) -> Result<Infallible, SessionEnd> {
        self.begin()?;
        self.run_loop()
    }

    fn run_loop(&mut self) -> Result<Infallible, SessionEnd> {
        loop {
            self.take_app_events()?;
            self.take_input();
            self.take_client_events()?;
            let now = self.driver.now();
            self.check(now)?;
            // The check may lead to events, and these may change what it finds.
            while self.take_client_events()? {
                self.check(self.driver.now())?;
            }
            self.driver.transmit();
            let until = if self.has_more_input { Some(now) } else { self.deadline() };
            wait(&mut self.poller, self.clock, &mut [&mut self.driver], until);
        }
    }

    fn take_app_events(&mut self) -> Result<(), SessionEnd> {
        while let Ok(event) = self.receiver.events.try_recv() {
            let now = self.driver.now();
            match event {
                AppEvent::Interrupt => self.interrupt(now)?,
                AppEvent::HangUp => self.hang_up(now)?,
                AppEvent::Resolved(place, found) => self.resolved(place, found, now)?,
                AppEvent::Answer(is_yes) => self.key_answered(is_yes, now),
                AppEvent::Password(password) => self.password_typed(password, now)?,
                AppEvent::OutputWritable => {}
                AppEvent::OutputClosed => self.output_closed(now),
                AppEvent::PositionNotSaved(error) => self.ui.notice(&Notice::Loss(&Loss::PositionNotSaved(error))),
                AppEvent::PositionSavedAgain => self.ui.notice(&Notice::PositionSavedAgain),
                AppEvent::Transcript(words) => self.ui.notice(&Notice::Transcript(&words)),
            }
        }
        if self.is_output_closed || self.poller.is_output_closed() {
            self.output_closed(self.driver.now());
        }
        Ok(())
    }

    fn take_input(&mut self) {
        self.has_more_input = false;
        let now = self.driver.now();
        for _ in 0..LINES_PER_WAKE {
            let Phase::Online(online) = &mut self.phase else { return };
            if !online.wants_input(&mut self.rooms, &mut self.driver.client, now) {
                return;
            }
            match self.receiver.input.try_recv() {
                Ok(Input::Line(line)) => {
                    online.count_line();
                    self.execute(&line, now);
                }
                Ok(input) => online.take(input, &*self.ui, now),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => return online.end_of_input(now),
            }
        }
        self.has_more_input = true;
    }

    /// Returns whether there were any.
    fn take_client_events(&mut self) -> Result<bool, SessionEnd> {
        let mut has_any = false;
        // At the end, do not wait for a reader that does not read.
        while self.ui.has_room() || self.has_ended() {
            let now = self.driver.now();
            let Some(event) = self.driver.poll_event() else { break };
            has_any = true;
            match event {
                Event::UnknownServerKey(found) => self.key_offered(found, now)?,
                Event::Ended(reason) => self.ended(reason)?,
                Event::Joined { room, name, members, start, head, term, is_resumed } => {
                    let name = name.to_owned();
                    self.joined(room, &name, JoinInfo { term, start, head, members, is_resumed })?;
                }
                Event::Refused { room, text, .. } => {
                    text.clone_into(&mut self.refusal);
                    self.rooms.set_server_text(room, text);
                }
                Event::RoomEnded { room, reason, unsettled } => self.room_ended(room, reason, unsettled, now),
                Event::Disconnected(reason) => self.disconnected(reason, now),
                event => {
                    let Self { phase, rooms, ui, .. } = self;
                    on_event(&event, phase, rooms, &**ui, now);
                }
            }
        }
        Ok(has_any)
    }

    fn disconnected(&mut self, reason: DisconnectReason, now: Instant) {
        let refusal = &self.refusal;
        if let Phase::Online(online) = &mut self.phase {
            online.disconnected(reason, refusal, &mut self.rooms, &*self.ui, now);
            self.resolve_again();
        } else {
            self.ui.notice(&Notice::LostWhileConnecting { reason, refusal });
        }
    }

    fn check(&mut self, now: Instant) -> Result<(), SessionEnd> {
        match &mut self.phase {
            Phase::Resolving(until) if now >= *until => {
                Err(SessionError::from(ConnectError::ResolveTimeout(self.config.server.clone())).into())
            }
            Phase::Resolving(_) | Phase::AskingKey(..) | Phase::AskingPassword => Ok(()),
            Phase::Connecting(_) => Ok(self.check_attempt(now)?),
            Phase::Online(online) => {
                online.check(&mut self.rooms, &mut self.driver.client, &*self.ui, now);
                if online.name() != self.stored_name {
                    let name = online.name().to_owned();
                    self.store_rooms(&name);
                }
                self.join_added_rooms(now);
                // The client ends at once when it is aborted; this only makes sure of it.
                match self.interrupted {
                    Some(since) if now >= since + CLOSE_GRACE => Err(self.requested_end()),
                    _ => Ok(()),
                }
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Resolving(until) => Some(*until),
            Phase::Connecting(attempt) => Some(attempt.deadline()),
            Phase::AskingKey(..) | Phase::AskingPassword => None,
            Phase::Online(online) => {
                self.interrupted.map(|since| since + CLOSE_GRACE).or_else(|| online.deadline(&self.rooms, &*self.ui))
            }
        }
    }
}

/// Displays an event of a room or of the connection.
fn on_event(event: &Event<'_>, phase: &mut Phase, rooms: &mut Rooms, ui: &dyn FrontEnd, now: Instant) {
    let Some(slot) = event.room() else {
        match (phase, event) {
            (Phase::Online(online), event) => online.on_event(event, ui, now),
            (_, Event::Info { info: Info::Notice { text, .. }, .. }) => ui.notice(&Notice::Server(text)),
            _ => {}
        }
        return;
    };
    if let Event::Info { info: Info::Ended { text, .. }, .. } = event {
        rooms.set_server_text(slot, text);
    }
    match (phase, event) {
        (Phase::Online(online), Event::Info { info, .. }) => online.on_info(slot, *info, rooms, ui, now),
        (Phase::Online(online), event) if rooms.member_at(slot, ui).is_some() || !rooms.is_at(slot) => {
            online.on_room_event(slot, event, rooms, ui, now);
        }
        _ => start::on_event_before_join(event, slot, rooms, ui),
    }
}
