//! Real `kabar` and `kabar-server` processes with a `kabar-relay` between them: damage is found,
//! repaired and counted.

use std::time::{Duration, Instant};

use kabar_client::driver::Driver;
use kabar_client::profile;
use kabar_core::chat::{EntryKind, Start};
use kabar_core::client::{ClientCounters, Config, Credential, Event};
use kabar_core::crypto::identity::Identity;
use kabar_std::invite::Invite;
use kabar_tests::process::Process;
use kabar_tests::room::{Entry, Member, Relay, Room, line, lines, temp_home};

/// Bounds a hang.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn three_clients_with_500_lines_each_through_a_bad_path_are_whole_and_in_order() {
    const LINES: usize = 500;
    let room = Room::open();
    let faults = ["--loss", "30%", "--dup", "5%", "--corrupt", "5%", "--reorder", "10%", "--seed", "7"];
    let mut relay = room.relay("127.0.0.1:0", &faults);
    let names = ["anna", "budi", "citra"];
    let mut members = names.map(|name| room.join_through(&relay, name));
    for (member, name) in members.iter_mut().zip(names) {
        member.say(lines(name, LINES));
    }
    for member in &mut members {
        member.see(3 * LINES);
    }
    for (member, name) in members.iter_mut().zip(names) {
        assert_eq!(member.leave(), Some(0), "{name}: {:?}", member.process.noticed);
    }
    let log = room.log("reader", 3 * LINES);
    for (member, name) in members.iter().zip(names) {
        member.assert_whole();
        assert_eq!(member.entries[0].seq, 1);
        let seen: &[Entry] = &log[..member.entries.len().min(log.len())];
        assert_eq!(&member.entries[..seen.len()], seen, "{name} saw the log");
        for author in names {
            assert_eq!(member.said_by(author), lines(author, LINES), "{author}'s lines as {name} saw them");
        }
    }
    let count = relay.counts();
    for direction in ["to server", "to clients"] {
        for fault in ["lost", "duplicated", "corrupted", "held back"] {
            assert!(count(direction, fault) > 0, "{fault} {direction}");
        }
    }
}

#[test]
fn a_client_talks_on_while_its_port_changes() {
    let room = Room::open();
    let mut relay = room.relay("127.0.0.1:0", &["--rebind", "0.5"]);
    let mut anna = room.join_through(&relay, "anna");
    let mut budi = room.join("budi");
    let mut said = 0;
    // Both talk without waiting for each other. Nobody reaches a client behind a new port before it
    // has spoken from there.
    while relay.rebinds() < 6 || anna.texts().count() < 2 * said {
        if relay.rebinds() < 6 {
            said += 1;
            budi.say([line("budi", said)]);
            anna.say([line("anna", said)]);
        } else {
            anna.process.type_all("/who\n");
        }
        std::thread::sleep(Duration::from_millis(20));
        anna.look();
    }
    budi.see(2 * said);
    assert_eq!(anna.leave(), Some(0));
    assert_eq!(anna.said_by("budi"), lines("budi", said));
    assert_eq!(budi.said_by("anna"), lines("anna", said));
    anna.assert_whole();
    assert_eq!(anna.lost, 0, "the connection moved along: {:?}", anna.process.said);
}

#[test]
fn a_path_that_takes_no_large_datagrams_carries_large_texts() {
    let room = Room::open();
    let mut relay = room.relay("127.0.0.1:0", &["--mtu", "640"]);
    let mut anna = room.join_through(&relay, "anna");
    let mut budi = room.join("budi");
    let texts: Vec<_> = (0..20u8).map(|number| char::from(b'a' + number).to_string().repeat(4_096)).collect();
    anna.say(texts.clone());
    budi.see(20);
    budi.say(texts.clone());
    anna.see(40);
    assert_eq!(budi.said_by("anna"), texts);
    assert_eq!(anna.said_by("budi"), texts);
    assert!(relay.counts()("to server", "too large") > 0, "the first Hellos did not fit");
}

#[test]
fn a_path_that_narrows_under_a_connection_is_found_out() {
    let room = Room::open();
    let mut wide = room.relay("127.0.0.1:0", &[]);
    let mut anna = room.join_through(&wide, "anna");
    let mut budi = room.join("budi");
    wide.process.kill();
    let mut narrow = room.relay(&wide.address, &["--mtu", "600"]);
    let texts: Vec<_> = (0..20u8).map(|number| char::from(b'a' + number).to_string().repeat(4_096)).collect();
    anna.say(texts.clone());
    budi.see(20);
    budi.say(texts.clone());
    anna.see(40);
    assert_eq!(anna.said_by("budi"), texts);
    let count = narrow.counts();
    assert!(count("to server", "too large") > 0 && count("to clients", "too large") > 0);
}

/// A member in this process: its counters can be read.
struct Counted {
    driver: Driver,
    heard: Vec<String>,
}

impl Counted {
    fn join(room: &Room, relay: &Relay) -> Self {
        let invite: Invite = room.invite.parse().expect("an invite");
        let (mut driver, _waker) = Driver::new().expect("a poll");
        let config = Config {
            server: relay.address.parse().expect("an address"),
            fingerprint: Some(invite.fingerprint),
            room: "lobby",
            name: "counted",
            identity: &Identity::from_seed(&[7; 32]),
            credential: Credential::Secret(*invite.secret.expose()),
            start: Start::Last(1_000),
            max_entry_len: profile::LARGEST_ENTRY,
            idle_s: profile::IDLE_S,
            ack_delay_ms: profile::ACK_DELAY_MS,
            tick_us: profile::TICK_US,
        };
        driver.start(&config).expect("it starts");
        Self { driver, heard: Vec::new() }
    }

    fn counters(&self) -> ClientCounters {
        self.driver.client.counters()
    }

    /// Goes on until `is_done`, at most for [`PATIENCE`]; `false`: it never was.
    fn go_on(&mut self, mut is_done: impl FnMut(&mut Self) -> bool) -> bool {
        let give_up = Instant::now() + PATIENCE;
        while Instant::now() < give_up {
            while let Some(event) = self.driver.poll_event() {
                if let Event::Entry { header, body, .. } = event
                    && header.kind == EntryKind::TEXT
                {
                    self.heard.push(String::from_utf8_lossy(body).into_owned());
                }
            }
            let is_done = is_done(self);
            self.driver.transmit();
            if is_done {
                return true;
            }
            let soon = self.driver.now() + kabar_core::time::Duration::from_millis(20);
            self.driver.wait(Some(soon));
        }
        false
    }

    /// Talks with `other` until each said so many lines; all of them are heard once and in order.
    fn talk(&mut self, other: &mut Member, count: usize) {
        let mut unsaid = lines("counted", count).into_iter().peekable();
        other.say(lines("other", count));
        let is_heard = self.go_on(|this| {
            while let Some(line) = unsaid.peek()
                && this.driver.client.post(EntryKind::TEXT, line.as_bytes()).is_ok()
            {
                unsaid.next();
            }
            unsaid.peek().is_none() && this.driver.client.unsettled() == 0 && this.heard.len() >= 2 * count
        });
        assert!(is_heard, "{} of {} lines", self.heard.len(), 2 * count);
        other.see(2 * count);
        let seen: Vec<_> = other.texts().map(|entry| &entry.text).collect();
        assert_eq!(self.heard.iter().collect::<Vec<_>>(), seen);
        assert_eq!(other.said_by("counted"), lines("counted", count));
        assert_eq!(other.said_by("other"), lines("other", count));
        other.assert_whole();
    }
}

/// Whether everything that the relay damaged on the way to `counted` was found, as `found` counts
/// it.
fn is_all_found(counted: &mut Counted, relay: &mut Relay, fault: &str, found: impl Fn(&ClientCounters) -> u64) -> bool {
    counted.go_on(|this| {
        let count = relay.counts();
        count("to clients", "waiting") == 0 && found(&this.counters()) == count("to clients", fault)
    })
}

#[test]
fn what_is_corrupted_is_counted_as_damaged_and_changes_nothing() {
    let room = Room::open();
    let mut relay = room.relay("127.0.0.1:0", &["--corrupt", "20%", "--only", "down", "--seed", "3"]);
    let mut counted = Counted::join(&room, &relay);
    let mut other = room.join("other");
    counted.talk(&mut other, 200);
    assert!(is_all_found(&mut counted, &mut relay, "corrupted", |counters| counters.damaged));
    let counters = counted.counters();
    assert!(counters.damaged > 0);
    assert_eq!(counters.connection.not_authentic, 0);
}

#[test]
fn what_is_forged_is_counted_as_not_authentic_and_changes_nothing() {
    let room = Room::open();
    let mut relay = room.relay("127.0.0.1:0", &["--forge", "20%", "--only", "down", "--seed", "3"]);
    let mut counted = Counted::join(&room, &relay);
    let mut other = room.join("other");
    counted.talk(&mut other, 200);
    // Of a Challenge or an Accept it is the handshake that finds it.
    let found = |counters: &ClientCounters| {
        counters.connection.not_authentic + counters.handshake + counters.malformed + counters.connection.replayed
    };
    assert!(is_all_found(&mut counted, &mut relay, "forged", found), "{:?}", counted.counters());
    let counters = counted.counters();
    assert!(counters.connection.not_authentic > 0);
    assert_eq!((counters.damaged, counters.connections), (0, 1));
}

#[test]
fn a_text_of_4096_bytes_with_colons_emoji_and_newlines_arrives_unchanged() {
    let room = Room::open();
    let relay = room.relay("127.0.0.1:0", &["--loss", "10%", "--reorder", "10%"]);
    let mut counted = Counted::join(&room, &relay);
    let mut other = room.join("other");
    let mut text = "a: \u{e9}\u{1f600}\n\n:b:\tx\n".repeat(500);
    while text.len() > 4096 {
        text.pop();
    }
    text.push_str(&"z".repeat(4096 - text.len()));
    assert!(counted.go_on(|this| this.driver.client.post(EntryKind::TEXT, text.as_bytes()).is_ok()));
    assert!(counted.go_on(|this| this.heard == [text.as_str()]));
    other.see(1);
    assert_eq!(other.said_by("counted"), [text.as_str()]);
}

#[test]
fn an_end_shows_what_happened_and_is_no_error() {
    let room = Room::open();
    let mut relay = room.relay("127.0.0.1:0", &["--report", "0.2"]);
    let mut anna = room.join_through(&relay, "anna");
    relay.process.expect("to server");
    assert_eq!(anna.leave(), Some(0));
    relay.process.signal("INT");
    assert_eq!(relay.process.wait(), Some(0));
    let last = relay.process.said.last().expect("a line");
    assert_eq!(last, "1 client, 0 new ports, 0 rejected");
}

#[test]
fn what_cannot_be_asked_for_is_refused_in_words() {
    let home = temp_home();
    for (arguments, word, code) in [
        (&["--to", "127.0.0.1:9", "--loss", "30"][..], "0% to 100%", 2),
        (&["--to", "127.0.0.1:9", "--loss", "80%", "--burst", "2"], "at least 4", 1),
        (&["--to", "here:port"], "--to", 2),
    ] {
        let mut relay = Process::start("kabar-relay", home.path(), arguments);
        assert_eq!(relay.wait(), Some(code), "{:?}", relay.noticed);
        assert!(relay.noticed.join("\n").contains(word), "{:?}", relay.noticed);
    }
}
