//! Sentences about events of the engine: those of the page, and of [`crate::messages`] where the
//! page has none.

use kabar_core::chat::{EndedCode, MAX_TEXT_LEN, PostRefusedCode};
use kabar_core::client::{DisconnectReason, EndReason};
use kabar_std::invite::show_fingerprint;

use crate::command::Notify;
use crate::engine::Event;
use crate::engine::event::{AcceptedKey, ClientEnd, JoinRefusal, NotPosted};
use crate::messages::events;
use crate::web::protocol::Sentence;

/// Returns the sentence about an event that is only reported; `None`: nothing is.
pub(super) fn of_event(event: &Event) -> Option<Sentence> {
    Some(match event {
        Event::RoomNotAdded { name, why, .. } => match why {
            JoinRefusal::Joined(_) => return None,
            JoinRefusal::StillLeaving => Sentence::StillLeaving { room: name.to_string() },
            JoinRefusal::TooMany(max) => Sentence::TooManyRooms { max: *max },
            JoinRefusal::NotConnected => Sentence::NotConnected,
        },
        Event::KeyAccepted { key: AcceptedKey::New(key), .. } => {
            Sentence::KeyAccepted { fingerprint: show_fingerprint(key) }
        }
        Event::OwnName { name, is_chosen: true, .. } => Sentence::NameChosen { name: name.clone() },
        Event::OutboxResumed { lines, .. } => Sentence::OutboxResumed { count: *lines },
        Event::HistoryReset { .. } => Sentence::HistoryReset,
        Event::Gap { after, first, .. } => Sentence::Gap { count: first.saturating_sub(after.saturating_add(1)) },
        Event::ServerText { text, .. } => Sentence::ServerText { text: text.clone() },
        Event::Output { text, .. } => Sentence::Output { text: text.clone() },
        Event::Renamed { name, .. } => Sentence::Renamed { name: name.clone() },
        Event::Ignored { name, .. } => Sentence::Ignored { name: name.clone() },
        Event::Unignored { name, .. } => Sentence::Unignored { name: name.clone() },
        Event::IgnoreList { names, .. } if names.is_empty() => Sentence::IgnoreListEmpty,
        Event::IgnoreList { names, .. } => Sentence::IgnoreList { names: names.join(", ") },
        Event::JoinsShown { shows: true, .. } => Sentence::JoinsShown,
        Event::JoinsShown { shows: false, .. } => Sentence::JoinsHidden,
        Event::NotifySet { notify: Notify::All, .. } => Sentence::NotifyAll,
        Event::NotifySet { notify: Notify::Mentions, .. } => Sentence::NotifyMentions,
        Event::NotifySet { notify: Notify::Nothing, .. } => Sentence::NotifyOff,
        Event::NotConnected { .. } => Sentence::NotConnected,
        event => Sentence::Text { text: events::text(event, None)?.trim().to_owned() },
    })
}

/// Returns why a post is not accepted by the engine.
pub(super) fn not_posted(why: NotPosted, text: String) -> Sentence {
    match why {
        NotPosted::TooLong(size) => Sentence::TooLong { size, max: MAX_TEXT_LEN },
        NotPosted::NotInRoom => Sentence::NotSentNoRoom { text },
        NotPosted::TooMany => Sentence::NotSentTooMany { text },
    }
}

/// Returns why a post was refused by the server.
pub(super) fn post_refused(code: PostRefusedCode, text: String) -> Sentence {
    let reason = match code {
        PostRefusedCode::TOO_LONG => Sentence::ReasonTooLong,
        PostRefusedCode::MUTED => Sentence::ReasonMuted,
        PostRefusedCode::KIND => Sentence::ReasonKind,
        PostRefusedCode(code) => Sentence::ReasonOther { code },
    };
    Sentence::PostRefused { reason: Box::new(reason), text }
}

/// Returns why a membership has ended.
pub(super) fn room_ended(end: &ClientEnd) -> Sentence {
    let text = end.server_text.clone();
    match end.reason {
        EndReason::EndedByServer(EndedCode::KICKED) => Sentence::RoomKicked { text },
        EndReason::EndedByServer(EndedCode::BANNED) => Sentence::RoomBanned { text },
        EndReason::EndedByServer(EndedCode::CLOSED) => Sentence::RoomClosed { text },
        _ => Sentence::RoomEnded { reason: events::room_ended(end) },
    }
}

/// Returns why a connection was lost.
pub(super) fn loss_reason(reason: DisconnectReason, refusal: &str) -> Sentence {
    match reason {
        DisconnectReason::Silent => Sentence::ReasonSilent,
        DisconnectReason::Unknown => Sentence::ReasonUnknown,
        DisconnectReason::Shutdown => Sentence::ReasonShutdown,
        DisconnectReason::TryLater => Sentence::ReasonTryLater { text: refusal.to_owned() },
        DisconnectReason::Closed(_) => Sentence::ReasonClosed,
    }
}
