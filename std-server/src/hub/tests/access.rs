//! Who may join which room (SPEC 6.2): open and private ones.

use kabar_core::chat::RefusedCode;

use super::fake_client::{Credential, JoinArgs, ROOM, Received, join_args};
use super::world::{PASSWORD, World};
use crate::hub::{InviteTerms, JobKind, JoinPolicy, OperatorError, RoomId};
use crate::store::{InviteRecord, Store};

const CELLAR: &str = "cellar";

fn in_cellar(name: &str, key: u8, credential: Credential) -> JoinArgs {
    JoinArgs { room: CELLAR, credential, ..join_args(name, key) }
}

/// The code and sentence with which a new client is refused; `None`: it is admitted.
fn refusal(world: &mut World, join_args: &JoinArgs) -> Option<(RefusedCode, String)> {
    let client = world.client();
    world.attempt_join(client, join_args);
    assert!(world.clients[client].is_welcome() || world.clients[client].refusal().is_some());
    world.clients[client].received.iter().find_map(|it| match it {
        Received::Refused { code, text } => Some((*code, text.clone())),
        _ => None,
    })
}

fn create(world: &mut World, room: Option<&str>, uses: Option<u32>) -> InviteRecord {
    let terms = InviteTerms { room: room.map(str::to_owned), uses, ..InviteTerms::default() };
    let made = world.hub.create_invite(world.now, terms).expect("room");
    world.drain();
    made
}

/// The secret of the standing invite of the private room.
fn standing(world: &World) -> [u8; 16] {
    let mut invites = world.hub.invites(world.now).into_iter().map(|it| it.record);
    let standing = invites.find(|it| it.is_standing && it.room.as_deref() == Some(CELLAR));
    standing.expect("a standing invite").secret
}

#[test]
fn whoever_was_admitted_to_a_room_may_join_every_open_room() {
    let mut world = World::new();
    world.add_room(CELLAR);
    let none = in_cellar("Ana", 1, Credential::None);
    assert_eq!(refusal(&mut world, &none).map(|it| it.0), Some(RefusedCode::AUTHENTICATION));
    world.join(&join_args("Ana", 1));
    assert_eq!(refusal(&mut world, &none), None);
    // Also after a restart, when the room where it was admitted is not in memory.
    let ben = in_cellar("Ben", 2, join_args("Ben", 2).credential);
    assert_eq!(refusal(&mut world, &ben), None);
    world.restart();
    world.join(&JoinArgs { credential: Credential::None, ..join_args("Ben", 2) });
    assert_eq!(world.store.load_room(ROOM).expect("readable").admissions.len(), 2, "each room notes whom it admits");
}

#[test]
fn a_private_room_admits_holders_of_its_invites_and_nobody_else() {
    let mut world = World::with(|config| config.join_policy = JoinPolicy::Password);
    world.add_private_room(CELLAR);
    let of_server = create(&mut world, None, None);
    let of_lobby = create(&mut world, Some(ROOM), None);
    let of_cellar = create(&mut world, Some(CELLAR), Some(1));
    world.join(&join_args("Ana", 1));
    let unknown = refusal(&mut world, &JoinArgs { room: "nowhere", ..join_args("Eve", 9) });
    assert_eq!(unknown.as_ref().map(|it| it.0), Some(RefusedCode::UNKNOWN_ROOM));
    for credential in [
        Credential::None,
        Credential::WrongSecret,
        Credential::Password(PASSWORD),
        join_args("Ana", 1).credential,
        Credential::Invite(of_server.secret),
        Credential::Invite(of_lobby.secret),
    ] {
        for (name, key) in [("Ana", 1), ("Eve", 9)] {
            let refused = refusal(&mut world, &in_cellar(name, key, credential.clone()));
            assert_eq!(refused, unknown, "{name} {credential:?}");
        }
    }
    let ben = world.client();
    world.attempt_join(ben, &in_cellar("Ben", 2, Credential::Invite(of_cellar.secret)));
    assert!(world.clients[ben].welcome().is_proved);
    let used_up = refusal(&mut world, &in_cellar("Cho", 3, Credential::Invite(of_cellar.secret)));
    assert_eq!(used_up, Some((RefusedCode::AUTHENTICATION, "this invite is used up".into())));
    let standing = Credential::Invite(standing(&world));
    assert_eq!(refusal(&mut world, &in_cellar("Cho", 3, standing)), None);
    // They are members of the server now, and need no invite of the room any longer.
    assert_eq!(refusal(&mut world, &JoinArgs { credential: Credential::None, ..join_args("Ben", 2) }), None);
    assert_eq!(refusal(&mut world, &in_cellar("Ben", 2, Credential::None)), None);
}

#[test]
fn an_invite_of_a_room_admits_to_that_room_only() {
    let mut world = World::new();
    world.add_room(CELLAR);
    let of_cellar = create(&mut world, Some(CELLAR), None);
    let with = |name, key| JoinArgs { credential: Credential::Invite(of_cellar.secret), ..join_args(name, key) };
    let elsewhere = Some((RefusedCode::AUTHENTICATION, "this invite is for another room".into()));
    assert_eq!(refusal(&mut world, &with("Ana", 1)), elsewhere);
    assert_eq!(refusal(&mut world, &JoinArgs { room: CELLAR, ..with("Ana", 1) }), None);
    assert_eq!(refusal(&mut world, &with("Ana", 1)), None, "it was admitted to a room");
}

#[test]
fn a_banned_identity_learns_nothing_of_a_private_room() {
    let mut world = World::new();
    let cellar = world.add_private_room(CELLAR);
    world.join(&join_args("Ana", 1));
    assert!(world.hub.ban(world.now, cellar, None, "Ana", None).is_ok());
    let code = |world: &mut World, credential| refusal(world, &in_cellar("Ana", 1, credential)).map(|it| it.0);
    assert_eq!(code(&mut world, Credential::None), Some(RefusedCode::UNKNOWN_ROOM));
    let standing = Credential::Invite(standing(&world));
    assert_eq!(code(&mut world, standing), Some(RefusedCode::BANNED));
}

#[test]
fn two_rooms_do_not_use_the_last_use_of_an_invite_twice() {
    let mut world = World::new();
    world.add_room(CELLAR);
    let invite = create(&mut world, None, Some(1));
    let with = |name, key| JoinArgs { credential: Credential::Invite(invite.secret), ..join_args(name, key) };
    let clients = [(); 3].map(|()| world.client());
    clients.iter().for_each(|client| world.connect(*client));
    let [ana, ben, again] = clients;
    world.hold(JobKind::Store);
    world.clients[ana].join(&with("Ana", 1));
    world.run_ms(50);
    world.clients[ben].join(&JoinArgs { room: CELLAR, ..with("Ben", 2) });
    world.clients[again].join(&JoinArgs { room: CELLAR, ..with("Ana", 1) });
    world.run_ms(50);
    assert_eq!(world.clients[ben].refusal(), Some(RefusedCode::TRY_LATER));
    world.release();
    world.run_ms(100);
    assert!(world.clients[ana].is_welcome() && world.clients[again].is_welcome());
    let loaded = world.store.load_server().expect("readable");
    assert_eq!((loaded.invites[1].used, loaded.invites[1].uses_left, loaded.invite_uses.len()), (1, Some(0), 1));
}

#[test]
fn approval_is_by_room() {
    let mut world = World::with(|config| config.needs_approval = true);
    let cellar = world.add_room(CELLAR);
    let (ana, ben) = (world.client(), world.client());
    world.attempt_join(ana, &join_args("Ana", 1));
    world.attempt_join(ben, &JoinArgs { room: CELLAR, ..join_args("Ben", 2) });
    let waiting = |world: &World, room| world.hub.waiting(room).into_iter().map(|it| it.name).collect::<Vec<_>>();
    assert_eq!((waiting(&world, RoomId::FIRST), waiting(&world, cellar)), (vec!["Ana".into()], vec!["Ben".to_owned()]));
    assert_eq!(world.hub.accept(world.now, cellar, "Ana"), Err(OperatorError::NotWaiting));
    assert!(world.hub.accept(world.now, cellar, "Ben").is_ok());
    world.run_ms(100);
    assert!(world.clients[ben].is_welcome() && !world.clients[ana].is_welcome());
}

#[test]
fn the_standing_invite_of_a_single_room_becomes_that_of_the_server() {
    let mut world = World::new();
    world.join(&join_args("Ana", 1));
    let mut loaded = world.store.load_server().expect("readable");
    loaded.invites[0].room = Some(ROOM.into());
    let batch = crate::store::ServerBatch { invites: loaded.invites, ..Default::default() };
    world.store.commit(&batch.into()).expect("written");
    world.restart();
    world.run_ms(100);
    let invites = world.store.load_server().expect("readable").invites;
    assert_eq!((invites.len(), invites[0].room.as_deref(), invites[0].used), (1, None, 1));
}

#[test]
fn a_private_room_has_a_standing_invite_that_can_be_replaced() {
    let mut world = World::new();
    let cellar = world.add_private_room(CELLAR);
    let (first, server) = (standing(&world), world.hub.standing_invite(RoomId::FIRST));
    assert_eq!(world.hub.standing_invite(cellar).map(|it| it.secret), Some(first));
    assert_ne!(server.map(|it| it.secret), Some(first));
    let replaced = world.hub.replace_room_invite(world.now, CELLAR).expect("it has one");
    assert_eq!(world.hub.replace_room_invite(world.now, ROOM), Err(OperatorError::NoSuchInvite));
    world.run_ms(50);
    let revoked = (RefusedCode::AUTHENTICATION, "this invite was revoked".into());
    assert_eq!(refusal(&mut world, &in_cellar("Ana", 1, Credential::Invite(first))), Some(revoked));
    assert_eq!(refusal(&mut world, &in_cellar("Ana", 1, Credential::Invite(replaced.secret))), None);
    // The one of the server is as it was.
    world.join(&join_args("Ben", 2));
}

#[test]
fn an_operator_has_one_invite_without_bounds_for_each_room() {
    let mut world = World::new();
    world.add_room(CELLAR);
    let ana = kabar_core::crypto::identity::PublicIdentity([1; 32]);
    let own = |world: &mut World, room: &str| world.hub.own_invite(world.now, ana, room.to_owned());
    let first = own(&mut world, ROOM).expect("room for it");
    assert_eq!((own(&mut world, ROOM).map(|it| it.id), first.made_by), (Ok(first.id), Some(ana)));
    assert_ne!(own(&mut world, CELLAR).map(|it| it.id), Ok(first.id));
    assert!(world.hub.revoke_invite(world.now, first.id).is_ok());
    assert_ne!(own(&mut world, ROOM).map(|it| it.id), Ok(first.id));
    assert_eq!(own(&mut world, "nowhere"), Err(OperatorError::NoSuchRoom));
}

#[test]
fn the_invites_by_which_somebody_came_are_known_when_it_is_banned() {
    let mut world = World::new();
    let (cellar, lobby) = (world.add_private_room(CELLAR), RoomId::FIRST);
    let invite = create(&mut world, None, None);
    world.join(&JoinArgs { credential: Credential::Invite(invite.secret), ..join_args("Ana", 1) });
    let of_cellar = Credential::Invite(standing(&world));
    assert_eq!(refusal(&mut world, &in_cellar("Ana", 1, of_cellar)), None);
    let ids = |world: &World, room| {
        let used = world.hub.invites_of(world.now, room, "ana").into_iter();
        used.map(|it| (it.id, it.is_standing)).collect::<Vec<_>>()
    };
    assert_eq!(ids(&world, lobby), [(invite.id, false)]);
    assert!(ids(&world, cellar).iter().all(|(id, is_standing)| *is_standing && *id != invite.id));
    assert!(world.hub.ban(world.now, lobby, None, "Ana", None).is_ok());
    world.run_ms(100);
    assert_eq!(ids(&world, lobby), [(invite.id, false)]);
    assert!(world.hub.revoke_invite(world.now, invite.id).is_ok());
    assert_eq!(ids(&world, lobby), []);
    // Under another identity, it needs a new one.
    let again = |secret| JoinArgs { credential: Credential::Invite(secret), ..join_args("Eve", 9) };
    assert_eq!(refusal(&mut world, &again(invite.secret)).map(|it| it.1), Some("this invite was revoked".into()));
    let new = create(&mut world, None, Some(1));
    assert_eq!(refusal(&mut world, &again(new.secret)), None);
}
