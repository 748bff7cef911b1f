//! Colours and attributes of roles. No information depends on colours alone: what matters is bold,
//! underlined or inverse, too.

use ratatui::style::{Color, Modifier, Style};

use crate::view::span::{Role, Span};

/// The colours of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// None.
    Monochrome,
    /// The 16 colours that the terminal defines.
    Sixteen,
    /// 256 colours, or more.
    Many,
}

impl Depth {
    /// Returns the colours that the environment allows: `NO_COLOR` (no-color.org), `TERM` and
    /// `COLORTERM`.
    #[must_use]
    pub fn of(no_color: Option<&str>, term: Option<&str>, colorterm: Option<&str>) -> Self {
        let term = term.unwrap_or_default();
        match colorterm {
            _ if no_color.is_some_and(|value| !value.is_empty()) || term.starts_with("vt") => Self::Monochrome,
            Some("truecolor" | "24bit") => Self::Many,
            _ if term.contains("256color") || term.contains("direct") => Self::Many,
            _ => Self::Sixteen,
        }
    }
}

/// The background of a terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Background {
    /// Dark.
    #[default]
    Dark,
    /// Light.
    Light,
}

impl Background {
    /// Returns the background that `COLORFGBG` names, as some terminals set it: the colours of text
    /// and background among the 16.
    #[must_use]
    pub fn of(colorfgbg: Option<&str>) -> Self {
        let background = colorfgbg.and_then(|colours| colours.rsplit(';').next()?.parse().ok());
        match background {
            Some(7 | 9..=15_u8) => Self::Light,
            _ => Self::Dark,
        }
    }
}

/// How roles are displayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// The colours that may be used.
    pub depth: Depth,
    /// The background that they are displayed on.
    pub background: Background,
}

/// Colours of names.
const NICKS: [Color; 12] = [
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
];

/// Colours of names among 256, that can be read on a dark background, and on a light one.
const NICKS_ON_DARK: [u8; 12] = [203, 114, 179, 75, 176, 80, 209, 150, 221, 111, 213, 116];
const NICKS_ON_LIGHT: [u8; 12] = [160, 28, 94, 26, 127, 30, 130, 64, 136, 62, 161, 24];

impl Theme {
    /// Returns the style of a span.
    #[must_use]
    pub fn style(self, span: &Span) -> Style {
        let mut style = self.role(span.role);
        if span.link.is_some() {
            style = style.add_modifier(Modifier::UNDERLINED);
        }
        if span.is_match {
            style = style.add_modifier(Modifier::REVERSED | Modifier::BOLD);
        }
        style
    }

    fn role(self, role: Role) -> Style {
        let plain = Style::new();
        let (bold, dim, reversed) = (Modifier::BOLD, Modifier::DIM, Modifier::REVERSED);
        match role {
            Role::Text | Role::Own | Role::Room => plain,
            Role::Time | Role::Presence | Role::Notice | Role::Day | Role::Border | Role::Placeholder => {
                plain.add_modifier(dim)
            }
            Role::Nick(colour) => self.coloured(self.nick(colour)),
            Role::OwnNick | Role::Prompt | Role::Heading | Role::RoomUnread => plain.add_modifier(bold),
            Role::Mention => self.coloured(Color::Yellow).add_modifier(bold),
            Role::RoomMention => self.coloured(Color::Yellow).add_modifier(bold | Modifier::UNDERLINED),
            // Nothing that a member writes is inverse.
            Role::Operator => plain.add_modifier(reversed),
            Role::Removed => plain.add_modifier(dim | Modifier::ITALIC),
            Role::Error => self.coloured(Color::Red),
            Role::Unread => self.coloured(Color::Red).add_modifier(bold),
            Role::Status | Role::Selected => plain.add_modifier(reversed),
            Role::StatusAlert => plain.add_modifier(reversed | bold),
        }
    }

    fn nick(self, colour: u8) -> Color {
        let at = usize::from(colour) % NICKS.len();
        match (self.depth, self.background) {
            (Depth::Many, Background::Dark) => Color::Indexed(NICKS_ON_DARK[at]),
            (Depth::Many, Background::Light) => Color::Indexed(NICKS_ON_LIGHT[at]),
            _ => NICKS[at],
        }
    }

    fn coloured(self, colour: Color) -> Style {
        if self.depth == Depth::Monochrome { Style::new() } else { Style::new().fg(colour) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_limits_the_colours() {
        assert_eq!(Depth::of(Some("1"), Some("xterm-256color"), Some("truecolor")), Depth::Monochrome);
        assert_eq!(Depth::of(Some(""), Some("xterm-256color"), None), Depth::Many);
        assert_eq!(Depth::of(None, Some("xterm"), Some("truecolor")), Depth::Many);
        assert_eq!(Depth::of(None, Some("linux"), None), Depth::Sixteen);
        assert_eq!(Depth::of(None, Some("vt220"), None), Depth::Monochrome);
        assert_eq!(Depth::of(None, None, None), Depth::Sixteen);
    }

    #[test]
    fn the_environment_names_the_background() {
        for (colours, expected) in [
            (Some("0;15"), Background::Light),
            (Some("0;default;7"), Background::Light),
            (Some("15;0"), Background::Dark),
            (Some("15;8"), Background::Dark),
            (Some("default"), Background::Dark),
            (None, Background::Dark),
        ] {
            assert_eq!(Background::of(colours), expected, "{colours:?}");
        }
    }

    #[test]
    fn without_colours_nothing_is_coloured() {
        let theme = Theme { depth: Depth::Monochrome, background: Background::Dark };
        for role in [Role::Nick(3), Role::Error, Role::Mention, Role::Unread, Role::RoomMention] {
            assert_eq!(theme.style(&Span::new(role, "x")).fg, None, "{role:?}");
        }
    }

    #[test]
    fn only_the_operator_is_inverse_in_a_transcript() {
        let theme = Theme { depth: Depth::Many, background: Background::Light };
        let is_inverse = |role| theme.style(&Span::new(role, "x")).add_modifier.contains(Modifier::REVERSED);
        assert!(is_inverse(Role::Operator));
        for role in [Role::Text, Role::Own, Role::Nick(1), Role::OwnNick, Role::Mention, Role::Presence, Role::Removed]
        {
            assert!(!is_inverse(role), "{role:?}");
        }
    }
}
