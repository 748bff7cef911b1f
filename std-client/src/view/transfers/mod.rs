//! The transfers of all rooms: those that run or wait, and the last ones that have ended; and which
//! of them is selected. [`draw`]: the rows that display them.

pub mod draw;
#[cfg(test)]
mod tests;

use kabar_core::time::Duration;
use kabar_std::text::clean_line;

use crate::engine::event::{Transfer, TransferState};
use crate::engine::{RoomId, ServerId};
use crate::transfers::TransferId;
use crate::transfers::progress::Measured;

/// Transfers that have ended and are kept.
const MAX_ENDED: usize = 100;

/// A transfer, as far as it is displayed.
#[derive(Clone, Debug)]
pub struct Item {
    /// What the engine reported last.
    pub transfer: Transfer,
    /// The name of its room, which may be gone.
    pub room: String,
    /// Bytes that were transferred, also before it began to wait.
    pub done: u64,
}

/// The transfers. There are not more of them than the engine has, and `MAX_ENDED` that have
/// ended.
#[derive(Debug, Default)]
pub struct TransferList {
    /// In the order in which they were requested.
    items: Vec<Item>,
    selected: Option<TransferId>,
}

/// All transfers that run or wait, in sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Number of files that are sent.
    pub sending: usize,
    /// Number of files that are received.
    pub receiving: usize,
    /// Length of all in bytes, as far as it is known.
    pub size: u64,
    /// How far they are.
    pub measured: Measured,
}

/// How the selection moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// To the one before, this many times.
    Up(usize),
    /// To the next one, this many times.
    Down(usize),
    /// To the first one.
    First,
    /// To the last one.
    Last,
}

impl TransferList {
    /// Takes a report of the engine about a transfer in the room with this name.
    pub fn update(&mut self, transfer: &Transfer, room: &str) {
        let at = match self.items.iter().position(|item| item.transfer.id == transfer.id) {
            Some(at) => at,
            None => {
                let (transfer, room) = (transfer.clone(), room.to_owned());
                self.items.push(Item { transfer, room, done: 0 });
                self.items.len() - 1
            }
        };
        let item = &mut self.items[at];
        item.transfer.clone_from(transfer);
        match &transfer.state {
            TransferState::Running(measured) => item.done = measured.done,
            TransferState::Hashing(_) => item.done = 0,
            _ => {}
        }
        self.drop_ended();
    }

    /// Takes the list of all transfers of a server that have not ended.
    pub fn replace<'a>(&mut self, server: ServerId, transfers: &[Transfer], room: impl Fn(RoomId) -> &'a str) {
        let is_there = |item: &Item| transfers.iter().any(|transfer| transfer.id == item.transfer.id);
        self.items.retain(|item| item.transfer.room.server != server || item.is_ended() || is_there(item));
        transfers.iter().for_each(|transfer| self.update(transfer, room(transfer.room)));
    }

    /// A room, or a whole server, has ended, and with it the transfers there.
    pub fn forget(&mut self, is_of: impl Fn(RoomId) -> bool) {
        self.items.retain(|item| item.is_ended() || !is_of(item.transfer.room));
    }

    fn drop_ended(&mut self) {
        let mut extra = self.items.iter().filter(|item| item.is_ended()).count().saturating_sub(MAX_ENDED);
        self.items.retain(|item| {
            let is_dropped = extra > 0 && item.is_ended();
            extra -= usize::from(is_dropped);
            !is_dropped
        });
    }

    /// Those that run or wait, in the order in which they were requested.
    pub fn open(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| !item.is_ended())
    }

    /// All: first those that run or wait, then those that have ended, the last one first.
    #[must_use]
    pub fn all(&self) -> Vec<&Item> {
        let ended = self.items.iter().rev().filter(|item| item.is_ended());
        self.open().chain(ended).collect()
    }

    /// Returns what those that run or wait have in sum.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        let mut rate: u64 = 0;
        for item in self.open() {
            match item.transfer.is_upload {
                true => summary.sending += 1,
                false => summary.receiving += 1,
            }
            if let TransferState::Running(measured) = &item.transfer.state {
                rate = rate.saturating_add(measured.rate.unwrap_or(0));
            }
            summary.size = summary.size.saturating_add(item.transfer.size.unwrap_or(0));
            summary.measured.done = summary.measured.done.saturating_add(item.done);
        }
        if rate > 0 {
            let rest = summary.size.saturating_sub(summary.measured.done);
            summary.measured.rate = Some(rate);
            summary.measured.left = Some(Duration::from_secs(rest.div_ceil(rate)));
        }
        summary
    }

    /// The one that is selected; the first one, if that is gone.
    #[must_use]
    pub fn selected(&self) -> Option<&Item> {
        let all = self.all();
        all.get(self.selected_index(&all)).copied()
    }

    /// Its index in [`TransferList::all`].
    fn selected_index(&self, all: &[&Item]) -> usize {
        all.iter().position(|item| Some(item.transfer.id) == self.selected).unwrap_or(0)
    }

    /// Selects another one.
    pub fn select(&mut self, to: Move) {
        let all = self.all();
        let (at, last) = (self.selected_index(&all), all.len().saturating_sub(1));
        let at = match to {
            Move::Up(count) => at.saturating_sub(count),
            Move::Down(count) => at.saturating_add(count).min(last),
            Move::First => 0,
            Move::Last => last,
        };
        self.selected = all.get(at).map(|item| item.transfer.id);
    }

    /// Selects the first one.
    pub fn deselect(&mut self) {
        self.selected = None;
    }
}

impl Item {
    /// Its number, and the name of its file as it is displayed.
    #[must_use]
    pub fn label(&self) -> (TransferId, String) {
        (self.transfer.id, clean_line(&self.transfer.name))
    }

    /// Whether nothing follows.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.transfer.state.is_end()
    }
}
