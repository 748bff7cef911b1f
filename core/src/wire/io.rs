//! A reader that only consumes and a writer that only appends.

/// Why bytes are not a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end before the value does.
    Truncated,
    /// Bytes are left over behind the value.
    Trailing,
    /// A field has a value that is not legal.
    Value,
}

impl core::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Truncated => "bytes end before the value does",
            Self::Trailing => "bytes are left over",
            Self::Value => "a field has an illegal value",
        })
    }
}

impl core::error::Error for DecodeError {}

/// The buffer has no room for the value. What was written before stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferFull;

impl core::fmt::Display for BufferFull {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("buffer is full")
    }
}

impl core::error::Error for BufferFull {}

/// Consumes bytes from the front.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Bytes not consumed yet.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Whether everything is consumed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`]; nothing is consumed then. So for all readers below.
    #[inline]
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// As [`Reader::bytes`].
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*head)
    }

    /// A u8.
    ///
    /// # Errors
    /// As [`Reader::bytes`].
    #[inline]
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(u8::from_be_bytes)
    }

    /// A big-endian u16.
    ///
    /// # Errors
    /// As [`Reader::bytes`].
    #[inline]
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    /// A big-endian u32.
    ///
    /// # Errors
    /// As [`Reader::bytes`].
    #[inline]
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    /// A big-endian u64.
    ///
    /// # Errors
    /// As [`Reader::bytes`].
    #[inline]
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_be_bytes)
    }

    /// Bytes behind a u8 length.
    ///
    /// # Errors
    /// As [`Reader::bytes`].
    pub fn bytes_u8(&mut self) -> Result<&'a [u8], DecodeError> {
        let mut ahead = self.clone();
        let len = ahead.u8()?;
        let bytes = ahead.bytes(usize::from(len))?;
        *self = ahead;
        Ok(bytes)
    }

    /// Bytes behind a u16 length.
    ///
    /// # Errors
    /// As [`Reader::bytes`].
    pub fn bytes_u16(&mut self) -> Result<&'a [u8], DecodeError> {
        let mut ahead = self.clone();
        let len = ahead.u16()?;
        let bytes = ahead.bytes(usize::from(len))?;
        *self = ahead;
        Ok(bytes)
    }

    /// UTF-8 behind a u8 length.
    ///
    /// # Errors
    /// As [`Reader::bytes`], and [`DecodeError::Value`] if it is not UTF-8.
    pub fn str_u8(&mut self) -> Result<&'a str, DecodeError> {
        let mut ahead = self.clone();
        let text = core::str::from_utf8(ahead.bytes_u8()?).map_err(|_| DecodeError::Value)?;
        *self = ahead;
        Ok(text)
    }

    /// Everything left; the reader is empty then.
    pub fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.rest)
    }

    /// Ends reading.
    ///
    /// # Errors
    /// [`DecodeError::Trailing`] if bytes are left over.
    #[inline]
    pub fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::Trailing) }
    }
}

/// Appends bytes to a buffer.
#[derive(Debug)]
pub struct Writer<'a> {
    buffer: &'a mut [u8],
    len: usize,
}

impl<'a> Writer<'a> {
    /// Writes from the start of `buffer`.
    #[must_use]
    pub const fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, len: 0 }
    }

    /// Bytes written.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that still fit.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.buffer.len().saturating_sub(self.len)
    }

    /// What is written.
    #[must_use]
    #[inline]
    pub fn written(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or(&[])
    }

    /// Appends `bytes`, all or nothing.
    ///
    /// # Errors
    /// [`BufferFull`] if they do not fit. So for all writers below.
    // Out of line: every field of every message is a call of it, and a device pays flash for each copy.
    #[inline(never)]
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), BufferFull> {
        let end = self.len.checked_add(bytes.len()).ok_or(BufferFull)?;
        self.buffer.get_mut(self.len..end).ok_or(BufferFull)?.copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }

    /// Appends `count` zero bytes.
    ///
    /// # Errors
    /// As [`Writer::bytes`].
    #[inline]
    pub fn zeros(&mut self, count: usize) -> Result<(), BufferFull> {
        let end = self.len.checked_add(count).ok_or(BufferFull)?;
        self.buffer.get_mut(self.len..end).ok_or(BufferFull)?.fill(0);
        self.len = end;
        Ok(())
    }

    /// Appends a u8.
    ///
    /// # Errors
    /// As [`Writer::bytes`].
    #[inline]
    pub fn u8(&mut self, value: u8) -> Result<(), BufferFull> {
        self.bytes(&[value])
    }

    /// Appends a big-endian u16.
    ///
    /// # Errors
    /// As [`Writer::bytes`].
    #[inline]
    pub fn u16(&mut self, value: u16) -> Result<(), BufferFull> {
        self.bytes(&value.to_be_bytes())
    }

    /// Appends a big-endian u32.
    ///
    /// # Errors
    /// As [`Writer::bytes`].
    #[inline]
    pub fn u32(&mut self, value: u32) -> Result<(), BufferFull> {
        self.bytes(&value.to_be_bytes())
    }

    /// Appends a big-endian u64.
    ///
    /// # Errors
    /// As [`Writer::bytes`].
    #[inline]
    pub fn u64(&mut self, value: u64) -> Result<(), BufferFull> {
        self.bytes(&value.to_be_bytes())
    }

    /// Appends bytes behind a u8 length.
    ///
    /// # Errors
    /// As [`Writer::bytes`]; also if there are more than 255.
    pub fn bytes_u8(&mut self, bytes: &[u8]) -> Result<(), BufferFull> {
        let len = u8::try_from(bytes.len()).map_err(|_| BufferFull)?;
        self.prefixed(&len.to_be_bytes(), bytes)
    }

    /// Appends bytes behind a u16 length.
    ///
    /// # Errors
    /// As [`Writer::bytes`]; also if there are more than 65535.
    pub fn bytes_u16(&mut self, bytes: &[u8]) -> Result<(), BufferFull> {
        let len = u16::try_from(bytes.len()).map_err(|_| BufferFull)?;
        self.prefixed(&len.to_be_bytes(), bytes)
    }

    fn prefixed(&mut self, len: &[u8], bytes: &[u8]) -> Result<(), BufferFull> {
        let start = self.len;
        self.bytes(len)?;
        self.bytes(bytes).inspect_err(|_| self.len = start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_big_endian_and_consumes() {
        let mut reader = Reader::new(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
        assert_eq!(reader.u8(), Ok(0x01));
        assert_eq!(reader.u16(), Ok(0x0203));
        assert_eq!(reader.u32(), Ok(0x0405_0607));
        assert_eq!(reader.u64(), Ok(0x0809_0a0b_0c0d_0e0f));
        assert_eq!(reader.remaining(), 1);
        assert_eq!(reader.clone().finish(), Err(DecodeError::Trailing));
        assert_eq!(reader.rest(), [16]);
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn consumes_nothing_that_is_truncated() {
        let mut reader = Reader::new(&[3, 0xaa]);
        assert_eq!(reader.u64(), Err(DecodeError::Truncated));
        assert_eq!(reader.bytes(3), Err(DecodeError::Truncated));
        assert_eq!(reader.array::<3>(), Err(DecodeError::Truncated));
        assert_eq!(reader.remaining(), 2);
        assert_eq!(reader.bytes_u8(), Err(DecodeError::Truncated));
        assert_eq!(Reader::new(&[0, 2, 1]).bytes_u16(), Err(DecodeError::Truncated));
    }

    #[test]
    fn leaves_the_length_when_what_follows_is_truncated() {
        let mut reader = Reader::new(&[3, 0xaa]);
        assert_eq!(reader.bytes_u8(), Err(DecodeError::Truncated));
        assert_eq!(reader.remaining(), 2);
        let mut reader = Reader::new(&[0, 3, 0xaa]);
        assert_eq!(reader.bytes_u16(), Err(DecodeError::Truncated));
        assert_eq!(reader.remaining(), 3);
    }

    #[test]
    fn reads_text_only_if_it_is_utf8() {
        assert_eq!(Reader::new(&[3, 0xe2, 0x82, 0xac]).str_u8(), Ok("\u{20ac}"));
        assert_eq!(Reader::new(&[2, 0xe2, 0x82, 0xac]).str_u8(), Err(DecodeError::Value));
    }

    #[test]
    fn writes_what_the_reader_reads() {
        let mut buffer = [0xff; 22];
        let mut writer = Writer::new(&mut buffer);
        writer.u8(1).unwrap();
        writer.u16(0x0203).unwrap();
        writer.u32(0x0405_0607).unwrap();
        writer.u64(0x0809_0a0b_0c0d_0e0f).unwrap();
        writer.zeros(1).unwrap();
        writer.bytes_u8(&[0x11]).unwrap();
        writer.bytes_u16(&[0x22]).unwrap();
        assert_eq!((writer.len(), writer.remaining()), (21, 1));
        let expected = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 0x11, 0, 1, 0x22];
        assert_eq!(writer.written(), expected);
    }

    #[test]
    fn writes_all_or_nothing() {
        let mut buffer = [0; 3];
        let mut writer = Writer::new(&mut buffer);
        assert_eq!(writer.u32(1), Err(BufferFull));
        assert_eq!(writer.zeros(4), Err(BufferFull));
        assert_eq!(writer.bytes_u8(&[1; 3]), Err(BufferFull));
        assert_eq!(writer.bytes_u16(&[1; 2]), Err(BufferFull));
        assert_eq!(writer.bytes_u8(&[1; 256]), Err(BufferFull));
        assert!(writer.is_empty());
        assert_eq!(writer.bytes(&[7; 3]), Ok(()));
        assert_eq!(writer.u8(1), Err(BufferFull));
        assert_eq!(buffer, [7; 3]);
    }
}
