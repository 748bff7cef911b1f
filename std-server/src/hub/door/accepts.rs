//! Handshakes that wait for their public-key work. Only a few are handed out at once, so that those
//! of a heavy prefix can still be displaced by others.

use std::collections::BTreeMap;

use kabar_core::crypto::Provider;

use crate::hub::fairness::prefix::Prefix;
use crate::hub::fairness::shares::Shares;
use crate::hub::jobs::AcceptJob;

/// Jobs handed out at a time: enough to keep the threads busy until the next round.
const HANDED_OUT: usize = 16;

#[derive(Debug)]
pub(super) struct Accepts<P: Provider> {
    max: usize,
    /// In the order of arrival.
    waiting: BTreeMap<u64, Box<AcceptJob<P>>>,
    /// By connection id.
    arrivals: BTreeMap<u32, u64>,
    shares: Shares<u32>,
    handed_out: usize,
    arrived: u64,
}

/// All places are taken, and no prefix has a larger share than this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

impl<P: Provider> Accepts<P> {
    pub(super) fn new(max: usize) -> Self {
        let (waiting, arrivals) = (BTreeMap::new(), BTreeMap::new());
        Self { max, waiting, arrivals, shares: Shares::new(), handed_out: 0, arrived: 0 }
    }

    /// Number of jobs that wait or are handed out.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.handed_out
    }

    /// Whether there is room for one more of `prefix`, and the connection id of the job that it
    /// would displace.
    pub(super) fn room(&self, prefix: Prefix) -> Result<Option<u32>, Full> {
        if self.len() < self.max {
            return Ok(None);
        }
        self.shares.displaced_by(prefix).map(Some).ok_or(Full)
    }

    pub(super) fn push(&mut self, job: AcceptJob<P>, prefix: Prefix) {
        self.arrived += 1;
        self.shares.insert(job.connection_id, prefix);
        self.arrivals.insert(job.connection_id, self.arrived);
        self.waiting.insert(self.arrived, Box::new(job));
    }

    /// Removes a job that was not handed out.
    pub(super) fn cancel(&mut self, connection_id: u32) {
        self.shares.remove(&connection_id);
        if let Some(arrival) = self.arrivals.remove(&connection_id) {
            self.waiting.remove(&arrival);
        }
    }

    /// The next job to run.
    pub(super) fn hand_out(&mut self) -> Option<Box<AcceptJob<P>>> {
        if self.handed_out >= HANDED_OUT {
            return None;
        }
        let (_, job) = self.waiting.pop_first()?;
        self.shares.remove(&job.connection_id);
        self.arrivals.remove(&job.connection_id);
        self.handed_out += 1;
        Some(job)
    }

    /// A job that was handed out is done.
    pub(super) fn on_done(&mut self) {
        self.handed_out -= 1;
    }
}
