//! The content of a full screen, free of any toolkit.

pub mod span;
pub mod text;
