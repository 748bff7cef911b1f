//! What happens in the exchange, and when.

use kabar_core::chat::{EntryKind, POST_OVERHEAD};
use kabar_core::client::RECORD_OVERHEAD;
use kabar_device::profile::{MESSAGE_LEN, OUTBOX_LEN};

#[derive(Clone, Copy)]
pub(super) enum Deed {
    /// The device posts so many bytes.
    Post(EntryKind, usize),
    /// The other member posts a text of so many bytes.
    Hear(usize),
    /// The device asks who is here.
    Who,
    /// The device asks for what was said before.
    History,
    /// Nothing comes through any more; or again.
    Cut(bool),
    /// The power goes.
    KillServer,
    /// It starts again over what is stored.
    StartServer,
    Leave,
}

/// The longest body that a device posts.
pub(super) const LONGEST: usize = if MESSAGE_LEN - POST_OVERHEAD < OUTBOX_LEN - RECORD_OVERHEAD {
    MESSAGE_LEN - POST_OVERHEAD
} else {
    OUTBOX_LEN - RECORD_OVERHEAD
};

/// When, in ms from the beginning, and what.
pub(super) const PLAN: &[(u64, Deed)] = &[
    (1, Deed::Post(EntryKind::TEXT, 12)), // before there is a connection
    (3_000, Deed::Post(EntryKind::TEXT, 1)),
    (3_100, Deed::Post(EntryKind::DATA, 0)),
    (3_200, Deed::Post(EntryKind::ACTION, 40)),
    (3_300, Deed::Hear(25)),
    (3_300, Deed::Hear(900)),
    (3_900, Deed::Post(EntryKind::DATA, LONGEST)),
    (3_901, Deed::Post(EntryKind::TEXT, 500)), // more than there is room for
    (4_400, Deed::Hear(1_900)),
    (4_500, Deed::Post(EntryKind::TEXT, 1_300)),
    (4_501, Deed::Post(EntryKind::DATA, 200)),
    (4_600, Deed::Hear(3_000)), // more than a device takes
    (5_200, Deed::Who),
    (5_300, Deed::History),
    (6_000, Deed::Cut(true)),
    (6_010, Deed::Post(EntryKind::TEXT, 64)),
    (6_020, Deed::Hear(64)),
    (7_300, Deed::Cut(false)),
    (9_000, Deed::Post(EntryKind::TEXT, 33)),
    (9_000, Deed::KillServer),
    (9_300, Deed::Post(EntryKind::DATA, 1_000)),
    (9_900, Deed::Post(EntryKind::TEXT, 10)),
    (12_000, Deed::StartServer),
    (20_000, Deed::Post(EntryKind::TEXT, 100)),
    (20_000, Deed::Hear(100)),
    (20_100, Deed::Post(EntryKind::DATA, 1_200)),
    (20_200, Deed::Hear(1_200)),
    (20_400, Deed::Post(EntryKind::ACTION, 77)),
    (20_401, Deed::Leave), // with something unsettled
];
