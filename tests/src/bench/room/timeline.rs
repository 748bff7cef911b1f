//! Posts and their deliveries: every entry must match what was posted, in order and once.

use std::collections::VecDeque;

use kabar_core::chat::EntryKind;
use kabar_core::client::Event;
use kabar_core::time::{Duration, Instant};

use super::{MIN_PAYLOAD, Options, Rate, TIMEOUT};
use crate::bench::Error;
use crate::bench::fleet::Fleet;
use crate::bench::latency::Latencies;

/// The posts, and which members have them.
pub(super) struct Timeline {
    pub(super) begin: Instant,
    pub(super) last: Instant,
    pub(super) posted: u64,
    /// For each post that not all members have, the number of those that have it. In the order of
    /// the log, which is the order of delivery at every member.
    incomplete: VecDeque<usize>,
    /// Posts that all members have.
    complete: u64,
    /// Number of posts that each member has.
    delivered: Vec<u64>,
    /// The next number of each poster at each member.
    next: Vec<u64>,
    pub(super) latencies: Latencies,
    violation: Option<String>,
}

impl Timeline {
    pub(super) fn new(options: &Options, now: Instant) -> Self {
        Self {
            begin: now,
            last: now,
            posted: 0,
            incomplete: VecDeque::new(),
            complete: 0,
            delivered: vec![0; options.members],
            next: vec![0; options.members * options.posters],
            latencies: Latencies::default(),
            violation: None,
        }
    }

    pub(super) fn run(&mut self, fleet: &mut Fleet, options: &Options) -> Result<(), Error> {
        let end = self.begin + Duration::from_micros((options.seconds * 1e6) as u64);
        let mut line = String::new();
        loop {
            let now = fleet.now();
            let mut until = end;
            if now < end {
                until = until.min(self.post_due(fleet, options, now, &mut line)?);
            } else if self.complete == self.posted {
                return Ok(());
            } else {
                until = now + Duration::from_millis(100);
            }
            fleet.turn(until, &mut |slot, event, now| self.check_event(options, slot, event, now))?;
            if let Some(why) = self.violation.take() {
                return Err(Error::new(why));
            }
            if self.complete < self.posted && fleet.now().saturating_since(self.last.max(self.begin)) > TIMEOUT {
                let missing = self.posted - self.complete;
                return Err(Error::new(format!("{missing} of {} posts did not reach everybody", self.posted)));
            }
        }
    }

    /// Posts what is due. Returns the time at which more is due.
    fn post_due(
        &mut self,
        fleet: &mut Fleet,
        options: &Options,
        now: Instant,
        line: &mut String,
    ) -> Result<Instant, Error> {
        use std::fmt::Write as _;
        let window = match options.rate {
            Rate::Paced(_) => u64::MAX,
            Rate::Max => options.window as u64,
            Rate::Lockstep => 1,
        };
        while self.posted - self.complete < window {
            let due = match options.rate {
                Rate::Paced(rate) => self.begin + Duration::from_micros((self.posted as f64 * 1e6 / rate) as u64),
                Rate::Max | Rate::Lockstep => now,
            };
            if due > now {
                return Ok(due);
            }
            let posters = options.posters as u64;
            let (poster, number) = (self.posted % posters, self.posted / posters);
            line.clear();
            let _ = write!(
                line,
                "{poster:04x}{number:012x}{:016x}{:.<2$}",
                due.as_micros(),
                "",
                options.payload - MIN_PAYLOAD
            );
            if !fleet.post(poster as usize, line.as_bytes())? {
                break;
            }
            self.posted += 1;
            self.incomplete.push_back(0);
        }
        Ok(now + Duration::from_millis(1))
    }

    /// Checks an entry: none may be missing before it.
    fn check_event(&mut self, options: &Options, slot: usize, event: &Event<'_>, now: Instant) {
        let (header, body, own) = match event {
            Event::Entry { header, body, own, .. } if header.kind == EntryKind::TEXT => (header, *body, *own),
            Event::EntryTooLarge { .. }
            | Event::Gap { .. }
            | Event::Reset { .. }
            | Event::Disconnected(_)
            | Event::Ended(_) => {
                self.violation = Some(format!("a member reported {event:?}"));
                return;
            }
            Event::UnknownServerKey(_)
            | Event::Joined { .. }
            | Event::Entry { .. }
            | Event::Stored { .. }
            | Event::PostRefused { .. }
            | Event::OutboxWritable { .. }
            | Event::Info { .. }
            | Event::Refused { .. }
            | Event::RoomEnded { .. }
            | Event::Reconnected => return,
        };
        let part = |range: std::ops::Range<usize>| {
            body.get(range)
                .and_then(|part| std::str::from_utf8(part).ok())
                .and_then(|text| u64::from_str_radix(text, 16).ok())
        };
        let (Some(poster), Some(number), Some(stamp)) = (part(0..4), part(4..16), part(16..32)) else {
            self.violation = Some(format!("entry {} was never posted", header.seq));
            return;
        };
        let expected = &mut self.next[slot * options.posters + poster as usize];
        if number != *expected || body.len() != options.payload {
            self.violation = Some(format!("member {slot} got {number} of poster {poster}, not {expected}"));
            return;
        }
        *expected += 1;
        self.last = now;
        if !own {
            self.latencies.push(now.as_micros().saturating_sub(stamp));
        }
        let at = self.delivered[slot] - self.complete;
        self.delivered[slot] += 1;
        if let Some(count) = self.incomplete.get_mut(at as usize) {
            *count += 1;
        }
        while self.incomplete.front() == Some(&options.members) {
            self.incomplete.pop_front();
            self.complete += 1;
        }
    }
}
