//! How a screen behaves.

use std::path::PathBuf;
use std::time::Duration;

use kabar_std::data_dir::DataDir;
use kabar_std::invite::Invite;

use super::notify::Notifications;
use super::theme::Theme;
use crate::engine::{ConnectRequest, ServerRequest};
use crate::outcome::CommandError;
use crate::view::keys::Bindings;
use crate::view::transcript::Joins;
use crate::view::transcript::line::TimeFormat;

/// Returns the request to connect to the server of an invite.
pub type Connect = Box<dyn Fn(Invite) -> Result<ServerRequest, CommandError>>;

/// A session with a full screen.
pub struct ScreenConfig {
    /// The servers to connect to.
    pub servers: Vec<ConnectRequest>,
    /// Holds the known servers and the positions in rooms.
    pub dir: DataDir,
    /// How long the next post may take to be stored when the user leaves.
    pub give_up: Duration,
    /// The folder for files that are received; `None`: that of the desktop.
    pub downloads: Option<PathBuf>,
    /// Whether the screen ends when its last server has ended.
    pub ends_with_servers: bool,
    /// Displayed once the first room was joined.
    pub opening: Option<String>,
    /// Connects to the server of an invite that is typed.
    pub connect: Connect,
    /// What it looks like.
    pub appearance: Appearance,
}

impl std::fmt::Debug for ScreenConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScreenConfig").field("servers", &self.servers).finish_non_exhaustive()
    }
}

/// What a screen looks like, how it makes itself noticed, and what keys do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appearance {
    /// Its colours.
    pub theme: Theme,
    /// How a mention is reported.
    pub notifications: Notifications,
    /// Whether the mouse is used. The terminal then selects text only with Shift.
    pub has_mouse: bool,
    /// The times of entries.
    pub time_format: TimeFormat,
    /// Joins and leaves.
    pub joins: Joins,
    /// What keys do.
    pub bindings: Bindings,
}
