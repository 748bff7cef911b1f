//! Two rooms in one hub: jobs, their results and operators name the room that they are for.

use kabar_core::chat::{ClientMessage, EntryKind, Request};
use kabar_core::connection::CloseCode;
use kabar_core::connection::Closed;
use kabar_core::crypto::Portable;
use kabar_core::time::Duration;

use super::fake_client::{JoinArgs, ROOM, Received, join_args};
use super::world::World;
use crate::hub::jobs::PasswordDone;
use crate::hub::{Done, Job, JobKind, Loaded, OperatorError, RoomId, StoreDone, StoreJob};
use crate::store::{CommitError, Fault, ReadError, StoreErrorKind};

const LOBBY: RoomId = RoomId::ONLY;
const CELLAR: &str = "cellar";

/// Ana is in the lobby, Ben in the cellar.
struct Two {
    world: World,
    cellar: RoomId,
    ana: usize,
    ben: usize,
}

fn two(world: World) -> Two {
    let mut world = world;
    let cellar = world.add_room(CELLAR);
    let ana = world.join(&join_args("Ana", 1));
    let ben = world.join(&JoinArgs { room: CELLAR, ..join_args("Ben", 2) });
    Two { world, cellar, ana, ben }
}

impl Two {
    /// Everything of a room that a result may change.
    fn state(&self, room: RoomId) -> String {
        let mut text = String::new();
        self.world.hub.rooms.get(room).expect("a room").write_state(&mut text).expect("memory");
        text
    }

    /// Takes the oldest store job of a room that waits.
    fn take_job(&mut self, room: RoomId) -> Job<Portable> {
        let is_for = |job: &Job<Portable>| match job {
            Job::Store(StoreJob::Append { room: of, .. } | StoreJob::Reload { room: of, .. }) => *of == room,
            Job::Store(StoreJob::Survey { room: of, .. }) => *of == room,
            Job::Store(StoreJob::Read(job)) => job.room == room,
            Job::Accept(_) | Job::Password(_) => false,
        };
        let at = self.world.jobs.iter().position(is_for).expect("a job of this room");
        self.world.jobs.remove(at).expect("in range")
    }

    fn run_job_of(&mut self, room: RoomId) {
        let job = self.take_job(room);
        let done = self.world.run_job(job);
        self.world.hub.handle_done(self.world.now, done);
        self.world.run_ms(50);
    }

    fn texts(&self, room: &str) -> Vec<&str> {
        let texts = self.world.store.entries(room).iter().filter(|entry| entry.kind == EntryKind::TEXT);
        texts.map(|entry| core::str::from_utf8(&entry.body).expect("a text")).collect()
    }
}

#[test]
fn the_result_of_a_commit_changes_its_room_only() {
    let mut two = two(World::new());
    two.world.hold(JobKind::Store);
    two.world.clients[two.ana].post(1, "from the lobby");
    two.world.clients[two.ben].post(1, "from the cellar");
    two.world.run_ms(50);
    assert_eq!(two.world.jobs.len(), 2, "one commit of each room");
    // The later one ends first.
    let lobby = two.state(LOBBY);
    two.run_job_of(two.cellar);
    assert_eq!(two.state(LOBBY), lobby);
    assert_eq!((two.world.clients[two.ana].stored(), two.world.clients[two.ben].stored()), (0, 1));
    assert_eq!((two.texts(ROOM).len(), two.texts(CELLAR)), (0, vec!["from the cellar"]));
    let cellar = two.state(two.cellar);
    two.run_job_of(LOBBY);
    assert_eq!(two.state(two.cellar), cellar);
    assert_eq!(two.world.clients[two.ana].texts(), ["from the lobby"]);
    assert_eq!(two.world.clients[two.ben].texts(), ["from the cellar"]);
    assert_eq!((two.texts(ROOM), two.texts(CELLAR)), (vec!["from the lobby"], vec!["from the cellar"]));
}

#[test]
fn a_failed_commit_of_one_room_does_not_stop_the_other() {
    let mut two = two(World::new());
    two.world.hold(JobKind::Store);
    two.world.clients[two.ana].post(1, "one");
    two.world.clients[two.ben].post(1, "two");
    two.world.run_ms(50);
    let cellar = two.state(two.cellar);
    two.world.store.set_fault(Some(Fault::Fail));
    two.run_job_of(LOBBY);
    two.world.store.set_fault(None);
    assert_eq!(two.state(two.cellar), cellar);
    let is_in_trouble = |room| two.world.hub.status(room).is_store_in_trouble;
    assert!(is_in_trouble(LOBBY) && !is_in_trouble(two.cellar));
    two.run_job_of(two.cellar);
    assert_eq!((two.world.clients[two.ana].stored(), two.world.clients[two.ben].stored()), (0, 1));
    // Heads and numbers of the lobby are read again, and nothing of the cellar.
    let cellar = two.state(two.cellar);
    two.run_job_of(LOBBY);
    assert_eq!(two.state(two.cellar), cellar);
    two.world.release();
    two.world.run(Duration::from_secs(6));
    assert_eq!((two.texts(ROOM), two.texts(CELLAR)), (vec!["one"], vec!["two"]));
}

#[test]
fn a_page_that_was_read_is_delivered_in_its_room_only() {
    let mut two = two(World::with(|config| {
        config.limits.tail_bytes = 0;
        config.limits.page_bytes = 1;
    }));
    for number in 1..=40 {
        two.world.clients[two.ana].post(number, "lobby");
        two.world.clients[two.ben].post(number, "cellar");
        two.world.run_ms(50);
    }
    two.world.clients[two.ana].received.clear();
    two.world.clients[two.ben].received.clear();
    two.world.hold(JobKind::Store);
    for (client, handle) in [(two.ana, LOBBY.handle()), (two.ben, two.cellar.handle())] {
        assert!(
            two.world.clients[client]
                .send(&ClientMessage::Request { handle, request: Request::History { before: 10, count: 2 } })
        );
    }
    two.world.run_ms(50);
    assert_eq!(two.world.jobs.len(), 2, "one read of each room");
    let answers = |two: &Two, client: usize| {
        let is_answer = |it: &&Received| matches!(it, Received::Past { .. });
        two.world.clients[client].received.iter().filter(is_answer).count()
    };
    two.run_job_of(two.cellar);
    assert_eq!((answers(&two, two.ana), answers(&two, two.ben)), (0, 2));
    two.run_job_of(LOBBY);
    assert_eq!((answers(&two, two.ana), answers(&two, two.ben)), (2, 2));
}

#[test]
fn results_for_a_room_that_does_not_exist_are_counted_and_dropped() {
    let mut two = two(World::new());
    let room = RoomId(7);
    let before = two.world.hub.state_digest();
    let failed = StoreErrorKind::Disk(0);
    for done in [
        Done::Store(StoreDone::Append { room, result: Ok(()) }),
        Done::Store(StoreDone::Append { room, result: Err(CommitError::Failed(failed)) }),
        Done::Store(StoreDone::Read { room, range: 1..=9, entries: Err(ReadError(failed)) }),
        Done::Store(StoreDone::Reload { room, result: Ok(Box::new(Loaded::default())) }),
        Done::Password(PasswordDone { room, connection_id: 1, is_right: true }),
    ] {
        two.world.hub.handle_done(two.world.now, done);
    }
    assert_eq!(two.world.hub.counters().results_dropped, 5);
    assert_eq!(two.world.hub.state_digest(), before);
}

#[test]
fn an_operator_acts_on_the_room_that_is_named() {
    let mut two = two(World::new());
    let (now, unknown) = (two.world.now, RoomId(7));
    assert_eq!(two.world.hub.kick(now, two.cellar, None, "Ana", None), Err(OperatorError::NotHere));
    assert_eq!(two.world.hub.mute(now, LOBBY, None, "Ben", None), Err(OperatorError::NoSuchName));
    assert_eq!(two.world.hub.kick(now, unknown, None, "Ana", None), Err(OperatorError::NoSuchRoom));
    assert!(two.world.hub.mute(now, two.cellar, None, "Ben", None).is_ok());
    assert_eq!((two.world.hub.sanctions(LOBBY).len(), two.world.hub.sanctions(two.cellar).len()), (0, 1));
    let names = |room| two.world.hub.who(now, room).into_iter().map(|it| it.name).collect::<Vec<_>>();
    assert_eq!((names(LOBBY), names(two.cellar)), (vec!["Ana".to_owned()], vec!["Ben".to_owned()]));
    two.world.hub.say(now, two.cellar, "dinner");
    two.world.hub.say(now, unknown, "nobody reads this");
    assert!(two.world.hub.kick(now, LOBBY, None, "Ana", None).is_ok());
    two.world.run_ms(100);
    let last = |room: &str| two.world.store.entries(room).last().map(|entry| entry.kind);
    assert_eq!((last(ROOM), last(CELLAR)), (Some(EntryKind::KICKED), Some(EntryKind::OPERATOR)));
    assert_eq!(two.world.clients[two.ana].closed, Some(Closed::ByPeer(CloseCode::KICKED)));
    assert!(two.world.clients[two.ben].is_connected());
}

#[test]
fn a_client_that_changes_rooms_leaves_the_first_one() {
    let mut two = two(World::new());
    let ana = two.ana;
    assert!(two.world.clients[ana].send(&ClientMessage::Leave { handle: LOBBY.handle() }));
    two.world.clients[ana].join(&JoinArgs { room: CELLAR, ..join_args("Ana", 1) });
    two.world.run_ms(100);
    assert_eq!(
        (two.world.hub.who(two.world.now, LOBBY).len(), two.world.hub.who(two.world.now, two.cellar).len()),
        (0, 2)
    );
    two.world.clients[ana].post(1, "hello");
    two.world.run_ms(50);
    assert_eq!((two.texts(ROOM).len(), two.world.clients[two.ben].texts()), (0, vec!["hello".to_owned()]));
}
