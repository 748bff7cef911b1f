//! Joins of many members, with no more at a time than a busy server admits from one address.

use kabar_core::client::Event;
use kabar_core::time::{Duration, Instant};

use super::Error;
use super::fleet::Fleet;

/// Time without any join after which the measurement fails.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait per turn.
const TURN: Duration = Duration::from_millis(100);

/// Adds `members`, the first `posters` of them with a large outbox, and joins them, `at_once` at a
/// time.
pub(super) fn join(fleet: &mut Fleet, members: usize, posters: usize, at_once: usize) -> Result<(), Error> {
    let (mut joined, mut ended) = (0, None);
    let (mut started, mut progress) = (0, fleet.now());
    while joined < members {
        while started < members && started - joined < at_once {
            let slot = fleet.add(started < posters)?;
            fleet.start(slot)?;
            started += 1;
        }
        let before = joined;
        fleet.turn(fleet.now() + TURN, &mut |_, event, _| {
            joined += usize::from(matches!(event, Event::Joined { .. }));
            if let Event::Ended(why) = event {
                ended = Some(*why);
            }
        })?;
        if let Some(why) = ended {
            return Err(Error::new(format!("a member did not get in: {why:?}")));
        }
        if joined > before {
            progress = fleet.now();
        } else if fleet.now().saturating_since(progress) > TIMEOUT {
            return Err(Error::new(format!(
                "{joined} of {members} members got in, then nobody for {} s",
                seconds(TIMEOUT)
            )));
        }
    }
    Ok(())
}

/// Waits until nothing was received for `quiet`, but at most four times as long: of many members,
/// one always sends a keep-alive.
pub(super) fn settle(fleet: &mut Fleet, quiet: Duration) -> Result<(), Error> {
    let (mut seen, mut since) = (fleet.traffic().received, fleet.now());
    let end = since + quiet * 4;
    while fleet.now().saturating_since(since) < quiet && fleet.now() < end {
        let until: Instant = since + quiet;
        fleet.turn(until, &mut |_, _, _| {})?;
        if fleet.traffic().received > seen {
            (seen, since) = (fleet.traffic().received, fleet.now());
        }
    }
    Ok(())
}

pub(super) fn seconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1e6
}
