//! Parses a line that an operator typed: a command, or a text for the room.

/// One line of input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// An empty line.
    Nothing,
    /// A text for the room.
    Say(String),
    /// A command without an argument.
    NoArg(NoArg),
    /// A command and the name it applies to.
    WithName(WithName, String),
}

/// Commands without an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoArg {
    /// Lists the members who are here.
    Who,
    /// Lists bans and mutes.
    Bans,
    /// Shows statistics.
    Stats,
    /// Shows the invite.
    Invite,
    /// Stops the server.
    Stop,
    /// Lists the commands.
    Help,
}

/// Commands that apply to a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithName {
    /// Disconnects a member.
    Kick,
    /// Refuses an identity from now on.
    Ban,
    /// Lifts a ban.
    Unban,
    /// Refuses the posts of an identity.
    Mute,
    /// Lifts a mute.
    Unmute,
    /// Ends the ownership of a name.
    Release,
}

/// A line that starts with `/` but is not a valid command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// There is no such command.
    #[error("unknown command /{0} (see /help)")]
    Unknown(String),
    /// The name is missing.
    #[error("usage: /{0} NAME")]
    NameMissing(&'static str),
    /// The command takes no argument.
    #[error("/{0} takes no argument")]
    UnexpectedArgument(&'static str),
}

enum Kind {
    NoArg(NoArg),
    WithName(WithName),
}

/// Every command: its word, its kind, and its line of help.
const COMMANDS: [(&str, Kind, &str); 12] = [
    ("who", Kind::NoArg(NoArg::Who), "list members with address, time of arrival and round trip"),
    ("kick", Kind::WithName(WithName::Kick), "disconnect a member, who may rejoin"),
    ("ban", Kind::WithName(WithName::Ban), "refuse the owner of this name from now on, under any name"),
    ("unban", Kind::WithName(WithName::Unban), "lift a ban"),
    ("mute", Kind::WithName(WithName::Mute), "refuse the posts of the owner of this name"),
    ("unmute", Kind::WithName(WithName::Unmute), "lift a mute"),
    ("bans", Kind::NoArg(NoArg::Bans), "list bans and mutes"),
    ("release", Kind::WithName(WithName::Release), "free a name whose owner is away"),
    ("stats", Kind::NoArg(NoArg::Stats), "show statistics since the server started"),
    ("invite", Kind::NoArg(NoArg::Invite), "show the invite"),
    ("stop", Kind::NoArg(NoArg::Stop), "stop the server"),
    ("help", Kind::NoArg(NoArg::Help), "show this list"),
];

/// Parses a line. A line that starts with `/` is a command; one that starts with `//` is a text
/// that starts with `/`.
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

/// Returns the help: one line per command.
pub fn help() -> impl Iterator<Item = String> {
    let line = |(word, kind, help): &(&str, Kind, &str)| {
        let name = if matches!(kind, Kind::WithName(_)) { " NAME" } else { "" };
        format!("  {:<15} {help}", format!("/{word}{name}"))
    };
    COMMANDS.iter().map(line).chain(["  anything else   is sent to the room".to_owned()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_a_slash_is_a_command_and_any_other_is_a_post() {
        assert_eq!(parse("/who"), Ok(Input::NoArg(NoArg::Who)));
        assert_eq!(parse(" /KICK  Anna Lena \r"), Ok(Input::WithName(WithName::Kick, "Anna Lena".into())));
        assert_eq!(parse("dinner: /who?"), Ok(Input::Say("dinner: /who?".into())));
        assert_eq!(parse("//who"), Ok(Input::Say("/who".into())));
        assert_eq!((parse(""), parse("  ")), (Ok(Input::Nothing), Ok(Input::Nothing)));
    }

    #[test]
    fn errors_name_the_command_and_point_to_help_or_usage() {
        let error = |line| parse(line).unwrap_err().to_string();
        assert_eq!(error("/kcik Ana"), "unknown command /kcik (see /help)");
        assert_eq!((error("/ban"), error("/stop now")), ("usage: /ban NAME".into(), "/stop takes no argument".into()));
        assert!(error("/").contains("/help"));
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
