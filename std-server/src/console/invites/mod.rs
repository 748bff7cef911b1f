//! The command `invite`: how it is written, and how invites are shown to an operator. Shared by the
//! console, `kabar-server ctl` and `kabar-server invite`.

use crate::hub::{InviteInfo, InviteTerms, Unit};
use crate::store::{InviteRecord, InviteState};
use crate::units;
use kabar_std::invite::{Invite, RoomName, RoomSecret};
use kabar_std::json;
use kabar_std::text::{LineFormatter, clean_line};
use serde::Serialize;

/// The arguments, as the help shows them.
pub const ARGUMENTS: &str =
    " [list [--secrets] [--json] | [new] [ROOM] [--expires TIME] [--uses N] | revoke ID|standing]";

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
        /// As JSON, one object per line.
        as_json: bool,
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
            ["list", ref options @ ..] => parse_list(options)?,
            ["revoke", "standing"] => Self::RevokeStanding,
            ["revoke", id] => Self::Revoke(id.parse().ok()?),
            ["revoke", ..] => return None,
            ["new", ref terms @ ..] | ref terms => Self::New(parse_terms(terms)?),
        })
    }

    /// The words after `invite`, as [`Self::parse`] reads them.
    #[must_use]
    pub fn arguments(&self) -> String {
        match self {
            Self::Show => String::new(),
            Self::List { with_secrets, as_json } => {
                let option = |is_on: bool, option: &'static str| if is_on { option } else { "" };
                ["list", option(*with_secrets, " --secrets"), option(*as_json, " --json")].concat()
            }
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

fn parse_list(options: &[&str]) -> Option<InviteCommand> {
    let (mut with_secrets, mut as_json) = (false, false);
    for option in options {
        let is_on = match *option {
            "--secrets" => &mut with_secrets,
            "--json" => &mut as_json,
            _ => return None,
        };
        if std::mem::replace(is_on, true) {
            return None;
        }
    }
    Some(InviteCommand::List { with_secrets, as_json })
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

/// Lists invites as lines, or as JSON objects. `text` returns the full text of one; it is shown of
/// those in force, if `with_secrets`.
pub fn list_invites(
    lines: &LineFormatter,
    invites: Vec<InviteInfo>,
    with_secrets: bool,
    as_json: bool,
    now_ms: u64,
    text: impl Fn(&InviteRecord) -> String,
) -> Vec<String> {
    let show = |info: InviteInfo| {
        let text = (with_secrets && info.state == InviteState::InForce).then(|| text(&info.record));
        if as_json {
            return vec![invite_json(&info, text)];
        }
        [describe_invite(lines, &info, now_ms)].into_iter().chain(text).collect()
    };
    invites.into_iter().flat_map(show).collect()
}

/// An invite as a JSON object, without its secret unless `text` has it.
fn invite_json(info: &InviteInfo, text: Option<String>) -> String {
    #[derive(Serialize)]
    struct Use<'a> {
        name: &'a str,
        time_ms: u64,
    }
    #[derive(Serialize)]
    struct Object<'a> {
        id: u32,
        state: &'static str,
        is_standing: bool,
        /// `None`: all open rooms.
        room: Option<&'a str>,
        /// `None`: the server.
        made_by: Option<&'a str>,
        made_ms: u64,
        expires_ms: Option<u64>,
        used: u32,
        uses_left: Option<u32>,
        /// The last of them, oldest first.
        used_by: Vec<Use<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        invite: Option<String>,
    }
    let InviteInfo { record, state, made_by, used_by } = info;
    let InviteRecord { id, room, is_standing, made_ms, expires_ms, uses_left, used, .. } = record;
    json::line(&Object {
        id: *id,
        state: state_name(*state),
        is_standing: *is_standing,
        room: room.as_deref(),
        made_by: made_by.as_deref(),
        made_ms: *made_ms,
        expires_ms: *expires_ms,
        used: *used,
        uses_left: *uses_left,
        used_by: used_by.iter().map(|(name, time_ms)| Use { name, time_ms: *time_ms }).collect(),
        invite: text,
    })
}

fn state_name(state: InviteState) -> &'static str {
    match state {
        InviteState::InForce => "in force",
        InviteState::Revoked => "revoked",
        InviteState::UsedUp => "used up",
        InviteState::Expired => "expired",
    }
}

/// Describes an invite in one line, without its secret.
fn describe_invite(lines: &LineFormatter, info: &InviteInfo, now_ms: u64) -> String {
    let InviteInfo { record, state, made_by, used_by } = info;
    let state = state_name(*state);
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
