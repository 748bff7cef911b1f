//! Messages of transfers, on stream BULK (SPEC 6.8). The caller keeps the transfers; a client whose
//! caller has none contains none of this.

use super::room::RoomSlot;
use super::{Client, Phase, RequestError};
use crate::chat::{CHUNK_OVERHEAD, MAX_TRANSFER_HEAD, TransferMessage};
use crate::crypto::Provider;
use crate::crypto::rsa::ServerKey;
use crate::time::Instant;
use crate::transport::BufferProvider;
use crate::wire::frame::{CloseCode, StreamId};

impl<K: ServerKey, M: BufferProvider, P: Provider, const OUTBOX: usize, const MESSAGE: usize, const ROOMS: usize>
    Client<K, M, P, OUTBOX, MESSAGE, ROOMS>
{
    /// The handle of a room on the current connection, as Put and Get state it; `None` while the
    /// client is not in the room.
    #[must_use]
    pub fn handle_of(&self, slot: RoomSlot) -> Option<u8> {
        self.rooms.get(slot).handle().filter(|_| self.phase == Phase::Running)
    }

    /// Number of connections that were opened since the client was created. Transfers end with
    /// their connection: once this is another number, those of the connection before are over.
    #[must_use]
    pub fn connection_number(&self) -> u64 {
        self.counters.connections
    }

    /// Whether the server of the current connection takes transfers, and this client has buffers
    /// for them.
    #[must_use]
    pub fn has_transfers(&self) -> bool {
        self.phase == Phase::Running
            && self.connection.is_taken(StreamId::Bulk)
            && self.connection.memory().capacity().bulk_send > 0
    }

    /// Most bytes of a [`TransferMessage::Chunk`] to this server.
    #[must_use]
    pub fn longest_chunk(&self) -> usize {
        usize::from(self.largest_message).saturating_sub(CHUNK_OVERHEAD)
    }

    /// Bytes that [`Client::send_bulk`] has room for now.
    #[must_use]
    pub fn bulk_space(&self) -> usize {
        self.connection.send_space(StreamId::Bulk)
    }

    /// Writes a message into stream BULK.
    ///
    /// # Errors
    /// [`RequestError`]; nothing was written.
    pub fn send_bulk(&mut self, now: Instant, message: &TransferMessage<'_>) -> Result<(), RequestError> {
        if !self.has_transfers() {
            return Err(RequestError::NotJoined);
        }
        let mut head = [0; MAX_TRANSFER_HEAD];
        let parts = message.encode_parts(&mut head).map_err(|_| RequestError::Full)?;
        self.connection.send(now, StreamId::Bulk, &parts).map_err(|_| RequestError::Full)
    }

    /// Takes the next message from stream BULK; `None`: none is complete. Messages that only
    /// clients send are skipped like unknown ones. As long as nothing is read, flow control holds
    /// the server back. `buf` takes `MESSAGE` bytes.
    ///
    /// A message that violates SPEC 6.1 closes the connection, and the client opens another one.
    pub fn read_bulk<'b>(&mut self, now: Instant, buf: &'b mut [u8]) -> Option<TransferMessage<'b>> {
        if !self.is_connected {
            return None;
        }
        while let Ok(message) = self.connection.read_message(StreamId::Bulk, buf) {
            let len = message?.len();
            match TransferMessage::decode(buf.get(..len)?) {
                Ok(None | Some(TransferMessage::Put { .. } | TransferMessage::Get { .. })) => {}
                // Decoded again, because a borrow that is returned would last for the whole loop.
                Ok(Some(_)) => return TransferMessage::decode(buf.get(..len)?).ok()?,
                Err(_) => break,
            }
        }
        self.abandon_connection(now, CloseCode::MESSAGE);
        None
    }
}
