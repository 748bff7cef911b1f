//! The language of the environment.

use kabar_tests::room::Room;
use kabar_tests::terminal::Terminal;

#[test]
fn the_locale_chooses_the_language() {
    let room = Room::open();
    let arguments = ["join", &room.invite, "--name", "anna"];
    let variables = [("LANG", "id_ID.UTF-8")];
    let mut anna = Terminal::start_sized("kabar", &room.home_of("anna"), &arguments, &variables, (10, 40));
    anna.expect("anna masuk");
    anna.type_line("/help");
    anna.expect("Tombol (escape menutup");
    anna.type_line("/topic");
    anna.expect("ruang ini tidak punya topik");
    anna.type_line("/quit");
    assert_eq!(anna.wait(), 0);
}
