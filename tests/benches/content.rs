//! Hashing and proving of contents compared with a plain hash of the same bytes: `cargo bench -p
//! kabar-tests --bench content`.

use std::hint::black_box;

use divan::{Bencher, counter::BytesCount};
use kabar_core::content::{Decoder, Encoder, GROUP_LEN, GroupRange, OutboardBuilder, PARENT_LEN, Root, SliceSource};

fn main() {
    divan::main();
}

/// 4 MiB: more than the second-level cache of a processor.
const LEN: usize = 256 * GROUP_LEN;
/// Levels of its tree.
const DEPTH: usize = 8;

fn content() -> Vec<u8> {
    (0..=250).cycle().take(LEN).collect()
}

fn outboard(content: &[u8], piece_len: usize) -> (Root, Vec<u8>) {
    let (mut builder, mut parents) = (OutboardBuilder::new(), Vec::with_capacity(256 * PARENT_LEN));
    let mut store = |parent: &[u8; PARENT_LEN]| -> Result<(), ()> {
        parents.extend_from_slice(parent);
        Ok(())
    };
    for mut piece in content.chunks(piece_len) {
        builder.update(&mut piece, &mut store).unwrap();
    }
    let root = builder.finish(&mut store).unwrap();
    (root, parents)
}

fn encode(encoder: &mut Encoder, mut source: SliceSource<'_>, out: &mut [u8]) -> usize {
    let mut total = 0;
    while !encoder.is_finished() {
        total += encoder.encode(&mut source, out).unwrap();
    }
    total
}

/// The reference: nothing of this can be faster.
#[divan::bench]
fn blake3_hash(bencher: Bencher<'_, '_>) {
    let content = content();
    bencher.counter(BytesCount::new(LEN)).bench_local(|| blake3::hash(black_box(&content)));
}

/// Root and parents, from pieces of a stream's size, of a group and of a read of a file.
#[divan::bench(args = [1200, GROUP_LEN, 16 * GROUP_LEN])]
fn build_outboard(bencher: Bencher<'_, '_>, piece_len: usize) {
    let content = content();
    bencher.counter(BytesCount::new(LEN)).bench_local(|| outboard(black_box(&content), piece_len));
}

#[divan::bench(args = [1200, GROUP_LEN])]
fn encode_all(bencher: Bencher<'_, '_>, piece_len: usize) {
    let content = content();
    let (_, outboard) = outboard(&content, LEN);
    let mut out = vec![0; piece_len];
    bencher.counter(BytesCount::new(LEN)).bench_local(|| {
        let source = SliceSource { content: &content, outboard: &outboard };
        encode(&mut Encoder::new(GroupRange::all(LEN as u64)), source, black_box(&mut out))
    });
}

/// Proves all groups.
#[divan::bench(args = [1200, GROUP_LEN])]
fn decode_all(bencher: Bencher<'_, '_>, piece_len: usize) {
    let content = content();
    let (root, outboard) = outboard(&content, LEN);
    let range = GroupRange::all(LEN as u64);
    let mut encoding = vec![0; LEN + outboard.len()];
    encode(&mut Encoder::new(range), SliceSource { content: &content, outboard: &outboard }, &mut encoding);
    let mut buffer = Box::new([0; GROUP_LEN]);
    bencher.counter(BytesCount::new(LEN)).bench_local(|| {
        let mut decoder = Decoder::<DEPTH>::new(root, range).unwrap();
        for mut piece in black_box(&encoding).chunks(piece_len) {
            while decoder.decode(&mut piece, &mut buffer).unwrap().is_some() {}
        }
        assert!(decoder.is_finished());
    });
}
