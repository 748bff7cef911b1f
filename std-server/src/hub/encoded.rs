//! Entries of the log in their wire format: encoded once, shared by all members.

use std::sync::Arc;

use kabar_core::chat::{ENTRY_OVERHEAD, Entry, EntryHeader, EntryKind, ServerMessage};

use crate::store::LogEntry;

/// An entry, encoded as the Entry message that all members share.
#[derive(Clone, Debug)]
pub(super) struct Encoded {
    message: Arc<[u8]>,
    body_len: u16,
}

/// The result of a read of the log, encoded for members by the thread that read it.
#[derive(Debug)]
pub struct PageRead(pub(super) Vec<(u64, Encoded)>);

impl PageRead {
    pub(super) fn new(handle: u8, entries: &[LogEntry]) -> Self {
        Self(entries.iter().map(|entry| (entry.seq, Encoded::new(handle, entry))).collect())
    }
}

impl Encoded {
    /// Encodes an entry for the room of this handle.
    pub(super) fn new(handle: u8, entry: &LogEntry) -> Self {
        let header = EntryHeader {
            seq: entry.seq,
            time_ms: entry.time_ms,
            author: &entry.author,
            instance: entry.instance,
            number: entry.number,
            kind: entry.kind,
        };
        Self::encode(handle, header, &entry.body)
    }

    fn encode(handle: u8, header: EntryHeader<'_>, body: &[u8]) -> Self {
        let message = ServerMessage::Entry { handle, entry: Entry { header, body } };
        let mut bytes = vec![0; ENTRY_OVERHEAD + header.author.len() + body.len()];
        let len = message.encode(&mut bytes).expect("the overhead counts a whole name; bodies are shorter than 64 KiB");
        bytes.truncate(len);
        Self { message: bytes.into(), body_len: body.len() as u16 }
    }

    /// The entry after its body was removed (SPEC 6.4).
    pub(super) fn without_body(&self) -> Self {
        let handle = self.message.get(3).copied().unwrap_or_default();
        Self::encode(handle, EntryHeader { kind: EntryKind::REMOVED, ..self.entry().header }, &[])
    }

    /// The whole message, length field included.
    pub(super) fn message(&self) -> &[u8] {
        &self.message
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
        let encoded = Encoded::new(9, &entry);
        let decoded = encoded.entry();
        assert_eq!((decoded.header.seq, decoded.header.author, decoded.body.len()), (7, "ana", 100));
        assert_eq!(encoded.message()[3], 9);
        assert_eq!(encoded.body_len(), 100);
        let removed = encoded.without_body();
        let decoded = removed.entry();
        assert_eq!((decoded.header.seq, decoded.header.kind, decoded.body), (7, EntryKind::REMOVED, &[][..]));
        assert_eq!((removed.message()[3], removed.body_len()), (9, 0));
    }
}
