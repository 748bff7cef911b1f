//! The full screen: draws a [`View`] on a terminal by `ratatui`, and reads keys by `crossterm`.
//!
//! ```text
//! terminal --- kabar-keys thread ----+
//! engine ----- Waker ----------------+--> Screen::run: one thread, draws what has changed
//! signals ---- kabar-signals thread -+
//! ```
//! * `session`: the loop, and the effects of the view. `config`: how a screen behaves.
//! * `terminal`: taken over, and given back. `input`: keys. `draw`, `backend`: cells and links.
//!   [`theme`]: colours. [`notify`]: bell, notifications, title.

mod backend;
mod config;
mod draw;
mod input;
pub mod notify;
mod session;
mod terminal;
#[cfg(test)]
mod tests;
pub mod theme;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};

use jiff::tz::TimeZone;
use kabar_std::signals::{self, AfterHangup};
use ratatui::crossterm::event;

use crate::engine::{self, Command, EngineConfig};
use crate::outcome::{EndState, SessionReport};
use crate::view::transcript::line::Times;
use crate::view::transcript::source::MemoryHistory;
use crate::view::{Config, Sentences, View};
pub use config::{Appearance, Connect, ScreenConfig};
use session::Session;
pub use terminal::unusable;

/// Entries that were displayed in an earlier session and are displayed again.
const CONTEXT: u64 = 100;

/// What the screen waits for.
#[derive(Debug)]
enum Input {
    /// Something happened at the terminal.
    Terminal(event::Event),
    /// The terminal cannot be read any longer, or was closed.
    Closed,
    /// The engine has events.
    Engine,
    /// A text to be displayed.
    Notice(String),
    /// The program is to end.
    Stop,
}

/// Displays texts on a screen, from any thread.
#[derive(Clone, Debug)]
pub struct NoticeSender(Sender<Input>);

impl NoticeSender {
    /// Displays a text.
    pub fn send(&self, text: String) {
        let _ = self.0.send(Input::Notice(text));
    }
}

/// Displays a full screen until the user leaves or, if it ends with its servers, all of them have
/// ended. `on_start` gets a sender before anything is displayed, and `None` when nothing more is.
#[must_use]
pub fn run(config: ScreenConfig, mut on_start: impl FnMut(Option<NoticeSender>)) -> SessionReport {
    let mut end = EndState::default();
    let screen = Screen::default();
    on_start(Some(NoticeSender(screen.sender.clone())));
    if let Err(error) = screen.run(config, &mut end) {
        end.failed(error);
    }
    on_start(None);
    SessionReport { losses: end.take_losses(), end: end.end() }
}

/// A screen before it is displayed.
#[derive(Debug)]
struct Screen {
    sender: Sender<Input>,
    inputs: Receiver<Input>,
    /// Whether the engine has reported events that were not taken yet.
    is_woken: Arc<AtomicBool>,
}

impl Default for Screen {
    fn default() -> Self {
        let (sender, inputs) = mpsc::channel();
        Self { sender, inputs, is_woken: Arc::default() }
    }
}

impl Screen {
    /// Returns the function that the engine calls when it has events.
    fn waker(&self) -> impl Fn() + Send + Sync + 'static {
        let (sender, is_woken) = (self.sender.clone(), Arc::clone(&self.is_woken));
        move || {
            if !is_woken.swap(true, Ordering::AcqRel) {
                let _ = sender.send(Input::Engine);
            }
        }
    }

    fn run(self, config: ScreenConfig, end: &mut EndState) -> io::Result<()> {
        let ScreenConfig { servers, dir, give_up, ends_with_servers, opening, connect, appearance } = config;
        let wake = Box::new(self.waker());
        let (handle, events) =
            engine::start(EngineConfig { dir, context: CONTEXT, replays_history: true, ends_with_servers, wake })?;
        let mut view = View::new(view_config(&appearance), Box::new(MemoryHistory::default()));
        if let Some(opening) = opening {
            view.set_opening(opening);
        }
        // Nothing but the screen may write from here on.
        let panicked = self.sender.clone();
        let on_panic = move || drop(panicked.send(Input::Engine));
        let mut session = Session::start(view, &appearance, connect, give_up, (&handle, &events), on_panic)?;
        self.take_signals()?;
        let keys = self.sender.clone();
        std::thread::Builder::new().name("kabar-keys".to_owned()).spawn(move || read_terminal(&keys))?;
        servers.into_iter().for_each(|server| handle.send(Command::Connect(server)));
        session.run(&self, end)
    }

    fn take_signals(&self) -> io::Result<()> {
        let (on_stop, on_hangup) = (self.sender.clone(), self.sender.clone());
        let stop = move || drop(on_stop.send(Input::Stop));
        if signals::is_hangup_ignored() {
            return signals::on_stop(stop);
        }
        signals::on_stop_or_hangup(stop, move || {
            let _ = on_hangup.send(Input::Closed);
            AfterHangup::GoOn
        })
    }
}

fn view_config(appearance: &Appearance) -> Config {
    let times = Times { zone: TimeZone::system(), format: appearance.time_format };
    let (joins, bindings) = (appearance.joins, appearance.bindings.clone());
    Config { times, joins, bindings, sentences: Sentences::default() }
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
