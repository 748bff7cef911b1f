//! What a hub counts. Everything only rises.

/// Counts since the hub began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Datagrams that came in.
    pub datagrams: u64,
    /// Datagrams that went out.
    pub transmits: u64,
    /// Dropped: the CRC does not match.
    pub damaged: u64,
    /// Dropped: a version, type or suite that does not exist.
    pub unknown: u64,
    /// Dropped: the body breaks its layout, or a client does not send this.
    pub malformed: u64,
    /// Dropped: a Hello for another key or too short for its answer, a ciphertext for another key.
    pub wrong_key: u64,
    /// Dropped: a cookie that is not valid.
    pub wrong_cookie: u64,
    /// Dropped: the tag does not verify.
    pub not_authentic: u64,
    /// Dropped: seen before.
    pub replayed: u64,
    /// Dropped: too old.
    pub stale: u64,
    /// Dropped: no room for its data now; it will come again.
    pub no_room: u64,
    /// Challenges sent.
    pub challenges: u64,
    /// Accepts sent, repeated ones included.
    pub accepts: u64,
    /// Hints sent.
    pub hints: u64,
    /// Hints not sent, to keep their rate.
    pub hints_limited: u64,
    /// Initiates dropped: the cookie was used up, or no more cookies can be counted.
    pub cookies_limited: u64,
    /// Initiates dropped: the half-open table is full.
    pub half_open_full: u64,
    /// Initiates dropped: the half-open entries of a prefix are used up.
    pub half_open_prefix_full: u64,
    /// Initiates dropped: too many jobs wait.
    pub accept_jobs_full: u64,
    /// Initiates dropped: the bucket of an address is empty while the server is busy.
    pub handshakes_limited: u64,
    /// Handshakes whose ciphertext or share was not acceptable.
    pub handshakes_failed: u64,
    /// Half-open entries that expired.
    pub half_open_expired: u64,
    /// First sealed packets dropped: too many connections, or too many that have not joined.
    pub connections_full: u64,
    /// Connections opened.
    pub connections: u64,
    /// Connections closed because no Join came in time.
    pub not_joined: u64,
    /// Connections closed because a message broke its rules.
    pub broken_messages: u64,
    /// Joins admitted.
    pub joins: u64,
    /// Joins refused.
    pub refused: u64,
    /// Joins refused: too many wrong passwords from there, or in all.
    pub passwords_limited: u64,
    /// Joins refused: too many wait for their password.
    pub password_queue_full: u64,
    /// Wrong passwords.
    pub wrong_passwords: u64,
    /// Joins refused: the room is full.
    pub room_full: u64,
    /// Members replaced by the same identity from elsewhere.
    pub replaced: u64,
    /// Posts taken.
    pub posts: u64,
    /// Posts that were there already or wait already.
    pub posts_repeated: u64,
    /// Posts refused for good.
    pub posts_refused: u64,
    /// Posts passed over after a refusal.
    pub posts_ignored: u64,
    /// Times a stream was not read on because too much waits to be committed.
    pub reads_held: u64,
    /// Entries committed.
    pub entries: u64,
    /// Batches committed.
    pub commits: u64,
    /// Commits that failed.
    pub commits_failed: u64,
    /// Commits with unknown outcome.
    pub commits_uncertain: u64,
    /// Of those, the ones that had happened.
    pub commits_found: u64,
    /// Pages of the log read from the store.
    pub pages_read: u64,
    /// Reads of the store that failed.
    pub reads_failed: u64,
    /// Entries written to a member's stream.
    pub delivered: u64,
    /// Stubs written to a member's stream.
    pub stubs: u64,
    /// Times no ring could be had from the pool.
    pub pool_empty: u64,
    /// Silent connections given up because others needed their rings.
    pub reclaimed: u64,
    /// Events dropped because nobody fetched them.
    pub events_dropped: u64,
}
