//! The full screen: draws a [`View`] on a terminal by `ratatui`, and reads keys by `crossterm`.
//!
//! ```text
//! terminal --- kabar-keys thread ----+
//! engine ----- Waker ----------------+--> Screen::run: one thread, draws what has changed
//! signals ---- Stopper --------------+
//! ```
//! * `terminal`: taken over, and given back. `input`: keys. `draw`, `backend`: cells and links.
//!   [`theme`]: colours. [`notify`]: bell, notifications, title.

mod backend;
mod draw;
mod input;
pub mod notify;
mod terminal;
#[cfg(test)]
mod tests;
pub mod theme;

use std::io::{self, Stdout, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::crossterm::event;
use ratatui::layout::{Position as CellPosition, Rect};

use crate::cursor::Position;
use crate::engine::{Command, Event, Events, Handle, QUEUE_LEN, ServerId, Stop};
use crate::view::frame::Size;
use crate::view::{Effect, View};
use backend::LinkBackend;
use kabar_std::invite::Invite;
use notify::Notifications;
use terminal::TakenTerminal;
use theme::Theme;

/// How often the round-trip time is requested.
const STATS_INTERVAL: Duration = Duration::from_secs(10);

/// Inputs that are handled between two frames at most.
const MAX_INPUTS: usize = 500;

/// What the screen waits for.
#[derive(Debug)]
enum Input {
    /// Something happened at the terminal.
    Terminal(event::Event),
    /// The terminal cannot be read any longer.
    Failed(io::Error),
    /// The engine has events.
    Engine,
    /// The program is to end.
    Stop,
}

/// How a screen behaves.
#[derive(Debug)]
pub struct ScreenConfig {
    /// Its colours.
    pub theme: Theme,
    /// How a mention is reported.
    pub notifications: Notifications,
    /// Whether the mouse is used. The terminal then selects text only with Shift.
    pub has_mouse: bool,
    /// How long the next post may take to be stored when the user leaves.
    pub give_up: Duration,
    /// Returns the command that joins the room of an invite, on this server.
    pub join_invite: fn(ServerId, &Invite) -> Option<Command>,
}

/// A screen before it is displayed.
#[derive(Debug)]
pub struct Screen {
    sender: Sender<Input>,
    inputs: Receiver<Input>,
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
    pub fn waker(&self) -> impl Fn() + Send + Sync + 'static {
        let (sender, is_woken) = (self.sender.clone(), Arc::clone(&self.is_woken));
        move || {
            if !is_woken.swap(true, Ordering::AcqRel) {
                let _ = sender.send(Input::Engine);
            }
        }
    }

    /// Returns the function that ends the program, for a handler of signals.
    pub fn stopper(&self) -> impl Fn() + Send + Sync + 'static {
        let sender = self.sender.clone();
        move || drop(sender.send(Input::Stop))
    }

    /// Displays a view until the engine has stopped.
    ///
    /// # Errors
    /// If the terminal cannot be used.
    pub fn run(self, config: &ScreenConfig, view: View, handle: &Handle, events: &Events) -> io::Result<()> {
        let taken = TakenTerminal::take(config.has_mouse)?;
        let mut backend = LinkBackend::new(io::stdout());
        let size = Backend::size(&backend)?;
        Write::flush(&mut backend)?;
        let sender = self.sender.clone();
        std::thread::Builder::new().name("kabar-keys".to_owned()).spawn(move || read_terminal(&sender))?;
        let terminal = Terminal::new(backend)?;
        let (title, stopped) = (String::new(), None);
        let mut run = Run { config, view, handle, events, terminal, taken, title, stopped, shown: Vec::new() };
        run.resize(Size { width: size.width.into(), height: size.height.into() })?;
        let waker = self.waker();
        loop {
            run.draw()?;
            if !run.wait(&self.inputs)? {
                continue;
            }
            self.is_woken.store(false, Ordering::Release);
            match run.take_events()? {
                Taken::Everything => {}
                Taken::Some => waker(),
                Taken::End => return Ok(()),
            }
        }
    }
}

/// Which events were taken from the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    /// All that were there.
    Everything,
    /// A part, so that what is typed is displayed meanwhile.
    Some,
    /// The last one.
    End,
}

/// A screen that is displayed.
struct Run<'a> {
    config: &'a ScreenConfig,
    view: View,
    handle: &'a Handle,
    events: &'a Events,
    terminal: Terminal<LinkBackend<Stdout>>,
    taken: TakenTerminal,
    title: String,
    /// How the engine was requested to stop.
    stopped: Option<Stop>,
    /// The last entry of each room that the next frame displays.
    shown: Vec<Position>,
}

impl Run<'_> {
    /// Waits for something, and handles what the terminal has. Returns whether the engine has
    /// events.
    fn wait(&mut self, inputs: &Receiver<Input>) -> io::Result<bool> {
        let (mut next, mut has_events) = (inputs.recv_timeout(STATS_INTERVAL).ok(), false);
        if next.is_none() {
            let effects = self.view.refresh();
            self.execute(effects)?;
        }
        for number in 1_usize.. {
            let Some(input) = next.take() else { break };
            match input {
                Input::Terminal(event) => {
                    let effects = input::handle(&mut self.view, &event);
                    self.execute(effects)?;
                }
                Input::Failed(error) => return Err(error),
                Input::Stop => self.stop(Stop::Abort),
                Input::Engine => has_events = true,
            }
            if number < MAX_INPUTS {
                next = inputs.try_recv().ok();
            }
        }
        Ok(has_events)
    }

    fn take_events(&mut self) -> io::Result<Taken> {
        for _ in 0..QUEUE_LEN {
            let Some(event) = self.events.try_recv() else { return Ok(Taken::Everything) };
            let is_end = matches!(event, Event::Ended);
            let effects = self.view.on_event(&event);
            self.execute(effects)?;
            if is_end {
                return Ok(Taken::End);
            }
        }
        Ok(Taken::Some)
    }

    fn resize(&mut self, size: Size) -> io::Result<()> {
        let effects = self.view.resize(size);
        self.execute(effects)
    }

    fn stop(&mut self, stop: Stop) {
        if self.stopped != Some(Stop::Abort) && self.stopped != Some(stop) {
            self.stopped = Some(stop);
            self.view.drafts().into_iter().for_each(|draft| self.handle.send(draft));
            self.handle.send(Command::Stop(stop));
        }
    }

    fn execute(&mut self, effects: Vec<Effect>) -> io::Result<()> {
        for effect in effects {
            match effect {
                Effect::Command(command) => self.handle.send(command),
                Effect::JoinInvite { server, invite } => match (self.config.join_invite)(server, &invite) {
                    Some(command) => self.handle.send(command),
                    None => self.view.show_error("the invite is for another server"),
                },
                Effect::Alert { room, author, text } => {
                    let text = format!("#{room} {author}: {text}");
                    self.config.notifications.send(self.terminal.backend_mut(), &text)?;
                }
                Effect::Leave { at_once: true } => self.stop(Stop::Abort),
                Effect::Leave { at_once: false } => {
                    self.stop(Stop::Leave { give_up: self.config.give_up, is_caught_up: false });
                }
                Effect::Redraw => self.redraw()?,
                Effect::Suspend => self.suspend()?,
                Effect::Shown(position) => note(&mut self.shown, position),
            }
        }
        Ok(())
    }

    /// Draws what the view displays, then saves the positions of what is displayed.
    fn draw(&mut self) -> io::Result<()> {
        if !terminal::is_taken() {
            return Err(io::Error::other("a thread of this program has failed"));
        }
        let frame = self.view.layout();
        if self.title != frame.title {
            notify::set_title(self.terminal.backend_mut(), &frame.title)?;
            self.title.clone_from(&frame.title);
        }
        self.terminal.backend_mut().links = draw::links(&frame);
        self.terminal.draw(|canvas| draw::frame(&frame, self.config.theme, canvas))?;
        for position in self.shown.drain(..) {
            if let Err(error) = position.file.save(position.shown) {
                self.view.show_error(&format!("your position in the room is not saved: {error}"));
            }
        }
        Ok(())
    }

    /// Gives the terminal back and stops the process, until it is continued.
    fn suspend(&mut self) -> io::Result<()> {
        terminal::give_back();
        terminal::stop_process();
        self.taken.enter()?;
        self.redraw()?;
        let size = self.terminal.size()?;
        self.resize(Size { width: size.width.into(), height: size.height.into() })
    }

    /// Makes the next frame draw everything. `Terminal::clear` would ask the terminal for the
    /// position of the cursor, and the answer goes to the thread that reads keys.
    fn redraw(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::from((CellPosition::ORIGIN, size)))
    }
}

/// Keeps the last position of each room.
fn note(shown: &mut Vec<Position>, position: Position) {
    match shown.iter_mut().find(|known| known.file.is_same(&position.file)) {
        Some(known) => *known = position,
        None => shown.push(position),
    }
}

/// Reads the terminal until the screen is gone.
fn read_terminal(sender: &Sender<Input>) {
    loop {
        let input = event::read().map_or_else(Input::Failed, Input::Terminal);
        let is_end = matches!(input, Input::Failed(_));
        if sender.send(input).is_err() || is_end {
            return;
        }
    }
}
