//! Two connections over a hostile link in virtual time.

mod ends;
mod link;
mod sizes;
mod streams;
