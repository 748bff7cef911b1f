//! The command line flags of settings, made from their tables.

use clap::{ArgAction, ArgMatches};

use super::sources::{all_names, flag_of_limit, flag_of_setting, flags_of};
use super::{Config, Flags, SETTINGS, settings};
use crate::hub::LIMITS;

/// All flags of `kabar-server run`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFlags {
    /// Settings.
    pub flags: Flags,
    /// Whether the password is the first line of stdin.
    pub password_stdin: bool,
}

impl clap::FromArgMatches for RunFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self { flags: Flags::of(matches, all_names()), password_stdin: matches.get_flag("password-stdin") })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for RunFlags {
    fn augment_args(command: clap::Command) -> clap::Command {
        let stdin = clap::Arg::new("password-stdin")
            .long("password-stdin")
            .help("Reads the password from the first line of stdin (also: KABAR_PASSWORD in the environment)")
            .action(ArgAction::SetTrue)
            .conflicts_with("password-file");
        command.args(SETTINGS.iter().map(flag_of_setting)).arg(stdin).args(LIMITS.iter().map(flag_of_limit))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

/// Declares a set of flags for some settings.
macro_rules! some_flags {
    ($(#[$doc:meta])+ $name:ident = $settings:path) => {
        $(#[$doc])+
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name {
            flags: Flags,
        }

        impl $name {
            /// Resolves the settings.
            ///
            /// # Errors
            /// As [`Config::resolve`].
            pub fn resolve(&self) -> Result<Config, String> {
                Config::from_process(&self.flags)
            }
        }

        impl clap::FromArgMatches for $name {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
                Ok(Self { flags: Flags::of(matches, $settings.iter().copied()) })
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                *self = Self::from_arg_matches(matches)?;
                Ok(())
            }
        }

        impl clap::Args for $name {
            fn augment_args(command: clap::Command) -> clap::Command {
                // A subcommand of the subcommand takes them, too.
                command.args(flags_of($settings).into_iter().map(|flag| flag.global(true)))
            }

            fn augment_args_for_update(command: clap::Command) -> clap::Command {
                Self::augment_args(command)
            }
        }
    };
}

some_flags! {
    /// The flags that locate a room's data, for subcommands that work without a running server.
    RoomArgs = settings::ROOM_ARGS
}

some_flags! {
    /// The flags that locate the data of all rooms.
    StorageArgs = settings::STORAGE_ARGS
}

some_flags! {
    /// The flags of [`RoomArgs`], and those that determine the addresses in invites.
    InviteArgs = settings::INVITE_ARGS
}
