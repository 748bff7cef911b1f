use std::vec::Vec;

use proptest::prelude::*;

use super::super::outboard_len;
use super::super::testing::{LENGTHS, content, outboard, tree};
use super::*;

/// The root and the parents, of a content in pieces of `piece_len` bytes.
fn build(content: &[u8], piece_len: usize) -> (Root, Vec<u8>) {
    let (mut builder, mut parents) = (OutboardBuilder::new(), Vec::new());
    let mut emit = |parent: &[u8; PARENT_LEN]| {
        parents.extend_from_slice(parent);
        Ok::<_, Infallible>(())
    };
    for mut piece in content.chunks(piece_len) {
        let Ok(()) = builder.update(&mut piece, &mut emit);
        assert!(piece.is_empty());
    }
    let Ok(root) = builder.finish(&mut emit);
    assert_eq!(builder.root(), root, "a builder can be asked again");
    (root, parents)
}

#[test]
fn the_root_is_the_blake3_hash() {
    for len in LENGTHS {
        let content = content(len);
        assert_eq!(build(&content, 5000).0, Root::of(&content), "{len}");
    }
}

#[test]
fn roots_agree_with_official_vectors() {
    for (len, root) in [
        (0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
        (1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"),
        (1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"),
        (5121, "628bd2cb2004694adaab7bbd778a25df25c47b9d4155a55f8fbd79f2fe154cff"),
    ] {
        assert_eq!(std::format!("{}", build(&content(len), 1000).0), root);
    }
}

#[test]
fn parents_are_in_post_order() {
    for len in LENGTHS {
        let content = content(len);
        let (_, parents) = build(&content, GROUP_LEN);
        let (_, nodes) = tree(&content);
        assert_eq!(parents.len() as u64, outboard_len(len as u64), "{len}");
        for node in nodes.iter().filter(|node| node.is_parent) {
            let at = node.index as usize * PARENT_LEN;
            assert!(parents[at..at + PARENT_LEN] == node.bytes, "{len} {}", node.index);
        }
    }
}

#[test]
fn a_parent_that_was_not_stored_is_passed_again() {
    let content = content(7 * GROUP_LEN + 1);
    let (mut builder, mut parents, mut count) = (OutboardBuilder::new(), Vec::new(), 0);
    let mut emit = |parent: &[u8; PARENT_LEN]| {
        count += 1;
        if count % 2 == 1 {
            return Err(());
        }
        parents.extend_from_slice(parent);
        Ok(())
    };
    let mut rest = &content[..];
    let mut errors = 0;
    while builder.update(&mut rest, &mut emit).is_err() {
        errors += 1;
    }
    assert!(errors > 0 && rest.is_empty());
    let expected = outboard(&content);
    assert_eq!(builder.root(), Root::of(&content));
    assert!(expected.starts_with(&parents) && parents.len() == 4 * PARENT_LEN);
}

#[test]
fn has_bounded_size() {
    assert!(size_of::<OutboardBuilder>() <= 4096, "{}", size_of::<OutboardBuilder>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn pieces_of_any_size_give_the_same_root(len in 0usize..6 * GROUP_LEN, piece_len in 1usize..3 * GROUP_LEN) {
        let content = content(len);
        let (root, parents) = build(&content, piece_len);
        prop_assert_eq!(root, Root::of(&content));
        prop_assert!(parents == outboard(&content));
    }
}
