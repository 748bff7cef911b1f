//! The rows that one member can create in the real server's database are bounded.

use std::path::Path;
use std::time::{Duration, Instant};

use kabar_core::chat::RefusedCode;
use kabar_core::connection::CloseCode;
use kabar_core::connection::Closed;
use kabar_core::crypto::identity::Identity;
use kabar_tests::room::{Room, data_dir, temp_home};

use super::raw::Raw;

/// Rows of the tables that grow with identities, and of the log.
fn rows(home: &Path) -> [i64; 4] {
    let history = rusqlite::Connection::open(data_dir(home).join("history.db")).expect("a history");
    ["names", "instances", "admissions", "entries"].map(|table| {
        let count = format!("SELECT count(*) FROM {table}");
        history.query_row(&count, [], |row| row.get(0)).expect("a count")
    })
}

#[test]
fn joining_and_leaving_as_fast_as_possible_stores_a_bounded_amount() {
    let home = temp_home();
    let mut room = Room::start(home.path());
    let mut raw = Raw::connect(&room.address, &room.invite);
    let identity = Identity::from_seed(&[1; 32]);
    let begin = Instant::now();
    let mut rounds = 0;
    while begin.elapsed() < Duration::from_secs(4) {
        if raw.join(&format!("p{rounds}"), &identity) {
            while !raw.leave() {
                raw.turn();
            }
            rounds += 1;
        }
        raw.turn();
    }
    // Messages that the server has not read yet are in the ring buffers of both sides: some hundred
    // rounds.
    assert!(raw.ended.is_none() && (40..400).contains(&rounds), "{rounds} {:?}", raw.ended);
    let mut other = Raw::connect(&room.address, &room.invite);
    assert!(other.join("other", &Identity::from_seed(&[2; 32])));
    other.run_until(|raw| !raw.welcomes.is_empty());
    room.stop();
    let [names, instances, admissions, entries] = rows(home.path());
    let is_bounded = names <= 3 + 8 + 1 && instances <= 16 + 1 && admissions == 2 && entries <= 2 * 10;
    assert!(is_bounded, "{names} {instances} {admissions} {entries}");
}

#[test]
fn new_identities_from_one_address_are_limited_and_known_ones_are_admitted() {
    let home = temp_home();
    let mut room = Room::start_with(home.path(), "127.0.0.1:0", &["--newcomer-burst", "4"]);
    let mut first = Raw::connect(&room.address, &room.invite);
    assert!(first.join("first", &Identity::from_seed(&[1; 32])));
    first.run_until(|raw| !raw.welcomes.is_empty());
    // Another identity on the same connection is an error.
    assert!(first.leave() && first.join("second", &Identity::from_seed(&[2; 32])));
    first.run_until(|raw| raw.ended.is_some());
    assert_eq!(first.ended, Some(Closed::ByPeer(CloseCode::MESSAGE)));
    let mut refused = 0;
    for key in 3..=12 {
        let mut raw = Raw::connect(&room.address, &room.invite);
        assert!(raw.join(&format!("p{key}"), &Identity::from_seed(&[key; 32])));
        raw.run_until(|raw| raw.refused.is_some() || !raw.welcomes.is_empty());
        assert!(raw.refused.is_none_or(|code| code == RefusedCode::TRY_LATER), "{:?}", raw.refused);
        refused += usize::from(raw.refused.is_some());
    }
    assert!(refused >= 5, "{refused}");
    // A known identity is admitted.
    let mut again = Raw::connect(&room.address, &room.invite);
    assert!(again.join("first", &Identity::from_seed(&[1; 32])));
    again.run_until(|raw| !raw.welcomes.is_empty());
    again.run_for(Duration::from_millis(50));
    room.stop();
    let [names, instances, admissions, _] = rows(home.path());
    assert!(names as usize == 11 - refused && admissions == names && instances == names + 1, "{names} {instances}");
}
