//! The configuration of the front end.

use std::path::PathBuf;
use std::time::Duration;

use kabar_std::data_dir::DataDir;

use crate::engine::ConnectRequest;

/// The configuration of the front end.
#[derive(Debug)]
pub struct LineConfig {
    /// The servers to connect to. The first room of the first one is shown.
    pub servers: Vec<ConnectRequest>,
    /// Holds the known servers and the positions in rooms.
    pub dir: DataDir,
    /// How long to wait, at the end, until the next line is stored.
    pub give_up: Duration,
    /// The folder for files that are received; `None`: that of the desktop.
    pub downloads: Option<PathBuf>,
    /// Lines of standard input that were read before.
    pub lines_taken: u64,
    /// Whether standard output has objects.
    pub is_json: bool,
    /// The invite and the address of a room that this process hosts.
    pub hosting: Option<(String, String)>,
}
