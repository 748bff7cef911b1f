//! The loop of the screen: what comes in, the effects of the view, and what is drawn.

use std::io::{self, Stdout, Write};
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::layout::{Position as CellPosition, Rect};

use super::backend::LinkBackend;
use super::config::{Appearance, Connect};
use super::queue::{Input, InputQueue};
use super::stops::{self, Stopped};
use super::terminal::TakenTerminal;
use super::{draw, input, notify, terminal};
use crate::cursor::Position;
use crate::engine::{Command, Event, Events, Handle, QUEUE_LEN, Stop};
use crate::messages::command_error;
use crate::messages::notices::{self, Notice};
use crate::messages::screen::bare;
use crate::messages::screen::position_not_saved;
use crate::outcome::{EndState, Loss, ThreadFailed};
use crate::view::frame::Size;
use crate::view::{Effect, View};

/// How often the round-trip time is requested.
const STATS_INTERVAL: Duration = Duration::from_secs(10);

/// Inputs that are handled between two frames at most.
const MAX_INPUTS: usize = 500;

/// How long the engine may take to stop after the screen has failed.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// A screen that is displayed.
pub(super) struct Session<'a> {
    view: View,
    appearance: &'a Appearance,
    connect: Connect,
    give_up: Duration,
    handle: &'a Handle,
    events: &'a Events,
    terminal: Terminal<LinkBackend<Stdout>>,
    taken: TakenTerminal,
    /// Whether the terminal was closed: nothing is drawn any longer.
    is_closed: bool,
    /// Whether lines are shown instead of the screen, which is not drawn meanwhile.
    is_bare: bool,
    title: String,
    /// How the engine was requested to stop.
    stopped: Option<Stop>,
    is_interrupted: bool,
    /// The last entry of each room that the next frame displays.
    shown: Vec<Position>,
    /// The first position that was not saved.
    loss: Option<Loss>,
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

impl<'a> Session<'a> {
    /// Takes the terminal over.
    pub(super) fn start(
        view: View,
        appearance: &'a Appearance,
        connect: Connect,
        give_up: Duration,
        (handle, events): (&'a Handle, &'a Events),
        on_panic: impl Fn() + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let taken = TakenTerminal::take(appearance.has_mouse, on_panic)?;
        let mut backend = LinkBackend::new(io::stdout());
        let size = Backend::size(&backend)?;
        Write::flush(&mut backend)?;
        let terminal = Terminal::new(backend)?;
        let mut session = Self {
            view,
            appearance,
            connect,
            give_up,
            handle,
            events,
            terminal,
            taken,
            is_closed: false,
            is_bare: false,
            title: String::new(),
            stopped: None,
            is_interrupted: false,
            shown: Vec::new(),
            loss: None,
        };
        session.resize(Size { width: size.width.into(), height: size.height.into() })?;
        Ok(session)
    }

    /// Runs until the engine has stopped.
    pub(super) fn run(&mut self, queue: &InputQueue, end: &mut EndState) -> io::Result<()> {
        let waker = queue.waker();
        let result = loop {
            if let Err(error) = self.draw() {
                if terminal::is_taken() {
                    self.close();
                } else {
                    break Err(error);
                }
            }
            if !self.wait(queue)? {
                continue;
            }
            match self.take_events(end)? {
                Taken::Everything => {}
                Taken::Some => waker(),
                Taken::End => break Ok(()),
            }
        };
        if result.is_err() {
            self.abort(end);
        }
        self.end_bare()?;
        end.is_interrupted |= self.is_interrupted;
        self.loss.take().into_iter().for_each(|loss| end.lost(loss));
        result
    }

    /// Waits for something, and handles what the terminal has. Returns whether the engine has
    /// events.
    fn wait(&mut self, queue: &InputQueue) -> io::Result<bool> {
        let (mut next, mut has_events) = (queue.next(Some(STATS_INTERVAL)), false);
        if next.is_none() {
            let effects = self.view.refresh();
            self.execute(effects)?;
        }
        for number in 1_usize.. {
            let Some(input) = next.take() else { break };
            match input {
                Input::Terminal(event) if self.is_bare => {
                    if input::is_key_press(&event) {
                        self.end_bare()?;
                    }
                }
                Input::Terminal(event) => {
                    let effects = input::handle(&mut self.view, &event);
                    self.execute(effects)?;
                }
                Input::Closed => self.close(),
                Input::Stop => self.interrupt(),
                Input::Suspend => self.suspend(Stopped::Process)?,
                Input::Continued => self.redraw()?,
                Input::Notice(text) => self.view.show_notice(&text),
                Input::Engine => has_events = true,
                // The next frame is not drawn.
                Input::Panic => {}
            }
            if number < MAX_INPUTS {
                next = queue.next(None);
            }
        }
        Ok(has_events)
    }

    fn take_events(&mut self, end: &mut EndState) -> io::Result<Taken> {
        for _ in 0..QUEUE_LEN {
            let Some(event) = self.events.try_recv() else { return Ok(Taken::Everything) };
            end.on_event(&event);
            let is_end = matches!(event, Event::Ended);
            let effects = self.view.on_event(&event);
            self.execute(effects)?;
            if is_end {
                return Ok(Taken::End);
            }
        }
        Ok(Taken::Some)
    }

    /// Stops the engine after a failure, to know what is unsent.
    fn abort(&mut self, end: &mut EndState) {
        self.handle.send(Command::Stop(Stop::Abort));
        let deadline = Instant::now() + STOP_TIMEOUT;
        while let Ok(event) = self.events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            end.on_event(&event);
            if matches!(event, Event::Ended) {
                return;
            }
        }
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

    /// Leaves when everything is stored.
    fn leave(&mut self) {
        let (lines, timeout) = (self.view.unsent() as u64, self.give_up);
        if lines > 0 && self.stopped.is_none() {
            let text = notices::text(&Notice::WaitingForStorage { lines, timeout }, None);
            text.into_iter().for_each(|text| self.view.show_notice(&text));
        }
        self.stop(Stop::Leave { give_up: timeout, is_caught_up: false });
    }

    /// Leaves at once, even with posts unsent.
    fn interrupt(&mut self) {
        self.is_interrupted = true;
        self.stop(Stop::Abort);
    }

    /// The terminal was closed.
    fn close(&mut self) {
        self.is_closed = true;
        self.leave();
    }

    fn execute(&mut self, effects: Vec<Effect>) -> io::Result<()> {
        for effect in effects {
            match effect {
                Effect::Command(command) => self.handle.send(command),
                Effect::Connect(invite) => match (self.connect)(*invite) {
                    Ok(server) => self.handle.send(Command::Connect(Box::new(server.into()))),
                    Err(error) => self.view.show_error(&command_error(&error).1),
                },
                Effect::Alert { room, author, text } if !self.is_closed => {
                    let text = format!("#{room} {author}: {text}");
                    self.appearance.notifications.send(self.terminal.backend_mut(), &text)?;
                }
                Effect::Leave { at_once: true } => self.interrupt(),
                Effect::Leave { at_once: false } => self.leave(),
                Effect::Redraw => self.redraw()?,
                Effect::Suspend => self.suspend(Stopped::Foreground)?,
                Effect::Copy(text) => notify::copy(self.terminal.backend_mut(), &text)?,
                Effect::Bare(lines) => self.show_bare(&lines)?,
                Effect::Shown(position) => note(&mut self.shown, position),
                Effect::Alert { .. } => {}
            }
        }
        Ok(())
    }

    /// Draws what the view displays, then saves the positions of what is displayed.
    fn draw(&mut self) -> io::Result<()> {
        if !terminal::is_taken() {
            return Err(io::Error::other(ThreadFailed));
        }
        if self.is_closed {
            self.shown.clear();
            return Ok(());
        }
        if self.is_bare {
            return Ok(());
        }
        // The event about a size may be lost if a key is pressed at the same time.
        let size = self.terminal.size()?;
        self.resize(Size { width: size.width.into(), height: size.height.into() })?;
        let frame = self.view.layout();
        if self.title != frame.title {
            notify::set_title(self.terminal.backend_mut(), &frame.title)?;
            self.title.clone_from(&frame.title);
        }
        self.terminal.backend_mut().links = draw::links(&frame);
        self.terminal.draw(|canvas| draw::frame(&frame, self.appearance.theme, canvas))?;
        for position in self.shown.drain(..) {
            if let Err(error) = position.file.save(position.shown)
                && self.loss.is_none()
            {
                self.view.show_error(&position_not_saved(&error));
                self.loss = Some(Loss::PositionNotSaved(error.into()));
            }
        }
        Ok(())
    }

    /// Shows lines instead of the screen, until a key is pressed. The terminal breaks long ones,
    /// and knows where, so that it copies them whole.
    fn show_bare(&mut self, lines: &[String]) -> io::Result<()> {
        self.taken.leave_screen()?;
        self.is_bare = true;
        let backend = self.terminal.backend_mut();
        for line in lines.iter().map(String::as_str).chain(["", &bare()]) {
            write!(backend, "{line}\r\n")?;
        }
        Write::flush(backend)
    }

    fn end_bare(&mut self) -> io::Result<()> {
        if !std::mem::take(&mut self.is_bare) || self.is_closed {
            return Ok(());
        }
        self.taken.enter()?;
        self.redraw()
    }

    /// Gives the terminal back and stops the process, until it is continued.
    fn suspend(&mut self, whom: Stopped) -> io::Result<()> {
        terminal::give_back();
        stops::stop(whom);
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
