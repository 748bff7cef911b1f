//! What those who are no members may cause.

use core::net::SocketAddr;

use kabar_core::time::Duration;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use crate::hub::tests::fake_classic::{CLASSIC_PASSWORD, FakeClassic, body, post_text};
use crate::hub::tests::fake_client::join_args;
use crate::hub::tests::world::World;

fn address(host: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([10, 66, 0, host], port))
}

#[test]
fn without_classic_nothing_of_the_dialect_is_answered() {
    let mut world = World::new();
    let digest = world.hub.state_digest();
    for datagram in ["GET_PUBLIC_KEY", "1,2,3", "1"] {
        world.inject(address(1, 1), datagram.as_bytes());
    }
    assert!(world.to_others.is_empty() && world.hub.state_digest() == digest);
}

#[test]
fn only_the_exact_request_gets_a_key_and_the_key_is_not_longer() {
    let mut world = World::with_classic();
    for datagram in ["GET_PUBLIC_KEY\n", "GET_PUBLIC_KE", "GET_PUBLIC_KEYS", "GET", "G", "get_public_key"] {
        world.inject(address(1, 1), datagram.as_bytes());
    }
    assert!(world.to_others.is_empty());
    for port in 1..=200 {
        world.inject(address(port as u8, port), b"GET_PUBLIC_KEY");
    }
    assert_eq!(world.to_others.len(), 200);
    assert!(world.to_others.iter().all(|(_, key)| key.len() <= b"GET_PUBLIC_KEY".len()));
}

#[test]
fn a_key_belongs_to_its_address() {
    let mut world = World::with_classic();
    let (one, other) = (world.classic(1), world.classic(2));
    assert_ne!(one.key, other.key);
    assert_eq!(world.classic(1).key, one.key, "without state");
    // Whoever writes under an address has to receive what is sent there.
    let login = format!("budi:{CLASSIC_PASSWORD}");
    for from in [other.address, address(9, 9)] {
        let spoofed = FakeClassic { address: from, key: one.key };
        assert!(world.say(spoofed, &login).is_empty());
    }
    assert_eq!(world.hub.counters().classic_undecrypted, 2);
    assert_eq!(world.say(one, &login)[0], "budi joined!");
}

#[test]
fn a_key_is_valid_for_one_to_two_days() {
    let mut world = World::with_classic();
    let login = format!("budi:{CLASSIC_PASSWORD}");
    let old = world.classic(1);
    world.run(Duration::from_secs(24 * 3_600));
    assert_ne!(world.classic(1).key, old.key);
    assert_eq!(world.say(old, &login)[0], "budi joined!");
    world.run(Duration::from_secs(24 * 3_600));
    assert!(world.say(old, &login).is_empty());
}

#[test]
fn a_member_keeps_its_key_for_as_long_as_it_stays() {
    let mut world = World::with_classic();
    let budi = world.classic_member(1, "budi");
    for _ in 0..60 {
        world.run(Duration::from_secs(3_500));
        assert!(world.say_post(budi, "budi", "cek").is_empty());
    }
    assert_eq!(world.texts().len(), 60);
}

#[test]
fn what_needs_no_key_is_not_answered() {
    let mut world = World::with_classic();
    world.ask_key(address(1, 1));
    // 0 and 1 are their own powers.
    for datagram in ["1", "0,1,0,1,0,1,0,1,0,1,0,1,0,1,0,1", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1"] {
        world.inject(address(1, 1), datagram.as_bytes());
    }
    assert!(world.to_others.is_empty());
}

#[test]
fn answers_to_strangers_are_not_longer_than_their_datagrams_unless_they_know_the_password() {
    let mut world = World::with_classic();
    let client = world.classic(1);
    for text in ["a", "a:", "a:b", "abc", "halo", "a:bc", "a:b:c", "a:b:1234", ":::", "::", "::0", "a::0", "ab::0"] {
        let datagram = client.encrypt(text);
        world.inject(client.address, &datagram);
        assert!(world.heard(client.address).iter().all(|answer| answer.len() <= datagram.len()), "{text}");
    }
}

#[test]
fn two_servers_do_not_answer_each_other() {
    let (mut one, mut other) = (
        World::with_classic(),
        World::with(|config| {
            crate::hub::tests::fake_classic::classic(config);
            config.classic.as_mut().unwrap().secret = zeroize::Zeroizing::new([8; 32]);
        }),
    );
    let (one_at, other_at) = (address(1, 9_999), address(2, 9_999));
    // A request with the address of the other server.
    one.inject(other_at, b"GET_PUBLIC_KEY");
    let mut datagrams = one.heard(other_at);
    assert_eq!(datagrams.len(), 1);
    let client = one.classic(3);
    datagrams.extend(one.say(client, "budi:salah"));
    datagrams.extend(one.say(client, &format!("budi:{CLASSIC_PASSWORD}")));
    for datagram in datagrams {
        other.inject(one_at, datagram.as_bytes());
    }
    assert!(other.to_others.is_empty());
}

#[test]
fn requests_and_texts_of_an_address_are_limited() {
    let mut world = World::with_classic();
    for _ in 0..100 {
        world.inject(address(1, 1), b"GET_PUBLIC_KEY");
    }
    assert_eq!(world.heard(address(1, 1)).len(), 64);
    assert_eq!(world.ask_key(address(2, 1)).address, address(2, 1), "others are not");
    let client = world.classic(3);
    for _ in 0..100 {
        world.inject(client.address, &client.encrypt("abc"));
    }
    assert_eq!(world.heard(client.address).len(), 64);
    assert_eq!(world.hub.counters().classic_limited, 36 + 36);
    world.run(Duration::from_secs(1));
    assert_eq!(world.say(client, "abc"), ["Invalid message format."]);
}

#[test]
fn requests_of_all_addresses_are_limited_together_and_members_are_not() {
    let mut world = World::with_classic();
    let budi = world.classic_member(1, "budi");
    world.run(Duration::from_secs(1));
    for number in 0..2_000_u32 {
        let from = SocketAddr::from((core::net::Ipv4Addr::from(0x0b00_0000 + number), 1));
        world.inject(from, b"GET_PUBLIC_KEY");
    }
    assert_eq!(world.to_others.len(), 1_000);
    world.to_others.clear();
    assert!(world.say_post(budi, "budi", "cek").is_empty() && world.texts() == ["cek"]);
}

#[test]
fn wrong_passwords_of_an_address_are_limited() {
    let mut world = World::with_classic();
    let client = world.classic(1);
    for _ in 0..5 {
        assert_eq!(world.say(client, "budi:salah"), ["Incorrect password."]);
    }
    assert!(world.say(client, "budi:salah").is_empty());
    assert!(world.say(client, &format!("budi:{CLASSIC_PASSWORD}")).is_empty(), "not even the right one");
    world.run(Duration::from_secs(12));
    assert_eq!(world.say(client, &format!("budi:{CLASSIC_PASSWORD}"))[0], "budi joined!");
}

#[test]
fn malformed_datagrams_change_nothing_and_the_room_goes_on() {
    let mut world = World::with_classic();
    let ana = world.join(&join_args("Ana", 1));
    let budi = world.classic_member(1, "budi");
    let stranger = world.classic(2);
    world.run_ms(100);
    world.to_others.clear();
    let digest = world.hub.state_digest();
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    for round in 0..10_000_u32 {
        let mut datagram = vec![0; (rng.next_u32() % 1_200) as usize + 1];
        rng.fill_bytes(&mut datagram);
        match round % 4 {
            0 => {}
            1 => datagram.iter_mut().for_each(|byte| *byte = b"0123456789,"[usize::from(*byte) % 11]),
            2 => datagram.iter_mut().for_each(|byte| *byte = b"GET_PUBLIC_KEY"[usize::from(*byte) % 14]),
            _ => {
                datagram = budi.encrypt(&post_text("budi", "cek"));
                let at = rng.next_u32() as usize % datagram.len();
                datagram[at] ^= 1 + (rng.next_u32() % 255) as u8;
            }
        }
        let from = address((round % 250) as u8, 1_000 + (round / 250) as u16);
        let from = if round % 3 == 0 { stranger.address } else { from };
        world.inject(from, &datagram);
    }
    assert!(world.hub.state_digest() == digest);
    assert!(world.to_others.is_empty(), "{:?}", world.to_others);
    world.say_post(budi, "budi", "cek");
    world.clients[ana].post(1, "halo");
    world.run_ms(50);
    assert_eq!(world.clients[ana].texts(), ["cek", "halo"]);
    assert_eq!(body(&world.heard(budi.address)[0]), "Ana: halo");
}

#[test]
fn malformed_datagrams_from_the_address_of_a_member_post_nothing() {
    let mut world = World::with_classic();
    let budi = world.classic_member(1, "budi");
    let mut rng = ChaCha20Rng::from_seed([2; 32]);
    for _ in 0..2_000 {
        let mut datagram = vec![0; (rng.next_u32() % 300) as usize + 1];
        rng.fill_bytes(&mut datagram);
        datagram.iter_mut().for_each(|byte| *byte = b"0123456789,"[usize::from(*byte) % 11]);
        world.inject(budi.address, &datagram);
    }
    world.run_ms(100);
    assert!(world.texts().is_empty());
    // Of the numbers that stand alone, some decrypt to a character.
    let heard = world.heard(budi.address);
    assert!(heard.len() < 64 && heard.iter().all(|answer| answer == "Invalid message format."), "{heard:?}");
    assert!(world.say_post(budi, "budi", "cek").is_empty() && world.texts() == ["cek"]);
}

#[test]
fn a_sealed_packet_with_the_id_of_a_classic_member_changes_nothing() {
    let mut world = World::with_classic();
    let ana = world.join(&join_args("Ana", 1));
    world.classic_member(1, "budi");
    let digest = world.hub.state_digest();
    let recorded = world.recorded.clone();
    for (from, bytes) in recorded.iter().filter(|(_, bytes)| bytes[0] == 0x15) {
        world.inject(*from, bytes);
    }
    assert!(world.hub.state_digest() == digest);
    world.clients[ana].post(1, "halo");
    world.run_ms(50);
    assert_eq!(world.texts(), ["halo"]);
}

#[test]
fn long_datagrams_of_a_member_count_as_several() {
    let mut world = World::with_classic();
    let budi = world.classic_member(1, "budi");
    let long = post_text("budi", &"x".repeat(400));
    let mut datagram = vec![0; 8_192];
    let len = budi.key.encrypt(&long, &mut datagram).unwrap();
    assert!((3_073..=4_096).contains(&len));
    for _ in 0..60 {
        world.inject(budi.address, &datagram[..len]);
    }
    assert_eq!(world.hub.counters().classic_limited, 44, "four each");
    world.run(Duration::from_secs(1));
    assert_eq!(world.texts().len(), 16);
    let len = budi.key.encrypt(&"x".repeat(500), &mut datagram).unwrap();
    assert!(len > 4_096);
    world.inject(budi.address, &datagram[..len]);
    world.run_ms(10);
    assert_eq!(world.heard(budi.address), ["Invalid message format."]);
}
