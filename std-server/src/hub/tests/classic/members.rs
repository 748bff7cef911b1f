//! What a classic member gets and does.

use kabar_core::chat::{EntryKind, RefusedCode};
use kabar_core::classic::CUT_MARK;
use kabar_core::time::Duration;

use crate::hub::tests::fake_classic::{CLASSIC_PASSWORD, body, classic, post_text};
use crate::hub::tests::fake_client::join_args;
use crate::hub::tests::world::World;
use crate::hub::{HubEvent, JobKind, LeaveReason, RoomId};
use crate::store::SanctionKind;

const ROOM: RoomId = RoomId::FIRST;

#[test]
fn a_classic_member_and_a_sealed_one_read_each_other() {
    let mut world = World::with_classic();
    let ana = world.join(&join_args("Ana", 1));
    let budi = world.classic_member(1, "budi");
    assert_eq!(world.announcements().last(), Some(&("budi~".to_owned(), EntryKind::JOINED)));
    assert!(world.say_post(budi, "budi", "haloooo").is_empty(), "its own line");
    assert_eq!(world.clients[ana].texts(), ["haloooo"]);
    let author = world.log().last().map(|entry| entry.author.clone());
    assert_eq!(author.as_deref(), Some("budi~"));
    world.clients[ana].post(1, "halo: budi");
    world.run_ms(100);
    let heard = world.heard(budi.address);
    assert_eq!(heard.len(), 1);
    assert!(heard[0].starts_with('[') && heard[0].as_bytes()[20] == b']');
    assert_eq!(body(&heard[0]), "Ana: halo: budi");
    // Others join and leave.
    let citra = world.classic_member(2, "citra");
    assert_eq!(
        world.heard(budi.address).iter().map(|line| body(line)).collect::<Vec<_>>(),
        ["citra~ has joined the chat!"]
    );
    world.say_post(citra, "citra", "cek");
    assert_eq!(world.heard(budi.address).iter().map(|line| body(line)).collect::<Vec<_>>(), ["citra~: cek"]);
    assert_eq!(world.clients[ana].texts(), ["haloooo", "halo: budi", "cek"]);
    let counters = world.hub.counters();
    assert_eq!((counters.classic_logins, counters.classic_refused), (2, 0));
    assert!(counters.classic_bytes > 500);
}

#[test]
fn nobody_sees_a_line_of_a_classic_member_before_it_is_stored() {
    let mut world = World::with_classic();
    let ana = world.join(&join_args("Ana", 1));
    let budi = world.classic_member(1, "budi");
    let citra = world.classic_member(2, "citra");
    world.heard(budi.address);
    world.hold(JobKind::Store);
    world.say_post(budi, "budi", "cek");
    assert!(world.heard(citra.address).is_empty() && world.clients[ana].texts().is_empty());
    world.release();
    world.run_ms(50);
    assert_eq!(world.heard(citra.address).len(), 1);
    assert_eq!(world.clients[ana].texts(), ["cek"]);
}

#[test]
fn each_error_has_the_answer_of_the_original() {
    let mut world = World::with_classic();
    let budi = world.classic_member(1, "budi");
    let (_, answers) = world.log_in(2, "budi");
    assert_eq!(answers, ["Name already taken."]);
    let (_, answers) = world.log_in(3, "BUDI");
    assert_eq!(answers, ["Name already taken."], "another spelling");
    let citra = world.classic(4);
    assert_eq!(world.say(citra, "citra:salah"), ["Incorrect password."]);
    assert_eq!(world.say(citra, "citra"), ["Invalid message format."]);
    for text in ["budi", "budi:cek", "budi:cek:", "budi:cek:x", "citra:cek:2000325465", ""] {
        let text = if text.is_empty() { "x" } else { text };
        assert_eq!(world.say(budi, text), ["Invalid message format."], "{text}");
    }
    for text in ["budi:cek:2379572179", "budi:cek:0", "budi:cek:-1", "budi:cek:99999999999999999999"] {
        assert_eq!(world.say(budi, text), ["Message integrity compromised!"], "{text}");
    }
    // Split at the last two colons.
    assert_eq!(world.say_post(budi, "budi", "jam 10:30"), ["Message integrity compromised!"]);
    assert!(world.texts().is_empty());
    assert!(world.say(budi, "budi:cek:2000325465").is_empty());
    assert_eq!(world.texts(), ["cek"]);
}

#[test]
fn a_datagram_of_a_member_that_does_not_decrypt_is_invalid() {
    let mut world = World::with_classic();
    let budi = world.classic_member(1, "budi");
    let above = core::iter::repeat_n("7", 50).collect::<Vec<_>>().join(",");
    world.inject(budi.address, above.as_bytes());
    assert_eq!(world.heard(budi.address), ["Invalid message format."]);
    for _ in 0..100 {
        world.inject(budi.address, above.as_bytes());
    }
    world.run_ms(10);
    assert_eq!(world.heard(budi.address).len(), 4, "no more than five at once");
    assert!(world.say_post(budi, "budi", "cek").is_empty() && world.texts() == ["cek"]);
}

#[test]
fn a_login_that_is_repeated_is_answered_again_and_joins_once() {
    let mut world = World::with_classic();
    let budi = world.classic_member(1, "budi");
    let answers = world.say(budi, &format!("budi:{CLASSIC_PASSWORD}"));
    assert_eq!(answers, ["budi joined!", "Password accepted. You are now connected."]);
    assert_eq!(world.announcements().len(), 1);
    // A client that starts again at the same address may have another key.
    let again = world.ask_key(budi.address);
    assert!(world.say_post(again, "budi", "cek").is_empty() && world.texts() == ["cek"]);
}

#[test]
fn history_is_the_last_fifty_entries_paced_for_a_small_buffer() {
    let mut world = World::with_classic();
    let ana = world.join(&join_args("Ana", 1));
    for number in 1..=70 {
        world.clients[ana].post(number, &format!("{number:03} {}", "x".repeat(1_500)));
        world.run_ms(20);
    }
    let budi = world.classic(1);
    world.inject(budi.address, &budi.encrypt(&format!("budi:{CLASSIC_PASSWORD}")));
    world.run_ms(1);
    let at_once = world.heard(budi.address);
    assert_eq!(at_once.len(), 16);
    assert_eq!(at_once[0], "budi joined!");
    world.run_ms(40);
    let next = world.heard(budi.address);
    assert!((9..=11).contains(&next.len()), "{}", next.len());
    world.run(Duration::from_secs(1));
    let lines: Vec<String> = at_once.into_iter().skip(2).chain(next).chain(world.heard(budi.address)).collect();
    // The last of the fifty is its own join, which is no history.
    let numbers: Vec<String> = lines.iter().map(|line| body(line)[5..8].to_owned()).collect();
    assert_eq!(numbers, (22..=70).map(|number| format!("{number:03}")).collect::<Vec<_>>());
    assert!(lines.iter().all(|line| line.len() <= 1_024 && line.ends_with(CUT_MARK)));
}

#[test]
fn lines_keep_their_order_when_a_classic_member_lags() {
    let mut world = World::with_classic();
    let budi = world.classic_member(1, "budi");
    let ana = world.join(&join_args("Ana", 1));
    for number in 1..=400 {
        world.clients[ana].post(number, &format!("{number:03}{}", "y".repeat(400)));
        world.run_ms(1);
    }
    world.run(Duration::from_secs(30));
    let heard = world.heard(budi.address);
    let texts = heard.iter().map(|line| body(line)).filter(|line| line.starts_with("Ana: "));
    let numbers: Vec<String> = texts.map(|line| line[5..8].to_owned()).collect();
    assert_eq!(numbers, (1..=400).map(|number| format!("{number:03}")).collect::<Vec<_>>());
}

#[test]
fn a_text_of_several_lines_is_one_line() {
    let mut world = World::with_classic();
    let budi = world.classic_member(1, "budi");
    let ana = world.join(&join_args("Ana", 1));
    world.heard(budi.address);
    world.clients[ana].post(1, "satu\n[2026-11-29 07:05:09] budi: dua\u{1b}[2J");
    world.run_ms(50);
    let heard = world.heard(budi.address);
    assert_eq!(heard.len(), 1);
    assert!(!heard[0].chars().any(char::is_control), "{heard:?}");
}

#[test]
fn names_of_identities_are_theirs_and_marked_ones_are_of_classic_members() {
    let mut world = World::with_classic();
    let ana = world.join(&join_args("Ana", 1));
    assert_eq!(world.log_in(1, "ana").1, ["Name already taken."]);
    world.clients[ana].close(world.now);
    world.run(Duration::from_secs(120));
    assert_eq!(world.log_in(1, "Ana").1, ["Name already taken."], "its owner is away");
    for name in ["budi~", "ser\u{200b}ver", "server", "a/b", ""] {
        let (_, answers) = world.log_in(2, name);
        assert!(matches!(&answers[..], [one] if one.starts_with("Not admitted: the name")), "{name}: {answers:?}");
    }
    world.classic_member(2, "budi");
    // Nobody else is shown with the mark.
    for (name, key) in [("budi~", 2), ("citra~", 3)] {
        let client = world.client();
        world.attempt_join(client, &join_args(name, key));
        assert_eq!(world.clients[client].refusal(), Some(RefusedCode::NAME_NOT_ALLOWED), "{name}");
    }
    let citra = world.join(&join_args("Citra", 3));
    world.clients[citra].rename("citra~");
    world.run_ms(100);
    assert_eq!(world.clients[citra].answers()[0].0, kabar_core::chat::AnswerCode::NAME_NOT_ALLOWED);
    // The name without the mark is free: who leaves the dialect keeps it.
    world.join(&join_args("budi", 4));
}

#[test]
fn nobody_posts_as_somebody_else() {
    let mut world = World::with_classic();
    let budi = world.classic_member(1, "budi");
    let citra = world.classic_member(2, "citra");
    world.heard(budi.address);
    assert_eq!(world.say_post(budi, "citra", "cek"), ["Invalid message format."]);
    assert_eq!(world.say_post(budi, "budi~", "cek"), ["Invalid message format."]);
    // The key of another address.
    world.inject(citra.address, &budi.encrypt(&post_text("citra", "cek")));
    world.run_ms(50);
    assert!(world.texts().is_empty());
}

#[test]
fn operators_kick_mute_and_ban_classic_members() {
    let mut world = World::with_classic();
    let ana = world.join(&join_args("Ana", 1));
    let budi = world.classic_member(1, "budi");
    assert!(world.hub.mute(world.now, ROOM, None, "budi~", None).is_ok());
    world.run_ms(50);
    world.heard(budi.address);
    assert_eq!(world.say_post(budi, "budi", "cek"), ["Not posted: you are muted."]);
    assert!(world.hub.lift(world.now, ROOM, None, "budi~", SanctionKind::Mute).is_ok());
    world.run_ms(50);
    world.heard(budi.address);
    assert!(world.say_post(budi, "budi", "cok").is_empty());
    assert_eq!(world.clients[ana].texts(), ["cok"], "the number of the refused post is settled");
    assert!(world.hub.kick(world.now, ROOM, None, "budi~", Some("spam")).is_ok());
    world.run_ms(100);
    let heard = world.heard(budi.address);
    assert_eq!(heard.last().map(String::as_str), Some("Removed from the chat: you were kicked by server: spam."));
    assert_eq!(world.say_post(budi, "budi", "cek"), ["You are no longer in the chat: join again."]);
    // It may join again, and is the same member.
    let answers = world.say(budi, &format!("budi:{CLASSIC_PASSWORD}"));
    assert_eq!(answers[0], "budi joined!");
    assert!(world.hub.ban(world.now, ROOM, None, "budi~", None).is_ok());
    world.run_ms(100);
    world.heard(budi.address);
    let answers = world.say(budi, &format!("budi:{CLASSIC_PASSWORD}"));
    assert!(matches!(&answers[..], [one] if one.contains("banned from this room")), "{answers:?}");
    world.restart();
    let budi = world.ask_key(budi.address);
    let answers = world.say(budi, &format!("budi:{CLASSIC_PASSWORD}"));
    assert!(matches!(&answers[..], [one] if one.contains("banned from this room")), "{answers:?}");
    assert_eq!(world.texts(), ["cok"]);
}

#[test]
fn a_silent_classic_member_leaves_and_is_told_to_join_again() {
    let mut world = World::with_classic();
    let ana = world.join(&join_args("Ana", 1));
    let budi = world.classic_member(1, "budi");
    world.run(Duration::from_secs(3_000));
    // Lines to it do not keep it there, its own do.
    assert!(world.say_post(budi, "budi", "cek").is_empty());
    world.run(Duration::from_secs(3_590));
    assert_eq!(world.hub.counters().classic_timed_out, 0);
    world.run(Duration::from_secs(80));
    assert_eq!(world.hub.counters().classic_timed_out, 1);
    let left = |event: &HubEvent| matches!(event, HubEvent::Left { name, reason: LeaveReason::Vanished, .. } if name == "budi~");
    assert!(world.events.iter().any(left));
    assert_eq!(world.announcements().last(), Some(&("budi~".to_owned(), EntryKind::LEFT)));
    world.heard(budi.address);
    assert_eq!(world.say_post(budi, "budi", "cok"), ["You are no longer in the chat: join again."]);
    assert_eq!(world.say(budi, &format!("budi:{CLASSIC_PASSWORD}"))[0], "budi joined!");
    assert!(world.say_post(budi, "budi", "cok").is_empty());
    world.run_ms(50);
    assert_eq!(world.clients[ana].texts(), ["cek", "cok"]);
}

#[test]
fn after_a_restart_a_client_is_told_to_join_again_and_keeps_its_key() {
    let mut world = World::with_classic();
    let budi = world.classic_member(1, "budi");
    world.say_post(budi, "budi", "cek");
    world.restart();
    assert_eq!(world.say_post(budi, "budi", "cok"), ["You are no longer in the chat: join again."]);
    let answers = world.say(budi, &format!("budi:{CLASSIC_PASSWORD}"));
    assert_eq!(answers[0], "budi joined!");
    assert_eq!(body(&answers[2]), "budi~: cek");
}

#[test]
fn a_server_that_stops_says_so() {
    let mut world = World::with_classic();
    let budi = world.classic_member(1, "budi");
    world.hub.shutdown(world.now);
    world.run_ms(50);
    assert_eq!(world.heard(budi.address), ["The chat is closing: the server stops."]);
    world.inject(budi.address, b"GET_PUBLIC_KEY");
    assert!(world.heard(budi.address).is_empty());
}

#[test]
fn posts_beyond_the_rate_of_the_room_wait_and_none_is_lost() {
    let mut world = World::with(|config| {
        classic(config);
        config.limits.post_burst = 2;
        config.limits.post_rate = 1;
    });
    let budi = world.classic_member(1, "budi");
    for number in 1..=6 {
        world.inject(budi.address, &budi.encrypt(&post_text("budi", &number.to_string())));
    }
    world.run_ms(50);
    assert_eq!(world.texts(), ["1", "2"]);
    let heard = world.heard(budi.address);
    assert!(matches!(&heard[..], [one] if one.starts_with("Notice: you are posting faster")), "{heard:?}");
    world.run(Duration::from_secs(10));
    assert_eq!(world.texts(), ["1", "2", "3", "4", "5", "6"]);
}

#[test]
fn sealed_members_get_every_entry_once_and_in_order_beside_classic_ones() {
    let mut world = World::with_classic();
    let (ana, ben) = (world.join(&join_args("Ana", 1)), world.join(&join_args("Ben", 2)));
    let classics: Vec<_> =
        (1..=8).map(|number| (number, world.classic_member(number, &format!("p{number}")))).collect();
    for round in 1..=30 {
        for (number, client) in &classics {
            let name = format!("p{number}");
            world.inject(client.address, &client.encrypt(&post_text(&name, &format!("{name} {round}"))));
            world.inject(client.address, b"7,7,7,7");
        }
        world.clients[ana].post(round, &format!("Ana {round}"));
        world.clients[ben].post(round, &format!("Ben {round}"));
        world.run_ms(60);
    }
    world.run(Duration::from_secs(20));
    let texts = world.texts();
    assert_eq!(texts.len(), 30 * 10);
    for client in [ana, ben] {
        assert_eq!(world.clients[client].texts(), texts);
        assert_eq!(world.clients[client].stored(), 30);
    }
    // What a classic member has got is in the order of the log, too.
    let (_, first) = classics[0];
    let heard: Vec<String> =
        world.heard(first.address).iter().filter(|line| line.starts_with('[')).map(|line| body(line)).collect();
    let heard: Vec<&str> = heard.iter().filter_map(|line| line.split_once(": ")).map(|(_, text)| text).collect();
    let others: Vec<&str> = texts.iter().map(String::as_str).filter(|text| !text.starts_with("p1 ")).collect();
    assert_eq!(heard, others);
}
