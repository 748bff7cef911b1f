//! The session on a classic server: the Python program that this project comes from, or a
//! `kabar-server --classic`. It answers the commands of a front end as [`super::session`] does, as
//! far as the dialect can; nothing of it is protected, recorded or confirmed.
//!
//! ```text
//! Resolving -> AskingKey -> (AskingPassword) -> LoggingIn -> Online
//! ```
//! * `connecting`: until the room is joined. `room`: the only room, and its entries.
//!   `posts`: texts as datagrams. `lines`: datagrams as entries.

mod connecting;
mod lines;
mod posts;
mod room;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use kabar_core::classic::{Answer, Line, PublicKey};
use kabar_core::time::{Duration, Instant};
use kabar_std::address::HostPort;

use super::command::{ClassicRequest, Command, MAX_WAITING_POSTS, Stop, WantedFile};
use super::event::{ClassicNotice, Event, JoinRefusal, NotPosted, ServerEnd, ServerId, Stats, TransferFailure};
use super::queue::EventSink;
use super::session::{End, Environment};
use crate::connect::{CONNECT_TIMEOUT, ConnectError};
use crate::driver::classic::ClassicDriver;
use crate::links::Sent;
use crate::resolve::ResolveError;
use posts::Prepared;
use room::Room;

/// The time between two datagrams: a server reads one after another, from a buffer that they must
/// not fill.
const PACE: Duration = Duration::from_millis(10);
/// How long a session stays that leaves, in case the server refuses what was sent last, or still
/// sends its history.
const LINGER: Duration = Duration::from_millis(500);
/// The longest time that a session stays for more of the history.
const MAX_LINGER: Duration = Duration::from_secs(3);

/// The session on a classic server.
#[derive(Debug)]
pub(super) struct ClassicSession {
    pub(super) id: ServerId,
    request: ClassicRequest,
    environment: Environment,
    pub(super) driver: ClassicDriver,
    sink: EventSink,
    phase: Phase,
    located: Located,
    /// The address that has answered, and its key.
    key: Option<(SocketAddr, PublicKey)>,
    /// Passwords that were typed.
    password_tries: u32,
    room: Room,
    /// Texts that are not begun.
    waiting: VecDeque<String>,
    /// The text that is being sent.
    sending: Option<(u64, Prepared)>,
    /// The number of the last text that was begun.
    posted: u64,
    next_send: Instant,
    last_sent: Instant,
    last_received: Instant,
    has_replaced_colons: bool,
    leaving: Option<Leaving>,
}

/// The addresses of the server.
#[derive(Debug, Default)]
struct Located {
    addresses: Vec<SocketAddr>,
    /// Number of places that are being resolved.
    awaited: usize,
    /// The first place without an address.
    missing: Option<(HostPort, ResolveError)>,
    /// Why an address cannot be used.
    error: Option<std::io::Error>,
}

/// The phase of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Names are being resolved, until this time at most.
    Resolving(Instant),
    /// The key was requested, is requested again at `again`, and has to come until `until`.
    AskingKey { again: Instant, until: Instant },
    /// A person types the password.
    AskingPassword,
    /// Name and password were sent; the answer has to come until this time.
    LoggingIn(Instant),
    /// In the room, as far as is known.
    Online,
}

/// A session that leaves.
#[derive(Clone, Copy, Debug)]
struct Leaving {
    since: Instant,
    give_up: Duration,
    is_caught_up: bool,
}

impl ClassicSession {
    /// Begins a session. Reports the server, the room, and that nothing is protected.
    pub(super) fn start(
        id: ServerId,
        request: ClassicRequest,
        driver: ClassicDriver,
        environment: Environment,
        sink: EventSink,
    ) -> Self {
        sink.send(Event::ServerAdded { server: id, places: request.places.clone(), is_host: false });
        let room = Room::new(id, &request);
        sink.send(Event::RoomAdded { room: room.id, name: room.name.clone() });
        sink.send(Event::Classic { server: id, notice: ClassicNotice::Unprotected });
        let now = driver.now();
        Self {
            id,
            request,
            environment,
            driver,
            sink,
            phase: Phase::Resolving(now + CONNECT_TIMEOUT),
            located: Located::default(),
            key: None,
            password_tries: 0,
            room,
            waiting: VecDeque::new(),
            sending: None,
            posted: 0,
            next_send: now,
            last_sent: now,
            last_received: now,
            has_replaced_colons: false,
            leaving: None,
        }
    }

    /// Handles everything that waits, and sends what is due.
    pub(super) fn advance(&mut self) -> Result<(), End> {
        while self.sink.has_room()
            && let Some((from, datagram)) = self.driver.poll()
        {
            self.last_received = self.driver.now();
            self.on_datagram(from, &String::from_utf8_lossy(&datagram))?;
        }
        let now = self.driver.now();
        self.check_connecting(now)?;
        self.check_online(now)
    }

    fn on_datagram(&mut self, from: SocketAddr, text: &str) -> Result<(), End> {
        match self.phase {
            Phase::Online => self.on_text(text),
            _ => return self.on_answer(from, text),
        }
        Ok(())
    }

    /// Handles what the server writes to a member.
    fn on_text(&mut self, text: &str) {
        if let Some(line) = Line::parse(text)
            && self.room.on_line(&line, self.driver.now(), &self.sink)
        {
            return;
        }
        match Answer::parse(text) {
            // The second of two answers to the login.
            Some(Answer::Accepted) => {}
            Some(Answer::Joined(name)) if name == self.request.name => {}
            _ => self.sink.send(Event::ServerText { server: self.id, text: text.to_owned() }),
        }
    }

    fn check_online(&mut self, now: Instant) -> Result<(), End> {
        let (Phase::Online, Some((remote, key))) = (self.phase, self.key) else { return Ok(()) };
        if self.driver.refusals(remote) > 0 {
            return Err(ConnectError::Refused(self.request.places.clone()).into());
        }
        self.send_due(remote, &key, now);
        match self.leaving_deadline() {
            Some(at) if now >= at => Err(End::Left),
            _ => Ok(()),
        }
    }

    /// Sends what is due. A text is displayed once all of it is sent: nothing says whether it has
    /// arrived.
    fn send_due(&mut self, remote: SocketAddr, key: &PublicKey, now: Instant) {
        while now >= self.next_send
            && (self.sending.is_some() || self.begin_next(key))
            && let Some((number, prepared)) = &mut self.sending
        {
            let number = *number;
            if let Some(datagram) = prepared.datagrams.front() {
                self.next_send = now + PACE;
                if self.driver.send(remote, datagram) == Sent::Later {
                    return;
                }
                self.last_sent = now;
                prepared.datagrams.pop_front();
            }
            if prepared.datagrams.is_empty()
                && let Some((_, prepared)) = self.sending.take()
            {
                let seq = self.room.on_sent(prepared.text, number, &self.sink);
                self.sink.send(Event::Stored { room: self.room.id, number, seq });
            }
        }
    }

    /// Begins the next text that can be sent. Returns whether there is one.
    fn begin_next(&mut self, key: &PublicKey) -> bool {
        let room = self.room.id;
        while let Some(text) = self.waiting.pop_front() {
            match posts::prepare(&self.request.name, &text, key) {
                Ok(prepared) => {
                    self.posted += 1;
                    self.sink.send(Event::Posted { room, number: self.posted });
                    if prepared.had_colons && !std::mem::replace(&mut self.has_replaced_colons, true) {
                        self.notice(ClassicNotice::ColonsReplaced);
                    }
                    self.sending = Some((self.posted, prepared));
                    return true;
                }
                Err(why) => self.sink.send(Event::NotPosted { room, why }),
            }
        }
        false
    }

    fn notice(&self, notice: ClassicNotice) {
        self.sink.send(Event::Classic { server: self.id, notice });
    }

    /// Executes a command about this server.
    pub(super) fn execute(&mut self, command: Command) -> Result<(), End> {
        let (server, room) = (self.id, self.room.id);
        match command {
            Command::Password { password, .. } => self.password_typed(password)?,
            Command::Post { kind, text, .. } => self.post(kind, text),
            Command::Join { room, .. } => {
                let why = JoinRefusal::OneRoom;
                self.sink.send(Event::RoomNotAdded { server, room: None, name: room.name, why });
            }
            Command::Part { .. } => {
                self.sink.send(Event::Parted { room });
                return Err(End::Left);
            }
            Command::ListMembers { .. } => {
                self.sink.send(Event::Members { room, names: self.room.names(), is_complete: false });
            }
            Command::History { before, count, .. } => self.sink.send(self.room.page(before, count)),
            Command::ListRooms { is_complete, .. } => {
                if is_complete {
                    self.notice(ClassicNotice::NotThere);
                }
                self.sink.send(Event::RoomList { server, rooms: Vec::new() });
            }
            Command::ShowJoins { shows, .. } => {
                self.room.hides_joins = !shows;
                self.sink.send(Event::JoinsShown { server, shows });
            }
            Command::SetNotify { notify, .. } => self.sink.send(Event::NotifySet { room, notify }),
            Command::Send { path, .. } => self.not_transferred(path.display().to_string()),
            Command::Get { file, .. } => self.not_transferred(match file {
                WantedFile::Entry(entry) => entry.to_string(),
                WantedFile::Body(_) => String::new(),
            }),
            Command::ListTransfers { .. } => {
                self.sink.send(Event::Transfers { server, transfers: Vec::new() });
            }
            Command::Stats { .. } => self.report_stats(),
            Command::Rename { .. }
            | Command::Remove { .. }
            | Command::Operate { .. }
            | Command::Ignore { .. }
            | Command::Unignore { .. }
            | Command::ListIgnored { .. } => self.notice(ClassicNotice::NotThere),
            // Nothing is recorded.
            Command::MarkRead { .. } | Command::SaveDraft { .. } => {}
            // Nothing was asked, or is transferred. The engine handles the last two.
            Command::AnswerKey { .. } | Command::CancelTransfer { .. } | Command::Connect(_) | Command::Stop(_) => {}
        }
        Ok(())
    }

    fn post(&mut self, kind: kabar_core::chat::EntryKind, text: String) {
        let why = match kind {
            _ if self.phase != Phase::Online => NotPosted::NotInRoom,
            kabar_core::chat::EntryKind::TEXT if self.waiting.len() < MAX_WAITING_POSTS => {
                return self.waiting.push_back(text);
            }
            kabar_core::chat::EntryKind::TEXT => NotPosted::TooMany,
            _ => NotPosted::NotThere,
        };
        self.sink.send(Event::NotPosted { room: self.room.id, why });
    }

    fn not_transferred(&self, name: String) {
        let (room, why) = (self.room.id, TransferFailure::NotSupported);
        self.sink.send(Event::TransferNotStarted { room, name, why });
    }

    fn report_stats(&self) {
        let (server, traffic) = (self.id, self.driver.traffic());
        let stats = Stats { server, rtt: None, counters: Default::default(), traffic, ignored: 0 };
        self.sink.send(Event::Stats(Box::new(stats)));
    }

    /// Leaves, once or when everything is sent.
    pub(super) fn stop(&mut self, stop: Stop) -> Result<(), End> {
        match stop {
            Stop::Leave { give_up, is_caught_up } if self.phase == Phase::Online => {
                let give_up = Duration::from_micros(u64::try_from(give_up.as_micros()).unwrap_or(u64::MAX));
                let leaving = Leaving { since: self.driver.now(), give_up, is_caught_up };
                self.leaving.get_or_insert(leaving).is_caught_up &= is_caught_up;
                Ok(())
            }
            Stop::Leave { .. } | Stop::Abort => Err(End::Left),
        }
    }

    /// When a session that leaves ends, if nothing more comes.
    fn leaving_deadline(&self) -> Option<Instant> {
        let Leaving { since, give_up, is_caught_up } = self.leaving?;
        if self.unsent() > 0 {
            return Some(since.max(self.last_sent) + give_up);
        }
        let sent = if self.posted > 0 { self.last_sent + LINGER } else { since };
        let received = self.last_received.max(self.room.joined_at) + LINGER;
        let last = since.max(self.last_sent) + MAX_LINGER;
        Some(if is_caught_up { sent.max(received).min(last) } else { sent })
    }

    fn unsent(&self) -> usize {
        self.waiting.len() + usize::from(self.sending.is_some())
    }

    /// Returns when to call [`ClassicSession::advance`] at the latest.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Resolving(until) | Phase::LoggingIn(until) => Some(until),
            Phase::AskingKey { again, until } => Some(again.min(until)),
            Phase::AskingPassword => None,
            Phase::Online => {
                let send = (self.unsent() > 0).then_some(self.next_send);
                send.into_iter().chain(self.leaving_deadline()).min()
            }
        }
    }

    /// Reports the end.
    pub(super) fn finish(self, end: End) {
        let end = match end {
            End::Left => ServerEnd::Left,
            End::Failed(error) => ServerEnd::Failed(Arc::new(error)),
        };
        let unsent = self.unsent() as u64;
        self.sink.send(Event::ServerEnded { server: self.id, end, unsent, kept: 0 });
    }
}
