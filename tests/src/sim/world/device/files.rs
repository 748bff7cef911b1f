//! Files of a device: it sends contents and posts them, and fetches those that entries name. What
//! it holds of a content is a proven prefix, at every moment and across restarts.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use kabar_core::chat::{CancelCode, EntryKind, File, MAX_FILE_BODY_LEN, MAX_MESSAGE_LEN, TransferMessage};
use kabar_core::content::{
    Decoder, Encoder, GROUP_LEN, GroupRange, OutboardBuilder, PARENT_LEN, Proven, Root, SliceSource,
};

use super::Membership;
use crate::sim::coverage::Seen;
use crate::sim::model::{Checked, demand};
use crate::sim::world::World;

/// A content, with everything that its sender knows.
#[derive(Debug)]
pub(in crate::sim::world) struct Content {
    bytes: Vec<u8>,
    outboard: Vec<u8>,
    root: Root,
}

/// The files of one device. What is fetched outlives its processes.
#[derive(Debug, Default)]
pub(in crate::sim::world) struct Files {
    /// Contents to be sent, and the rooms for which they are.
    outgoing: VecDeque<(usize, Rc<Content>)>,
    /// Contents to be fetched: room and root.
    wanted: VecDeque<(usize, Root)>,
    /// The proven prefix of each content that was begun.
    held: BTreeMap<Root, Vec<u8>>,
    upload: Option<Upload>,
    download: Option<Download>,
    /// The number of the connection that `upload` and `download` are on.
    connection: u64,
    last_number: u32,
}

#[derive(Debug)]
struct Upload {
    number: u32,
    encoder: Option<Encoder>,
    is_ended: bool,
}

#[derive(Debug)]
struct Download {
    number: u32,
    root: Root,
    decoder: Option<Box<Decoder>>,
}

impl Content {
    pub(in crate::sim::world) fn new(bytes: Vec<u8>) -> Self {
        let (mut builder, mut outboard) = (OutboardBuilder::new(), Vec::new());
        let mut store = |parent: &[u8; PARENT_LEN]| -> Result<(), std::convert::Infallible> {
            outboard.extend_from_slice(parent);
            Ok(())
        };
        let Ok(()) = builder.update(&mut &bytes[..], &mut store);
        let Ok(root) = builder.finish(&mut store);
        Self { bytes, outboard, root }
    }

    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }
}

impl Files {
    /// An entry of a room names a content.
    pub(super) fn want(&mut self, room: usize, body: &[u8]) {
        if let Ok(file) = File::decode(body) {
            self.wanted.push_back((room, file.root()));
        }
    }

    /// Its process ended: transfers did, too. What it holds stays.
    pub(super) fn end_process(&mut self) {
        (self.upload, self.download, self.connection) = (None, None, 0);
    }

    fn draw_number(&mut self) -> u32 {
        self.last_number += 1;
        self.last_number
    }
}

impl World {
    /// A device is to send a file of `len` bytes.
    pub(in crate::sim::world) fn send_file(&mut self, at: usize, len: usize) -> Checked {
        let mut bytes = vec![0; len];
        self.rng.fill(&mut bytes);
        let content = Rc::new(Content::new(bytes));
        let room = *self.rng.pick(&self.devices[at].plan.rooms.clone());
        self.contents.insert(content.root, Rc::clone(&content));
        self.devices[at].files.outgoing.push_back((room, content));
        self.drive_device(at)
    }

    /// Takes a step of the transfers of a device. Returns whether it did anything.
    pub(super) fn drive_files(&mut self, at: usize) -> Result<bool, crate::sim::model::Violation> {
        let now = self.now();
        let clock = self.devices[at].clock(now);
        let device = &mut self.devices[at];
        let Some(running) = device.running.as_mut() else { return Ok(false) };
        let client = &mut running.client;
        if running.is_leaving || !client.has_transfers() {
            return Ok(false);
        }
        let files = &mut device.files;
        if core::mem::replace(&mut files.connection, client.connection_number()) != client.connection_number() {
            (files.upload, files.download) = (None, None);
        }
        let mut has_acted = false;
        let mut buffer = vec![0; MAX_MESSAGE_LEN];
        let mut finished = None;
        while let Some(message) = client.read_bulk(clock, &mut buffer) {
            has_acted = true;
            let upload = files.upload.as_mut().filter(|it| it.number == message.transfer());
            if let Some(upload) = upload {
                match message {
                    TransferMessage::PutAt { offset, .. } => {
                        let size = files.outgoing.front().map_or(0, |(_, content)| content.size());
                        let range = GroupRange::starting_at(size, offset);
                        demand!(range.is_ok(), Files, "the server has {offset} of {size} bytes");
                        if offset > 0 && offset < size {
                            self.coverage.count(Seen::UploadResumed);
                        }
                        upload.encoder = range.ok().map(Encoder::new);
                    }
                    TransferMessage::End { .. } => {
                        self.coverage.count(Seen::Uploaded);
                        (finished, files.upload) = (files.outgoing.pop_front(), None);
                    }
                    TransferMessage::Cancel { code, .. } => {
                        demand!(code != CancelCode::NOT_PROVEN, Files, "an honest upload does not prove");
                        self.coverage.count(Seen::TransferCancelled);
                        files.upload = None;
                        if code != CancelCode::TRY_LATER {
                            files.outgoing.pop_front();
                        }
                    }
                    _ => {}
                }
                continue;
            }
            let Some(download) = files.download.as_mut().filter(|it| it.number == message.transfer()) else { continue };
            let Some(content) = self.contents.get(&download.root) else { continue };
            let held = files.held.entry(download.root).or_default();
            match message {
                TransferMessage::GetAt { size, offset, .. } => {
                    demand!(size == content.size(), Files, "a content of {} bytes has {size}", content.size());
                    demand!(offset == held.len() as u64, Files, "a download begins at {offset}");
                    if offset > 0 {
                        self.coverage.count(Seen::DownloadResumed);
                    }
                    let range = GroupRange::starting_at(size, offset).ok();
                    download.decoder = range.and_then(|range| Decoder::new(download.root, range).ok()).map(Box::new);
                }
                TransferMessage::Chunk { bytes, .. } => {
                    let (mut input, mut group) = (bytes, [0; GROUP_LEN]);
                    let Some(decoder) = &mut download.decoder else { continue };
                    loop {
                        match decoder.decode(&mut input, &mut group) {
                            Ok(Some(Proven::Group { bytes, .. })) => held.extend_from_slice(bytes),
                            Ok(Some(Proven::Parent { .. })) => {}
                            Ok(None) => break,
                            Err(_) => {
                                demand!(false, Files, "the server sends what does not prove");
                            }
                        }
                    }
                    demand!(content.bytes.starts_with(held), Files, "device {at} holds what is not the content");
                }
                TransferMessage::End { .. } => {
                    demand!(*held == content.bytes, Files, "device {at} holds {} bytes at the end", held.len());
                    self.coverage.count(Seen::Downloaded);
                    (files.download, _) = (None, files.wanted.pop_front());
                }
                TransferMessage::Cancel { code, .. } => {
                    self.coverage.count(Seen::TransferCancelled);
                    files.download = None;
                    if code != CancelCode::TRY_LATER {
                        files.wanted.pop_front();
                    }
                }
                _ => {}
            }
        }
        let slot_in = |room: usize| running.memberships.iter().find(|it| it.room == room).map(|it| it.slot);
        if files.upload.is_none()
            && let Some((room, content)) = files.outgoing.front()
            && let Some(handle) = slot_in(*room).and_then(|slot| client.handle_of(slot))
        {
            let (root, size) = (content.root, content.size());
            let transfer = files.draw_number();
            if client.send_bulk(clock, &TransferMessage::Put { transfer, handle, root, size }).is_ok() {
                files.upload = Some(Upload { number: transfer, encoder: None, is_ended: false });
                has_acted = true;
            }
        }
        if files.download.is_none()
            && let Some((room, root)) = files.wanted.front().copied()
            && let Some(handle) = slot_in(room).and_then(|slot| client.handle_of(slot))
        {
            let held = files.held.entry(root).or_default();
            held.truncate(held.len() / GROUP_LEN * GROUP_LEN);
            let offset = held.len() as u64;
            let transfer = files.draw_number();
            let get = TransferMessage::Get { transfer, handle, root, offset, length: u64::MAX };
            if client.send_bulk(clock, &get).is_ok() {
                files.download = Some(Download { number: transfer, root, decoder: None });
                has_acted = true;
            }
        }
        if let (Some(upload), Some((_, content))) = (&mut files.upload, files.outgoing.front())
            && let (Some(encoder), false) = (&mut upload.encoder, upload.is_ended)
        {
            let mut source = SliceSource { content: &content.bytes, outboard: &content.outboard };
            while !encoder.is_finished() && client.bulk_space() >= 2_000 {
                let mut chunk = [0; 1_500];
                let Ok(len) = encoder.encode(&mut source, &mut chunk) else { break };
                let message = TransferMessage::Chunk { transfer: upload.number, bytes: &chunk[..len] };
                let was_sent = len == 0 || client.send_bulk(clock, &message).is_ok();
                demand!(was_sent, Contract, "a chunk has no place in a ring with space for it");
                has_acted = true;
            }
            if encoder.is_finished()
                && client.send_bulk(clock, &TransferMessage::End { transfer: upload.number }).is_ok()
            {
                (upload.is_ended, has_acted) = (true, true);
            }
        }
        if let Some((room, content)) = finished {
            self.post_file(at, room, &content)?;
        }
        Ok(has_acted)
    }

    fn post_file(&mut self, at: usize, room: usize, content: &Content) -> Checked {
        let now = self.now();
        let Some(running) = self.devices[at].running.as_mut() else { return Ok(()) };
        let Some(Membership { process, slot, is_parting: false, .. }) =
            running.memberships.iter().find(|it| it.room == room)
        else {
            return Ok(());
        };
        let (process, slot) = (*process, *slot);
        let mut body = [0; MAX_FILE_BODY_LEN];
        let number = self.models[room].process(process).posts() + 1;
        // Names are unique, so that no two bodies are equal.
        let name = format!("r{room}p{process}.{number}.bin");
        let file = File::new(&name, content.size(), content.root, "");
        let Some(Ok(len)) = file.map(|file| file.encode(&mut body)) else { return Ok(()) };
        if let Ok(number) = running.client.post(slot, EntryKind::FILE, &body[..len]) {
            self.coverage.count(Seen::Posted);
            self.trace.note(now, &[17, process as u64, number], || format!("process {process} posts file {number}"));
            self.models[room].posted(process, number, EntryKind::FILE.0, &body[..len])?;
        }
        Ok(())
    }
}
