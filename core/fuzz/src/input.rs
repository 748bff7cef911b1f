//! Reads the fields of an input from its front, so that a change of one byte changes one field.

/// The rest of an input. Numbers are big-endian; after the end, they are zero.
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    /// The next `len` bytes, or all that are left.
    pub fn bytes(&mut self, len: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        bytes
    }

    /// A number of `len` bytes.
    pub fn number(&mut self, len: usize) -> usize {
        self.bytes(len).iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
    }

    /// A byte.
    pub fn byte(&mut self) -> u8 {
        self.number(1) as u8
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
