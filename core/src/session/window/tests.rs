use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[test]
fn remembers_exactly_1024_numbers() {
    let mut window = ReplayWindow::new();
    window.insert(0);
    window.insert(1023);
    assert_eq!(window.look_up(0), Seen::Before);
    window.insert(1024);
    assert_eq!(window.look_up(0), Seen::TooOld);
    assert_eq!(window.look_up(1), Seen::Fresh);
    assert_eq!(size_of_val(&window.seen), 128);
}

#[test]
fn skipped_numbers_are_not_seen() {
    let mut window = ReplayWindow::new();
    (0..1024).for_each(|number| window.insert(number));
    window.insert(1030);
    assert!((1024..1030).all(|number| window.look_up(number) == Seen::Fresh));
    assert_eq!(window.look_up(1023), Seen::Before);
}

#[test]
fn clears_all_numbers_after_a_large_jump() {
    let mut window = ReplayWindow::new();
    (0..1024).for_each(|number| window.insert(number));
    window.insert(5000);
    assert_eq!(window.look_up(5000 - 1023), Seen::Fresh);
    assert_eq!(window.look_up(5000 - 1024), Seen::TooOld);
    assert_eq!(window.look_up(5000), Seen::Before);
}

proptest! {
    #[test]
    fn agrees_with_a_model_set(
        start in prop::sample::select(&[0u64, 1 << 20, (1 << 62) - 9000][..]),
        steps in prop::collection::vec(prop_oneof![-1100i64..20, 0i64..4, -2i64..2000], 1..400),
    ) {
        let mut window = ReplayWindow::new();
        let mut set = BTreeSet::new();
        let mut at = start;
        for step in steps {
            let number = at.saturating_add_signed(step).min((1 << 62) - 1);
            let highest = set.last().copied();
            let expected = if highest.is_none_or(|highest| number > highest) {
                Seen::Newest
            } else if number + 1024 <= highest.unwrap_or(0) {
                Seen::TooOld
            } else if set.contains(&number) {
                Seen::Before
            } else {
                Seen::Fresh
            };
            prop_assert_eq!(window.look_up(number), expected);
            if matches!(expected, Seen::Newest | Seen::Fresh) {
                window.insert(number);
                set.insert(number);
                at = at.max(number);
            }
        }
    }
}
