//! The serving loop: waits, feeds the hub, and carries out its outputs.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration as StdDuration, SystemTime, UNIX_EPOCH};

use kabar_core::time::{Duration, Instant};
use mio::{Events, Interest, Poll, Token, Waker};

use super::control::Command;
use super::socket::{Sent, Socket};
use super::workers::{WorkerFailed, Workers};
use crate::hub::{Hub, HubEvent};
use kabar_std::clock::Clock;
use kabar_std::provider::Accelerated;

const SOCKET: Token = Token(0);
const WAKE: Token = Token(1);
/// Maximum number of finished jobs, and of commands, handled before the socket is read again.
const TAKEN_PER_WAKE: usize = 64;

/// How long a server that stops waits for its last commit and its last datagrams.
const STOP_TIME: Duration = Duration::from_secs(3);

/// The state of the serving thread.
pub(super) struct Loop {
    hub: Hub<Accelerated>,
    socket: Socket,
    clock: Clock,
    poll: Poll,
    commands: Receiver<Command>,
    on_event: Box<dyn FnMut(HubEvent) + Send>,
    /// The socket may have more datagrams; the poll is edge-triggered.
    is_readable: bool,
    /// The socket accepts datagrams; the poll is edge-triggered.
    is_writable: bool,
    stopping_since: Option<Instant>,
}

impl Loop {
    pub(super) fn new(
        hub: Hub<Accelerated>,
        mut socket: Socket,
        clock: Clock,
        commands: Receiver<Command>,
        on_event: Box<dyn FnMut(HubEvent) + Send>,
    ) -> io::Result<(Self, Arc<Waker>)> {
        let poll = Poll::new()?;
        poll.registry().register(socket.source(), SOCKET, Interest::READABLE | Interest::WRITABLE)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let (is_readable, is_writable, stopping_since) = (true, true, None);
        let this = Self { hub, socket, clock, poll, commands, on_event, is_readable, is_writable, stopping_since };
        Ok((this, waker))
    }

    /// Serves until the server is stopped.
    pub(super) fn run(&mut self, workers: &Workers<Accelerated>) -> Result<(), WorkerFailed> {
        let mut events = Events::with_capacity(8);
        loop {
            let mut is_busy = self.commands();
            is_busy |= self.take_done(workers)?;
            is_busy |= self.receive();
            let now = self.now();
            self.hub.handle_timeout(now);
            self.flush(workers, now)?;
            if self.has_stopped(now) {
                return Ok(());
            }
            is_busy |= self.is_writable && self.hub.has_transmit();
            let timeout = if is_busy { Some(StdDuration::ZERO) } else { self.timeout(now) };
            // Interrupted by a signal, or briefly out of memory: try again.
            let _ = self.poll.poll(&mut events, timeout);
            for event in &events {
                if event.token() == SOCKET {
                    self.is_readable |= event.is_readable();
                    self.is_writable |= event.is_writable();
                }
            }
        }
    }

    /// Runs queued commands; returns whether there may be more.
    fn commands(&mut self) -> bool {
        for _ in 0..TAKEN_PER_WAKE {
            let Ok(command) = self.commands.try_recv() else { return false };
            let now = self.now();
            match command {
                Command::Stop => {
                    if self.stopping_since.is_none() {
                        self.stopping_since = Some(now);
                        self.hub.shutdown(now);
                    }
                }
                Command::WithHub(act) => act(&mut self.hub, now),
            }
        }
        true
    }

    fn take_done(&mut self, workers: &Workers<Accelerated>) -> Result<bool, WorkerFailed> {
        for _ in 0..TAKEN_PER_WAKE {
            let Some(done) = workers.poll_done()? else { return Ok(false) };
            let now = self.now();
            self.hub.handle_done(now, done);
        }
        Ok(true)
    }

    fn receive(&mut self) -> bool {
        if self.is_readable {
            let now = self.now();
            let Self { socket, hub, .. } = self;
            self.is_readable = !socket.receive(|from, datagram| hub.handle_datagram(now, from, datagram));
        }
        self.is_readable
    }

    /// Hands jobs to the workers, sends datagrams and reports events.
    fn flush(&mut self, workers: &Workers<Accelerated>, now: Instant) -> Result<(), WorkerFailed> {
        // Workers start before the datagrams are sent, and then get the jobs that sending created.
        self.queue_jobs(workers, now)?;
        if self.is_writable {
            let Self { socket, hub, .. } = self;
            self.is_writable = socket.send(|out| hub.poll_transmit(now, out)) == Sent::All;
        }
        self.queue_jobs(workers, now)?;
        while let Some(event) = self.hub.poll_event().or_else(|| workers.poll_event()) {
            (self.on_event)(event);
        }
        Ok(())
    }

    /// Creates the jobs that are due and hands them to the workers.
    fn queue_jobs(&mut self, workers: &Workers<Accelerated>, now: Instant) -> Result<(), WorkerFailed> {
        self.hub.create_jobs(now);
        while let Some(job) = self.hub.poll_job() {
            workers.queue(job)?;
        }
        Ok(())
    }

    fn has_stopped(&self, now: Instant) -> bool {
        let is_over = |since| now.saturating_since(since) >= STOP_TIME || (self.hub.is_finished() && self.is_writable);
        self.stopping_since.is_some_and(is_over)
    }

    fn timeout(&self, now: Instant) -> Option<StdDuration> {
        let stop = self.stopping_since.map(|since| since + STOP_TIME);
        let next = self.hub.poll_timeout().into_iter().chain(stop).min()?;
        Some(StdDuration::from_micros(next.saturating_since(now).as_micros()))
    }

    /// Returns the monotonic time, and sets the hub's wall clock.
    fn now(&mut self) -> Instant {
        let now = self.clock.now();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.hub.set_wall(now, u64::try_from(wall.as_millis()).unwrap_or(u64::MAX));
        now
    }
}
