//! One member requests as much history as it can while others chat.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant as Clock};

use kabar_core::chat::{ClientMessage, Request};
use kabar_core::time::Instant;
use kabar_std::invite::Invite;
use kabar_tests::raw::{MESSAGES_LEN, Raw, message};
use kabar_tests::room::{Room, spawn_join, temp_home};

use super::output::get;

/// Lines in the log at the beginning, and lines of the chat.
const OLD: usize = 4_000;
const CHAT: usize = 150;
/// Less than the work for one answer, so that every request of the flood takes more than one turn.
const BUDGET: u64 = 2;

/// Requests old history as fast as the server gives credit, with no entry that it accepts, until
/// `is_over`. Counts the requests in `requested`.
fn flood(invite: &Invite, server: &str, is_over: &AtomicBool, requested: &AtomicU64) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.connect(server).expect("an address");
    socket.set_read_timeout(Some(Duration::from_millis(2))).expect("a timeout");
    let begun = Clock::now();
    let now = || Instant::from_micros(1 + begun.elapsed().as_micros() as u64);
    let mut raw = Raw::new(now(), &[0x66; 32], *invite.secret.expose(), "lobby");
    let mut buffer = [0; 2_048];
    let mut has_joined = false;
    while !is_over.load(Ordering::Relaxed) {
        if let Some(packet) = raw.handshake_packet(now()) {
            let _ = socket.send(&packet);
        }
        if raw.is_open() && !has_joined {
            has_joined = true;
            let join = raw.join("mallory", 0);
            let _ = socket.send(&raw.stream_packet(now(), &join));
        }
        if raw.instance() != 0 && raw.credit() >= MESSAGES_LEN as u64 {
            // Half of it is soon in memory; half must be read from the store each time.
            let history = |at: u64| {
                let before = if (at / 44).is_multiple_of(2) { 250 } else { 250 + 61 * at % (OLD as u64 - 300) };
                message(&ClientMessage::Request { handle: 1, request: Request::History { before, count: 200 } })
            };
            let count = MESSAGES_LEN as u64 / history(0).len() as u64;
            let begin = requested.load(Ordering::Relaxed);
            let messages: Vec<u8> = (begin..begin + count).flat_map(history).collect();
            let _ = socket.send(&raw.stream_packet(now(), &messages));
            requested.store(begin + count, Ordering::Relaxed);
        }
        while let Ok(len) = socket.recv(&mut buffer) {
            raw.handle_datagram(now(), &mut buffer[..len]);
            if let Some(packet) = raw.acknowledge(now()) {
                let _ = socket.send(&packet);
            }
        }
        raw.handle_timeout(now());
    }
}

fn figure(metrics: &str, name: &str) -> u64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|value| value.trim().parse().ok()).unwrap_or_else(|| panic!("{name} in {metrics}"))
}

#[test]
fn a_flood_of_history_requests_delays_no_chat_and_reaches_its_budget() {
    let home = temp_home();
    let budget = BUDGET.to_string();
    let memory = ["--tail-memory", "16KiB", "--page-memory", "512KiB"];
    let arguments = [&["--metrics", "0", "--max-work", &budget, "--post-rate", "off"], &memory[..]].concat();
    let mut room = Room::start_with(home.path(), "127.0.0.1:0", &arguments);
    let line = room.server.expect_stderr("metrics on http://127.0.0.1:");
    let metrics = line.split("http://").nth(1).and_then(|rest| rest.split('/').next()).expect("an address").to_owned();
    let figures = || get(&metrics, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut writer = spawn_join(&room.home_of("writer"), &room.invite, "writer", &[]);
    writer.type_all(&(0..OLD).map(|number| format!("{number:0100}\n")).collect::<String>());
    writer.close_stdin();
    assert_eq!(writer.wait(), Some(0), "{:?}", writer.stderr);

    let (invite, server) = (room.invite.parse::<Invite>().expect("an invite"), room.address.clone());
    let (is_over, requested) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let flooding = thread::spawn({
        let (is_over, requested) = (Arc::clone(&is_over), Arc::clone(&requested));
        move || flood(&invite, &server, &is_over, &requested)
    });
    let joined = Clock::now();
    while figure(&figures(), "kabar_work_deferred_total") == 0 {
        assert!(joined.elapsed() < Duration::from_secs(60), "the flood has no effect: {}", figures());
        thread::sleep(Duration::from_millis(20));
    }
    let before = figures();
    let (mut reader, mut talker) = (room.client("reader"), room.client("talker"));
    for line in 1..=CHAT {
        talker.type_line(&format!("line {line:03}"));
        thread::sleep(Duration::from_millis(5));
    }
    reader.expect(&format!("talker: line {CHAT:03}"));
    // On a busy computer the flood is slow, so it continues until it had enough effect.
    let rise = |after: &str, name: &str| figure(after, name) - figure(&before, name);
    let (after, deferred) = loop {
        let (after, requested) = (figures(), requested.load(Ordering::Relaxed));
        let deferred = rise(&after, "kabar_work_deferred_total");
        // Pages that are not in memory were read.
        if requested > 200 && deferred > 20 && rise(&after, "kabar_pages_read_total") > 20 {
            break (after, deferred);
        }
        assert!(joined.elapsed() < Duration::from_secs(120), "{requested} requests: {after}");
        thread::sleep(Duration::from_millis(20));
    };
    is_over.store(true, Ordering::Relaxed);
    flooding.join().expect("it ends");
    let received: Vec<&str> = reader.stdout.iter().filter_map(|line| line.split("talker: ").nth(1)).collect();
    assert_eq!(received, (1..=CHAT).map(|line| format!("line {line:03}")).collect::<Vec<_>>());
    // Nearly all work of a turn is look-ups.
    assert!(rise(&after, "kabar_lookups_total") > deferred * BUDGET / 2, "{after}");
}
