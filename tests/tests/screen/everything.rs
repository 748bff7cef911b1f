//! `kabar` without arguments: everything one was in.

use kabar_tests::room::{Room, temp_home};

use super::{join, kabar};

#[test]
fn all_servers_that_are_known_are_opened_and_one_that_is_not_reached_disturbs_none() {
    let home = temp_home();
    let (mut first, second) = (Room::open(), Room::start_with_own_key(home.path(), "127.0.0.1:0", &[]));
    let home = first.home_of("anna");
    let mut anna = join(&first, "anna");
    // By the invite of another server.
    anna.type_line(&format!("/join {}", second.invite));
    anna.expect(&second.address);
    anna.until("the other room", |screen| screen.matches("anna joined").count() == 1);
    anna.type_line("hello over there");
    anna.expect("anna: hello over there");
    anna.type_line("/quit");
    assert_eq!(anna.wait(), 0);
    let mut bob = second.client("bob");
    first.stop();

    let mut again = kabar(&home, &[]);
    again.expect(&first.address);
    again.expect(&second.address);
    bob.type_line("still here");
    // Servers are in the order of their addresses.
    again.press(if first.address < second.address { "\x1b2" } else { "\x1b1" });
    again.until("the room of the second server", |screen| screen.contains("bob: still here"));
    again.type_line("/part");
    again.until("no second server", |screen| !screen.contains("2 lobby"));
    bob.expect("anna has left");
    again.type_line("/quit");
    again.wait();
    again.assert_restored();
}

#[test]
fn with_nothing_known_it_asks() {
    let home = temp_home();
    let room = Room::start(home.path());
    let mut anna = kabar(&room.home_of("anna"), &[]);
    anna.expect("Address: ");
    anna.type_line(&room.invite);
    anna.expect("Nickname [guest]: ");
    anna.type_line("anna");
    anna.expect("anna joined");
    assert!(anna.is_full_screen());
    anna.type_line("/quit");
    assert_eq!(anna.wait(), 0);
}
