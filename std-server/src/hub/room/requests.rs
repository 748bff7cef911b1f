//! Joins on their way to becoming members.

use std::borrow::Cow;
use std::sync::Arc;

use kabar_core::chat::RefusedCode;
use kabar_core::time::Instant;
use kabar_std::names::Name;
use zeroize::Zeroizing;

use crate::hub::peer::member::{Answers, Due, Member, WelcomeDue};
use crate::hub::people::JoinRequest;

/// A password that is to be checked.
pub(super) type Password = Zeroizing<Vec<u8>>;

/// Why a Join is refused: a code and a text.
pub(in crate::hub) type JoinError = (RefusedCode, Cow<'static, str>);

/// The reason stated to a Join whose client has joined on a later connection.
pub(super) const DELAYED: &str = "joined on a later connection";

/// A Join that is admitted and waits for its commit.
#[derive(Debug)]
pub(super) struct CommittingJoin {
    /// Its connection.
    pub(super) peer: u32,
    pub(super) request: Box<JoinRequest>,
}

impl JoinRequest {
    /// The new member, to which everything is still to be sent.
    pub(super) fn into_member(
        self,
        name: Arc<Name>,
        handle: u8,
        cursor: u64,
        welcome: WelcomeDue,
        now: Instant,
        now_ms: u64,
    ) -> Member {
        Member {
            handle,
            name,
            identity: self.identity,
            instance: self.instance,
            max_entry_len: self.max_entry_len,
            since_ms: now_ms,
            last_active: now,
            cursor,
            is_caught_up: false,
            due: Due { welcome: Some(Box::new(welcome)), ..Due::default() },
            has_post_token: false,
            was_slowed: false,
            was_notified: false,
            refused: None,
            answers: Answers::default(),
        }
    }
}
