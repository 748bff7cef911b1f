//! Classic members (SPEC 11): members like others, reached in clear.

mod members;
mod strangers;
