//! Command lines: usage errors in one line, help on standard output.

use std::io::{self, Write};

use clap::error::ErrorKind;

/// A command line of `program` that is wrong, as one line; `None`: it asks for help or the version, which is no error.
#[must_use]
pub fn usage_error(error: &clap::Error, program: &str) -> Option<String> {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        return None;
    }
    let text = error.render().to_string();
    let mut words: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:")).collect();
    words.retain(|line| !line.is_empty() && !line.starts_with("For more information"));
    let line = words.join("; ");
    Some(format!("{} (see {program} --help)", line.strip_prefix("error: ").unwrap_or(&line)))
}

/// Prints the help or version that was asked for. A reader who has read enough is no failure.
///
/// # Errors
/// In one line, if it cannot be printed.
pub fn print_help(error: &clap::Error) -> Result<(), String> {
    match error.print().and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("cannot print: {error}")),
        _ => Ok(()),
    }
}
