//! How the parts of a room display something: with the name of the room, on the front end.

use super::front_end::{FrontEnd, RoomLabel};
use super::notice::Notice;

/// A room as its parts display it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RoomView<'a> {
    pub(super) ui: &'a dyn FrontEnd,
    pub(super) label: RoomLabel<'a>,
}

impl RoomView<'_> {
    /// Displays a notice about the room.
    pub(super) fn notice(self, notice: &Notice<'_>) {
        self.ui.room_notice(self.label, notice);
    }
}
