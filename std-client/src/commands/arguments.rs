//! Arguments that several subcommands share, and how their values are parsed.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use kabar_core::session::Fingerprint;
use kabar_std::data_dir::DataDir;
use kabar_std::invite::parse_fingerprint;
use kabar_std::names::Name;
use kabar_std::since::parse_since;

use super::target::Target;
use crate::config::Config;
use crate::config::settings::seconds;
use crate::engine::{KeyPolicy, ReplayFrom};
use crate::identity::{IdentityChoice, IdentityError, LocalIdentity};
use crate::outcome::{CommandError, TargetError};

/// Options of a session.
#[derive(Debug, Default, Args)]
pub struct SessionArguments {
    /// Your name in the room: exactly this one [default: the one you had there last, or your login
    /// name, with a number if it is taken].
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// Be another person of this computer, with a key under this label, which is made at first use.
    #[arg(long, value_name = "LABEL")]
    pub identity: Option<String>,

    /// Hide joins and leaves, from now on (/joins on displays them again).
    #[arg(long)]
    pub hide_joins: bool,

    /// Show entries after this number, since this time (2h, 2026-11-28, 2026-11-28T10:00), or `all`
    /// [default: those you have not seen; the last 50 at first].
    #[arg(long, value_name = "SEQ|TIME|all", value_parser = parse_replay, conflicts_with = "last")]
    pub since: Option<ReplayFrom>,

    /// Show the last N lines.
    #[arg(long, value_name = "N")]
    pub last: Option<u32>,

    /// Use lines with a prompt instead of the full screen.
    #[arg(long, conflicts_with = "json")]
    pub plain: bool,

    /// Print events as JSON, one object per line (--help describes them).
    #[arg(long, long_help = "Print events as JSON, one object per line, as described below")]
    pub json: bool,

    /// Seconds that may pass, at the end, until the next line is stored [default: 60].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub give_up: Option<Duration>,

    /// The name to ask for on a server where none was used [default: the login name].
    #[arg(skip)]
    pub last_name: Option<String>,

    /// Lines of standard input that were not posts.
    #[arg(skip)]
    pub lines_taken: u64,
}

/// Which key of a server is accepted that is not that of an invite.
#[derive(Debug, Default, Args)]
pub struct KeyArguments {
    /// Accept the key of an unknown server without asking.
    #[arg(long)]
    pub accept_new: bool,

    /// The fingerprint that the server's key must have, when the room is not that of an invite.
    #[arg(long, value_name = "FINGERPRINT", value_parser = fingerprint, conflicts_with = "accept_new")]
    pub fingerprint: Option<Fingerprint>,
}

impl KeyArguments {
    /// Returns the rule.
    #[must_use]
    pub const fn policy(&self) -> KeyPolicy {
        match (self.fingerprint, self.accept_new) {
            (Some(typed), _) => KeyPolicy::Expected(typed),
            (None, true) => KeyPolicy::AcceptNew,
            (None, false) => KeyPolicy::Ask,
        }
    }

    /// An invite has its own key.
    ///
    /// # Errors
    /// [`TargetError::KeyOptionWithInvite`].
    pub(super) fn check(&self, target: &Target) -> Result<(), TargetError> {
        match (target, self.policy()) {
            (Target::Invite(_), KeyPolicy::Expected(_) | KeyPolicy::AcceptNew) => Err(TargetError::KeyOptionWithInvite),
            _ => Ok(()),
        }
    }
}

impl SessionArguments {
    /// Returns the settings: those of this command line, of the environment, of the file.
    ///
    /// # Errors
    /// [`CommandError::Config`].
    pub fn settings(&self, file: Option<&Path>) -> Result<Config, CommandError> {
        let give_up = self.give_up.map(|time| time.as_secs_f64().to_string());
        let flags = [("plain", self.plain.then(|| "true".to_owned())), ("give-up", give_up)];
        Config::from_process(&flags, file).map_err(CommandError::Config)
    }

    /// Checks the form of name and label before anything is created for them. Whether a new name is
    /// allowed depends on the names of this user: [`Self::open_identity`].
    ///
    /// # Errors
    /// [`IdentityError::Name`].
    pub fn check_names(&self) -> Result<(), IdentityError> {
        self.name.iter().chain(&self.identity).try_for_each(|name| Name::existing(name).map(drop))?;
        Ok(())
    }

    /// Opens the identity for a room in which the name `usual` was used last.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn open_identity(&self, dir: &DataDir, usual: Option<&str>) -> Result<LocalIdentity, IdentityError> {
        let usual = usual.or(self.last_name.as_deref());
        let choice = IdentityChoice { label: self.identity.as_deref(), name: self.name.as_deref(), usual };
        LocalIdentity::open(dir, choice)
    }

    /// Returns the entries to begin with.
    #[must_use]
    pub fn replay_from(&self) -> ReplayFrom {
        self.last.map(ReplayFrom::Last).or(self.since).unwrap_or_default()
    }
}

fn parse_replay(text: &str) -> Result<ReplayFrom, String> {
    if text == "all" {
        return Ok(ReplayFrom::Since(0));
    }
    if text.bytes().all(|digit| digit.is_ascii_digit())
        && let Ok(seq) = text.parse()
    {
        return Ok(ReplayFrom::Since(seq));
    }
    let time =
        parse_since(text).map_err(|why| format!("neither the number of an entry, nor a time, nor `all`: {why}"))?;
    Ok(ReplayFrom::SinceTime(time))
}

/// Parses a fingerprint.
///
/// # Errors
/// A sentence, if it is none.
pub(super) fn fingerprint(text: &str) -> Result<Fingerprint, &'static str> {
    parse_fingerprint(text).ok_or("a fingerprint is 32 letters and digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_number_or_a_time_or_all() {
        assert_eq!(parse_replay("all"), Ok(ReplayFrom::Since(0)));
        assert_eq!(parse_replay("17"), Ok(ReplayFrom::Since(17)));
        assert_eq!(parse_replay("2026-11-28T10:00:00Z"), Ok(ReplayFrom::SinceTime(1_795_860_000_000)));
        assert!(matches!(parse_replay("2h"), Ok(ReplayFrom::SinceTime(_))));
        assert!(parse_replay("yesterday").is_err() && parse_replay("-1").is_err() && parse_replay("").is_err());
    }

    #[test]
    fn a_key_that_was_typed_is_not_for_an_invite() {
        let invite = Target::parse(&format!("kabar://here:1/lobby/{}.{}", "A".repeat(32), "A".repeat(26))).unwrap();
        let host = Target::parse("here:1").unwrap();
        let typed = KeyArguments { accept_new: false, fingerprint: Some(Fingerprint([3; 20])) };
        let any = KeyArguments { accept_new: true, fingerprint: None };
        for key in [typed, any] {
            assert_eq!(key.check(&invite), Err(TargetError::KeyOptionWithInvite));
            assert_eq!(key.check(&host), Ok(()));
        }
        assert_eq!(KeyArguments::default().check(&invite), Ok(()));
    }

    #[test]
    fn seconds_may_have_a_unit() {
        assert_eq!(seconds("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for wrong in ["", "s", "-1", "1m", "nan", "inf", "1e99"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
