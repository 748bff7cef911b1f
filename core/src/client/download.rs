//! The download of a content into the storage of a device (SPEC 6.8, 10.3).
//!
//! ```text
//! Waiting -Get-> Requested -GetAt-> Receiving -Chunk ...-> -End-> Complete
//! any -> Waiting: the connection is lost, or the server asks to try later
//! any -> Failed: the reason is returned, and a Cancel sent where the server expects one
//! ```
//!
//! A download that begins again, on another connection or after a restart of the device, requests
//! the groups after the last one that was proven.

use super::room::RoomSlot;
use super::{Client, RequestError};
use crate::chat::{CancelCode, TransferMessage};
use crate::content::{GroupRange, NotProven, Root, Storage, StorageDecoder, StorageError, TooLong};
use crate::crypto::Provider;
use crate::crypto::rsa::ServerKey;
use crate::time::{Duration, Instant};
use crate::transport::BufferProvider;

/// Pause before a server that asked for it is asked again.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// Silence after which a server that owes an answer is probed. Who only receives sends nothing that
/// would be acknowledged, so without that a server's end is noticed by the keep-alive only (SPEC
/// 5.8).
const PROBE_AFTER: Duration = Duration::from_secs(5);

/// A content that is to be downloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DownloadRequest {
    /// The room that has an entry about it.
    pub slot: RoomSlot,
    /// The number of the transfer, different from those of the client's other transfers. Messages
    /// of an earlier one that was given up may still arrive.
    pub transfer: u32,
    /// The content.
    pub root: Root,
    /// Its length in bytes, as the entry states it.
    pub size: u64,
    /// Everything before it was proven earlier and is in the storage. Rounded down to a group,
    /// unless it is `size`.
    pub offset: u64,
}

/// A download. Contents have up to [`GROUP_LEN`](crate::content::GROUP_LEN) times 2^`DEPTH` bytes.
/// It takes 32 bytes per level and 300 at most, and during a call a message of the client and 3 KiB
/// on the stack.
///
/// As long as the caller does not call [`Download::poll`], nothing is read, and flow control holds
/// the server back; chat goes on. Several transfers of one client share a stream: then the caller
/// reads it and uses [`Download::drive`] and [`Download::on_message`].
#[derive(Clone, Debug)]
pub struct Download<const DEPTH: usize> {
    request: DownloadRequest,
    /// Everything before it is proven.
    proven: u64,
    phase: Phase<DEPTH>,
    /// The number of the connection that the transfer is on.
    connection: u64,
    /// A Cancel that is to be sent: its code and its offset.
    cancel: Option<(CancelCode, u64)>,
    /// When the server is probed, unless something arrives before.
    probe_at: Instant,
}

#[derive(Clone, Debug)]
enum Phase<const DEPTH: usize> {
    /// Get is to be sent, not before this time.
    Waiting(Instant),
    Requested,
    Receiving(StorageDecoder<DEPTH>),
    Complete,
    Failed,
}

/// What a call did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownloadStep {
    /// Nothing can be done before the client receives something, or [`Download::poll_timeout`].
    Waiting,
    /// Something was read or sent: poll the client, and then the download again.
    Working,
    /// One or more groups were proven: everything before `offset` is in the storage. Call it again,
    /// as after [`DownloadStep::Working`], once there is room for another one.
    Proven {
        /// Bytes from the beginning.
        offset: u64,
    },
    /// All of it is proven.
    Complete,
}

/// Why a download was not created. Both are mistakes of the caller or of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DownloadRequestError {
    /// The content has more levels than `DEPTH`.
    TooLong,
    /// The offset is beyond the end.
    OutOfRange,
}

/// Why a download ended. What was proven before is in the storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DownloadError<E> {
    /// The server takes no transfers, or the client has no buffers for them.
    NotSupported,
    /// The server refuses it, for example because the content was removed
    /// ([`CancelCode::REMOVED`]) or the member may not have it ([`CancelCode::NOT_PERMITTED`]).
    Refused(CancelCode),
    /// The length of the content is not the one of the entry.
    SizeMismatch {
        /// The length that the server states, in bytes.
        size: u64,
    },
    /// The server violates SPEC 6.8.
    Protocol,
    /// The server sends what does not prove, or the storage does not hold what was written.
    NotProven(NotProven),
    /// The storage failed.
    Storage(E),
}

impl<const DEPTH: usize> Download<DEPTH> {
    /// A download that continues at [`DownloadRequest::offset`].
    ///
    /// # Errors
    /// [`DownloadRequestError`].
    pub fn new(request: DownloadRequest) -> Result<Self, DownloadRequestError> {
        let DownloadRequest { size, offset, root, .. } = request;
        let range = GroupRange::starting_at(size, offset).map_err(|_| DownloadRequestError::OutOfRange)?;
        StorageDecoder::<DEPTH>::new(root, range).map_err(|TooLong| DownloadRequestError::TooLong)?;
        let is_complete = offset == size && size > 0;
        let phase = if is_complete { Phase::Complete } else { Phase::Waiting(Instant::ZERO) };
        Ok(Self { request, proven: range.offset(), phase, connection: 0, cancel: None, probe_at: Instant::ZERO })
    }

    /// Offset before which everything is proven and in the storage.
    #[must_use]
    pub const fn proven(&self) -> u64 {
        self.proven
    }

    /// The content and where it is from.
    #[must_use]
    pub const fn request(&self) -> &DownloadRequest {
        &self.request
    }

    /// Whether all of it is proven.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        matches!(self.phase, Phase::Complete)
    }

    /// Whether it is complete, failed or given up, and nothing about that is left to be sent.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Complete | Phase::Failed) && self.cancel.is_none()
    }

    /// When [`Download::poll`] has something to do although nothing arrived.
    #[must_use]
    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        match self.phase {
            // Afterwards it waits for the client to be in the room.
            Phase::Waiting(until) => Some(until).filter(|until| now < *until),
            Phase::Requested | Phase::Receiving(_) => Some(self.probe_at),
            Phase::Complete | Phase::Failed => None,
        }
    }

    /// Gives it up. What was proven stays in the storage. Call [`Download::poll`] until
    /// [`Download::is_over`].
    pub fn cancel(&mut self) {
        self.fail(Some((CancelCode::CANCELLED, 0)));
    }

    /// Does what can be done now, up to the next group that is proven. Call it when the client has
    /// returned [`Output::Timeout`](super::Output::Timeout), until it returns
    /// [`DownloadStep::Waiting`]. Messages of other transfers are skipped.
    ///
    /// # Errors
    /// [`DownloadError`]: it has failed. Call it until [`Download::is_over`].
    pub fn poll<K, M, P, S, const OUTBOX: usize, const MESSAGE: usize, const ROOMS: usize>(
        &mut self,
        now: Instant,
        client: &mut Client<K, M, P, OUTBOX, MESSAGE, ROOMS>,
        storage: &mut S,
    ) -> Result<DownloadStep, DownloadError<S::Error>>
    where
        K: ServerKey,
        M: BufferProvider,
        P: Provider,
        S: Storage,
    {
        let mut done = self.drive(now, client)?;
        if done == DownloadStep::Complete {
            return Ok(done);
        }
        let mut buffer = [0; MESSAGE];
        while !matches!(self.phase, Phase::Failed)
            && let Some(message) = client.read_bulk(now, &mut buffer)
        {
            let step = self.on_message(now, &message, storage);
            self.send_cancel(now, client);
            done = DownloadStep::Working;
            if !matches!(step, Ok(DownloadStep::Waiting | DownloadStep::Working)) {
                return step;
            }
        }
        Ok(done)
    }

    /// Sends what is to be sent, and notices that a connection is another one.
    ///
    /// # Errors
    /// [`DownloadError::NotSupported`].
    pub fn drive<K, M, P, E, const OUTBOX: usize, const MESSAGE: usize, const ROOMS: usize>(
        &mut self,
        now: Instant,
        client: &mut Client<K, M, P, OUTBOX, MESSAGE, ROOMS>,
    ) -> Result<DownloadStep, DownloadError<E>>
    where
        K: ServerKey,
        M: BufferProvider,
        P: Provider,
    {
        if self.connection != client.connection_number() {
            self.connection = client.connection_number();
            // Transfers end with their connection (SPEC 6.8).
            self.cancel = None;
            match &self.phase {
                Phase::Receiving(decoder) if decoder.is_finished() => self.phase = Phase::Complete,
                Phase::Requested | Phase::Receiving(_) => self.phase = Phase::Waiting(now),
                Phase::Waiting(_) | Phase::Complete | Phase::Failed => {}
            }
        }
        let mut done = self.send_cancel(now, client);
        let DownloadRequest { slot, transfer, root, .. } = self.request;
        match self.phase {
            Phase::Complete => return Ok(DownloadStep::Complete),
            // The Cancel of this transfer's number goes first.
            Phase::Waiting(until) if until <= now && self.cancel.is_none() => {
                let Some(handle) = client.handle_of(slot) else { return Ok(done) };
                if !client.has_transfers() && client.connection.is_open() {
                    self.fail(None);
                    return Err(DownloadError::NotSupported);
                }
                let get = TransferMessage::Get { transfer, handle, root, offset: self.proven, length: u64::MAX };
                // Without space, what is in the ring is acknowledged first.
                if client.send_bulk(now, &get).is_ok() {
                    (self.phase, done) = (Phase::Requested, DownloadStep::Working);
                }
            }
            Phase::Requested | Phase::Receiving(_) => {
                if self.probe(now, client) {
                    done = DownloadStep::Working;
                }
            }
            Phase::Waiting(_) | Phase::Failed => {}
        }
        Ok(done)
    }

    /// Probes a server that is silent. Returns whether it did.
    fn probe<K, M, P, const OUTBOX: usize, const MESSAGE: usize, const ROOMS: usize>(
        &mut self,
        now: Instant,
        client: &mut Client<K, M, P, OUTBOX, MESSAGE, ROOMS>,
    ) -> bool
    where
        K: ServerKey,
        M: BufferProvider,
        P: Provider,
    {
        let silence = if client.connection.is_open() { client.connection.silence(now) } else { Duration::ZERO };
        let rest = PROBE_AFTER.saturating_sub(silence);
        let is_due = rest == Duration::ZERO && self.probe_at <= now;
        if is_due {
            client.connection.probe();
        }
        if is_due || rest > Duration::ZERO {
            self.probe_at = now + if is_due { PROBE_AFTER } else { rest };
        }
        is_due
    }

    /// Handles a message that the client read; one of another transfer is skipped. Call
    /// [`Download::drive`] before the first one, and afterwards.
    ///
    /// # Errors
    /// [`DownloadError`]: it has failed.
    pub fn on_message<S: Storage>(
        &mut self,
        now: Instant,
        message: &TransferMessage<'_>,
        storage: &mut S,
    ) -> Result<DownloadStep, DownloadError<S::Error>> {
        if message.transfer() != self.request.transfer {
            return Ok(DownloadStep::Waiting);
        }
        match (*message, &mut self.phase) {
            (TransferMessage::GetAt { size, offset, length, .. }, Phase::Requested) => {
                self.begin(size, offset, length)?;
                // An empty content has a group without bytes.
                self.decode(&[], storage)
            }
            (TransferMessage::Chunk { bytes, .. }, Phase::Receiving(_)) => self.decode(bytes, storage),
            (TransferMessage::End { .. }, Phase::Receiving(decoder)) if decoder.is_finished() => {
                self.phase = Phase::Complete;
                Ok(DownloadStep::Complete)
            }
            (TransferMessage::Cancel { code, .. }, Phase::Requested | Phase::Receiving(_)) => self.on_cancel(now, code),
            // Messages that the server sent before it received a Cancel, or its answer to that.
            (_, Phase::Waiting(_) | Phase::Complete | Phase::Failed) => Ok(DownloadStep::Waiting),
            (_, Phase::Requested | Phase::Receiving(_)) => {
                self.fail(Some((CancelCode::CANCELLED, 0)));
                Err(DownloadError::Protocol)
            }
        }
    }

    /// GetAt: the groups from `proven` to the end follow.
    fn begin<E>(&mut self, size: u64, offset: u64, length: u64) -> Result<(), DownloadError<E>> {
        let error = if size != self.request.size {
            DownloadError::SizeMismatch { size }
        } else if (offset, offset.checked_add(length)) != (self.proven, Some(size)) {
            DownloadError::Protocol
        } else if let Ok(range) = GroupRange::starting_at(size, offset)
            && let Ok(decoder) = StorageDecoder::new(self.request.root, range)
        {
            self.phase = Phase::Receiving(decoder);
            return Ok(());
        } else {
            // `new` has checked both.
            DownloadError::Protocol
        };
        self.fail(Some((CancelCode::CANCELLED, 0)));
        Err(error)
    }

    fn decode<S: Storage>(&mut self, bytes: &[u8], storage: &mut S) -> Result<DownloadStep, DownloadError<S::Error>> {
        let Phase::Receiving(decoder) = &mut self.phase else { return Ok(DownloadStep::Waiting) };
        let mut input = bytes;
        let mut step = DownloadStep::Working;
        let error = loop {
            match decoder.decode(&mut input, storage) {
                Ok(Some(offset)) => {
                    self.proven = offset;
                    step = DownloadStep::Proven { offset };
                }
                // Bytes after the encoding do not belong to it (SPEC 10.3).
                Ok(None) => return Ok(step),
                Err(error) => break error,
            }
        };
        let (cancel, error) = match error {
            StorageError::NotProven(error) => ((CancelCode::NOT_PROVEN, error.offset), DownloadError::NotProven(error)),
            StorageError::Storage(error) => ((CancelCode::CANCELLED, 0), DownloadError::Storage(error)),
        };
        self.fail(Some(cancel));
        Err(error)
    }

    fn on_cancel<E>(&mut self, now: Instant, code: CancelCode) -> Result<DownloadStep, DownloadError<E>> {
        let answer = Some((CancelCode::CANCELLED, 0));
        match code {
            // The server stops, or has too much to do.
            CancelCode::CANCELLED | CancelCode::TRY_LATER => {
                self.phase = Phase::Waiting(now + RETRY_AFTER);
                self.cancel = answer;
                Ok(DownloadStep::Working)
            }
            code => {
                self.fail(answer);
                Err(DownloadError::Refused(code))
            }
        }
    }

    /// Ends it, and cancels the transfer if there is one.
    fn fail(&mut self, cancel: Option<(CancelCode, u64)>) {
        match self.phase {
            Phase::Requested | Phase::Receiving(_) => self.cancel = cancel,
            Phase::Waiting(_) => {}
            Phase::Complete | Phase::Failed => return,
        }
        self.phase = Phase::Failed;
    }

    fn send_cancel<K, M, P, const OUTBOX: usize, const MESSAGE: usize, const ROOMS: usize>(
        &mut self,
        now: Instant,
        client: &mut Client<K, M, P, OUTBOX, MESSAGE, ROOMS>,
    ) -> DownloadStep
    where
        K: ServerKey,
        M: BufferProvider,
        P: Provider,
    {
        let Some((code, offset)) = self.cancel else { return DownloadStep::Waiting };
        let cancel = TransferMessage::Cancel { transfer: self.request.transfer, code, offset };
        // Without a connection there is no transfer to be cancelled.
        if client.send_bulk(now, &cancel) == Err(RequestError::Full) {
            return DownloadStep::Waiting;
        }
        self.cancel = None;
        DownloadStep::Working
    }
}

impl core::fmt::Display for DownloadRequestError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the content is too long",
            Self::OutOfRange => "the offset is beyond the end of the content",
        })
    }
}

impl core::error::Error for DownloadRequestError {}

impl<E: core::fmt::Display> core::fmt::Display for DownloadError<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotSupported => f.write_str("this server or this client takes no transfers"),
            Self::Refused(code) => write!(f, "the server refuses the content: {code:?}"),
            Self::SizeMismatch { size } => write!(f, "the content has {size} bytes, not those of its entry"),
            Self::Protocol => f.write_str("the server violates the protocol"),
            Self::NotProven(error) => error.fmt(f),
            Self::Storage(error) => error.fmt(f),
        }
    }
}

impl<E: core::fmt::Debug + core::fmt::Display> core::error::Error for DownloadError<E> {}
