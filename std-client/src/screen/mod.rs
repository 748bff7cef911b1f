//! The full screen: draws a [`View`] on a terminal by `ratatui`, and reads keys by `crossterm`.
//!
//! ```text
//! terminal --- kabar-keys thread ----+
//! engine ----- Waker ----------------+--> InputQueue --> session: one thread, draws what has changed
//! signals ---- kabar-signals thread -+
//! ```
//! * `session`: the loop, and the effects of the view. `queue`: its inputs. `config`: how a screen
//!   behaves.
//! * `terminal`: taken over, and given back. `stops`: SIGTSTP. `input`: keys. `draw`, `backend`:
//!   cells and links. [`theme`]: colours. [`notify`]: bell, notifications, title.

mod backend;
mod config;
mod draw;
mod input;
pub mod notify;
mod queue;
mod session;
mod stops;
mod terminal;
#[cfg(test)]
mod tests;
pub mod theme;

use std::io;
use std::sync::mpsc::Sender;

use jiff::tz::TimeZone;
use kabar_std::signals::{self, AfterHangup};
use ratatui::crossterm::event;

use crate::engine::{self, Command, EngineConfig};
use crate::outcome::{EndState, SessionReport};
use crate::transfers::paths::Completer;
use crate::view::transcript::line::Times;
use crate::view::transcript::stored::StoredHistory;
use crate::view::{Config, Sentences, View};
pub use config::{Appearance, Connect, ScreenConfig};
pub use queue::NoticeSender;
use queue::{Input, InputQueue};
use session::Session;
pub use stops::HeldStops;
pub use terminal::unusable;

/// Entries that were displayed in an earlier session and are displayed again.
const CONTEXT: u64 = 100;

/// Displays a full screen until the user leaves or, if it ends with its servers, all of them have
/// ended. `on_start` gets a sender before anything is displayed, and `None` when nothing more is.
#[must_use]
pub fn run(config: ScreenConfig, mut on_start: impl FnMut(Option<NoticeSender>)) -> SessionReport {
    let mut end = EndState::default();
    let queue = InputQueue::default();
    on_start(Some(queue.notices()));
    if let Err(error) = display(config, &queue, &mut end) {
        end.failed(error);
    }
    on_start(None);
    SessionReport { losses: end.take_losses(), end: end.end() }
}

fn display(config: ScreenConfig, queue: &InputQueue, end: &mut EndState) -> io::Result<()> {
    let ScreenConfig { servers, dir, give_up, ends_with_servers, opening, connect, appearance, downloads } = config;
    // Before any thread is started.
    let stops = HeldStops::hold();
    let wake = Box::new(queue.waker());
    let mut view = View::new(view_config(&appearance), Box::new(StoredHistory::new(dir.clone())));
    let (handle, events) = engine::start(EngineConfig {
        dir,
        context: CONTEXT,
        replays_history: false,
        ends_with_servers,
        downloads,
        wake,
    })?;
    if let Some(opening) = opening {
        view.set_opening(opening);
    }
    // Nothing but the screen may write from here on.
    let panicked = queue.sender();
    let on_panic = move || drop(panicked.send(Input::Panic));
    let mut session = Session::start(view, &appearance, connect, give_up, (&handle, &events), on_panic)?;
    take_signals(queue)?;
    let (stop, go_on) = (queue.sender(), queue.sender());
    stops.forward(move || stop.send(Input::Suspend).is_ok(), move || go_on.send(Input::Continued).is_ok())?;
    let keys = queue.sender();
    std::thread::Builder::new().name("kabar-keys".to_owned()).spawn(move || read_terminal(&keys))?;
    servers.into_iter().for_each(|server| handle.send(Command::Connect(Box::new(server))));
    session.run(queue, end)
}

fn take_signals(queue: &InputQueue) -> io::Result<()> {
    let (on_stop, on_hangup) = (queue.sender(), queue.sender());
    let stop = move || drop(on_stop.send(Input::Stop));
    if signals::is_hangup_ignored() {
        return signals::on_stop(stop);
    }
    signals::on_stop_or_hangup(stop, move || {
        let _ = on_hangup.send(Input::Closed);
        AfterHangup::GoOn
    })
}

fn view_config(appearance: &Appearance) -> Config {
    let times = Times { zone: TimeZone::system(), format: appearance.time_format };
    let (joins, bindings) = (appearance.joins, appearance.bindings.clone());
    let completer = Completer::default();
    let paths = Box::new(move |typed: &str| completer.complete(typed));
    Config { times, joins, bindings, sentences: Sentences::default(), paths }
}

/// Reads the terminal until the screen is gone.
fn read_terminal(sender: &Sender<Input>) {
    loop {
        let input = event::read().map_or(Input::Closed, Input::Terminal);
        let is_end = matches!(input, Input::Closed);
        if sender.send(input).is_err() || is_end {
            return;
        }
    }
}
