//! The commands of an operator, and how they are written: at the console, where any other line is a
//! text for the room, and for `kabar-server ctl`.

use kabar_std::invite::RoomName;

use super::invites::{ARGUMENTS, InviteCommand};
use super::rooms::{self, RoomCommand, is_topic};

/// One line of input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// An empty line.
    Nothing,
    /// A text for the room.
    Say(String),
    /// A command without an argument.
    NoArg(NoArg),
    /// A command, the name it applies to, and for some a reason after it.
    WithName(WithName, String),
    /// What to do with invites.
    Invite(InviteCommand),
    /// Makes another room the one that commands act on; `None`: show which one that is.
    Room(Option<RoomName>),
    /// What to do with rooms.
    Rooms(RoomCommand),
    /// Sets the topic of the room; `None`: show it.
    Topic(Option<String>),
    /// Removes the text of an entry for good; its seq.
    Delete(u64),
}

/// Commands without an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoArg {
    /// Lists the members who are here.
    Who,
    /// Lists bans and mutes.
    Bans,
    /// Lists operators and trusted members.
    Ops,
    /// Shows statistics.
    Stats,
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
    /// Makes an identity an operator.
    Op,
    /// Ends that.
    Deop,
    /// Accepts the posts of an identity at any rate.
    Trust,
    /// Ends that.
    Untrust,
    /// Lets in whoever waits for it.
    Accept,
    /// Refuses whoever waits to be let in.
    Reject,
}

impl Input {
    /// Whether a member who is an operator may do it from a client. The others are done by a client
    /// itself, or at the server only.
    #[must_use]
    pub const fn is_for_members(&self) -> bool {
        !matches!(
            self,
            Self::Say(_)
                | Self::Room(_)
                | Self::NoArg(NoArg::Stop)
                | Self::Invite(InviteCommand::List { with_secrets: true, .. })
        )
    }
}

impl WithName {
    /// Whether a reason may follow the name.
    #[must_use]
    pub const fn takes_reason(self) -> bool {
        matches!(self, Self::Kick | Self::Ban | Self::Mute)
    }
}

/// A command that is not valid. The first field is written before commands: `/` at the console.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// There is no such command.
    #[error("unknown command {0}{1} (see {0}help)")]
    Unknown(&'static str, String),
    /// The argument is missing or not valid; the command and its argument.
    #[error("usage: {0}{1}{2}")]
    ArgumentMissing(&'static str, &'static str, &'static str),
    /// The command takes no argument.
    #[error("{0}{1} takes no argument")]
    UnexpectedArgument(&'static str, &'static str),
}

enum Kind {
    NoArg(NoArg),
    WithName(WithName),
    Invite,
    Room,
    Topic,
    Say,
    Delete,
}

impl Kind {
    /// The argument, as the help shows it.
    fn argument(&self) -> &'static str {
        match self {
            Self::NoArg(_) => "",
            Self::WithName(WithName::Ban) => " NAME [all] [REASON]",
            Self::WithName(command) if command.takes_reason() => " NAME [REASON]",
            Self::WithName(_) => " NAME",
            Self::Invite => ARGUMENTS,
            Self::Room => rooms::ARGUMENTS,
            Self::Topic => " [TEXT]",
            Self::Say => " TEXT",
            Self::Delete => " SEQ",
        }
    }
}

/// Precedes a command at the console.
pub const SLASH: &str = "/";

/// Every command: its word, its kind, and its line of help.
const COMMANDS: [(&str, Kind, &str); 23] = [
    ("who", Kind::NoArg(NoArg::Who), "list members with address, time of arrival and round trip"),
    ("kick", Kind::WithName(WithName::Kick), "disconnect a member, who may rejoin"),
    (
        "ban",
        Kind::WithName(WithName::Ban),
        "refuse the owner of this name from now on, under any name; all: and their invite",
    ),
    ("unban", Kind::WithName(WithName::Unban), "lift a ban"),
    ("mute", Kind::WithName(WithName::Mute), "refuse the posts of the owner of this name"),
    ("unmute", Kind::WithName(WithName::Unmute), "lift a mute"),
    ("bans", Kind::NoArg(NoArg::Bans), "list bans and mutes"),
    ("release", Kind::WithName(WithName::Release), "free a name whose owner is away"),
    ("op", Kind::WithName(WithName::Op), "let a member operate this server from a client"),
    ("deop", Kind::WithName(WithName::Deop), "end that"),
    ("trust", Kind::WithName(WithName::Trust), "let a member post at any rate"),
    ("untrust", Kind::WithName(WithName::Untrust), "end that"),
    ("ops", Kind::NoArg(NoArg::Ops), "list operators and trusted members"),
    ("accept", Kind::WithName(WithName::Accept), "let in a newcomer who waits for it"),
    ("reject", Kind::WithName(WithName::Reject), "refuse a newcomer who waits to be let in"),
    ("delete", Kind::Delete, "remove the message with this number for good"),
    ("room", Kind::Room, "show or change the room that commands act on; list, create, change or close rooms"),
    ("topic", Kind::Topic, "show or set the topic of the room"),
    ("say", Kind::Say, "send a text to the room"),
    ("stats", Kind::NoArg(NoArg::Stats), "show statistics since the server started"),
    ("invite", Kind::Invite, "show an invite; list, make or revoke invites"),
    ("stop", Kind::NoArg(NoArg::Stop), "stop the server"),
    ("help", Kind::NoArg(NoArg::Help), "show this list"),
];

/// Parses a line of the console. A line that starts with `/` is a command; one that starts with
/// `//` is a text that starts with `/`.
///
/// # Errors
/// [`InputError`].
pub fn parse(line: &str) -> Result<Input, InputError> {
    let line = line.trim();
    if let Some(command) = line.strip_prefix(SLASH).filter(|rest| !rest.starts_with(SLASH)) {
        return parse_after(SLASH, command);
    }
    let text = line.strip_prefix(SLASH).unwrap_or(line);
    Ok(if text.is_empty() { Input::Nothing } else { Input::Say(text.to_owned()) })
}

/// Parses a command that is written without `/`.
///
/// # Errors
/// [`InputError`].
pub fn parse_command(line: &str) -> Result<Input, InputError> {
    let line = line.trim();
    if line.is_empty() { Ok(Input::Nothing) } else { parse_after("", line) }
}

/// Parses a command that was written after `prefix`.
fn parse_after(prefix: &'static str, command: &str) -> Result<Input, InputError> {
    let (word, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let rest = rest.trim();
    let Some((word, kind, _)) = COMMANDS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(word)) else {
        return Err(InputError::Unknown(prefix, word.to_owned()));
    };
    match kind {
        Kind::NoArg(command) if rest.is_empty() => Ok(Input::NoArg(*command)),
        Kind::NoArg(_) => Err(InputError::UnexpectedArgument(prefix, word)),
        Kind::Invite => {
            let usage = InputError::ArgumentMissing(prefix, word, ARGUMENTS);
            InviteCommand::parse(rest).map(Input::Invite).ok_or(usage)
        }
        Kind::Room if rest.is_empty() => Ok(Input::Room(None)),
        Kind::Topic if rest.is_empty() => Ok(Input::Topic(None)),
        _ if rest.is_empty() => Err(InputError::ArgumentMissing(prefix, word, kind.argument())),
        Kind::Room if RoomCommand::is_word(rest) => {
            let usage = InputError::ArgumentMissing(prefix, word, kind.argument());
            RoomCommand::parse(rest).map(Input::Rooms).ok_or(usage)
        }
        Kind::Room => match rest.parse() {
            Ok(name) => Ok(Input::Room(Some(name))),
            Err(_) => Err(InputError::ArgumentMissing(prefix, word, kind.argument())),
        },
        Kind::Topic if is_topic(rest) => Ok(Input::Topic(Some(rest.to_owned()))),
        Kind::Topic => Err(InputError::ArgumentMissing(prefix, word, " [TEXT of up to 200 bytes]")),
        Kind::WithName(command) => Ok(Input::WithName(*command, rest.to_owned())),
        Kind::Say => Ok(Input::Say(rest.to_owned())),
        Kind::Delete => {
            rest.parse().map(Input::Delete).map_err(|_| InputError::ArgumentMissing(prefix, word, kind.argument()))
        }
    }
}

/// Returns the help, one line per command; at the console, commands are written after `prefix`.
#[must_use]
pub fn help(prefix: &str) -> Vec<String> {
    let line = |(word, kind, help): &(&str, Kind, &str)| {
        format!("  {:<21} {help}", format!("{prefix}{word}{}", kind.argument()))
    };
    let other = (prefix == SLASH).then(|| "  anything else         is sent to the room".to_owned());
    COMMANDS.iter().map(line).chain(other).collect()
}

/// The words of all commands, and whether each takes an argument.
pub fn words() -> impl Iterator<Item = (&'static str, bool)> {
    COMMANDS.iter().map(|(word, kind, _)| (*word, !kind.argument().is_empty()))
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
        assert_eq!(parse("/say /who"), Ok(Input::Say("/who".into())));
        assert_eq!((parse(""), parse("  ")), (Ok(Input::Nothing), Ok(Input::Nothing)));
    }

    #[test]
    fn a_command_of_ctl_is_written_without_a_slash() {
        assert_eq!(parse_command("kick Anna Lena"), Ok(Input::WithName(WithName::Kick, "Anna Lena".into())));
        assert_eq!(parse_command(" say  hello, all "), Ok(Input::Say("hello, all".into())));
        assert_eq!((parse_command("Who"), parse_command("")), (Ok(Input::NoArg(NoArg::Who)), Ok(Input::Nothing)));
    }

    #[test]
    fn errors_name_the_command_and_point_to_help_or_usage() {
        let error = |line| parse(line).unwrap_err().to_string();
        assert_eq!(error("/kcik Ana"), "unknown command /kcik (see /help)");
        assert_eq!(
            (error("/ban"), error("/stop now")),
            ("usage: /ban NAME [all] [REASON]".into(), "/stop takes no argument".into())
        );
        assert!(error("/").contains("/help"));
        let error = |line| parse_command(line).unwrap_err().to_string();
        assert_eq!(
            (error("kcik Ana"), error("say")),
            ("unknown command kcik (see help)".into(), "usage: say TEXT".into())
        );
    }

    #[test]
    fn help_names_every_command() {
        let help = help(SLASH);
        assert_eq!((help.len(), super::help("").len()), (COMMANDS.len() + 1, COMMANDS.len()));
        for (word, ..) in &COMMANDS {
            assert!(help.iter().any(|line| line.contains(&format!("/{word}"))));
            assert!(!matches!(parse(&format!("/{word} x")), Err(InputError::Unknown(..))));
            assert!(!matches!(parse_command(word), Err(InputError::Unknown(..))));
        }
    }
}
