//! One room of a session: everything that belongs to it. Only this struct has the state of a room,
//! from the request to join it until it ends.

use std::collections::VecDeque;
use std::sync::Arc;

use kabar_core::chat::RefusedCode;
use kabar_core::client::{Credential, EndReason, RoomConfig, RoomSlot};
use kabar_core::session::Fingerprint;
use kabar_std::data_dir::DataDir;
use kabar_std::invite::RoomName;

use super::catch_up::CatchUp;
use super::log::Log;
use super::output::RoomOutput;
use super::posts::{DurablePosts, LineNumbers};
use super::replay::{LocalReplay, Plan};
use super::replies::Replies;
use super::requests::Requests;
use crate::cursor::{CursorFile, Opened, SharedCursorFile, Shown};
use crate::engine::command::{ReplayFrom, RoomCredential, RoomRequest};
use crate::engine::event::{Entry, Event, RoomId};
use crate::engine::queue::EventSink;
use crate::history::CurrentLog;
use crate::identity::LocalIdentity;
use crate::profile;

/// A room that the user is in, or joins.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) id: RoomId,
    pub(super) name: RoomName,
    /// Its place in the client; `None`: the client does not have it yet.
    pub(super) slot: Option<RoomSlot>,
    /// The credentials to join with, one after another.
    pub(super) credentials: VecDeque<RoomCredential>,
    pub(super) replay_from: ReplayFrom,
    /// The file in which the position is saved.
    pub(super) file: Option<SharedCursorFile>,
    /// The last entry displayed in an earlier session.
    pub(super) last_shown: Option<Shown>,
    /// The log in the local history whose cursor the Join states; `None`: it states that of the
    /// last entry displayed, or none.
    pub(super) stated: Option<CurrentLog>,
    /// Its posts, if they are durable.
    pub(super) durable: Option<DurablePosts>,
    /// The numbers of its lines.
    pub(super) numbers: LineNumbers,
    /// Whether the next Joined begins a new log.
    pub(super) is_reset: bool,
    /// The server's text about the latest refusal, or about the end of the membership.
    pub(super) server_text: String,
    /// From the first Joined on.
    pub(super) membership: Option<Membership>,
}

/// The state of a room after its first Joined.
#[derive(Debug)]
pub(super) struct Membership {
    pub(super) log: Log,
    pub(super) replies: Replies,
    pub(super) requests: Requests,
    /// Entries that are read before those that the server sends.
    pub(super) catch_up: Option<CatchUp>,
    /// Entries that are read to be recorded before those that the server sends. They were
    /// delivered.
    pub(super) refill: Option<CatchUp>,
    /// The entries of the page that `catch_up` reads.
    pub(super) page: Vec<Entry>,
    /// Entries of the local history that are delivered before those that the server sends.
    pub(super) replay: Option<LocalReplay>,
    /// Entries up to here are recorded and not delivered.
    pub(super) delivers_after: u64,
    /// Entries up to here are delivered before a session leaves that is to be caught up.
    pub(super) wait_for: u64,
}

impl Room {
    pub(super) fn new(id: RoomId, requested: RoomRequest, replay_from: ReplayFrom) -> Self {
        Self {
            id,
            name: requested.name,
            slot: None,
            credentials: requested.credentials.into(),
            replay_from,
            file: None,
            last_shown: None,
            stated: None,
            durable: None,
            numbers: LineNumbers::default(),
            is_reset: false,
            server_text: String::new(),
            membership: None,
        }
    }

    /// The credential to join with.
    pub(super) fn credential(&self) -> &RoomCredential {
        self.credentials.front().unwrap_or(&RoomCredential::None)
    }

    /// Uses another credential instead of the present one.
    pub(super) fn set_credential(&mut self, credential: RoomCredential) {
        self.credentials = VecDeque::from([credential]);
    }

    /// Whether there is another credential to try after this end, which is the present one then.
    pub(super) fn next_credential(&mut self, reason: EndReason) -> bool {
        let may_help =
            matches!(reason, EndReason::Refused(RefusedCode::AUTHENTICATION) | EndReason::ServerProofInvalid);
        let has_next = may_help && self.membership.is_none() && self.credentials.len() > 1;
        if has_next {
            self.credentials.pop_front();
        }
        has_next
    }

    /// Loads the position, and saves it in the same file from now on.
    pub(super) fn open_cursor(
        &mut self,
        dir: &DataDir,
        server: &Fingerprint,
        identity: &LocalIdentity,
        sink: &EventSink,
    ) {
        if self.file.is_some() {
            return;
        }
        let Opened { file, start } =
            CursorFile::open(dir, server, &self.name, &identity.key.fingerprint(), &identity.former_names);
        self.last_shown = start.unwrap_or_else(|error| {
            sink.send(Event::PositionNotRead { room: self.id, error: Arc::new(error) });
            None
        });
        self.file = Some(SharedCursorFile::new(file));
    }

    /// The configuration of the room for the client. `context`: entries that are wanted again.
    pub(super) fn config(&self, context: u64) -> RoomConfig<'_> {
        RoomConfig {
            credential: self.credential().for_client(),
            start: self.start(context),
            max_entry_len: profile::LARGEST_ENTRY,
            ..RoomConfig::new(self.name.as_str())
        }
    }
}

impl RoomCredential {
    pub(super) fn for_client(&self) -> Credential<'_> {
        match self {
            Self::Secret(secret) => Credential::Secret(*secret.expose()),
            Self::Password(password) => Credential::Password(password.as_bytes()),
            Self::None => Credential::None,
        }
    }
}

impl Membership {
    pub(super) fn new(log: Log, plan: Plan, head: u64) -> Self {
        let Plan { catch_up, replay, delivers_after, .. } = plan;
        Self {
            log,
            replies: Replies::default(),
            requests: Requests::default(),
            catch_up,
            refill: None,
            page: Vec::new(),
            replay,
            delivers_after,
            wait_for: head,
        }
    }

    /// Whether an entry that the server sends is delivered, and not in its turn later, or never.
    pub(super) fn delivers(&self, seq: u64) -> bool {
        self.catch_up.is_none() && self.replay.is_none() && seq > self.delivers_after
    }

    /// The connection was lost.
    pub(super) fn disconnected(&mut self, output: RoomOutput<'_>) {
        self.replies.clear();
        self.page.clear();
        self.requests.lost(output);
        self.catch_up.iter_mut().chain(&mut self.refill).for_each(CatchUp::disconnected);
    }
}
