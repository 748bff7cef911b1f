//! Moves within a slice, without a branch that panics. `copy_within` has several, and each takes
//! flash on a device.

use core::ops::Range;

/// Moves the elements of `from` so that they begin at `to`. Both have to be within the slice; if
/// they are not, nothing is moved.
pub(crate) fn move_within<T: Copy>(slice: &mut [T], from: Range<usize>, to: usize) {
    // With one bound at an end of the part, the compiler sees that none of the checks fails.
    if let Some(by) = from.start.checked_sub(to) {
        if let Some(part) = slice.get_mut(to..from.end)
            && by <= part.len()
        {
            part.copy_within(by.., 0);
        }
    } else if let Some(by) = to.checked_sub(from.start)
        && let Some(part) = slice.get_mut(from.start..from.end.saturating_add(by))
        && let Some(len) = part.len().checked_sub(by)
    {
        part.copy_within(..len, by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_copy_within() {
        let all: [u8; 9] = core::array::from_fn(|at| at as u8);
        for start in 0..=all.len() {
            for end in start..=all.len() {
                for to in 0..=all.len() - (end - start) {
                    let (mut moved, mut expected) = (all, all);
                    move_within(&mut moved, start..end, to);
                    expected.copy_within(start..end, to);
                    let target = to..to + (end - start);
                    assert_eq!(moved[target.clone()], expected[target], "{start}..{end} to {to}");
                    // What is neither the source nor the target is as it was.
                    let others = (0..all.len()).filter(|at| !(start.min(to)..end.max(to + (end - start))).contains(at));
                    others.for_each(|at| assert_eq!(moved[at], all[at]));
                }
            }
        }
    }

    #[test]
    fn what_is_not_within_the_slice_is_not_moved() {
        let most = usize::MAX;
        for [start, end, to] in [[1, 4, 0], [0, 2, 2], [2, 1, 0], [0, most, 1], [most - 1, most, most], [most, most, 0]]
        {
            let mut all = [1, 2, 3];
            move_within(&mut all, start..end, to);
            assert_eq!(all, [1, 2, 3]);
        }
    }
}
