//! The id of a room, by which timers, jobs, results and operators name it.

/// Identifies a room in memory within one [`Hub`](super::Hub). The id of a room that was dropped is
/// never that of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId {
    /// Its place in the table of rooms.
    pub(super) index: u32,
    /// Number of rooms that had this place before.
    pub(super) generation: u32,
}

impl RoomId {
    /// The room of the configuration, which is never dropped.
    pub const FIRST: Self = Self { index: 0, generation: 0 };
}
