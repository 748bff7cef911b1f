//! Command lines: usage errors in one line, help on standard output.

use std::io::{self, Write};

use clap::error::ErrorKind;

/// Formats a usage error of `program` as one line. `None`: the command line requests help or the
/// version, which is no error.
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
    // A list follows its heading.
    let line = words.join("; ").replace(":; ", ": ");
    Some(format!("{} (see {program} --help)", line.strip_prefix("error: ").unwrap_or(&line)))
}

/// Prints the requested help or version. A closed pipe is no error.
///
/// # Errors
/// If standard output cannot be written.
pub fn print_help(error: &clap::Error) -> io::Result<()> {
    match error.print().and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usage_error_is_one_line() {
        let command = clap::Command::new("kabar").arg(clap::Arg::new("INVITE").required(true));
        let error = command.clone().try_get_matches_from(["kabar"]).unwrap_err();
        let line = "the following required arguments were not provided: <INVITE> (see kabar --help)";
        assert_eq!(usage_error(&error, "kabar").as_deref(), Some(line));
        let help = command.try_get_matches_from(["kabar", "--help"]).unwrap_err();
        assert_eq!(usage_error(&help, "kabar"), None);
    }
}
