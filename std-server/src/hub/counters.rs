//! The counters of a hub. They never decrease.

/// One counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CounterValue {
    /// Its name.
    pub name: &'static str,
    /// A description of the count.
    pub help: &'static str,
    /// Whether it counts dropped datagrams.
    pub is_drop: bool,
    /// The count.
    pub value: u64,
}

/// Declares [`Counters`] from one list: a sentence and a name each; `@dropped` marks reasons to
/// drop a datagram.
macro_rules! counters {
    ($($(#[doc = $help:literal])+ $(@$mark:ident)? $name:ident,)+) => {
        /// Counts since the hub was created.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Counters {
            $($(#[doc = $help])+ pub $name: u64,)+
        }

        impl Counters {
            /// All of them.
            pub fn all(&self) -> impl Iterator<Item = CounterValue> {
                [$(CounterValue {
                    name: stringify!($name),
                    help: concat!($($help),+).trim_ascii(),
                    is_drop: is_drop(&[$(stringify!($mark))?]),
                    value: self.$name,
                },)+].into_iter()
            }
        }
    };
}

counters! {
    /// Datagrams that came in.
    datagrams,
    /// Datagrams that went out.
    transmits,
    /// Bytes of datagrams that came in.
    bytes_in,
    /// Bytes of datagrams that went out.
    bytes_out,
    /// Entries whose bodies were removed.
    removals,
    /// Removals refused: the author asked too late.
    removals_late,
    /// Rooms that were read from the store.
    rooms_loaded,
    /// Reads of rooms that waited for others.
    room_loads_held,
    /// Rooms that left memory because nobody was in them.
    rooms_dropped,
    /// Rooms that were not created: there are too many.
    rooms_full,
    /// Uploads refused: the file is too long.
    files_too_large,
    /// Uploads refused: the member has sent too much that is kept.
    member_files_full,
    /// Uploads refused: too much is kept.
    all_files_full,
    /// Transfers that were put off: there are too many.
    transfers_full,
    /// Transfers that ended because they made no progress.
    transfers_stalled,
    /// Transfers that ended because a file could not be read or written.
    transfers_failed,
    /// Times that an upload had to wait because the disk was full.
    uploads_held,
    /// Uploads that ended because a part of the file did not prove.
    uploads_not_proven,
    /// Uploads that are stored durably.
    uploads_stored,
    /// Files sent to members, whole or in part.
    downloads_sent,
    /// Files that were removed because no entry named them.
    contents_collected,
    /// Files that could not be removed.
    contents_not_removed,
    /// Entries that were no longer kept.
    entries_expired,
    /// Datagrams dropped: the CRC does not match.
    @dropped damaged,
    /// Datagrams dropped: a version, type or suite that does not exist.
    @dropped unknown,
    /// Datagrams dropped: the body breaks its layout, or a client does not send this.
    @dropped malformed,
    /// Datagrams dropped: a Hello for another key or too short for its answer, a ciphertext for
    /// another key.
    @dropped wrong_key,
    /// Datagrams dropped: a cookie that is not valid.
    @dropped wrong_cookie,
    /// Datagrams dropped: the tag does not verify.
    @dropped not_authentic,
    /// Datagrams dropped: seen before.
    @dropped replayed,
    /// Datagrams dropped: too old.
    @dropped stale,
    /// Datagrams dropped: no room for its data now; it will come again.
    @dropped no_room,
    /// Packets of connections opened and taken.
    packets_received,
    /// Packets of connections sealed and sent.
    packets_sent,
    /// Packets sent whose stream data was sent again.
    packets_resent,
    /// Packets sent and declared lost.
    packets_lost,
    /// Chat messages read from members' streams.
    messages_in,
    /// Chat messages written to members' streams.
    messages_out,
    /// Challenges sent.
    challenges,
    /// Accepts sent, repeated ones included.
    accepts,
    /// Hints sent.
    hints,
    /// Hints not sent, to keep their rate.
    hints_limited,
    /// Initiates dropped: the cookie was used up.
    @dropped cookies_limited,
    /// Cookies whose use was forgotten before they ended, to make room for others.
    cookies_full,
    /// Initiates dropped: the half-open table is full; they, or older ones of a fuller prefix.
    @dropped half_open_full,
    /// Initiates dropped: the half-open entries of a prefix are used up.
    @dropped half_open_prefix_full,
    /// Initiates dropped: too many jobs wait; they, or older ones of a fuller prefix.
    @dropped accept_jobs_full,
    /// Initiates dropped: the bucket of an address is empty.
    @dropped handshakes_limited,
    /// Initiates that came while the server was busy.
    handshakes_busy,
    /// Times a bucket that was not full had to make room for that of another address.
    buckets_full,
    /// Half-open entries, connections that have not joined and waiting Joins given up for those of
    /// lighter prefixes.
    displaced,
    /// Answers to strangers dropped: too many wait to be sent.
    answers_dropped,
    /// Handshakes whose ciphertext or share was not acceptable.
    handshakes_failed,
    /// Half-open entries that expired.
    half_open_expired,
    /// First sealed packets that met too many connections: dropped, or an older connection was
    /// given up.
    @dropped connections_full,
    /// First sealed packets that met too many connections that have not joined: dropped, or an
    /// older one was given up.
    @dropped unjoined_full,
    /// Connections opened.
    connections,
    /// Connections closed because no Join came in time.
    not_joined,
    /// Connections closed because a message broke its rules.
    broken_messages,
    /// Joins admitted.
    joins,
    /// Joins refused.
    refused,
    /// Joins refused: banned.
    banned,
    /// Refused connections closed before they acknowledged the reason.
    refusals_unheard,
    /// Joins refused: too many wrong passwords from there.
    passwords_limited,
    /// Joins that had to wait: too many wrong passwords in all.
    room_passwords_limited,
    /// Joins refused: their password was not checked in time.
    passwords_unchecked,
    /// Joins refused: too many wait for their password.
    password_queue_full,
    /// Wrong passwords.
    wrong_passwords,
    /// Bytes of the classic dialect that passed in clear, in both directions.
    classic_bytes,
    /// Times that a classic client logged in with the right password.
    classic_logins,
    /// Logins and texts of classic clients refused.
    classic_refused,
    /// Classic logins refused: there are too many members.
    classic_full,
    /// Classic members that were silent for too long.
    classic_timed_out,
    /// Datagrams of the classic dialect dropped: too many from there.
    @dropped classic_limited,
    /// Datagrams of the classic dialect dropped: they decrypt to no text with the key of their
    /// address.
    @dropped classic_undecrypted,
    /// Invites not made because there are too many.
    invites_full,
    /// Joins refused, or given up for others: too many wait for an operator.
    approval_queue_full,
    /// Joins refused: no operator let them in in time.
    approvals_timed_out,
    /// Joins refused: their connection is in too many rooms.
    rooms_per_member_full,
    /// Joins refused: the room is full.
    room_full,
    /// Joins refused: too many members from the same prefix.
    prefix_members_full,
    /// Joins not announced: the room is large.
    unannounced,
    /// Members that vanished and did not return in time.
    not_returned,
    /// Joins not announced, and renames refused: their identity was announced too often.
    announcements_limited,
    /// Times a Join was not read yet: its identity joined too often.
    joins_held,
    /// Joins refused: too many new identities from there.
    newcomers_limited,
    /// New identities refused, or identities forgotten for them: as many are known as are kept.
    identities_full,
    /// Names that are free again because their owner was not seen for long.
    names_lapsed,
    /// Names forgotten because their owner has too many.
    names_crowded,
    /// Instances forgotten because they were not used for long.
    instances_lapsed,
    /// Instances forgotten because their identity has too many.
    instances_crowded,
    /// Bans and mutes refused because there are too many.
    sanctions_full,
    /// Operators and trusted identities not appointed: there are too many.
    privileges_full,
    /// Commands of operators passed on.
    operations,
    /// Commands refused: the member is not an operator.
    operations_refused,
    /// Answers to commands of operators that were cut off.
    outputs_cut,
    /// Joins of identities with as many sessions as are admitted.
    sessions_full,
    /// Sessions replaced by another one of the same identity, to make room for it.
    replaced,
    /// Posts taken.
    posts,
    /// Posts that were there already or wait already.
    posts_repeated,
    /// Posts refused for good.
    posts_refused,
    /// Of those, the ones that were too long.
    posts_too_long,
    /// Of those, the ones of muted members.
    posts_muted,
    /// Times a post was not read yet: its member posts faster than the room takes.
    posts_held,
    /// Posts passed over after a refusal.
    posts_ignored,
    /// Times a stream was not read on because too much waits to be committed.
    reads_held,
    /// Entries committed.
    entries,
    /// Batches committed.
    commits,
    /// Commits that failed.
    commits_failed,
    /// Commits with unknown outcome.
    commits_uncertain,
    /// Of those, the ones that had happened.
    commits_found,
    /// Pauses before a commit or reload was tried again.
    retries,
    /// Of those, the ones as long as they get.
    retries_longest,
    /// Look-ups of entries in the log, one by one or by page, for members that lag or ask for
    /// history.
    lookups,
    /// Times the rest of a connection's work had to wait until others had their turn.
    work_deferred,
    /// Pages of the log read from the store.
    pages_read,
    /// Pages that left memory to make room for others.
    pages_dropped,
    /// Times reads had to wait because too many were outstanding.
    page_reads_held,
    /// Entries that left the tail in memory.
    tail_dropped,
    /// Reads of the store that failed.
    reads_failed,
    /// Entries written to a member's stream.
    delivered,
    /// Stubs written to a member's stream.
    stubs,
    /// Times the pool had no free ring.
    pool_empty,
    /// Connections given up because others needed their rings, which did not move.
    reclaimed,
    /// Events dropped because nobody fetched them.
    events_dropped,
    /// Results of jobs dropped because their room does not exist.
    results_dropped,
}

/// Whether it is marked as counting drops.
fn is_drop(marks: &[&str]) -> bool {
    marks.contains(&"dropped")
}

impl Counters {
    /// Adds the counters of a connection.
    pub(super) fn add(&mut self, connection: &kabar_core::connection::Counters) {
        self.packets_received += connection.received;
        self.packets_sent += connection.sent;
        self.packets_resent += connection.resent;
        self.packets_lost += connection.lost;
    }
}
