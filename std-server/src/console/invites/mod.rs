//! The command `invite`: how it is written, and how invites are shown to an operator. Shared by the
//! console, `kabar-server ctl` and `kabar-server invite`.

use crate::hub::{InviteInfo, InviteTerms, Unit};
use crate::store::{InviteRecord, InviteState};
use crate::units;
use kabar_std::invite::{Invite, RoomName, RoomSecret};
use kabar_std::text::{LineFormatter, clean_line};

/// The arguments, as the help shows them.
pub const ARGUMENTS: &str = " [list [--secrets] | [new] [ROOM] [--expires TIME] [--uses N] | revoke ID|standing]";

/// The last users that are shown of each invite.
const SHOWN_USES: usize = 8;

/// What is to be done with invites.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InviteCommand {
    /// Show the standing invite; to a member: the invite without bounds that it has made, or makes
    /// now.
    Show,
    /// List all invites.
    List {
        /// With the full text of those in force.
        with_secrets: bool,
    },
    /// Make an invite and show it.
    New(InviteTerms),
    /// End an invite.
    Revoke(u32),
    /// Replace the standing invite and show the new one.
    RevokeStanding,
}

impl InviteCommand {
    /// Parses the words after `invite`; `None`: they are not valid.
    #[must_use]
    pub fn parse(arguments: &str) -> Option<Self> {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        Some(match *words {
            [] => Self::Show,
            ["list"] => Self::List { with_secrets: false },
            ["list", "--secrets"] => Self::List { with_secrets: true },
            ["revoke", "standing"] => Self::RevokeStanding,
            ["revoke", id] => Self::Revoke(id.parse().ok()?),
            ["list" | "revoke", ..] => return None,
            ["new", ref terms @ ..] | ref terms => Self::New(parse_terms(terms)?),
        })
    }

    /// The words after `invite`, as [`Self::parse`] reads them.
    #[must_use]
    pub fn arguments(&self) -> String {
        match self {
            Self::Show => String::new(),
            Self::List { with_secrets } => format!("list{}", if *with_secrets { " --secrets" } else { "" }),
            Self::New(InviteTerms { room, valid_ms, uses, .. }) => {
                let room = room.as_ref().map_or_else(String::new, |room| format!(" {room}"));
                let time = |ms: u64| format!(" --expires {}", units::format(Unit::Time, ms.saturating_mul(1_000)));
                let uses = uses.map_or_else(String::new, |uses| format!(" --uses {uses}"));
                format!("new{room}{}{uses}", valid_ms.map_or_else(String::new, time))
            }
            Self::Revoke(id) => format!("revoke {id}"),
            Self::RevokeStanding => "revoke standing".to_owned(),
        }
    }
}

fn parse_terms(words: &[&str]) -> Option<InviteTerms> {
    let mut terms = InviteTerms::default();
    let mut words = words;
    if let [room, rest @ ..] = words
        && !room.starts_with('-')
    {
        terms.room = Some(room.parse::<RoomName>().ok()?.to_string());
        words = rest;
    }
    for pair in words.chunks(2) {
        match *pair {
            ["--expires", time] if terms.valid_ms.is_none() => terms.valid_ms = Some(parse_validity(time).ok()?),
            ["--uses", uses] if terms.uses.is_none() => terms.uses = Some(parse_uses(uses).ok()?),
            _ => return None,
        }
    }
    Some(terms)
}

/// Parses how long an invite is valid, into ms.
///
/// # Errors
/// A sentence.
pub fn parse_validity(text: &str) -> Result<u64, String> {
    let millis = units::parse(Unit::Time, text).map(|micros| micros / 1_000).filter(|millis| *millis > 0);
    millis.ok_or_else(|| format!("it must be {} above 0", units::hint(Unit::Time)))
}

/// Parses how many identities an invite admits.
///
/// # Errors
/// A sentence.
pub fn parse_uses(text: &str) -> Result<u32, String> {
    text.parse().ok().filter(|uses| *uses > 0).ok_or_else(|| "it must be a number above 0".to_owned())
}

/// Returns the text of an invite to `room`, with the addresses and the key of `like`. An invite of
/// a room is always for that one.
#[must_use]
pub fn invite_text(like: &Invite, record: &InviteRecord, room: &RoomName) -> String {
    let of = record.room.as_deref().and_then(|room| room.parse().ok());
    let room = of.unwrap_or_else(|| room.clone());
    Invite { secret: RoomSecret::new(record.secret), room, ..like.clone() }.to_string()
}

/// Describes an invite in one line, without its secret.
#[must_use]
pub fn describe_invite(lines: &LineFormatter, info: &InviteInfo, now_ms: u64) -> String {
    let InviteInfo { record, state, made_by, used_by } = info;
    let state = match state {
        InviteState::InForce => "in force",
        InviteState::Revoked => "revoked",
        InviteState::UsedUp => "used up",
        InviteState::Expired => "expired",
    };
    let room = record.room.as_ref().map_or_else(|| "all open rooms".to_owned(), |room| format!("the room {room}"));
    let kind = if record.is_standing { ", the standing one" } else { "" };
    let made_by = made_by.as_deref().map_or_else(|| "server".to_owned(), clean_line);
    let age = age(now_ms.saturating_sub(record.made_ms));
    let expires = record.expires_ms.map_or_else(String::new, |at| format!(", until {}", lines.stamp(at)));
    let uses = match record.uses_left {
        Some(left) => format!("used {} of {} times", record.used, u64::from(record.used) + u64::from(left)),
        None if record.used == 1 => "used once".to_owned(),
        None => format!("used {} times", record.used),
    };
    let used_by: Vec<String> = used_by.iter().rev().take(SHOWN_USES).map(|(name, _)| clean_line(name)).collect();
    let others = if record.used as usize > used_by.len() && !used_by.is_empty() { ", ..." } else { "" };
    let by = if used_by.is_empty() { String::new() } else { format!(" (by {}{others})", used_by.join(", ")) };
    format!("  {}: {state}{kind}, for {room}, made by {made_by} {age} ago{expires}, {uses}{by}", record.id)
}

/// A time in its largest unit.
fn age(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests;
