//! The command `invite`: how it is written, and how invites are shown to an operator. Shared by the
//! console, `kabar-server ctl` and `kabar-server invite`.

use crate::hub::{InviteInfo, InviteTerms, Unit};
use crate::store::InviteState;
use crate::units;
use kabar_std::invite::{Invite, RoomSecret};
use kabar_std::text::LineFormatter;

/// The arguments, as the help shows them.
pub const ARGUMENTS: &str = " [list [--secrets] | new [--expires TIME] [--uses N] | revoke ID|standing]";

/// What is to be done with invites.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InviteCommand {
    /// Show the standing invite.
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
            ["new", ref terms @ ..] => Self::New(parse_terms(terms)?),
            _ => return None,
        })
    }

    /// The words after `invite`, as [`Self::parse`] reads them.
    #[must_use]
    pub fn arguments(&self) -> String {
        match self {
            Self::Show => String::new(),
            Self::List { with_secrets } => format!("list{}", if *with_secrets { " --secrets" } else { "" }),
            Self::New(InviteTerms { valid_ms, uses, .. }) => {
                let time = |ms: u64| format!(" --expires {}", units::format(Unit::Time, ms.saturating_mul(1_000)));
                let uses = uses.map_or_else(String::new, |uses| format!(" --uses {uses}"));
                format!("new{}{uses}", valid_ms.map_or_else(String::new, time))
            }
            Self::Revoke(id) => format!("revoke {id}"),
            Self::RevokeStanding => "revoke standing".to_owned(),
        }
    }
}

fn parse_terms(words: &[&str]) -> Option<InviteTerms> {
    let mut terms = InviteTerms::default();
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

/// Returns the text of an invite with another secret than that of `like`.
#[must_use]
pub fn invite_text(like: &Invite, secret: &[u8; 16]) -> String {
    Invite { secret: RoomSecret::new(*secret), ..like.clone() }.to_string()
}

/// Describes an invite in one line, without its secret.
#[must_use]
pub fn describe_invite(lines: &LineFormatter, info: &InviteInfo) -> String {
    let InviteInfo { record, state, .. } = info;
    let id = if record.is_standing { "the standing one".to_owned() } else { "by ".to_owned() + &maker(info) };
    let state = match state {
        InviteState::InForce => "in force",
        InviteState::Revoked => "revoked",
        InviteState::UsedUp => "used up",
        InviteState::Expired => "expired",
    };
    let expires = record.expires_ms.map_or_else(String::new, |at| format!(", until {}", lines.stamp(at)));
    let uses = match record.uses_left {
        Some(left) => format!("used {} of {} times", record.used, u64::from(record.used) + u64::from(left)),
        None if record.used == 1 => "used once".to_owned(),
        None => format!("used {} times", record.used),
    };
    format!("  {}: {state}, {id}, made {}{expires}, {uses}", record.id, lines.stamp(record.made_ms))
}

fn maker(info: &InviteInfo) -> String {
    info.record.made_by.map_or_else(
        || "the server".to_owned(),
        |it| it.0[..4].iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::InviteRecord;

    #[test]
    fn every_command_is_read_as_it_is_written() {
        let day = 24 * 3_600 * 1_000;
        let commands = [
            ("", InviteCommand::Show),
            ("list", InviteCommand::List { with_secrets: false }),
            ("list --secrets", InviteCommand::List { with_secrets: true }),
            ("new", InviteCommand::New(InviteTerms::default())),
            (
                "new --expires 7d --uses 1",
                InviteCommand::New(InviteTerms { valid_ms: Some(7 * day), uses: Some(1), ..InviteTerms::default() }),
            ),
            ("revoke 7", InviteCommand::Revoke(7)),
            ("revoke standing", InviteCommand::RevokeStanding),
        ];
        for (text, command) in commands {
            assert_eq!((InviteCommand::parse(text), command.arguments().as_str()), (Some(command), text));
        }
        for wrong in
            ["liste", "list all", "new 7d", "new --uses", "new --uses 0", "new --expires 0", "revoke", "revoke x"]
        {
            assert_eq!(InviteCommand::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_invite_is_described_without_its_secret() {
        let record = InviteRecord {
            id: 7,
            room: Some("lobby".into()),
            secret: *b"AAAAAAAAAAAAAAAA",
            is_standing: false,
            made_by: None,
            made_ms: 1_730_457_430_000,
            expires_ms: Some(1_730_457_490_000),
            uses_left: Some(2),
            used: 1,
            is_revoked: false,
        };
        let info = InviteInfo { record, state: InviteState::InForce, uses: Vec::new() };
        let line = describe_invite(&LineFormatter::new(), &info);
        assert!(line.starts_with("  7: in force, by the server, made 2024-11-01 "), "{line}");
        assert!(line.ends_with(", used 1 of 3 times") && line.contains(", until 2024-11-01 "), "{line}");
        assert!(!line.contains("AAAA") && !format!("{info:?}").contains("65, 65"), "{info:?}");
    }
}
