//! Text in a buffer of the caller, and lines that are cut where they become too long.

use core::fmt;

use crate::wire::io::BufferFull;

/// What a line ends with that was cut.
pub const CUT_MARK: &str = " [...]";

/// Appends characters to a buffer.
pub(super) struct TextBuffer<'a> {
    bytes: &'a mut [u8],
    len: usize,
}

impl<'a> TextBuffer<'a> {
    pub(super) const fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes, len: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Appends `character`, or nothing if there is no room for all of it.
    pub(super) fn push(&mut self, character: char) -> Result<(), BufferFull> {
        let end = self.len.saturating_add(character.len_utf8());
        let slot = self.bytes.get_mut(self.len..end).ok_or(BufferFull)?;
        character.encode_utf8(slot);
        self.len = end;
        Ok(())
    }

    pub(super) fn push_str(&mut self, text: &str) -> Result<(), BufferFull> {
        text.chars().try_for_each(|character| self.push(character))
    }

    pub(super) fn into_str(self) -> &'a str {
        let bytes: &'a [u8] = self.bytes;
        bytes.get(..self.len).and_then(|text| str::from_utf8(text).ok()).unwrap_or_default()
    }

    /// Removes what is after the last character that ends at `len` or before.
    fn truncate(&mut self, len: usize) {
        let kept = self.bytes.get(..len.min(self.len)).unwrap_or_default();
        self.len = match str::from_utf8(kept) {
            Ok(_) => kept.len(),
            Err(error) => error.valid_up_to(),
        };
    }
}

impl fmt::Write for TextBuffer<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push_str(text).map_err(|_| fmt::Error)
    }
}

/// Writes one line: control characters become spaces, so that no text shows as several lines, and
/// what is too long is cut at a character and ends with [`CUT_MARK`].
pub(super) struct LineWriter<'a> {
    buffer: TextBuffer<'a>,
    is_cut: bool,
}

impl<'a> LineWriter<'a> {
    pub(super) const fn new(bytes: &'a mut [u8]) -> Self {
        Self { buffer: TextBuffer::new(bytes), is_cut: false }
    }

    /// Length of the line in bytes.
    pub(super) fn finish(mut self) -> usize {
        if self.is_cut {
            self.buffer.truncate(self.buffer.bytes.len().saturating_sub(CUT_MARK.len()));
            // A buffer shorter than the mark has no line.
            if self.buffer.push_str(CUT_MARK).is_err() {
                return 0;
            }
        }
        self.buffer.len()
    }
}

impl fmt::Write for LineWriter<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            let shown = if character.is_control() { ' ' } else { character };
            self.is_cut = self.is_cut || self.buffer.push(shown).is_err();
        }
        Ok(())
    }
}
