//! Several rooms on one connection (SPEC 6.2, 6.3, 6.5): each joins, resumes and ends by itself.

mod ending;
mod joining;
mod receiving;

use std::format;
use std::vec::Vec;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::server::{self, Rules, SECRET, Server, TestRoom};
use super::world::{Seen, WorldOf, config, secs};
use crate::chat::{
    EndedCode, EntryHeader, EntryKind, Info, MAX_MESSAGE_LEN, PostRefusedCode, RefusedCode, Request, ServerMessage,
    Start, Term,
};
use crate::client::{
    Config, ConfigError, Credential, DisconnectReason, EndReason, JoinError, PostError, RequestError, RoomConfig,
    RoomSlot, State,
};
use crate::connection::Closed;
use crate::time::Duration;
use crate::wire::frame::CloseCode;

type World = WorldOf<3>;

const LOBBY: RoomSlot = RoomSlot::FIRST;
const BROKEN: Seen = Seen::Disconnected(DisconnectReason::Closed(Closed::Locally(CloseCode::MESSAGE)));

fn room(name: &str) -> RoomConfig<'_> {
    RoomConfig { credential: Credential::Secret(SECRET), ..RoomConfig::new(name) }
}

/// A client that was started with the room `lobby`.
fn start() -> World {
    World::start(&config())
}

/// A client in `lobby` and `attic`; the events up to then are removed.
fn online() -> (World, RoomSlot) {
    let mut world = start();
    let attic = world.client.join(world.now, &room("attic")).unwrap();
    world.run_until(secs(5), |world| in_room(world, attic).len() + in_room(world, LOBBY).len() == 2);
    world.run(Duration::from_millis(300));
    clear(&mut world);
    (world, attic)
}

fn clear(world: &mut World) {
    world.seen.clear();
    world.seen_in.clear();
}

fn in_room(world: &World, slot: RoomSlot) -> Vec<&Seen> {
    world.seen_in.iter().filter(|(room, _)| *room == slot).map(|(_, seen)| seen).collect()
}

fn is_joined(world: &World, slot: RoomSlot) -> bool {
    in_room(world, slot).iter().any(|seen| matches!(seen, Seen::Joined { .. }))
}

fn post(world: &mut World, slot: RoomSlot, body: &str) -> u64 {
    world.client.post(slot, EntryKind::TEXT, body.as_bytes()).unwrap()
}

fn entries(world: &World, slot: RoomSlot) -> Vec<(u64, Vec<u8>)> {
    let entries = in_room(world, slot).into_iter().filter_map(|seen| match seen {
        Seen::Entry { seq, body, .. } => Some((*seq, body.clone())),
        _ => None,
    });
    entries.collect()
}

/// The log of a room, as a member sees it that was there from the beginning.
fn log(room: &TestRoom) -> Vec<(u64, Vec<u8>)> {
    (1..).zip(room.bodies()).collect()
}

fn texts<const N: usize>(texts: [&str; N]) -> Vec<Vec<u8>> {
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}
