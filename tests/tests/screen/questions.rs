//! Questions on the way to a room, and reasons why there is none.

use kabar_tests::room::{Room, temp_home};

use super::kabar;

#[test]
fn key_and_password_are_asked_for_in_the_screen() {
    let home = temp_home();
    let room = Room::start_with_password(home.path(), "terbuka");
    let mut anna = kabar(&room.home_of("anna"), &["join", &room.address, "--name", "anna"]);
    anna.expect("accept the key of");
    assert!(anna.is_full_screen());
    anna.press("y");
    anna.expect("password of #lobby:");
    anna.type_line("terbuka");
    anna.expect("anna joined");
    assert!(!anna.written().contains("terbuka"), "{}", anna.written());
}

#[test]
fn a_wrong_password_ends_it_with_the_reason() {
    let home = temp_home();
    let room = Room::start_with_password(home.path(), "terbuka");
    let mut anna = kabar(&room.home_of("anna"), &["join", &room.address, "--name", "anna", "--accept-new"]);
    anna.expect("password of #lobby:");
    for tries in 1..=3 {
        anna.type_line("tertutup");
        if tries < 3 {
            anna.until_written("asked again", |written| written.matches("wrong password").count() == tries);
        }
    }
    assert_eq!(anna.wait(), 4);
    anna.assert_restored();
    assert!(anna.screen().contains("wrong password"), "{}", anna.screen());
}

#[test]
fn a_server_that_is_not_reached_is_tried_again_with_the_reason_on_the_screen() {
    let home = temp_home();
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("bound").to_string();
    let mut anna = kabar(home.path(), &["join", &address, "--name", "anna"]);
    anna.expect("connecting");
    anna.expect(&format!("no response from {address} after 5 s"));
    assert!(anna.is_full_screen());
    anna.type_line("/quit");
    assert_eq!(anna.wait(), 0);
    anna.assert_restored();
}
