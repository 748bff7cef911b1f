//! What the server's proof of an upload costs by itself: the encoding of a whole content is decoded
//! in memory, in parts as large as those that the server collects.

use kabar_core::content::{Decoder, Encoder, GROUP_LEN, GroupRange, OutboardBuilder, PARENT_LEN, SliceSource};

use super::disk::fill;
use crate::bench::Error;
use crate::bench::usage::thread_time;

/// Bytes of the encoding that are decoded at once.
const PART: usize = 64 << 10;

/// Returns processor time in seconds.
pub(super) fn prove(bytes: u64) -> Result<f64, Error> {
    let len = usize::try_from(bytes).map_err(|_| Error::new("the file is too long"))?;
    let mut content = vec![0; len];
    fill(&mut content, 1);
    let (mut builder, mut outboard) = (OutboardBuilder::new(), Vec::new());
    let mut store = |parent: &[u8; PARENT_LEN]| -> Result<(), Error> {
        outboard.extend_from_slice(parent);
        Ok(())
    };
    builder.update(&mut &content[..], &mut store)?;
    let root = builder.finish(&mut store)?;
    let range = GroupRange::all(bytes);
    let mut encoding = vec![0; len + outboard.len()];
    let failed = |_| Error::new("a content cannot be encoded");
    let source = &mut SliceSource { content: &content, outboard: &outboard };
    let encoded = Encoder::new(range).encode(source, &mut encoding).map_err(failed)?;

    let failed = |_| Error::new("a content does not prove");
    let mut decoder = Box::new(<Decoder>::new(root, range).map_err(|_| Error::new("a content is too long"))?);
    let mut group = Box::new([0; GROUP_LEN]);
    let begin = thread_time()?;
    for mut part in encoding[..encoded].chunks(PART) {
        while decoder.decode(&mut part, &mut group).map_err(failed)?.is_some() {}
    }
    let took = thread_time()? - begin;
    if !decoder.is_finished() {
        return Err(Error::new("a content does not prove"));
    }
    Ok(took)
}
