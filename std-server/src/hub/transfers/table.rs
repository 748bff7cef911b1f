//! The table of all transfers: by key, by connection, by content; and the jobs that it has for the
//! workers.

use std::collections::{BTreeMap, VecDeque};

use kabar_core::chat::CancelCode;
use kabar_core::content::Root;
use kabar_core::time::Instant;

use super::PER_CONNECTION;
use super::jobs::{ContentJob, ContentTask, IndexJob};
use super::transfer::{Content, Reply, Stage, Transfer};
use crate::hub::room_id::RoomId;

/// Refusals of a connection that wait for space in its stream; beyond these it is not read.
const REFUSALS: usize = 8;
/// Jobs on the index that are outstanding; further ones wait.
pub const INDEX_JOBS: usize = 8;
/// The key of jobs that belong to no transfer.
pub(in crate::hub) const NO_TRANSFER: u64 = 0;

/// All transfers.
#[derive(Debug, Default)]
pub(in crate::hub) struct Transfers {
    /// By key. A transfer that is over stays until its last message is written.
    table: BTreeMap<u64, Transfer>,
    /// By connection and number.
    numbers: BTreeMap<(u32, u32), u64>,
    /// What workers have open, or are opening, by key. It may outlive the transfer: what is busy is
    /// closed after its job.
    open: BTreeMap<u64, Open>,
    /// The upload that may write a content.
    writers: BTreeMap<Content, u64>,
    /// Refusals of transfers that have no place in the table, by connection.
    refusals: BTreeMap<u32, VecDeque<(u32, CancelCode)>>,
    /// The transfer of a connection that was served last.
    served: BTreeMap<u32, u64>,
    last_key: u64,
    jobs: VecDeque<ContentJob>,
    index_jobs: VecDeque<IndexJob>,
    /// Jobs on the index that are outstanding.
    index_busy: usize,
    /// Commits after which every entry that names a content is stored.
    commits_until_named: u8,
    /// Contents are being collected.
    is_collecting: bool,
    /// The file that the next post of a connection names, and whether its content is stored; `None`
    /// while that is being looked up.
    checks: BTreeMap<u32, (Content, Option<Result<bool, CheckFailed>>)>,
}

/// The store cannot tell.
#[derive(Clone, Copy, Debug)]
pub(in crate::hub) struct CheckFailed;

/// Whether the content that a post names is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hub) enum Checked {
    Stored,
    NotStored,
    /// The store cannot tell now.
    Failed,
    /// It is being looked up; the connection is read again then.
    Later,
}

/// A transfer, as a worker knows it.
#[derive(Clone, Copy, Debug)]
struct Open {
    content: Content,
    is_writer: bool,
    is_busy: bool,
    /// To be closed as soon as it is not busy.
    is_ended: bool,
}

impl Transfers {
    pub(in crate::hub) fn get(&self, key: u64) -> Option<&Transfer> {
        self.table.get(&key)
    }

    pub(in crate::hub) fn get_mut(&mut self, key: u64) -> Option<&mut Transfer> {
        self.table.get_mut(&key)
    }

    pub(in crate::hub) fn key_of(&self, connection: u32, number: u32) -> Option<u64> {
        self.numbers.get(&(connection, number)).copied()
    }

    /// The keys of all transfers, in order.
    pub(in crate::hub) fn keys(&self) -> Vec<u64> {
        self.table.keys().copied().collect()
    }

    /// The keys of a connection's transfers, beginning after the one that was served last.
    pub(in crate::hub) fn keys_of(&self, connection: u32) -> Vec<u64> {
        let range = (connection, u32::MIN)..=(connection, u32::MAX);
        let mut keys: Vec<u64> = self.numbers.range(range).map(|(_, key)| *key).collect();
        keys.sort_unstable();
        let served = self.served.get(&connection).copied().unwrap_or_default();
        let next = keys.partition_point(|key| *key <= served);
        let first = if next < keys.len() { next } else { 0 };
        keys.rotate_left(first);
        keys
    }

    pub(in crate::hub) fn note_served(&mut self, connection: u32, key: u64) {
        self.served.insert(connection, key);
    }

    /// Whether a connection has as many transfers in a direction as it may.
    pub(in crate::hub) fn is_full_for(&self, connection: u32, is_upload: bool) -> bool {
        let of_direction = |key: &u64| self.table.get(key).is_some_and(|it| it.is_upload == is_upload);
        self.keys_of(connection).iter().filter(|key| of_direction(key)).count() >= PER_CONNECTION
    }

    /// Number of transfers, those included that workers have not closed yet.
    pub(in crate::hub) fn len(&self) -> usize {
        let closing = self.open.keys().filter(|key| !self.table.contains_key(key)).count();
        self.table.len() + closing
    }

    /// Adds a transfer, whose number must be free on its connection.
    pub(in crate::hub) fn insert(&mut self, now: Instant, new: NewTransfer) -> u64 {
        let NewTransfer { connection, number, room, content, is_upload, stage } = new;
        self.last_key += 1;
        let (key, replies) = (self.last_key, Vec::new());
        self.numbers.insert((connection, number), key);
        self.table
            .insert(key, Transfer { connection, number, room, content, is_upload, stage, replies, active_at: now });
        key
    }

    /// Refuses a transfer that has no place in the table. `false`: too many refusals wait.
    pub(in crate::hub) fn refuse(&mut self, connection: u32, number: u32, code: CancelCode) -> bool {
        let refusals = self.refusals.entry(connection).or_default();
        let has_room = refusals.len() < REFUSALS;
        if has_room {
            refusals.push_back((number, code));
        }
        has_room
    }

    /// The refusal that is to be sent next.
    pub(in crate::hub) fn next_refusal(&self, connection: u32) -> Option<(u32, CancelCode)> {
        self.refusals.get(&connection)?.front().copied()
    }

    pub(in crate::hub) fn remove_refusal(&mut self, connection: u32) {
        if let Some(refusals) = self.refusals.get_mut(&connection) {
            refusals.pop_front();
            if refusals.is_empty() {
                self.refusals.remove(&connection);
            }
        }
    }

    /// Ends a transfer with this message; without one, it is removed at once.
    pub(in crate::hub) fn end(&mut self, key: u64, reply: Option<Reply>) {
        self.close(key);
        self.index_jobs.retain(|job| !job.is_question_of(key));
        let Some(transfer) = self.table.get_mut(&key) else { return };
        transfer.stage = Stage::Over;
        match reply {
            Some(reply) => transfer.replies.push(reply),
            None => self.remove(key),
        }
    }

    /// Removes a transfer that is over.
    pub(in crate::hub) fn remove(&mut self, key: u64) {
        if let Some(transfer) = self.table.remove(&key) {
            self.numbers.remove(&(transfer.connection, transfer.number));
        }
    }

    /// Ends all transfers of a connection, which is gone.
    pub(in crate::hub) fn forget_connection(&mut self, connection: u32) {
        for key in self.keys_of(connection) {
            self.end(key, None);
        }
        self.refusals.remove(&connection);
        self.served.remove(&connection);
        self.checks.remove(&connection);
    }

    /// Ends the transfers of a connection in a room, in which it is no longer a member.
    pub(in crate::hub) fn leave_room(&mut self, connection: u32, room: RoomId) {
        for key in self.keys_of(connection) {
            if self.get(key).is_some_and(|it| it.room == room && !matches!(it.stage, Stage::Over)) {
                self.end(key, Some(Reply::Cancel { code: CancelCode::NOT_PERMITTED, offset: 0 }));
            }
        }
    }

    /// Lets an upload write its content, if no other one does.
    pub(in crate::hub) fn begin_writing(&mut self, key: u64) -> bool {
        let Some(content) = self.get(key).map(|it| it.content) else { return false };
        let is_first = !self.writers.contains_key(&content);
        if is_first {
            self.writers.insert(content, key);
        }
        is_first
    }

    /// An upload that waits for this content.
    pub(in crate::hub) fn waiting_for(&self, content: Content) -> Option<u64> {
        let is_waiting = |it: &&Transfer| matches!(it.stage, Stage::Waiting) && it.content == content;
        self.table.iter().find(|(_, it)| is_waiting(it)).map(|(key, _)| *key)
    }

    /// Whether a content is being written.
    pub(in crate::hub) fn is_written(&self, root: Root) -> bool {
        self.writers.keys().any(|content| content.root == root)
    }

    /// The contents that are being written.
    pub(in crate::hub) fn written(&self) -> Vec<Root> {
        self.writers.keys().map(|content| content.root).collect()
    }

    /// Whether a job on the content of a transfer is outstanding.
    pub(in crate::hub) fn is_busy(&self, key: u64) -> bool {
        self.open.get(&key).is_some_and(|open| open.is_busy)
    }

    /// Queues a job on the content of a transfer. None may be outstanding.
    pub(in crate::hub) fn begin_job(&mut self, key: u64, task: ContentTask) {
        let Some((content, is_writer)) = self.get(key).map(|it| (it.content, it.is_upload)) else { return };
        let open = self.open.entry(key).or_insert(Open { content, is_writer, is_busy: false, is_ended: false });
        open.is_busy = true;
        self.jobs.push_back(ContentJob { key, task });
    }

    /// Whether contents may be collected now: one collection at a time.
    pub(in crate::hub) fn begin_collection(&mut self) -> bool {
        !core::mem::replace(&mut self.is_collecting, true)
    }

    pub(in crate::hub) fn end_collection(&mut self) {
        self.is_collecting = false;
    }

    /// Removes contents, which no transfer has open for writing.
    pub(in crate::hub) fn begin_removal(&mut self, roots: Vec<Root>) {
        self.jobs.push_back(ContentJob { key: NO_TRANSFER, task: ContentTask::Remove(roots) });
    }

    /// A job on a content is done. Returns whether its transfer is still interested; otherwise the
    /// content is closed.
    pub(in crate::hub) fn end_job(&mut self, key: u64) -> bool {
        let Some(open) = self.open.get_mut(&key) else { return false };
        open.is_busy = false;
        if open.is_ended {
            self.close(key);
        }
        self.open.get(&key).is_some_and(|open| !open.is_ended)
    }

    /// A worker has closed a content. Returns it, if somebody else may write it now.
    pub(in crate::hub) fn on_closed(&mut self, key: u64) -> Option<Content> {
        let open = self.open.remove(&key)?;
        if !open.is_writer {
            return None;
        }
        self.writers.remove(&open.content);
        Some(open.content)
    }

    fn close(&mut self, key: u64) {
        if let Some(open) = self.open.get_mut(&key) {
            open.is_ended = true;
            if !open.is_busy {
                open.is_busy = true;
                self.jobs.push_back(ContentJob { key, task: ContentTask::Close });
            }
        }
    }

    /// Whether any transfer is in progress.
    pub(in crate::hub) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Whether the content that the next post of a connection names is stored.
    pub(in crate::hub) fn check(&mut self, connection: u32, root: Root, size: u64, now_ms: u64) -> Checked {
        let content = Content { root, size };
        match self.checks.get(&connection) {
            Some((_, None)) => return Checked::Later,
            Some((checked, Some(result))) if *checked == content => {
                let result = *result;
                if matches!(result, Ok(true)) {
                    return Checked::Stored;
                }
                self.checks.remove(&connection);
                return result.map_or(Checked::Failed, |_| Checked::NotStored);
            }
            _ => {}
        }
        self.checks.insert(connection, (content, None));
        self.begin_index_job(IndexJob::Touch { connection, root, size, now_ms });
        Checked::Later
    }

    /// The answer to [`Transfers::check`]. `false`: nobody waits for it.
    pub(in crate::hub) fn answer_check(&mut self, connection: u32, content: Content, result: Option<bool>) -> bool {
        match self.checks.get_mut(&connection) {
            Some((asked, answer)) if *asked == content && answer.is_none() => {
                *answer = Some(result.ok_or(CheckFailed));
                true
            }
            _ => false,
        }
    }

    /// The post whose content was looked up is accepted.
    pub(in crate::hub) fn on_named(&mut self, connection: u32) {
        self.checks.remove(&connection);
        // The commit in progress may not have it: the next one does.
        self.commits_until_named = 2;
    }

    /// A commit succeeded.
    pub(in crate::hub) fn on_committed(&mut self) {
        self.commits_until_named = self.commits_until_named.saturating_sub(1);
    }

    /// Whether an entry that names a content may not be committed yet, or is about to be accepted.
    /// `is_idle`: no entry waits for its commit.
    pub(in crate::hub) fn has_named(&self, is_idle: bool) -> bool {
        !self.checks.is_empty() || (self.commits_until_named > 0 && !is_idle)
    }

    /// The next post of a connection is refused.
    pub(in crate::hub) fn forget_check(&mut self, connection: u32) {
        self.checks.remove(&connection);
    }

    /// Queues a job on the index.
    pub(in crate::hub) fn begin_index_job(&mut self, job: IndexJob) {
        self.index_jobs.push_back(job);
    }

    /// A job on the index is done.
    pub(in crate::hub) fn end_index_job(&mut self) {
        self.index_busy = self.index_busy.saturating_sub(1);
    }

    /// The next job for the workers.
    pub(in crate::hub) fn next_job(&mut self) -> Option<ContentJob> {
        self.jobs.pop_front()
    }

    /// The next job on the index, if not too many are outstanding.
    pub(in crate::hub) fn next_index_job(&mut self) -> Option<IndexJob> {
        let job = if self.index_busy < INDEX_JOBS { self.index_jobs.pop_front() } else { None }?;
        self.index_busy += 1;
        Some(job)
    }
}

/// A transfer to be added.
#[derive(Debug)]
pub(in crate::hub) struct NewTransfer {
    pub(in crate::hub) connection: u32,
    pub(in crate::hub) number: u32,
    pub(in crate::hub) room: RoomId,
    pub(in crate::hub) content: Content,
    pub(in crate::hub) is_upload: bool,
    pub(in crate::hub) stage: Stage,
}
