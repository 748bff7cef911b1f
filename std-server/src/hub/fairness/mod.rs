//! Fairness between address prefixes: bounded tables and rates that no single network can use up
//! (SPEC 3.7).

pub(super) mod limiter;
pub(super) mod prefix;
pub(super) mod shares;
