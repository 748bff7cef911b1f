//! Messages in a connection's stream (SPEC 6.1). A message that cannot be handled now stays in the
//! stream: the client gets no more credit, which is the only backpressure.

use kabar_core::chat::{MAX_MESSAGE_LEN, message_len};
use kabar_core::connection::{CloseCode, StreamId};
use kabar_core::crypto::Provider;

use super::{Link, Phase};

/// A message without a type, or longer than the server accepts.
#[derive(Debug)]
pub(in crate::hub) struct Malformed;

impl<P: Provider> Link<P> {
    /// Whether messages are read from it in its present phase. A refused connection is read: it may
    /// join another room (SPEC 6.3).
    pub(in crate::hub) fn is_readable(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Closing(CloseCode::REFUSED)) && !self.has_unsent()
    }

    /// Copies the next whole message of a stream, length field included, into `out`; returns its
    /// length.
    pub(in crate::hub) fn peek_message(
        &mut self,
        stream: StreamId,
        out: &mut [u8],
    ) -> Result<Option<usize>, Malformed> {
        let mut prefix = [0; 2];
        if !self.connection.peek(stream, 0, &mut prefix) {
            return Ok(None);
        }
        let len = message_len(prefix).map_err(|_| Malformed)?;
        // SPEC 6.1, 2.4
        if len > MAX_MESSAGE_LEN {
            return Err(Malformed);
        }
        let out = out.get_mut(..len).ok_or(Malformed)?;
        Ok(self.connection.peek(stream, 0, out).then_some(len))
    }
}
