use proptest::prelude::*;

use super::*;

fn prefix(text: &str) -> Prefix {
    Prefix::of(text.parse().expect("an address"))
}

fn v4(host: u8) -> Prefix {
    Prefix::of(([10, 0, 0, host], 1).into())
}

fn v6(site: u16, subnet: u16) -> Prefix {
    prefix(&format!("[2001:db8:{site:x}:{subnet:x}::1]:1"))
}

fn shares(entries: &[(u32, Prefix)]) -> Shares<u32> {
    let mut shares = Shares::new();
    entries.iter().for_each(|(key, prefix)| shares.insert(*key, *prefix));
    shares
}

#[test]
fn a_newcomer_displaces_the_oldest_entry_of_the_heaviest_prefix() {
    let mut shares = shares(&[(1, v4(1)), (2, v4(2)), (3, v4(2)), (4, v4(2))]);
    assert_eq!(shares.displaced_by(v4(3)), Some(2));
    shares.remove(&2);
    assert_eq!(shares.displaced_by(v4(3)), Some(3));
    // Its own prefix is the heaviest, or would be.
    assert_eq!(shares.displaced_by(v4(2)), None);
    assert_eq!(shares.displaced_by(v4(1)), None);
}

#[test]
fn equally_light_prefixes_do_not_displace_each_other() {
    let shares = shares(&[(1, v4(1)), (2, v4(2)), (3, v6(1, 1))]);
    assert_eq!(shares.displaced_by(v4(3)), None);
}

#[test]
fn the_many_64s_of_one_48_are_one_heavy_prefix() {
    let mut entries: Vec<(u32, Prefix)> = (0..300).map(|at| (u32::from(at), v6(1, at))).collect();
    entries.extend([(1_000, v4(1)), (1_001, v4(1)), (1_002, v6(2, 0))]);
    let shares = shares(&entries);
    // All of the site's homes are light; the one with most links loses its oldest.
    let displaced = shares.displaced_by(v4(2)).expect("one of the site");
    assert!(displaced < 300, "{displaced}");
    assert_eq!(shares.displaced_by(v6(1, 999)), Some(0), "another home of the same site");
    assert_eq!(shares.displaced_by(v6(1, 7)), None, "a link of the heaviest home");
    assert_eq!(shares.weight(v6(1, 0), 0), 300);
}

#[test]
fn removing_entries_empties_all_indexes() {
    let mut shares = shares(&[(1, v6(1, 1)), (2, v6(1, 2)), (1, v4(1))]);
    assert_eq!((shares.len(), shares.contains(&1), shares.weight(v6(1, 1), NARROWEST)), (2, true, 0));
    shares.remove(&1);
    shares.remove(&2);
    shares.remove(&2);
    assert_eq!((shares.len(), shares.heaviest_oldest()), (0, None));
    assert!(shares.order.is_empty() && shares.weights.iter().all(BTreeMap::is_empty));
    assert!(shares.by_weight.iter().all(BTreeSet::is_empty));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// In a full table of `size` places, one site that comes as often as it likes keeps nobody out
    /// whose site is light.
    #[test]
    fn a_heavy_site_never_displaces_a_lighter_one(
        arrivals in proptest::collection::vec((any::<bool>(), 0..2_000u16), 1..200),
        size in 4..40usize,
    ) {
        let mut shares = Shares::new();
        let admit = |shares: &mut Shares<u32>, key: u32, prefix: Prefix| {
            if shares.len() >= size {
                let Some(displaced) = shares.displaced_by(prefix) else { return false };
                shares.remove(&displaced);
            }
            shares.insert(key, prefix);
            true
        };
        let mut lights = Vec::new();
        for (key, (is_flood, subnet)) in (0..).zip(arrivals) {
            if is_flood || lights.len() + 2 > size / 2 {
                admit(&mut shares, key, v6(1, subnet));
            } else {
                let light = v4(key as u8);
                prop_assert!(admit(&mut shares, key, light));
                lights.push(key);
            }
            prop_assert!(lights.iter().all(|key| shares.contains(key)));
        }
    }
}
