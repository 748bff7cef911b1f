//! The engine: connections to several servers, and the rooms on them. A front end gives
//! [`Command`]s and takes [`Event`]s; it has no state of the protocol, and the engine has no
//! screen.
//!
//! ```text
//! front end --- Handle::send(Command) ---> engine thread: one session per server, one poll
//!           <-- Events::recv/try_recv ---
//! ```
//! # Contract
//!
//! * **Threads.** [`start`] starts one thread, which owns all sessions, their sockets and clocks.
//!   [`Handle`] can be cloned and used from any thread; [`Events`] has one reader. Neither side
//!   calls into the other. The `wake` function of the `EngineConfig` is called on the engine's
//!   thread whenever events were added, so that an event loop can wait for something else as well;
//!   it must not block.
//! * **Order.** Events come in the order in which they happened. Of a server: `ServerAdded`, then
//!   `RoomAdded` of each room; nothing about a room precedes its `RoomAdded`, nothing follows its
//!   `Parted` or `RoomEnded` but the fate of posts (`Stored`, `PostRefused`, and `RoomEnded` after
//!   `Parted` if posts are lost); nothing about a server follows its `ServerEnded`; nothing at all
//!   follows `Ended`. `OwnName` precedes the first `Joined` of a server. Commands take effect in
//!   the order of their sending, and the events that answer them keep it as far as the server does.
//! * **Answers.** Each [`Command`] names the events that answer it. A command about a server or
//!   room that has ended is ignored: the front end has, or gets, the event about that. `Post` alone
//!   is always answered.
//! * **Backpressure.** At most [`QUEUE_LEN`] events that come from servers wait to be taken. While
//!   that many do, the sessions take nothing more from their clients, whose windows stop the
//!   servers; no event is dropped. Answers and reports do not count: there are at most as many as
//!   there were commands. An entry counts as displayed only when the front end saves its
//!   [`Entry::position`](event::Entry), so nothing that waits here is lost by a crash.
//! * **Durability.** Everything that one turn of the thread writes to a local history is one
//!   transaction. It is committed before the events of the turn leave and before anything is sent:
//!   an entry that was delivered is recorded, and a post that was sent is in the outbox.
//! * **Independence.** A server that is not reached, refuses, or reconnects does not delay another
//!   one. After `ServerEnded` the engine goes on with the others, or without any, unless its
//!   configuration says that it ends with its servers.
//! * **End.** [`Command::Stop`] ends each session, then the thread; `Ended` is the last event. From
//!   then on [`Events::has_ended`] returns `true` even while events wait, so that a front end which
//!   waits for its own output learns of it. The engine also stops, as by
//!   [`Stop::Abort`], when [`Events`] is dropped.
//!
//! Sentences about events are made by [`crate::messages`].

mod classic;
pub mod command;
pub mod event;
mod local_history;
mod mention;
mod queue;
mod session;
mod sessions;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};

use kabar_std::clock::Clock;
use kabar_std::data_dir::DataDir;

pub use command::{
    ClassicRequest, Command, ConnectRequest, KeyPolicy, MAX_WAITING_POSTS, ReplayFrom, RoomCredential, RoomRequest,
    ServerRequest, Stop, WantedFile,
};
pub use event::{Event, RoomId, ServerId};
pub use queue::{Events, Handle, QUEUE_LEN};
pub use session::MAX_TRANSFERS;

use crate::driver::classic::ClassicDriver;
use crate::driver::{Driver, Waits, wait};
use crate::poller::Poller;
use crate::transfers::worker::{Report, Worker};
use classic::ClassicSession;
use local_history::LocalHistories;
use queue::{EventSink, Resolved, queues};
use session::{Delivery, End, Environment, Files, Session};
use sessions::AnySession;

/// The configuration of an engine.
pub struct EngineConfig {
    /// Holds the known servers, the positions in rooms, and what is ignored.
    pub dir: DataDir,
    /// Entries that were displayed in an earlier session and are delivered again, before new ones.
    pub context: u64,
    /// Whether entries are delivered that an earlier session has recorded and this front end has
    /// not displayed. One that reads pages of the history itself needs none.
    pub replays_history: bool,
    /// Whether the engine stops when its last server has ended.
    pub ends_with_servers: bool,
    /// The folder for files that are received; `None`: the user's folder for downloads.
    pub downloads: Option<PathBuf>,
    /// Called on the engine's thread when events were added. Must not block.
    pub wake: Box<dyn Fn() + Send + Sync>,
}

impl std::fmt::Debug for EngineConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { dir, context, replays_history, ends_with_servers, downloads, wake: _ } = self;
        f.debug_struct("EngineConfig")
            .field("dir", dir)
            .field("context", context)
            .field("replays_history", replays_history)
            .field("ends_with_servers", ends_with_servers)
            .field("downloads", downloads)
            .finish_non_exhaustive()
    }
}

/// Starts an engine without servers.
///
/// # Errors
/// If the operating system gives no thread or no poll.
pub fn start(config: EngineConfig) -> io::Result<(Handle, Events)> {
    let (engine, handle, events) = Engine::new(config)?;
    engine.spawn()?;
    Ok((handle, events))
}

/// The two ends of an engine that does nothing: commands are dropped, and there are no events. For
/// tests of front ends that give the events themselves.
#[cfg(test)]
pub fn idle(config: EngineConfig) -> io::Result<(Handle, Events)> {
    Engine::new(config).map(|(_, handle, events)| (handle, events))
}

/// The state of the thread.
#[derive(Debug)]
struct Engine {
    poller: Poller,
    clock: Clock,
    commands: Receiver<Command>,
    resolved: Receiver<Resolved>,
    reports: Receiver<Report>,
    environment: Environment,
    sink: EventSink,
    sessions: Vec<AnySession>,
    next_server: u32,
    /// The number of the latest session that delivers: they count down, and front ends do not
    /// see them.
    last_delivery: u32,
    ends_with_servers: bool,
    /// From now on no server is added.
    stop: Option<Stop>,
}

impl Engine {
    fn new(config: EngineConfig) -> io::Result<(Self, Handle, Events)> {
        let (poller, waker) = Poller::new()?;
        let (handle, events, commands, sink) = queues(&waker, config.wake.into());
        let (resolved, from_resolvers) = mpsc::channel();
        let (reports, from_worker) = mpsc::channel();
        let worker = Worker::new(reports, {
            let waker = Arc::clone(&waker);
            move || drop(waker.wake())
        });
        let EngineConfig { dir, context, replays_history, downloads, .. } = config;
        let histories = LocalHistories::new(dir.clone());
        let files = Files::new(worker, downloads.or_else(DataDir::downloads));
        let environment = Environment { dir, context, replays_history, histories, resolved, waker, files };
        let engine = Self {
            poller,
            clock: Clock::start(),
            commands,
            resolved: from_resolvers,
            reports: from_worker,
            environment,
            sink,
            sessions: Vec::new(),
            next_server: 0,
            last_delivery: u32::MAX,
            ends_with_servers: config.ends_with_servers,
            stop: None,
        };
        Ok((engine, handle, events))
    }

    fn spawn(self) -> io::Result<()> {
        std::thread::Builder::new().name("kabar-engine".to_owned()).spawn(move || self.run()).map(drop)
    }

    fn run(mut self) {
        loop {
            self.take_commands();
            self.take_resolved();
            self.take_reports();
            // Each comes first in its turn: the space for events is shared.
            let next = usize::from(self.sessions.len() > 1);
            self.sessions.rotate_left(next);
            self.each(|session| session.advance());
            self.start_deliveries();
            let ends = self.stop.is_some() || (self.ends_with_servers && self.next_server > 0);
            self.commit();
            if ends && self.sessions.is_empty() {
                // Another engine may use them as soon as this one is known to have ended.
                self.environment.histories.close();
                self.sink.send(Event::Ended);
                return self.sink.flush(Vec::new());
            }
            self.sessions.iter_mut().for_each(AnySession::transmit);
            let until = self.sessions.iter().filter_map(AnySession::deadline).min();
            let mut drivers: Vec<&mut dyn Waits> = self.sessions.iter_mut().map(AnySession::driver).collect();
            wait(&mut self.poller, self.clock, &mut drivers, until);
        }
    }

    /// Makes durable what came in and what was posted, and lets the events about it leave.
    fn commit(&self) {
        let reports = self.environment.histories.commit();
        self.sink.flush(reports);
    }

    fn take_commands(&mut self) {
        while let Ok(command) = self.commands.try_recv() {
            match (command.server(), command) {
                (Some(server), Command::Post { room, .. }) if !self.has(server) => {
                    self.sink.send(Event::NotPosted { room, why: event::NotPosted::NotInRoom });
                }
                (Some(server), command) => self.at(server, |session| session.execute(command)),
                (None, Command::Connect(request)) => self.connect(*request),
                (None, Command::Stop(stop)) => self.stop(stop),
                (None, _) => {}
            }
        }
        if self.sink.is_dropped() && self.stop != Some(Stop::Abort) {
            self.stop(Stop::Abort);
        }
    }

    fn take_resolved(&mut self) {
        while let Ok(Resolved { server, place, found }) = self.resolved.try_recv() {
            self.at(server, |session| Ok(session.resolved(place, found)?));
        }
    }

    /// Takes what was done with files.
    fn take_reports(&mut self) {
        while let Ok(report) = self.reports.try_recv() {
            let _ = self.sessions.iter_mut().any(|session| session.take_report(&report));
        }
    }

    fn connect(&mut self, request: ConnectRequest) {
        if self.stop.is_some() {
            return;
        }
        let id = ServerId(self.next_server);
        self.next_server += 1;
        let sockets = match self.poller.sockets() {
            Ok(sockets) => sockets,
            Err(error) => {
                let (places, is_host) = (request.places().clone(), request.is_host());
                self.sink.send(Event::ServerAdded { server: id, places, is_host });
                let end = event::ServerEnd::Failed(Arc::new(error.into()));
                return self.sink.send(Event::ServerEnded { server: id, end, unsent: 0, kept: 0 });
            }
        };
        let (environment, sink) = (self.environment.clone(), self.sink.clone());
        self.sessions.push(match request {
            ConnectRequest::Kabar(request) => {
                let driver = Driver::new(sockets, self.clock);
                AnySession::Kabar(Box::new(Session::start(id, request, driver, environment, sink)))
            }
            ConnectRequest::Classic(request) => {
                let driver = ClassicDriver::new(sockets, self.clock);
                AnySession::Classic(Box::new(ClassicSession::start(id, request, driver, environment, sink)))
            }
        });
        self.at(id, |session| Ok(session.begin()?));
    }

    /// Starts the sessions that deliver the posts of killed processes.
    fn start_deliveries(&mut self) {
        let deliveries: Vec<_> = self.sessions.iter_mut().filter_map(AnySession::take_delivery).collect();
        for delivery in deliveries {
            let _ = self.deliver(delivery);
        }
    }

    /// If there are no sockets, the posts wait for the next process.
    fn deliver(&mut self, delivery: Delivery) -> io::Result<()> {
        if self.stop.is_none() {
            let driver = Driver::new(self.poller.sockets()?, self.clock);
            self.last_delivery -= 1;
            let id = ServerId(self.last_delivery);
            let session = Session::start_delivery(id, delivery, driver, self.environment.clone(), &self.sink);
            self.sessions.push(AnySession::Kabar(Box::new(session)));
            self.at(id, |session| Ok(session.begin()?));
        }
        Ok(())
    }

    fn stop(&mut self, stop: Stop) {
        self.stop = Some(stop);
        self.each(|session| session.stop(stop));
    }

    fn has(&self, server: ServerId) -> bool {
        self.sessions.iter().any(|session| session.id() == server)
    }

    /// Takes a step in the session on this server, if there is one.
    fn at(&mut self, server: ServerId, step: impl FnOnce(&mut AnySession) -> Result<(), End>) {
        let Some(at) = self.sessions.iter().position(|session| session.id() == server) else { return };
        if let Err(end) = step(&mut self.sessions[at]) {
            self.sessions.remove(at).finish(end);
        }
    }

    /// Takes a step in each session.
    fn each(&mut self, step: impl Fn(&mut AnySession) -> Result<(), End>) {
        for mut session in std::mem::take(&mut self.sessions) {
            match step(&mut session) {
                Ok(()) => self.sessions.push(session),
                Err(end) => session.finish(end),
            }
        }
    }
}

#[cfg(test)]
mod tests;
