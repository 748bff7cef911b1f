//! The devices of a world: each runs one real client process after the other and keeps, or forgets, what it was given.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use kabar_core::chat::{Kind, MAX_BODY_LEN, MAX_TEXT_LEN, RefusedCode, Start};
use kabar_core::client::{Config, Credential, EndReason, Event, PostError, State};
use kabar_core::session::{FINGERPRINT_LEN, Fingerprint, key_hash};
use kabar_core::time::{Duration, Instant};
use kabar_core::wire::frame::CloseCode;

use super::{Happening, MAX_IDLE_WAKES, PASSWORD, ROOM, SECRET, SERVER, SPIN_TIME, World};
use crate::sim::coverage::{Coverage, Seen};
use crate::sim::driven::{self, Driven};
use crate::sim::model::{Body, Checked, Model, ProcessId, Store, content_hash, demand};
use crate::sim::network::{Direction, Origin};
use crate::sim::rng::Rng;
use crate::sim::scenario::{Keeps, Plan, Shows};
use crate::sim::trace::{Trace, describe};

/// Bytes of a datagram that answers a PATH_CHALLENGE.
const PATH_ANSWER_LEN: usize = 33 + 9;

/// One device.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) plan: Plan,
    pub(super) address: SocketAddr,
    pub(super) up: Direction,
    pub(super) down: Direction,
    pub(super) running: Option<Running>,
    /// Nobody starts it again.
    pub(super) is_gone: bool,
    pub(super) suspended_until: Instant,
    pub(super) stalled_until: Instant,
    /// Its identity was admitted, as far as the present store can know.
    pub(super) was_admitted: bool,
    /// When it starts again once it left.
    pub(super) back: Option<Duration>,
    /// What it saved.
    disk: Option<Store>,
    /// What was sent to its present process, and what to earlier ones. Only kept if all of them have the same seed.
    sent: BTreeSet<u64>,
    sent_before: BTreeSet<u64>,
    /// It accepted the server's key and remembers it.
    knows_key: bool,
    processes: u32,
    returns: u32,
    posts_left: u32,
}

/// A process.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) process: ProcessId,
    pub(super) client: Box<dyn Driven>,
    /// Its clock shows zero at this time of the world.
    booted: Instant,
    alarm: u64,
    unsaved: u32,
    idle_wakes: u32,
    idle_since: Instant,
    /// It was told to leave ...
    leaves: bool,
    /// ... and to wait until everything is settled.
    waits: bool,
    /// What it ended with.
    ended: Option<EndReason>,
    offered: Option<Fingerprint>,
    asked: Option<Asked>,
}

/// A question for older entries, and what came of it.
#[derive(Debug)]
struct Asked {
    /// Entries that the answer has to consist of.
    expected: Vec<u64>,
    answers: Vec<u64>,
}

impl Device {
    pub(super) fn new(at: usize, plan: &Plan) -> Self {
        Self {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 1, at as u8, 1)), 5_000),
            up: Direction::new(plan.path.0),
            down: Direction::new(plan.path.1),
            plan: plan.clone(),
            running: None,
            is_gone: false,
            suspended_until: Instant::ZERO,
            stalled_until: Instant::ZERO,
            was_admitted: false,
            back: None,
            disk: None,
            sent: BTreeSet::new(),
            sent_before: BTreeSet::new(),
            knows_key: plan.pinned,
            processes: 0,
            returns: 0,
            posts_left: plan.posts,
        }
    }

    /// A datagram leaves for it.
    pub(super) fn is_sent(&mut self, bytes: &[u8]) {
        if self.plan.same_seed {
            let hash = content_hash(0, bytes);
            self.sent_before.remove(&hash);
            self.sent.insert(hash);
        }
    }

    /// To a process that draws what an earlier one drew, an Accept of the earlier one is genuine, and so is everything that follows
    /// from it: nobody without randomness can tell. A seed is to be fresh; with one that is not, only instances are safe, as long as
    /// nothing old comes back.
    fn is_of_earlier_process(&self, bytes: &[u8]) -> bool {
        self.plan.same_seed && self.sent_before.contains(&content_hash(0, bytes))
    }

    /// Whether it should be a member, and have everything, once all is quiet.
    pub(super) fn is_expected(&self) -> bool {
        self.plan.is_honest() && !self.plan.never_reads && !self.is_gone
    }

    /// What its clock shows.
    fn clock(&self, now: Instant) -> Instant {
        let Some(running) = &self.running else { return Instant::ZERO };
        let tick = self.plan.tick.as_micros();
        let passed = now.saturating_since(running.booted).as_micros();
        Instant::from_micros(passed / tick * tick)
    }

    /// The time of the world at which its clock shows `local` or more.
    fn world_time(&self, local: Instant) -> Instant {
        let Some(running) = &self.running else { return Instant::ZERO };
        let tick = self.plan.tick.as_micros();
        running.booted + Duration::from_micros(local.as_micros().div_ceil(tick).saturating_mul(tick))
    }

    fn reads(&self, now: Instant) -> bool {
        now >= self.stalled_until && !self.plan.never_reads
    }

    fn identity(&self) -> [u8; 32] {
        let mut rng = Rng::new(self.plan.identity as u64, "identity");
        rng.seed()
    }
}

impl World {
    pub(super) fn start_device(&mut self, at: usize) -> Checked {
        let now = self.now();
        let fingerprint = fingerprint(self.server.modulus());
        let device = &mut self.devices[at];
        if device.running.is_some() || device.is_gone {
            return Ok(());
        }
        let plan = &device.plan;
        let kept = device.disk.clone().filter(|_| plan.keeps != Keeps::Nothing);
        let start = kept.as_ref().map_or(plan.start, |store| Start::After {
            seq: store.cursor,
            term: store.term,
            otherwise: plan.otherwise,
        });
        if plan.never_reads {
            self.coverage.count(Seen::NeverReads);
        }
        if kept.is_some() {
            self.coverage.count(Seen::StoreKept);
        }
        let seed = if plan.same_seed {
            if device.processes > 0 {
                self.coverage.count(Seen::SameSeed);
            }
            let before = std::mem::take(&mut device.sent);
            device.sent_before.extend(before);
            [at as u8 + 1; 32]
        } else {
            self.luck.seed()
        };
        let credential = match plan.shows {
            Shows::Secret => Credential::Secret(SECRET),
            Shows::Password if device.was_admitted && self.luck.chance(500) => Credential::None,
            Shows::Password => Credential::Password(PASSWORD),
            Shows::WrongSecret => Credential::Secret(*b"another secret!!"),
            Shows::WrongPassword => Credential::Password(b"another password"),
        };
        let identity = device.identity();
        let config = Config {
            server: SERVER,
            fingerprint: device.knows_key.then_some(fingerprint),
            room: ROOM,
            name: &plan.name,
            identity: &identity,
            credential,
            start,
            largest_entry: plan.largest_entry,
            idle_s: plan.idle_s,
            ack_delay_ms: plan.ack_delay_ms,
            tick_us: plan.tick.as_micros() as u32,
        };
        let mut client = driven::client(plan.size);
        if let Err(error) = client.start(&config, seed, Instant::ZERO) {
            demand!(false, Contract, "a client did not start: {error}");
        }
        let process = self.model.begin(&plan.name, start, plan.largest_entry, kept);
        self.coverage.count(Seen::ClientStarted);
        self.trace.note(now, &[10, at as u64], || format!("{} starts process {process} from {start:?}", plan.name));
        device.processes += 1;
        device.running = Some(Running {
            process,
            client,
            booted: now,
            alarm: 0,
            unsaved: 0,
            idle_wakes: 0,
            idle_since: now,
            leaves: false,
            waits: false,
            ended: None,
            offered: None,
            asked: None,
        });
        if device.posts_left > 0 {
            self.next_post(at, process);
        }
        self.drive_device(at)
    }

    /// Ends a process without a word. What its device saved stays.
    pub(super) fn kill_device(&mut self, at: usize, back: Option<Duration>) {
        let now = self.now();
        self.count_client(at);
        let device = &mut self.devices[at];
        let Some(running) = device.running.take() else { return };
        self.coverage.count(Seen::ClientKilled);
        let cursor = self.model.process(running.process).store().map(|store| store.cursor);
        if device.plan.keeps != Keeps::Nothing && device.disk.as_ref().map(|disk| disk.cursor) < cursor {
            self.coverage.count(Seen::StoreRolledBack);
        }
        self.trace.note(now, &[11, at as u64], || format!("process {} is killed", running.process));
        self.model.end(running.process);
        self.come_back(at, back);
    }

    fn come_back(&mut self, at: usize, back: Option<Duration>) {
        match back {
            Some(back) => self.queue.push(self.now() + back, Happening::DeviceStarts { device: at }),
            None => self.devices[at].is_gone = true,
        }
    }

    pub(super) fn device_hears(
        &mut self,
        to: SocketAddr,
        from: SocketAddr,
        mut bytes: Vec<u8>,
        origin: Origin,
    ) -> Checked {
        let now = self.now();
        let Some(&at) = self.addresses.get(&to) else {
            self.coverage.count(Seen::Nowhere);
            return Ok(());
        };
        let device = &mut self.devices[at];
        if device.is_of_earlier_process(&bytes) {
            self.coverage.count(Seen::TooOld);
            return Ok(());
        }
        let clock = device.clock(now);
        let reads = device.reads(now);
        let Some(running) = device.running.as_mut().filter(|_| now >= device.suspended_until) else { return Ok(()) };
        self.trace.bytes(now, &bytes);
        self.trace.say(now, || format!("  {} hears {} ({origin:?})", device.plan.name, describe(&bytes)));
        if origin == Origin::Peer {
            self.coverage.count(Seen::Arrived);
            running.client.handle_datagram(clock, from, &mut bytes);
            return self.drive_device(at);
        }
        let what = describe(&bytes);
        let observed = |running: &Running| (running.client.cursor(), running.client.unsettled());
        let before = observed(running);
        running.client.handle_datagram(clock, from, &mut bytes);
        demand!(observed(running) == before, S6, "{what} changed process {}, but is not authentic", running.process);
        if reads {
            self.coverage.count(Seen::Compared);
            while let Some(event) = running.client.poll_event() {
                match event {
                    Event::KeyOffered(offered) => running.offered = Some(offered),
                    Event::Lost(_) => self.coverage.count(Seen::ConnectionLost),
                    // Before it ever joined: only other keys were shown to it for as long as an attempt lasts.
                    Event::Ended(reason @ EndReason::KeyMismatch) => running.ended = Some(reason),
                    other => demand!(false, S6, "{what} led to {other:?}, but is not authentic"),
                }
            }
        }
        self.drive_device(at)
    }

    pub(super) fn device_wakes(&mut self, at: usize, process: ProcessId, alarm: u64) -> Checked {
        let now = self.now();
        let device = &mut self.devices[at];
        let clock = device.clock(now);
        let suspended_until = device.suspended_until;
        let Some(running) =
            device.running.as_mut().filter(|running| running.process == process && running.alarm == alarm)
        else {
            return Ok(());
        };
        if now < suspended_until {
            self.queue.push(suspended_until, Happening::DeviceWake { device: at, process, alarm });
            return Ok(());
        }
        running.client.handle_timeout(clock);
        if now.saturating_since(running.idle_since) > SPIN_TIME {
            (running.idle_since, running.idle_wakes) = (now, 0);
        }
        running.idle_wakes += 1;
        let spins = running.idle_wakes > MAX_IDLE_WAKES;
        demand!(!spins, Contract, "process {process} wakes without end and does nothing");
        self.drive_device(at)
    }

    /// Fetches everything that a client has to say.
    pub(super) fn drive_device(&mut self, at: usize) -> Checked {
        let now = self.now();
        let mut out = [0; 1200];
        loop {
            let device = &mut self.devices[at];
            let (clock, reads) = (device.clock(now), device.reads(now));
            let Some(running) = device.running.as_mut().filter(|_| now >= device.suspended_until) else {
                return Ok(());
            };
            let mut idle = true;
            if reads {
                let mut observer = Observer {
                    model: &mut self.model,
                    coverage: &mut self.coverage,
                    trace: &mut self.trace,
                    now,
                    keeps: device.plan.keeps,
                    disk: &mut device.disk,
                };
                idle &= !observer.fetch(running)?;
                if let Some(offered) = running.offered.take() {
                    let accept = offered == fingerprint(self.server.modulus());
                    self.coverage.count(if accept { Seen::KeyAccepted } else { Seen::KeyDeclined });
                    device.knows_key |= accept;
                    running.client.answer_key(clock, accept);
                    idle = false;
                }
            }
            let transmit = running.client.poll_transmit(clock, &mut out);
            if let Some(transmit) = transmit {
                idle = false;
                demand!(transmit.len <= out.len(), Contract, "a client sends {} bytes", transmit.len);
                if transmit.to == SERVER {
                    self.send_to_server(at, &out[..transmit.len]);
                } else {
                    // Who repeats a genuine PATH_CHALLENGE from elsewhere gets the answer there, and nothing else.
                    let is_answer = transmit.len <= PATH_ANSWER_LEN;
                    demand!(is_answer, Contract, "a client sends {} bytes to {}", transmit.len, transmit.to);
                }
            }
            if idle {
                break;
            }
            if let Some(running) = &mut self.devices[at].running {
                running.idle_wakes = 0;
            }
        }
        self.after_driving(at)
    }

    fn after_driving(&mut self, at: usize) -> Checked {
        let device = &mut self.devices[at];
        let Some(running) = &device.running else { return Ok(()) };
        let process = self.model.process(running.process);
        device.was_admitted |= process.has_joined();
        if let Some(reason) = running.ended {
            return self.ended(at, reason);
        }
        let cursor = process.store().filter(|_| process.has_joined()).map(|store| (store.cursor, store.term));
        if cursor.is_some() {
            let said = running.client.cursor();
            demand!(said == cursor, S4, "process {} says its cursor is {said:?}; it is {cursor:?}", running.process);
        }
        if let Some(deadline) = running.client.poll_timeout() {
            let at_world = device.world_time(deadline);
            let Some(running) = &mut device.running else { return Ok(()) };
            running.alarm += 1;
            let (process, alarm) = (running.process, running.alarm);
            self.queue.push(at_world, Happening::DeviceWake { device: at, process, alarm });
        }
        Ok(())
    }

    /// A client has ended: was it right to?
    fn ended(&mut self, at: usize, reason: EndReason) -> Checked {
        let now = self.now();
        self.count_client(at);
        let plan = self.devices[at].plan.clone();
        let Some(running) = self.devices[at].running.take() else { return Ok(()) };
        let id = running.process;
        let process = self.model.process(id);
        let (has_joined, unsettled) = (process.has_joined(), process.unsettled());
        self.trace.note(now, &[12, at as u64], || format!("process {id} ended: {reason:?}"));
        self.coverage.count(if reason == EndReason::Left { Seen::ClientLeft } else { Seen::ClientEnded });
        let same = |other: &Plan| other.name == plan.name;
        let has_twin = self.scenario.devices.iter().filter(|other| other.identity == plan.identity).count() > 1;
        let has_rival = self.scenario.devices.iter().any(|other| same(other) && other.identity != plan.identity);
        let later = Some(Duration::from_micros(self.luck.between(0, 5_000_000)));
        let back = match reason {
            EndReason::Left => {
                let forgiven = !running.waits;
                demand!(forgiven || unsettled == 0, Liveness, "process {id} left with {unsettled} posts unsettled");
                self.devices[at].back
            }
            EndReason::Closed(CloseCode::REPLACED) => {
                demand!(has_twin, Contract, "process {id} was replaced, but nobody else has its identity");
                self.coverage.count(Seen::Replaced);
                self.comes_back(at, later)
            }
            EndReason::Closed(CloseCode::KICKED) => {
                demand!(self.kicked.contains(&plan.name), Contract, "process {id} was kicked by nobody");
                self.comes_back(at, later)
            }
            EndReason::Refused(code) => {
                self.coverage.count(Seen::JoinRefused);
                let is_full = self.scenario.limits.members <= self.devices.len();
                let is_right = match code {
                    RefusedCode::AUTHENTICATION => !plan.is_honest() || plan.shows == Shows::Password,
                    RefusedCode::NAME_TAKEN => has_rival,
                    RefusedCode::ROOM_FULL => is_full,
                    _ => false,
                };
                demand!(is_right, Contract, "process {id} was refused with {code:?}");
                // Admitted under the name of nothing before an older log was restored: it shows the password now.
                let forgotten = code == RefusedCode::AUTHENTICATION && plan.is_honest();
                self.devices[at].was_admitted = false;
                later.filter(|_| forgotten)
            }
            EndReason::KeyDeclined | EndReason::KeyMismatch => {
                demand!(!has_joined, Contract, "process {id} ended with {reason:?} after it had joined");
                later
            }
            reason => {
                demand!(false, Contract, "process {id} ended with {reason:?}");
                None
            }
        };
        demand!(plan.is_honest() || !has_joined || self.is_open(), Contract, "{} was let in", plan.name);
        self.model.end(id);
        self.come_back(at, back);
        Ok(())
    }

    /// Whether and when somebody starts a device again whose process was put out: twice at most, so that two do not go on for ever.
    fn comes_back(&mut self, at: usize, later: Option<Duration>) -> Option<Duration> {
        let device = &mut self.devices[at];
        if device.returns >= 2 || self.luck.chance(500) {
            return None;
        }
        device.returns += 1;
        self.coverage.count(Seen::CameBack);
        later
    }

    /// Whether everybody may come in.
    fn is_open(&self) -> bool {
        self.scenario.entrance == kabar_server::hub::Entrance::Open
    }

    fn next_post(&mut self, at: usize, process: ProcessId) {
        let gap = self.devices[at].plan.post_gap.as_micros();
        let wait = Duration::from_micros(self.luck.between(gap / 4, gap * 7 / 4));
        self.queue.push(self.now() + wait, Happening::Post { device: at, process });
    }

    pub(super) fn post(&mut self, at: usize, process: ProcessId) -> Checked {
        let now = self.now();
        let device = &mut self.devices[at];
        if device.posts_left == 0 {
            return Ok(());
        }
        let clock = device.clock(now);
        let (large, suspended_until) = (device.plan.large, device.suspended_until);
        let Some(running) = device.running.as_mut().filter(|running| running.process == process) else { return Ok(()) };
        if running.leaves {
            return Ok(());
        }
        if now < suspended_until {
            self.queue.push(suspended_until, Happening::Post { device: at, process });
            return Ok(());
        }
        let number = self.model.process(process).posts() + 1;
        let (kind, body) = body(process, number, large, &mut self.luck);
        match running.client.post(kind, &body) {
            Ok(given) => {
                self.coverage.count(Seen::Posted);
                self.trace.note(now, &[13, process as u64, given, body.len() as u64], || {
                    format!("process {process} posts number {given}: {kind:?}, {} bytes", body.len())
                });
                self.model.posted(process, given, kind.0, &body)?;
                device.posts_left -= 1;
            }
            Err(PostError::Full) => self.coverage.count(Seen::OutboxFull),
            Err(PostError::TooLong) => {
                let fits = body.len() <= 500;
                demand!(!fits, Contract, "a post of {} bytes was too long at {clock:?}", body.len());
                device.posts_left -= 1;
            }
            // It ended, and nobody read that yet.
            Err(PostError::NotRunning) if running.client.state() == State::Ended => {}
            Err(error) => demand!(false, Contract, "a post of {kind:?} was not taken: {error:?}"),
        }
        self.next_post(at, process);
        self.drive_device(at)
    }

    pub(super) fn leave(&mut self, at: usize, abort: bool, back: Option<Duration>) -> Checked {
        let now = self.now();
        let device = &mut self.devices[at];
        let clock = device.clock(now);
        let Some(running) = device.running.as_mut().filter(|_| now >= device.suspended_until) else { return Ok(()) };
        self.trace.note(now, &[14, at as u64], || format!("process {} leaves, abort: {abort}", running.process));
        if running.leaves {
            return Ok(());
        }
        (running.leaves, running.waits) = (true, !abort);
        device.back = back;
        if abort {
            running.client.abort(clock);
        } else {
            running.client.leave(clock);
        }
        self.drive_device(at)
    }

    /// Asks for older entries, one question at a time.
    pub(super) fn ask_history(&mut self, at: usize) -> Checked {
        let Some(running) = &self.devices[at].running else { return Ok(()) };
        // What this client has, the server knows to be durable: what the answer has to be is certain.
        let head = self.model.process(running.process).store().map_or(0, |store| store.cursor);
        let (before, count) = (self.luck.between(1, head + 1), self.luck.between(1, 20) as u8);
        let device = &mut self.devices[at];
        let Some(running) = device.running.as_mut().filter(|running| running.asked.is_none()) else { return Ok(()) };
        if running.client.history(before, count) {
            let log = self.model.log();
            let first = before.saturating_sub(u64::from(count)).max(log.first());
            let takes = usize::from(device.plan.largest_entry.min(driven::largest_entry(device.plan.size)));
            let fits = |seq: &u64| log.get(*seq).is_some_and(|entry| entry.body.len() <= takes);
            let expected = (first..before).filter(fits).collect();
            running.asked = Some(Asked { expected, answers: Vec::new() });
        }
        self.drive_device(at)
    }

    pub(super) fn count_client(&mut self, at: usize) {
        if let Some(running) = &self.devices[at].running {
            let counters = running.client.counters();
            self.coverage.add(Seen::Retransmitted, counters.connection.resent);
            self.coverage.add(Seen::NoRoom, counters.connection.no_room);
        }
    }
}

/// Takes what a client reports to the model.
struct Observer<'a> {
    model: &'a mut Model,
    coverage: &'a mut Coverage,
    trace: &'a mut Trace,
    now: Instant,
    keeps: Keeps,
    disk: &'a mut Option<Store>,
}

impl Observer<'_> {
    /// Fetches all events. Says whether there were any.
    fn fetch(&mut self, running: &mut Running) -> Result<bool, crate::sim::model::Violation> {
        let id = running.process;
        let mut any = false;
        while let Some(event) = running.client.poll_event() {
            any = true;
            self.trace.say(self.now, || format!("process {id}: {event:?}"));
            let mut delivered = 0;
            match event {
                Event::KeyOffered(offered) => running.offered = Some(offered),
                Event::Joined { start, head, term, resumed, .. } => {
                    self.trace.note(self.now, &[20, id as u64, start, head], || format!("process {id} joined"));
                    self.model.joined(id, start, head, term, resumed)?;
                    self.coverage.count(if resumed { Seen::Resumed } else { Seen::Joined });
                    // A question dies with its connection.
                    running.asked = None;
                    delivered = u32::MAX;
                }
                Event::Reset => {
                    self.coverage.count(Seen::Reset);
                    self.model.reset(id)?;
                }
                Event::Gap { after, first } => {
                    self.coverage.count(Seen::Gap);
                    self.model.gap(id, after, first)?;
                }
                Event::Entry { head, body, own } => {
                    self.coverage.count(Seen::Delivered);
                    self.trace.note(self.now, &[21, id as u64, head.seq], || format!("process {id} has {}", head.seq));
                    self.model.delivered(id, &head, Body::Bytes(body), Some(own))?;
                    delivered = 1;
                }
                Event::Stub { head, size } => {
                    self.coverage.count(Seen::Stubbed);
                    self.trace.note(self.now, &[22, id as u64, head.seq], || format!("process {id} has {}", head.seq));
                    self.model.delivered(id, &head, Body::Stub(size), None)?;
                    delivered = 1;
                }
                Event::Stored { number, seq } => {
                    self.coverage.count(Seen::Stored);
                    self.trace.note(self.now, &[23, id as u64, number, seq], || format!("process {id} saw stored"));
                    self.model.stored(id, number, seq)?;
                }
                Event::PostRefused { number, .. } => {
                    self.coverage.count(Seen::PostRefused);
                    self.model.refused(id, number)?;
                }
                Event::Past { remaining, entry } => {
                    self.coverage.count(Seen::Past);
                    if let Some((head, body)) = entry {
                        self.model.past(id, &head, body)?;
                    }
                    let seq = entry.map(|(head, _)| head.seq);
                    let asked = running.asked.as_mut();
                    let Some(asked) = asked else { continue };
                    asked.answers.extend(seq);
                    if remaining == 0 {
                        let Asked { expected, answers } = asked;
                        demand!(answers == expected, Contract, "asked for {expected:?}, process {id} got {answers:?}");
                        self.coverage.count(Seen::Answered);
                        running.asked = None;
                    }
                }
                Event::Member { .. } => self.coverage.count(Seen::MemberAnswer),
                Event::Lost(_) => self.coverage.count(Seen::ConnectionLost),
                Event::Ended(reason) => running.ended = Some(reason),
                _ => {}
            }
            running.unsaved = running.unsaved.saturating_add(delivered);
            if let Keeps::EveryNth(every) = self.keeps
                && running.unsaved >= every
            {
                running.unsaved = 0;
                *self.disk = self.model.process(id).store().cloned();
            }
        }
        Ok(any)
    }
}

fn fingerprint(modulus: &[u8]) -> Fingerprint {
    let hash = key_hash(modulus);
    let mut fingerprint = [0; FINGERPRINT_LEN];
    fingerprint.copy_from_slice(&hash[..FINGERPRINT_LEN]);
    Fingerprint(fingerprint)
}

/// Something to say. Nearly always it names its process and number, so that no two posts are alike.
fn body(process: ProcessId, number: u64, large: u16, rng: &mut Rng) -> (Kind, Vec<u8>) {
    const WORDS: [&str; 6] = ["haloooo ", "kabar ", "apa? ", "baik: ", "ümläut ", "🦀 "];
    let kind = *rng.pick(&[Kind::TEXT, Kind::TEXT, Kind::TEXT, Kind::DATA, Kind::ACTION]);
    let most = if kind == Kind::DATA { MAX_BODY_LEN } else { MAX_TEXT_LEN };
    if rng.chance(30) {
        return (kind, vec![b'.'; rng.below(3) as usize]);
    }
    let len = if rng.chance(large) {
        *rng.pick(&[most, most, most / 2, most / 4, 1_900])
    } else {
        rng.between(12, 200) as usize
    };
    let mut body = format!("p{process}.{number} ").into_bytes();
    if kind == Kind::DATA {
        body.resize(len.max(body.len()), 0);
        let tag = format!("p{process}.{number} ").len();
        rng.fill(&mut body[tag..]);
    } else {
        loop {
            let word = rng.pick(&WORDS);
            if body.len() + word.len() > len {
                break;
            }
            body.extend(word.bytes());
        }
    }
    (kind, body)
}
