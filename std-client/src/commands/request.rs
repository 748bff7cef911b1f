//! What is requested from a server: derived from what was typed, and from what is known about it.

use kabar_std::address::Places;
use kabar_std::data_dir::DataDir;
use kabar_std::invite::{Invite, RoomName, RoomSecret};
use zeroize::Zeroizing;

use super::arguments::SessionArguments;
use super::target::{Target, usable_places};
use crate::engine::{KeyPolicy, RoomCredential, RoomRequest, ServerRequest};
use crate::known_servers::KnownServers;
use crate::line;
use crate::outcome::{CommandError, TargetError};
use crate::profile;

/// The rooms that are requested, the one to be shown first.
#[derive(Debug, Default)]
pub(super) struct Rooms(Vec<(RoomName, Option<RoomSecret>)>);

impl Rooms {
    pub(super) fn of_options(rooms: impl IntoIterator<Item = RoomName>) -> Self {
        let mut all = Self::default();
        rooms.into_iter().for_each(|room| all.push(room, None));
        all
    }

    fn push(&mut self, room: RoomName, secret: Option<RoomSecret>) {
        match self.0.iter_mut().find(|(known, _)| *known == room) {
            Some((_, known)) => *known = secret.or(known.take()),
            None => self.0.push((room, secret)),
        }
    }

    /// Puts a room before the others.
    pub(super) fn put_first(&mut self, room: RoomName, secret: Option<RoomSecret>) {
        self.0.retain(|(known, _)| *known != room);
        self.0.insert(0, (room, secret));
    }

    /// Adds a further target: a room of the server of the first one.
    pub(super) fn add(&mut self, further: Target, first: &Target) -> Result<(), TargetError> {
        match (further, first) {
            (Target::Invite(invite), Target::Invite(first)) if invite.fingerprint != first.fingerprint => {
                return Err(TargetError::OtherServer);
            }
            (Target::Invite(invite), Target::Invite(_)) => self.push(invite.room, Some(invite.secret)),
            (Target::Word(word), _) => match RoomName::new(&word) {
                Ok(room) => self.push(room, None),
                Err(_) => return Err(TargetError::NoRoom(word)),
            },
            (Target::Invite(_), _) => return Err(TargetError::InviteNotFirst),
            (Target::Server(server), _) => return Err(TargetError::NoRoom(server.first().to_string())),
        }
        Ok(())
    }

    pub(super) fn first(&self) -> RoomName {
        self.0.first().map(|(room, _)| room.clone()).unwrap_or_default()
    }

    /// The rooms as the session takes them, the first one with this credential.
    fn requested(self, first: RoomCredential) -> Vec<RoomRequest> {
        let name = self.first();
        let others = self.0.into_iter().skip(1).map(|(name, secret)| {
            let secret = secret.map(|secret| vec![RoomCredential::Secret(secret), RoomCredential::None]);
            RoomRequest { name, credentials: secret.unwrap_or_default() }
        });
        std::iter::once(RoomRequest { name, credentials: vec![first] }).chain(others).collect()
    }
}

/// Requests a server with the key and the secret of an invite.
pub(super) fn with_invite(
    invite: Invite,
    mut rooms: Rooms,
    how: &SessionArguments,
    dir: &DataDir,
) -> Result<ServerRequest, CommandError> {
    let Invite { places, room, fingerprint, secret } = invite;
    let places = usable_places(places)?;
    let known = KnownServers::load(dir)?.find_key(&fingerprint, &room);
    let usual = known.and_then(|known| known.name);
    rooms.put_first(room, None);
    let rooms = rooms.requested(RoomCredential::Secret(secret));
    request(places, rooms, KeyPolicy::Invited(fingerprint), usual.as_deref(), how, dir)
}

/// Requests a server at a typed address, with the stored information about it or with a
/// password. A key that is known there is the expected one, unless another was typed.
pub(super) fn at_server(
    server: Places,
    rooms: Rooms,
    key_policy: KeyPolicy,
    password: Option<Zeroizing<String>>,
    how: &SessionArguments,
    dir: &DataDir,
) -> Result<ServerRequest, CommandError> {
    let known = KnownServers::load(dir)?.find_any(&server, &rooms.first());
    let key_policy = match (key_policy, &known) {
        (KeyPolicy::Ask | KeyPolicy::AcceptNew, Some(known)) => KeyPolicy::Expected(known.fingerprint),
        (key_policy, _) => key_policy,
    };
    // A secret is only for the server that it belongs to.
    let known = known.filter(|known| key_policy == KeyPolicy::Expected(known.fingerprint));
    let usual = known.as_ref().and_then(|known| known.name.clone());
    let credential = match (password, known.and_then(|known| known.secret)) {
        (Some(password), _) => RoomCredential::Password(password),
        (None, Some(secret)) => RoomCredential::Secret(secret),
        (None, None) => RoomCredential::None,
    };
    request(server, rooms.requested(credential), key_policy, usual.as_deref(), how, dir)
}

fn request(
    places: Places,
    rooms: Vec<RoomRequest>,
    key_policy: KeyPolicy,
    usual: Option<&str>,
    how: &SessionArguments,
    dir: &DataDir,
) -> Result<ServerRequest, CommandError> {
    if rooms.len() > profile::ROOMS {
        return Err(TargetError::TooManyRooms.into());
    }
    let identity = how.open_identity(dir, usual)?;
    Ok(ServerRequest {
        places,
        rooms,
        identity,
        key_policy,
        replay_from: how.replay_from(),
        can_ask: line::can_ask(),
        hide_joins: how.hide_joins,
        retries: false,
        is_host: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite(room: &str, key: char) -> Target {
        let key = key.to_string().repeat(32);
        Target::parse(&format!("kabar://here:1/{room}/{key}.{}", "A".repeat(26))).unwrap()
    }

    #[test]
    fn rooms_of_one_server_are_requested_once_each() {
        let mut rooms = Rooms::of_options(["ops", "den", "ops"].map(|room| RoomName::new(room).unwrap()));
        rooms.add(Target::Word("attic".to_owned()), &invite("lobby", 'A')).unwrap();
        rooms.add(invite("den", 'A'), &invite("lobby", 'A')).unwrap();
        rooms.put_first(RoomName::default(), None);
        let requested = rooms.requested(RoomCredential::None);
        let names: Vec<_> = requested.iter().map(|room| (room.name.as_str(), room.credentials.len())).collect();
        assert_eq!(names, [("lobby", 1), ("ops", 0), ("den", 2), ("attic", 0)], "an invite, or else none");
    }

    #[test]
    fn further_targets_are_rooms_of_the_same_server() {
        let (lobby, host) = (invite("lobby", 'A'), Target::parse("here:1").unwrap());
        let add = |further, first: &Target| Rooms::default().add(further, first);
        assert_eq!(add(invite("ops", 'B'), &lobby), Err(TargetError::OtherServer));
        assert_eq!(add(invite("ops", 'A'), &host), Err(TargetError::InviteNotFirst));
        assert_eq!(add(Target::parse("there:1").unwrap(), &lobby), Err(TargetError::NoRoom("there:1".to_owned())));
        assert_eq!(add(Target::Word("ops".to_owned()), &host), Ok(()));
    }
}
