//! The end of a session, from the events of the engine and from what a front end itself lost.

use std::io;
use std::sync::Arc;

use super::{Loss, SessionEnd};
use crate::engine::Event;
use crate::engine::event::{NotKept, ServerEnd, SessionError};

/// What decides how a session ends. Every front end has one.
#[derive(Debug, Default)]
pub struct EndState {
    /// Whether the user ended it at once, by Ctrl-C or SIGTERM.
    pub is_interrupted: bool,
    /// Lines that were refused, or were lost with their room.
    refused: u64,
    /// Lines that the servers did not settle at the end.
    unsettled: u64,
    /// Lines that the next process sends.
    kept: u64,
    /// Why a server was left without a request, the first time.
    failure: Option<Arc<SessionError>>,
    /// Whether a server was left as requested.
    has_left: bool,
    /// Whether the failure is one of the front end.
    is_fatal: bool,
    losses: Vec<Loss>,
}

impl EndState {
    /// Takes an event of the engine.
    pub fn on_event(&mut self, event: &Event) {
        match event {
            Event::NotPosted { .. } | Event::PostRefused { .. } => self.refused += 1,
            Event::RoomEnded { unsent, .. } => self.refused += unsent,
            Event::NotKept { what: NotKept::Server(error), .. } => {
                self.lost(Loss::ServerNotStored(error.into()));
            }
            Event::ServerEnded { end, unsent, kept, .. } => {
                self.unsettled += unsent;
                self.kept += kept;
                match end {
                    ServerEnd::Left => self.has_left = true,
                    ServerEnd::Failed(error) => {
                        self.failure.get_or_insert_with(|| Arc::clone(error));
                    }
                }
            }
            _ => {}
        }
    }

    /// Lines are not sent.
    pub fn refused(&mut self, lines: u64) {
        self.refused += lines;
    }

    /// Something is lost.
    pub fn lost(&mut self, loss: Loss) {
        if !self.losses.contains(&loss) {
            self.losses.push(loss);
        }
    }

    /// Returns what is lost, and forgets it.
    pub fn take_losses(&mut self) -> Vec<Loss> {
        std::mem::take(&mut self.losses)
    }

    /// The operating system gives no thread or terminal.
    pub fn failed(&mut self, error: io::Error) {
        (self.failure, self.is_fatal) = (Some(Arc::new(error.into())), true);
    }

    /// Returns the number of lines that are not in their rooms, and that nobody sends.
    #[must_use]
    pub const fn unsent(&self) -> u64 {
        self.refused + self.unsettled
    }

    /// Returns the number of lines that the next process sends.
    #[must_use]
    pub const fn kept(&self) -> u64 {
        self.kept
    }

    /// Returns why everything ended.
    #[must_use]
    pub fn end(&self) -> SessionEnd {
        match (&self.failure, self.unsent() + self.kept) {
            (Some(error), _) if !self.has_left || self.is_fatal => SessionEnd::Failed(Arc::clone(error)),
            (_, 1..) => SessionEnd::Unsent { lost: self.unsent(), kept: self.kept },
            _ if self.is_interrupted => SessionEnd::Interrupted,
            _ => SessionEnd::Left,
        }
    }
}

#[cfg(test)]
mod tests {
    use kabar_std::data_dir::{FileError, Unusable};

    use super::*;
    use crate::engine::ServerId;

    fn server_ended(server: u32, end: ServerEnd, unsent: u64, kept: u64) -> Event {
        Event::ServerEnded { server: ServerId(server), end, unsent, kept }
    }

    fn failure() -> ServerEnd {
        ServerEnd::Failed(Arc::new(SessionError::PasswordRequired))
    }

    #[test]
    fn a_server_that_was_left_outweighs_one_that_failed() {
        let mut end = EndState::default();
        end.on_event(&server_ended(0, failure(), 0, 0));
        assert!(matches!(end.end(), SessionEnd::Failed(_)));
        end.on_event(&server_ended(1, ServerEnd::Left, 0, 0));
        assert!(matches!(end.end(), SessionEnd::Left));
        end.is_interrupted = true;
        assert!(matches!(end.end(), SessionEnd::Interrupted));
        end.on_event(&server_ended(2, ServerEnd::Left, 2, 4));
        end.refused(1);
        assert!(matches!(end.end(), SessionEnd::Unsent { lost: 3, kept: 4 }));
        end.failed(io::ErrorKind::BrokenPipe.into());
        assert!(matches!(end.end(), SessionEnd::Failed(_)));
    }

    #[test]
    fn each_loss_counts_once() {
        let mut end = EndState::default();
        let error = || FileError::damaged("/a".as_ref(), Unusable::DamagedText);
        (0..3).for_each(|_| end.lost(Loss::PositionNotSaved(error().into())));
        assert_eq!((end.take_losses().len(), end.take_losses().len()), (1, 0));
    }
}
