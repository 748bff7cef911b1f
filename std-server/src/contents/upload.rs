//! One transfer: an upload proves what arrives, and passes on what is proven; a download encodes.

use std::io;

use kabar_core::content::{Decoder, Encoder, GROUP_LEN, GroupRange, NotProven, PARENT_LEN, Proven, Root, Source};

use super::ContentError;

/// Where the proven parts of a content are written.
pub(super) trait Place {
    /// Writes a parent of the outboard. Writing it again is harmless.
    fn write_parent(&mut self, index: u64, parent: &[u8; PARENT_LEN]) -> io::Result<()>;

    /// Writes a group. Writing it again is harmless.
    fn write_group(&mut self, offset: u64, group: &[u8]) -> io::Result<()>;
}

/// The proof of an upload. 18 KiB.
#[derive(Debug)]
pub(super) struct Upload {
    decoder: Box<Decoder>,
    /// The current node: arriving, or proven and not written yet.
    buffer: Box<[u8; GROUP_LEN]>,
    /// What is in the buffer and could not be written.
    unwritten: Option<Unwritten>,
    /// Bytes of the next call that the failed one has consumed.
    consumed: usize,
    size: u64,
}

#[derive(Clone, Copy, Debug)]
enum Unwritten {
    Parent { index: u64 },
    Group { offset: u64, len: usize },
}

impl Upload {
    /// An upload of a content that is proven before `offset`.
    pub(super) fn new(root: Root, size: u64, offset: u64) -> Result<Self, ContentError> {
        let range = GroupRange::starting_at(size, offset).map_err(|_| ContentError::Missing)?;
        let decoder = Decoder::new(root, range).map_err(|_| ContentError::Missing)?;
        let (buffer, decoder) = (Box::new([0; GROUP_LEN]), Box::new(decoder));
        let mut upload = Self { decoder, buffer, unwritten: None, consumed: 0, size };
        // The only group of an empty content is there without a byte.
        if size == 0 {
            upload.decoder.decode(&mut &[][..], &mut upload.buffer)?;
        }
        Ok(upload)
    }

    /// Proves the next bytes of the encoding and writes them to `place`. After an error of `place`
    /// the same bytes have to come again.
    pub(super) fn append(&mut self, bytes: &[u8], place: &mut impl Place) -> Result<u64, ContentError> {
        let mut input = bytes.get(self.consumed..).unwrap_or_default();
        loop {
            if let Some(unwritten) = self.unwritten {
                self.write(unwritten, place).inspect_err(|_| self.consumed = bytes.len() - input.len())?;
                self.unwritten = None;
            }
            self.unwritten = match self.decoder.decode(&mut input, &mut self.buffer)? {
                Some(Proven::Parent { index, .. }) => Some(Unwritten::Parent { index }),
                Some(Proven::Group { offset, bytes }) => Some(Unwritten::Group { offset, len: bytes.len() }),
                None => break,
            };
        }
        self.consumed = 0;
        if !input.is_empty() {
            return Err(NotProven { offset: self.size, is_parent: false }.into());
        }
        Ok(self.offset())
    }

    /// The offset before which everything is proven and written, if the last call succeeded.
    pub(super) fn offset(&self) -> u64 {
        self.decoder.offset()
    }

    /// Whether all of it is written.
    pub(super) fn is_finished(&self) -> bool {
        self.decoder.is_finished() && self.unwritten.is_none()
    }

    fn write(&self, unwritten: Unwritten, place: &mut impl Place) -> io::Result<()> {
        match unwritten {
            Unwritten::Parent { index } => match self.buffer.first_chunk() {
                Some(parent) => place.write_parent(index, parent),
                None => Ok(()),
            },
            Unwritten::Group { offset, len } => place.write_group(offset, self.buffer.get(..len).unwrap_or_default()),
        }
    }
}

/// Appends at most `max` bytes of an encoding to `out`; returns whether they were the last.
pub(super) fn encode<S: Source<Error = io::Error>>(
    encoder: &mut Encoder,
    source: &mut S,
    max: usize,
    out: &mut Vec<u8>,
) -> Result<bool, ContentError> {
    let start = out.len();
    out.resize(start + max, 0);
    let encoded = encoder.encode(source, &mut out[start..]);
    out.truncate(start + encoded.as_ref().map_or(0, |len| *len));
    encoded?;
    Ok(encoder.is_finished())
}

#[cfg(test)]
mod tests {
    use super::super::conformance::Sample;
    use super::*;

    /// Fails at every other write, and keeps what it took.
    #[derive(Default)]
    struct Failing {
        calls: usize,
        parents: Vec<u64>,
        content: Vec<u8>,
    }

    impl Failing {
        fn fails(&mut self) -> io::Result<()> {
            self.calls += 1;
            if self.calls % 2 == 1 { Err(io::ErrorKind::QuotaExceeded.into()) } else { Ok(()) }
        }
    }

    impl Place for Failing {
        fn write_parent(&mut self, index: u64, _: &[u8; PARENT_LEN]) -> io::Result<()> {
            self.fails()?;
            self.parents.push(index);
            Ok(())
        }

        fn write_group(&mut self, offset: u64, group: &[u8]) -> io::Result<()> {
            self.fails()?;
            assert_eq!(offset, self.content.len() as u64);
            self.content.extend_from_slice(group);
            Ok(())
        }
    }

    #[test]
    fn bytes_that_could_not_be_written_come_again() {
        let sample = Sample::new(6 * GROUP_LEN + 1);
        for len in [100, 20_000, 1 << 20] {
            let mut upload = Upload::new(sample.root, sample.size(), 0).unwrap();
            let mut place = Failing::default();
            for chunk in sample.encoding(0).chunks(len) {
                while let Err(error) = upload.append(chunk, &mut place) {
                    assert!(matches!(error, ContentError::Full) && !upload.is_finished());
                }
            }
            assert!(upload.is_finished() && place.content == sample.content);
            assert_eq!(place.parents, [5, 2, 0, 1, 4, 3]);
        }
    }
}
