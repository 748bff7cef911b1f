//! Entries of the log in their wire format: encoded once, shared by all members.

use std::sync::Arc;

use kabar_core::chat::{ENTRY_OVERHEAD, Entry, EntryHeader, EntryKind, ServerMessage};

use crate::store::LogEntry;

/// Bytes of an Entry up to its handle, which is the last of them.
pub(super) const HEAD_LEN: usize = 4;

/// An entry, encoded as the Entry message that all members share. Only the handle differs: it is 0
/// here.
#[derive(Clone, Debug)]
pub(super) struct Encoded {
    message: Arc<[u8]>,
    body_len: u16,
}

/// The result of a read of the log, encoded for members by the thread that read it.
#[derive(Debug)]
pub struct PageRead(pub(super) Vec<(u64, Encoded)>);

impl PageRead {
    pub(super) fn new(entries: &[LogEntry]) -> Self {
        Self(entries.iter().map(|entry| (entry.seq, Encoded::new(entry))).collect())
    }
}

impl Encoded {
    pub(super) fn new(entry: &LogEntry) -> Self {
        let header = EntryHeader {
            seq: entry.seq,
            time_ms: entry.time_ms,
            author: &entry.author,
            instance: entry.instance,
            number: entry.number,
            kind: entry.kind,
        };
        Self::encode(header, &entry.body)
    }

    fn encode(header: EntryHeader<'_>, body: &[u8]) -> Self {
        let message = ServerMessage::Entry { handle: 0, entry: Entry { header, body } };
        let mut bytes = vec![0; ENTRY_OVERHEAD + header.author.len() + body.len()];
        let len = message.encode(&mut bytes).expect("the overhead counts a whole name; bodies are shorter than 64 KiB");
        bytes.truncate(len);
        Self { message: bytes.into(), body_len: body.len() as u16 }
    }

    /// The entry after its body was removed (SPEC 6.4).
    pub(super) fn without_body(&self) -> Self {
        Self::encode(EntryHeader { kind: EntryKind::REMOVED, ..self.entry().header }, &[])
    }

    /// Length of the whole message in bytes, length field included.
    pub(super) fn message_len(&self) -> usize {
        self.message.len()
    }

    /// The beginning of the message for a member whose room has this handle: length, type and
    /// handle. [`Self::rest`] follows.
    pub(super) fn head(&self, handle: u8) -> [u8; HEAD_LEN] {
        let mut head = *self.message.first_chunk().expect("an Entry is longer");
        head[HEAD_LEN - 1] = handle;
        head
    }

    /// The message from after its handle on, which is the same for all members.
    pub(super) fn rest(&self) -> &[u8] {
        &self.message[HEAD_LEN..]
    }

    /// Length of the body in bytes.
    pub(super) fn body_len(&self) -> u16 {
        self.body_len
    }

    /// Decodes it again.
    pub(super) fn entry(&self) -> Entry<'_> {
        match self.message.get(2..).map(ServerMessage::decode) {
            Some(Ok(Some(ServerMessage::Entry { entry, .. }))) => entry,
            _ => unreachable!("it was encoded as an Entry"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_entry_decodes_to_itself() {
        let entry = LogEntry {
            seq: 7,
            time_ms: 5,
            author: "ana".into(),
            instance: 3,
            number: 7,
            kind: EntryKind::TEXT,
            body: vec![b'x'; 100],
        };
        let encoded = Encoded::new(&entry);
        let decoded = encoded.entry();
        assert_eq!((decoded.header.seq, decoded.header.author, decoded.body.len()), (7, "ana", 100));
        assert_eq!(encoded.body_len(), 100);
        let whole = [&encoded.head(9), encoded.rest()].concat();
        assert_eq!(whole.len(), encoded.message_len());
        let message = ServerMessage::decode(&whole[2..]);
        assert_eq!(message, Ok(Some(ServerMessage::Entry { handle: 9, entry: decoded })));
        let removed = encoded.without_body();
        let decoded = removed.entry();
        assert_eq!((decoded.header.seq, decoded.header.kind, decoded.body), (7, EntryKind::REMOVED, &[][..]));
        assert_eq!((removed.message_len(), removed.body_len()), (encoded.message_len() - 100, 0));
    }
}
