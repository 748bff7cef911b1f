//! Names of members and rooms (SPEC 6.6): which are allowed, and when two are the same.

use core::fmt;

/// A name that is allowed, in both of its forms.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    shown: String,
    folded: String,
}

/// Why a name is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing is left after normalisation.
    Empty,
    /// More than 32 bytes after normalisation.
    TooLong,
    /// A control, zero-width or bidirectional character, or one of `: ~ / @`.
    Character(char),
    /// A space at either end.
    EdgeSpace,
    /// Only the server is called so.
    Reserved,
}

impl Name {
    /// Checks and takes the name of a member.
    ///
    /// # Errors
    /// [`NameError`].
    pub fn new(name: &str) -> Result<Self, NameError> {
        let _ = name;
        todo!()
    }

    /// As it is shown: after NFKC.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// As it is compared: after NFKC and case folding.
    #[must_use]
    pub fn folded(&self) -> &str {
        &self.folded
    }
}

/// Checks the name of a room: the rule of members, with only lower-case ASCII letters, digits, `-` and `_`.
///
/// # Errors
/// [`NameError`].
pub fn check_room(name: &str) -> Result<(), NameError> {
    let _ = name;
    todo!()
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the name is empty"),
            Self::TooLong => f.write_str("the name is longer than 32 bytes"),
            Self::Character(character) => write!(f, "the name holds {character:?}, which is not allowed"),
            Self::EdgeSpace => f.write_str("the name begins or ends with a space"),
            Self::Reserved => f.write_str("this name is reserved"),
        }
    }
}

impl core::error::Error for NameError {}
