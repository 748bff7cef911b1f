//! The end of the program. In the emulator it ends with an exit code; a product would reset here, or
//! sleep.

/// How the program ends: the exit code of the emulator.
#[derive(Clone, Copy, Debug)]
pub enum Exit {
    /// It left the room, and all its posts are stored.
    Left = 0,
    /// Its configuration is missing or malformed.
    NotProvisioned = 2,
    /// The hardware of its link does not answer.
    NoLink = 3,
    /// The room ended the connection.
    Ended = 7,
    /// The program panicked.
    Panic = 101,
    /// The processor found a fault.
    Fault = 103,
}

/// Ends the program.
pub fn exit(exit: Exit) -> ! {
    semihosting::process::exit(exit as i32)
}
