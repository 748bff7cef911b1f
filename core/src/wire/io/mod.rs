//! A reader that only consumes and a writer that only appends.

/// Why bytes do not decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end before the value does.
    Truncated,
    /// Bytes are left over after the value.
    Trailing,
    /// A field has an illegal value.
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

/// The buffer has no room for the value. Bytes written before stay.
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
    /// [`DecodeError::Truncated`]; nothing is consumed then. The same holds for all readers below.
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

    /// Bytes after a u8 length.
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

    /// Bytes after a u16 length.
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

    /// UTF-8 after a u8 length.
    ///
    /// # Errors
    /// As [`Reader::bytes`], and [`DecodeError::Value`] if it is not UTF-8.
    pub fn str_u8(&mut self) -> Result<&'a str, DecodeError> {
        let mut ahead = self.clone();
        let text = core::str::from_utf8(ahead.bytes_u8()?).map_err(|_| DecodeError::Value)?;
        *self = ahead;
        Ok(text)
    }

    /// Consumes and returns the remaining bytes.
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
    #[cfg(any(test, feature = "internals"))]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that still fit.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.buffer.len().saturating_sub(self.len)
    }

    /// The bytes written.
    #[must_use]
    #[inline]
    pub fn written(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or(&[])
    }

    /// Appends `bytes`, all or nothing.
    ///
    /// # Errors
    /// [`BufferFull`] if they do not fit. The same holds for all writers below.
    // Out of line: every field of every message calls it, and each inlined copy costs a device
    // flash.
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

    /// Appends a u8 length, then the bytes.
    ///
    /// # Errors
    /// As [`Writer::bytes`]; also if there are more than 255.
    pub fn bytes_u8(&mut self, bytes: &[u8]) -> Result<(), BufferFull> {
        let len = u8::try_from(bytes.len()).map_err(|_| BufferFull)?;
        self.prefixed(&len.to_be_bytes(), bytes)
    }

    /// Appends a u16 length, then the bytes.
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
mod tests;
