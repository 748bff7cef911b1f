//! Messages that arrive together have the same effect as messages that arrive one by one: all pairs
//! and many triples in one packet, with stores that are quick, slow, or slow and fail once.

use core::ops::ControlFlow;

use kabar_core::chat::{ClientMessage, EntryKind, RefusedCode, Request};
use kabar_core::time::{Duration, Instant};

use super::fake_client::{Credential, JoinArgs, Received, join_args};
use super::world::{PASSWORD, WALL_MS, World, config};
use crate::hub::{HubConfig, JobKind, JoinPolicy, RoomId};
use crate::store::{Fault, MemoryStore};

/// Between messages that do not arrive together.
const GAP: Duration = Duration::from_secs(1);
/// Duration of a slow commit.
const SLOW: Duration = Duration::from_millis(100);
/// Long enough for every announcement: the return time and a retry.
const LONG: Duration = Duration::from_secs(65);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Message {
    JoinWithSecret,
    JoinWithPassword,
    JoinWithWrongSecret,
    Post,
    Who,
    History,
    Rename,
    Leave,
    Unknown,
}

const MESSAGES: [Message; 9] = [
    Message::JoinWithSecret,
    Message::JoinWithPassword,
    Message::JoinWithWrongSecret,
    Message::Post,
    Message::Who,
    Message::History,
    Message::Rename,
    Message::Leave,
    Message::Unknown,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disk {
    Quick,
    Slow,
    FailsOnce,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrival {
    Together,
    OneByOne,
}

/// The result of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Outcome {
    log: Vec<(String, EntryKind, Vec<u8>)>,
    members: Vec<String>,
    refusals: Vec<RefusedCode>,
    closed: String,
}

/// A room that Ana has left, and the instance that she had.
struct Past {
    config: HubConfig,
    store: MemoryStore,
    instance: u64,
}

impl Past {
    fn new() -> Self {
        let mut world = World::over(config(), MemoryStore::new());
        let ana = world.join(&join_args("Ana", 1));
        let instance = world.clients[ana].welcome().instance;
        world.clients[ana].close(world.now);
        world.run_ms(100);
        assert_eq!(world.announcements().len(), 2, "joined and left");
        // Under another tag a password is asked for again.
        let config = HubConfig { join_policy: JoinPolicy::Password, admission_tag: [9; 16], ..config() };
        Self { config, store: world.store, instance }
    }

    fn join(&self, credential: Credential) -> JoinArgs {
        JoinArgs { credential, instance: self.instance, ..join_args("Ana", 1) }
    }

    /// The result of `messages`, and how long after the latest of them each entry was written.
    fn play(&self, is_member: bool, messages: &[Message], arrival: Arrival, disk: Disk) -> (Outcome, Vec<Duration>) {
        let mut world = World::over(self.config.clone(), self.store.clone());
        let before = world.log().len();
        let ana = world.client();
        world.clients[ana].set_instance(self.instance);
        world.connect(ana);
        if is_member {
            world.clients[ana].join(&self.join(Credential::Secret));
            world.run_ms(500);
            assert!(world.clients[ana].is_welcome());
        }
        world.clients[ana].received.clear();
        match disk {
            Disk::Quick => {}
            Disk::Slow => world.hold(JobKind::Store),
            Disk::FailsOnce => {
                world.hold(JobKind::Store);
                world.store.set_fault(Some(Fault::Fail));
            }
        }
        let (mut sent, mut number) = (Vec::new(), 0);
        for message in messages {
            if world.clients[ana].is_connected() {
                self.send(&mut world, ana, *message, &mut number);
                sent.push(world.now);
            }
            if arrival == Arrival::OneByOne {
                pass(&mut world, GAP);
            }
        }
        pass(&mut world, LONG);
        let client = &world.clients[ana];
        let refusal = |received: &Received| match received {
            Received::Refused { code, .. } => Some(*code),
            _ => None,
        };
        let closed = format!("{:?}", client.closed);
        let refusals = client.received.iter().filter_map(refusal).collect();
        let members = world.hub.who(world.now, RoomId::FIRST).into_iter().map(|it| it.name).collect();
        let new = &world.log()[before..];
        let log = new.iter().map(|entry| (entry.author.clone(), entry.kind, entry.body.clone())).collect();
        let start = Instant::ZERO + Duration::from_secs(1_000);
        let late = new.iter().filter(|_| !sent.is_empty()).map(|entry| {
            let at = start + Duration::from_millis(entry.time_ms - WALL_MS);
            let cause = sent.iter().rev().find(|sent| **sent <= at).unwrap_or(&sent[0]);
            at.saturating_since(*cause)
        });
        let late = late.collect();
        (Outcome { log, members, refusals, closed }, late)
    }

    fn send(&self, world: &mut World, ana: usize, message: Message, number: &mut u64) {
        let client = &mut world.clients[ana];
        match message {
            Message::JoinWithSecret => client.join(&self.join(Credential::Secret)),
            Message::JoinWithPassword => client.join(&self.join(Credential::Password(PASSWORD))),
            Message::JoinWithWrongSecret => client.join(&self.join(Credential::WrongSecret)),
            Message::Post => {
                *number += 1;
                client.post(*number, &format!("post {number}"));
            }
            Message::Who => assert!(client.send(&ClientMessage::Request { handle: 1, request: Request::ListMembers })),
            Message::History => assert!(
                client.send(&ClientMessage::Request { handle: 1, request: Request::History { before: 0, count: 9 } })
            ),
            Message::Rename => client.rename("Ann"),
            Message::Leave => assert!(client.send(&ClientMessage::Leave { handle: 1 })),
            Message::Unknown => assert!(client.send_raw(&[0, 3, 0x7f, 1, 2])),
        }
    }

    /// Compares messages that arrive together with messages that arrive one by one.
    fn compare(&self, is_member: bool, messages: &[Message], disk: Disk) {
        let (together, late) = self.play(is_member, messages, Arrival::Together, disk);
        let (expected, expected_late) = self.play(is_member, messages, Arrival::OneByOne, disk);
        let case = || format!("{messages:?}, a member: {is_member}, {disk:?}");
        if together == expected {
            let slack = GAP * messages.len() as u64;
            let is_as_late = |(a, b): (&Duration, &Duration)| *a <= *b + slack && *b <= *a + slack;
            let is_in_time = late.len() == expected_late.len() && late.iter().zip(&expected_late).all(is_as_late);
            assert!(is_in_time, "{}: {late:?} after, not {expected_late:?}", case());
            return;
        }
        // A Rename in the failed commit is answered "try later" and changes nothing.
        let renames = messages.iter().filter(|message| **message == Message::Rename).count();
        let is_without_renames = (1..=renames).any(|failed| {
            let (mut others, mut failed) = (messages.to_vec(), failed);
            others.retain(|message| {
                *message != Message::Rename || failed == 0 || {
                    failed -= 1;
                    false
                }
            });
            together == self.play(is_member, &others, Arrival::OneByOne, disk).0
        });
        if disk == Disk::FailsOnce && is_without_renames {
            return;
        }
        // A Join in the failed commit is refused temporarily, and nothing after it is handled.
        let passing = [RefusedCode::TRY_LATER];
        assert!(disk == Disk::FailsOnce && together.refusals == passing, "{}: {together:#?} {expected:#?}", case());
        let is_join = |message: &Message| matches!(message, Message::JoinWithSecret | Message::JoinWithPassword);
        let prefixes = (0..messages.len()).filter(|at| is_join(&messages[*at]));
        let is_one = prefixes.map(|at| self.play(is_member, &messages[..at], Arrival::OneByOne, disk)).try_for_each(
            |(prefix, _)| {
                let is_same = (&together.log, &together.members) == (&prefix.log, &prefix.members);
                if is_same { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        );
        assert!(is_one.is_break(), "{}: {together:#?}", case());
    }
}

/// Lets time pass; store jobs take as long as a slow commit.
fn pass(world: &mut World, span: Duration) {
    let end = world.now + span;
    world.drain();
    while world.held.contains(&JobKind::Store) && world.now < end {
        world.run(SLOW);
        for job in core::mem::take(&mut world.jobs) {
            let done = world.run_job(job);
            world.hub.handle_done(world.now, done);
        }
        if world.hub.counters().commits_failed > 0 {
            world.store.set_fault(None);
        }
        world.drain();
    }
    world.run(end.saturating_since(world.now));
}

fn compare_pairs(disk: Disk) {
    let past = Past::new();
    for is_member in [false, true] {
        for first in MESSAGES {
            for second in MESSAGES {
                past.compare(is_member, &[first, second], disk);
            }
        }
    }
}

#[test]
fn two_messages_in_one_packet_act_as_in_two_packets() {
    compare_pairs(Disk::Quick);
}

#[test]
fn two_messages_in_one_packet_act_as_in_two_packets_when_commits_are_slow() {
    compare_pairs(Disk::Slow);
}

#[test]
fn two_messages_in_one_packet_act_as_in_two_packets_when_a_commit_fails() {
    compare_pairs(Disk::FailsOnce);
}

/// Those that do not begin with a refusal: pairs cover what follows one.
#[test]
fn three_messages_in_one_packet_act_as_in_three_packets() {
    let past = Past::new();
    for (is_member, first) in [(false, Message::JoinWithSecret), (true, Message::Post), (true, Message::Leave)] {
        for second in MESSAGES {
            for third in MESSAGES {
                for disk in [Disk::Slow, Disk::FailsOnce] {
                    past.compare(is_member, &[first, second, third], disk);
                }
            }
        }
    }
}
