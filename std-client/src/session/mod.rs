//! One visit to a room: connecting, being there, leaving. Puts the client's events into words and lines into posts.
//!
//! ```text
//! Resolving -> Connecting -> (AskingKey) -> (AskingPassword -> Connecting) -> Online -> (another name -> Connecting) -> Leaving
//! ```

mod connecting;
mod online;
mod renaming;
mod replies;
mod sleep;
mod start;
mod stats;
#[cfg(test)]
mod tests;
mod unstored;

use std::convert::Infallible;
use std::io;
use std::sync::mpsc::TryRecvError;

use kabar_core::client::{EndReason, Event, State};
use kabar_core::session::Fingerprint;
use kabar_core::time::{Duration, Instant};
use kabar_std::address::Places;
use kabar_std::data_dir::DataDir;
use kabar_std::invite::{RoomName, RoomSecret, show_fingerprint};
use kabar_std::signals::{self, AfterHangup};
use zeroize::Zeroizing;

use crate::app_event::{AppEvent, EventReceiver, EventSender};
use crate::commands::TranscriptNotices;
use crate::cursor::{Cursor, CursorSlot};
use crate::driver::Driver;
use crate::exit::{Exit, ExitReport};
use crate::identity::LocalIdentity;
use crate::messages::{self, CredentialUsed};
use crate::ui::input::Input;
use crate::ui::json::Object;
use crate::ui::{DrainTimeout, Ui};

use connecting::{Attempt, Located};
use online::{JoinInfo, OnlineState, Request};
pub use start::ReplayFrom;

/// Lines taken before everything else has its turn.
const LINES_PER_WAKE: usize = 64;
/// How long an interrupted client takes to say goodbye.
const CLOSE_GRACE: Duration = Duration::from_millis(300);
/// How long output may take at the end of a visit at a prompt.
const PROMPT_DRAIN_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(1);

/// Everything that is known before anything is sent.
#[derive(Debug)]
pub struct SessionConfig {
    /// Where the room is, as it was typed.
    pub server: Places,
    /// The room.
    pub room: RoomName,
    /// Who joins.
    pub person: LocalIdentity,
    /// Which key is taken.
    pub trust: KeyPolicy,
    /// Why one may join.
    pub entrance: Entrance,
    /// Where it is kept what was shown, and which servers are known.
    pub dir: DataDir,
    /// Which entries are wanted.
    pub wanted: ReplayFrom,
    /// How long to wait, at the end, for what is not sent.
    pub give_up: std::time::Duration,
    /// Whether the room is hosted by this very process. It is not remembered as a known server then.
    pub is_host: bool,
    /// Whether standard output has objects.
    pub is_json: bool,
    /// An object to begin with.
    pub first_object: Option<Object<'static>>,
    /// Lines of standard input that were read before.
    pub lines_taken: u64,
    /// What a room in this process has to say besides.
    pub remarks: TranscriptNotices,
}

/// Which key of the server is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPolicy {
    /// The one of the invite.
    Invited(Fingerprint),
    /// The one that was typed or is known from before.
    Expected(Fingerprint),
    /// Whichever is there.
    AcceptNew,
    /// Whichever a person says yes to.
    Ask,
}

/// Why one may join.
#[derive(Debug)]
pub enum Entrance {
    /// By the room's secret.
    Secret(RoomSecret),
    /// By its password.
    Password(Zeroizing<String>),
    /// Not known yet.
    None,
}

/// A visit under way.
struct Session {
    plan: SessionConfig,
    driver: Driver,
    ui: Ui,
    sender: EventSender,
    events: EventReceiver,
    phase: Phase,
    /// What was shown is kept there.
    slot: CursorSlot,
    /// What was shown at an earlier visit, or before the name was changed.
    last_shown: Option<Cursor>,
    /// Who one was, while it is not sure that one may be another.
    former: Option<LocalIdentity>,
    is_renaming: bool,
    /// The key that was taken.
    accepted: Option<Fingerprint>,
    /// Whether it was said whose key the server has.
    is_key_said: bool,
    password_tries: u32,
    interrupted: Option<Instant>,
    /// Lines that an interrupt left unread.
    unread: u64,
    /// Nobody takes the output any more.
    is_output_gone: bool,
    /// The terminal went away.
    is_hung_up: bool,
    /// Why the server is not remembered, if that is so.
    not_remembered: Option<String>,
    /// Where the server may be.
    located: Located,
    /// More lines may wait than were taken.
    is_line_left: bool,
}

/// What is going on.
#[derive(Debug)]
enum Phase {
    /// A name is looked up, until then at most.
    Resolving(Instant),
    /// Nobody let us in yet.
    Connecting(Attempt),
    /// A person decides about the key.
    AskingKey(Attempt, Fingerprint),
    /// A person types the password.
    AskingPassword,
    /// In the room, or on the way back to it.
    Online(Box<OnlineState>),
}

/// Visits a room until it is over.
#[must_use]
pub fn visit(plan: SessionConfig) -> ExitReport {
    let slot = CursorSlot::default();
    let started = || {
        let (mut driver, waker) = Driver::new()?;
        driver.watch_output();
        let (sender, events) = EventSender::new(waker);
        let ui = Ui::start(plan.is_json, slot.clone(), sender.clone())?;
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
        Ok((driver, sender, events, ui))
    };
    let (driver, sender, events, ui) = match started() {
        Ok(started) => started,
        Err(error) => {
            let error: io::Error = error;
            return ExitReport::error(format_args!("cannot start: {error}"));
        }
    };
    if let Some(object) = &plan.first_object {
        ui.object(object);
    }
    plan.remarks.send_to(Some(sender.clone()));
    let phase = Phase::Resolving(driver.now() + connecting::CONNECT_TIMEOUT);
    let mut talk = Session {
        plan,
        driver,
        ui,
        sender,
        events,
        phase,
        slot,
        last_shown: None,
        former: None,
        is_renaming: false,
        accepted: None,
        is_key_said: false,
        password_tries: 0,
        interrupted: None,
        unread: 0,
        is_output_gone: false,
        is_hung_up: false,
        not_remembered: None,
        located: Located::default(),
        is_line_left: false,
    };
    let ending = talk.run();
    talk.finish(ending)
}

impl Session {
    /// Writes what is left. What could not be written, or read, is said, and is an error unless the end is a worse one.
    fn finish(self, ending: ExitReport) -> ExitReport {
        // Nobody waits for a reader after an interrupt.
        let is_quick = self.ui.is_prompt() || self.interrupted.is_some();
        let time = if is_quick { PROMPT_DRAIN_TIMEOUT } else { self.plan.give_up };
        let mut patience = DrainTimeout { time, is_told: !is_quick, is_wanted: !self.is_hung_up };
        let broken = if let Phase::Online(visit) = &self.phase { visit.broken() } else { None };
        let known = broken.map(str::to_owned).into_iter().chain(self.not_remembered.clone());
        let mut losses: Vec<String> = known.chain(self.ui.settle(patience)).collect();
        let with = |ending: ExitReport, losses: &[String]| losses.iter().fold(ending, |ending, loss| ending.and(loss));
        let told = with(ending.clone(), &losses);
        let (exit, reason) = (told.exit.code(), told.line.as_deref());
        self.ui.object(&Object::Left { exit, unsent: self.unsent(), reason });
        self.plan.remarks.send_to(None);
        if !losses.is_empty() {
            // It was waited for already.
            patience.time = patience.time.min(PROMPT_DRAIN_TIMEOUT);
        }
        for loss in self.ui.finish(patience) {
            if !losses.contains(&loss) {
                losses.push(loss);
            }
        }
        with(ending, &losses)
    }

    fn run(&mut self) -> ExitReport {
        match self.begin().and_then(|()| self.run_loop()) {
            Ok(never) => match never {},
            Err(ending) => ending,
        }
    }

    fn run_loop(&mut self) -> Result<Infallible, ExitReport> {
        loop {
            self.take_mail()?;
            self.take_lines();
            self.take_events()?;
            let now = self.driver.now();
            self.check(now)?;
            self.driver.transmit();
            let until = if self.is_line_left { Some(now) } else { self.deadline() };
            self.driver.wait(until);
        }
    }

    fn take_mail(&mut self) -> Result<(), ExitReport> {
        while let Ok(mail) = self.events.mail.try_recv() {
            let now = self.driver.now();
            match mail {
                AppEvent::Interrupt => self.interrupt(now)?,
                AppEvent::HangUp => self.hang_up(now)?,
                AppEvent::Resolved(place, found) => self.resolved(place, found, now)?,
                AppEvent::Answer(is_yes) => self.key_answered(is_yes, now)?,
                AppEvent::Password(password) => self.password_typed(password, now)?,
                AppEvent::OutputRoom => {}
                AppEvent::OutputGone => self.stop_reading(now),
                AppEvent::Trouble(words) => self.ui.notice(&words),
            }
        }
        if self.is_output_gone || self.driver.is_output_gone() {
            self.stop_reading(self.driver.now());
        }
        Ok(())
    }

    /// Also before there is a visit: it is reported when there is one.
    fn stop_reading(&mut self, now: Instant) {
        self.is_output_gone = true;
        if let Phase::Online(visit) = &mut self.phase {
            visit.stop_reading(now);
        }
    }

    fn take_lines(&mut self) {
        self.is_line_left = false;
        let now = self.driver.now();
        for _ in 0..LINES_PER_WAKE {
            let Phase::Online(visit) = &mut self.phase else { return };
            if !visit.wants_lines(&mut self.driver.client, now) {
                return;
            }
            match self.events.lines.try_recv() {
                Ok(typed) => match visit.take(typed, &mut self.driver, &self.ui) {
                    Some(Request::Nick(name)) => self.change_name(&name),
                    None => {}
                },
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => return visit.end_of_input(now),
            }
        }
        self.is_line_left = true;
    }

    fn take_events(&mut self) -> Result<(), ExitReport> {
        // At an end nobody waits for a reader any more.
        while self.ui.has_room() || self.is_ending() {
            let now = self.driver.now();
            let Some(event) = self.driver.client.poll_event() else { return Ok(()) };
            match event {
                Event::KeyOffered(found) => self.key_offered(found, now)?,
                Event::Ended(reason) => self.ended(reason)?,
                Event::Joined { name, members, start, head, term, resumed } => {
                    let name = name.to_owned();
                    let arrival = JoinInfo { term, head, members, skip_to: 0, seen_to: None };
                    self.joined(&name, start, arrival, resumed)?;
                }
                event => {
                    let again = match &mut self.phase {
                        Phase::Online(visit) => visit.on_event(&event, &self.ui, now),
                        _ => {
                            start::before_joined(&event, &self.ui, &mut self.last_shown);
                            false
                        }
                    };
                    if again {
                        self.find_server_again();
                    }
                }
            }
        }
        Ok(())
    }

    fn ended(&mut self, reason: EndReason) -> Result<(), ExitReport> {
        if self.goes_on(reason)? {
            return Ok(());
        }
        if self.should_ask_password(reason) {
            return self.ask_password();
        }
        // What a client says at its end is to be sent as well.
        self.driver.transmit();
        Err(self.describe_end(reason).unwrap_or_else(|| self.requested_end()))
    }

    /// How this end is told; `None`: it was asked for.
    fn describe_end(&self, reason: EndReason) -> Option<ExitReport> {
        let shown = match self.plan.entrance {
            Entrance::Secret(_) => CredentialUsed::Secret,
            Entrance::Password(_) => CredentialUsed::Password,
            Entrance::None => CredentialUsed::Nothing,
        };
        let name = &self.plan.person.name;
        match (reason, self.plan.trust) {
            (EndReason::KeyMismatch, KeyPolicy::Expected(expected)) => {
                Some(messages::other_key(&self.plan.server, &show_fingerprint(&expected)))
            }
            _ => messages::ended(reason, &self.plan.server, name, self.plan.room.as_str(), shown),
        }
    }

    /// The end that was asked for: by a word, at the end of input, or by Ctrl-C.
    fn requested_end(&self) -> ExitReport {
        let unsent = self.unsent();
        match self.interrupted {
            _ if unsent > 0 => ExitReport::new(Exit::Unsent, online::unsent_words(unsent)),
            Some(_) => ExitReport::quiet(Exit::Interrupted),
            None => ExitReport::quiet(Exit::Done),
        }
    }

    fn is_ending(&self) -> bool {
        self.driver.client.state() == State::Ended
    }

    /// Lines that are not in the room; those too that an interrupt left unread.
    fn unsent(&self) -> u64 {
        let Phase::Online(visit) = &self.phase else { return 0 };
        visit.unsent(&self.driver.client) + self.unread
    }

    fn count_unread(&mut self) {
        let is_line = |typed: &Input| matches!(typed, Input::Line(_) | Input::TooLong(_) | Input::NotUtf8);
        self.unread += self.events.lines.try_iter().filter(is_line).count() as u64;
    }

    /// Ctrl-C: goodbye, whatever is unsent.
    fn interrupt(&mut self, now: Instant) -> Result<(), ExitReport> {
        if !matches!(self.phase, Phase::Online(_)) {
            self.driver.client.abort(now);
            self.driver.transmit();
            self.ui.end_line();
            return Err(ExitReport::quiet(Exit::Interrupted));
        }
        self.interrupted = Some(now);
        self.count_unread();
        self.driver.client.abort(now);
        Ok(())
    }

    /// The terminal went away: what was typed is still stored.
    fn hang_up(&mut self, now: Instant) -> Result<(), ExitReport> {
        if !matches!(self.phase, Phase::Online(_)) {
            return self.interrupt(now);
        }
        self.is_hung_up = true;
        self.stop_reading(now);
        Ok(())
    }

    fn check(&mut self, now: Instant) -> Result<(), ExitReport> {
        match &mut self.phase {
            Phase::Resolving(until) if now >= *until => {
                Err(messages::no_name_service(&self.plan.server, connecting::CONNECT_TIMEOUT_S))
            }
            Phase::Resolving(_) | Phase::AskingKey(..) | Phase::AskingPassword => Ok(()),
            Phase::Connecting(_) => self.check_attempt(now),
            Phase::Online(visit) => {
                visit.check(&mut self.driver.client, &self.ui, now);
                // The client ends at once when told to; this only makes sure of it.
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
            Phase::Online(visit) => {
                self.interrupted.map(|since| since + CLOSE_GRACE).or_else(|| visit.deadline(&self.ui))
            }
        }
    }
}
