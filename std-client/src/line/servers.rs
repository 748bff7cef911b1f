//! The servers of a run, as they are displayed.

use kabar_core::session::Fingerprint;
use kabar_std::address::Places;

use crate::engine::ServerId;

/// A server.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) id: ServerId,
    pub(super) places: Places,
    /// Whether this process hosts its rooms.
    pub(super) is_host: bool,
    /// Its key, once a room was joined.
    pub(super) key: Option<Fingerprint>,
    /// The user's name on it.
    pub(super) name: String,
    /// Whether the server chose the name, which is to be reported.
    pub(super) is_name_chosen: bool,
    /// Whether the connection is open.
    pub(super) is_online: bool,
    /// Rooms that may be joined, as far as is known.
    pub(super) listed: Vec<String>,
    /// The list of rooms that was requested, and whether it is displayed.
    pub(super) list_wanted: Option<bool>,
}

impl Server {
    pub(super) fn new(id: ServerId, places: Places, is_host: bool) -> Self {
        let (key, name, is_name_chosen, is_online) = (None, String::new(), false, false);
        Self { id, places, is_host, key, name, is_name_chosen, is_online, listed: Vec::new(), list_wanted: None }
    }
}
