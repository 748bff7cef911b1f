//! Pages, times, unread counts.

use super::*;

fn page(writer: &Writer, room: RoomRow, anchor: Anchor, limit: usize) -> String {
    let page = writer.reader().unwrap().page(room, anchor, limit).unwrap();
    let more = |has: bool| if has { "<" } else { "" };
    format!("{}{}{}", more(page.has_earlier), show(&page), more(page.has_later).replace('<', ">"))
}

#[test]
fn pages_join_without_overlap_through_gaps_and_logs() {
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    let (room, log) = lobby(&mut writer, 2);
    append_range(&mut writer, log, 3..=5);
    writer.begin(room, Some(log), at(7, T1)).unwrap();
    append_range(&mut writer, log, 8..=9);
    let next = writer.begin(room, Some(log), reset(1, T2)).unwrap().log;
    append_range(&mut writer, next, 2..=3);
    let place = |log, seq| Place { log, seq };
    assert_eq!(page(&writer, room, Anchor::Last, 9), "(1-2) 3 4 5 (6-7) 8 9 [1-1] 2 3");
    assert_eq!(page(&writer, room, Anchor::Last, 2), "<[1-1] 2 3");
    assert_eq!(page(&writer, room, Anchor::Last, 1), "<3");
    assert_eq!(page(&writer, room, Anchor::Before(place(next, 2)), 2), "<(6-7) 8 9>");
    assert_eq!(page(&writer, room, Anchor::Before(place(log, 8)), 2), "<4 5>");
    assert_eq!(page(&writer, room, Anchor::Before(place(log, 4)), 2), "(1-2) 3>");
    assert_eq!(page(&writer, room, Anchor::Before(place(log, 3)), 2), ">");
    assert_eq!(page(&writer, room, Anchor::After(place(log, 3)), 2), "<4 5>");
    assert_eq!(page(&writer, room, Anchor::After(place(log, 5)), 3), "<(6-7) 8 9 [1-1] 2>");
    assert_eq!(page(&writer, room, Anchor::After(place(next, 2)), 5), "<3");
    assert_eq!(page(&writer, room, Anchor::After(place(next, 3)), 5), "<");
    assert_eq!(page(&writer, room, Anchor::Around(place(log, 8)), 4), "<4 5 (6-7) 8 9>");
    assert_eq!(page(&writer, room, Anchor::Around(place(log, 3)), 4), "(1-2) 3 4>");
    assert_eq!(page(&writer, room, Anchor::After(place(log, u64::MAX)), 1), "<[1-1] 2>");
    // Bounds.
    assert_eq!(page(&writer, room, Anchor::Last, 0), "<3");
    let other = writer.room(&key(7), "empty").unwrap();
    assert_eq!(page(&writer, other, Anchor::Last, usize::MAX), "");
    writer.begin(other, None, at(9, T1)).unwrap();
    assert_eq!(page(&writer, other, Anchor::Last, 5), "[1-9]");
}

#[test]
fn pages_begin_at_a_time() {
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    let (room, log) = lobby(&mut writer, 10);
    append_range(&mut writer, log, 11..=20);
    writer.begin(room, Some(log), at(30, T1)).unwrap();
    append_range(&mut writer, log, 31..=32);
    for (time, wanted) in [
        (0, "(1-10) 11 12>"),
        (11_000, "(1-10) 11 12>"),
        (15_001, "<16 17>"),
        (20_000, "<20 (21-30) 31>"),
        (21_000, "<(21-30) 31 32"),
        (32_001, "<"),
        (u64::MAX, "<"),
    ] {
        assert_eq!(page(&writer, room, Anchor::Time(time), 2), wanted, "{time}");
    }
}

#[test]
fn what_is_after_the_read_mark_and_asks_for_attention_is_unread() {
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    let (room, log) = lobby(&mut writer, 0);
    let with = |seq, attention| NewEntry { attention, ..text(seq, "x") };
    let entries =
        [with(1, Attention::Unread), with(2, Attention::None), with(3, Attention::Mention), with(4, Attention::Unread)];
    append(&mut writer, log, &entries).unwrap();
    let empty = writer.room(&key(7), "empty").unwrap();
    let reader = writer.reader().unwrap();
    let unread = || {
        let summaries = reader.summaries().unwrap();
        assert_eq!((summaries[0].last_ms, summaries[1].last_ms, summaries[1].room), (Some(4000), None, empty));
        assert_eq!(summaries[1].unread, Unread::default());
        (summaries[0].unread.entries, summaries[0].unread.mentions)
    };
    let place = |seq| Place { log, seq };
    assert_eq!((unread(), reader.first_unread(room).unwrap()), ((3, 1), Some(place(1))));
    writer.mark_read(room, place(2)).unwrap();
    assert_eq!((unread(), reader.first_unread(room).unwrap()), ((2, 1), Some(place(3))));
    writer.mark_read(room, place(0)).unwrap();
    assert_eq!(unread(), (2, 1), "a mark never goes back");
    writer.mark_read(room, place(3)).unwrap();
    assert_eq!((unread(), reader.first_unread(room).unwrap()), ((1, 0), Some(place(4))));
    // A mark in a later log covers the earlier ones.
    let next = writer.begin(room, Some(log), reset(0, T2)).unwrap().log;
    append(&mut writer, next, &[with(1, Attention::Unread)]).unwrap();
    assert_eq!(reader.summaries().unwrap()[0].unread.entries, 2);
    writer.mark_read(room, Place { log: next, seq: 0 }).unwrap();
    assert_eq!(reader.first_unread(room).unwrap(), Some(Place { log: next, seq: 1 }));
}

#[test]
fn rooms_are_known_with_their_servers() {
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    for (server, name) in [(7, "lobby"), (8, "lobby"), (7, "garden"), (7, "lobby")] {
        writer.room(&key(server), name).unwrap();
    }
    let rooms = Reader::open(&dir, ANNA).unwrap().rooms().unwrap();
    let rooms: Vec<_> = rooms.iter().map(|known| (known.fingerprint.0[0], known.name.as_str())).collect();
    assert_eq!(rooms, [(7, "lobby"), (8, "lobby"), (7, "garden")]);
}
