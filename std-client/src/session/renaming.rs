//! `/nick`: a name belongs to a key, so another name is another member. The client leaves when
//! everything is stored and rejoins under the other name, after the last line displayed. If the
//! room refuses that name, it rejoins under the former one.
//!
//! ```text
//! Online -(/nick)-> all stored, left -> Connecting with the next identity -> Online
//!                                         '-(refused)-> Connecting with the former one -> Online
//! ```

use kabar_core::client::{EndReason, RoomSlot, State};
use kabar_std::names::Name;

use super::attempt::Attempt;
use super::end::SessionError;
use super::notice::{Notice, RenameError};
use super::state::{Phase, Session};
use crate::cursor::Cursor;
use crate::identity::LocalIdentity;

impl Session {
    /// Begins to change the name, or reports why not.
    pub(super) fn change_name(&mut self, requested: &str) {
        if let Err(error) = self.try_change_name(requested) {
            self.ui.notice(&Notice::NotRenamed { name: &self.config.identity.name, error: &error });
        }
    }

    fn try_change_name(&mut self, requested: &str) -> Result<(), RenameError> {
        let name = Name::new(requested)?;
        if self.driver.client.state(RoomSlot::FIRST) != State::Online {
            return Err(RenameError::NotConnected);
        }
        if name.folded() == self.config.identity.folded {
            return Err(RenameError::SameName);
        }
        let next = LocalIdentity::load_or_create(&self.config.dir, Some(requested), None)?;
        let Phase::Online(online) = &mut self.phase else { return Ok(()) };
        self.ui.notice(&Notice::Renaming(name.shown()));
        online.leave_for(next);
        Ok(())
    }

    /// Handles the end of a client that is followed by a rejoin. Returns whether it is.
    pub(super) fn continue_after(&mut self, reason: EndReason) -> Result<bool, SessionError> {
        if self.interrupted.is_some() {
            return Ok(false);
        }
        if let Phase::Online(online) = &mut self.phase
            && reason == EndReason::Left
            && let Some(next) = online.take_next()
        {
            self.last_shown = self.driver.client.cursor(RoomSlot::FIRST).map(|(seq, term)| Cursor { seq, term });
            self.former = Some(std::mem::replace(&mut self.config.identity, next));
            return self.rejoin().map(|()| true);
        }
        if let EndReason::Refused(_) = reason
            && let Some(former) = self.former.take()
        {
            self.ui.notice(&Notice::RenameRefused(&self.describe_end(reason)));
            self.config.identity = former;
            return self.rejoin().map(|()| true);
        }
        Ok(false)
    }

    fn rejoin(&mut self) -> Result<(), SessionError> {
        // Sends what the client sends at its end.
        self.driver.transmit();
        self.is_renaming = true;
        self.phase = Phase::Connecting(Attempt::patient(self.driver.now()));
        self.start_client(self.driver.client.server())
    }
}
