//! What a simulation went through. A simulator that passes because nothing happened proves nothing,
//! so what happened is counted, and the tests demand it.

macro_rules! seen {
    ($($(#[$doc:meta])+ $name:ident,)*) => {
        /// Something that happened in a simulation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Seen { $($(#[$doc])+ $name,)* }

        impl Seen {
            /// Everything that can happen.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

seen! {
    /// A datagram was handed to the network.
    Sent,
    /// A datagram arrived as it was sent.
    Arrived,
    /// A datagram was lost by chance.
    Lost,
    /// A datagram was lost in a burst.
    LostInBurst,
    /// A datagram was lost in a partition.
    Partitioned,
    /// A datagram got stuck in a partition and arrived much later.
    Late,
    /// A datagram was too large for its path.
    TooLarge,
    /// A datagram arrived twice.
    Duplicated,
    /// A datagram was overtaken.
    Reordered,
    /// A datagram arrived damaged.
    Damaged,
    /// A datagram arrived changed, with a CRC that matches.
    Changed,
    /// A datagram went to an address where nobody is.
    Nowhere,
    /// A path began to carry smaller datagrams only.
    Narrowed,
    /// A datagram was lost in the burst at that moment.
    LostInNarrowing,
    /// The server's clock on the wall jumped.
    ClockJumped,
    /// A client was refused a name that belongs to somebody else.
    NameTaken,
    /// A member stopped acknowledging and went on sending.
    NeverAcknowledges,
    /// A client's address changed under its connection.
    Rebound,
    /// Two clients swapped their addresses.
    Swapped,
    /// An attacker repeated an old datagram.
    Replayed,
    /// An attacker sent an old datagram from its own address.
    ReplayedFromElsewhere,
    /// An attacker sent a Hint.
    ForgedHint,
    /// An attacker sent a Challenge.
    ForgedChallenge,
    /// An attacker sent an Accept.
    ForgedAccept,
    /// An attacker sent a Sealed packet.
    ForgedSealed,
    /// An attacker sent a Hello from an address that is not its own.
    ForgedHello,
    /// An attacker sent an Initiate.
    ForgedInitiate,
    /// An attacker sent noise.
    Noise,
    /// State was compared around a datagram that does not authenticate.
    Compared,
    /// An adversary did something.
    AdversaryActed,
    /// An entry of an adversary was committed.
    AdversaryCommitted,
    /// A client process started.
    ClientStarted,
    /// A client process was killed.
    ClientKilled,
    /// A client process left by itself.
    ClientLeft,
    /// A client process ended for another reason.
    ClientEnded,
    /// A client process stood still for a while.
    ClientSuspended,
    /// A client stopped reading for a while.
    ReaderStalled,
    /// A client that never reads.
    NeverReads,
    /// A process was put out by another one of the same identity.
    Replaced,
    /// A process that was replaced or kicked was started again.
    CameBack,
    /// A device started again with the seed it had.
    SameSeed,
    /// A datagram for an earlier process with the same seed was kept from the present one.
    TooOld,
    /// A store survived its process.
    StoreKept,
    /// A store fell back to what was saved.
    StoreRolledBack,
    /// The server was killed.
    ServerKilled,
    /// The server was killed before a commit.
    KilledBeforeCommit,
    /// The server was killed between a commit and its completion.
    KilledAfterCommit,
    /// The server was killed when a commit was complete and nothing of it sent.
    KilledBeforeSend,
    /// The server was stopped and said so.
    ServerShutDown,
    /// The server stood still for a while.
    ServerSuspended,
    /// The server started.
    ServerStarted,
    /// An older log was restored.
    Restored,
    /// Old entries were removed between two runs.
    Forgotten,
    /// A client was told of such a gap.
    Gap,
    /// Entries were gone after a restore.
    EntriesRolledBack,
    /// A commit failed.
    CommitFailed,
    /// A commit was reported uncertain and had happened.
    CommitUncertainApplied,
    /// A commit was reported uncertain and had not happened.
    CommitUncertainLost,
    /// A commit happened.
    Committed,
    /// An entry was committed.
    EntryCommitted,
    /// A post was made.
    Posted,
    /// A post found the outbox full.
    OutboxFull,
    /// A post was seen stored.
    Stored,
    /// A post was seen refused.
    PostRefused,
    /// An entry was delivered.
    Delivered,
    /// An entry was delivered as a stub.
    Stubbed,
    /// An answer to History came.
    Past,
    /// A question for older entries was answered as it should be.
    Answered,
    /// An answer to Who came.
    MemberAnswer,
    /// A client joined for the first time.
    Joined,
    /// A client joined again and went on where it was.
    Resumed,
    /// A client was told that its cursor is not valid.
    Reset,
    /// A client noticed that the server was lost.
    ConnectionLost,
    /// A Join was refused.
    JoinRefused,
    /// A client was offered a key and accepted it.
    KeyAccepted,
    /// A client was offered a wrong key and declined.
    KeyDeclined,
    /// A packet was sent again.
    Retransmitted,
    /// The server dropped a packet because a table or a ring was full.
    NoRoom,
    /// The server sent a Hint.
    HintSent,
    /// The server read older entries from its store.
    PageRead,
    /// A post came again.
    PostsRepeated,
    /// A post was passed over after a refusal.
    PostsIgnored,
    /// A table of the server was full.
    TableFull,
    /// The server did not read on because too much waited to be committed.
    ReadsHeld,
    /// The server had no ring to give.
    PoolEmpty,
    /// The keys of an epoch were replaced.
    EpochCrossed,
    /// A handshake used real RSA.
    RealRsa,
    /// At the end a device that should be a member had everything.
    DeviceSettled,
    /// At the end a device did not have to be a member.
    DeviceExempt,
    /// The run ended quiet: everything settled, everybody at the head.
    Quiet,
}

/// Counts of everything in [`Seen`].
#[derive(Clone, Debug)]
pub struct Coverage {
    counts: Vec<u64>,
}

impl Coverage {
    /// Nothing happened yet.
    #[must_use]
    pub fn new() -> Self {
        Self { counts: vec![0; Seen::ALL.len()] }
    }

    /// It happened.
    pub fn count(&mut self, seen: Seen) {
        self.add(seen, 1);
    }

    /// It happened so many times.
    pub fn add(&mut self, seen: Seen, times: u64) {
        self.counts[seen as usize] += times;
    }

    /// How often it happened.
    #[must_use]
    pub fn of(&self, seen: Seen) -> u64 {
        self.counts[seen as usize]
    }

    /// Adds what happened in another simulation.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
    }

    /// What never happened.
    #[must_use]
    pub fn missing(&self) -> Vec<Seen> {
        Seen::ALL.iter().copied().filter(|seen| self.of(*seen) == 0).collect()
    }
}

impl Default for Coverage {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Display for Coverage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for row in Seen::ALL.chunks(3) {
            for seen in row {
                write!(f, "{:<24}{:>10}   ", format!("{seen:?}"), self.of(*seen))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_merges_and_names_what_never_happened() {
        let mut one = Coverage::new();
        one.count(Seen::Lost);
        let mut all = Coverage::new();
        all.add(Seen::Lost, 2);
        all.merge(&one);
        assert_eq!(all.of(Seen::Lost), 3);
        assert!(all.missing().contains(&Seen::Reset));
        assert!(!all.missing().contains(&Seen::Lost));
    }
}
