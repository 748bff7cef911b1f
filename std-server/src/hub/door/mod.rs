//! Strangers: what unauthenticated packets may touch.

pub(super) mod accepts;
pub(super) mod half_open;
pub(super) mod limiter;
pub(super) mod prefix;
mod receive;
pub(super) mod shares;
