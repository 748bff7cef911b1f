//! The events of the exchange and their times.

use kabar_core::chat::{EntryKind, POST_OVERHEAD};
use kabar_core::client::RECORD_OVERHEAD;
use kabar_device::profile::{MESSAGE_LEN, OUTBOX_LEN};

#[derive(Clone, Copy)]
/// An event of the exchange.
pub(super) enum Action {
    /// The device posts this number of bytes.
    Post(EntryKind, usize),
    /// The other member posts a text of this number of bytes.
    Receive(usize),
    /// The device asks who is here.
    Who,
    /// The device asks for earlier entries.
    History,
    /// All datagrams are lost from now on; or no longer.
    Cut(bool),
    /// The server stops without notice.
    KillServer,
    /// The server starts with the stored log.
    StartServer,
    /// The device leaves.
    Leave,
}

/// The longest body that a device posts.
pub(super) const LONGEST: usize = if MESSAGE_LEN - POST_OVERHEAD < OUTBOX_LEN - RECORD_OVERHEAD {
    MESSAGE_LEN - POST_OVERHEAD
} else {
    OUTBOX_LEN - RECORD_OVERHEAD
};

/// The times in ms since the beginning, and the events.
pub(super) const PLAN: &[(u64, Action)] = &[
    (1, Action::Post(EntryKind::TEXT, 12)), // before there is a connection
    (3_000, Action::Post(EntryKind::TEXT, 1)),
    (3_100, Action::Post(EntryKind::DATA, 0)),
    (3_200, Action::Post(EntryKind::ACTION, 40)),
    (3_300, Action::Receive(25)),
    (3_300, Action::Receive(900)),
    (3_900, Action::Post(EntryKind::DATA, LONGEST)),
    (3_901, Action::Post(EntryKind::TEXT, 500)), // more than there is room for
    (4_400, Action::Receive(1_900)),
    (4_500, Action::Post(EntryKind::TEXT, 1_300)),
    (4_501, Action::Post(EntryKind::DATA, 200)),
    (4_600, Action::Receive(3_000)), // more than a device takes
    (5_200, Action::Who),
    (5_300, Action::History),
    (6_000, Action::Cut(true)),
    (6_010, Action::Post(EntryKind::TEXT, 64)),
    (6_020, Action::Receive(64)),
    (7_300, Action::Cut(false)),
    (9_000, Action::Post(EntryKind::TEXT, 33)),
    (9_000, Action::KillServer),
    (9_300, Action::Post(EntryKind::DATA, 1_000)),
    (9_900, Action::Post(EntryKind::TEXT, 10)),
    (12_000, Action::StartServer),
    (20_000, Action::Post(EntryKind::TEXT, 100)),
    (20_000, Action::Receive(100)),
    (20_100, Action::Post(EntryKind::DATA, 1_200)),
    (20_200, Action::Receive(1_200)),
    (20_400, Action::Post(EntryKind::ACTION, 77)),
    (20_401, Action::Leave), // with something unsettled
];
