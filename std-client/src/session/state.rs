//! The state of a session, which the other files of this folder act on.

use kabar_core::session::Fingerprint;
use kabar_core::time::Instant;
use kabar_std::clock::Clock;

use super::attempt::{Attempt, Located};
use super::config::SessionConfig;
use super::end::Loss;
use super::front_end::FrontEnd;
use super::online::OnlineState;
use super::rooms::Rooms;
use crate::app_event::{EventReceiver, EventSender};
use crate::driver::Driver;
use crate::poller::Poller;

/// A session in progress.
pub(super) struct Session {
    pub(super) config: SessionConfig,
    pub(super) poller: Poller,
    pub(super) clock: Clock,
    pub(super) driver: Driver,
    pub(super) ui: Box<dyn FrontEnd>,
    pub(super) sender: EventSender,
    pub(super) receiver: EventReceiver,
    pub(super) phase: Phase,
    pub(super) rooms: Rooms,
    /// Whether the room that was requested first was refused. Lines that a script sends are meant
    /// for it.
    pub(super) is_first_refused: bool,
    /// The key that was accepted.
    pub(super) accepted: Option<Fingerprint>,
    pub(super) is_key_reported: bool,
    pub(super) password_tries: u32,
    /// The server's text in its latest refusal.
    pub(super) refusal: String,
    pub(super) interrupted: Option<Instant>,
    /// Lines that an interrupt left unread.
    pub(super) unread: u64,
    pub(super) is_output_closed: bool,
    pub(super) is_terminal_closed: bool,
    /// The name with which the rooms are stored as known ones.
    pub(super) stored_name: String,
    /// Why a room is not stored as a known one.
    pub(super) not_stored: Option<Loss>,
    pub(super) located: Located,
    /// Whether more lines may wait than were taken.
    pub(super) has_more_input: bool,
}

/// The phase of a session.
#[derive(Debug)]
pub(super) enum Phase {
    /// Names are being resolved, until this time at most.
    Resolving(Instant),
    /// Not admitted yet.
    Connecting(Attempt),
    /// A person decides about the key.
    AskingKey(Attempt, Fingerprint),
    /// A person types the password.
    AskingPassword,
    /// In a room, or reconnecting to it.
    Online(Box<OnlineState>),
}
