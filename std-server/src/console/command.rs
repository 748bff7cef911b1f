//! What an operator types: commands, or a line to say.

use std::fmt;

/// One typed line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// Nothing.
    Nothing,
    /// Something for everybody.
    Say(String),
    /// A command that takes nothing.
    Plain(Plain),
    /// A command about a name.
    Named(Named, String),
}

/// Commands that take nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// Who is here.
    Who,
    /// Bans and mutes.
    Bans,
    /// Figures.
    Stats,
    /// The invite.
    Invite,
    /// The end.
    Stop,
    /// These commands.
    Help,
}

/// Commands about a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// Puts a member out.
    Kick,
    /// Keeps an identity out.
    Ban,
    /// Lets it in again.
    Unban,
    /// Lets an identity say nothing.
    Mute,
    /// Lets it speak again.
    Unmute,
    /// Frees a name.
    Release,
}

/// A line that is no command and nothing to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypedError {
    /// There is no such command.
    Unknown(String),
    /// A name is missing.
    NameMissing(&'static str),
    /// The command takes nothing.
    TooMuch(&'static str),
}

enum Kind {
    Plain(Plain),
    Named(Named),
}

/// Every command: its word, what it is, what it does.
const COMMANDS: [(&str, Kind, &str); 12] = [
    ("who", Kind::Plain(Plain::Who), "who is here, from where, since when"),
    ("kick", Kind::Named(Named::Kick), "puts a member out; it may come again"),
    ("ban", Kind::Named(Named::Ban), "keeps whoever has this name out for good, under any name"),
    ("unban", Kind::Named(Named::Unban), "lets it in again"),
    ("mute", Kind::Named(Named::Mute), "lets whoever has this name listen only"),
    ("unmute", Kind::Named(Named::Unmute), "lets it speak again"),
    ("bans", Kind::Plain(Plain::Bans), "who is banned or muted, since when"),
    ("release", Kind::Named(Named::Release), "frees a name for others, if its owner is away"),
    ("stats", Kind::Plain(Plain::Stats), "figures since the start"),
    ("invite", Kind::Plain(Plain::Invite), "what lets others in"),
    ("stop", Kind::Plain(Plain::Stop), "ends the room"),
    ("help", Kind::Plain(Plain::Help), "this"),
];

/// Understands a line. One that begins with `/` is a command; with `//`, a text that begins with `/`.
///
/// # Errors
/// [`TypedError`].
pub fn parse(line: &str) -> Result<Typed, TypedError> {
    let line = line.trim();
    let Some(command) = line.strip_prefix('/').filter(|rest| !rest.starts_with('/')) else {
        let text = line.strip_prefix('/').unwrap_or(line);
        return Ok(if text.is_empty() { Typed::Nothing } else { Typed::Say(text.to_owned()) });
    };
    let (word, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let rest = rest.trim();
    let known = COMMANDS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(word));
    match known {
        None => Err(TypedError::Unknown(word.to_owned())),
        Some((_, Kind::Plain(command), _)) if rest.is_empty() => Ok(Typed::Plain(*command)),
        Some((word, Kind::Plain(_), _)) => Err(TypedError::TooMuch(word)),
        Some((word, Kind::Named(_), _)) if rest.is_empty() => Err(TypedError::NameMissing(word)),
        Some((_, Kind::Named(command), _)) => Ok(Typed::Named(*command, rest.to_owned())),
    }
}

/// One line per command.
pub fn help() -> impl Iterator<Item = String> {
    let line = |(word, kind, does): &(&str, Kind, &str)| {
        let name = if matches!(kind, Kind::Named(_)) { " NAME" } else { "" };
        format!("  {:<15} {does}", format!("/{word}{name}"))
    };
    COMMANDS.iter().map(line).chain(["  anything else   is said to the room".to_owned()])
}

impl fmt::Display for TypedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(word) => write!(f, "there is no command /{word}; /help lists all"),
            Self::NameMissing(word) => write!(f, "whose? /{word} NAME"),
            Self::TooMuch(word) => write!(f, "/{word} stands alone"),
        }
    }
}

impl std::error::Error for TypedError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_begin_with_a_slash_and_all_else_is_said() {
        assert_eq!(parse("/who"), Ok(Typed::Plain(Plain::Who)));
        assert_eq!(parse(" /KICK  Anna Lena \r"), Ok(Typed::Named(Named::Kick, "Anna Lena".into())));
        assert_eq!(parse("dinner: /who?"), Ok(Typed::Say("dinner: /who?".into())));
        assert_eq!(parse("//who"), Ok(Typed::Say("/who".into())));
        assert_eq!((parse(""), parse("  ")), (Ok(Typed::Nothing), Ok(Typed::Nothing)));
    }

    #[test]
    fn what_is_no_command_is_told_with_help() {
        let told = |line| parse(line).unwrap_err().to_string();
        assert!(told("/kcik Ana").contains("/kcik") && told("/kcik Ana").contains("/help"));
        assert!(told("/ban").contains("/ban NAME") && told("/stop now").contains("/stop"));
        assert!(told("/").contains("/help"));
    }

    #[test]
    fn help_names_every_command() {
        let help: Vec<String> = help().collect();
        assert_eq!(help.len(), COMMANDS.len() + 1);
        for (word, ..) in &COMMANDS {
            assert!(help.iter().any(|line| line.contains(&format!("/{word}"))));
            assert!(!matches!(parse(&format!("/{word} x")), Err(TypedError::Unknown(_))));
        }
    }
}
