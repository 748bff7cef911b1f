//! Consistent overhead byte stuffing (Cheshire and Baker, 1999): a frame contains no 0 except its
//! delimiters.

/// Ends a frame. A new frame begins after it, whatever the receiver's state was.
const DELIMITER: u8 = 0;
/// Code of a block of 254 bytes that no 0 follows.
const FULL_BLOCK: u8 = 0xff;
/// Longest block without a 0, in bytes.
const MAX_BLOCK_LEN: usize = 254;

/// The frame does not fit the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Encodes packets as frames.
#[derive(Clone, Copy, Debug, Default)]
pub struct Framer;

/// Decodes packets of up to `N` bytes from a byte stream.
///
/// Longer packets, empty ones and malformed frames are dropped and counted. Its size is `N` and 48
/// bytes at most.
#[derive(Debug)]
pub struct Deframer<const N: usize> {
    packet: [u8; N],
    len: usize,
    state: State,
    counters: Counters,
}

/// Counters of a [`Deframer`]. They only rise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Packets decoded.
    pub packets: u32,
    /// Frames dropped because the packet is too long.
    pub too_long: u32,
    /// Frames dropped because they end within a block.
    pub malformed: u32,
}

/// Position in a frame. The discriminant is explicit, so that a new deframer is all zero and a
/// static one is placed in `.bss`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum State {
    /// After a delimiter.
    Start = 0,
    /// `missing` bytes of a block are still to come; a 0 follows it unless it is full or the last.
    Block { missing: u8, is_full: bool },
    /// Skips bytes until the next delimiter.
    Skip,
}

impl Framer {
    /// Passes the frame of `packet` to `put` in pieces, without copying it. The frame also begins
    /// with a delimiter, which separates it from noise before it.
    ///
    /// # Errors
    /// The first error of `put`; the rest of the frame is not passed then.
    pub fn pieces<E>(packet: &[u8], mut put: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        put(&[DELIMITER])?;
        let mut rest = packet;
        loop {
            let block_len = rest.iter().take(MAX_BLOCK_LEN).take_while(|byte| **byte != 0).count();
            let (block, after) = rest.split_at_checked(block_len).unwrap_or((rest, &[]));
            // At most 254 and 1.
            put(&[u8::try_from(block_len.saturating_add(1)).unwrap_or(FULL_BLOCK)])?;
            put(block)?;
            match after.split_first() {
                None => break,
                // A full block needs no end; any other block ends at a 0, which is left out.
                Some(_) if block_len == MAX_BLOCK_LEN => rest = after,
                Some((_, after)) => rest = after,
            }
        }
        put(&[DELIMITER])
    }

    /// Writes the frame of `packet` to `out`, for which [`super::MAX_FRAME_LEN`] bytes always
    /// suffice, and returns its length.
    ///
    /// # Errors
    /// [`Full`].
    pub fn frame(packet: &[u8], out: &mut [u8]) -> Result<usize, Full> {
        let mut len = 0usize;
        Self::pieces(packet, |piece| {
            let free = out.get_mut(len..).ok_or(Full)?;
            free.get_mut(..piece.len()).ok_or(Full)?.copy_from_slice(piece);
            len = len.saturating_add(piece.len());
            Ok(())
        })?;
        Ok(len)
    }
}

impl<const N: usize> Deframer<N> {
    /// Creates a deframer at the beginning of a stream.
    #[must_use]
    pub const fn new() -> Self {
        // The first bytes may be the end of an earlier frame. They do not pass the CRC of packets.
        Self {
            packet: [0; N],
            len: 0,
            state: State::Start,
            counters: Counters { packets: 0, too_long: 0, malformed: 0 },
        }
    }

    /// Consumes bytes from `input` until a packet is complete or `input` is empty. Call it again
    /// with the rest.
    pub fn take(&mut self, input: &mut &[u8]) -> Option<&mut [u8]> {
        while let Some((byte, rest)) = input.split_first() {
            *input = rest;
            if let Some(len) = self.push(*byte) {
                return self.packet.get_mut(..len);
            }
        }
        None
    }

    /// The packet completed last, until the next call of [`Deframer::take`].
    pub(super) fn last(&mut self) -> Option<&mut [u8]> {
        self.packet.get_mut(..self.len)
    }

    /// The counters.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Handles a byte; returns the length of the packet that it completes.
    fn push(&mut self, byte: u8) -> Option<usize> {
        if byte == DELIMITER {
            return self.end();
        }
        match self.state {
            State::Start => {
                self.len = 0;
                self.begin_block(byte);
            }
            State::Block { missing: 0, is_full } => {
                if is_full || self.store(0) {
                    self.begin_block(byte);
                }
            }
            State::Block { missing, is_full } => {
                if self.store(byte) {
                    self.state = State::Block { missing: missing.saturating_sub(1), is_full };
                }
            }
            State::Skip => {}
        }
        None
    }

    fn begin_block(&mut self, code: u8) {
        self.state = State::Block { missing: code.saturating_sub(1), is_full: code == FULL_BLOCK };
    }

    fn store(&mut self, byte: u8) -> bool {
        match self.packet.get_mut(self.len) {
            Some(place) => {
                *place = byte;
                self.len = self.len.saturating_add(1);
                true
            }
            None => {
                self.counters.too_long = self.counters.too_long.wrapping_add(1);
                self.state = State::Skip;
                false
            }
        }
    }

    fn end(&mut self) -> Option<usize> {
        match core::mem::replace(&mut self.state, State::Start) {
            State::Start | State::Skip => None,
            State::Block { missing: 0, .. } if self.len > 0 => {
                self.counters.packets = self.counters.packets.wrapping_add(1);
                Some(self.len)
            }
            State::Block { .. } => {
                self.counters.malformed = self.counters.malformed.wrapping_add(1);
                None
            }
        }
    }
}

impl<const N: usize> Default for Deframer<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl core::fmt::Display for Full {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("there is no room for the frame")
    }
}

impl core::error::Error for Full {}

#[cfg(test)]
mod tests;
