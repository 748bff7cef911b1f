//! Contents (SPEC 10): whatever an encoding is, a decoder yields only groups of the content with
//! its root, in order, and it names the first node of an encoding that was changed.

use kabar_core::content::{
    Decoder, Encoder, GROUP_LEN, GroupRange, NotProven, OutboardBuilder, PARENT_LEN, Proven, Root, SliceSource,
};

use super::input::Input;

/// Longest content: its tree is not perfect, and has a level more than those before it.
const MAX_LEN: usize = 9 * GROUP_LEN + 1500;
/// Levels of that tree.
const DEPTH: usize = 4;

/// Takes `data` as: length of the content u24, offset u24, length of the pieces u16, difference of
/// the length that the receiver expects i16, then changes of the encoding; and all of that as an
/// encoding.
pub fn check(data: &[u8]) {
    let mut fields = Input(data);
    let content: Vec<u8> = (0..=250).cycle().take(fields.number(3) % (MAX_LEN + 1)).collect();
    let offset = fields.number(3) % (content.len() + 1);
    let piece_len = fields.number(2) + 1;
    let expected_len = (content.len() + fields.number(2)).saturating_sub(0x8000);

    let mut outboard = Vec::new();
    let mut builder = OutboardBuilder::new();
    let mut store = |parent: &[u8; PARENT_LEN]| -> Result<(), ()> {
        outboard.extend_from_slice(parent);
        Ok(())
    };
    for mut piece in content.chunks(piece_len) {
        builder.update(&mut piece, &mut store).expect("parents are stored");
    }
    let root = builder.finish(&mut store).expect("parents are stored");
    assert_eq!(root, Root::of(&content));

    let range = GroupRange::starting_at(content.len() as u64, offset as u64).expect("within the content");
    let encoding = encode(range, SliceSource { content: &content, outboard: &outboard }, piece_len);
    let whole = decode(root, range, &encoding, piece_len, &content);
    assert!(whole.is_finished && whole.nodes.last().is_none_or(|node| node.end == encoding.len()));

    let changed = fields.change(&encoding);
    let found = decode(root, range, &changed, piece_len, &content);
    let unchanged = encoding.iter().zip(&changed).take_while(|(a, b)| a == b).count();
    let proven = whole.nodes.iter().take_while(|node| node.end <= unchanged).count();
    assert_eq!(found.nodes, whole.nodes[..proven]);
    match (whole.nodes.get(proven), found.error) {
        (Some(node), Some(error)) => {
            assert!(node.end <= changed.len());
            // A parent begins before the range if groups before the range are below it.
            assert_eq!((error.offset.max(range.offset()), error.is_parent), (node.offset, node.is_parent));
        }
        (Some(node), None) => assert!(changed.len() < node.end),
        (None, error) => assert!(error.is_none() && found.is_finished),
    }

    // With another length, the last group is never proven.
    let start = offset.min(expected_len);
    let range = GroupRange::starting_at(expected_len as u64, start as u64).expect("within the content");
    for encoding in [&encoding[..], data] {
        let found = decode(root, range, encoding, piece_len, &content);
        let has_groups = start < expected_len || expected_len == 0;
        assert!(!found.is_finished || !has_groups || expected_len == content.len());
    }
}

impl Input<'_> {
    /// Changes `encoding` until the fields end: a byte, its length, or two chaining values.
    fn change(&mut self, encoding: &[u8]) -> Vec<u8> {
        let mut changed = encoding.to_vec();
        while !self.0.is_empty() && !changed.is_empty() {
            let (kind, at) = (self.number(1), self.number(3) % changed.len());
            match kind % 4 {
                0 => changed[at] ^= self.number(1) as u8,
                1 => changed.truncate(at),
                2 => changed.insert(at, self.number(1) as u8),
                _ if changed.len() >= PARENT_LEN => {
                    let at = (at & !31).min(changed.len() - PARENT_LEN);
                    changed[at..at + PARENT_LEN].rotate_left(PARENT_LEN / 2);
                }
                _ => {}
            }
        }
        changed
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Node {
    /// Where its bytes end in the encoding.
    end: usize,
    /// Offset in the content of the first group that it proves.
    offset: u64,
    is_parent: bool,
}

struct Decoded {
    nodes: Vec<Node>,
    error: Option<NotProven>,
    is_finished: bool,
}

/// Decodes in pieces. Groups have to be those of `content`, in order.
fn decode(root: Root, range: GroupRange, encoding: &[u8], piece_len: usize, content: &[u8]) -> Decoded {
    let mut decoded = Decoded { nodes: Vec::new(), error: None, is_finished: false };
    let Ok(mut decoder) = Decoder::<DEPTH>::new(root, range) else { return decoded };
    let mut buffer = Box::new([0; GROUP_LEN]);
    let mut end = 0;
    // The empty piece is for the group of an empty content.
    'pieces: for mut piece in encoding.chunks(piece_len).chain([&[][..]]) {
        loop {
            let next = decoder.offset();
            match decoder.decode(&mut piece, &mut buffer) {
                Ok(Some(Proven::Parent { .. })) => {
                    end += PARENT_LEN;
                    decoded.nodes.push(Node { end, offset: next, is_parent: true });
                }
                Ok(Some(Proven::Group { offset, bytes })) => {
                    assert_eq!(offset, next);
                    let expected = content.get(offset as usize..).expect("an offset in the content");
                    assert!(expected.starts_with(bytes), "a group that the content does not have");
                    end += bytes.len();
                    decoded.nodes.push(Node { end, offset, is_parent: false });
                }
                Ok(None) => break,
                Err(error) => {
                    decoded.error = Some(error);
                    break 'pieces;
                }
            }
        }
    }
    decoded.is_finished = decoder.is_finished();
    decoded
}

fn encode(range: GroupRange, mut source: SliceSource<'_>, piece_len: usize) -> Vec<u8> {
    let (mut encoder, mut encoding, mut piece) = (Encoder::new(range), Vec::new(), vec![0; piece_len]);
    while !encoder.is_finished() {
        let len = encoder.encode(&mut source, &mut piece).expect("all is in memory");
        encoding.extend_from_slice(&piece[..len]);
    }
    encoding
}
