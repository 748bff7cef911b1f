//! What an operator types: commands, or a line to say.

use std::fmt;

/// One typed line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Nothing.
    Nothing,
    /// Something for everybody.
    Say(String),
    /// A command that takes nothing.
    NoArg(NoArg),
    /// A command about a name.
    WithName(WithName, String),
}

/// Commands that take nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoArg {
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
pub enum WithName {
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
pub enum InputError {
    /// There is no such command.
    Unknown(String),
    /// A name is missing.
    NameMissing(&'static str),
    /// The command takes nothing.
    UnexpectedArgument(&'static str),
}

enum Kind {
    NoArg(NoArg),
    WithName(WithName),
}

/// Every command: its word, what it is, what it does.
const COMMANDS: [(&str, Kind, &str); 12] = [
    ("who", Kind::NoArg(NoArg::Who), "who is here, from where, since when"),
    ("kick", Kind::WithName(WithName::Kick), "puts a member out; it may come again"),
    ("ban", Kind::WithName(WithName::Ban), "keeps whoever has this name out for good, under any name"),
    ("unban", Kind::WithName(WithName::Unban), "lets it in again"),
    ("mute", Kind::WithName(WithName::Mute), "lets whoever has this name listen only"),
    ("unmute", Kind::WithName(WithName::Unmute), "lets it speak again"),
    ("bans", Kind::NoArg(NoArg::Bans), "who is banned or muted, since when"),
    ("release", Kind::WithName(WithName::Release), "frees a name for others, if its owner is away"),
    ("stats", Kind::NoArg(NoArg::Stats), "figures since the start"),
    ("invite", Kind::NoArg(NoArg::Invite), "what lets others in"),
    ("stop", Kind::NoArg(NoArg::Stop), "ends the room"),
    ("help", Kind::NoArg(NoArg::Help), "this"),
];

/// Understands a line. One that begins with `/` is a command; with `//`, a text that begins with `/`.
///
/// # Errors
/// [`InputError`].
pub fn parse(line: &str) -> Result<Input, InputError> {
    let line = line.trim();
    let Some(command) = line.strip_prefix('/').filter(|rest| !rest.starts_with('/')) else {
        let text = line.strip_prefix('/').unwrap_or(line);
        return Ok(if text.is_empty() { Input::Nothing } else { Input::Say(text.to_owned()) });
    };
    let (word, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let rest = rest.trim();
    let known = COMMANDS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(word));
    match known {
        None => Err(InputError::Unknown(word.to_owned())),
        Some((_, Kind::NoArg(command), _)) if rest.is_empty() => Ok(Input::NoArg(*command)),
        Some((word, Kind::NoArg(_), _)) => Err(InputError::UnexpectedArgument(word)),
        Some((word, Kind::WithName(_), _)) if rest.is_empty() => Err(InputError::NameMissing(word)),
        Some((_, Kind::WithName(command), _)) => Ok(Input::WithName(*command, rest.to_owned())),
    }
}

/// One line per command.
pub fn help() -> impl Iterator<Item = String> {
    let line = |(word, kind, does): &(&str, Kind, &str)| {
        let name = if matches!(kind, Kind::WithName(_)) { " NAME" } else { "" };
        format!("  {:<15} {does}", format!("/{word}{name}"))
    };
    COMMANDS.iter().map(line).chain(["  anything else   is said to the room".to_owned()])
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(word) => write!(f, "there is no command /{word}; /help lists all"),
            Self::NameMissing(word) => write!(f, "whose? /{word} NAME"),
            Self::UnexpectedArgument(word) => write!(f, "/{word} stands alone"),
        }
    }
}

impl std::error::Error for InputError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_begin_with_a_slash_and_all_else_is_said() {
        assert_eq!(parse("/who"), Ok(Input::NoArg(NoArg::Who)));
        assert_eq!(parse(" /KICK  Anna Lena \r"), Ok(Input::WithName(WithName::Kick, "Anna Lena".into())));
        assert_eq!(parse("dinner: /who?"), Ok(Input::Say("dinner: /who?".into())));
        assert_eq!(parse("//who"), Ok(Input::Say("/who".into())));
        assert_eq!((parse(""), parse("  ")), (Ok(Input::Nothing), Ok(Input::Nothing)));
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
            assert!(!matches!(parse(&format!("/{word} x")), Err(InputError::Unknown(_))));
        }
    }
}
