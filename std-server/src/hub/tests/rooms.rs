//! Two rooms in one hub: jobs, their results and operators name the room that they are for.

use kabar_core::chat::{ClientMessage, EntryKind, Request};
use kabar_core::connection::CloseCode;
use kabar_core::connection::Closed;
use kabar_core::crypto::Portable;
use kabar_core::time::Duration;

use super::fake_client::{JoinArgs, ROOM, Received, join_args};
use super::world::World;
use crate::hub::jobs::PasswordDone;
use crate::hub::{Done, Job, JobKind, OperatorError, Reloaded, RoomId, StoreDone, StoreJob};
use crate::store::{CommitError, Fault, ReadError, StoreErrorKind};

const LOBBY: RoomId = RoomId::FIRST;
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

    /// Runs the read of a room that waits.
    fn run_read_of(&mut self, room: RoomId) {
        let is_for = |job: &Job<Portable>| matches!(job, Job::Store(StoreJob::Read(job)) if job.room == room);
        let at = self.world.jobs.iter().position(is_for).expect("a read of this room");
        let job = self.world.jobs.remove(at).expect("in range");
        self.finish(job);
    }

    /// Runs the only job that waits.
    fn run_only_job(&mut self) {
        assert_eq!(self.world.jobs.len(), 1, "{:?}", self.world.jobs);
        let job = self.world.jobs.pop_front().expect("a job");
        self.finish(job);
    }

    fn finish(&mut self, job: Job<Portable>) {
        let done = self.world.run_job(job);
        self.world.hub.handle_done(self.world.now, done);
        self.world.run_ms(50);
    }

    /// Largest confirmed number of Ana and of Ben.
    fn stored(&self) -> (u64, u64) {
        (self.world.clients[self.ana].stored(), self.world.clients[self.ben].stored())
    }

    fn texts(&self, room: &str) -> Vec<&str> {
        let texts = self.world.store.entries(room).iter().filter(|entry| entry.kind == EntryKind::TEXT);
        texts.map(|entry| core::str::from_utf8(&entry.body).expect("a text")).collect()
    }
}

#[test]
fn one_transaction_covers_all_rooms_that_have_something_to_commit() {
    let mut two = two(World::new());
    two.world.hold(JobKind::Store);
    two.world.clients[two.ana].post(1, "from the lobby");
    two.world.run_ms(50);
    // Collected while that is being committed.
    two.world.clients[two.ana].post(2, "again");
    two.world.clients[two.ben].post(1, "from the cellar");
    two.world.run_ms(50);
    let cellar = two.state(two.cellar);
    two.run_only_job();
    assert_eq!((two.stored(), two.texts(CELLAR).len()), ((1, 0), 0));
    assert_eq!(two.state(two.cellar).lines().next(), cellar.lines().next(), "only its members are as before");
    two.run_only_job();
    assert_eq!(two.stored(), (2, 1));
    assert_eq!(two.world.clients[two.ana].texts(), ["from the lobby", "again"]);
    assert_eq!(two.world.clients[two.ben].texts(), ["from the cellar"]);
    assert_eq!((two.texts(ROOM), two.texts(CELLAR)), (vec!["from the lobby", "again"], vec!["from the cellar"]));
}

#[test]
fn commits_of_several_rooms_fail_together() {
    for fault in [Fault::Fail, Fault::UncertainNotApplied, Fault::UncertainApplied] {
        let mut two = two(World::new());
        two.world.hold(JobKind::Store);
        // The first one occupies the store, so that the next one covers both rooms.
        two.world.hub.say(two.world.now, LOBBY, "dinner");
        two.world.run_ms(5);
        two.world.clients[two.ana].post(1, "one");
        two.world.clients[two.ben].post(1, "two");
        two.world.run_ms(50);
        two.run_only_job();
        let commits = two.world.hub.counters().commits;
        two.world.store.set_fault(Some(fault));
        two.run_only_job();
        two.world.store.set_fault(None);
        assert_eq!(two.stored(), (0, 0), "{fault:?}");
        assert!(two.world.hub.status(LOBBY).is_store_in_trouble);
        // Heads and numbers of both are read again.
        two.run_only_job();
        let was_written = fault == Fault::UncertainApplied;
        assert_eq!(two.stored(), if was_written { (1, 1) } else { (0, 0) }, "{fault:?}");
        two.world.release();
        two.world.run(Duration::from_secs(6));
        assert_eq!((two.texts(ROOM), two.texts(CELLAR)), (vec!["one"], vec!["two"]), "{fault:?}");
        assert_eq!((two.stored(), two.world.hub.counters().commits), ((1, 1), commits + 1), "{fault:?}");
        assert_eq!(two.world.hub.counters().commits_found, u64::from(was_written));
    }
}

#[test]
fn posts_of_all_rooms_count_against_the_limit_of_unfinished_ones() {
    let mut two = two(World::with(|config| config.limits.unfinished_bytes = 200));
    two.world.hold(JobKind::Store);
    two.world.clients[two.ana].post(1, &"x".repeat(200));
    two.world.run_ms(50);
    two.world.clients[two.ben].post(1, "too much now");
    two.world.run_ms(50);
    assert_eq!(two.world.hub.counters().reads_held, 1);
    two.world.release();
    two.world.run_ms(50);
    assert_eq!((two.stored(), two.world.hub.status(LOBBY).unfinished_bytes), ((1, 1), 0));
}

#[test]
fn a_page_that_was_read_is_delivered_in_its_room_only() {
    let mut two = two(World::with(|config| config.limits.tail_bytes = 0));
    for number in 1..=40 {
        two.world.clients[two.ana].post(number, "lobby");
        two.world.clients[two.ben].post(number, "cellar");
        two.world.run_ms(50);
    }
    two.world.clients[two.ana].received.clear();
    two.world.clients[two.ben].received.clear();
    for room in [LOBBY, two.cellar] {
        two.world.hub.context.pages.clear(room);
    }
    two.world.hold(JobKind::Store);
    for client in [two.ana, two.ben] {
        let request = Request::History { before: 10, count: 2 };
        assert!(two.world.clients[client].send(&ClientMessage::Request { handle: 1, request }));
    }
    two.world.run_ms(50);
    assert_eq!(two.world.jobs.len(), 2, "one read of each room");
    let answers = |two: &Two, client: usize| {
        let is_answer = |it: &&Received| matches!(it, Received::Past { .. });
        two.world.clients[client].received.iter().filter(is_answer).count()
    };
    two.run_read_of(two.cellar);
    assert_eq!((answers(&two, two.ana), answers(&two, two.ben)), (0, 2));
    two.run_read_of(LOBBY);
    assert_eq!((answers(&two, two.ana), answers(&two, two.ben)), (2, 2));
}

#[test]
fn results_that_nothing_waits_for_are_counted_and_dropped() {
    let mut two = two(World::new());
    let room = RoomId { index: 7, generation: 0 };
    let before = two.world.hub.state_digest();
    let failed = StoreErrorKind::Disk(0);
    for done in [
        Done::Store(StoreDone::Append { result: Ok(()) }),
        Done::Store(StoreDone::Append { result: Err(CommitError::Failed(failed)) }),
        Done::Store(StoreDone::Read { room, range: 1..=9, entries: Err(ReadError(failed)) }),
        Done::Store(StoreDone::Reload { result: Ok(Box::new(Reloaded::default())) }),
        Done::Password(PasswordDone { connection_id: 1, is_right: true }),
    ] {
        two.world.hub.handle_done(two.world.now, done);
    }
    assert_eq!(two.world.hub.counters().results_dropped, 5);
    assert_eq!(two.world.hub.state_digest(), before);
}

#[test]
fn an_operator_acts_on_the_room_that_is_named() {
    let mut two = two(World::new());
    let (now, unknown) = (two.world.now, RoomId { index: 7, generation: 0 });
    assert_eq!(two.world.hub.kick(now, two.cellar, None, "Ana", None), Err(OperatorError::NotHere));
    assert_eq!(two.world.hub.mute(now, LOBBY, None, "nobody", None), Err(OperatorError::NoSuchName));
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
    assert!(two.world.clients[ana].send(&ClientMessage::Leave { handle: 1 }));
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
