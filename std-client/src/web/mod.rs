//! The front end in a browser: an HTTP server on 127.0.0.1, and a page. Takes the events of the
//! [engine](crate::engine), and gives it commands.
//!
//! ```text
//! browser --- HTTP, WebSocket --- server: one thread, tokio --- Input ---> Front: one thread
//!                                        <--------------- PageSender ---  |   ^
//!                                                                 Command v   | Event
//!                                                                       engine
//! ```
//! * [`front`]: the state of the rooms, and the way of each message and event.
//! * [`protocol`]: the messages between the program and a page.
//! * [`server`]: requests, and which of them are refused. Nothing else knows tokio.
//! * [`browser`]: opens the page. [`spool`]: files that a page sends. [`cache`]: files
//!   that it displays or saves. [`picture`]: which of them it displays.
//! * `page/`: the page itself, embedded in the program. It loads nothing from elsewhere, and
//!   displays everything that comes from a room as text.
//!
//! # Protection
//!
//! Other users of the computer reach the port, and so do pages of other sites in the user's
//! browser. A page is served only to a browser that knows a random token: it is in the fragment of
//! the printed address, which no browser sends, and is exchanged for a cookie. Requests with
//! another `Host` (DNS rebinding) or `Origin` are refused. See [`server::guard`].
//!
//! A page sends what its user gives to it, and no file of this computer by its path. A content of a
//! file is served from the cache alone: as a picture, if its first bytes are those of one and its
//! sender is not ignored, otherwise as an attachment; see `server::content`.
//!
//! Nothing grows without bound: connections, WebSockets, the size of a message, the queue to a page
//! and the entries that are kept of a room have limits next to their owners. A page that does not
//! read is disconnected, and gets a snapshot when it connects again.

pub mod browser;
pub mod cache;
pub mod front;
pub mod picture;
pub mod protocol;
pub mod server;
pub mod spool;
#[cfg(test)]
mod tests;
