//! What is posted, and who has it: every entry is checked against what was sent, in order and once.

use std::collections::VecDeque;

use kabar_core::chat::EntryKind;
use kabar_core::client::Event;
use kabar_core::time::{Duration, Instant};

use super::{MIN_PAYLOAD, Options, PATIENCE, Rate};
use crate::bench::Error;
use crate::bench::fleet::Fleet;
use crate::bench::latency::Latencies;

/// What was posted, and who has it.
pub(super) struct Timeline {
    pub(super) begin: Instant,
    pub(super) last: Instant,
    pub(super) posted: u64,
    /// Of the posts that not everybody has, how many do; in the order of the log, as each member
    /// has them.
    under_way: VecDeque<usize>,
    /// Posts that everybody has.
    complete: u64,
    /// Posts that each member has.
    has: Vec<u64>,
    /// The next number of each poster at each member.
    next: Vec<u64>,
    pub(super) latencies: Latencies,
    broken: Option<String>,
}

impl Timeline {
    pub(super) fn new(options: &Options, now: Instant) -> Self {
        Self {
            begin: now,
            last: now,
            posted: 0,
            under_way: VecDeque::new(),
            complete: 0,
            has: vec![0; options.members],
            next: vec![0; options.members * options.posters],
            latencies: Latencies::default(),
            broken: None,
        }
    }

    pub(super) fn run(&mut self, fleet: &mut Fleet, options: &Options) -> Result<(), Error> {
        let end = self.begin + Duration::from_micros((options.seconds * 1e6) as u64);
        let mut line = String::new();
        loop {
            let now = fleet.now();
            let mut until = end;
            if now < end {
                until = until.min(self.post_what_is_due(fleet, options, now, &mut line)?);
            } else if self.complete == self.posted {
                return Ok(());
            } else {
                until = now + Duration::from_millis(100);
            }
            fleet.turn(until, &mut |seat, event, now| self.note(options, seat, event, now))?;
            if let Some(why) = self.broken.take() {
                return Err(Error::new(why));
            }
            if self.complete < self.posted && fleet.now().saturating_since(self.last.max(self.begin)) > PATIENCE {
                let missing = self.posted - self.complete;
                return Err(Error::new(format!("{missing} of {} posts did not reach everybody", self.posted)));
            }
        }
    }

    /// Returns until when nothing more is to be posted.
    fn post_what_is_due(
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
            self.under_way.push_back(0);
        }
        Ok(now + Duration::from_millis(1))
    }

    /// Takes an entry, and sees that nothing is missing before it.
    fn note(&mut self, options: &Options, seat: usize, event: &Event<'_>, now: Instant) {
        let (header, body, own) = match event {
            Event::Entry { header, body, own } if header.kind == EntryKind::TEXT => (header, *body, *own),
            Event::EntryTooLarge { .. }
            | Event::Gap { .. }
            | Event::Reset
            | Event::Disconnected(_)
            | Event::Ended(_) => {
                self.broken = Some(format!("a member was told {event:?}"));
                return;
            }
            Event::UnknownServerKey(_)
            | Event::Joined { .. }
            | Event::Entry { .. }
            | Event::Stored { .. }
            | Event::PostRefused { .. }
            | Event::OutboxWritable
            | Event::Info(_)
            | Event::Refused { .. }
            | Event::Reconnected => return,
        };
        let part = |range: std::ops::Range<usize>| {
            body.get(range)
                .and_then(|part| std::str::from_utf8(part).ok())
                .and_then(|text| u64::from_str_radix(text, 16).ok())
        };
        let (Some(poster), Some(number), Some(stamp)) = (part(0..4), part(4..16), part(16..32)) else {
            self.broken = Some(format!("entry {} is none that was posted", header.seq));
            return;
        };
        let expected = &mut self.next[seat * options.posters + poster as usize];
        if number != *expected || body.len() != options.payload {
            self.broken = Some(format!("member {seat} got {number} of poster {poster}, not {expected}"));
            return;
        }
        *expected += 1;
        self.last = now;
        if !own {
            self.latencies.push(now.as_micros().saturating_sub(stamp));
        }
        let at = self.has[seat] - self.complete;
        self.has[seat] += 1;
        if let Some(count) = self.under_way.get_mut(at as usize) {
            *count += 1;
        }
        while self.under_way.front() == Some(&options.members) {
            self.under_way.pop_front();
            self.complete += 1;
        }
    }
}
