//! `/nick`: a name belongs to a key, so another name is another person to the room. One leaves when everything said is stored, and comes
//! back under the other name, behind the last line shown. If the room does not take it, one comes back as who one was.
//!
//! ```text
//! Online -(/nick)-> all stored, left -> Connecting as the next -> Online
//!                                         '-(refused)-> Connecting as the former -> Online
//! ```

use kabar_core::client::{EndReason, State};
use kabar_std::names::Name;

use super::connecting::Attempt;
use super::{Phase, Session};
use crate::cursor::Cursor;
use crate::exit::ExitReport;
use crate::identity::LocalIdentity;

impl Session {
    /// Begins to change the name, or says why not.
    pub(super) fn change_name(&mut self, wanted: &str) {
        if let Err(why) = self.try_change_name(wanted) {
            self.ui.notice(&format!("you stay {}: {why}", self.plan.person.name));
        }
    }

    fn try_change_name(&mut self, wanted: &str) -> Result<(), String> {
        let name = Name::new(wanted).map_err(|error| error.to_string())?;
        if self.driver.client.state() != State::Online {
            return Err("not connected just now".to_owned());
        }
        if name.folded() == self.plan.person.folded {
            return Err("that is your name".to_owned());
        }
        let next = LocalIdentity::load_or_create(&self.plan.dir, Some(wanted), None);
        let next = next.map_err(|ending| ending.line.unwrap_or_default())?;
        let Phase::Online(visit) = &mut self.phase else { return Ok(()) };
        self.ui.notice(&format!("(leaving, to come back as {}; to the room that is somebody else)", name.shown()));
        visit.become_next(next);
        Ok(())
    }

    /// The client has ended: whether that was to come back as somebody else, or as who one was.
    pub(super) fn goes_on(&mut self, reason: EndReason) -> Result<bool, ExitReport> {
        if self.interrupted.is_some() {
            return Ok(false);
        }
        if let Phase::Online(visit) = &mut self.phase
            && reason == EndReason::Left
            && let Some(next) = visit.take_next()
        {
            self.last_shown = self.driver.client.cursor().map(|(seq, term)| Cursor { seq, term });
            let former = std::mem::replace(&mut self.plan.person, next);
            self.former = Some(former);
            return self.come_back().map(|()| true);
        }
        if let EndReason::Refused(_) = reason
            && let Some(former) = self.former.take()
        {
            if let Some(why) = self.describe_end(reason).and_then(|ending| ending.line) {
                self.ui.notice(&why);
            }
            self.plan.person = former;
            return self.come_back().map(|()| true);
        }
        Ok(false)
    }

    fn come_back(&mut self) -> Result<(), ExitReport> {
        // What a client says at its end is to be sent as well.
        self.driver.transmit();
        self.is_renaming = true;
        self.phase = Phase::Connecting(Attempt::patient(self.driver.now()));
        self.start_client(self.driver.client.server())
    }
}
