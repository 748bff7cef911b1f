//! The engine: connections to several servers, and the rooms on them. A front end gives
//! [`Command`]s and takes [`Event`]s; it has no state of the protocol, and the engine has no screen.
//!
//! ```text
//! front end --- Handle::send(Command) ---> engine thread: one session per server, one poll
//!           <-- Events::recv/try_recv ---
//! ```
//! # Contract
//!
//! * **Threads.** `start` starts one thread, which owns all sessions, their sockets and clocks.
//!   [`Handle`] can be cloned and used from any thread; [`Events`] has one reader. Neither side calls
//!   into the other. The `wake` function of the `EngineConfig` is called on the engine's thread
//!   whenever an event was added, so that an event loop can wait for something else as well; it must
//!   not block.
//! * **Order.** Events come in the order in which they happened. Of a server: `ServerAdded`, then
//!   `RoomAdded` of each room; nothing about a room precedes its `RoomAdded`, nothing follows its
//!   `Parted` or `RoomEnded` but the fate of posts (`Stored`, `PostRefused`); nothing about a server
//!   follows its `ServerEnded`; nothing at all follows `Ended`. `OwnName` precedes the first `Joined`
//!   of a server. Commands take effect in the order of their sending, and the events that answer them
//!   keep it as far as the server does.
//! * **Answers.** Each [`Command`] names the events that answer it. A command about a server or room
//!   that has ended is ignored: the front end has, or gets, the event about that. `Post` alone is
//!   always answered.
//! * **Backpressure.** At most [`QUEUE_LEN`] events that come from servers wait to be taken. While
//!   that many do, the sessions take nothing more from their clients, whose windows stop the servers;
//!   no event is dropped. Answers and reports do not count: there are at most as many as there were
//!   commands. An entry counts as displayed only when the front end saves its
//!   [`Entry::position`](event::Entry), so nothing that waits here is lost by a crash.
//! * **Independence.** A server that is not reached, refuses, or reconnects does not delay another
//!   one. After `ServerEnded` the engine goes on with the others, or without any.
//! * **End.** [`Command::Stop`] ends each session, then the thread; `Ended` is the last event. From
//!   then on [`Events::has_ended`] returns `true` even while events wait, so that a front end which
//!   waits for its own output learns of it. The engine also stops, as by
//!   [`Stop::Abort`], when [`Events`] is dropped.
//!
//! Sentences about events are made by [`crate::messages`].

pub mod command;
pub mod event;
mod queue;

pub use command::{
    Command, KeyPolicy, MAX_WAITING_POSTS, ReplayFrom, RoomCredential, RoomRequest, ServerRequest, Stop,
};
pub use event::{Event, RoomId, ServerId};
pub use queue::{Events, Handle, QUEUE_LEN};
