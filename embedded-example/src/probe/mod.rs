//! The example's application: it posts what it measures and answers commands.
//!
//! ```text
//! at each interval:  reading 7: 21.500 °C       and the same as data, for programs
//! @name status       ->  anna: reading 7 was 21.500 °C, led is off, up 1 min 5 s
//! @name led on       ->  anna: led is on
//! @name uptime       ->  anna: up 1 min 5 s
//! ```
//!
//! While the room cannot be reached, posts wait in the client. When its outbox is full, the probe
//! counts the missing readings and posts their number later.

mod command;
mod reading;

use heapless::{Deque, String};
use kabar_core::chat::{EntryKind, MAX_NAME_LEN};
use kabar_core::client::{Event, PostError, RoomSlot};
use kabar_core::time::{Duration, Instant};
use kabar_device::text::Text;
use kabar_device::{Application, DeviceClient, DeviceEvent};

pub use command::Command;
pub use reading::{READING_LEN, READING_TAG, Reading, SimulatedSensor};

use command::WORDS;

/// Commands that wait for their answer.
///
/// Further ones are not answered: a device must keep reading, because the acknowledgement of its
/// posts arrives in the same stream. `@name status` reports their number.
pub const MAX_REQUESTS: usize = 4;

/// The hardware of a probe.
pub trait Board {
    /// Measures the temperature, in thousandths of a degree Celsius.
    fn measure(&mut self) -> i32;

    /// Switches the light.
    fn set_led(&mut self, on: bool);

    /// Logs an event, if there is a log.
    fn on_event(&mut self, event: DeviceEvent<'_>);
}

/// A command and its author.
#[derive(Debug)]
struct Request {
    author: String<MAX_NAME_LEN>,
    command: Command,
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Probe<B> {
    board: B,
    /// The device's name, as the server spells it.
    name: String<MAX_NAME_LEN>,
    started: Instant,
    interval: Option<Duration>,
    next_reading: Option<Instant>,
    /// The latest reading.
    reading: Option<Reading>,
    /// Readings that did not fit the outbox and are not reported yet.
    missing: u32,
    led: bool,
    requests: Deque<Request, MAX_REQUESTS>,
    unanswered: u32,
}

impl<B: Board> Probe<B> {
    /// A probe that takes its first reading at `now`, and then one per `interval`; `None`: it
    /// measures nothing.
    pub const fn new(board: B, interval: Option<Duration>, now: Instant) -> Self {
        Self {
            board,
            name: String::new(),
            started: now,
            interval,
            next_reading: if interval.is_some() { Some(now) } else { None },
            reading: None,
            missing: 0,
            led: false,
            requests: Deque::new(),
            unanswered: 0,
        }
    }

    /// The hardware.
    pub const fn board(&mut self) -> &mut B {
        &mut self.board
    }

    /// Readings taken so far.
    #[must_use]
    pub const fn readings(&self) -> u32 {
        match &self.reading {
            Some(reading) => reading.number,
            None => 0,
        }
    }

    /// As [`Application::on_event`], for an application that has a probe as a part.
    pub fn handle_event(&mut self, event: DeviceEvent<'_>) {
        if let DeviceEvent::Room(event) = &event {
            self.on_room_event(event);
        }
        self.board.on_event(event);
    }

    /// As [`Application::run`]: posts what is due. Returns whether it posted.
    pub fn post_due(&mut self, now: Instant, mut post: impl FnMut(EntryKind, &[u8]) -> Result<u64, PostError>) -> bool {
        let is_measured = self.take_reading(now, &mut post);
        self.answer(now, &mut post) || is_measured
    }

    /// As [`Application::poll_timeout`].
    #[must_use]
    pub const fn due(&self) -> Option<Instant> {
        self.next_reading
    }

    /// Notes the device's name and queues commands. Its own posts, also those of an earlier start,
    /// are not commands.
    fn on_room_event(&mut self, event: &Event<'_>) {
        match event {
            Event::Joined { name, .. } => {
                self.name.clear();
                // The server's names are as long as the protocol's.
                let _ = self.name.push_str(name);
            }
            Event::Entry { header, body, own: false, .. }
                if header.kind == EntryKind::TEXT && header.author != self.name =>
            {
                let Some(command) = core::str::from_utf8(body).ok().and_then(|text| Command::parse(&self.name, text))
                else {
                    return;
                };
                if let Command::Led(on) = command
                    && on != self.led
                {
                    self.led = on;
                    self.board.set_led(on);
                }
                let request = String::try_from(header.author).ok().map(|author| Request { author, command });
                if request.is_none_or(|request| self.requests.push_back(request).is_err()) {
                    self.unanswered = self.unanswered.saturating_add(1);
                }
            }
            Event::UnknownServerKey(_)
            | Event::Reset { .. }
            | Event::Gap { .. }
            | Event::Entry { .. }
            | Event::EntryTooLarge { .. }
            | Event::Stored { .. }
            | Event::PostRefused { .. }
            | Event::OutboxWritable { .. }
            | Event::Info { .. }
            | Event::Refused { .. }
            | Event::RoomEnded { .. }
            | Event::Disconnected(_)
            | Event::Reconnected
            | Event::Ended(_) => {}
        }
    }

    /// Takes a reading if it is due. Returns whether it was.
    fn take_reading(
        &mut self,
        now: Instant,
        post: &mut impl FnMut(EntryKind, &[u8]) -> Result<u64, PostError>,
    ) -> bool {
        let (Some(due), Some(interval)) = (self.next_reading, self.interval) else { return false };
        if now < due {
            return false;
        }
        // After a long delay the interval starts from here: missed readings are not made up for.
        self.next_reading = Some(if due + interval > now { due + interval } else { now + interval });
        let number = self.readings().wrapping_add(1);
        let reading = Reading { number, uptime_s: self.uptime_s(now), milli_celsius: self.board.measure() };
        self.reading = Some(reading);

        let is_posted = self.report_missing(post)
            && post(EntryKind::TEXT, reading.text().as_str().as_bytes()).is_ok()
            && post(EntryKind::DATA, &reading.encode()).is_ok();
        if !is_posted {
            self.missing = self.missing.saturating_add(1);
        }
        true
    }

    /// Answers queued commands while there is room. Returns whether an answer was posted.
    fn answer(&mut self, now: Instant, post: &mut impl FnMut(EntryKind, &[u8]) -> Result<u64, PostError>) -> bool {
        let mut is_posted = false;
        while let Some(request) = self.requests.front() {
            if post(EntryKind::TEXT, self.answer_to(request, now).as_str().as_bytes()).is_err() {
                break;
            }
            is_posted = true;
            self.requests.pop_front();
        }
        is_posted
    }

    /// Posts how many readings are missing, if any. Returns `false` if there is no room for that.
    fn report_missing(&mut self, post: &mut impl FnMut(EntryKind, &[u8]) -> Result<u64, PostError>) -> bool {
        if self.missing == 0 {
            return true;
        }
        let mut text = Text::new();
        text.push_number(self.missing);
        text.push(" readings are missing here: there was no room for them");
        let is_posted = post(EntryKind::TEXT, text.as_str().as_bytes()).is_ok();
        if is_posted {
            self.missing = 0;
        }
        is_posted
    }

    /// An answer begins with the author's name, never with `@`: two devices do not answer each
    /// other endlessly.
    fn answer_to(&self, request: &Request, now: Instant) -> Text {
        let mut text = Text::new();
        let uptime = self.uptime_s(now);
        text.push(&request.author);
        text.push(": ");
        match request.command {
            Command::Led(on) => text.push(if on { "led is on" } else { "led is off" }),
            Command::Uptime => write_uptime(&mut text, uptime),
            Command::Unknown => {
                text.push("commands: ");
                text.push(WORDS);
            }
            Command::Status => {
                match &self.reading {
                    Some(reading) => {
                        text.push("reading ");
                        text.push_number(reading.number);
                        text.push(" was ");
                        reading.write_value(&mut text);
                    }
                    None => text.push("no reading yet"),
                }
                text.push(if self.led { ", led is on, " } else { ", led is off, " });
                write_uptime(&mut text, uptime);
                for (count, label) in
                    [(self.missing, " readings are missing"), (self.unanswered, " questions were too many at once")]
                {
                    if count > 0 {
                        text.push(", ");
                        text.push_number(count);
                        text.push(label);
                    }
                }
            }
        }
        text
    }

    fn uptime_s(&self, now: Instant) -> u32 {
        u32::try_from(now.saturating_since(self.started).as_millis() / 1000).unwrap_or(u32::MAX)
    }
}

impl<B: Board> Application for Probe<B> {
    fn on_event(&mut self, event: DeviceEvent<'_>) {
        self.handle_event(event);
    }

    fn run(&mut self, now: Instant, client: &mut DeviceClient) -> bool {
        self.post_due(now, |kind, body| client.post(RoomSlot::FIRST, kind, body))
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.due()
    }
}

/// Appends `up 2 d 3 h 4 min 5 s`, without leading zero units.
fn write_uptime(text: &mut Text, uptime: u32) {
    text.push("up ");
    let units = [(86_400, u32::MAX, " d "), (3600, 24, " h "), (60, 60, " min ")];
    for (seconds, most, unit) in units {
        if uptime >= seconds {
            text.push_number(uptime / seconds % most);
            text.push(unit);
        }
    }
    text.push_number(uptime % 60);
    text.push(" s");
}

#[cfg(all(test, feature = "host"))]
mod member_tests;
#[cfg(all(test, feature = "host"))]
mod tests;
