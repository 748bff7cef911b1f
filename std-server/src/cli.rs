//! The command line of `kabar-server`: subcommands, of which `run` may be left out.

use clap::{Parser, Subcommand};

use crate::commands::{backup, check, completions, config, history, invite, man, restore, run};

/// The program's name, as it is called and as it speaks of itself.
pub const PROGRAM: &str = "kabar-server";

/// Hosts a room for encrypted chat over UDP.
///
/// Prints where it listens, then an invite that lets others in, then one line per thing that happens. What is typed is said to the
/// room; /help lists commands. SIGTERM or Ctrl-C stop it; SIGHUP opens the transcript again, or stops it where its terminal went away.
#[derive(Debug, Parser)]
#[command(name = PROGRAM, version, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::Arguments,
}

/// What the program is asked to do. Every subcommand is a module of [`crate::commands`] with `Arguments` and a function `run`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Hosts the room; what happens when no subcommand is named.
    Run(run::Arguments),
    /// Prints what lets others in, also while no server runs.
    Invite(invite::Arguments),
    /// Prints every setting, its value, and who said so, as a configuration file.
    Config(config::Arguments),
    /// Prints what was said: all of it, the last lines, since a time, or where words occur.
    History(history::Arguments),
    /// Looks for damage in the history.
    Check(check::Arguments),
    /// Copies the history, while the server runs or while it does not.
    Backup(backup::Arguments),
    /// Puts a backup in the place of the history, which is kept.
    Restore(restore::Arguments),
    /// Prints a completion script for a shell.
    Completions(completions::Arguments),
    /// Prints the manual page, or writes one per subcommand.
    Man(man::Arguments),
}

impl Arguments {
    /// What is to be done.
    #[must_use]
    pub fn into_command(self) -> Command {
        self.command.unwrap_or(Command::Run(self.run))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use kabar_std::command_line::usage_error;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn run_may_be_left_out() {
        let parse = |words: &[&str]| {
            let arguments = Arguments::parse_from([PROGRAM].iter().chain(words));
            let Command::Run(run) = arguments.into_command() else { panic!("{words:?} is not run") };
            format!("{run:?}")
        };
        assert_eq!(parse(&["--listen", "127.0.0.1:7"]), parse(&["run", "--listen", "127.0.0.1:7"]));
        assert_eq!(parse(&[]), parse(&["run"]));
        assert_ne!(parse(&[]), parse(&["--listen", "127.0.0.1:7"]));
    }

    #[test]
    fn a_wrong_command_line_is_told_in_one_line() {
        let told = |words: &[&str]| {
            let error = Arguments::try_parse_from([PROGRAM].iter().chain(words)).unwrap_err();
            usage_error(&error, PROGRAM)
        };
        let flag = told(&["--lisen", "1"]).unwrap();
        assert!(flag.contains("--lisen") && flag.contains("--listen") && !flag.contains('\n'), "{flag}");
        let command = told(&["runn"]).unwrap();
        assert!(command.contains("runn") && !command.contains('\n'), "{command}");
        assert_eq!((told(&["--help"]), told(&["--version"])), (None, None));
    }
}
