//! Everything that one was in: the known servers, and the rooms there that were not left.

use kabar_core::session::Fingerprint;
use kabar_std::address::Places;
use kabar_std::data_dir::DataDir;

use super::arguments::SessionArguments;
use super::request::{Rooms, at_server};
use crate::engine::{KeyPolicy, ServerRequest};
use crate::known_servers::{KnownRoom, KnownServers};
use crate::outcome::CommandError;
use crate::profile;

/// Returns the requests for all rooms that are known and were not left, by server. Their order
/// does not depend on the order in which they were joined, so that numbers of rooms stay.
///
/// # Errors
/// [`CommandError`].
pub fn servers(dir: &DataDir, how: &SessionArguments) -> Result<Vec<ServerRequest>, CommandError> {
    let known = KnownServers::load(dir)?.rooms();
    let mut keys: Vec<Fingerprint> = Vec::new();
    for room in &known {
        if !keys.contains(&room.fingerprint) {
            keys.push(room.fingerprint);
        }
    }
    let mut servers: Vec<_> = keys.into_iter().filter_map(|key| of_server(&known, key)).collect();
    servers.sort_by_cached_key(|(_, places, _)| places.to_string());
    let request = |(key, places, rooms)| at_server(places, rooms, KeyPolicy::Expected(key), None, how, dir);
    servers.into_iter().map(request).collect()
}

/// The key and the addresses of a server, and the rooms there.
fn of_server(known: &[KnownRoom], key: Fingerprint) -> Option<(Fingerprint, Places, Rooms)> {
    let its = || known.iter().filter(|room| room.fingerprint == key);
    // The addresses of the room that was joined last come first.
    let places = Places::of(its().flat_map(|room| &room.addresses).cloned())?;
    let mut rooms: Vec<_> = its().filter(|room| !room.is_left).map(|room| room.room.clone()).collect();
    rooms.sort_by_key(|room| room.to_string());
    rooms.truncate(profile::ROOMS);
    (!rooms.is_empty()).then(|| (key, places, Rooms::of_options(rooms)))
}
