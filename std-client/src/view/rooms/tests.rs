use super::*;

fn id(server: u32, index: u32) -> RoomId {
    RoomId { server: ServerId(server), index }
}

fn list() -> RoomList {
    let mut list = RoomList::default();
    list.add_server(ServerId(0), "one.example:1".to_owned());
    list.add_server(ServerId(1), "two.example:1".to_owned());
    for (room, name) in [(id(0, 0), "lobby"), (id(1, 0), "\u{65e5}\u{672c}\u{8a9e}"), (id(0, 1), "ops")] {
        list.add(room, name);
    }
    list
}

fn rows(list: &RoomList, width: usize, height: usize) -> Vec<String> {
    list.rows(width, height).into_iter().map(|(row, _)| row.text()).collect()
}

#[test]
fn lists_rooms_by_server_with_their_counts() {
    let mut list = list();
    (0..1200).for_each(|_| list.count(id(0, 1), false));
    list.count(id(1, 0), true);
    let three = "3 \u{65e5}\u{672c}\u{8a9e}   1@1";
    let expected = ["one.example:1 ", "1 lobby       ", "2 ops     999+", "two.example:1 ", three];
    assert_eq!(rows(&list, 14, 9), expected);
    assert_eq!(rows(&list, 8, 9)[4], "3 \u{2026}  1@1");
    list.clear(id(0, 1));
    assert_eq!(list.get(id(0, 1)).map(|room| room.unread), Some(0));
}

#[test]
fn selects_rooms() {
    let mut list = list();
    let mut chosen = |choose: &mut dyn FnMut(&mut RoomList)| {
        choose(&mut list);
        list.selected().unwrap()
    };
    assert_eq!(chosen(&mut |_| ()), id(0, 0));
    assert_eq!(chosen(&mut |list| list.select_next(false)), id(0, 1));
    assert_eq!(chosen(&mut |list| list.select_next(true)), id(0, 0));
    assert_eq!(chosen(&mut |list| list.select_next(true)), id(1, 0));
    assert_eq!(chosen(&mut |list| list.select_number(2)), id(0, 1));
    assert_eq!(chosen(&mut |list| list.select_number(9)), id(0, 1));
    assert_eq!(chosen(&mut RoomList::select_active), id(0, 1), "nothing is new");
    list.count(id(0, 0), false);
    list.count(id(1, 0), true);
    list.select_active();
    assert_eq!(list.selected(), Some(id(1, 0)), "a mention comes first");
}

#[test]
fn a_removed_room_is_not_selected() {
    let mut list = list();
    list.select(id(0, 1));
    list.remove(id(0, 1));
    assert_eq!(list.selected(), Some(id(1, 0)));
    list.remove_server(ServerId(1));
    assert_eq!((list.selected(), list.rooms().len()), (Some(id(0, 0)), 1));
    list.remove_server(ServerId(0));
    assert_eq!((list.selected(), rows(&list, 10, 3).len()), (None, 0));
}

#[test]
fn the_selected_room_is_always_displayed() {
    let mut list = list();
    list.select_number(3);
    assert!(rows(&list, 10, 1)[0].starts_with('3'));
    for (width, height) in [(0, 0), (1, 1), (3, 2), (0, 4)] {
        assert!(list.rows(width, height).iter().all(|(row, _)| row.width() <= width));
    }
}

#[test]
fn a_server_that_is_not_connected_is_marked() {
    let mut list = RoomList::default();
    for (number, name) in (0..).zip(["one.example:9999", "two.example:9999"]) {
        list.add_server(ServerId(number), name.to_owned());
    }
    list.set_state(ServerId(1), "off");
    let rows: Vec<_> = list.rows(14, 5).iter().map(|(row, _)| row.text()).collect();
    assert_eq!(rows, ["one.example:9\u{2026}", "two.examp\u{2026} off"]);
    assert!((0..20).all(|width| list.rows(width, 5).iter().all(|(row, _)| row.width() == width)));
}
