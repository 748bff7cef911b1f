//! The content of a full screen, free of any toolkit.

pub mod editor;
pub mod span;
pub mod text;
pub mod transcript;
