//! Random faults from a seed: each post is in the log once and in order, and the reported entries
//! are the log.

use std::vec::Vec;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::server::Server;
use super::world::{Seen, World, config, secs};
use crate::chat::{EntryKind, Start};
use crate::client::{Config, PostError, RoomSlot};
use crate::time::Duration;
use crate::wire::frame::CloseCode;

const SEEDS: u8 = 24;

fn run_with_faults(seed: u8) {
    let mut dice = ChaCha8Rng::seed_from_u64(u64::from(seed));
    let mut roll = |sides: u32| dice.next_u32() % sides;
    let mut world = World::start_with(Server::new(), &Config { start: Start::Last(1000), ..config() }, seed);
    let mut posted: Vec<Vec<u8>> = Vec::new();
    for _ in 0..60 {
        world.loss = [0, 0, 10, 30, 50][roll(5) as usize];
        match roll(16) {
            0 => world.server.restart(),
            1 => world.server.close_all(world.now, CloseCode::SHUTDOWN),
            2 => world.is_deaf = true,
            3 => world.server.rules.is_down = true,
            4 => world.server.rules.is_silent = true,
            5 => world.polls = false,
            6 => world.server.rules.refuses_post = posted.last().cloned(),
            7..=9 => {
                world.is_deaf = false;
                world.polls = true;
                // Posts stored without Stored are confirmed on the next connection.
                if world.server.rules.is_silent {
                    world.server.close_all(world.now, CloseCode::INTERNAL);
                }
                world.server.rules = super::server::Rules::default();
            }
            10 => world.server.add_entry(&[b's'; 700]),
            _ => {
                for _ in 0..=roll(8) {
                    let mut body = std::format!("post {} ", posted.len() + 1).into_bytes();
                    body.resize(body.len() + roll(600) as usize, b'x');
                    match world.client.post(RoomSlot::FIRST, EntryKind::TEXT, &body) {
                        Ok(number) => {
                            posted.push(body);
                            assert_eq!(number, posted.len() as u64);
                        }
                        Err(error) => assert_eq!(error, PostError::Full, "{:?}", world.last_seen()),
                    }
                }
            }
        }
        world.run(Duration::from_millis(u64::from(roll(4000))));
    }
    (world.loss, world.is_deaf, world.polls) = (30, false, true);
    world.server.rules = super::server::Rules::default();
    world.server.close_all(world.now, CloseCode::INTERNAL);
    // SPEC 7, liveness.
    world.run_until(secs(200), |world| {
        world.client.unsettled(RoomSlot::FIRST) == 0
            && world.client.cursor(RoomSlot::FIRST).is_some_and(|(seq, _)| seq == world.server.head())
    });
    // S4, S5: the reported entries are the log, once and in order.
    assert_eq!(world.bodies(), world.server.bodies());
    // S1, S2, S3: the log has the posts in order, except for those reported as refused.
    let refused = |number: usize| {
        world.seen.iter().any(|seen| matches!(seen, Seen::PostRefused { number: n, .. } if *n == number as u64))
    };
    let expected: Vec<_> =
        posted.iter().enumerate().filter(|(at, _)| !refused(at + 1)).map(|(_, body)| body.clone()).collect();
    let own: Vec<_> = world.server.rooms[0]
        .log
        .iter()
        .filter(|entry| entry.author == "bob")
        .map(|entry| entry.body.clone())
        .collect();
    assert_eq!(own, expected);
    assert!(!world.seen.contains(&Seen::Reset));
    // Disconnected alternates with Joined or Reconnected.
    let mut is_lost = false;
    for seen in &world.seen {
        match seen {
            Seen::Disconnected(_) => assert!(!core::mem::replace(&mut is_lost, true)),
            Seen::Joined { .. } => is_lost = false,
            Seen::Reconnected => assert!(core::mem::take(&mut is_lost)),
            _ => {}
        }
    }
}

#[test]
fn posts_are_stored_once_and_in_order_under_random_faults() {
    for seed in 0..SEEDS {
        std::println!("seed {seed}");
        run_with_faults(seed);
    }
}
