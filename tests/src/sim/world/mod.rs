//! The world of one run: a server, devices, a network and a clock.
//!
//! One event is taken from the queue at a time, and the server or device that it concerns is driven
//! until it has no more output. Everything observed meanwhile goes to the model, which checks it.

mod acts;
mod adversary;
mod commands;
mod device;
mod operator;
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use kabar_core::content::Root;
use kabar_core::time::{Duration, Instant};
use kabar_server::hub::{Done, StoreJob};
use kabar_server::store::{Retention, SanctionKind};

use super::attacker::Attacker;
use super::coverage::{Coverage, Seen};
use super::model::{Admissions, Checked, Kept, Model, Rule, Violation, demand};
use super::network::{Arrival, Direction, Origin};
use super::queue::Queue;
use super::rng::Rng;
use super::scenario::{PlanCredential, SavePolicy, Scenario, Theme, Work};
use super::trace::{Trace, describe, packet_number};
use adversary::Adversary;
use device::{Content, Device, LocalHistory};
use operator::Operator;
use server::Server;

/// The names of rooms: the first is that of the configuration.
const ROOMS: [&str; 4] = ["lobby", "garden", "cellar", "attic"];
/// Its secret.
const SECRET: [u8; 16] = *b"room secret 1234";
/// Its password.
const PASSWORD: &[u8] = b"correct horse battery staple";
/// The server's address.
const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 9_999);
/// A run with more events than this has a message storm.
const MAX_EVENTS: u64 = 600_000;
/// More wake-ups than this without output, within [`SPIN_TIME`], are a busy loop.
const MAX_IDLE_WAKES: u32 = 100;
const SPIN_TIME: Duration = Duration::from_millis(5);
/// Interval at which it is checked whether everything is settled.
const CHECK_EVERY: Duration = Duration::from_millis(250);

/// An event in the queue.
#[derive(Debug)]
enum WorldEvent {
    /// A datagram reaches the server.
    ToServer { from: SocketAddr, bytes: Vec<u8>, origin: Origin },
    /// A datagram reaches an address.
    ToDevice { to: SocketAddr, from: SocketAddr, bytes: Vec<u8>, origin: Origin },
    /// The server's timer; only the last one that was set counts.
    ServerWake { generation: u32, timer_id: u64 },
    /// The server starts.
    ServerStarts,
    /// The time that a server has to shut down is over.
    ServerStopped { generation: u32, restart_after: Duration },
    /// The disk starts a job.
    StoreRuns { generation: u32, job: StoreJob, since: Instant },
    /// A job is complete.
    JobDone { generation: u32, done: Done },
    /// A disk fault ends, unless another one has begun since.
    DiskRepaired { fault: u32 },
    /// A device's timer.
    DeviceWake { device: usize, run: u32, timer_id: u64 },
    /// A device starts a process.
    DeviceStarts { device: usize },
    /// A device continues after it was suspended or stalled.
    DeviceResumes { device: usize },
    /// A running client joins a room again.
    DeviceJoins { device: usize, run: u32, room: usize },
    /// A client posts.
    Post { device: usize, run: u32 },
    /// The adversary's timer.
    AdversaryWake { timer_id: u64 },
    /// The adversary performs an action.
    AdversaryActs,
    /// The operator looks at the newcomers that wait to be let in.
    OperatorLooks,
    /// A cut ends.
    CutEnds { device: Option<usize>, up: bool, down: bool },
    /// Datagrams to an old address no longer arrive.
    Forget { address: SocketAddr },
    /// The next act of the scenario.
    Act { index: usize },
    /// The faults stop.
    Quiet,
    /// Checks whether everything is settled.
    Check,
}

/// One run.
#[derive(Debug)]
pub(super) struct World {
    scenario: Scenario,
    queue: Queue<WorldEvent>,
    network_rng: Rng,
    rng: Rng,
    /// One for each room.
    models: Vec<Model>,
    admissions: Admissions,
    coverage: Coverage,
    trace: Trace,
    server: Server,
    devices: Vec<Device>,
    /// Every content that was to be sent.
    contents: BTreeMap<Root, Rc<Content>>,
    adversary: Option<Adversary>,
    addresses: BTreeMap<SocketAddr, usize>,
    attacker: Attacker,
    strangers: u16,
    rebinds: u16,
    /// Bytes from and to addresses that have sent only Hellos.
    spoofed: BTreeMap<SocketAddr, (usize, usize)>,
    operator: Operator,
    kicked: BTreeSet<String>,
    /// Identities that were banned at any time.
    banned: BTreeSet<usize>,
    /// The first identity that was admitted under each name.
    owners: BTreeMap<String, usize>,
    quiet_since: Option<Instant>,
    is_over: bool,
}

impl World {
    /// The world before anything happens. `has_histories`: what devices save is in real files, too.
    pub(super) fn new(scenario: Scenario, print: bool, has_histories: bool) -> Self {
        let seed = scenario.seed;
        let mut devices: Vec<Device> =
            scenario.devices.iter().enumerate().map(|(at, plan)| Device::new(at, plan)).collect();
        if has_histories {
            let saves = |device: &&mut Device| device.plan.saves != SavePolicy::Never;
            devices.iter_mut().filter(saves).for_each(|device| device.history = Some(LocalHistory::new()));
        }
        let addresses = devices.iter().enumerate().map(|(at, device)| (device.address, at)).collect();
        let is_invited = |device: &&Device| matches!(device.plan.credential, PlanCredential::Invite(_));
        let invited = devices.iter().filter(is_invited).map(|device| device.public).collect();
        let admissions = Admissions::new(invited, scenario.needs_approval);
        let kept = Kept::of(&scenario.limits, Retention::default());
        let model = |_| Model::new(scenario.adversary.then_some(Adversary::NAME), kept);
        let models = (0..scenario.rooms.len()).map(model).collect();
        let mut coverage = Coverage::new();
        if scenario.real_rsa {
            coverage.count(Seen::RealRsa);
        }
        Self {
            server: Server::new(scenario.real_rsa),
            queue: Queue::new(),
            network_rng: Rng::new(seed, "network"),
            rng: Rng::new(seed, "luck"),
            models,
            admissions,
            coverage,
            trace: Trace::new(print),
            devices,
            contents: BTreeMap::new(),
            adversary: scenario.adversary.then(|| Adversary::new(seed)),
            addresses,
            attacker: Attacker::new(SERVER),
            strangers: 0,
            rebinds: 0,
            spoofed: BTreeMap::new(),
            operator: Operator::new(scenario.rooms.len()),
            kicked: BTreeSet::new(),
            banned: BTreeSet::new(),
            owners: BTreeMap::new(),
            quiet_since: None,
            is_over: false,
            scenario,
        }
    }

    /// Runs until everything is settled.
    pub(super) fn run(&mut self) -> Checked {
        let at = |span: Duration| Instant::ZERO + span;
        self.queue.push(Instant::ZERO, WorldEvent::ServerStarts);
        for device in 0..self.devices.len() {
            self.queue.push(at(self.devices[device].plan.starts), WorldEvent::DeviceStarts { device });
        }
        for index in 0..self.scenario.acts.len() {
            self.queue.push(at(self.scenario.acts[index].0), WorldEvent::Act { index });
        }
        if self.adversary.is_some() {
            self.queue.push(Instant::ZERO, WorldEvent::AdversaryActs);
        }
        if self.scenario.needs_approval {
            self.queue.push(Instant::ZERO, WorldEvent::OperatorLooks);
        }
        self.queue.push(at(self.scenario.active), WorldEvent::Quiet);
        let mut happened = 0;
        while !self.is_over {
            let Some(next) = self.queue.pop() else {
                return Err(Violation::new(Rule::Liveness, "no event is left".into()));
            };
            happened += 1;
            demand!(happened < MAX_EVENTS, Contract, "more than {MAX_EVENTS} events");
            self.happen(next)?;
        }
        self.check_everything()
    }

    /// Coverage, hash of the trace and virtual time of the run.
    pub(super) fn finish(mut self) -> (Coverage, u64, Instant) {
        self.count_server();
        for at in 0..self.devices.len() {
            self.count_client(at);
        }
        (self.coverage, self.trace.hash(), self.queue.now())
    }

    fn now(&self) -> Instant {
        self.queue.now()
    }

    fn happen(&mut self, next: WorldEvent) -> Checked {
        match next {
            WorldEvent::ToServer { from, bytes, origin } => self.server_receives(from, bytes, origin),
            WorldEvent::ToDevice { to, bytes, origin, .. } if self.is_adversary(to) => {
                self.adversary_receives(bytes, origin)
            }
            WorldEvent::ToDevice { to, from, bytes, origin } => self.device_receives(to, from, bytes, origin),
            WorldEvent::ServerWake { generation, timer_id } => self.server_wakes(generation, timer_id),
            WorldEvent::ServerStarts => self.start_server(),
            WorldEvent::ServerStopped { generation, restart_after } => self.server_stopped(generation, restart_after),
            WorldEvent::StoreRuns { generation, job, since } => self.store_runs(generation, job, since),
            WorldEvent::JobDone { generation, done } => self.job_done(generation, done),
            WorldEvent::DiskRepaired { fault } => {
                self.repair_disk(fault);
                Ok(())
            }
            WorldEvent::DeviceWake { device, run, timer_id } => self.device_wakes(device, run, timer_id),
            WorldEvent::DeviceStarts { device } => self.start_device(device),
            WorldEvent::DeviceResumes { device } => self.drive_device(device),
            WorldEvent::DeviceJoins { device, run, room } => self.join_again(device, run, room),
            WorldEvent::Post { device, run } => self.post(device, run),
            WorldEvent::AdversaryWake { timer_id } => self.adversary_wakes(timer_id),
            WorldEvent::AdversaryActs => self.adversary_acts(),
            WorldEvent::OperatorLooks => self.look_at_newcomers(),
            WorldEvent::CutEnds { device, up, down } => {
                self.cut(device, up, down, false);
                Ok(())
            }
            WorldEvent::Forget { address } => {
                if self.addresses.get(&address).is_some_and(|at| self.devices[*at].address != address) {
                    self.addresses.remove(&address);
                }
                Ok(())
            }
            WorldEvent::Act { index } => self.act(index),
            WorldEvent::Quiet => self.become_quiet(),
            WorldEvent::Check => self.check_settled(),
        }
    }

    fn is_adversary(&self, address: SocketAddr) -> bool {
        self.adversary.as_ref().is_some_and(|adversary| adversary.address == address)
    }

    /// Hands a datagram of a device to the network.
    fn send_to_server(&mut self, device: usize, bytes: &[u8]) {
        let from = self.devices[device].address;
        let arrivals = self.transmit(from, SERVER, bytes, device, true);
        for Arrival { after, bytes, origin } in arrivals {
            self.queue.push(self.now() + after, WorldEvent::ToServer { from, bytes, origin });
        }
    }

    /// Hands a datagram of the server to the network.
    fn send_to_device(&mut self, to: SocketAddr, bytes: &[u8]) {
        if let Some((_, out)) = self.spoofed.get_mut(&to) {
            *out += bytes.len();
        }
        if let Some(adversary) = self.adversary.as_mut().filter(|adversary| adversary.address == to) {
            let arrivals = adversary.down.send(bytes, &mut self.network_rng, &mut self.coverage);
            for Arrival { after, bytes, origin } in arrivals {
                self.queue.push(self.now() + after, WorldEvent::ToDevice { to, from: SERVER, bytes, origin });
            }
            return;
        }
        let Some(&device) = self.addresses.get(&to) else {
            self.coverage.count(Seen::Nowhere);
            return;
        };
        let arrivals = self.transmit(SERVER, to, bytes, device, false);
        for Arrival { after, bytes, origin } in arrivals {
            self.queue.push(self.now() + after, WorldEvent::ToDevice { to, from: SERVER, bytes, origin });
        }
    }

    fn transmit(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8], device: usize, up: bool) -> Vec<Arrival> {
        self.attacker.record(from, to, bytes);
        if packet_number(bytes).is_some_and(|(_, number)| bytes[0] == 0x15 && number >= 1 << 20) {
            self.coverage.count(Seen::EpochCrossed);
        }
        let device = &mut self.devices[device];
        if !up {
            device.record_sent(bytes);
        }
        let direction = if up { &mut device.up } else { &mut device.down };
        let arrivals = direction.send(bytes, &mut self.network_rng, &mut self.coverage);
        self.trace.print_line(self.queue.now(), || {
            format!("  {from} -> {to} {} arrives {} times", describe(bytes), arrivals.len())
        });
        arrivals
    }

    fn cut(&mut self, device: Option<usize>, up: bool, down: bool, is_cut: bool) {
        for (at, device_) in self.devices.iter_mut().enumerate() {
            if device.is_none_or(|device| device == at) {
                device_.up.cut = if up { is_cut } else { device_.up.cut };
                device_.down.cut = if down { is_cut } else { device_.down.cut };
            }
        }
    }

    /// The faults stop; only the loss of the quiet phase remains.
    fn become_quiet(&mut self) -> Checked {
        let now = self.now();
        self.trace.note(now, &[0], || "quiet".into());
        self.quiet_since = Some(now);
        self.disable_disk_faults();
        self.scenario.work = Work::QUICK;
        self.server.stalled_until = now;
        self.server.kill_at = None;
        if !self.server.is_running() && !self.server.is_starting {
            self.server.is_starting = true;
            self.queue.push(now, WorldEvent::ServerStarts);
        }
        for at in 0..self.devices.len() {
            let quiet = self.scenario.quiet;
            let device = &mut self.devices[at];
            (device.up, device.down) = (Direction::new(quiet), Direction::new(quiet));
            if let Some(narrowing) = self.scenario.narrowing {
                self.narrow(at, narrowing);
            }
            let device = &mut self.devices[at];
            (device.suspended_until, device.stalled_until) = (now, now);
            if self.scenario.theme == Theme::Narrow {
                // This post is the last. Nothing sent later can reveal its loss.
                device.posts_left = 1;
            }
            let event = if device.running.is_some() {
                WorldEvent::DeviceResumes { device: at }
            } else {
                WorldEvent::DeviceStarts { device: at }
            };
            self.queue.push(now, event);
        }
        if self.scenario.theme == Theme::Narrow {
            for at in 0..self.devices.len() {
                let Some(running) = &self.devices[at].running else { continue };
                self.post(at, running.run())?;
            }
        }
        self.queue.push(now + CHECK_EVERY, WorldEvent::Check);
        Ok(())
    }

    /// Checks the liveness bound.
    fn check_settled(&mut self) -> Checked {
        let now = self.now();
        match self.is_settled().and_then(|()| self.check_operation()) {
            Ok(()) => {
                self.coverage.count(Seen::Quiet);
                let mut identities = BTreeSet::new();
                for device in &self.devices {
                    let is_expected = |room: &usize| self.is_expected(device, *room);
                    let is_expected = device.running.is_some() && device.plan.rooms.iter().any(is_expected);
                    self.coverage.count(if is_expected { Seen::DeviceSettled } else { Seen::DeviceExempt });
                    if is_expected && !identities.insert(device.plan.identity) {
                        self.coverage.count(Seen::Together);
                    }
                }
                self.is_over = true;
                Ok(())
            }
            Err(violation) if violation.rule != Rule::Liveness => Err(violation),
            Err(violation) => {
                let quiet_for = self.quiet_since.map_or(Duration::ZERO, |since| now.saturating_since(since));
                if quiet_for > self.scenario.bound {
                    return Err(violation);
                }
                self.queue.push(now + CHECK_EVERY, WorldEvent::Check);
                Ok(())
            }
        }
    }

    /// Whether a device must be a member of a room and have every entry when the faults have
    /// stopped.
    fn is_expected(&self, device: &Device, room: usize) -> bool {
        let may_join = !self.scenario.rooms[room].is_private || device.plan.has_private_invites;
        let is_banned = self.models[room].is_sanctioned((device.plan.identity, SanctionKind::Ban));
        let is_closed = self.server.is_closed(room);
        device.is_expected() && may_join && !is_banned && !is_closed && !device.given_up.contains(&room)
    }

    fn is_settled(&mut self) -> Checked {
        for at in 0..self.devices.len() {
            for room in self.devices[at].plan.rooms.clone() {
                let device = &self.devices[at];
                let expected = self.is_expected(device, room);
                let membership = device.running.as_ref().and_then(|running| running.in_room(room));
                let (name, room_name) = (&device.plan.name, ROOMS[room]);
                demand!(membership.is_some() || !expected, Liveness, "{name} is not running in {room_name}");
                if let Some((running, membership)) = device.running.as_ref().zip(membership) {
                    let is_in = running.is_online(membership) && !device.plan.never_reads;
                    let is_closed = self.server.is_closed(room);
                    demand!(!(is_in && is_closed), Liveness, "{name} is in {room_name}, which is closed");
                }
                if let Some(membership) = membership.filter(|_| expected) {
                    self.models[room].settled(membership.process)?;
                    let (topic, shown) = (self.models[room].topic(), membership.topic());
                    let is_known = shown.is_none_or(|shown| shown == topic);
                    demand!(
                        is_known,
                        Operation,
                        "the topic of {room_name} is {topic:?}, {name} was informed of {shown:?}"
                    );
                    let now = self.queue.now();
                    let is_known = self.server.knows(now, room, &device.plan);
                    demand!(is_known, Liveness, "the server does not know that {name} is in {room_name}");
                }
            }
        }
        Ok(())
    }

    /// Checks everything again from the beginning, against the entries that the store returns.
    fn check_everything(&mut self) -> Checked {
        for (address, (received, sent)) in &self.spoofed {
            demand!(
                sent <= received,
                Contract,
                "{sent} bytes went to {address}, which sent {received} and proved nothing"
            );
        }
        for device in &self.devices {
            let memberships = device.running.iter().flat_map(|running| &running.memberships);
            for membership in memberships.filter(|it| self.scenario.rooms[it.room].is_private) {
                let has_joined = self.models[membership.room].process(membership.process).has_joined();
                let may_join = device.plan.has_private_invites;
                demand!(may_join || !has_joined, Admission, "{} is in a private room", device.plan.name);
            }
        }
        for device in &mut self.devices {
            let Some(history) = &mut device.history else { continue };
            for (room, store) in &device.disk {
                history.check(*room, store, &self.models[*room])?;
            }
        }
        for (room, model) in self.models.iter().enumerate() {
            let read = self.server.read_all(room)?;
            model.check_all(&read)?;
        }
        Ok(())
    }
}
