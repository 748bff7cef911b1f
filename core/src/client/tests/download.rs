//! A download into the storage of a device (SPEC 6.8, 10.3).

use std::vec;
use std::vec::Vec;

use super::server::Server;
use super::world::{Seen, World, config, secs};
use crate::chat::{CancelCode, MAX_MESSAGE_LEN, TransferMessage};
use crate::client::{
    DisconnectReason, Download, DownloadError, DownloadRequest, DownloadRequestError, DownloadStep, RoomSlot,
};
use crate::content::{Encoder, GROUP_LEN, GroupRange, NotProven, OutboardBuilder, Root, SliceSource, Storage};
use crate::time::Duration;
use crate::wire::frame::CloseCode;
use crate::wire::packet::TransportParameters;

const SIZE: usize = 3 * GROUP_LEN + 500;
const TRANSFER: u32 = 9;

type Step = Result<DownloadStep, DownloadError<Broken>>;

/// A slot in memory. What was written and is not proven is not distinguished: the download does
/// that.
#[derive(Default)]
struct Slot {
    bytes: Vec<u8>,
    is_broken: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Broken;

impl Storage for Slot {
    type Error = Broken;

    fn prepare(&mut self, offset: u64, _: usize) -> Result<(), Broken> {
        self.bytes.truncate(offset as usize);
        if self.is_broken { Err(Broken) } else { Ok(()) }
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Broken> {
        assert_eq!(offset as usize, self.bytes.len());
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Broken> {
        Ok(())
    }

    fn read(&mut self, offset: u64, out: &mut [u8]) -> Result<(), Broken> {
        out.copy_from_slice(&self.bytes[offset as usize..][..out.len()]);
        Ok(())
    }
}

struct Content {
    bytes: Vec<u8>,
    outboard: Vec<u8>,
    root: Root,
}

impl Content {
    fn new(len: usize) -> Self {
        let bytes: Vec<u8> = (0..=250).cycle().take(len).collect();
        let (mut builder, mut outboard) = (OutboardBuilder::new(), Vec::new());
        let mut emit = |parent: &[u8; 64]| -> Result<(), ()> {
            outboard.extend_from_slice(parent);
            Ok(())
        };
        builder.update(&mut &bytes[..], &mut emit).unwrap();
        let root = builder.finish(&mut emit).unwrap();
        Self { bytes, outboard, root }
    }

    /// The encoding from `offset` to the end.
    fn encoding(&self, offset: u64) -> Vec<u8> {
        let range = GroupRange::starting_at(self.bytes.len() as u64, offset).unwrap();
        let mut encoding = vec![0; range.encoded_len() as usize];
        let mut source = SliceSource { content: &self.bytes, outboard: &self.outboard };
        assert_eq!(Encoder::new(range).encode(&mut source, &mut encoding), Ok(encoding.len()));
        encoding
    }
}

fn request(content: &Content, offset: u64) -> DownloadRequest {
    DownloadRequest {
        slot: RoomSlot::FIRST,
        transfer: TRANSFER,
        root: content.root,
        size: content.bytes.len() as u64,
        offset,
    }
}

fn encode(message: &TransferMessage<'_>) -> Vec<u8> {
    let mut out = vec![0; MAX_MESSAGE_LEN];
    let len = message.encode(&mut out).unwrap();
    out.truncate(len);
    out
}

const fn get_at(size: u64, offset: u64) -> TransferMessage<'static> {
    TransferMessage::GetAt { transfer: TRANSFER, size, offset, length: size - offset }
}

const fn cancel(code: CancelCode, offset: u64) -> TransferMessage<'static> {
    TransferMessage::Cancel { transfer: TRANSFER, code, offset }
}

const END: TransferMessage<'static> = TransferMessage::End { transfer: TRANSFER };

/// A member with a download, and the server's side by hand.
struct Run {
    world: World,
    download: Download<8>,
    slot: Slot,
    content: Content,
}

impl Run {
    fn new(len: usize) -> Self {
        Self::at(len, 0)
    }

    /// The slot has the first `offset` bytes.
    fn at(len: usize, offset: u64) -> Self {
        let content = Content::new(len);
        let slot = Slot { bytes: content.bytes[..offset as usize].to_vec(), ..Slot::default() };
        Self { world: World::online(), download: Download::new(request(&content, offset)).unwrap(), slot, content }
    }

    fn poll(&mut self) -> Step {
        loop {
            let step = self.download.poll(self.world.now, &mut self.world.client, &mut self.slot);
            self.world.run(Duration::from_millis(200));
            if step != Ok(DownloadStep::Working) {
                return step;
            }
        }
    }

    /// What the client has sent, in order.
    fn sent(&mut self) -> Vec<u8> {
        self.world.run(Duration::from_millis(200));
        self.world.server.read_bulk()
    }

    #[track_caller]
    fn expect_get(&mut self, offset: u64) {
        let handle = self.world.client.handle_of(RoomSlot::FIRST).unwrap();
        let root = self.content.root;
        let get = TransferMessage::Get { transfer: TRANSFER, handle, root, offset, length: u64::MAX };
        assert_eq!(self.sent(), encode(&get));
    }

    fn receive(&mut self, messages: &[TransferMessage<'_>]) {
        for message in messages {
            self.world.server.send_bulk(self.world.now, &encode(message));
            self.world.run(Duration::from_millis(200));
        }
    }

    /// The server's answers to a Get at `offset`, in Chunks of `len` bytes; stops before End after
    /// `most` bytes. Returns the offsets that were proven.
    fn serve(&mut self, offset: u64, len: usize, most: usize) -> Vec<u64> {
        self.receive(&[get_at(self.content.bytes.len() as u64, offset)]);
        let encoding = self.content.encoding(offset);
        let mut proven = Vec::new();
        for bytes in encoding[..encoding.len().min(most)].chunks(len) {
            self.receive(&[TransferMessage::Chunk { transfer: TRANSFER, bytes }]);
            while let DownloadStep::Proven { offset } = self.poll().unwrap() {
                proven.push(offset);
            }
        }
        proven
    }

    /// A download that has sent Get.
    fn requested(len: usize) -> Self {
        let mut run = Self::new(len);
        assert_eq!(run.poll(), Ok(DownloadStep::Waiting));
        run.expect_get(0);
        run
    }

    /// A download that has received the first group and a part of the second.
    fn receiving() -> Self {
        let mut run = Self::requested(SIZE);
        assert_eq!(run.serve(0, 1000, GROUP_LEN + 5000), [GROUP_LEN as u64]);
        run
    }

    /// The connection is lost and the client returns.
    fn reconnect(&mut self) {
        self.world.seen.clear();
        self.world.server.close_all(self.world.now, CloseCode::MESSAGE);
        self.world.run_until(secs(60), World::has_joined);
        self.world.run(secs(1));
    }

    #[track_caller]
    fn complete(&mut self, offset: u64) {
        self.serve(offset, 1000, usize::MAX);
        self.receive(&[END]);
        let mut step = self.poll();
        if let Ok(DownloadStep::Proven { .. }) = step {
            // An empty content has no Chunk with which this would have been returned.
            step = self.poll();
        }
        assert_eq!(step, Ok(DownloadStep::Complete));
        assert!(self.download.is_over() && self.download.is_complete());
        assert!(self.slot.bytes == self.content.bytes);
        assert_eq!(self.poll(), Ok(DownloadStep::Complete));
        assert!(self.sent().is_empty());
    }

    /// It fails with `error` and sends this Cancel, and nothing after it.
    #[track_caller]
    fn expect_failure(&mut self, error: DownloadError<Broken>, code: CancelCode, offset: u64) {
        assert_eq!(self.poll(), Err(error));
        assert_eq!(self.sent(), encode(&cancel(code, offset)));
        assert!(self.download.is_over() && !self.download.is_complete());
        self.receive(&[cancel(CancelCode::CANCELLED, 0)]);
        assert_eq!((self.poll(), self.sent()), (Ok(DownloadStep::Waiting), Vec::new()));
    }
}

#[test]
fn groups_are_proven_in_order_and_the_end_completes_it() {
    let group = GROUP_LEN as u64;
    for (chunk, proven) in [
        (400, &[group, 2 * group, 3 * group, SIZE as u64][..]),
        // One chunk has the end of a group and the last group.
        (4000, &[group, 2 * group, SIZE as u64]),
    ] {
        let mut run = Run::requested(SIZE);
        assert_eq!(run.serve(0, chunk, usize::MAX), proven);
        assert!(!run.download.is_complete());
        run.receive(&[END]);
        assert_eq!(run.poll(), Ok(DownloadStep::Complete));
        assert!(run.slot.bytes == run.content.bytes);
    }
}

#[test]
fn contents_of_any_length_are_downloaded() {
    for len in [0, 1, GROUP_LEN, GROUP_LEN + 1, 2 * GROUP_LEN] {
        let mut run = Run::requested(len);
        run.complete(0);
        assert_eq!(run.download.proven(), len as u64);
    }
}

#[test]
fn it_continues_after_a_restart_where_the_device_says() {
    for (groups, extra, asked) in [(1, 0, 1), (2, 77, 2), (3, 0, 3), (0, 5, 0)] {
        let mut run = Run::at(SIZE, (groups * GROUP_LEN + extra) as u64);
        let offset = (asked * GROUP_LEN) as u64;
        assert_eq!(run.download.proven(), offset);
        run.poll().unwrap();
        run.expect_get(offset);
        run.complete(offset);
    }
}

#[test]
fn a_device_that_has_all_of_it_requests_nothing() {
    let mut run = Run::at(SIZE, SIZE as u64);
    assert_eq!(run.poll(), Ok(DownloadStep::Complete));
    assert!(run.sent().is_empty());
}

#[test]
fn after_a_reconnect_it_requests_the_groups_after_the_last_proven_one() {
    // While it waits for GetAt, within a group, and between the last group and End.
    let mut run = Run::requested(SIZE);
    run.reconnect();
    run.poll().unwrap();
    run.expect_get(0);
    run.complete(0);

    let mut run = Run::receiving();
    run.reconnect();
    run.poll().unwrap();
    run.expect_get(GROUP_LEN as u64);
    run.complete(GROUP_LEN as u64);

    let mut run = Run::requested(SIZE);
    run.serve(0, 1000, usize::MAX);
    run.reconnect();
    assert_eq!(run.poll(), Ok(DownloadStep::Complete));
    assert!(run.sent().is_empty());
}

#[test]
fn a_server_that_falls_silent_is_noticed_by_who_only_receives() {
    let mut run = Run::receiving();
    run.world.seen.clear();
    run.world.server.rules.is_down = true;
    let begun = run.world.now;
    let until = begun + secs(20);
    while run.world.now < until && run.world.seen.is_empty() {
        assert!(run.poll().is_ok());
        let due = run.download.poll_timeout(run.world.now).unwrap();
        run.world.run(due.saturating_since(run.world.now).min(Duration::from_millis(100)));
    }
    // 5 s of silence, and three probe time-outs.
    assert_eq!(run.world.seen, [Seen::Disconnected(DisconnectReason::Silent)]);
    assert!(run.world.now.saturating_since(begun) < secs(12));
    run.world.server.rules.is_down = false;
    run.world.server.restart();
    run.world.run_until(secs(30), World::has_joined);
    run.world.run(secs(1));
    run.poll().unwrap();
    run.expect_get(GROUP_LEN as u64);
    run.complete(GROUP_LEN as u64);
}

#[test]
fn a_server_that_answers_is_probed_and_stays() {
    let mut run = Run::receiving();
    run.world.seen.clear();
    let before = run.world.client.counters().connection.sent;
    for _ in 0..300 {
        assert_eq!(run.poll(), Ok(DownloadStep::Waiting));
    }
    assert_eq!(run.world.seen, []);
    assert_eq!(run.world.client.counters().connections, 1);
    // One every 5 s, and the keep-alive.
    assert!((12..40).contains(&(run.world.client.counters().connection.sent - before)));
}

#[test]
fn without_a_poll_nothing_is_read_and_the_chat_goes_on() {
    let mut run = Run::requested(SIZE);
    run.receive(&[get_at(SIZE as u64, 0)]);
    let encoding = run.content.encoding(0);
    for bytes in encoding[..16_000].chunks(4000) {
        run.receive(&[TransferMessage::Chunk { transfer: TRANSFER, bytes }]);
    }
    run.world.server.add_entry(b"a line");
    run.world.run(secs(5));
    assert_eq!(run.world.bodies(), [b"a line"]);
    assert!(run.slot.bytes.is_empty());
    // The ring has 8192 bytes.
    let step = run.download.poll(run.world.now, &mut run.world.client, &mut run.slot);
    assert_eq!(step, Ok(DownloadStep::Working));
    assert!((4000..8192).contains(&run.slot.bytes.len()), "{}", run.slot.bytes.len());
    run.world.run(secs(1));
    run.poll().unwrap();
    assert!(run.slot.bytes.len() > 8192);
}

#[test]
fn a_group_that_does_not_prove_is_named_and_is_not_counted() {
    let mut run = Run::receiving();
    let mut encoding = run.content.encoding(0);
    let at = encoding.len() - SIZE + GROUP_LEN + 6000;
    encoding[at] ^= 1;
    for bytes in encoding[GROUP_LEN + 5000..].chunks(4000).take(3) {
        run.receive(&[TransferMessage::Chunk { transfer: TRANSFER, bytes }]);
        if run.download.poll(run.world.now, &mut run.world.client, &mut run.slot) != Ok(DownloadStep::Working) {
            break;
        }
        run.world.run(secs(1));
    }
    let offset = GROUP_LEN as u64;
    assert_eq!(run.sent(), encode(&cancel(CancelCode::NOT_PROVEN, offset)));
    assert_eq!(run.download.proven(), offset);
    assert!(run.download.is_over());
    // A later download continues there.
    let mut again = Download::<8>::new(DownloadRequest { transfer: 10, ..request(&run.content, offset) }).unwrap();
    assert_eq!(again.poll(run.world.now, &mut run.world.client, &mut run.slot), Ok(DownloadStep::Working));
    assert!(!run.sent().is_empty());
}

#[test]
fn groups_out_of_order_do_not_prove() {
    let mut run = Run::requested(SIZE);
    run.receive(&[get_at(SIZE as u64, 0)]);
    // The encoding from the second group on has the same first parent.
    let encoding = run.content.encoding(GROUP_LEN as u64);
    let mut seen = Vec::new();
    for bytes in encoding.chunks(4000) {
        run.receive(&[TransferMessage::Chunk { transfer: TRANSFER, bytes }]);
        seen.push(run.poll());
    }
    let error = DownloadError::NotProven(NotProven { offset: 0, is_parent: false });
    assert!(seen.contains(&Err(error)), "{seen:?}");
    assert_eq!(run.download.proven(), 0);
}

#[test]
fn an_early_end_is_no_completion() {
    let mut run = Run::receiving();
    run.receive(&[END]);
    run.expect_failure(DownloadError::Protocol, CancelCode::CANCELLED, 0);
    assert_eq!(run.download.proven(), GROUP_LEN as u64);
}

#[test]
fn messages_in_the_wrong_state_end_it() {
    let chunk = TransferMessage::Chunk { transfer: TRANSFER, bytes: b"x" };
    let at = get_at(SIZE as u64, 0);
    for message in [chunk, END, TransferMessage::PutAt { transfer: TRANSFER, offset: 0 }] {
        let mut run = Run::requested(SIZE);
        run.receive(&[message]);
        run.expect_failure(DownloadError::Protocol, CancelCode::CANCELLED, 0);
    }
    let mut run = Run::requested(SIZE);
    run.receive(&[at, at]);
    run.expect_failure(DownloadError::Protocol, CancelCode::CANCELLED, 0);
}

#[test]
fn another_length_or_range_than_requested_ends_it() {
    let size = SIZE as u64;
    for (answer, error) in [
        (get_at(size + 1, 0), DownloadError::SizeMismatch { size: size + 1 }),
        (get_at(0, 0), DownloadError::SizeMismatch { size: 0 }),
        (get_at(size, GROUP_LEN as u64), DownloadError::Protocol),
        (TransferMessage::GetAt { transfer: TRANSFER, size, offset: 0, length: size - 1 }, DownloadError::Protocol),
        (TransferMessage::GetAt { transfer: TRANSFER, size, offset: 0, length: u64::MAX }, DownloadError::Protocol),
    ] {
        let mut run = Run::requested(SIZE);
        run.receive(&[answer]);
        run.expect_failure(error, CancelCode::CANCELLED, 0);
    }
}

#[test]
fn a_refusal_ends_it_and_is_answered() {
    for code in [CancelCode::NOT_PERMITTED, CancelCode::NOT_FOUND, CancelCode::REMOVED, CancelCode(77)] {
        let mut run = Run::receiving();
        run.receive(&[cancel(code, 0)]);
        run.expect_failure(DownloadError::Refused(code), CancelCode::CANCELLED, 0);
        assert_eq!(run.download.proven(), GROUP_LEN as u64);
    }
}

#[test]
fn a_server_that_is_busy_is_asked_again_later() {
    for code in [CancelCode::TRY_LATER, CancelCode::CANCELLED] {
        let mut run = Run::receiving();
        run.receive(&[cancel(code, 0)]);
        assert_eq!(run.poll(), Ok(DownloadStep::Waiting));
        assert_eq!(run.sent(), encode(&cancel(CancelCode::CANCELLED, 0)));
        let due = run.download.poll_timeout(run.world.now).unwrap();
        assert!(due > run.world.now);
        run.poll().unwrap();
        assert!(run.sent().is_empty());
        run.world.run(due.saturating_since(run.world.now));
        run.poll().unwrap();
        run.expect_get(GROUP_LEN as u64);
        run.complete(GROUP_LEN as u64);
    }
}

#[test]
fn a_storage_that_fails_ends_it() {
    let mut run = Run::receiving();
    run.slot.is_broken = true;
    let encoding = run.content.encoding(0);
    let mut rest = encoding[GROUP_LEN + 5000..].chunks(4000);
    for bytes in rest.by_ref().take(2) {
        run.receive(&[TransferMessage::Chunk { transfer: TRANSFER, bytes }]);
        run.poll().unwrap();
    }
    run.receive(&[TransferMessage::Chunk { transfer: TRANSFER, bytes: rest.next().unwrap() }]);
    run.expect_failure(DownloadError::Storage(Broken), CancelCode::CANCELLED, 0);
    assert_eq!(run.download.proven(), 2 * GROUP_LEN as u64);
}

#[test]
fn it_is_given_up_at_any_time() {
    let mut run = Run::receiving();
    run.download.cancel();
    assert!(!run.download.is_over());
    run.poll().unwrap();
    assert_eq!(run.sent(), encode(&cancel(CancelCode::CANCELLED, 0)));
    assert!(run.download.is_over());

    let mut run = Run::new(SIZE);
    run.download.cancel();
    assert!(run.download.is_over());
    run.poll().unwrap();
    assert!(run.sent().is_empty());
}

#[test]
fn messages_of_other_transfers_are_skipped() {
    let mut run = Run::requested(SIZE);
    run.receive(&[
        TransferMessage::End { transfer: 1 },
        TransferMessage::Chunk { transfer: 2, bytes: b"x" },
        TransferMessage::Cancel { transfer: 3, code: CancelCode::REMOVED, offset: 0 },
    ]);
    run.complete(0);
}

#[test]
fn a_client_without_buffers_and_a_server_without_transfers_are_reported() {
    let mut server = Server::new();
    server.set_limits(TransportParameters { bulk: 0, ..server.limits });
    let mut world = World::start_with(server, &config(), 1);
    let content = Content::new(SIZE);
    let mut download = Download::<8>::new(request(&content, 0)).unwrap();
    let mut slot = Slot::default();
    assert_eq!(download.poll(world.now, &mut world.client, &mut slot), Ok(DownloadStep::Waiting), "not joined yet");
    world.run_until(secs(5), World::has_joined);
    let step = download.poll(world.now, &mut world.client, &mut slot);
    assert_eq!(step, Err(DownloadError::NotSupported));
    assert!(download.is_over());
}

#[test]
fn what_it_cannot_hold_is_refused_at_once() {
    let content = Content::new(4 * GROUP_LEN + 1);
    assert_eq!(Download::<2>::new(request(&content, 0)).err(), Some(DownloadRequestError::TooLong));
    assert!(Download::<3>::new(request(&content, 0)).is_ok());
    let beyond = request(&content, content.bytes.len() as u64 + 1);
    assert_eq!(Download::<3>::new(beyond).err(), Some(DownloadRequestError::OutOfRange));
}

#[test]
fn its_size_is_small() {
    assert!(size_of::<Download<8>>() <= 32 * 8 + 300, "{}", size_of::<Download<8>>());
}
