//! What front ends derive from events in the same way.

use kabar_core::chat::EntryKind;

use super::{ClassicNotice, Entry, EntryContent, Event, RoomId, ServerId, Transfer, TransferState};

impl Event {
    /// The server and the room that it is about.
    #[must_use]
    pub const fn place(&self) -> Option<(ServerId, Option<RoomId>)> {
        match self {
            Self::ServerAdded { server, .. }
            | Self::RoomNotAdded { server, .. }
            | Self::KnownServerMoved { server }
            | Self::KeyAccepted { server, .. }
            | Self::KeyQuestion { server, .. }
            | Self::PasswordQuestion { server, .. }
            | Self::NotReached { server, .. }
            | Self::LostWhileConnecting { server, .. }
            | Self::OwnName { server, .. }
            | Self::ConnectionLost { server, .. }
            | Self::ServerText { server, .. }
            | Self::RoomList { server, .. }
            | Self::Renamed { server, .. }
            | Self::NotRenamed { server, .. }
            | Self::NotConnected { server }
            | Self::Ignored { server, .. }
            | Self::Unignored { server, .. }
            | Self::NotIgnored { server, .. }
            | Self::IgnoreList { server, .. }
            | Self::JoinsShown { server, .. }
            | Self::NotKept { server, .. }
            | Self::Transfers { server, .. }
            | Self::Classic { server, .. }
            | Self::ServerEnded { server, .. } => Some((*server, None)),
            Self::RoomAdded { room, .. }
            | Self::Topic { room, .. }
            | Self::HistoryReset { room }
            | Self::Gap { room, .. }
            | Self::Posted { room, .. }
            | Self::NotPosted { room, .. }
            | Self::Stored { room, .. }
            | Self::PostRefused { room, .. }
            | Self::Parted { room }
            | Self::RoomEnded { room, .. }
            | Self::Output { room, .. }
            | Self::NotOperated { room, .. }
            | Self::Members { room, .. }
            | Self::NotRemoved { room, .. }
            | Self::PositionNotRead { room, .. }
            | Self::HistoryAt { room, .. }
            | Self::NotifySet { room, .. }
            | Self::TransferNotStarted { room, .. }
            | Self::OutboxResumed { room, .. } => Some((room.server, Some(*room))),
            Self::Joined(joined) => Some((joined.room.server, Some(joined.room))),
            Self::Entry(entry) => Some((entry.room.server, Some(entry.room))),
            Self::HistoryPage(page) => Some((page.room.server, Some(page.room))),
            Self::Reconnected(reconnected) => Some((reconnected.server, None)),
            Self::Transfer(transfer) => Some((transfer.room.server, Some(transfer.room))),
            Self::Stats(stats) => Some((stats.server, None)),
            Self::Unanswered { server, room, .. } => Some((*server, *room)),
            Self::HistorySetAside(_) | Self::HistoryNotKept(_) | Self::HistoryKeptAgain | Self::Ended => None,
        }
    }

    /// Whether it reports that something failed, or has ended without a request.
    #[must_use]
    pub const fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::RoomNotAdded { .. }
                | Self::NotReached { .. }
                | Self::LostWhileConnecting { .. }
                | Self::RoomEnded { .. }
                | Self::ConnectionLost { .. }
                | Self::NotOperated { .. }
                | Self::NotRenamed { .. }
                | Self::NotRemoved { .. }
                | Self::Unanswered { .. }
                | Self::NotConnected { .. }
                | Self::NotIgnored { .. }
                | Self::NotKept { .. }
                | Self::Transfer(Transfer { state: TransferState::Failed(_), .. })
                | Self::TransferNotStarted { .. }
                | Self::PositionNotRead { .. }
                | Self::HistorySetAside(_)
                | Self::HistoryNotKept(_)
                | Self::Classic { notice: ClassicNotice::NotThere, .. }
                | Self::ServerEnded { .. }
        )
    }
}

impl Entry {
    /// The changes of the members present that it reports: names, and whether each is present.
    #[must_use]
    pub fn member_changes(&self) -> Vec<(String, bool)> {
        // Earlier entries report nothing about the present.
        if self.is_replayed {
            return Vec::new();
        }
        let author = || self.author.clone();
        match (self.kind, &self.content) {
            (EntryKind::JOINED, _) => vec![(author(), true)],
            (EntryKind::LEFT | EntryKind::KICKED, _) => vec![(author(), false)],
            (EntryKind::RENAMED, EntryContent::Body(name)) => {
                vec![(author(), false), (String::from_utf8_lossy(name).into_owned(), true)]
            }
            _ => Vec::new(),
        }
    }
}
