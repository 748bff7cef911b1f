//! Commands to a device: `@name word`. Everything else in the room is between other members.

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `@name status`
    Status,
    /// `@name led on`, `@name led off`
    Led(bool),
    /// `@name uptime`
    Uptime,
    /// A message to the device that is not a command it knows.
    Unknown,
}

/// All commands, for the answer to an unknown one.
pub(super) const WORDS: &str = "status, led on, led off, uptime";

impl Command {
    /// Parses a text for the device called `name`; `None`: it is not addressed to the device. ASCII
    /// letters may be of either case.
    #[must_use]
    pub fn parse(name: &str, text: &str) -> Option<Self> {
        let rest = text.strip_prefix('@')?;
        let (called, rest) = (rest.get(..name.len())?, rest.get(name.len()..)?);
        // Names may contain spaces, so the name is compared as a whole; `@probe2` is not `@probe`.
        if name.is_empty()
            || !called.eq_ignore_ascii_case(name)
            || !(rest.is_empty() || rest.starts_with([' ', ':', ',']))
        {
            return None;
        }
        let mut words = rest.trim_start_matches([':', ',']).split_ascii_whitespace();
        let is = |word: Option<&str>, wanted: &str| word.is_some_and(|word| word.eq_ignore_ascii_case(wanted));
        let (first, second, third) = (words.next(), words.next(), words.next());
        Some(match (second, third) {
            (None, _) if is(first, "status") => Self::Status,
            (None, _) if is(first, "uptime") => Self::Uptime,
            (Some(_), None) if is(first, "led") && is(second, "on") => Self::Led(true),
            (Some(_), None) if is(first, "led") && is(second, "off") => Self::Led(false),
            _ => Self::Unknown,
        })
    }
}

#[cfg(all(test, feature = "host"))]
mod tests {
    use super::*;

    #[test]
    fn parses_each_command() {
        for (text, command) in [
            ("@probe status", Command::Status),
            ("@Probe  STATUS ", Command::Status),
            ("@probe: uptime", Command::Uptime),
            ("@probe, led on", Command::Led(true)),
            ("@probe led off", Command::Led(false)),
            ("@probe", Command::Unknown),
            ("@probe led", Command::Unknown),
            ("@probe led on off", Command::Unknown),
            ("@probe status now", Command::Unknown),
            ("@probe reboot", Command::Unknown),
        ] {
            assert_eq!(Command::parse("probe", text), Some(command), "{text}");
        }
        assert_eq!(Command::parse("the probe", "@the probe status"), Some(Command::Status));
    }

    #[test]
    fn ignores_texts_to_other_members() {
        for text in [
            "",
            "@",
            "status",
            "probe status",
            " @probe status",
            "@probe2 status",
            "@prob status",
            "hi @probe",
            "@\u{e9}\u{e9}\u{e9}",
        ] {
            assert_eq!(Command::parse("probe", text), None, "{text}");
        }
        assert_eq!(Command::parse("", "@ status"), None);
    }
}
