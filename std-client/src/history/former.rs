//! What an earlier version stored about ignored people and hidden joins, in a file per server and
//! identity. It is taken over once.
//!
//! ```text
//! preferences/SERVER.IDENTITY
//!   kabar preferences 1
//!   joins hidden        if they are
//!   ignore NAME         for each
//! ```
//! SERVER and IDENTITY are fingerprints.

use kabar_core::session::Fingerprint;
use kabar_std::data_dir::{DataDir, FileError, Unusable};
use kabar_std::invite::show_fingerprint;
use kabar_std::names::Name;

const VERSION: &str = "kabar preferences 1";
const HIDDEN: &str = "joins hidden";
const IGNORE: &str = "ignore ";

/// The content of such a file.
#[derive(Debug, Default)]
pub(super) struct FormerPreferences {
    pub(super) ignored: Vec<Name>,
    pub(super) hides_joins: bool,
}

impl FormerPreferences {
    /// Loads the file of the identity with the fingerprint `identity`, if there is one.
    pub(super) fn load(dir: &DataDir, server: &Fingerprint, identity: &str) -> Result<Self, FileError> {
        let file = format!("preferences/{}.{identity}", show_fingerprint(server));
        let Some(text) = dir.read(&file)? else { return Ok(Self::default()) };
        let damaged = || FileError::damaged(&dir.join(&file), Unusable::DamagedText);
        parse(&text).ok_or_else(damaged)
    }
}

fn parse(text: &str) -> Option<FormerPreferences> {
    let mut lines = text.lines().peekable();
    if lines.next()? != VERSION {
        return None;
    }
    let hides_joins = lines.next_if_eq(&HIDDEN).is_some();
    let ignored: Option<Vec<_>> = lines.map(|line| Name::existing(line.strip_prefix(IGNORE)?).ok()).collect();
    Some(FormerPreferences { ignored: ignored?, hides_joins })
}
