//! The state of one membership: a cursor into the log, and the few messages that are still to be
//! sent.

use std::collections::VecDeque;
use std::sync::Arc;

use kabar_core::chat::{AnswerCode, PostRefusedCode};
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;
use kabar_std::names::Name;

/// A member of a room.
#[derive(Debug)]
pub(in crate::hub) struct Member {
    /// The number by which messages on this connection name the room (SPEC 6.1).
    pub(in crate::hub) handle: u8,
    /// Shared by the sessions of the member.
    pub(in crate::hub) name: Arc<Name>,
    pub(in crate::hub) identity: PublicIdentity,
    pub(in crate::hub) instance: u64,
    pub(in crate::hub) max_entry_len: u16,
    /// When it joined, in ms since 1970.
    pub(in crate::hub) since_ms: u64,
    /// When it joined or last posted.
    pub(in crate::hub) last_active: Instant,
    /// Seq of the last entry written to its stream, or skipped.
    pub(in crate::hub) cursor: u64,
    /// It has every entry, and the room lists it as such.
    pub(in crate::hub) is_caught_up: bool,
    pub(in crate::hub) due: Due,
    /// Its next post, which waited in its stream, has its token already (SPEC 6.5).
    pub(in crate::hub) has_post_token: bool,
    /// It was notified that its posts have to wait, and its identity's burst was not whole since.
    pub(in crate::hub) was_slowed: bool,
    /// It was notified of the present storage trouble.
    pub(in crate::hub) was_notified: bool,
    /// A number was refused: posts are ignored until one states that this is settled (SPEC 6.5).
    pub(in crate::hub) refused: Option<u64>,
    pub(in crate::hub) answers: Answers,
}

/// Messages that are still to be sent, at most one of each kind.
#[derive(Clone, Debug, Default)]
pub(in crate::hub) struct Due {
    pub(in crate::hub) welcome: Option<Box<WelcomeDue>>,
    /// Number of the post, and why.
    pub(in crate::hub) post_refused: Option<(u64, PostRefusedCode)>,
    /// Number and seq.
    pub(in crate::hub) stored: Option<(u64, u64)>,
    /// The notice about storage trouble.
    pub(in crate::hub) storage_notice: bool,
    /// The notice that its posts are accepted more slowly than they arrive.
    pub(in crate::hub) rate_notice: bool,
}

/// Answers in progress, at most one of each kind.
#[derive(Debug, Default)]
pub(in crate::hub) struct Answers {
    pub(in crate::hub) listing: Option<Listing>,
    pub(in crate::hub) rooms: Option<Box<RoomListing>>,
    pub(in crate::hub) history: Option<History>,
    pub(in crate::hub) change: Option<Box<Change>>,
    /// The entry that `change` removes, until it was read.
    pub(in crate::hub) removal: Option<u64>,
}

/// A request that changes something.
#[derive(Debug)]
pub(in crate::hub) struct Change {
    /// The type of the request.
    pub(in crate::hub) request: u8,
    /// Number of the command that is being executed.
    pub(in crate::hub) operation: Option<u64>,
    /// Lines that are sent before the result.
    pub(in crate::hub) output: VecDeque<String>,
    /// `None`: it waits for its entry to be read, for its commit, or for a command.
    pub(in crate::hub) result: Option<AnswerResult>,
}

/// The result of a request that changes something: what its Answer states.
#[derive(Debug)]
pub(in crate::hub) struct AnswerResult {
    pub(in crate::hub) code: AnswerCode,
    pub(in crate::hub) text: String,
}

/// A Welcome that is still to be sent.
#[derive(Clone, Copy, Debug)]
pub(in crate::hub) struct WelcomeDue {
    /// The head when its start was decided.
    pub(in crate::hub) head: u64,
    /// A Reset goes before it.
    pub(in crate::hub) is_reset: bool,
    /// The proof that it states.
    pub(in crate::hub) proof: [u8; 32],
}

/// An answer to History in progress.
#[derive(Clone, Copy, Debug)]
pub(in crate::hub) struct History {
    pub(in crate::hub) next: u64,
    pub(in crate::hub) last: u64,
}

/// An answer to ListMembers in progress.
#[derive(Clone, Debug)]
pub(in crate::hub) struct Listing {
    /// Folded name of the last member sent.
    pub(in crate::hub) after: Option<String>,
    /// Estimate of how many are left.
    pub(in crate::hub) remaining: usize,
}

/// An answer to ListRooms in progress.
#[derive(Clone, Debug)]
pub(in crate::hub) struct RoomListing {
    /// Name of the last room considered; none is empty.
    pub(in crate::hub) after: String,
    /// How many more are sent at most.
    pub(in crate::hub) left: u16,
}

impl Member {
    /// Whether anything may have to be sent to it.
    pub(in crate::hub) fn has_work(&self) -> bool {
        let is_answering = self.answers.is_answering() || self.answers.rooms.is_some();
        !self.is_caught_up || self.due.is_some() || is_answering
    }
}

impl Due {
    fn is_some(&self) -> bool {
        let Self { welcome, post_refused, stored, storage_notice, rate_notice } = self;
        welcome.is_some() || post_refused.is_some() || stored.is_some() || *storage_notice || *rate_notice
    }
}

impl Answers {
    /// Whether there is an answer to send by the room. The list of rooms is sent by the hub.
    pub(in crate::hub) fn is_answering(&self) -> bool {
        let Self { listing, history, change, .. } = self;
        listing.is_some() || history.is_some() || change.as_ref().is_some_and(|change| change.result.is_some())
    }
}
