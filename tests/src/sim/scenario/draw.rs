//! Draws a scenario from a seed.

use kabar_core::chat::Start;
use kabar_core::time::Duration;
use kabar_core::transport::{Capacity, SentPacket};
use kabar_server::hub::{FaultInjection, HubLimits, JoinPolicy};

use super::{Act, DiskFault, KillPoint, Plan, PlanCredential, RoomPlan, SavePolicy, Scenario, Theme, Work, features};
use crate::sim::attacker::Attack;
use crate::sim::harness_client::{Size, max_entry_len};
use crate::sim::network::{Burst, Faults, Narrowing};
use crate::sim::rng::Rng;

/// Themes by weight: one of these is drawn for each seed.
const THEMES: [Theme; 19] = [
    Theme::Mixed,
    Theme::Mixed,
    Theme::Mixed,
    Theme::Mixed,
    Theme::Network,
    Theme::Network,
    Theme::Crash,
    Theme::Crash,
    Theme::Crash,
    Theme::Disk,
    Theme::Disk,
    Theme::Attack,
    Theme::Tables,
    Theme::Twins,
    Theme::People,
    Theme::Rooms,
    Theme::Busy,
    Theme::Idle,
    Theme::Narrow,
];

pub(super) const MS: u64 = 1_000;
pub(super) const SECOND: u64 = 1_000_000;

pub(super) fn scenario(seed: u64, theme: Option<Theme>) -> Scenario {
    let rng = &mut Rng::new(seed, "scenario");
    let drawn = *rng.pick(&THEMES);
    let theme = theme.unwrap_or(drawn);
    let join_policy = *rng.pick(&[
        JoinPolicy::Secret,
        JoinPolicy::Secret,
        JoinPolicy::Secret,
        JoinPolicy::Open,
        JoinPolicy::Password,
    ]);
    let active = match theme {
        // Beyond the hourly change of keys, sometimes twice.
        Theme::Idle => between(rng, 600 * SECOND, 7_500 * SECOND),
        Theme::Busy | Theme::Narrow => between(rng, 2 * SECOND, 20 * SECOND),
        _ => between(rng, 5 * SECOND, 90 * SECOND),
    };
    let quality = Quality::of(theme, rng);
    let mut devices = devices(theme, join_policy, active, quality, rng);
    let mut acts = acts(theme, active, quality, devices.len(), rng);
    if theme != Theme::Narrow {
        rename(seed, active, &mut devices, &mut acts);
    }
    let quiet_loss = if theme == Theme::Narrow { 0 } else { *rng.pick(&[0, 0, 0, 0, 50, 100, 300, 500]) };
    let capacity = Capacity {
        chat_send: *rng.pick(&[4_480, 8 << 10, 32 << 10]),
        chat_receive: *rng.pick(&[4_480, 8 << 10]),
        bulk_send: 0,
        bulk_receive: 0,
        in_flight: *rng.pick(&[8, 16, 64]),
    };
    let (post_burst, post_rate) = posting(seed, theme);
    let mut scenario = Scenario {
        seed,
        theme,
        real_rsa: rng.chance(40),
        join_policy,
        needs_approval: false,
        rooms: vec![RoomPlan { is_private: false }],
        invites: Vec::new(),
        limits: HubLimits {
            post_burst,
            post_rate,
            sessions_per_identity: sessions(seed, theme, &devices),
            ..limits(theme, capacity, &devices, rng)
        },
        capacity,
        work: work(theme, rng),
        devices,
        adversary: rng.chance(match theme {
            Theme::Attack => 600,
            // An adversary never lets the server idle.
            Theme::Idle => 0,
            Theme::Narrow => 0,
            Theme::Tables => 500,
            _ => 60,
        }),
        acts,
        active,
        narrowing: rng.chance(if theme == Theme::Narrow { 1_000 } else { 100 }).then(|| narrowing(theme, rng)),
        quiet: Faults { loss: quiet_loss, delay: between(rng, MS, 50 * MS), ..Faults::NONE },
        // At a loss of one half, a handshake takes several attempts.
        bound: Duration::from_secs(match theme {
            // No time is left to wait for a connection that died.
            Theme::Narrow => 30,
            _ if quiet_loss == 500 => 3_600,
            _ => 900,
        }),
        faults: FaultInjection::default(),
    };
    if theme != Theme::Narrow {
        features::draw(&mut scenario);
    }
    scenario
}

/// Lets the members of some scenarios be renamed.
fn rename(seed: u64, active: Duration, devices: &mut [Plan], acts: &mut Vec<(Duration, Act)>) {
    let rng = &mut Rng::new(seed, "names");
    // With a default name, nobody would be refused the name of somebody else.
    let is_contested =
        devices.iter().any(|one| devices.iter().any(|other| other.name == one.name && other.identity != one.identity));
    if is_contested || !rng.chance(300) {
        return;
    }
    devices.iter_mut().for_each(|plan| plan.is_renamed = true);
    for _ in 0..rng.between(1, 8) {
        let act = Act::Rename { device: rng.index(devices.len()), name: rng.index(3) };
        acts.push((between(rng, 0, active.as_micros()), act));
    }
    acts.sort_by_key(|(at, _)| *at);
}

/// Sessions of an identity: sometimes only as many as it has devices. Then a device that restarts
/// waits until its old session counts as silent, a third of its idle timeout.
fn sessions(seed: u64, theme: Theme, devices: &[Plan]) -> usize {
    let rng = &mut Rng::new(seed, "sessions");
    let is_soon_silent = devices.iter().all(|plan| plan.idle_s <= 60);
    if theme == Theme::Narrow || !is_soon_silent || !rng.chance(300) {
        return HubLimits::default().sessions_per_identity;
    }
    let sharing = |plan: &Plan| devices.iter().filter(|other| other.identity == plan.identity).count();
    devices.iter().map(sharing).max().unwrap_or(1)
}

/// Upper bounds for the faults of a scenario's paths.
#[derive(Clone, Copy, Debug)]
struct Quality {
    loss: u16,
    delay: u64,
    rare: u16,
}

impl Quality {
    fn of(theme: Theme, rng: &mut Rng) -> Self {
        let worst = match theme {
            Theme::Network => 400,
            Theme::Narrow => 0,
            _ => *rng.pick(&[0, 0, 20, 50, 150, 300]),
        };
        Self {
            loss: worst,
            delay: if theme == Theme::Narrow {
                20 * MS
            } else {
                *rng.pick(&[MS, MS, 10 * MS, 10 * MS, 50 * MS, 300 * MS, 1_500 * MS])
            },
            rare: if worst == 0 { 0 } else { 100 },
        }
    }

    /// One direction of a path.
    fn faults(self, rng: &mut Rng) -> Faults {
        let some = |rng: &mut Rng, per_mille, most: u64| if rng.chance(per_mille) { rng.below(most) as u16 } else { 0 };
        let burst = rng.chance(self.rare).then(|| Burst {
            enter: rng.between(2, 30) as u16,
            leave: rng.between(30, 300) as u16,
            loss: rng.between(500, 1000) as u16,
        });
        let delay = rng.between(100, self.delay);
        // On some paths, a few datagrams arrive after their connection was replaced by another one.
        let (reorder, held_back) = if rng.chance(2 * self.rare) {
            (rng.between(10, 100) as u16, between(rng, SECOND, 15 * SECOND))
        } else {
            (some(rng, 3 * self.rare, 400), between(rng, MS, 20 * MS + 3 * delay))
        };
        Faults {
            loss: rng.below(u64::from(self.loss) + 1) as u16,
            burst,
            duplicate: some(rng, 2 * self.rare, 300),
            damage: some(rng, 2 * self.rare, 100),
            change: some(rng, 2 * self.rare, 100),
            reorder,
            held_back,
            delay: Duration::from_micros(delay),
            jitter: Duration::from_micros(rng.below(delay / 2 + 1)),
            size_limit: rng.chance(self.rare).then(|| rng.between(640, 1_199) as usize),
        }
    }
}

fn devices(theme: Theme, join_policy: JoinPolicy, active: Duration, quality: Quality, rng: &mut Rng) -> Vec<Plan> {
    let count = match theme {
        Theme::Idle => rng.between(1, 3),
        Theme::Tables => rng.between(3, 8),
        Theme::Disk => rng.between(2, 5),
        _ => *rng.pick(&[1, 2, 2, 3, 3, 3, 4, 4, 5, 8]),
    } as usize;
    // Few seeds have many posts, because each post is delivered to everybody.
    let posts = match theme {
        Theme::Busy | Theme::Disk => 200 / count as u64,
        Theme::Narrow => 60 / count as u64,
        Theme::Idle => 6,
        _ => *rng.pick(&[20, 60, 150]) / count as u64,
    };
    let mut plans: Vec<Plan> = (0..count).map(|at| plan(at, active, posts, quality, join_policy, rng)).collect();
    if theme == Theme::Narrow {
        for plan in &mut plans {
            (plan.large, plan.never_reads) = (800, false);
        }
        // The paths are the only fault.
        return plans;
    }
    let twin = if theme == Theme::Twins { 1000 } else { 60 };
    if rng.chance(twin) {
        let original = rng.index(plans.len());
        let mut twin = plan(original, active, posts, quality, join_policy, rng);
        twin.credential = plans[original].credential;
        plans.push(twin);
    }
    if rng.chance(if theme == Theme::Twins { 400 } else { 40 }) {
        // Another identity that requests the same name.
        let mut thief = plan(plans.len() + 100, active, posts, quality, join_policy, rng);
        thief.name.clone_from(&plans[0].name);
        plans.push(thief);
    }
    if rng.chance(60) {
        let mut stranger = plan(plans.len() + 200, active, posts, quality, join_policy, rng);
        stranger.credential = if rng.chance(500) { PlanCredential::WrongSecret } else { PlanCredential::WrongPassword };
        plans.push(stranger);
    }
    plans
}

fn plan(
    identity: usize,
    active: Duration,
    posts: u64,
    quality: Quality,
    join_policy: JoinPolicy,
    rng: &mut Rng,
) -> Plan {
    let size = *rng.pick(&[Size::Host, Size::Host, Size::Device, Size::Tiny]);
    let volatile = rng.chance(if size == Size::Host { 300 } else { 900 });
    let start = match rng.below(3) {
        0 => Start::Head,
        1 => Start::Last(*rng.pick(&[0, 1, 5, 50, u32::MAX])),
        _ => Start::Last(1_000),
    };
    let fallback_count = match start {
        Start::Last(count) => count,
        _ => 0,
    };
    let most = max_entry_len(size);
    let posts = rng.below(posts + 1);
    let post_gap = Duration::from_micros(active.as_micros() / (posts + 1));
    Plan {
        identity,
        name: format!("member{identity}"),
        is_renamed: false,
        rooms: vec![0],
        has_private_invites: true,
        is_operator: false,
        size,
        saves: if volatile { SavePolicy::Never } else { SavePolicy::EveryNth(*rng.pick(&[1, 1, 1, 4, 20])) },
        start,
        fallback_count,
        pinned: rng.chance(900),
        credential: if join_policy == JoinPolicy::Password && rng.chance(700) {
            PlanCredential::Password
        } else {
            PlanCredential::Secret
        },
        same_seed: size != Size::Host && rng.chance(400),
        never_reads: rng.chance(20),
        max_entry_len: if rng.chance(200) { rng.below(u64::from(most)) as u16 } else { most },
        tick: Duration::from_micros(*rng.pick(&[1, 1, 1_000, 10_000])),
        idle_s: *rng.pick(&[10, 30, 60, 60, 300]),
        ack_delay_ms: *rng.pick(&[0, 5, 5, 25, 100]),
        path: (quality.faults(rng), quality.faults(rng)),
        starts: if rng.chance(600) { between(rng, 0, SECOND) } else { between(rng, 0, active.as_micros()) },
        posts: posts as u32,
        // Some devices post everything at once.
        post_gap: if rng.chance(200) { post_gap / 50 } else { post_gap },
        large: *rng.pick(&[0, 20, 100, 400]),
    }
}

fn limits(theme: Theme, capacity: Capacity, devices: &[Plan], rng: &mut Rng) -> HubLimits {
    let never_read = devices.iter().filter(|plan| plan.never_reads).count();
    let mut limits = HubLimits {
        tail_bytes: *rng.pick(&[1 << 10, 8 << 10, 4 << 20]),
        page_bytes: *rng.pick(&[8 << 10, 64 << 10]),
        unfinished_bytes: *rng.pick(&[6_000, 60_000, 4 << 20]),
        body_bytes: *rng.pick(&[50, 150, 1_900, 4_352, 4_352, 4_352, 4_352, 4_352]),
        ..HubLimits::default()
    };
    if rng.chance(200) {
        limits.announced_members = rng.below(4) as usize;
    }
    // Ring buffers for one or two connections at once, in addition to those that are never
    // released.
    if theme == Theme::Narrow {
        limits.body_bytes = HubLimits::default().body_bytes;
        return limits;
    }
    if rng.chance(if theme == Theme::Tables { 600 } else { 100 }) {
        let rings = capacity.chat_send + capacity.chat_receive + capacity.in_flight * size_of::<SentPacket>();
        limits.pool_bytes = rings * (1 + never_read + rng.below(2) as usize);
    }
    if theme != Theme::Tables {
        return limits;
    }
    let tiny = |rng: &mut Rng, field: &mut usize, least: u64, most: u64| {
        if rng.chance(400) {
            *field = rng.between(least, most) as usize;
        }
    };
    // With fewer, a late device could be refused for good while the others are present. One more is
    // for an adversary that stays.
    tiny(rng, &mut limits.connections, 8.max(devices.len() as u64 + 1), 12);
    tiny(rng, &mut limits.unjoined, 1, 4);
    tiny(rng, &mut limits.half_open, 1, 4);
    tiny(rng, &mut limits.half_open_per_prefix, 1, 2);
    // Each cookie is remembered for two minutes; with fewer, not every device could connect.
    tiny(rng, &mut limits.cookies, 40, 80);
    tiny(rng, &mut limits.accept_jobs, 1, 3);
    tiny(rng, &mut limits.busy_accept_jobs, 0, 1);
    tiny(rng, &mut limits.prefixes, 1, 4);
    tiny(rng, &mut limits.password_queue, 1, 2);
    tiny(rng, &mut limits.members, 1, 5);
    tiny(rng, &mut limits.unfinished_bytes, 1, 6_000);
    tiny(rng, &mut limits.page_reads, 1, 2);
    tiny(rng, &mut limits.events, 1, 8);
    if rng.chance(300) {
        (limits.hint_burst, limits.hint_interval) = (1, between(rng, SECOND, 30 * SECOND));
    }
    if rng.chance(300) {
        (limits.handshake_burst, limits.handshake_interval) = (1, between(rng, SECOND, 5 * SECOND));
    }
    limits
}

/// Burst and rate of posts. The slowest rate lets everything that devices post through long before
/// the bound.
fn posting(seed: u64, theme: Theme) -> (u32, u32) {
    let rng = &mut Rng::new(seed, "posting");
    let HubLimits { post_burst, post_rate, .. } = HubLimits::default();
    if theme == Theme::Narrow || !rng.chance(300) {
        return (post_burst, post_rate);
    }
    (*rng.pick(&[1, 1, 5, 50]), *rng.pick(&[0, 2, 2, 10, 50]))
}

fn work(theme: Theme, rng: &mut Rng) -> Work {
    if theme == Theme::Narrow {
        return Work::QUICK;
    }
    let span = |rng: &mut Rng, choices: &[u64]| (Duration::ZERO, Duration::from_micros(*rng.pick(choices)));
    // When the disk hangs, connections come and go while a commit is pending.
    let slow: &[u64] = if theme == Theme::Disk {
        &[MS, SECOND, 4 * SECOND, 10 * SECOND]
    } else {
        &[MS, 5 * MS, 5 * MS, 100 * MS, 100 * MS, SECOND, 8 * SECOND]
    };
    Work {
        before_commit: span(rng, slow),
        after_commit: span(rng, &[0, MS, 20 * MS, 500 * MS]),
        accept: span(rng, &[MS, 2 * MS, 50 * MS]),
    }
}

fn acts(theme: Theme, active: Duration, quality: Quality, devices: usize, rng: &mut Rng) -> Vec<(Duration, Act)> {
    let count = match theme {
        Theme::Idle => rng.below(10),
        Theme::Busy | Theme::Narrow => rng.below(6),
        Theme::Mixed => rng.between(2, 16),
        Theme::Disk | Theme::Crash => rng.between(4, 40),
        Theme::Twins => rng.between(4, 30),
        _ => rng.between(4, 20),
    };
    let mut acts: Vec<_> =
        (0..count).map(|_| (between(rng, 0, active.as_micros()), act(theme, quality, devices, rng))).collect();
    acts.sort_by_key(|(at, _)| *at);
    acts
}

fn act(theme: Theme, quality: Quality, devices: usize, rng: &mut Rng) -> Act {
    let device = rng.index(devices);
    let own = rng.chance(700);
    match theme {
        Theme::Narrow => Act::Narrow { device, narrowing: narrowing(theme, rng) },
        Theme::Network | Theme::Idle if own => network_act(theme, device, devices, quality, rng),
        Theme::Crash if own => crash_act(device, rng),
        Theme::Disk if own && rng.chance(500) => {
            // A short outage: clients reconnect while a commit is pending.
            let (lasts, late) = (between(rng, 200 * MS, 5 * SECOND), between(rng, SECOND, 30 * SECOND));
            Act::Cut { device: None, up: true, down: true, lasts, late }
        }
        Theme::Disk if own => disk_act(rng),
        Theme::Attack if own => attack_act(rng),
        Theme::Twins if own => match rng.below(4) {
            // Long enough for a device that wants the name to request it.
            0 => Act::Leave { device, abort: false, restart_after: Some(between(rng, 0, 30 * SECOND)) },
            1 | 2 => clock_act(rng),
            _ => Act::Kill { device, restart_after: Some(between(rng, 0, 5 * SECOND)) },
        },
        _ => match rng.below(6) {
            0 => network_act(theme, device, devices, quality, rng),
            1 | 2 => crash_act(device, rng),
            3 => disk_act(rng),
            4 => attack_act(rng),
            _ => member_act(device, rng),
        },
    }
}

fn network_act(theme: Theme, device: usize, devices: usize, quality: Quality, rng: &mut Rng) -> Act {
    match rng.below(7) {
        6 => Act::Narrow { device, narrowing: narrowing(theme, rng) },
        0 | 1 => {
            let way = rng.below(4);
            let lasts = *rng.pick(&[SECOND, 5 * SECOND, 15 * SECOND, 70 * SECOND]);
            let device = rng.chance(700).then_some(device);
            let late = if rng.chance(300) { between(rng, 0, 20 * SECOND) } else { Duration::ZERO };
            Act::Cut { device, up: way != 0, down: way != 1, lasts: between(rng, 100 * MS, lasts), late }
        }
        2 => Act::Path { device, path: (quality.faults(rng), quality.faults(rng)) },
        3 => Act::Swap { device, other: rng.index(devices) },
        _ => Act::Rebind { device, keep_old: rng.chance(500) },
    }
}

fn crash_act(device: usize, rng: &mut Rng) -> Act {
    let restart_after = between(rng, 0, 10 * SECOND);
    match rng.below(11) {
        10 => clock_act(rng),
        0..=2 => Act::Kill { device, restart_after: rng.chance(900).then_some(restart_after) },
        3..=6 => Act::KillServer {
            point: *rng.pick(&[KillPoint::Now, KillPoint::BeforeCommit, KillPoint::AfterCommit, KillPoint::BeforeSend]),
            restart_after,
            restore: rng.chance(250),
            keep: rng.chance(80).then(|| rng.below(20)),
        },
        7 => Act::Shutdown { restart_after },
        8 => Act::Backup,
        _ => {
            let most = *rng.pick(&[SECOND, 8 * SECOND, 40 * SECOND]);
            Act::SuspendServer { lasts: between(rng, 0, most) }
        }
    }
}

/// Sets the clock right, wrong, or back: a board without a battery starts in 1970.
fn clock_act(rng: &mut Rng) -> Act {
    const DAY: u64 = 86_400_000;
    const NOW: u64 = 1_730_000_000_000;
    let unix_ms = *rng.pick(&[
        0,
        NOW,
        NOW - 2 * DAY,
        NOW + 2 * DAY,
        NOW - 400 * DAY,
        NOW + 400 * DAY,
        // The largest values of 31 bits of seconds and of a year with four digits.
        2_147_483_647_999,
        253_402_300_799_999,
        u64::MAX,
    ]);
    Act::SetWall { unix_ms }
}

fn narrowing(theme: Theme, rng: &mut Rng) -> Narrowing {
    // A burst that outlives several probe timeouts is an outage, which other themes cover.
    let most = if theme == Theme::Narrow { 4 } else { 12 };
    let mut limit = || rng.chance(700).then(|| rng.between(640, 1_199) as usize);
    let (up, down) = (limit(), limit());
    Narrowing { up, down, burst: rng.between(1, most) as u16 }
}

fn disk_act(rng: &mut Rng) -> Act {
    if rng.chance(150) {
        return Act::Backup;
    }
    let fault = *rng.pick(&[
        DiskFault::Fail,
        DiskFault::UncertainApplied,
        DiskFault::UncertainLost,
        DiskFault::UncertainApplied,
        DiskFault::Unreadable,
    ]);
    Act::Disk { fault, lasts: between(rng, MS, 4 * SECOND) }
}

fn attack_act(rng: &mut Rng) -> Act {
    Act::Attack { attack: *rng.pick(Attack::ALL), times: rng.between(1, 30) as u32 }
}

fn member_act(device: usize, rng: &mut Rng) -> Act {
    let lasts = between(rng, 100 * MS, 20 * SECOND);
    match rng.below(16) {
        0..=2 => Act::Leave { device, abort: rng.chance(300), restart_after: rng.chance(800).then_some(lasts) },
        3..=4 => Act::Suspend { device, lasts },
        5..=7 => Act::Stall { device, lasts },
        8..=9 => Act::Say,
        10 => Act::Kick { device },
        11..=12 => Act::Who { device },
        _ => Act::History { device },
    }
}

pub(super) fn between(rng: &mut Rng, low: u64, high: u64) -> Duration {
    Duration::from_micros(rng.between(low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_gives_the_same_scenario() {
        assert_eq!(format!("{:?}", Scenario::of(7)), format!("{:?}", Scenario::of(7)));
        assert_ne!(format!("{:?}", Scenario::of(7)), format!("{:?}", Scenario::of(8)));
    }

    #[test]
    fn seeds_cover_every_theme_and_every_act() {
        let scenarios: Vec<_> = (0..2_000).map(Scenario::of).collect();
        for theme in THEMES {
            assert!(scenarios.iter().any(|scenario| scenario.theme == theme));
        }
        let acts: String = scenarios.iter().flat_map(|s| &s.acts).map(|(_, act)| format!("{act:?}")).collect();
        for name in [
            "Cut",
            "Path",
            "Narrow",
            "SetWall",
            "Rebind",
            "Kill ",
            "Leave",
            "Suspend",
            "Rename",
            "Stall",
            "KillServer",
            "Shutdown",
        ] {
            assert!(acts.contains(name), "{name}");
        }
        for name in ["Part", "Topic", "Close", "Open {", "Keep(Age", "Keep(Entries", "Keep(Bytes", "Appoint"] {
            assert!(acts.contains(name), "{name}");
        }
        for name in ["Ban, is_lifted: false", "Ban, is_lifted: true", "Mute", "Delete", "Remove", "RevokeInvite"] {
            assert!(acts.contains(name), "{name}");
        }
        for name in ["Swap", "SuspendServer", "Backup", "Disk", "Attack", "Say", "Kick", "Who", "History"] {
            assert!(acts.contains(name), "{name}");
        }
        assert!(scenarios.iter().all(|s| (1..=11).contains(&s.devices.len())));
    }
}
