//! The room: it admits everybody and delivers each post to the members present. It keeps no log,
//! checks no signature and gives each member the name that it asks for: the duties of a real server
//! are in `SPEC.md`, sections 6 and 7.

use kabar_core::chat::{ClientMessage, Entry, EntryHeader, MAX_MESSAGE_LEN, ServerMessage, Term, Welcome};
use kabar_core::connection::{Connection, StreamId};
use kabar_core::crypto::Portable;
use kabar_core::time::Instant;
use kabar_core::transport::InlineBuffers;

pub(crate) type Buffers = InlineBuffers<8192, 8192, 0, 32>;
pub(crate) type Peer = Connection<Buffers, Portable>;

/// The room.
#[derive(Default)]
pub(crate) struct Room {
    /// Largest seq.
    head: u64,
    /// Members, by the id of their connection.
    members: Vec<(u32, String)>,
}

impl Room {
    /// Reads the messages of the peer `id`, and returns the messages to send, each with its
    /// receiver.
    pub(crate) fn read(&mut self, id: u32, peer: &mut Peer) -> Vec<(u32, Vec<u8>)> {
        let mut out = Vec::new();
        let mut buffer = [0; MAX_MESSAGE_LEN];
        while let Ok(Some(message)) = peer.read_message(StreamId::Chat, &mut buffer) {
            if let Ok(Some(message)) = ClientMessage::decode(message) {
                self.handle(id, &message, &mut |to, message| out.push((to, encode(&message))));
            }
        }
        out
    }

    /// The peer `id` is gone.
    pub(crate) fn remove(&mut self, id: u32) {
        self.members.retain(|(member, _)| *member != id);
    }

    fn handle(&mut self, id: u32, message: &ClientMessage<'_>, send: &mut impl FnMut(u32, ServerMessage<'_>)) {
        match *message {
            ClientMessage::Join(ref join) => {
                self.members.push((id, join.name.to_owned()));
                let welcome = Welcome {
                    handle: 1,
                    room: join.room,
                    name: join.name,
                    term: Term([1; 8]),
                    first: self.head + 1,
                    head: self.head,
                    start: self.head,
                    instance: u64::from(id),
                    highest_stored: 0,
                    members: self.members.len() as u16,
                    proof: [0; 32],
                };
                send(id, ServerMessage::Welcome(welcome));
            }
            ClientMessage::Post(post) => {
                let Some((_, author)) = self.members.iter().find(|(member, _)| *member == id) else { return };
                self.head += 1;
                let (seq, instance, number) = (self.head, post.instance, post.number);
                let header = EntryHeader { seq, time_ms: 0, author, instance, number, kind: post.kind };
                send(id, ServerMessage::Stored { handle: 1, instance, number, seq });
                for (to, _) in &self.members {
                    send(*to, ServerMessage::Entry { handle: 1, entry: Entry { header, body: post.body } });
                }
            }
            ClientMessage::Leave { .. } => self.remove(id),
            ClientMessage::Request { .. } => {}
        }
    }
}

/// Sends what [`Room::read`] returned to this peer. A peer that reads too slowly misses it: a real
/// server keeps a log.
pub(crate) fn send(now: Instant, peer: &mut Peer, message: &[u8]) {
    let _ = peer.send(now, StreamId::Chat, &[message]);
}

fn encode(message: &ServerMessage<'_>) -> Vec<u8> {
    let mut bytes = vec![0; MAX_MESSAGE_LEN];
    let len = message.encode(&mut bytes).expect("every message fits");
    bytes.truncate(len);
    bytes
}
