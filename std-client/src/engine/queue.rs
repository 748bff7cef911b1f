//! The queues between a front end and the engine, and what threads of the resolver send to it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kabar_std::address::HostPort;
use mio::Waker;

use super::command::Command;
use super::event::{Event, RoomId, ServerId};
use crate::resolve::ResolveError;

/// Events that wait to be taken while the sessions take more from their clients.
pub const QUEUE_LEN: usize = 256;
/// Commands that wait to be taken. Whoever sends more blocks; the engine never does.
const COMMANDS: usize = 1_024;

/// Sends commands to the engine, from any thread.
#[derive(Clone, Debug)]
pub struct Handle {
    commands: SyncSender<Command>,
    waker: Arc<Waker>,
}

impl Handle {
    /// Sends a command. After the end of the engine it is dropped.
    pub fn send(&self, command: Command) {
        if self.commands.send(command).is_ok() {
            let _ = self.waker.wake();
        }
    }
}

/// Takes the events of the engine.
#[derive(Debug)]
pub struct Events {
    queue: Receiver<Event>,
    shared: Arc<Shared>,
    waker: Arc<Waker>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Number of events that were not taken.
    waiting: AtomicUsize,
    has_ended: AtomicBool,
    is_dropped: AtomicBool,
}

impl Events {
    /// Takes the next event; blocks until there is one. `None`: the engine has stopped.
    #[must_use]
    pub fn recv(&self) -> Option<Event> {
        self.queue.recv().ok().inspect(|_| self.taken())
    }

    /// Takes the next event, if there is one.
    #[must_use]
    pub fn try_recv(&self) -> Option<Event> {
        self.queue.try_recv().ok().inspect(|_| self.taken())
    }

    /// Takes the next event; blocks for at most `timeout`.
    ///
    /// # Errors
    /// [`RecvTimeoutError`].
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Event, RecvTimeoutError> {
        self.queue.recv_timeout(timeout).inspect(|_| self.taken())
    }

    /// Whether [`Event::Ended`] is in the queue, or was taken.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.shared.has_ended.load(Ordering::Acquire)
    }

    fn taken(&self) {
        if self.shared.waiting.fetch_sub(1, Ordering::AcqRel) == QUEUE_LEN {
            let _ = self.waker.wake();
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.shared.is_dropped.store(true, Ordering::Release);
        let _ = self.waker.wake();
    }
}

/// The addresses of a place of a server.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) server: ServerId,
    pub(super) place: HostPort,
    pub(super) found: Result<Vec<SocketAddr>, ResolveError>,
}

/// The engine's end of the events. Those of one turn of its thread are passed on together, so that
/// a front end sees everything that arrived at once.
#[derive(Clone)]
pub(super) struct EventSink {
    turn: Arc<Mutex<Vec<Event>>>,
    events: Sender<Event>,
    shared: Arc<Shared>,
    wake: Arc<dyn Fn() + Send + Sync>,
    /// Only what concerns the posts of an earlier process is passed on, as of this room.
    posts_of: Option<RoomId>,
}

impl fmt::Debug for EventSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSink").field("shared", &self.shared).finish_non_exhaustive()
    }
}

impl EventSink {
    /// Returns one that passes on only what concerns the posts of an earlier process, as of `room`.
    pub(super) fn for_posts_of(&self, room: RoomId) -> Self {
        Self { posts_of: Some(room), ..self.clone() }
    }

    /// The room as of which the posts of an earlier process are reported, if nothing else is.
    pub(super) fn posts_of(&self) -> Option<RoomId> {
        self.posts_of
    }

    /// Adds an event.
    pub(super) fn send(&self, event: Event) {
        let event = match (self.posts_of, event) {
            (None, event) => event,
            (Some(room), Event::OutboxResumed { lines, .. }) => Event::OutboxResumed { room, lines },
            (Some(room), Event::PostRefused { number, code, .. }) => Event::PostRefused { room, number, code },
            (Some(_), _) => return,
        };
        self.shared.waiting.fetch_add(1, Ordering::AcqRel);
        self.turn().push(event);
    }

    /// Passes the events of a turn on, after `first`.
    pub(super) fn flush(&self, first: Vec<Event>) {
        self.shared.waiting.fetch_add(first.len(), Ordering::AcqRel);
        let events: Vec<_> = first.into_iter().chain(std::mem::take(&mut *self.turn())).collect();
        if events.is_empty() {
            return;
        }
        for event in events {
            if matches!(event, Event::Ended) {
                self.shared.has_ended.store(true, Ordering::Release);
            }
            let _ = self.events.send(event);
        }
        (self.wake)();
    }

    fn turn(&self) -> MutexGuard<'_, Vec<Event>> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether more may be taken from clients. If not, the waker follows.
    pub(super) fn has_room(&self) -> bool {
        self.shared.waiting.load(Ordering::Acquire) < QUEUE_LEN
    }

    /// Whether nobody takes events.
    pub(super) fn is_dropped(&self) -> bool {
        self.shared.is_dropped.load(Ordering::Acquire)
    }
}

/// Creates both queues. Commands, and space for events, wake `waker`; events call `wake`.
pub(super) fn queues(
    waker: &Arc<Waker>,
    wake: Arc<dyn Fn() + Send + Sync>,
) -> (Handle, Events, Receiver<Command>, EventSink) {
    let (commands, from_commands) = mpsc::sync_channel(COMMANDS);
    let (events, from_events) = mpsc::channel();
    let shared = Arc::new(Shared::default());
    let handle = Handle { commands, waker: Arc::clone(waker) };
    let turn = Arc::default();
    let sink = EventSink { turn, events, shared: Arc::clone(&shared), wake, posts_of: None };
    let events = Events { queue: from_events, shared, waker: Arc::clone(waker) };
    (handle, events, from_commands, sink)
}
