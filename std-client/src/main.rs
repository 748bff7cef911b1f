//! The `kabar` command.
fn main() {}
