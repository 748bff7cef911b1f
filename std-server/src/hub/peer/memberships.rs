//! The rooms that a connection is in or is about to join.

use super::loading::LoadingJoins;
use super::member::Member;
use crate::hub::census::Standing;
use crate::hub::room_id::RoomId;

/// The memberships of one connection, in the order of their Joins. Most have one.
#[derive(Debug, Default)]
pub(in crate::hub) struct Memberships {
    list: Vec<Membership>,
    /// The place of the membership that is served next.
    turn: u8,
    handles: Handles,
    /// Joins whose rooms are being loaded: these have no id yet, and may not exist.
    pub(in crate::hub) loading: LoadingJoins,
}

/// One membership, or a Join on its way to one.
#[derive(Debug)]
pub(in crate::hub) struct Membership {
    room: RoomId,
    stage: Stage,
}

/// The progress of a membership.
#[derive(Debug)]
pub(in crate::hub) enum Stage {
    /// The password of its Join is to be checked.
    Checking,
    /// Its Join waits until an operator lets it in.
    Waiting,
    /// Its Join is admitted and waits for its commit.
    Joining,
    /// A member.
    Member(Box<Member>),
}

/// The numbers by which messages name the rooms of a connection (SPEC 6.1).
///
/// The number of a room that the client has left is free at once. That of a membership that the
/// server ended is not: the client may still use it. So the next numbers are those after all that
/// were drawn before; they come round only after more Joins than a client can have without reading
/// that the membership has ended.
#[derive(Debug, Default)]
struct Handles {
    /// Numbers up to this one are not drawn. 0: the server has ended no membership.
    floor: u8,
    /// The last number after `floor` that was drawn.
    last: u8,
}

impl Memberships {
    pub(in crate::hub) fn is_empty(&self) -> bool {
        self.list.is_empty() && self.loading.is_empty()
    }

    /// Whether it is or was a member of any room.
    pub(in crate::hub) fn was_member(&self) -> bool {
        self.handles.last != 0
    }

    /// Number of rooms that it is in or is about to join.
    pub(in crate::hub) fn len(&self) -> usize {
        self.list.len() + self.loading.len()
    }

    /// Number of its memberships and Joins, without those whose rooms are being loaded.
    pub(in crate::hub) fn placed(&self) -> usize {
        self.list.len()
    }

    /// The stage of the membership in a room.
    pub(in crate::hub) fn stage(&self, room: RoomId) -> Option<&Stage> {
        self.list.iter().find(|it| it.room == room).map(|it| &it.stage)
    }

    /// Whether the password of its Join to a room is to be checked.
    pub(in crate::hub) fn is_checking(&self, room: RoomId) -> bool {
        matches!(self.stage(room), Some(Stage::Checking))
    }

    /// Whether its Join to a room waits for an operator.
    pub(in crate::hub) fn is_waiting(&self, room: RoomId) -> bool {
        matches!(self.stage(room), Some(Stage::Waiting))
    }

    /// Whether its Join to a room waits for its commit.
    pub(in crate::hub) fn is_joining(&self, room: RoomId) -> bool {
        matches!(self.stage(room), Some(Stage::Joining))
    }

    /// Whether any Join is in progress.
    pub(in crate::hub) fn has_join(&self) -> bool {
        !self.loading.is_empty() || self.list.iter().any(|it| it.member().is_none())
    }

    pub(in crate::hub) fn member(&self, room: RoomId) -> Option<&Member> {
        self.list.iter().find(|it| it.room == room)?.member()
    }

    pub(in crate::hub) fn member_mut(&mut self, room: RoomId) -> Option<&mut Member> {
        self.list.iter_mut().find(|it| it.room == room)?.member_mut()
    }

    /// All members.
    pub(in crate::hub) fn members(&self) -> impl Iterator<Item = &Member> {
        self.list.iter().filter_map(Membership::member)
    }

    /// All members.
    pub(in crate::hub) fn members_mut(&mut self) -> impl Iterator<Item = (RoomId, &mut Member)> {
        self.list.iter_mut().filter_map(|it| Some((it.room, it.member_mut()?)))
    }

    /// The room with a handle, and its member.
    pub(in crate::hub) fn by_handle(&mut self, handle: u8) -> Option<(RoomId, &mut Member)> {
        self.members_mut().find(|(_, member)| member.handle == handle)
    }

    /// The room of any membership or Join.
    pub(in crate::hub) fn any(&self) -> Option<RoomId> {
        self.list.first().map(|it| it.room)
    }

    /// The room that is to be served next, and its member.
    pub(in crate::hub) fn next(&mut self) -> Option<(RoomId, &mut Member)> {
        let membership = self.list.get_mut(usize::from(self.turn))?;
        Some((membership.room, membership.member_mut()?))
    }

    /// Ends the turn of the membership that is served.
    pub(in crate::hub) fn end_turn(&mut self) {
        let next = self.turn.saturating_add(1);
        self.turn = if usize::from(next) < self.list.len() { next } else { 0 };
    }

    /// A handle that names no room. The limit of rooms is far below the number of handles.
    pub(in crate::hub) fn draw_handle(&mut self) -> u8 {
        let is_used = |handle: u8| self.members().any(|member| member.handle == handle);
        let handle = self.handles.after_floor().find(|handle| !is_used(*handle)).unwrap_or_default();
        self.handles.note_drawn(handle);
        handle
    }

    /// The server ends a membership: its client may still use the handle.
    pub(in crate::hub) fn retire_handles(&mut self) {
        self.handles.floor = self.handles.last;
    }

    /// Whether the server has ended a membership: messages may have the handle of no room.
    pub(in crate::hub) fn has_retired_handles(&self) -> bool {
        self.handles.floor != 0
    }

    pub(super) fn set(&mut self, room: RoomId, stage: Stage) {
        if let Some(membership) = self.list.iter_mut().find(|it| it.room == room) {
            membership.stage = stage;
            return;
        }
        if self.list.is_empty() {
            self.list.reserve_exact(1);
        }
        self.list.push(Membership { room, stage });
    }

    pub(super) fn take(&mut self, room: RoomId) -> Option<Stage> {
        let at = self.list.iter().position(|it| it.room == room)?;
        if at < usize::from(self.turn) {
            self.turn -= 1;
        }
        let taken = self.list.remove(at);
        if usize::from(self.turn) >= self.list.len() {
            self.turn = 0;
        }
        Some(taken.stage)
    }

    /// The limits that a connection with these memberships counts against.
    pub(super) fn standing(&self) -> Standing {
        let standing = |membership: &Membership| match membership.stage {
            Stage::Checking | Stage::Waiting => Standing::Stranger,
            Stage::Joining => Standing::Admitted,
            Stage::Member(_) => Standing::Member,
        };
        self.list.iter().map(standing).max().unwrap_or(Standing::Stranger)
    }
}

impl Membership {
    fn member(&self) -> Option<&Member> {
        match &self.stage {
            Stage::Member(member) => Some(member),
            _ => None,
        }
    }

    fn member_mut(&mut self) -> Option<&mut Member> {
        match &mut self.stage {
            Stage::Member(member) => Some(member),
            _ => None,
        }
    }
}

impl Handles {
    /// All numbers, in the order in which they are drawn. 0 names no room.
    fn after_floor(&self) -> impl Iterator<Item = u8> + use<> {
        let floor = self.floor;
        (1..=u8::MAX).filter(move |handle| *handle > floor).chain(1..=floor)
    }

    fn note_drawn(&mut self, handle: u8) {
        let rank = |handle: u8| handle.wrapping_sub(self.floor).wrapping_sub(u8::from(handle < self.floor));
        if rank(handle) > rank(self.last) {
            self.last = handle;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Handles drawn one after the other, each for a room that is left at once unless it is kept.
    fn drawn(handles: &mut Handles, used: &[u8]) -> u8 {
        let handle = handles.after_floor().find(|handle| !used.contains(handle)).unwrap();
        handles.note_drawn(handle);
        handle
    }

    #[test]
    fn the_handle_of_a_room_that_was_left_is_free_at_once() {
        let mut handles = Handles::default();
        assert_eq!([drawn(&mut handles, &[]), drawn(&mut handles, &[1]), drawn(&mut handles, &[2])], [1, 2, 1]);
    }

    #[test]
    fn the_handle_of_a_membership_that_the_server_ended_is_drawn_last() {
        let mut handles = Handles::default();
        let first = drawn(&mut handles, &[]);
        handles.floor = handles.last;
        let mut others = Vec::new();
        for _ in 0..254 {
            others.push(drawn(&mut handles, &others));
        }
        assert!(!others.contains(&first) && !others.contains(&0));
        assert_eq!(drawn(&mut handles, &others), first);
        // Ended one after the other, they come round as late.
        let mut handles = Handles::default();
        let round: Vec<u8> = (0..510)
            .map(|_| {
                let handle = drawn(&mut handles, &[]);
                handles.floor = handles.last;
                handle
            })
            .collect();
        assert_eq!(round[..255], (1..=255).collect::<Vec<u8>>());
        assert_eq!(round[..255], round[255..]);
    }
}
