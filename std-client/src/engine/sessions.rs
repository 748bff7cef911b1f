//! The sessions of the engine, which are of two kinds: on servers of Kabar, and on classic ones.

use std::net::SocketAddr;

use kabar_core::time::Instant;
use kabar_std::address::HostPort;

use super::classic::ClassicSession;
use super::command::{Command, Stop};
use super::event::{ServerId, SessionError};
use super::session::{Delivery, End, Session};
use crate::driver::Waits;
use crate::resolve::ResolveError;
use crate::transfers::worker::Report;

/// A session of either kind.
#[derive(Debug)]
pub(super) enum AnySession {
    Kabar(Box<Session>),
    Classic(Box<ClassicSession>),
}

impl AnySession {
    pub(super) fn id(&self) -> ServerId {
        match self {
            Self::Kabar(session) => session.id,
            Self::Classic(session) => session.id,
        }
    }

    /// Resolves the names of the server.
    pub(super) fn begin(&mut self) -> Result<(), SessionError> {
        match self {
            Self::Kabar(session) => session.begin(),
            Self::Classic(session) => session.begin(),
        }
    }

    /// Takes the addresses of a place.
    pub(super) fn resolved(
        &mut self,
        place: HostPort,
        found: Result<Vec<SocketAddr>, ResolveError>,
    ) -> Result<(), SessionError> {
        match self {
            Self::Kabar(session) => session.resolved(place, found),
            Self::Classic(session) => session.resolved(place, found),
        }
    }

    /// Handles everything that waits.
    pub(super) fn advance(&mut self) -> Result<(), End> {
        match self {
            Self::Kabar(session) => session.advance(),
            Self::Classic(session) => session.advance(),
        }
    }

    /// Sends what [`AnySession::advance`] has left to be sent after the turn is committed. A
    /// classic session commits nothing.
    pub(super) fn transmit(&mut self) {
        if let Self::Kabar(session) = self {
            session.driver.transmit();
        }
    }

    pub(super) fn execute(&mut self, command: Command) -> Result<(), End> {
        match self {
            Self::Kabar(session) => session.execute(command),
            Self::Classic(session) => session.execute(command),
        }
    }

    pub(super) fn stop(&mut self, stop: Stop) -> Result<(), End> {
        match self {
            Self::Kabar(session) => session.stop(stop),
            Self::Classic(session) => session.stop(stop),
        }
    }

    /// Takes what was done with a file. Returns whether it is one of this session.
    pub(super) fn take_report(&mut self, report: &Report) -> bool {
        match self {
            Self::Kabar(session) => session.take_report(report),
            Self::Classic(_) => false,
        }
    }

    /// Returns a session that is to deliver the posts of a killed process.
    pub(super) fn take_delivery(&mut self) -> Option<Delivery> {
        match self {
            Self::Kabar(session) => session.take_delivery(),
            Self::Classic(_) => None,
        }
    }

    /// Returns when to call [`AnySession::advance`] at the latest.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Kabar(session) => session.deadline(),
            Self::Classic(session) => session.deadline(),
        }
    }

    pub(super) fn driver(&mut self) -> &mut dyn Waits {
        match self {
            Self::Kabar(session) => &mut session.driver,
            Self::Classic(session) => &mut session.driver,
        }
    }

    /// Reports the end.
    pub(super) fn finish(self, end: End) {
        match self {
            Self::Kabar(session) => session.finish(end),
            Self::Classic(session) => session.finish(end),
        }
    }
}
