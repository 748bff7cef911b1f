//! Areas of the screen, and what they display.

use super::span::Row;

/// A size in cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// A rectangle of the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rect {
    /// Its first column.
    pub x: usize,
    /// Its first row.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Rect {
    /// Whether a cell is inside.
    #[must_use]
    pub const fn contains(&self, x: usize, y: usize) -> bool {
        x >= self.x && x - self.x < self.width && y >= self.y && y - self.y < self.height
    }
}

/// Where everything is. Areas without cells are not displayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Areas {
    /// The list of rooms.
    pub rooms: Rect,
    /// The name and the topic of the room.
    pub topic: Rect,
    /// The transcript.
    pub transcript: Rect,
    /// Posts that are not in the room yet.
    pub unsent: Rect,
    /// Files that are being sent and received.
    pub transfers: Rect,
    /// The list of members.
    pub members: Rect,
    /// The status line.
    pub status: Rect,
    /// The input.
    pub input: Rect,
}

/// The narrowest screens with a list of rooms, and with a list of members, too.
const ROOMS_FROM: usize = 64;
const MEMBERS_FROM: usize = 90;
const WIDE_FROM: usize = 120;

/// The lowest screen with a row for the topic.
const TOPIC_FROM: usize = 8;

/// Rows that areas need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heights {
    /// Those of the input.
    pub input: usize,
    /// Those of unsent posts.
    pub unsent: usize,
    /// Those of transfers.
    pub transfers: usize,
}

impl Areas {
    /// Divides a screen. On a small one, the lists vanish first, then the topic. The input gets a
    /// third of the screen at most, unsent posts and transfers a fourth each.
    #[must_use]
    pub fn of(size: Size, shows_members: bool, heights: Heights) -> Self {
        let Size { width, height } = size;
        let is_wide = width >= WIDE_FROM;
        let rooms = if width < ROOMS_FROM {
            0
        } else if is_wide {
            24
        } else {
            18
        };
        let members = if width < MEMBERS_FROM || !shows_members {
            0
        } else if is_wide {
            20
        } else {
            16
        };
        let input = heights.input.clamp(1, (height / 3).max(1)).min(height);
        let status = usize::from(height > input);
        let topic = usize::from(height >= TOPIC_FROM);
        let body = height - input - status;
        // A column is between two areas.
        let left = if rooms > 0 { rooms + 1 } else { 0 };
        let right = if members > 0 { members + 1 } else { 0 };
        let middle = width - left - right;
        let unsent = heights.unsent.min((body - topic) / 4);
        let transfers = heights.transfers.min((body - topic) / 4);
        let shown = body - unsent - transfers;
        Self {
            rooms: Rect { x: 0, y: 0, width: rooms, height: body },
            topic: Rect { x: left, y: 0, width: middle, height: topic },
            transcript: Rect { x: left, y: topic, width: middle, height: shown - topic },
            unsent: Rect { x: left, y: shown, width: middle, height: unsent },
            transfers: Rect { x: left, y: shown + unsent, width: middle, height: transfers },
            members: Rect { x: width - members, y: 0, width: members, height: body },
            status: Rect { x: 0, y: body, width, height: status },
            input: Rect { x: 0, y: height - input, width, height: input },
        }
    }
}

/// An area with its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area {
    /// Where it is.
    pub rect: Rect,
    /// Its rows: not more than it has, none wider than it is.
    pub rows: Vec<Row>,
}

/// A screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its size.
    pub size: Size,
    /// Its areas, which do not overlap.
    pub areas: Vec<Area>,
    /// Column and row of the cursor; `None`: it is hidden.
    pub cursor: Option<(usize, usize)>,
    /// The title of the window.
    pub title: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_vanish_first() {
        let shown = |width, height| {
            let areas = Areas::of(Size { width, height }, true, Heights::default());
            [areas.rooms.width > 0, areas.members.width > 0, areas.topic.height > 0]
        };
        assert_eq!(shown(120, 40), [true, true, true]);
        assert_eq!(shown(80, 24), [true, false, true]);
        assert_eq!(shown(40, 10), [false, false, true]);
        assert_eq!(shown(40, 6), [false, false, false]);
    }

    #[test]
    fn areas_cover_the_screen_without_overlap() {
        for (width, height) in (0..140).flat_map(|width| (0..30).map(move |height| (width, height))) {
            for [input, unsent, transfers] in [[0, 0, 0], [1, 1, 1], [3, 2, 0], [1, 0, 2], [100, 100, 100]] {
                let areas = Areas::of(Size { width, height }, true, Heights { input, unsent, transfers });
                let Areas { rooms, topic, transcript, unsent, transfers, members, status, input } = areas;
                let all = [rooms, topic, transcript, unsent, transfers, members, status, input];
                for area in all {
                    assert!(area.x + area.width <= width && area.y + area.height <= height, "{area:?}");
                }
                let cells: usize = all.iter().map(|area| area.width * area.height).sum();
                let borders = (usize::from(rooms.width > 0) + usize::from(members.width > 0)) * rooms.height;
                assert_eq!(cells + borders, width * height, "{areas:?}");
                assert_eq!((height > 0, height > 1), (input.height > 0, status.height > 0));
            }
        }
    }
}
