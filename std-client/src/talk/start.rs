//! Where a visit begins in the room's log: behind what was shown before, unless something else is wanted; and the first words in the room.
//!
//! | wanted | first visit | later |
//! |---|---|---|
//! | nothing said | the last 50 | all behind the last one shown; at a prompt 10 before it for context |
//! | `--last N` | the last N | the last N |
//! | `--since SEQ` | all behind SEQ | all behind SEQ |

use std::net::SocketAddr;

use kabar_core::chat::Start;
use kabar_core::client::{Config, Credential, Event};
use kabar_core::crypto::identity::Identity;
use kabar_core::session::Fingerprint;
use kabar_core::time::Duration;
use kabar_std::text::clean_line;

use super::online::{self, Arrival, Visit, count};
use super::{Entrance, Phase, Plan, Talk, Trust};
use crate::cursor::{Cursor, CursorFile};
use crate::ending::Ending;
use crate::known::{Joined, KnownServers};
use crate::profile;
use crate::ui::Ui;
use crate::ui::json::{self, Object};

/// Entries wanted from before one came for the first time.
const HISTORY: u32 = 50;
/// Entries that are shown once more at a prompt, so that what is new has a context.
const CONTEXT: u64 = 10;
/// As many entries as there are.
const ALL: u32 = u32::MAX;

/// Which entries are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// Those that were not shown yet.
    #[default]
    New,
    /// The last so many.
    Last(u32),
    /// Those behind this one; 0: all.
    Since(u64),
}

impl Wanted {
    /// What to ask for, if all up to `shown` was shown before.
    fn start(self, shown: Option<Cursor>, is_prompt: bool) -> Start {
        let context = if is_prompt { CONTEXT } else { 0 };
        match (self, shown) {
            (Self::Last(count), _) => Start::Last(count),
            (Self::Since(1..), Some(Cursor { seq, term })) if self.skip_to() <= seq => {
                Start::After { seq: self.skip_to(), term, fallback_count: ALL }
            }
            (Self::Since(1..), Some(Cursor { seq, term })) => Start::After { seq, term, fallback_count: ALL },
            // The term of an entry is not known without a cursor; what is not wanted is left out here.
            (Self::Since(_), _) => Start::Last(ALL),
            (Self::New, Some(Cursor { seq, term })) => {
                Start::After { seq: seq.saturating_sub(context), term, fallback_count: HISTORY }
            }
            (Self::New, None) => Start::Last(HISTORY),
        }
    }

    /// Entries up to here are not wanted.
    fn skip_to(self) -> u64 {
        if let Self::Since(seq) = self { seq } else { 0 }
    }
}

impl Talk {
    /// Starts the client towards `address`, and towards the others if that does not answer.
    pub(super) fn start_client(&mut self, address: SocketAddr) -> Result<(), Ending> {
        let fingerprint = self.expected_key();
        if let Some(fingerprint) = fingerprint {
            self.find_cursor(&fingerprint);
        }
        let Plan { room, person, entrance, wanted, .. } = &self.plan;
        let credential = match entrance {
            Entrance::Secret(secret) => Credential::Secret(*secret.expose()),
            Entrance::Password(password) => Credential::Password(password.as_bytes()),
            Entrance::None => Credential::None,
        };
        let start = match self.last_shown {
            // Nothing is shown twice because of another name.
            Some(Cursor { seq, term }) if self.is_renaming => Start::After { seq, term, fallback_count: HISTORY },
            shown => wanted.start(shown, self.ui.is_prompt()),
        };
        let identity = Identity::from_seed(&person.seed);
        let config = Config {
            server: address,
            fingerprint,
            room: room.as_str(),
            name: &person.name,
            identity: &identity,
            credential,
            start,
            max_entry_len: profile::LARGEST_ENTRY,
            idle_s: profile::IDLE_S,
            ack_delay_ms: profile::ACK_DELAY_MS,
            tick_us: profile::TICK_US,
        };
        self.driver.start(&config).map_err(Ending::error)?;
        self.driver.set_addresses(&self.located.addresses());
        Ok(())
    }

    fn expected_key(&self) -> Option<Fingerprint> {
        match self.plan.trust {
            Trust::Invited(fingerprint) | Trust::Expected(fingerprint) => Some(fingerprint),
            Trust::AcceptNew | Trust::Ask => self.accepted,
        }
    }

    /// Finds what was shown of this room before, and where it is kept from now on.
    fn find_cursor(&mut self, server: &Fingerprint) {
        let Plan { dir, room, person, .. } = &self.plan;
        let file = CursorFile::new(dir, server, room, &person.folded);
        if !self.is_renaming {
            self.last_shown = file.load().unwrap_or_else(|error| {
                self.ui.notice(&format!("(where you were in this room is not known: {error})"));
                None
            });
        }
        self.slot.set(file);
    }

    /// In the room, for the first time or again.
    pub(super) fn joined(
        &mut self,
        name: &str,
        start: u64,
        mut arrival: Arrival,
        is_resumed: bool,
    ) -> Result<(), Ending> {
        let name = clean_line(name);
        let now = self.driver.now();
        let Arrival { head, members, .. } = arrival;
        let term = json::term(arrival.term);
        let object = Object::Joined {
            room: self.plan.room.as_str(),
            name: &name,
            members,
            start,
            head,
            term,
            resumed: is_resumed || self.last_shown.is_some(),
        };
        self.ui.object(&object);
        self.ui.set_name(&name);
        if let Phase::Online(visit) = &mut self.phase {
            visit.joined_again(&self.ui, arrival, is_resumed, now);
            return Ok(());
        }
        self.say_key();
        arrival.skip_to = self.plan.wanted.skip_to();
        let seen = self.last_shown.filter(|_| self.plan.wanted == Wanted::New && !self.is_renaming);
        // Before what is wanted nothing is to be set off from.
        arrival.seen_to =
            seen.map(|cursor| cursor.seq).filter(|seen| self.ui.is_prompt() && start < *seen && *seen < head);
        if !self.ui.is_json() {
            self.say_joined(&name, start, arrival, seen);
        }
        self.remember(&name);
        if self.last_shown.is_none()
            && let Some(fingerprint) = self.driver.client.fingerprint()
        {
            self.find_cursor(&fingerprint);
        }
        let is_first = !std::mem::take(&mut self.is_renaming);
        self.former = None;
        let give_up = Duration::from_micros(u64::try_from(self.plan.give_up.as_micros()).unwrap_or(u64::MAX));
        let mut visit = Visit::new(arrival, give_up, self.plan.lines_taken);
        visit.ask_names(members, &mut self.driver.client, &self.ui);
        self.phase = Phase::Online(Box::new(visit));
        if is_first { self.ui.start_input().map_err(Ending::error) } else { Ok(()) }
    }

    fn say_joined(&self, name: &str, start: u64, arrival: Arrival, seen: Option<Cursor>) {
        let Arrival { head, members, skip_to, .. } = arrival;
        if self.is_renaming {
            return self.ui.notice(&format!("You are {name} now."));
        }
        let lines = head.saturating_sub(start.max(skip_to));
        let new = seen.map_or(lines, |seen| head.saturating_sub(seen.seq.max(start)));
        let history = match (seen, lines) {
            (None, 0) => String::new(),
            (None, 1) => "; last line".to_owned(),
            (None, _) => format!("; last {lines} lines"),
            (Some(_), _) if new == 0 => "; nothing new since your last visit".to_owned(),
            (Some(_), _) => format!("; {} since your last visit", count(new, "new line", "new lines")),
        };
        let end = if lines == 0 { "." } else { ":" };
        if self.plan.is_host {
            self.ui.notice(&format!(
                "You are {name}. /help for help, /quit to leave (this ends the room for the others)."
            ));
        } else {
            self.ui.notice(&format!("Joined {} as {name}; {members} here{history}{end}", self.plan.room));
        }
    }

    fn remember(&mut self, name: &str) {
        if self.plan.is_host {
            return;
        }
        let Some(fingerprint) = self.driver.client.fingerprint().or(self.accepted) else { return };
        let secret = match &self.plan.entrance {
            Entrance::Secret(secret) => Some(secret),
            _ => None,
        };
        // A name that was only taken because another was in use is not one's own.
        let name = if self.plan.person.is_makeshift { None } else { Some(name) };
        let room = &self.plan.room;
        let place = self.located.place_of(self.driver.client.server());
        let places = place.map(|place| self.plan.server.with_first(place.clone()));
        let places = places.as_ref().unwrap_or(&self.plan.server);
        let joined = Joined { places, fingerprint: &fingerprint, room, name, secret };
        if let Err(error) = KnownServers::remember(&self.plan.dir, &joined) {
            let words = format!("the server is not remembered: {}", error.line.unwrap_or_default());
            self.ui.notice(&format!("({words})"));
            self.not_remembered = Some(words);
        } else {
            self.not_remembered = None;
        }
    }
}

/// What may happen before one is in the room. What was shown of a history that is no more counts no more.
pub(super) fn before_joined(event: &Event<'_>, ui: &Ui, last_shown: &mut Option<Cursor>) {
    match *event {
        Event::Reset => {
            *last_shown = None;
            ui.fresh_line();
            online::reset(ui);
        }
        Event::Gap { after, first } => {
            // Lines that were only wanted for context may be missing.
            let after = last_shown.map_or(after, |shown| shown.seq.max(after));
            if first > after + 1 {
                ui.fresh_line();
                online::gap(after, first, ui);
            }
        }
        ref other => online::before_joined(other, ui),
    }
}

#[cfg(test)]
mod tests {
    use kabar_core::chat::Term;

    use super::*;

    const TERM: Term = Term([3; 8]);
    const SHOWN: Option<Cursor> = Some(Cursor { seq: 100, term: TERM });

    fn after(seq: u64, fallback_count: u32) -> Start {
        Start::After { seq, term: TERM, fallback_count }
    }

    #[test]
    fn goes_on_behind_the_last_line_shown() {
        assert_eq!(Wanted::New.start(None, false), Start::Last(HISTORY));
        assert_eq!(Wanted::New.start(SHOWN, false), after(100, HISTORY));
        assert_eq!(Wanted::New.start(SHOWN, true), after(90, HISTORY), "with some context");
        let early = Some(Cursor { seq: 3, term: TERM });
        assert_eq!(Wanted::New.start(early, true), after(0, HISTORY));
    }

    #[test]
    fn what_is_asked_for_comes_whatever_was_shown() {
        for shown in [None, SHOWN] {
            assert_eq!(Wanted::Last(7).start(shown, true), Start::Last(7));
            assert_eq!(Wanted::Since(0).start(shown, true), Start::Last(ALL));
        }
        assert_eq!(Wanted::Since(40).start(SHOWN, true), after(40, ALL));
        assert_eq!(
            Wanted::Since(140).start(SHOWN, true),
            after(100, ALL),
            "a term ends somewhere: the rest is skipped here"
        );
        assert_eq!(Wanted::Since(40).start(None, true), Start::Last(ALL));
        assert_eq!(Wanted::Since(40).skip_to(), 40);
        assert_eq!(Wanted::Last(40).skip_to(), 0);
    }
}
