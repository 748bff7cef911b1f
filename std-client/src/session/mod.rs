//! One session in a room: connecting, being a member, leaving. Hands the client's events to the
//! front end, and posts the lines that are typed. Has no sentences and no screen.
//!
//! ```text
//! Resolving -> Connecting -> (AskingKey) -> (AskingPassword -> Connecting) -> Online -> Leaving
//!                                                          ^-(other name)-----'
//! ```
//! * `connecting`, `start`, `renaming`: from one phase to the next. `online`: in the room.
//! * `front_end`, `notice`: what is displayed, and by whom. `end`: the end. `config`: the
//!   beginning.

mod attempt;
mod config;
mod connecting;
mod end;
mod front_end;
mod notice;
mod online;
mod renaming;
mod replay;
mod replies;
mod sleep;
mod start;
mod state;
#[cfg(test)]
mod tests;
mod unstored;

use std::convert::Infallible;
use std::io;
use std::sync::mpsc::TryRecvError;

use kabar_core::client::{EndReason, Event, State};
use kabar_core::time::{Duration, Instant};
use kabar_std::signals::{self, AfterHangup};

use crate::app_event::{AppEvent, EventSender};
use crate::connect::{CONNECT_TIMEOUT, ConnectError};
use crate::cursor::CursorSlot;
use crate::driver::Driver;
use crate::input::Input;

use attempt::Located;
pub use config::{KeyPolicy, RoomCredential, SessionConfig};
pub use end::{ClientEnd, CredentialUsed, Loss, OutputStream, SessionEnd, SessionError, SessionReport};
pub use front_end::{DrainTimeout, FrontEnd};
pub use notice::{AcceptedKey, Joined, Notice, Occasion, Reconnection, Rejection, RenameError};
use online::{JoinInfo, Request};
pub use replay::ReplayFrom;
use state::{Phase, Session};

/// Lines that are taken before everything else has its turn.
const LINES_PER_WAKE: usize = 64;
/// How long an interrupted client has to close its connection.
const CLOSE_GRACE: Duration = Duration::from_millis(300);
/// How long output may take at the end of a session at a prompt.
const PROMPT_DRAIN_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(1);

/// Runs a session to its end, with the front end that `open` starts: it saves positions of
/// displayed entries in the slot. `on_start` gets a sender before the session begins, and `None`
/// when it displays nothing more.
#[must_use]
pub fn run(
    config: SessionConfig,
    open: impl FnOnce(CursorSlot, EventSender) -> io::Result<Box<dyn FrontEnd>>,
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
        config: SessionConfig,
        open: impl FnOnce(CursorSlot, EventSender) -> io::Result<Box<dyn FrontEnd>>,
    ) -> io::Result<Self> {
        let slot = CursorSlot::default();
        let (mut driver, waker) = Driver::new()?;
        driver.watch_output();
        let (sender, receiver) = EventSender::new(waker);
        let ui = open(slot.clone(), sender.clone())?;
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
        Ok(Self {
            config,
            driver,
            ui,
            sender,
            receiver,
            phase,
            slot,
            last_shown: None,
            former: None,
            is_renaming: false,
            accepted: None,
            is_key_reported: false,
            password_tries: 0,
            interrupted: None,
            unread: 0,
            is_output_closed: false,
            is_terminal_closed: false,
            not_stored: None,
            located: Located::default(),
            has_more_input: false,
        })
    }

    /// Writes what is left, and reports what could not be written or read.
    fn finish(self, end: SessionEnd, before_last_output: impl FnOnce()) -> SessionReport {
        // After an interrupt, a reader that does not read is not waited for.
        let is_quick = self.ui.is_prompt() || self.interrupted.is_some();
        let time = if is_quick { PROMPT_DRAIN_TIMEOUT } else { self.config.give_up };
        let mut timeout = DrainTimeout { time, is_loss: !is_quick, has_reader: !self.is_terminal_closed };
        let input_error = if let Phase::Online(online) = &self.phase { online.input_error() } else { None };
        let known = input_error.cloned().map(Loss::Input).into_iter().chain(self.not_stored.clone());
        let losses: Vec<Loss> = known.chain(self.ui.settle(timeout)).collect();
        let mut report = SessionReport { end, losses };
        self.ui.ended(&report, self.unsent());
        before_last_output();
        if !report.losses.is_empty() {
            // Its time is used up already.
            timeout.time = timeout.time.min(PROMPT_DRAIN_TIMEOUT);
        }
        for loss in self.ui.finish(timeout) {
            if !report.losses.contains(&loss) {
                report.losses.push(loss);
            }
        }
        report
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
            self.driver.wait(until);
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
        if self.is_output_closed || self.driver.is_output_closed() {
            self.output_closed(self.driver.now());
        }
        Ok(())
    }

    /// Also called before the room was joined; then it takes effect on joining.
    fn output_closed(&mut self, now: Instant) {
        self.is_output_closed = true;
        if let Phase::Online(online) = &mut self.phase {
            online.output_closed(now);
        }
    }

    fn take_input(&mut self) {
        self.has_more_input = false;
        let now = self.driver.now();
        for _ in 0..LINES_PER_WAKE {
            let Phase::Online(online) = &mut self.phase else { return };
            if !online.wants_input(&mut self.driver.client, now) {
                return;
            }
            match self.receiver.input.try_recv() {
                Ok(input) => match online.take(input, &mut self.driver, &*self.ui) {
                    Some(Request::Nick(name)) => self.change_name(&name),
                    None => {}
                },
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => return online.end_of_input(now),
            }
        }
        self.has_more_input = true;
    }

    /// Returns whether there were any.
    fn take_client_events(&mut self) -> Result<bool, SessionEnd> {
        let mut has_any = false;
        // At the end, a reader that does not read is not waited for.
        while self.ui.has_room() || self.has_ended() {
            let now = self.driver.now();
            let Some(event) = self.driver.poll_event() else { break };
            has_any = true;
            match event {
                Event::UnknownServerKey(found) => self.key_offered(found, now)?,
                Event::Ended(reason) => self.ended(reason)?,
                Event::Joined { name, members, start, head, term, is_resumed } => {
                    let name = name.to_owned();
                    let info = JoinInfo { term, head, members, skip_to: 0, seen_to: None };
                    self.joined(&name, start, info, is_resumed)?;
                }
                event => {
                    let is_lost = match &mut self.phase {
                        Phase::Online(online) => online.on_event(&event, &*self.ui, now),
                        _ => {
                            start::on_event_before_join(&event, &*self.ui, &mut self.last_shown);
                            false
                        }
                    };
                    if is_lost {
                        self.resolve_again();
                    }
                }
            }
        }
        Ok(has_any)
    }

    fn ended(&mut self, reason: EndReason) -> Result<(), SessionEnd> {
        if self.continue_after(reason)? {
            return Ok(());
        }
        if self.should_ask_password(reason) {
            return Ok(self.ask_password()?);
        }
        // Sends what the client sends at its end.
        self.driver.transmit();
        Err(match reason {
            EndReason::Left => self.requested_end(),
            reason => self.describe_end(reason).into(),
        })
    }

    /// Describes an end that was not requested.
    fn describe_end(&self, reason: EndReason) -> SessionError {
        let SessionConfig { server, room, identity, key_policy, .. } = &self.config;
        if let (EndReason::KeyMismatch, KeyPolicy::Expected(expected)) = (reason, *key_policy) {
            return SessionError::KeyChanged { server: server.clone(), expected };
        }
        let credential = match self.config.credential {
            RoomCredential::Secret(_) => CredentialUsed::Secret,
            RoomCredential::Password(_) => CredentialUsed::Password,
            RoomCredential::None => CredentialUsed::None,
        };
        let (server, name, room) = (server.clone(), identity.name.clone(), room.clone());
        SessionError::Client(Box::new(ClientEnd { reason, server, name, room, credential }))
    }

    /// Returns the end that was requested by a command, at the end of input, or by Ctrl-C.
    fn requested_end(&self) -> SessionEnd {
        match (self.unsent(), self.interrupted) {
            (unsent @ 1.., _) => SessionEnd::Unsent(unsent),
            (0, Some(_)) => SessionEnd::Interrupted,
            (0, None) => SessionEnd::Left,
        }
    }

    fn has_ended(&self) -> bool {
        self.driver.client.state() == State::Ended
    }

    /// Returns the number of lines that are not in the room, with those that an interrupt left
    /// unread.
    fn unsent(&self) -> u64 {
        let Phase::Online(online) = &self.phase else { return 0 };
        online.unsent(&self.driver.client) + self.unread
    }

    fn count_unread(&mut self) {
        self.unread += self.receiver.input.try_iter().filter(Input::is_line).count() as u64;
    }

    /// Ctrl-C: leaves at once, even with lines unsent.
    fn interrupt(&mut self, now: Instant) -> Result<(), SessionEnd> {
        if !matches!(self.phase, Phase::Online(_)) {
            self.driver.client.abort(now);
            self.driver.transmit();
            self.ui.end_line();
            return Err(SessionEnd::Interrupted);
        }
        self.interrupted = Some(now);
        self.count_unread();
        self.driver.client.abort(now);
        Ok(())
    }

    /// The terminal was closed: leaves when everything typed is stored.
    fn hang_up(&mut self, now: Instant) -> Result<(), SessionEnd> {
        if !matches!(self.phase, Phase::Online(_)) {
            return self.interrupt(now);
        }
        self.is_terminal_closed = true;
        self.output_closed(now);
        Ok(())
    }

    fn check(&mut self, now: Instant) -> Result<(), SessionEnd> {
        match &mut self.phase {
            Phase::Resolving(until) if now >= *until => {
                Err(SessionError::from(ConnectError::ResolveTimeout(self.config.server.clone())).into())
            }
            Phase::Resolving(_) | Phase::AskingKey(..) | Phase::AskingPassword => Ok(()),
            Phase::Connecting(_) => Ok(self.check_attempt(now)?),
            Phase::Online(online) => {
                online.check(&mut self.driver.client, &*self.ui, now);
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
            Phase::Connecting(attempt) => attempt.deadline(),
            Phase::AskingKey(..) | Phase::AskingPassword => None,
            Phase::Online(online) => {
                self.interrupted.map(|since| since + CLOSE_GRACE).or_else(|| online.deadline(&*self.ui))
            }
        }
    }
}
