//! The id of a room, by which timers, jobs, results and operators name it.

/// Identifies a room within one [`Hub`](super::Hub).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId(pub(super) usize);

impl RoomId {
    /// The room of a hub that has one.
    pub const ONLY: Self = Self(0);
}
