use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::vec::Vec;

fn set<const N: usize>(spans: &[(u64, u64)]) -> RangeSet<ArrayRanges<N>> {
    let mut set = RangeSet::EMPTY;
    spans.iter().for_each(|&(start, end)| set.insert(Span::new(start, end)).unwrap());
    set
}

fn pairs<const N: usize>(set: &RangeSet<ArrayRanges<N>>) -> Vec<(u64, u64)> {
    set.as_slice().iter().map(|span| (span.start, span.end)).collect()
}

#[test]
fn joins_adjacent_ranges() {
    assert_eq!(pairs(&set::<4>(&[(0, 2), (4, 6), (8, 9), (2, 4)])), [(0, 6), (8, 9)]);
    assert_eq!(pairs(&set::<4>(&[(0, 2), (4, 6), (8, 9), (1, 9)])), [(0, 9)]);
}

#[test]
fn a_full_set_refuses_a_new_range_unchanged() {
    let mut full = set::<2>(&[(0, 2), (4, 6)]);
    assert_eq!(full.insert(Span::new(8, 9)), Err(SetFull));
    assert_eq!(full.remove(Span::new(1, 1)), Ok(()));
    assert_eq!(pairs(&full), [(0, 2), (4, 6)]);
    assert_eq!(full.insert(Span::new(6, 9)), Ok(()));
    assert_eq!(full.remove(Span::new(5, 6)), Err(SetFull));
    assert_eq!(pairs(&full), [(0, 2), (4, 9)]);
}

#[test]
fn bridges_to_the_nearest_neighbour_when_full() {
    let mut full = set::<2>(&[(10, 20), (40, 50)]);
    full.insert_or_bridge(Span::new(22, 24));
    assert_eq!(pairs(&full), [(10, 24), (40, 50)]);
    full.insert_or_bridge(Span::new(36, 38));
    assert_eq!(pairs(&full), [(10, 24), (36, 50)]);
    full.insert_or_bridge(Span::new(1, 2));
    assert_eq!(pairs(&full), [(1, 24), (36, 50)]);
    full.insert_or_bridge(Span::new(90, 91));
    assert_eq!(pairs(&full), [(1, 24), (36, 91)]);
}

proptest! {
    #[test]
    fn behaves_like_a_set_of_numbers(
        steps in proptest::collection::vec((0..3_u8, 0..60_u64, 0..12_u64), 0..80),
    ) {
        let mut set = RangeSet::<ArrayRanges<4>>::EMPTY;
        let mut model = BTreeSet::new();
        for (what, start, len) in steps {
            let (before, span) = (pairs(&set), Span::new(start, start + len));
            match what {
                0 => match set.insert(span) {
                    Ok(()) => model.extend(start..start + len),
                    Err(SetFull) => prop_assert_eq!(pairs(&set), before),
                },
                1 => match set.remove(span) {
                    Ok(()) => model.retain(|number| !(start..start + len).contains(number)),
                    Err(SetFull) => prop_assert_eq!(pairs(&set), before),
                },
                _ => {
                    set.insert_or_bridge(span);
                    model.extend(start..start + len);
                    let now: BTreeSet<_> = pairs(&set).iter().flat_map(|&(start, end)| start..end).collect();
                    prop_assert!(model.is_subset(&now));
                    model = now;
                }
            }
            let now: BTreeSet<_> = pairs(&set).iter().flat_map(|&(start, end)| start..end).collect();
            prop_assert_eq!(&now, &model);
            prop_assert!(pairs(&set).windows(2).all(|pair| pair[0].1 < pair[1].0));
            prop_assert_eq!(set.covers(span), (start..start + len).all(|number| model.contains(&number)));
        }
    }
}
