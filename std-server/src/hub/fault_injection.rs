//! Deliberate faults of the hub, which tests switch on to check that they are noticed. Without the
//! feature `fault-injection`, which only the package `tests` enables, no fault can be switched on
//! and the branches that ask for one compile to nothing.

/// The faults as the hub asks for them: without the feature, none.
#[derive(Clone, Copy)]
pub(super) struct Faults(#[cfg(feature = "fault-injection")] pub(super) FaultInjection);

macro_rules! faults {
    ($($(#[$doc:meta])+ $fault:ident)+) => {
        /// Faults that a test switches on to check that it notices them.
        #[cfg(feature = "fault-injection")]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct FaultInjection {
            $($(#[$doc])+ pub $fault: bool,)+
        }

        impl Faults {
            $(
                $(#[$doc])+
                #[inline]
                pub(super) const fn $fault(self) -> bool {
                    #[cfg(feature = "fault-injection")]
                    let is_on = self.0.$fault;
                    #[cfg(not(feature = "fault-injection"))]
                    let is_on = false;
                    is_on
                }
            )+
        }
    };
}

faults! {
    /// The highest number is looked up per identity instead of per instance.
    dedup_by_identity
    /// Entries are sent when their commit begins.
    entry_before_commit
    /// Stored is sent when the post arrives.
    stored_before_commit
    /// Every 16th entry is skipped.
    skip_an_entry
    /// After a refusal, posts are accepted without waiting for `settled`.
    accept_after_refusal
    /// A post that waits for its commit is accepted again when it is repeated.
    forget_pending
    /// Joined is written for every session of a member.
    announce_each_session
    /// A rename is answered before its commit.
    renamed_before_commit
    /// A ban is recorded, and its member stays connected.
    keep_banned_members
    /// A closed room keeps its members, and takes their posts.
    keep_closed_rooms
    /// A removed body stays in memory.
    keep_removed_bodies
    /// A post is written to the first room of its connection.
    post_to_first_room
    /// A number that is stored in one room of a connection counts as stored in all of them.
    count_numbers_together
    /// An upload is recorded before it is durable.
    record_before_durable
    /// An upload goes on a group too late.
    resume_too_late
    /// A bit of each download is changed.
    alter_downloads
    /// A packet is acknowledged before it is known whether its data fits.
    acknowledge_unchecked
}

/// Is part of every program that is built with the feature; `tests/ci.sh` searches programs for it.
#[cfg(feature = "fault-injection")]
pub(super) fn mark_program() {
    core::hint::black_box("kabar-server: fault-injection is compiled in");
}
