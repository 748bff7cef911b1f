//! The picture of the full screen in README.md.

use std::path::Path;

use kabar_tests::picture::texts;
use kabar_tests::process::Process;
use kabar_tests::room::{Room, spawn_join};
use kabar_tests::terminal::Terminal;

/// Rows and columns of the terminal in the picture.
const SIZE: (u16, u16) = (18, 100);

/// The variable that writes the picture, as `KABAR_PICTURES=write`.
const VARIABLE: &str = "KABAR_PICTURES";

fn join(room: &Room, name: &str, rooms: &[&str]) -> Process {
    let rooms: Vec<_> = rooms.iter().flat_map(|room| ["--room", room]).collect();
    let mut client = spawn_join(&room.home_of(name), &room.invite, name, &rooms);
    client.expect_stderr("Joined lobby");
    client
}

#[test]
fn the_picture_of_the_screen_is_current() {
    let mut room = Room::open();
    for (name, topic) in [("garden", ""), ("ops", "machines, and what they report")] {
        room.server.type_line(&format!("/room add {name} {topic}"));
        room.server.expect(&format!("room {name} is open now"));
    }
    let mut farhan = join(&room, "farhan", &["garden", "ops"]);
    let arguments = ["join", &room.invite, "--room", "garden", "--room", "ops", "--name", "darryl"];
    let mut darryl = Terminal::start_sized("kabar", &room.home_of("darryl"), &arguments, &[], SIZE);
    darryl.expect("darryl joined");
    darryl.expect("3 ops");
    let mut probe = join(&room, "probe", &["ops"]);
    darryl.expect("probe joined");
    farhan.type_line("haloooo");
    farhan.type_line("the greenhouse has a computer of its own now \u{1f331}");
    darryl.expect("of its own now");
    probe.type_line("21.5 \u{b0}C, humidity 48 %");
    darryl.expect("humidity 48");
    room.server.type_line("the machine room is closed on Monday");
    darryl.expect("closed on Monday");
    darryl.type_line("farhan: apa kabar? https://kabar.example/greenhouse has the plan");
    darryl.expect("darryl: farhan: apa kabar?");
    farhan.type_line("darryl: baik! lunch at noon?");
    darryl.expect("farhan: darryl: baik!");
    probe.type_line("/room ops");
    (1..=3).for_each(|number| probe.type_line(&format!("battery {} %", 90 - number)));
    farhan.type_line("/room garden");
    farhan.type_line("darryl: tomatoes");
    darryl.until("what is unread", |screen| {
        screen.contains("1@1") && screen.contains("ops") && screen.contains(" 3\u{2502}")
    });
    darryl.press("noon is f");
    darryl.until("the status", |screen| screen.contains("noon is f") && screen.contains(" ms"));

    let picture = darryl.picture();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("pictures/screen.svg");
    if std::env::var(VARIABLE).is_ok_and(|value| value == "write") {
        return std::fs::write(path, picture).expect("the picture is written");
    }
    let kept = std::fs::read_to_string(path).expect("the picture");
    assert_eq!(texts(&picture), texts(&kept), "{VARIABLE}=write writes it");
}
