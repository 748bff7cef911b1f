//! What leaves the screen: a bell, a notification (OSC 9), the title of the window, and what is
//! copied (OSC 52).

use std::io::{self, Write};

use data_encoding::BASE64;

/// How a mention is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notifications {
    /// By a bell.
    pub has_bell: bool,
    /// By a notification of the desktop, if the terminal can.
    pub has_desktop: bool,
}

impl Default for Notifications {
    fn default() -> Self {
        Self { has_bell: true, has_desktop: true }
    }
}

impl Notifications {
    /// Reports a text.
    pub(super) fn send(self, out: &mut impl Write, text: &str) -> io::Result<()> {
        if self.has_bell {
            out.write_all(b"\x07")?;
        }
        if self.has_desktop {
            write!(out, "\x1b]9;{}\x1b\\", without_controls(text))?;
        }
        out.flush()
    }
}

/// Sets the title of the window.
pub(super) fn set_title(out: &mut impl Write, title: &str) -> io::Result<()> {
    write!(out, "\x1b]2;{}\x1b\\", without_controls(title))
}

/// Copies a text to the clipboard of the terminal, if that permits it.
pub(super) fn copy(out: &mut impl Write, text: &str) -> io::Result<()> {
    write!(out, "\x1b]52;c;{}\x1b\\", BASE64.encode(text.as_bytes()))?;
    out.flush()
}

/// A control character would end the sequence, and begin another one.
fn without_controls(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cannot_end_the_sequence() {
        let mut out = Vec::new();
        let text = "a\x07\x1b\\\u{9c}b";
        Notifications { has_bell: false, has_desktop: true }.send(&mut out, text).unwrap();
        set_title(&mut out, text).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "\x1b]9;a\\b\x1b\\\x1b]2;a\\b\x1b\\");
        let mut out = Vec::new();
        copy(&mut out, text).unwrap();
        assert_eq!(out, b"\x1b]52;c;YQcbXMKcYg==\x1b\\");
        let mut out = Vec::new();
        Notifications { has_bell: true, has_desktop: false }.send(&mut out, "x").unwrap();
        assert_eq!(out, b"\x07");
    }
}
