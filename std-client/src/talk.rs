//! One visit to a room: connecting, being there, leaving. Puts the client's events into words and lines into posts.
//!
//! ```text
//! Resolving -> Connecting -> (AskingKey) -> (AskingPassword -> Connecting) -> Online -> (another name -> Connecting) -> Leaving
//! ```

mod answers;
mod connecting;
mod online;
mod pending;
mod renaming;
mod sleep;
mod start;
mod stats;
#[cfg(test)]
mod tests;

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

use crate::commands::Remarks;
use crate::cursor::{Cursor, CursorSlot};
use crate::driver::Driver;
use crate::ending::{Ending, Exit};
use crate::identity::Person;
use crate::mail::{Mail, Mailbox, Mailer};
use crate::ui::input::Typed;
use crate::ui::json::Object;
use crate::ui::{Patience, Ui};
use crate::words::{self, Shown};

use connecting::{Attempt, Located};
use online::{Arrival, Visit, Wish};
pub use start::Wanted;

/// Lines taken before everything else has its turn.
const LINES_PER_WAKE: usize = 64;
/// How long an interrupted client takes to say goodbye.
const GOODBYE: Duration = Duration::from_millis(300);
/// How long output may take at the end of a visit at a prompt.
const PROMPT_PATIENCE: std::time::Duration = std::time::Duration::from_secs(1);

/// Everything that is known before anything is sent.
#[derive(Debug)]
pub struct Plan {
    /// Where the room is, as it was typed.
    pub server: Places,
    /// The room.
    pub room: RoomName,
    /// Who joins.
    pub person: Person,
    /// Which key is taken.
    pub trust: Trust,
    /// Why one may join.
    pub entrance: Entrance,
    /// Where it is kept what was shown, and which servers are known.
    pub dir: DataDir,
    /// Which entries are wanted.
    pub wanted: Wanted,
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
    pub remarks: Remarks,
}

/// Which key of the server is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
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
struct Talk {
    plan: Plan,
    driver: Driver,
    ui: Ui,
    mailer: Mailer,
    mailbox: Mailbox,
    phase: Phase,
    /// What was shown is kept there.
    slot: CursorSlot,
    /// What was shown at an earlier visit, or before the name was changed.
    last_shown: Option<Cursor>,
    /// Who one was, while it is not sure that one may be another.
    former: Option<Person>,
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
    Online(Box<Visit>),
}

/// Visits a room until it is over.
#[must_use]
pub fn visit(plan: Plan) -> Ending {
    let slot = CursorSlot::default();
    let started = || {
        let (mut driver, waker) = Driver::new()?;
        driver.watch_output();
        let (mailer, mailbox) = Mailer::new(waker);
        let ui = Ui::start(plan.is_json, slot.clone(), mailer.clone())?;
        let (on_stop, on_hangup) = (mailer.clone(), mailer.clone());
        let interrupt = move || on_stop.send(Mail::Interrupt);
        if signals::is_hangup_ignored() {
            signals::on_stop(interrupt)?;
        } else {
            signals::on_stop_or_hangup(interrupt, move || {
                on_hangup.send(Mail::HangUp);
                AfterHangup::GoOn
            })?;
        }
        Ok((driver, mailer, mailbox, ui))
    };
    let (driver, mailer, mailbox, ui) = match started() {
        Ok(started) => started,
        Err(error) => {
            let error: io::Error = error;
            return Ending::error(format_args!("cannot start: {error}"));
        }
    };
    if let Some(object) = &plan.first_object {
        ui.object(object);
    }
    plan.remarks.send_to(Some(mailer.clone()));
    let phase = Phase::Resolving(driver.now() + connecting::PATIENCE);
    let mut talk = Talk {
        plan,
        driver,
        ui,
        mailer,
        mailbox,
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

impl Talk {
    /// Writes what is left. What could not be written, or read, is said, and is an error unless the end is a worse one.
    fn finish(self, ending: Ending) -> Ending {
        // Nobody waits for a reader after an interrupt.
        let is_quick = self.ui.is_prompt() || self.interrupted.is_some();
        let time = if is_quick { PROMPT_PATIENCE } else { self.plan.give_up };
        let mut patience = Patience { time, is_told: !is_quick, is_wanted: !self.is_hung_up };
        let broken = if let Phase::Online(visit) = &self.phase { visit.broken() } else { None };
        let known = broken.map(str::to_owned).into_iter().chain(self.not_remembered.clone());
        let mut losses: Vec<String> = known.chain(self.ui.settle(patience)).collect();
        let with = |ending: Ending, losses: &[String]| losses.iter().fold(ending, |ending, loss| ending.and(loss));
        let told = with(ending.clone(), &losses);
        let (exit, reason) = (told.exit.code(), told.line.as_deref());
        self.ui.object(&Object::Left { exit, unsent: self.unsent(), reason });
        self.plan.remarks.send_to(None);
        if !losses.is_empty() {
            // It was waited for already.
            patience.time = patience.time.min(PROMPT_PATIENCE);
        }
        for loss in self.ui.finish(patience) {
            if !losses.contains(&loss) {
                losses.push(loss);
            }
        }
        with(ending, &losses)
    }

    fn run(&mut self) -> Ending {
        match self.begin().and_then(|()| self.go_on()) {
            Ok(never) => match never {},
            Err(ending) => ending,
        }
    }

    fn go_on(&mut self) -> Result<Infallible, Ending> {
        loop {
            self.take_mail()?;
            self.take_lines();
            self.take_events()?;
            let now = self.driver.now();
            self.check(now)?;
            // The check may lead to events, and these may change what it finds.
            while self.take_events()? {
                self.check(self.driver.now())?;
            }
            self.driver.transmit();
            let until = if self.is_line_left { Some(now) } else { self.deadline() };
            self.driver.wait(until);
        }
    }

    fn take_mail(&mut self) -> Result<(), Ending> {
        while let Ok(mail) = self.mailbox.mail.try_recv() {
            let now = self.driver.now();
            match mail {
                Mail::Interrupt => self.interrupt(now)?,
                Mail::HangUp => self.hang_up(now)?,
                Mail::Resolved(place, found) => self.resolved(place, found, now)?,
                Mail::Answer(is_yes) => self.key_answered(is_yes, now)?,
                Mail::Password(password) => self.password_typed(password, now)?,
                Mail::OutputRoom => {}
                Mail::OutputGone => self.stop_reading(now),
                Mail::Trouble(words) => self.ui.notice(&words),
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
            match self.mailbox.lines.try_recv() {
                Ok(typed) => match visit.take(typed, &mut self.driver, &self.ui) {
                    Some(Wish::Nick(name)) => self.change_name(&name),
                    None => {}
                },
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => return visit.end_of_input(now),
            }
        }
        self.is_line_left = true;
    }

    /// Whether there were any.
    fn take_events(&mut self) -> Result<bool, Ending> {
        let mut has_any = false;
        // At an end nobody waits for a reader any more.
        while self.ui.has_room() || self.is_ending() {
            let now = self.driver.now();
            let Some(event) = self.driver.poll_event() else { break };
            has_any = true;
            match event {
                Event::UnknownServerKey(found) => self.key_offered(found, now)?,
                Event::Ended(reason) => self.ended(reason)?,
                Event::Joined { name, members, start, head, term, is_resumed } => {
                    let name = name.to_owned();
                    let arrival = Arrival { term, head, members, skip_to: 0, seen_to: None };
                    self.joined(&name, start, arrival, is_resumed)?;
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
        Ok(has_any)
    }

    fn ended(&mut self, reason: EndReason) -> Result<(), Ending> {
        if self.goes_on(reason)? {
            return Ok(());
        }
        if self.should_ask_password(reason) {
            return self.ask_password();
        }
        // What a client says at its end is to be sent as well.
        self.driver.transmit();
        Err(self.told_end(reason).unwrap_or_else(|| self.own_ending()))
    }

    /// How this end is told; `None`: it was asked for.
    fn told_end(&self, reason: EndReason) -> Option<Ending> {
        let shown = match self.plan.entrance {
            Entrance::Secret(_) => Shown::Secret,
            Entrance::Password(_) => Shown::Password,
            Entrance::None => Shown::Nothing,
        };
        let name = &self.plan.person.name;
        match (reason, self.plan.trust) {
            (EndReason::KeyMismatch, Trust::Expected(expected)) => {
                Some(words::other_key(&self.plan.server, &show_fingerprint(&expected)))
            }
            _ => words::ended(reason, &self.plan.server, name, self.plan.room.as_str(), shown),
        }
    }

    /// The end that was asked for: by a word, at the end of input, or by Ctrl-C.
    fn own_ending(&self) -> Ending {
        let unsent = self.unsent();
        match self.interrupted {
            _ if unsent > 0 => Ending::new(Exit::Unsent, online::unsent_words(unsent)),
            Some(_) => Ending::quiet(Exit::Interrupted),
            None => Ending::quiet(Exit::Done),
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
        let is_line = |typed: &Typed| matches!(typed, Typed::Line(_) | Typed::TooLong(_) | Typed::NotText);
        self.unread += self.mailbox.lines.try_iter().filter(is_line).count() as u64;
    }

    /// Ctrl-C: goodbye, whatever is unsent.
    fn interrupt(&mut self, now: Instant) -> Result<(), Ending> {
        if !matches!(self.phase, Phase::Online(_)) {
            self.driver.client.abort(now);
            self.driver.transmit();
            self.ui.fresh_line();
            return Err(Ending::quiet(Exit::Interrupted));
        }
        self.interrupted = Some(now);
        self.count_unread();
        self.driver.client.abort(now);
        Ok(())
    }

    /// The terminal went away: what was typed is still stored.
    fn hang_up(&mut self, now: Instant) -> Result<(), Ending> {
        if !matches!(self.phase, Phase::Online(_)) {
            return self.interrupt(now);
        }
        self.is_hung_up = true;
        self.stop_reading(now);
        Ok(())
    }

    fn check(&mut self, now: Instant) -> Result<(), Ending> {
        match &mut self.phase {
            Phase::Resolving(until) if now >= *until => {
                Err(words::no_name_service(&self.plan.server, connecting::PATIENCE_S))
            }
            Phase::Resolving(_) | Phase::AskingKey(..) | Phase::AskingPassword => Ok(()),
            Phase::Connecting(_) => self.check_attempt(now),
            Phase::Online(visit) => {
                visit.check(&mut self.driver.client, &self.ui, now);
                // The client ends at once when told to; this only makes sure of it.
                match self.interrupted {
                    Some(since) if now >= since + GOODBYE => Err(self.own_ending()),
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
            Phase::Online(visit) => self.interrupted.map(|since| since + GOODBYE).or_else(|| visit.deadline(&self.ui)),
        }
    }
}
