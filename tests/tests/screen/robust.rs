//! Nothing that was received gets lost.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use kabar_tests::process::TIMEOUT;
use kabar_tests::room::Room;
use kabar_tests::terminal::{CTRL_END, PAGE_UP};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

use super::join;

#[test]
fn every_line_can_be_scrolled_to_after_a_storm_of_sizes() {
    const LINES: usize = 200;
    const SIZES: usize = 100;
    let room = Room::open_for_machines();
    let mut bob = room.client("bob");
    let mut anna = join(&room, "anna");
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut below = |limit: u16| u16::try_from(rng.next_u32() % u32::from(limit)).expect("small") + 1;
    for number in 0..SIZES {
        anna.resize(below(100), below(300));
        if number % 10 == 0 {
            anna.press(PAGE_UP);
        }
        for line in number * LINES / SIZES..(number + 1) * LINES / SIZES {
            bob.type_line(&format!("line {line:03}. {}", "x".repeat(usize::from(below(120)))));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    anna.resize(40, 100);
    // A key that is pressed while the size changes may wait for the next one.
    let last = format!("line {:03}.", LINES - 1);
    let deadline = Instant::now() + TIMEOUT;
    while !anna.screen().contains(&last) {
        assert!(Instant::now() < deadline, "no {last}:\n{}", anna.screen());
        anna.press(CTRL_END);
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut seen = BTreeSet::new();
    for pages in 1.. {
        // The input is drawn last, so the page before is complete when it shows the letter.
        anna.press("x");
        anna.expect(&format!("[#lobby] {}", "x".repeat(pages)));
        let screen = anna.screen();
        for (at, _) in screen.match_indices("line ") {
            seen.extend(screen.get(at + 5..at + 8).and_then(|number| number.parse::<usize>().ok()));
        }
        if screen.contains("anna joined") {
            break;
        }
        anna.press(PAGE_UP);
    }
    assert_eq!(seen.len(), LINES, "{seen:?}");
}

#[test]
fn a_server_that_is_killed_comes_back_under_the_screen() {
    let mut room = Room::open();
    let mut anna = join(&room, "anna");
    room.kill();
    anna.expect("reconnecting");
    anna.type_line("typed meanwhile");
    anna.expect("1 unsent");
    anna.expect("\u{2026} typed meanwhile");
    room.restart();
    anna.expect("anna: typed meanwhile");
    anna.until("nothing unsent", |screen| !screen.contains("1 unsent"));
    let mut bob = room.client("bob");
    bob.type_line("welcome back");
    anna.expect("bob: welcome back");
}
