//! What the device does and says, apart from any network: readings, commands and their answers.

use heapless::{Deque, String};
use kabar_core::chat::{EntryKind, MAX_NAME_LEN};
use kabar_core::client::{Event, PostError};
use kabar_core::time::{Duration, Instant};

use super::command::{Command, WORDS};
use super::reading::Reading;
use super::text::Text;

/// Commands that wait for their answer.
///
/// What comes beyond that is not answered: a device must go on reading, because what tells it that its posts are stored comes in the
/// same stream as the talk. `@name status` says how many there were.
pub const MAX_REQUESTS: usize = 4;

/// Who asked what.
#[derive(Debug)]
struct Request {
    author: String<MAX_NAME_LEN>,
    command: Command,
}

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct App {
    /// As the server wrote it.
    name: String<MAX_NAME_LEN>,
    started: Instant,
    every: Option<Duration>,
    next_reading: Option<Instant>,
    /// The last one taken.
    reading: Option<Reading>,
    /// Readings for which there was no room, and which nobody was told of.
    missing: u32,
    led: bool,
    requests: Deque<Request, MAX_REQUESTS>,
    unanswered: u32,
}

impl App {
    pub(super) fn new(every: Option<Duration>, now: Instant) -> Self {
        Self {
            name: String::new(),
            started: now,
            every,
            next_reading: every.map(|_| now),
            reading: None,
            missing: 0,
            led: false,
            requests: Deque::new(),
            unanswered: 0,
        }
    }

    pub(super) const fn led(&self) -> bool {
        self.led
    }

    /// The number of the last reading.
    pub(super) const fn readings(&self) -> u32 {
        match &self.reading {
            Some(reading) => reading.number,
            None => 0,
        }
    }

    /// When the next reading is due.
    pub(super) const fn deadline(&self) -> Option<Instant> {
        self.next_reading
    }

    /// Takes note of who it is and what it is asked. Its own words, also those of an earlier start, are no commands.
    pub(super) fn on_event(&mut self, event: &Event<'_>) {
        match event {
            Event::Joined { name, .. } => {
                self.name.clear();
                // The server's names are as long as the protocol's.
                let _ = self.name.push_str(name);
            }
            Event::Entry { header, body, own: false }
                if header.kind == EntryKind::TEXT && header.author != self.name =>
            {
                let Some(command) = core::str::from_utf8(body).ok().and_then(|text| Command::parse(&self.name, text))
                else {
                    return;
                };
                if let Command::Led(on) = command {
                    self.led = on;
                }
                let request = String::try_from(header.author).ok().map(|author| Request { author, command });
                if request.is_none_or(|request| self.requests.push_back(request).is_err()) {
                    self.unanswered = self.unanswered.saturating_add(1);
                }
            }
            _ => {}
        }
    }

    /// Takes the reading if it is due. `true`: something was posted.
    pub(super) fn take_reading(
        &mut self,
        now: Instant,
        measure: impl FnOnce() -> i32,
        post: &mut impl FnMut(EntryKind, &[u8]) -> Result<u64, PostError>,
    ) -> bool {
        let (Some(due), Some(every)) = (self.next_reading, self.every) else { return false };
        if now < due {
            return false;
        }
        // After a long call the rhythm goes on from here: readings are not made up for.
        self.next_reading = Some(if due + every > now { due + every } else { now + every });
        let number = self.readings().wrapping_add(1);
        let reading = Reading { number, uptime_s: self.uptime_s(now), milli_celsius: measure() };
        self.reading = Some(reading);

        let is_posted = self.tell_missing(post)
            && post(EntryKind::TEXT, reading.text().as_str().as_bytes()).is_ok()
            && post(EntryKind::DATA, &reading.encode()).is_ok();
        if !is_posted {
            self.missing = self.missing.saturating_add(1);
        }
        true
    }

    /// Answers who asked, as far as there is room. `true`: something was posted.
    pub(super) fn answer(
        &mut self,
        now: Instant,
        post: &mut impl FnMut(EntryKind, &[u8]) -> Result<u64, PostError>,
    ) -> bool {
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

    /// Says how many readings are missing, if any. `true`: nobody needs to be told any more.
    fn tell_missing(&mut self, post: &mut impl FnMut(EntryKind, &[u8]) -> Result<u64, PostError>) -> bool {
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

    /// An answer begins with the name of who asked, never with `@`: two devices do not talk to each other for ever.
    fn answer_to(&self, request: &Request, now: Instant) -> Text {
        let mut text = Text::new();
        let uptime = self.uptime_s(now);
        text.push(&request.author);
        text.push(": ");
        match request.command {
            Command::Led(on) => text.push(if on { "led is on" } else { "led is off" }),
            Command::Uptime => write_uptime(&mut text, uptime),
            Command::Unknown => {
                text.push("I know these words: ");
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
                for (count, what) in
                    [(self.missing, " readings are missing"), (self.unanswered, " questions were too many at once")]
                {
                    if count > 0 {
                        text.push(", ");
                        text.push_number(count);
                        text.push(what);
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

/// `up 2 d 3 h 4 min 5 s`, without the zeros before the first that is none.
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
#[path = "app_tests.rs"]
mod tests;
