//! The poll of a thread: sockets, a waker for other threads, and standard output if it is watched.
//! Several clients share one.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mio::event::Event;
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Registry, Token, Waker};

const WAKE: Token = Token(0);
const OUTPUT: Token = Token(1);
/// The first token of a socket.
const FIRST_SOCKET: usize = 2;
/// Events taken from the system at once.
const EVENTS: usize = 64;

/// Waits for sockets, wake-ups, and the end of standard output.
#[derive(Debug)]
pub struct Poller {
    poll: Poll,
    events: Events,
    next_token: Arc<AtomicUsize>,
    is_output_closed: bool,
}

/// Registers the sockets of one client.
#[derive(Debug)]
pub struct SocketRegistry {
    registry: Registry,
    next_token: Arc<AtomicUsize>,
}

impl Poller {
    /// Creates a poll, and the waker for other threads.
    ///
    /// # Errors
    /// If the system cannot create a poll.
    pub fn new() -> io::Result<(Self, Arc<Waker>)> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let next_token = Arc::new(AtomicUsize::new(FIRST_SOCKET));
        Ok((Self { poll, events: Events::with_capacity(EVENTS), next_token, is_output_closed: false }, waker))
    }

    /// Returns where a client registers its sockets.
    ///
    /// # Errors
    /// If there is no descriptor.
    pub fn sockets(&self) -> io::Result<SocketRegistry> {
        Ok(SocketRegistry { registry: self.poll.registry().try_clone()?, next_token: Arc::clone(&self.next_token) })
    }

    /// Wakes up also when standard output is closed, if it is a pipe: otherwise that is detected
    /// only with the next entry.
    #[cfg(unix)]
    pub fn watch_output(&mut self) {
        let output = std::os::fd::AsRawFd::as_raw_fd(&io::stdout());
        // A file cannot be watched, and need not be.
        let _ = self.poll.registry().register(&mut mio::unix::SourceFd(&output), OUTPUT, Interest::WRITABLE);
    }

    /// On other systems, a closed output is detected by writing.
    #[cfg(not(unix))]
    pub fn watch_output(&mut self) {}

    /// Whether standard output is closed.
    #[must_use]
    pub fn is_output_closed(&self) -> bool {
        self.is_output_closed
    }

    /// Waits for an event or a wake-up, at most for `timeout`. Passes the events of sockets on.
    pub fn wait(&mut self, timeout: Option<Duration>, mut on_socket: impl FnMut(&Event)) {
        self.events.clear();
        // After an interruption by a signal, the caller's loop continues.
        let _ = self.poll.poll(&mut self.events, timeout);
        for event in &self.events {
            match event.token() {
                WAKE => {}
                OUTPUT => self.is_output_closed |= event.is_error() || event.is_write_closed(),
                _ => on_socket(event),
            }
        }
    }
}

impl SocketRegistry {
    /// Returns a token that no other socket of the poll has.
    #[must_use]
    pub fn next_token(&self) -> Token {
        Token(self.next_token.fetch_add(1, Ordering::Relaxed))
    }

    /// Adds a socket to the poll.
    ///
    /// # Errors
    /// Those of the system.
    pub fn register(&self, socket: &mut UdpSocket, token: Token) -> io::Result<()> {
        self.registry.register(socket, token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Removes a socket from the poll, before it is dropped.
    pub fn deregister(&self, socket: &mut UdpSocket) {
        let _ = self.registry.deregister(socket);
    }
}
