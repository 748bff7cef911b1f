//! A member that posts faster than the room takes: nobody else waits for it, and nothing of it is
//! lost.

use kabar_tests::room::{Room, lines, temp_home};

#[test]
fn a_flood_of_lines_from_a_pipe_is_taken_in_turn_and_the_lines_of_others_come_between() {
    const LINES: usize = 120;
    let home = temp_home();
    let mut room = Room::start_with(home.path(), "127.0.0.1:0", &["--post-burst", "40", "--post-rate", "20/s"]);
    let mut reader = room.join("reader");
    // It waits longer in total, and gives up only when nothing more is stored.
    let mut flooder = room.spawn_join("flooder", &["--give-up", "2"]);
    flooder.expect_stderr("Joined ");
    let mut bob = room.client("bob");
    flooder.type_all(&lines("flooder", LINES).iter().map(|line| line.clone() + "\n").collect::<String>());
    flooder.close_stdin();
    flooder.expect_stderr("(server: you are posting faster than this room takes");
    bob.type_line("may I?");
    bob.expect("bob: may I?");
    assert_eq!(flooder.wait(), Some(0), "{:?}", flooder.stderr);
    reader.wait_for(LINES + 1);
    reader.assert_whole();
    assert_eq!(reader.texts_of("flooder"), lines("flooder", LINES), "each once and in order");
    let others = reader.texts().position(|entry| entry.author == "bob").expect("bob's line");
    assert!((40..LINES).contains(&others), "the line of another was number {others}");
    assert_eq!(flooder.stderr.iter().filter(|line| line.contains("posting faster")).count(), 1);
    // The operator is not limited.
    room.server.type_all(&"order, please\n".repeat(60));
    for _ in 0..60 {
        room.server.expect("order, please");
    }
}
