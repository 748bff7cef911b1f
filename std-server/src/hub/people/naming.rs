//! Which name a member has and gets (SPEC 6.2, 6.6), and whether it may have it.

use std::borrow::Cow;

use kabar_core::chat::{AnswerCode, MAX_NAME_LEN, RefusedCode};
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::session::Fingerprint;
use kabar_core::time::Instant;
use kabar_std::names::{Name, NameError};

use super::People;
use crate::hub::counters::Counters;
use crate::hub::room_id::RoomId;
use crate::store::NameRecord;

/// Numbers that are appended to a default name that is taken.
const SUFFIXES: core::ops::RangeInclusive<u8> = 2..=99;

/// Why an identity may not have a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hub) enum NameConflict {
    /// Nobody may take it.
    NotAllowed(NameError),
    /// Another identity has or owns it, or one that looks like it.
    Taken,
    /// Another identity is about to take it. That may still fail, so this is not permanent.
    Claimed,
}

impl NameConflict {
    /// The sentence for the user.
    pub(in crate::hub) fn text(self) -> Cow<'static, str> {
        let text = match self {
            Self::NotAllowed(error) => return error.to_string().into(),
            Self::Taken => {
                "somebody else has this name or one that looks like it: choose another one or, if it is yours on \
                 another computer, take your identity from there: `kabar identity export`, `kabar identity import`"
            }
            Self::Claimed => "somebody else is about to take this name",
        };
        text.into()
    }

    /// The code of a refused Join.
    pub(in crate::hub) fn refused_code(self) -> RefusedCode {
        match self {
            Self::NotAllowed(_) => RefusedCode::NAME_NOT_ALLOWED,
            Self::Taken => RefusedCode::NAME_TAKEN,
            Self::Claimed => RefusedCode::TRY_LATER,
        }
    }

    /// The code of the answer to a Rename.
    pub(in crate::hub) fn answer_code(self) -> AnswerCode {
        match self {
            Self::NotAllowed(_) => AnswerCode::NAME_NOT_ALLOWED,
            Self::Taken => AnswerCode::NAME_TAKEN,
            Self::Claimed => AnswerCode::TRY_LATER,
        }
    }
}

impl People {
    /// The name that an identity has, or is about to have: in this room, or else in another.
    pub(in crate::hub) fn current_name(&self, identity: &PublicIdentity, room: RoomId) -> Option<&str> {
        let here = self.held(identity).iter().find(|(it, _)| *it == room).map(|(_, name)| name.as_str());
        here.or_else(|| self.name_elsewhere(identity, room))
    }

    /// The name that an identity got after the one that a room reports; `None`: it has that one.
    pub(in crate::hub) fn later_name(&self, identity: &PublicIdentity, room: RoomId, reported: &str) -> Option<&str> {
        if let Some(elsewhere) = self.name_elsewhere(identity, room) {
            return Some(elsewhere).filter(|name| *name != reported);
        }
        let before = self.owned(identity).find(|record| record.name == reported);
        let last = self.owned(identity).max_by_key(|record| record.seen_ran_ms)?;
        let is_later = before.is_none_or(|before| before.seen_ran_ms < last.seen_ran_ms);
        (is_later && last.name != reported).then_some(last.name.as_str())
    }

    /// Checks that an identity may have a name. One that it owns stays valid when the rules for new
    /// ones become stricter.
    pub(in crate::hub) fn check_name(
        &self,
        now: Instant,
        name: &Name,
        identity: &PublicIdentity,
    ) -> Result<(), NameConflict> {
        let own = self.names.record(name.folded()).filter(|record| record.identity == *identity);
        if own.is_none() {
            name.check_new().map_err(NameConflict::NotAllowed)?;
        }
        if own.is_none_or(|record| self.is_free(now, record)) {
            let mut others = self.names.colliding(name).filter(|record| record.identity != *identity);
            if others.any(|record| !self.is_free(now, record)) {
                return Err(NameConflict::Taken);
            }
        }
        if self.claims.is_claimed_by_another(name, identity) {
            return Err(NameConflict::Claimed);
        }
        Ok(())
    }

    /// Whether a name no longer belongs to its owner, who neither has it nor was seen under it for
    /// long, or is about to lose it.
    fn is_free(&self, now: Instant, record: &NameRecord) -> bool {
        let has_lapsed = self.names.has_lapsed(record, self.ran_ms(now)) && !self.is_held(record);
        has_lapsed || self.is_releasing(&record.folded)
    }

    /// The name for a Join that states a default name: the one that its identity has or used last,
    /// or else the stated one, with a number if that is taken or reserved.
    pub(in crate::hub) fn default_name(
        &self,
        now: Instant,
        stated: &Name,
        identity: &PublicIdentity,
        room: RoomId,
    ) -> Result<Name, NameConflict> {
        let own = self.current_name(identity, room).or_else(|| self.last_used_name(identity));
        let own = own.and_then(|own| Name::existing(own).ok());
        if let Some(own) = own.filter(|own| self.check_name(now, own, identity).is_ok()) {
            return Ok(own);
        }
        let conflict = match self.check_name(now, stated, identity) {
            Ok(()) => return Ok(stated.clone()),
            Err(conflict) => conflict,
        };
        let numbered = SUFFIXES.filter_map(|number| with_number(stated, number));
        let mut free = numbered.filter(|name| self.check_name(now, name, identity).is_ok());
        free.next().ok_or(conflict)
    }

    /// The records of the names that an identity owns.
    pub(in crate::hub) fn owned(&self, identity: &PublicIdentity) -> impl Iterator<Item = &NameRecord> {
        let kept = self.known.get(identity).map_or(&[][..], |kept| &kept.names);
        kept.iter().filter_map(|folded| self.names.record(folded))
    }

    /// The name that an identity has in any room, or used last; `None`: it owns none.
    pub(in crate::hub) fn name_of(&self, identity: &PublicIdentity) -> Option<&str> {
        let held = self.held(identity).iter().min_by_key(|(room, _)| *room).map(|(_, name)| name.as_str());
        held.or_else(|| self.last_used_name(identity))
    }

    /// The name of an identity, or else its fingerprint.
    pub(in crate::hub) fn shown_name(&self, identity: &PublicIdentity) -> String {
        self.name_of(identity).map_or_else(|| Fingerprint::of_identity(identity).to_string(), str::to_owned)
    }

    /// The name that an identity used last, of those that it owns.
    fn last_used_name(&self, identity: &PublicIdentity) -> Option<&str> {
        self.owned(identity).max_by_key(|record| record.seen_ran_ms).map(|record| record.name.as_str())
    }

    /// Counts a name that is taken from an owner that was not seen for long.
    pub(in crate::hub) fn count_lapsed(&self, counters: &mut Counters, name: &Name, identity: &PublicIdentity) {
        let owner = self.names.record(name.folded()).map(|record| record.identity);
        counters.names_lapsed += u64::from(owner.is_some_and(|owner| owner != *identity));
    }

    /// Takes a token for an announcement about an identity, if there is one.
    pub(in crate::hub) fn take_announcement(
        &mut self,
        now: Instant,
        counters: &mut Counters,
        identity: PublicIdentity,
    ) -> bool {
        let has_token = self.visits.take_announcement(now, identity);
        counters.announcements_limited += u64::from(!has_token);
        has_token
    }
}

/// A name with a number appended, cut to the longest that is allowed.
fn with_number(name: &Name, number: u8) -> Option<Name> {
    let number = number.to_string();
    let shown = name.shown();
    let stem = &shown[..shown.floor_char_boundary(MAX_NAME_LEN - number.len())];
    Name::existing(&format!("{}{number}", stem.trim_end())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_appended_within_the_longest_name() {
        fn shown(name: &str, number: u8) -> Option<String> {
            let name = with_number(&Name::new(name).expect("allowed"), number);
            name.map(|name| name.shown().to_owned())
        }
        assert_eq!(shown("ubuntu", 2).as_deref(), Some("ubuntu2"));
        assert_eq!(shown(&"n".repeat(32), 10), Some(format!("{}10", "n".repeat(30))));
        assert_eq!(shown(&"é".repeat(16), 2), Some(format!("{}2", "é".repeat(15))));
        assert_eq!(shown(&format!("{} b", "a".repeat(30)), 2), Some(format!("{}2", "a".repeat(30))));
    }
}
