//! From the first Hello to Welcome.

use std::vec::Vec;

use super::server::{self, PASSWORD, Server};
use super::world::{Seen, World, config, secs};
use crate::chat::{Info, NOTICE_APPROVAL, RefusedCode, ServerMessage, Start, Term};
use crate::client::{Config, ConfigError, Credential, DisconnectReason, EndReason, RoomSlot, State};
use crate::connection::Closed;
use crate::wire::frame::CloseCode;

#[test]
fn joins_with_the_rooms_secret() {
    let mut world = World::start(&config());
    assert_eq!(world.client.state(RoomSlot::FIRST), State::Connecting { answered: false });
    assert_eq!(world.client.cursor(RoomSlot::FIRST), None);
    world.run_until(secs(2), World::has_joined);
    assert_eq!(world.client.state(RoomSlot::FIRST), State::Online);
    assert_eq!(
        world.seen,
        [Seen::Joined { name: "bob".into(), start: 0, head: 0, term: Term([1; 8]), is_resumed: false }]
    );
    assert_eq!(world.client.cursor(RoomSlot::FIRST), Some((0, Term([1; 8]))));
    assert_eq!(world.client.fingerprint(), Some(server::fingerprint(0)));
    assert_eq!(world.client.counters().connections, 1);
}

#[test]
fn joins_with_a_password() {
    let mut world = World::start(&Config { credential: Credential::Password(PASSWORD), ..config() });
    world.run_until(secs(2), World::has_joined);
    assert_eq!(world.server.joins[0].password.as_deref(), Some(PASSWORD));
    assert!(
        !world.client.message.windows(PASSWORD.len()).any(|bytes| bytes == PASSWORD),
        "it does not stay in the buffer"
    );
}

#[test]
fn joins_without_a_credential_if_the_identity_suffices() {
    let mut world = World::start(&Config { credential: Credential::None, ..config() });
    world.run_until(secs(2), World::has_joined);
}

#[test]
fn joins_at_30_percent_loss() {
    for seed in 0..10 {
        let mut world = World::start_with(Server::new(), &config(), seed);
        world.loss = 30;
        world.run_until(secs(60), World::has_joined);
    }
}

#[test]
fn ends_when_the_secret_or_the_password_is_wrong() {
    for credential in [Credential::Secret([7; 16]), Credential::Password(b"wrong")] {
        let mut world = World::start(&Config { credential, ..config() });
        world.run(secs(20));
        let code = RefusedCode::AUTHENTICATION;
        assert_eq!(world.seen, [Seen::refused(code), Seen::Ended(EndReason::Refused(code))]);
        assert_eq!(world.client.state(RoomSlot::FIRST), State::Ended);
        assert_eq!(world.server.joins.len(), 1, "asked once");
    }
}

#[test]
fn leaves_a_server_that_does_not_know_the_secret() {
    let mut world = World::idle(Server::new());
    world.server.rules.is_impostor = true;
    world.server.add_entry(b"do not believe this");
    let config = Config { fingerprint: Some(server::fingerprint(0)), start: Start::Last(5), ..config() };
    world.client.start(&config, [1; 32], world.now).unwrap();
    world.post(b"not for impostors");
    world.run(secs(20));
    assert_eq!(world.seen, [Seen::Ended(EndReason::ServerProofInvalid)]);
    assert_eq!(world.server.posts, []);
}

#[test]
fn accepts_a_server_without_proof_when_joining_with_a_password() {
    let mut world = World::idle(Server::new());
    world.server.rules.is_impostor = true;
    let credential = Credential::Password(PASSWORD);
    let config = Config { fingerprint: Some(server::fingerprint(0)), credential, ..config() };
    world.client.start(&config, [1; 32], world.now).unwrap();
    world.run_until(secs(2), World::has_joined);
}

#[test]
fn ends_when_refused_permanently() {
    for code in [RefusedCode::NAME_TAKEN, RefusedCode::BANNED, RefusedCode::ROOM_FULL, RefusedCode::INSTANCE] {
        let mut world = World::start(&config());
        world.server.rules.refuses = Some(code);
        world.run(secs(60));
        assert_eq!(world.seen, [Seen::refused(code), Seen::Ended(EndReason::Refused(code))]);
        assert_eq!(world.deadline, None);
    }
}

#[test]
fn retries_when_refused_temporarily() {
    let mut world = World::start(&config());
    world.server.rules.refuses = Some(RefusedCode::TRY_LATER);
    world.run(secs(60));
    let tries = world.server.joins.len();
    let (refused, other): (Vec<_>, Vec<_>) =
        world.seen.iter().partition(|seen| **seen == Seen::refused(RefusedCode::TRY_LATER));
    assert_eq!(refused.len(), tries, "each refusal has its text");
    assert_eq!(other, [&Seen::Disconnected(DisconnectReason::TryLater)], "reported once");
    assert_eq!(world.seen[0], Seen::refused(RefusedCode::TRY_LATER), "before the disconnection");
    assert!((4..=12).contains(&tries), "{tries} tries in a minute");
    world.server.rules.refuses = None;
    world.run_until(secs(20), World::has_joined);
}

#[test]
fn rejoins_when_its_refusal_was_lost() {
    // CLOSE(REFUSED) without Refused: the reason is not known.
    let mut world = World::online();
    world.server.close_all(world.now, CloseCode::REFUSED);
    world.run_until(secs(5), World::has_joined);
    assert!(matches!(world.seen[0], Seen::Disconnected(DisconnectReason::Closed(_))));
}

#[test]
fn reports_the_key_and_continues_when_it_is_accepted() {
    let mut world = World::idle(Server::new());
    world.client.start(&config(), [1; 32], world.now).unwrap();
    world.run_until(secs(2), |world| !world.seen.is_empty());
    assert_eq!(world.seen, [Seen::UnknownServerKey(server::fingerprint(0))]);
    assert_eq!(world.client.state(RoomSlot::FIRST), State::Connecting { answered: true });
    // The user takes longer to answer than a cookie is valid.
    world.run(secs(200));
    assert_eq!(world.seen.len(), 1);
    assert_eq!(world.server.joins, []);
    world.client.accept_key(world.now);
    world.run_until(secs(20), World::has_joined);
    assert_eq!(world.count(&Seen::UnknownServerKey(server::fingerprint(0))), 1);
}

#[test]
fn ends_when_the_key_is_rejected() {
    let mut world = World::idle(Server::new());
    world.client.start(&config(), [1; 32], world.now).unwrap();
    world.run_until(secs(2), |world| !world.seen.is_empty());
    world.client.reject_key(world.now);
    world.run(secs(20));
    assert_eq!(world.ended(), Some(EndReason::KeyRejected));
    assert_eq!(world.server.joins, []);
}

#[test]
fn accepts_only_the_accepted_key_afterwards() {
    let mut world = World::idle(Server::new());
    world.client.start(&config(), [1; 32], world.now).unwrap();
    world.run_until(secs(2), |world| !world.seen.is_empty());
    world.client.accept_key(world.now);
    world.run_until(secs(5), World::has_joined);
    world.server = Server::with_key(1);
    world.seen.clear();
    world.run(secs(300));
    // It was a member: it neither ends, nor joins, nor reports the key.
    assert_eq!(world.client.state(RoomSlot::FIRST), State::Reconnecting);
    assert_eq!(world.seen.len(), 1);
    assert!(matches!(world.seen[0], Seen::Disconnected(_)));
}

#[test]
fn keeps_trying_an_address_without_a_server() {
    let mut world = World::start(&config());
    world.server.rules.is_down = true;
    world.run(secs(5));
    assert_eq!(world.client.state(RoomSlot::FIRST), State::Connecting { answered: false });
    assert_eq!(world.seen, []);
    // It keeps trying.
    world.server.rules.is_down = false;
    world.run_until(secs(10), World::has_joined);
}

#[test]
fn posts_made_before_the_welcome_are_stored_after_it() {
    let mut world = World::start(&config());
    assert_eq!(world.post(b"early"), 1);
    world.run_until(secs(2), |world| world.client.unsettled(RoomSlot::FIRST) == 0);
    assert_eq!(world.server.bodies(), [b"early"]);
}

#[test]
fn does_one_public_key_operation_per_call() {
    let mut world = World::start(&config());
    world.run_until(secs(2), World::has_joined);
    assert_eq!(world.most_operations, 1);
    assert_eq!(world.operations, 4, "KEM, share, agreement, signature");
}

#[test]
fn rejects_an_invalid_configuration_unchanged() {
    let mut world = World::online();
    let long = "x".repeat(33);
    let password = [b'x'; 129];
    for (config, error) in [
        (Config { name: "", ..config() }, ConfigError::Name),
        (Config { name: &long, ..config() }, ConfigError::Name),
        (Config { room: "", ..config() }, ConfigError::Room),
        (Config { room: &long, ..config() }, ConfigError::Room),
        (Config { credential: Credential::Password(&password), ..config() }, ConfigError::Password),
        (Config { idle_s: 9, ..config() }, ConfigError::TransportParameters),
        (Config { idle_s: 3601, ..config() }, ConfigError::TransportParameters),
        (Config { ack_delay_ms: 1001, ..config() }, ConfigError::TransportParameters),
        (Config { tick_us: 1_000_001, ..config() }, ConfigError::TransportParameters),
    ] {
        assert_eq!(world.client.start(&config, [1; 32], world.now), Err(error));
    }
    // The client is unchanged.
    assert_eq!(world.client.state(RoomSlot::FIRST), State::Online);
    world.post(b"still here");
    world.run_until(secs(2), |world| world.client.unsettled(RoomSlot::FIRST) == 0);
}

#[test]
fn second_start_discards_the_previous_state() {
    let mut world = World::online();
    world.post(b"first");
    world.run(secs(1));
    world.seen.clear();
    let config = Config { fingerprint: Some(server::fingerprint(0)), ..config() };
    world.client.start(&config, [9; 32], world.now).unwrap();
    assert_eq!(world.client.cursor(RoomSlot::FIRST), None);
    assert_eq!(world.post(b"second"), 1);
    world.run_until(secs(5), |world| world.client.unsettled(RoomSlot::FIRST) == 0);
    assert_eq!(world.server.bodies(), [&b"first"[..], b"second"]);
    assert_eq!(world.server.joins[1].instance, 0);
    assert_eq!(world.client.counters().connections, 2, "counters only rise");
}

#[test]
fn keeps_its_connection_while_an_operator_decides() {
    let mut world = World::start(&config());
    world.server.rules.is_mute = true;
    world.run(secs(2));
    let notice = Info::Notice { code: NOTICE_APPROVAL, text: "wait" };
    world.server.send_all(&ServerMessage::Info(notice));
    world.run(secs(600));
    assert_eq!((world.client.state(RoomSlot::FIRST), &world.seen[..]), (State::Joining, &[Seen::info(notice)][..]));
    assert_eq!(world.server.joins.len(), 1);
}

#[test]
fn abandons_a_connection_without_a_welcome() {
    let mut world = World::start(&config());
    world.server.rules.is_mute = true;
    world.run(secs(29));
    assert_eq!(world.client.state(RoomSlot::FIRST), State::Joining);
    assert_eq!(world.seen, []);
    world.run(secs(2));
    assert_eq!(world.seen, [Seen::Disconnected(DisconnectReason::Closed(Closed::Locally(CloseCode::INTERNAL)))]);
    // The Join of the next connection may be unanswered as well.
    world.server.rules.is_mute = false;
    world.run_until(secs(45), World::has_joined);
}
