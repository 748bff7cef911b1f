//! Transfers of a [`FakeClient`]: messages on stream BULK, and contents that it sends and receives.

use kabar_core::chat::{CancelCode, EntryKind, File, MAX_MESSAGE_LEN, TransferMessage, message_len};
use kabar_core::connection::StreamId;
use kabar_core::content::{Decoder, Encoder, GROUP_LEN, GroupRange, OutboardBuilder, Proven, Root, SliceSource};

use super::fake_client::{FakeClient, ROOM};
use super::world::World;

/// A message of a transfer that a client received, and the number of the transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ReceivedBulk {
    PutAt(u32, u64),
    /// Size, offset and length.
    GetAt(u32, u64, u64, u64),
    Chunk(u32, Vec<u8>),
    End(u32),
    Cancel(u32, CancelCode, u64),
}

/// A content, with everything that its sender knows.
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    pub(super) outboard: Vec<u8>,
    pub(super) root: Root,
}

impl Content {
    /// `len` bytes that depend on `seed`.
    pub(super) fn new(len: usize, seed: u8) -> Self {
        let bytes: Vec<u8> = (0..len).map(|at| (at / 3) as u8 ^ (at >> 12) as u8 ^ seed).collect();
        let (mut builder, mut outboard) = (OutboardBuilder::new(), Vec::new());
        let mut store = |parent: &[u8; 64]| {
            outboard.extend_from_slice(parent);
            Ok::<(), ()>(())
        };
        builder.update(&mut &bytes[..], &mut store).expect("infallible");
        let root = builder.finish(&mut store).expect("infallible");
        Self { bytes, outboard, root }
    }

    pub(super) fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The encoding of everything from `offset` on.
    pub(super) fn encoding(&self, offset: u64) -> Vec<u8> {
        let range = GroupRange::starting_at(self.size(), offset).expect("within it");
        let mut source = SliceSource { content: &self.bytes, outboard: &self.outboard };
        let (mut encoder, mut out, mut buffer) = (Encoder::new(range), Vec::new(), vec![0; 20_000]);
        while !encoder.is_finished() {
            let len = encoder.encode(&mut source, &mut buffer).expect("within it");
            out.extend_from_slice(&buffer[..len]);
        }
        assert_eq!(out.len() as u64, range.encoded_len());
        out
    }

    /// What a receiver proves of an encoding from `offset` on.
    pub(super) fn proven(&self, offset: u64, encoding: &[u8]) -> Vec<u8> {
        let range = GroupRange::starting_at(self.size(), offset).expect("within it");
        let mut decoder = Decoder::<50>::new(self.root, range).expect("short");
        let (mut input, mut group, mut out) = (encoding, [0; GROUP_LEN], Vec::new());
        while let Some(node) = decoder.decode(&mut input, &mut group).expect("proves") {
            if let Proven::Group { bytes, .. } = node {
                out.extend_from_slice(bytes);
            }
        }
        out
    }

    /// The body of an entry that names it.
    pub(super) fn entry(&self, name: &str) -> Vec<u8> {
        let mut body = vec![0; 1_000];
        let file = File::new(name, self.size(), self.root, "").expect("permitted");
        let len = file.encode(&mut body).expect("fits");
        body.truncate(len);
        body
    }
}

impl FakeClient {
    pub(super) fn read_transfers(&mut self) {
        let mut prefix = [0; 2];
        while !self.is_not_reading_bulk && self.connection.peek(StreamId::Bulk, 0, &mut prefix) {
            let mut message = vec![0; message_len(prefix).expect("a type")];
            if !self.connection.peek(StreamId::Bulk, 0, &mut message) {
                return;
            }
            self.connection.consume(StreamId::Bulk, message.len());
            self.transfers.push(match TransferMessage::decode(&message[2..]).expect("legal").expect("known") {
                TransferMessage::PutAt { transfer, offset } => ReceivedBulk::PutAt(transfer, offset),
                TransferMessage::GetAt { transfer, size, offset, length } => {
                    ReceivedBulk::GetAt(transfer, size, offset, length)
                }
                TransferMessage::Chunk { transfer, bytes } => ReceivedBulk::Chunk(transfer, bytes.to_vec()),
                TransferMessage::End { transfer } => ReceivedBulk::End(transfer),
                TransferMessage::Cancel { transfer, code, offset } => ReceivedBulk::Cancel(transfer, code, offset),
                message => panic!("a message of clients: {message:?}"),
            });
        }
    }

    /// `false`: the ring is full.
    pub(super) fn send_bulk(&mut self, message: &TransferMessage<'_>) -> bool {
        let mut out = vec![0; MAX_MESSAGE_LEN];
        let len = message.encode(&mut out).expect("fits");
        self.connection.send(self.now, StreamId::Bulk, &[&out[..len]]).is_ok()
    }

    /// The bytes of all Chunks of a transfer.
    pub(super) fn chunks(&self, number: u32) -> Vec<u8> {
        let chunks = self.transfers.iter().filter_map(|message| match message {
            ReceivedBulk::Chunk(transfer, bytes) if *transfer == number => Some(&bytes[..]),
            _ => None,
        });
        chunks.collect::<Vec<_>>().concat()
    }

    /// The messages of a transfer without its Chunks.
    pub(super) fn of_transfer(&self, number: u32) -> Vec<ReceivedBulk> {
        let is_answer = |message: &&ReceivedBulk| match **message {
            ReceivedBulk::Chunk(..) => false,
            ReceivedBulk::PutAt(transfer, _)
            | ReceivedBulk::GetAt(transfer, ..)
            | ReceivedBulk::End(transfer)
            | ReceivedBulk::Cancel(transfer, ..) => transfer == number,
        };
        self.transfers.iter().filter(is_answer).cloned().collect()
    }
}

impl World {
    /// Offers a content in the first room, and waits for the answer.
    pub(super) fn put(&mut self, client: usize, number: u32, content: &Content) {
        self.put_as(client, number, content.root, content.size());
    }

    pub(super) fn put_as(&mut self, client: usize, transfer: u32, root: Root, size: u64) {
        let handle = self.clients[client].handle(ROOM);
        assert!(self.clients[client].send_bulk(&TransferMessage::Put { transfer, handle, root, size }));
        self.run_ms(50);
    }

    /// Sends bytes of an encoding as Chunks.
    pub(super) fn send_chunks(&mut self, client: usize, transfer: u32, encoding: &[u8]) {
        for bytes in encoding.chunks(4_000) {
            let mut attempts = 0;
            while !self.clients[client].send_bulk(&TransferMessage::Chunk { transfer, bytes }) {
                self.run_ms(5);
                attempts += 1;
                assert!(attempts < 2_000, "the ring stays full");
            }
        }
        self.run_ms(50);
    }

    /// Sends a whole content, from where the server wants it.
    pub(super) fn upload(&mut self, client: usize, number: u32, content: &Content) {
        self.put(client, number, content);
        let Some(ReceivedBulk::PutAt(_, offset)) = self.clients[client].of_transfer(number).first().cloned() else {
            panic!("refused: {:?}", self.clients[client].of_transfer(number));
        };
        if offset < content.size() {
            self.send_chunks(client, number, &content.encoding(offset));
        }
        assert!(self.clients[client].send_bulk(&TransferMessage::End { transfer: number }));
        self.run_ms(100);
    }

    /// Sends a whole content and posts it under this number.
    pub(super) fn share(&mut self, client: usize, number: u32, content: &Content) {
        self.upload(client, number, content);
        assert_eq!(self.clients[client].of_transfer(number).last(), Some(&ReceivedBulk::End(number)));
        self.post_file(client, u64::from(number), content);
    }

    pub(super) fn post_file(&mut self, client: usize, number: u64, content: &Content) {
        assert!(self.clients[client].post_as(EntryKind::FILE, number, number - 1, &content.entry("a.bin")));
        self.run_ms(200);
    }

    /// Requests a part of a content in the first room, and lets it arrive.
    pub(super) fn get(&mut self, client: usize, transfer: u32, root: Root, (offset, length): (u64, u64)) {
        let handle = self.clients[client].handle(ROOM);
        let get = TransferMessage::Get { transfer, handle, root, offset, length };
        assert!(self.clients[client].send_bulk(&get));
        self.run_ms(2_000);
    }
}
