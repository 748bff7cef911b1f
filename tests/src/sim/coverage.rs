//! Counts of what happened in a simulation. A simulator that passes because nothing happened proves
//! nothing, so every kind of event is counted, and a test requires each to have occurred.

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
    /// A datagram was lost by independent chance.
    Lost,
    /// A datagram was lost in a burst.
    LostInBurst,
    /// A datagram was lost in a partition.
    Partitioned,
    /// A datagram was held during a partition and arrived much later.
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
    /// A datagram was sent to an address that nobody uses.
    Nowhere,
    /// A path began to drop larger datagrams.
    Narrowed,
    /// A datagram was lost in the burst when its path began to drop larger ones.
    LostInNarrowing,
    /// The server's wall clock jumped.
    ClockJumped,
    /// A client was refused a name that belongs to somebody else.
    NameTaken,
    /// A member stopped acknowledging and continued to send.
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
    /// The server's state was compared before and after a datagram that does not authenticate.
    Compared,
    /// An adversary did something.
    AdversaryActed,
    /// An entry of an adversary was committed.
    AdversaryCommitted,
    /// A client process started.
    ClientStarted,
    /// A client process was killed.
    ClientKilled,
    /// A client process left on its own.
    ClientLeft,
    /// A client process ended for another reason.
    ClientEnded,
    /// A client process was suspended for a while.
    ClientSuspended,
    /// A client stopped reading for a while.
    ReaderStalled,
    /// A client never reads.
    NeverReads,
    /// A session made room for another one of its identity.
    Replaced,
    /// Two processes of one identity were members at once.
    Together,
    /// A member was given the name that it asked for.
    Renamed,
    /// A request for another name was refused.
    NotRenamed,
    /// A client joined one more room, or one again.
    AnotherRoom,
    /// A client's membership in one of several rooms ended.
    RoomEnded,
    /// A client was informed of a room.
    RoomListed,
    /// A client was refused because the room does not exist, or not for it.
    UnknownRoom,
    /// A client left one of several rooms.
    Parted,
    /// A room was closed.
    RoomClosed,
    /// A closed room was opened again.
    RoomOpened,
    /// A membership ended because its room was closed.
    EndedByClosing,
    /// A topic was set.
    TopicSet,
    /// A client was informed of a topic after it joined.
    TopicStated,
    /// It was set how much of the log of a room is kept.
    RetentionSet,
    /// A member that lagged was disconnected because entries after its cursor were gone.
    Lagged,
    /// An identity was made an operator.
    Appointed,
    /// A command of a member was executed.
    Operated,
    /// A client was answered that its command was executed, or why not.
    OperationAnswered,
    /// A client was answered that it is no operator.
    OperationRefused,
    /// The operator banned or muted an identity.
    Sanctioned,
    /// A ban or mute was lifted.
    SanctionLifted,
    /// A device was refused, or its connection closed, because it is banned.
    Banned,
    /// A client was answered that an entry is removed.
    BodyRemoved,
    /// A request to remove an entry was refused.
    BodyNotRemoved,
    /// The removal of an entry was committed.
    RemovalCommitted,
    /// Entries went because the log exceeded what is kept of it.
    Expired,
    /// An invite admitted an identity.
    InviteUsed,
    /// A device was refused because its invite has ended.
    InviteEnded,
    /// The operator let a newcomer in.
    LetIn,
    /// The operator turned a newcomer away.
    TurnedAway,
    /// A process that was replaced or kicked was started again.
    Restarted,
    /// A device started again with its earlier seed.
    SameSeed,
    /// A datagram for an earlier process with the same seed was withheld from the present one.
    TooOld,
    /// A store survived its process.
    StoreKept,
    /// A store fell back to its last saved state.
    StoreRolledBack,
    /// The server was killed.
    ServerKilled,
    /// The server was killed before a commit.
    KilledBeforeCommit,
    /// The server was killed between a commit and its completion.
    KilledAfterCommit,
    /// The server was killed when a commit was complete and before anything of it was sent.
    KilledBeforeSend,
    /// The server was shut down and announced it.
    ServerShutDown,
    /// The server was suspended for a while.
    ServerSuspended,
    /// The server started.
    ServerStarted,
    /// An older log was restored.
    Restored,
    /// Old entries were removed between two runs.
    Removed,
    /// A client reported such a gap.
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
    /// An upload was stored.
    Uploaded,
    /// An upload went on where an earlier one had ended.
    UploadResumed,
    /// A content was fetched whole.
    Downloaded,
    /// A download went on where an earlier one had ended.
    DownloadResumed,
    /// The server ended a transfer.
    TransferCancelled,
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
    /// An answer to History arrived.
    HistoryEntry,
    /// A request for older entries was answered completely.
    Answered,
    /// An answer to ListMembers arrived.
    MemberAnswer,
    /// A client joined for the first time.
    Joined,
    /// A client joined again and resumed at its cursor.
    Resumed,
    /// A client reported that its cursor is not valid.
    Reset,
    /// A client reported that its connection was lost.
    ConnectionLost,
    /// A Join was refused.
    JoinRefused,
    /// A client was offered a key and accepted it.
    KeyAccepted,
    /// A client was offered a wrong key and declined.
    KeyDeclined,
    /// A packet was sent again.
    Retransmitted,
    /// The server dropped a packet because a table or a ring buffer was full.
    NoRoom,
    /// The server sent a Hint.
    HintSent,
    /// The server read older entries from its store.
    PageRead,
    /// A post arrived again.
    PostsRepeated,
    /// A post was left unread because its member posts too fast.
    PostsHeld,
    /// A post was ignored after a refusal.
    PostsIgnored,
    /// A table of the server was full.
    TableFull,
    /// The server paused a stream because too much waited to be committed.
    ReadsHeld,
    /// The server had no ring buffer left.
    PoolEmpty,
    /// The keys of an epoch were replaced by those of the next.
    EpochCrossed,
    /// A handshake used real RSA.
    RealRsa,
    /// At the end, a device that should be a member had every entry.
    DeviceSettled,
    /// At the end, a device was not required to be a member.
    DeviceExempt,
    /// At the end, every post was settled and every member was at the head.
    Quiet,
}

/// A count for each value of [`Seen`].
#[derive(Clone, Debug)]
pub struct Coverage {
    counts: Vec<u64>,
}

impl Coverage {
    /// All counts are 0.
    #[must_use]
    pub fn new() -> Self {
        Self { counts: vec![0; Seen::ALL.len()] }
    }

    /// Counts one occurrence.
    pub fn count(&mut self, seen: Seen) {
        self.add(seen, 1);
    }

    /// Counts `times` occurrences.
    pub fn add(&mut self, seen: Seen, times: u64) {
        self.counts[seen as usize] += times;
    }

    /// Number of occurrences.
    #[must_use]
    pub fn of(&self, seen: Seen) -> u64 {
        self.counts[seen as usize]
    }

    /// Adds the counts of another simulation.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
    }

    /// Everything that never happened.
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
    fn counts_merges_and_lists_what_never_happened() {
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
