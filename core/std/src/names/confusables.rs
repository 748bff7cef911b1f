//! Names that can be taken for each other (SPEC 6.6), by the data of Unicode Technical Standard 39.

use unicode_script::{Script, ScriptExtension, UnicodeScript as _};
use unicode_security::mixed_script::AugmentedScriptSet;

use super::fold;

/// Rounds after which the skeleton of no known string changes. One letter needs two.
const MAX_ROUNDS: usize = 8;

/// Replaces every character by the one it looks like: the skeleton of UTS 39, case folding, `l` for
/// `i`, and one space for several, until nothing changes.
///
/// `l` for `i`: capital I looks like l, and case does not count.
pub(super) fn skeleton(shown: &str) -> String {
    let mut skeleton = shown.to_owned();
    for _ in 0..MAX_ROUNDS {
        let prototypes: String = unicode_security::skeleton(&skeleton).collect();
        let folded = fold(&prototypes).replace('i', "l");
        let next = folded.split_whitespace().collect::<Vec<_>>().join(" ");
        if next == skeleton {
            break;
        }
        skeleton = next;
    }
    skeleton
}

/// Returns two scripts of the name that are not written together: those that take it beyond the
/// level *Highly Restrictive* of UTS 39. That level allows one script, and Latin with the scripts
/// of Chinese, Japanese or Korean. Digits, punctuation and symbols belong to every script.
pub(super) fn mixed_scripts(shown: &str) -> Option<(Script, Script)> {
    let mut scripts = Scripts::default();
    let last = shown.chars().find(|character| !scripts.add(*character))?;
    let conflicts = |earlier: &char| {
        let mut pair = Scripts::default();
        !pair.add(*earlier) || !pair.add(last)
    };
    // Three characters may conflict where no two do: some belong to several scripts.
    let first = shown.chars().find(conflicts).or_else(|| shown.chars().next())?;
    Some((first.script(), last.script()))
}

/// The scripts to which all characters so far belong.
#[derive(Default)]
struct Scripts {
    all: AugmentedScriptSet,
    all_but_latin: AugmentedScriptSet,
}

impl Scripts {
    /// Adds a character. Returns whether the level is still at most *Highly Restrictive*.
    fn add(&mut self, character: char) -> bool {
        let scripts = AugmentedScriptSet::from(ScriptExtension::from(character));
        self.all.intersect_with(scripts);
        if !scripts.base.contains_script(Script::Latin) {
            self.all_but_latin.intersect_with(scripts);
        }
        let AugmentedScriptSet { hanb, jpan, kore, .. } = self.all_but_latin;
        !self.all.is_empty() || hanb || jpan || kore
    }
}
