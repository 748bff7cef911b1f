//! The command line of `kabar`: the subcommands, each with its arguments from [`crate::commands`],
//! and the completions and manual pages that follow from them.

use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{CommandFactory, Parser, Subcommand};
use kabar_std::data_dir::FileError;

use crate::commands::arguments::SessionArguments;
#[cfg(unix)]
use crate::commands::bridge::{self, BridgeArguments};
use crate::commands::get::{self, GetArguments};
use crate::commands::history::{self, HistoryArguments};
use crate::commands::host::{self, HostArguments};
use crate::commands::identity::{self, IdentityAction};
use crate::commands::join::{self, JoinArguments};
use crate::commands::send::{self, SendArguments};
use crate::commands::servers::{self, ServersAction};
#[cfg(feature = "web")]
use crate::commands::web::{self, WebArguments};
use crate::commands::{config as config_command, print, wizard};
use crate::config;
use crate::language::{self, Language, locale};
use crate::line::json;
use crate::outcome::{CommandError, Outcome};

/// The name of the program.
pub const PROGRAM: &str = "kabar";

const EXIT_CODES: &str = "Exit codes: 0 done, 1 error, 2 usage, 3 server not reached, 4 wrong secret, \
    password or server identity, 5 name taken or not allowed, 6 something was not sent, or is only sent the next time, 7 ended by the room, 130 interrupted.";

/// The part of `--help` about pipes.
const PIPES: &str = "\
Without a terminal, this is a filter: each line of standard input is posted, each entry of the room \
is a line of standard output, and notices go to standard error. At the end of input it leaves as soon \
as everything is stored. Entries that were written are not written again when the same identity joins \
the next time. Only the lines !q, /quit, /who and /help are commands.";

/// Encrypted group chat. One command hosts a room, one line joins it.
///
/// To begin, type `kabar host`: it prints the line with which others join. Without a command, kabar
/// asks for the room to join.
#[derive(Debug, Parser)]
#[command(name = PROGRAM, version, after_help = EXIT_CODES)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Use lines with a prompt instead of the full screen.
    #[arg(long)]
    pub plain: bool,

    /// The directory of identities, known servers, hosted rooms and your position in rooms
    /// [default: the user's data directory].
    #[arg(long, global = true, value_name = "DIR", env = "KABAR_DATA_DIR", hide_env_values = true)]
    pub data_dir: Option<PathBuf>,

    /// The language of what you read: en or id [default: the setting `language`, or that of LANG].
    #[arg(long = "lang", global = true, value_name = "CODE", value_parser = language_parser())]
    pub language: Option<Language>,

    /// The file of your settings, which `kabar config` describes [default: config.toml in the
    /// user's directory of configurations].
    #[arg(long, global = true, value_name = "FILE", env = "KABAR_CLIENT_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Host a room on this computer, and join it.
    #[command(after_help = EXIT_CODES, after_long_help = long_help())]
    Host(HostArguments),
    /// Join a room.
    #[command(after_help = EXIT_CODES, after_long_help = long_help())]
    Join(JoinArguments),
    /// Send files to a room.
    ///
    /// Returns when they are in the room. What was sent before an interruption is not sent again:
    /// type the same command, or join the room.
    #[command(after_help = EXIT_CODES)]
    Send(SendArguments),
    /// Receive a file from a room.
    ///
    /// Prints its path. Every part of it is proven to be what was sent. After an interruption it
    /// goes on where it was.
    #[command(after_help = EXIT_CODES)]
    Get(GetArguments),
    /// Open everything that you are in as a page in your browser.
    ///
    /// The page is served on 127.0.0.1 only, to browsers that open the printed address. It is
    /// there until Ctrl-C or /quit; rooms are joined and left on it.
    #[cfg(feature = "web")]
    #[command(after_help = EXIT_CODES)]
    Web(WebArguments),
    /// List or forget known servers and rooms, or accept another key of a server.
    Servers {
        /// The action [default: list].
        #[command(subcommand)]
        action: Option<ServersAction>,
    },
    /// Show the key by which rooms recognise you, or take it to another computer.
    Identity {
        /// The action [default: show].
        #[command(subcommand)]
        action: Option<IdentityAction>,
    },
    /// Print what you received in rooms on this computer, or search in it. No server is needed.
    History(HistoryArguments),
    /// Print your settings, each with its origin, as a configuration file.
    #[command(after_long_help = config_command::long_help())]
    Config,
    /// Forward packets between devices on serial lines and a server, without being able to read
    /// them.
    #[cfg(unix)]
    Bridge(BridgeArguments),
    /// Print a completion script for your shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man {
        /// Write one page per command into this directory instead.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn run(self) -> Result<Outcome, CommandError> {
        self.choose_language();
        let Self { command, plain, data_dir, config: file, language } = self;
        let settings = |mut session: SessionArguments| {
            session.plain |= plain;
            session.settings(file.as_deref()).map(|settings| (session, settings))
        };
        match command {
            None => wizard::run(data_dir, settings(SessionArguments::default())?.1),
            Some(Command::Host(arguments)) => {
                let (session, settings) = settings(arguments.session)?;
                host::run(HostArguments { session, ..arguments }, data_dir, settings)
            }
            Some(Command::Join(arguments)) => {
                let (session, settings) = settings(arguments.session)?;
                join::run(JoinArguments { session, ..arguments }, data_dir, settings)
            }
            Some(Command::Send(arguments)) => send::run(arguments, data_dir, file.as_deref()),
            Some(Command::Get(arguments)) => get::run(arguments, data_dir, file.as_deref()),
            #[cfg(feature = "web")]
            Some(Command::Web(arguments)) => web::run(arguments, data_dir, file.as_deref()),
            Some(Command::Servers { action }) => servers::run(action, data_dir),
            Some(Command::Identity { action }) => identity::run(action, data_dir),
            Some(Command::Config) => config_command::run(language, file.as_deref()),
            Some(Command::History(arguments)) => history::run(&arguments, data_dir),
            #[cfg(unix)]
            Some(Command::Bridge(arguments)) => bridge::run(arguments),
            Some(Command::Completions { shell }) => completions(shell),
            Some(Command::Man { out }) => manual(out.as_deref()),
        }
    }

    /// Chooses the language of the process. Objects for programs have English sentences. On a page,
    /// the browser chooses if nobody else does.
    fn choose_language(&self) {
        let has_objects = match &self.command {
            Some(Command::Host(arguments)) => arguments.session.json,
            Some(Command::Join(arguments)) => arguments.session.json,
            Some(Command::Send(arguments)) => arguments.session.json,
            Some(Command::Get(arguments)) => arguments.session.json,
            _ => false,
        };
        if has_objects {
            language::choose(Language::ENGLISH);
            return;
        }
        let environment = |name: &str| std::env::var_os(name);
        let set = config::language(self.language, &environment, self.config.as_deref());
        if let Some(language) = set.or_else(|| locale::of_environment(&environment)) {
            language::choose(language);
        }
    }
}

/// Parses the code of a language.
fn language_parser() -> impl TypedValueParser<Value = Language> {
    PossibleValuesParser::new(Language::all().map(Language::code)).try_map(|code| code.parse::<Language>())
}

/// The part of the help that `--help` shows and `-h` does not.
fn long_help() -> String {
    format!("{PIPES}\n\n{}\n\n{EXIT_CODES}", json::HELP)
}

fn completions(shell: clap_complete::Shell) -> Result<Outcome, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), PROGRAM, &mut script);
    print(&script)
}

fn manual(out: Option<&Path>) -> Result<Outcome, CommandError> {
    let command = Cli::command();
    let Some(folder) = out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page).map_err(CommandError::Print)?;
        return print(&page);
    };
    std::fs::create_dir_all(folder).map_err(FileError::new("create", folder))?;
    clap_mangen::generate_to(command, folder).map_err(FileError::new("write to", folder))?;
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use kabar_core::crypto::rsa::KeySize;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn hosting_has_the_defaults_of_the_server() {
        let Some(Command::Host(host)) = Cli::parse_from(["kabar", "host"]).command else { panic!("host") };
        assert_eq!((host.listen.to_string().as_str(), host.room[0].as_str()), ("[::]:9999", "lobby"));
        assert_eq!(host.key_bits, KeySize::Bits2048);
    }
}
