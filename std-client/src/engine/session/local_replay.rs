//! Delivers entries of the local history, before those that the server sends: page by page, as far
//! as the front end takes them. What the server sends meanwhile is recorded, and read in its turn.

use kabar_core::chat::EntryHeader;

use super::catch_up::CatchUp;
use super::output::RoomOutput;
use super::person::Person;
use super::replay::LocalReplay;
use super::room::Membership;

/// Entries read at once.
const PAGE: usize = 64;

/// Continues to deliver recorded entries. `instance`: that of the client.
pub(super) fn check_replay(member: &mut Membership, instance: u64, person: &mut Person, output: RoomOutput<'_>) {
    while let Some(LocalReplay { next }) = member.replay
        && output.sink.has_room()
    {
        let Some(read) = member.log.history().read(output.room, next, PAGE) else {
            // The file cannot be read: the server has the rest.
            (member.replay, member.catch_up) = (None, Some(CatchUp::from_seq(next)));
            return;
        };
        for entry in &read.entries {
            let (seq, author, kind) = (entry.place.seq, entry.author.as_str(), entry.kind);
            let header = EntryHeader {
                seq,
                time_ms: entry.time_ms,
                author,
                instance: entry.instance,
                number: entry.number,
                kind,
            };
            let is_own = instance != 0 && entry.instance == instance;
            member.log.replay(&header, entry.content.as_content(), is_own, person, output);
            // Another process may have recorded it: the server sends it to this one, too.
            member.delivers_after = member.delivers_after.max(seq);
            member.replay = Some(LocalReplay { next: seq.saturating_add(1) });
        }
        if read.entries.is_empty() {
            if read.is_complete {
                member.replay = None;
            }
            // Otherwise the rest is written at the end of this turn.
            return;
        }
    }
}
