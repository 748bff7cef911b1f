//! The transfers of a session: which there are, and what each does next. `bulk`: their messages.
//! `transfer`: one of them. The worker of [`crate::transfers`] works on the files; its answers come
//! with a later turn of the engine's thread.

mod bulk;
mod transfer;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use kabar_core::chat::{CancelCode, File, MAX_FILE_NAME_LEN, MAX_MESSAGE_LEN, PostRefusedCode};
use kabar_core::client::State;
use kabar_core::content::Root;
use kabar_core::time::{Duration, Instant};

use super::rooms::Rooms;
use crate::engine::event::{Event, RoomId, Transfer as Report, TransferFailure, TransferState, Wait};
use crate::engine::local_history::LocalHistory;
use crate::engine::queue::EventSink;
use crate::history::TransferRecord;
use crate::profile::StdClient;
use crate::transfers::worker::{Done, Job, Worker};
use crate::transfers::{Destination, FileFailure, TransferId, names, worker};
use transfer::{Content, Kind, Phase, Receiving, Sending, Transfer};

/// Transfers of a session at once per direction, as a server takes them (SPEC 6.8).
const MAX_ACTIVE: usize = 8;
/// Transfers of a session, with those that wait. More are refused.
pub const MAX_TRANSFERS: usize = 1_024;
/// Bytes of an encoding that are encoded at once.
const PART_LEN: usize = 64 << 10;
/// How long a transfer waits that is not possible at the moment.
const RETRY: Duration = Duration::from_secs(5);

/// The worker, and the numbers of transfers: of all sessions of an engine.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Files {
    worker: Arc<Mutex<Worker>>,
    next: Arc<AtomicU32>,
    /// The folder for files that are received.
    pub(super) downloads: Option<PathBuf>,
}

impl Files {
    pub(in crate::engine) fn new(worker: Worker, downloads: Option<PathBuf>) -> Self {
        Self { worker: Arc::new(Mutex::new(worker)), next: Arc::new(AtomicU32::new(1)), downloads }
    }

    fn next(&self) -> TransferId {
        TransferId(self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn give(&self, transfer: &Transfer, job: Job) -> Result<(), TransferFailure> {
        let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        worker.give(transfer.id, transfer.attempt, job).map_err(|_| TransferFailure::NoThread)
    }
}

/// The transfers of a session, in the order in which they were requested.
#[derive(Debug)]
pub(super) struct Transfers {
    files: Files,
    list: Vec<Transfer>,
    /// The connection that `number` of each transfer belongs to.
    connection: Option<u64>,
    next_number: u32,
    /// Transfers of the connection that are to be cancelled.
    cancelled: VecDeque<(u32, CancelCode, u64)>,
    /// The upload whose turn it is to send.
    turn: usize,
    buffer: Box<[u8; MAX_MESSAGE_LEN]>,
}

/// What a transfer needs of its session.
pub(super) struct Context<'a> {
    pub(super) client: &'a mut StdClient,
    pub(super) rooms: &'a Rooms,
    pub(super) history: &'a LocalHistory,
    pub(super) sink: &'a EventSink,
    pub(super) now: Instant,
}

/// A file that is to be received.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) file: File<'a>,
    pub(super) destination: Destination,
}

/// What an answer of the worker, or of the server, means for a transfer.
enum Step {
    /// It goes on.
    On,
    /// It begins again after a while.
    Again(Wait),
    /// It is over.
    Over(TransferState),
}

impl From<TransferFailure> for Step {
    fn from(failure: TransferFailure) -> Self {
        Self::Over(TransferState::Failed(failure))
    }
}

impl Transfers {
    pub(super) fn new(files: Files) -> Self {
        Self {
            files,
            list: Vec::new(),
            connection: None,
            next_number: 0,
            cancelled: VecDeque::new(),
            turn: 0,
            buffer: Box::new([0; MAX_MESSAGE_LEN]),
        }
    }

    /// A file is to be sent. Answers with the state of the transfer, or with the failure.
    pub(super) fn send(&mut self, room: RoomId, path: PathBuf, name: Option<String>, context: &Context<'_>) {
        let failed = |name: String, why| context.sink.send(Event::TransferNotStarted { room, name, why });
        let shown = path.display().to_string();
        let Some(name) = name.or_else(|| names::sent_name(&path)).filter(|name| is_sendable(name)) else {
            return failed(shown, TransferFailure::Name);
        };
        // A path is relative to the directory of this process.
        let path = std::path::absolute(&path).unwrap_or(path);
        let is_known = |known: &Transfer| {
            known.room == room && known.name == name && matches!(&known.kind, Kind::Upload(of) if *of == path)
        };
        if let Some(known) = self.list.iter().find(|known| is_known(known)) {
            return context.sink.send(Event::Transfer(known.report(known.state(context.now))));
        }
        self.add_new(Transfer::new(self.files.next(), room, name, Kind::Upload(path), None), context);
    }

    /// A file is to be received. Answers as [`Transfers::send`].
    pub(super) fn get(&mut self, room: RoomId, wanted: Wanted<'_>, context: &Context<'_>) {
        let Wanted { file, destination } = wanted;
        let content = Content { root: file.root(), size: file.size() };
        let is_known = |known: &Transfer| {
            known.room == room
                && known.content == Some(content)
                && matches!(&known.kind, Kind::Download(to) if *to == destination)
        };
        if let Some(known) = self.list.iter().find(|known| is_known(known)) {
            return context.sink.send(Event::Transfer(known.report(known.state(context.now))));
        }
        let name = names::safe_name(file.name());
        let transfer = Transfer::new(self.files.next(), room, name, Kind::Download(destination), Some(content));
        self.add_new(transfer, context);
    }

    /// A room was joined at first: its transfers of an earlier process go on.
    pub(super) fn resume(&mut self, room: RoomId, context: &Context<'_>) {
        for (held, record) in context.history.take_transfers(room) {
            let TransferRecord { is_upload, name, path, is_folder, content } = record;
            let kind = match (is_upload, is_folder) {
                (true, _) => Kind::Upload(path),
                (false, true) => Kind::Download(Destination::Folder { folder: path, name: name.clone() }),
                (false, false) => Kind::Download(Destination::Path(path)),
            };
            let content = content.map(|(root, size)| Content { root, size });
            let mut transfer = Transfer::new(self.files.next(), room, name, kind, content);
            transfer.record = Some(held);
            self.add(transfer, context);
        }
    }

    /// Adds a transfer that was just requested. It is recorded before anything is done, so that it
    /// begins again after a kill.
    fn add_new(&mut self, mut transfer: Transfer, context: &Context<'_>) {
        if self.list.len() >= MAX_TRANSFERS {
            let (room, name) = (transfer.room, transfer.name);
            let why = TransferFailure::TooMany;
            return context.sink.send(Event::TransferNotStarted { room, name, why });
        }
        transfer.record = context.history.add_transfer(transfer.room, &record(&transfer));
        self.add(transfer, context);
    }

    fn add(&mut self, transfer: Transfer, context: &Context<'_>) {
        context.sink.send(Event::Transfer(transfer.report(TransferState::Waiting(Wait::Others))));
        self.list.push(transfer);
    }

    /// A person cancels a transfer.
    pub(super) fn cancel(&mut self, id: TransferId, context: &Context<'_>) {
        let Some(at) = self.list.iter().position(|transfer| transfer.id == id) else { return };
        if let Phase::Posted(_) = self.list[at].phase {
            // The entry may be in the room already.
            let transfer = &self.list[at];
            return context.sink.send(Event::Transfer(transfer.report(transfer.state(context.now))));
        }
        self.end(at, TransferState::Cancelled, context);
    }

    /// Describes all transfers.
    pub(super) fn reports(&self, now: Instant) -> Vec<Report> {
        self.list.iter().map(|transfer| transfer.report(transfer.state(now))).collect()
    }

    /// A room was left, or has ended. What was received stays for the next time.
    pub(super) fn room_ended(&mut self, room: RoomId, sink: &EventSink) {
        let (ended, list) = std::mem::take(&mut self.list).into_iter().partition(|transfer| transfer.room == room);
        self.list = list;
        let ended: Vec<Transfer> = ended;
        for transfer in ended {
            self.cancelled.extend(transfer.number.map(|number| (number, CancelCode::CANCELLED, 0)));
            let _ = self.files.give(&transfer, Job::Close { removes: false });
            // What becomes of an entry that was posted is reported with the posts.
            if !matches!(transfer.phase, Phase::Posted(_)) {
                let state = TransferState::Failed(TransferFailure::NotInRoom);
                sink.send(Event::Transfer(transfer.report(state)));
            }
        }
    }

    /// The session ends. The next process goes on.
    pub(super) fn close(&mut self) {
        for transfer in std::mem::take(&mut self.list) {
            let _ = self.files.give(&transfer, Job::Close { removes: false });
        }
    }

    /// Takes an answer of the worker. Returns whether it is about a transfer of this session.
    pub(super) fn on_report(&mut self, report: &worker::Report, context: &Context<'_>) -> bool {
        let Some(at) = self.list.iter().position(|transfer| transfer.id == report.transfer) else { return false };
        if report.attempt == self.list[at].attempt {
            let step = self.on_done(at, report.done.clone(), context);
            self.step(at, step, context);
        }
        true
    }

    /// Takes all steps that are possible now: begins transfers, and moves their bytes.
    pub(super) fn advance(&mut self, context: &mut Context<'_>) {
        if self.list.is_empty() && self.cancelled.is_empty() {
            return;
        }
        self.check_connection(context);
        self.begin_queued(context);
        self.request(context);
        self.receive(context);
        self.transmit(context);
    }

    /// Returns when to call [`Transfers::advance`].
    pub(super) fn deadline(&self) -> Option<Instant> {
        let is_idle = |transfer: &&Transfer| matches!(transfer.phase, Phase::Idle | Phase::Opening);
        self.list.iter().filter(is_idle).filter_map(|transfer| Some(transfer.retry?.0)).min()
    }

    /// What was in progress on another connection is over there.
    fn check_connection(&mut self, context: &Context<'_>) {
        self.note_loss(context);
        let is_open = context.rooms.slots().any(|slot| context.client.handle_of(slot).is_some());
        let connection = (is_open && context.client.has_transfers()).then(|| context.client.connection_number());
        if self.connection == connection {
            return;
        }
        self.connection = connection;
        self.cancelled.clear();
        for at in 0..self.list.len() {
            self.list[at].number = None;
            if self.list[at].needs_connection() {
                self.begin_again(at);
                let transfer = &self.list[at];
                context.sink.send(Event::Transfer(transfer.report(transfer.state(context.now))));
            }
        }
    }

    /// The connection was lost, or goes on: then it is not a new one, and what is in progress goes
    /// on with it.
    fn note_loss(&mut self, context: &Context<'_>) {
        let is_lost = context.rooms.slots().any(|slot| context.client.state(slot) == State::Reconnecting);
        for transfer in self.list.iter_mut().filter(|transfer| transfer.is_lost != is_lost) {
            transfer.is_lost = is_lost;
            if transfer.needs_connection() {
                context.sink.send(Event::Transfer(transfer.report(transfer.state(context.now))));
            }
        }
    }

    /// A transfer that was requested has to be requested again.
    fn begin_again(&mut self, at: usize) {
        let transfer = &mut self.list[at];
        transfer.attempt += 1;
        transfer.phase = match &transfer.kind {
            Kind::Upload(_) => Phase::Idle,
            // The worker knows how far it is.
            Kind::Download(_) => Phase::Opening,
        };
        if let Err(_failure) = self.open(at) {
            self.list[at].phase = Phase::Queued;
        }
    }

    /// Opens the partial file of a download.
    fn open(&self, at: usize) -> Result<(), TransferFailure> {
        let transfer = &self.list[at];
        let (Kind::Download(destination), Some(Content { root, size })) = (&transfer.kind, transfer.content) else {
            return Ok(());
        };
        self.files.give(transfer, Job::Open { destination: destination.clone(), root, size })
    }

    fn begin_queued(&mut self, context: &Context<'_>) {
        for is_upload in [true, false] {
            let is_of = |transfer: &&Transfer| transfer.is_upload() == is_upload;
            let mut active = self.list.iter().filter(is_of).filter(|transfer| transfer.is_active()).count();
            while active < MAX_ACTIVE
                && let Some(at) = self
                    .list
                    .iter()
                    .position(|transfer| transfer.is_upload() == is_upload && matches!(transfer.phase, Phase::Queued))
            {
                active += 1;
                let transfer = &mut self.list[at];
                let begun = match &transfer.kind {
                    Kind::Upload(path) => {
                        let job = Job::Hash(path.clone());
                        transfer.phase = Phase::Hashing { done: 0, size: None };
                        self.files.give(&self.list[at], job)
                    }
                    Kind::Download(_) => {
                        transfer.phase = Phase::Opening;
                        self.open(at)
                    }
                };
                if let Err(failure) = begun {
                    self.end(at, TransferState::Failed(failure), context);
                }
            }
        }
    }

    /// What an answer of the worker means for a transfer.
    fn on_done(&mut self, at: usize, done: Done, context: &Context<'_>) -> Step {
        let files = self.files.clone();
        let transfer = &mut self.list[at];
        let now = context.now;
        match (done, &mut transfer.phase) {
            (Done::Hashing { done, size }, Phase::Hashing { .. }) => {
                transfer.phase = Phase::Hashing { done, size: Some(size) };
                if transfer.is_report_due(now) {
                    context.sink.send(Event::Transfer(transfer.report(TransferState::Hashing(done))));
                }
                Step::On
            }
            (Done::Hashed { root, size, media_type }, Phase::Hashing { .. }) => {
                let content = Content { root, size };
                if transfer.content.is_some_and(|known| known != content) {
                    return TransferFailure::File(FileFailure::Changed).into();
                }
                (transfer.content, transfer.media_type, transfer.phase) = (Some(content), media_type, Phase::Idle);
                if let Some(record) = &transfer.record {
                    context.history.set_transfer_content(record, root, size);
                }
                context.sink.send(Event::Transfer(transfer.report(transfer.state(now))));
                Step::On
            }
            (Done::Opened(offset), Phase::Opening) => {
                let size = transfer.size();
                transfer.progress.begin(offset, now);
                if offset < size {
                    transfer.phase = Phase::Idle;
                    return Step::On;
                }
                // Nothing is missing; an empty content is proven without a byte.
                transfer.phase = Phase::Storing;
                let begun = if size == 0 { files.give(transfer, Job::Begin) } else { Ok(()) };
                begun.and_then(|()| files.give(transfer, Job::Finish)).map_or_else(Step::from, |()| Step::On)
            }
            (Done::Encoded { bytes, offset, is_last }, Phase::Sending(sending)) => {
                (sending.is_encoding, sending.is_complete) = (false, is_last);
                sending.ready.push_back((bytes, offset));
                Step::On
            }
            (Done::Written { len, offset }, Phase::Receiving(receiving)) => {
                receiving.unwritten = receiving.unwritten.saturating_sub(len);
                transfer.progress.advance(offset, now);
                if transfer.is_report_due(now) {
                    context.sink.send(Event::Transfer(transfer.report(transfer.state(now))));
                }
                Step::On
            }
            (Done::Stored(path), Phase::Storing) => Step::Over(TransferState::Received(path)),
            (Done::Incomplete, _) => TransferFailure::Protocol.into(),
            (Done::Failed(FileFailure::Full), _) => Step::Again(Wait::Disk),
            (Done::Failed(FileFailure::Damaged), _) => Step::Again(Wait::Damaged),
            (Done::Failed(failure), _) => {
                if let (FileFailure::NotProven { offset }, Some(number)) = (&failure, transfer.number.take()) {
                    self.cancelled.push_back((number, CancelCode::NOT_PROVEN, *offset));
                }
                TransferFailure::File(failure).into()
            }
            _ => Step::On,
        }
    }

    /// Applies a step to a transfer.
    fn step(&mut self, at: usize, step: Step, context: &Context<'_>) {
        match step {
            Step::On => {}
            Step::Again(wait) => {
                let transfer = &mut self.list[at];
                self.cancelled.extend(transfer.number.take().map(|number| (number, CancelCode::CANCELLED, 0)));
                transfer.retry = Some((context.now + RETRY, wait));
                transfer.attempt += 1;
                transfer.phase = match transfer.kind {
                    Kind::Upload(_) => Phase::Idle,
                    Kind::Download(_) => Phase::Opening,
                };
                context.sink.send(Event::Transfer(transfer.report(TransferState::Waiting(wait))));
            }
            Step::Over(state) => self.end(at, state, context),
        }
    }

    /// A transfer is over, in this state.
    fn end(&mut self, at: usize, state: TransferState, context: &Context<'_>) {
        let transfer = self.list.remove(at);
        self.cancelled.extend(transfer.number.map(|number| (number, CancelCode::CANCELLED, 0)));
        if let Some(record) = &transfer.record {
            context.history.remove_transfer(record);
        }
        let removes = !matches!(state, TransferState::Received(_));
        let _ = self.files.give(&transfer, Job::Close { removes });
        context.sink.send(Event::Transfer(transfer.report(state)));
    }

    /// Returns the uploads of a room whose entries have to be posted, and the entries.
    pub(super) fn entries_of(&self, room: RoomId) -> Vec<(TransferId, Vec<u8>)> {
        let is_due = |transfer: &&Transfer| transfer.room == room && matches!(transfer.phase, Phase::Posting);
        self.list.iter().filter(is_due).filter_map(|transfer| Some((transfer.id, transfer.entry()?))).collect()
    }

    /// The entry of an upload is posted with this number: in the transaction that stores it, the
    /// upload ends.
    pub(super) fn posted(&mut self, id: TransferId, number: u64, history: &LocalHistory) {
        let Some(transfer) = self.list.iter_mut().find(|transfer| transfer.id == id) else { return };
        transfer.phase = Phase::Posted(number);
        if let Some(record) = transfer.record.take() {
            history.remove_transfer(&record);
        }
        let _ = self.files.give(transfer, Job::Close { removes: false });
    }

    /// Posts up to this number are stored; the entry of the last one has this seq.
    pub(super) fn stored(&mut self, room: RoomId, number: u64, seq: u64, context: &Context<'_>) {
        let is_stored = |transfer: &Transfer| {
            transfer.room == room && matches!(transfer.phase, Phase::Posted(posted) if posted <= number)
        };
        while let Some(at) = self.list.iter().position(is_stored) {
            let is_last = matches!(self.list[at].phase, Phase::Posted(posted) if posted == number);
            self.end(at, TransferState::Sent(if is_last { seq } else { 0 }), context);
        }
    }

    /// A post is refused. Returns whether it is that of an upload.
    pub(super) fn refused(&mut self, room: RoomId, number: u64, code: PostRefusedCode, context: &Context<'_>) -> bool {
        let is_refused = |transfer: &Transfer| {
            transfer.room == room && matches!(transfer.phase, Phase::Posted(posted) if posted == number)
        };
        let Some(at) = self.list.iter().position(is_refused) else { return false };
        self.end(at, TransferState::Failed(TransferFailure::EntryRefused(code)), context);
        true
    }
}

/// Whether a file can be sent with this name.
fn is_sendable(name: &str) -> bool {
    name.len() <= MAX_FILE_NAME_LEN && File::new(name, 0, Root([0; 32]), "").is_some()
}

/// Returns the record of a transfer.
fn record(transfer: &Transfer) -> TransferRecord {
    let (is_upload, path, is_folder) = match &transfer.kind {
        Kind::Upload(path) => (true, path.clone(), false),
        Kind::Download(Destination::Folder { folder, .. }) => (false, folder.clone(), true),
        Kind::Download(Destination::Path(path)) => (false, path.clone(), false),
    };
    let content = transfer.content.map(|Content { root, size }| (root, size));
    TransferRecord { is_upload, name: transfer.name.clone(), path, is_folder, content }
}
