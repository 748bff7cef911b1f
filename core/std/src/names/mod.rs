//! Names of members (SPEC 6.6): which are allowed, when two are the same, and when two look alike.
//!
//! `confusables`: skeletons and mixed scripts, after Unicode Technical Standard 39. `direction`:
//! letters that are written from right to left.

mod confusables;
mod direction;

use core::fmt;

use kabar_core::chat::MAX_NAME_LEN;
use unicode_normalization::UnicodeNormalization as _;
use unicode_script::Script;

/// Names that no member has: the author of what the server writes, and words for who runs it.
const RESERVED: [&str; 6] = ["server", "operator", "admin", "administrator", "moderator", "system"];

/// What the name of a classic member ends with (SPEC 6.6, 11.3). No other name contains it.
pub const CLASSIC_MARK: char = '~';

/// The name of a member, as it is displayed and as it is compared.
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
    /// This reserved name.
    Reserved(&'static str),
    /// It looks like this reserved name.
    LooksReserved(&'static str),
    /// Letters of these two scripts.
    MixedScripts(Script, Script),
    /// Letters that are written from right to left, beside something that may be displayed on
    /// either side of them.
    Direction,
}

impl Name {
    /// Checks and normalises a name that nobody has yet.
    ///
    /// # Errors
    /// [`NameError`].
    pub fn new(name: &str) -> Result<Self, NameError> {
        let name = Self::existing(name)?;
        if name.is_classic() {
            return Err(NameError::Character(CLASSIC_MARK));
        }
        name.check_new()?;
        Ok(name)
    }

    /// Checks and normalises the name that a classic member states, and marks it.
    ///
    /// # Errors
    /// [`NameError`].
    pub fn classic(stated: &str) -> Result<Self, NameError> {
        let name = Self::new(stated)?;
        Self::existing(&format!("{}{CLASSIC_MARK}", name.shown))
    }

    /// Checks that it is marked if its member is a classic one, and only then.
    ///
    /// # Errors
    /// [`NameError::Character`].
    pub fn for_member(self, is_classic: bool) -> Result<Self, NameError> {
        if self.is_classic() == is_classic { Ok(self) } else { Err(NameError::Character(CLASSIC_MARK)) }
    }

    /// Whether it is the marked name of a classic member.
    #[must_use]
    pub fn is_classic(&self) -> bool {
        self.shown.ends_with(CLASSIC_MARK)
    }

    /// Normalises a name that somebody may have already: one that was stored, that its owner joins
    /// with, or that an operator typed. It may be a name that is not allowed for others
    /// ([`Self::check_new`]).
    ///
    /// # Errors
    /// [`NameError`].
    pub fn existing(name: &str) -> Result<Self, NameError> {
        // SPEC 6.6. A name that is far too long is not normalised.
        if name.len() > 8 * MAX_NAME_LEN {
            return Err(NameError::TooLong);
        }
        let shown: String = name.nfkc().collect();
        if shown.is_empty() {
            return Err(NameError::Empty);
        }
        if shown.len() > MAX_NAME_LEN {
            return Err(NameError::TooLong);
        }
        let unmarked = shown.strip_suffix(CLASSIC_MARK).filter(|unmarked| !unmarked.is_empty()).unwrap_or(&shown);
        if let Some(character) = unmarked.chars().find(|character| !is_allowed(*character)) {
            return Err(NameError::Character(character));
        }
        if unmarked.starts_with(char::is_whitespace) || unmarked.ends_with(char::is_whitespace) {
            return Err(NameError::EdgeSpace);
        }
        let folded = fold(&shown);
        Ok(Self { shown, folded })
    }

    /// Checks whether an identity that does not have the name yet may take it: it neither is nor
    /// looks like a reserved name, its letters are of one script, and they are displayed in one
    /// order (SPEC 6.6).
    ///
    /// # Errors
    /// [`NameError::Reserved`], [`NameError::LooksReserved`], [`NameError::MixedScripts`],
    /// [`NameError::Direction`].
    pub fn check_new(&self) -> Result<(), NameError> {
        let skeleton = self.skeleton();
        for reserved in RESERVED {
            if self.folded == reserved {
                return Err(NameError::Reserved(reserved));
            }
            if skeleton == confusables::skeleton(reserved) {
                return Err(NameError::LooksReserved(reserved));
            }
        }
        if let Some((one, other)) = confusables::mixed_scripts(&self.shown) {
            return Err(NameError::MixedScripts(one, other));
        }
        if direction::is_unambiguous(&self.shown) { Ok(()) } else { Err(NameError::Direction) }
    }

    /// Returns the name as it is displayed: after NFKC.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Returns the name as it is compared: after NFKC and case folding.
    #[must_use]
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// Computes what the name looks like: two names with the same skeleton can be taken for each
    /// other. It is not meant to be displayed.
    ///
    /// Names that differ in case only can have different skeletons (`в` looks like no Latin letter,
    /// `В` like a B): two names collide if their folded forms or their skeletons are equal.
    #[must_use]
    pub fn skeleton(&self) -> String {
        confusables::skeleton(&self.shown)
    }
}

/// Case folding, then NFKC again. The lower case of the upper case equates everything that default
/// case folding equates, and a few letters more (a dotless i becomes an i): names that look the
/// same are the same.
fn fold(shown: &str) -> String {
    shown.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect()
}

/// Rejects control, zero-width and bidirectional characters (Unicode's
/// Default_Ignorable_Code_Point, and the line separators), and `: ~ / @`.
fn is_allowed(character: char) -> bool {
    let is_invisible = matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}');
    !character.is_control() && !is_invisible && !":~/@".contains(character)
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the name is empty"),
            Self::TooLong => f.write_str("the name is longer than 32 bytes"),
            Self::Character(character) => write!(f, "the name contains {character:?}, which is not allowed"),
            Self::EdgeSpace => f.write_str("the name begins or ends with a space"),
            Self::Reserved(word) => write!(f, "the name {word:?} is reserved"),
            Self::LooksReserved(word) => write!(f, "the name looks like {word:?}, which is reserved"),
            Self::MixedScripts(one, other) => {
                let (one, other) = (one.full_name(), other.full_name());
                write!(f, "the name mixes {one} and {other} letters, which can look alike")
            }
            Self::Direction => f.write_str(
                "the name has letters that are written from right to left: it must begin with one of them, and end \
                 with one or with a digit",
            ),
        }
    }
}

impl core::error::Error for NameError {}

#[cfg(test)]
mod tests;
