//! Real `kabar` and `kabar-server` processes with a `kabar-relay` between them: faults are
//! detected, repaired and counted.

use std::time::{Duration, Instant};

use kabar_client::driver::{self, Driver};
use kabar_client::poller::Poller;
use kabar_client::profile;
use kabar_core::chat::{EntryKind, Start};
use kabar_core::client::{ClientCounters, Config, Credential, Event, RoomSlot};
use kabar_core::crypto::identity::Identity;
use kabar_std::clock::Clock;
use kabar_std::invite::Invite;
use kabar_tests::process::Process;
use kabar_tests::room::{Entry, Member, Relay, Room, line, lines, temp_home};

/// Time after which a test fails.
const TIMEOUT: Duration = Duration::from_secs(60);

#[test]
fn three_clients_with_500_lines_each_see_one_log_through_a_bad_path() {
    const LINES: usize = 500;
    let room = Room::open();
    let faults = ["--loss", "30%", "--dup", "5%", "--corrupt", "5%", "--reorder", "10%", "--seed", "7"];
    let mut relay = room.relay("127.0.0.1:0", &faults);
    let names = ["anna", "budi", "citra"];
    let mut members = names.map(|name| room.join_through(&relay, name));
    for (member, name) in members.iter_mut().zip(names) {
        member.post(lines(name, LINES));
    }
    for member in &mut members {
        member.wait_for(3 * LINES);
    }
    for (member, name) in members.iter_mut().zip(names) {
        assert_eq!(member.leave(), Some(0), "{name}: {:?}", member.process.stderr);
    }
    let log = room.log("reader", 3 * LINES);
    for (member, name) in members.iter().zip(names) {
        member.assert_whole();
        assert_eq!(member.entries[0].seq, 1);
        let seen: &[Entry] = &log[..member.entries.len().min(log.len())];
        assert_eq!(&member.entries[..seen.len()], seen, "{name} saw the log");
        for author in names {
            assert_eq!(member.texts_of(author), lines(author, LINES), "{author}'s lines as {name} saw them");
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
fn a_client_stays_connected_while_its_port_changes() {
    let room = Room::open();
    let mut relay = room.relay("127.0.0.1:0", &["--rebind", "0.5"]);
    let mut anna = room.join_through(&relay, "anna");
    let mut budi = room.join("budi");
    let mut posted = 0;
    // Both post without waiting for each other. The server can reach a client on its new port only
    // after the client has sent from there.
    while relay.rebinds() < 6 || anna.texts().count() < 2 * posted {
        if relay.rebinds() < 6 {
            posted += 1;
            budi.post([line("budi", posted)]);
            anna.post([line("anna", posted)]);
        } else {
            anna.process.type_all("/who\n");
        }
        std::thread::sleep(Duration::from_millis(20));
        anna.poll();
    }
    budi.wait_for(2 * posted);
    assert_eq!(anna.leave(), Some(0));
    assert_eq!(anna.texts_of("budi"), lines("budi", posted));
    assert_eq!(budi.texts_of("anna"), lines("anna", posted));
    anna.assert_whole();
    assert_eq!(anna.lost, 0, "the connection was not lost: {:?}", anna.process.stdout);
}

#[test]
fn large_texts_pass_a_path_that_drops_large_datagrams() {
    let room = Room::open();
    let mut relay = room.relay("127.0.0.1:0", &["--mtu", "640"]);
    let mut anna = room.join_through(&relay, "anna");
    let mut budi = room.join("budi");
    let texts: Vec<_> = (0..20u8).map(|number| char::from(b'a' + number).to_string().repeat(4_096)).collect();
    anna.post(texts.clone());
    budi.wait_for(20);
    budi.post(texts.clone());
    anna.wait_for(40);
    assert_eq!(budi.texts_of("anna"), texts);
    assert_eq!(anna.texts_of("budi"), texts);
    assert!(relay.counts()("to server", "too large") > 0, "the first Hellos did not fit");
}

#[test]
fn a_path_that_begins_to_drop_large_datagrams_is_detected() {
    let room = Room::open();
    let mut wide = room.relay("127.0.0.1:0", &[]);
    let mut anna = room.join_through(&wide, "anna");
    let mut budi = room.join("budi");
    wide.process.kill();
    let mut narrow = room.relay(&wide.address, &["--mtu", "600"]);
    let texts: Vec<_> = (0..20u8).map(|number| char::from(b'a' + number).to_string().repeat(4_096)).collect();
    anna.post(texts.clone());
    budi.wait_for(20);
    budi.post(texts.clone());
    anna.wait_for(40);
    assert_eq!(anna.texts_of("budi"), texts);
    let count = narrow.counts();
    assert!(count("to server", "too large") > 0 && count("to clients", "too large") > 0);
}

/// A member in this process, so that its counters can be read.
struct Counted {
    poller: Poller,
    clock: Clock,
    driver: Driver,
    received: Vec<String>,
}

impl Counted {
    fn join(room: &Room, relay: &Relay) -> Self {
        let invite: Invite = room.invite.parse().expect("an invite");
        let (poller, _waker) = Poller::new().expect("a poll");
        let clock = Clock::start();
        let mut driver = Driver::new(poller.sockets().expect("a descriptor"), clock);
        let config = Config {
            server: relay.address.parse().expect("an address"),
            fingerprint: Some(invite.fingerprint),
            room: "lobby",
            name: "counted",
            is_default_name: false,
            identity: &Identity::from_seed(&[7; 32]),
            credential: Credential::Secret(*invite.secret.expose()),
            start: Start::Last(1_000),
            max_entry_len: profile::LARGEST_ENTRY,
            idle_s: profile::IDLE_S,
            ack_delay_ms: profile::ACK_DELAY_MS,
            tick_us: profile::TICK_US,
        };
        driver.start(&config).expect("it starts");
        Self { poller, clock, driver, received: Vec::new() }
    }

    fn counters(&self) -> ClientCounters {
        self.driver.client.counters()
    }

    /// Runs until `is_done`, for at most [`TIMEOUT`]. Returns whether it was done.
    fn run_until(&mut self, mut is_done: impl FnMut(&mut Self) -> bool) -> bool {
        let give_up = Instant::now() + TIMEOUT;
        while Instant::now() < give_up {
            while let Some(event) = self.driver.poll_event() {
                if let Event::Entry { header, body, .. } = event
                    && header.kind == EntryKind::TEXT
                {
                    self.received.push(String::from_utf8_lossy(body).into_owned());
                }
            }
            let is_done = is_done(self);
            self.driver.transmit();
            if is_done {
                return true;
            }
            let soon = self.driver.now() + kabar_core::time::Duration::from_millis(20);
            driver::wait(&mut self.poller, self.clock, &mut [&mut self.driver], Some(soon));
        }
        false
    }

    /// Exchanges `count` lines each way with `other`; all must arrive once and in order.
    fn exchange(&mut self, other: &mut Member, count: usize) {
        let mut unposted = lines("counted", count).into_iter().peekable();
        other.post(lines("other", count));
        let is_complete = self.run_until(|this| {
            while let Some(line) = unposted.peek()
                && this.driver.client.post(RoomSlot::FIRST, EntryKind::TEXT, line.as_bytes()).is_ok()
            {
                unposted.next();
            }
            unposted.peek().is_none()
                && this.driver.client.unsettled(RoomSlot::FIRST) == 0
                && this.received.len() >= 2 * count
        });
        assert!(is_complete, "{} of {} lines", self.received.len(), 2 * count);
        other.wait_for(2 * count);
        let seen: Vec<_> = other.texts().map(|entry| &entry.text).collect();
        assert_eq!(self.received.iter().collect::<Vec<_>>(), seen);
        assert_eq!(other.texts_of("counted"), lines("counted", count));
        assert_eq!(other.texts_of("other"), lines("other", count));
        other.assert_whole();
    }
}

/// Whether everything that the relay damaged on the way to `counted` was detected, according to
/// `detected`.
fn is_all_detected(
    counted: &mut Counted,
    relay: &mut Relay,
    fault: &str,
    detected: impl Fn(&ClientCounters) -> u64,
) -> bool {
    counted.run_until(|this| {
        let count = relay.counts();
        count("to clients", "waiting") == 0 && detected(&this.counters()) == count("to clients", fault)
    })
}

#[test]
fn corrupted_datagrams_are_counted_as_damaged_and_change_nothing() {
    let room = Room::open();
    let mut relay = room.relay("127.0.0.1:0", &["--corrupt", "20%", "--only", "down", "--seed", "3"]);
    let mut counted = Counted::join(&room, &relay);
    let mut other = room.join("other");
    counted.exchange(&mut other, 200);
    assert!(is_all_detected(&mut counted, &mut relay, "corrupted", |counters| counters.damaged));
    let counters = counted.counters();
    assert!(counters.damaged > 0);
    assert_eq!(counters.connection.not_authentic, 0);
}

#[test]
fn forged_datagrams_are_counted_as_not_authentic_and_change_nothing() {
    let room = Room::open();
    let mut relay = room.relay("127.0.0.1:0", &["--forge", "20%", "--only", "down", "--seed", "3"]);
    let mut counted = Counted::join(&room, &relay);
    let mut other = room.join("other");
    counted.exchange(&mut other, 200);
    // A damaged Challenge or Accept is detected by the handshake.
    let detected = |counters: &ClientCounters| {
        counters.connection.not_authentic + counters.handshake + counters.malformed + counters.connection.replayed
    };
    assert!(is_all_detected(&mut counted, &mut relay, "forged", detected), "{:?}", counted.counters());
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
    assert!(
        counted.run_until(|this| this.driver.client.post(RoomSlot::FIRST, EntryKind::TEXT, text.as_bytes()).is_ok())
    );
    assert!(counted.run_until(|this| this.received == [text.as_str()]));
    other.wait_for(1);
    assert_eq!(other.texts_of("counted"), [text.as_str()]);
}

#[test]
fn ending_the_relay_prints_its_counters_and_is_no_error() {
    let room = Room::open();
    let mut relay = room.relay("127.0.0.1:0", &["--report", "0.2"]);
    let mut anna = room.join_through(&relay, "anna");
    relay.process.expect("to server");
    assert_eq!(anna.leave(), Some(0));
    relay.process.signal("INT");
    assert_eq!(relay.process.wait(), Some(0));
    let last = relay.process.stdout.last().expect("a line");
    assert_eq!(last, "1 client, 0 new ports, 0 rejected");
}

#[test]
fn invalid_options_are_refused_with_a_reason() {
    let home = temp_home();
    for (arguments, word, code) in [
        (&["--to", "127.0.0.1:9", "--loss", "30"][..], "0% to 100%", 2),
        (&["--to", "127.0.0.1:9", "--loss", "80%", "--burst", "2"], "at least 4", 1),
        (&["--to", "here:port"], "--to", 2),
    ] {
        let mut relay = Process::start("kabar-relay", home.path(), arguments);
        assert_eq!(relay.wait(), Some(code), "{:?}", relay.stderr);
        assert!(relay.stderr.join("\n").contains(word), "{:?}", relay.stderr);
    }
}
