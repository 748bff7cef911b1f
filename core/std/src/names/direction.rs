//! Names with letters that are written from right to left. Displayed, such letters change the order
//! of what stands beside them: `אב1` and `1אב` can look the same. The rule for labels of domain
//! names (RFC 5893, section 2) excludes that: no two names that follow it are displayed alike.

use unicode_bidi::BidiClass::{self, AL, AN, BN, CS, EN, ES, ET, NSM, ON, R, WS};
use unicode_bidi::bidi_class;

/// Whether a name is displayed as no other one is: nothing in it is written from right to left, or
/// it follows the rule. Spaces count as punctuation, and marks stand on letters only. A name of
/// digits and punctuation alone is meant for lines from left to right, as the programs write them.
pub(super) fn is_unambiguous(shown: &str) -> bool {
    let classes = || shown.chars().map(bidi_class);
    if !classes().any(|class| matches!(class, R | AL | AN)) {
        return true;
    }
    let has = |one: BidiClass| classes().any(|class| class == one);
    let is_allowed = |class| matches!(class, R | AL | AN | EN | ES | CS | ET | ON | BN | NSM | WS);
    let is_after_letter = |(before, class)| class != NSM || matches!(before, R | AL | NSM);
    let last = classes().rfind(|class| *class != NSM);
    matches!(classes().next(), Some(R | AL))
        && classes().all(is_allowed)
        && classes().zip(classes().skip(1)).all(is_after_letter)
        && matches!(last, Some(R | AL | EN | AN))
        && !(has(EN) && has(AN))
}
