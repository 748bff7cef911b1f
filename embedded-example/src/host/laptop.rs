//! What a laptop has where a board has a clock, a sensor and a light.

use std::eprintln;
use std::format;
use std::io::{self, Write};
use std::string::String;
use std::time::Instant as StdInstant;

use kabar_core::client::Event;
use kabar_core::time::Instant;

use super::show;
use crate::member::{Board, Clock, MadeUp, News};

/// Where Linux tells a temperature, in thousandths of a degree.
const THERMOMETER: &str = "/sys/class/thermal/thermal_zone0/temp";

/// Time since it was started.
#[derive(Clone, Copy, Debug)]
pub struct LaptopClock(StdInstant);

impl LaptopClock {
    /// At 0.
    #[must_use]
    pub fn start() -> Self {
        Self(StdInstant::now())
    }
}

impl Clock for LaptopClock {
    /// What an operating system may add to a sleep.
    const TICK_US: u32 = 10_000;

    fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}

/// A laptop as a board: lines of the room on standard output, everything else on standard error.
#[derive(Debug, Default)]
pub struct Laptop {
    sensor: MadeUp,
    /// Every post up to this is stored.
    stored: u64,
    /// A post that was refused, and why.
    refused: Option<(u64, String)>,
}

impl Laptop {
    /// Whether a post is stored or refused.
    #[must_use]
    pub fn is_settled(&self, number: u64) -> bool {
        self.stored >= number || self.refused.as_ref().is_some_and(|(refused, _)| *refused == number)
    }

    /// Why the last post that was refused was.
    #[must_use]
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_ref().map(|(_, why)| why.as_str())
    }

    fn tell_room(&mut self, event: Event<'_>) {
        match event {
            Event::Joined { name, members, resumed: false, .. } => {
                eprintln!("joined as {}; {members} here", show::text(name.as_bytes()));
            }
            Event::Joined { .. } => eprintln!("connected again"),
            Event::Entry { header, body, .. } => print_line(&show::entry(&header, body)),
            Event::Stub { header, size } => {
                print_line(&format!("{} ({size} bytes, too long for this device)", show::entry(&header, b"")));
            }
            Event::Stored { number, .. } => self.stored = number,
            Event::PostRefused { number, code } => {
                self.refused = Some((number, format!("the line was refused: {code:?}")));
            }
            Event::Notice { text, .. } => eprintln!("{}", show::text(text.as_bytes())),
            Event::Reset => eprintln!("the server's history is another one now"),
            Event::Lost(why) => eprintln!("connection lost ({why:?}), trying again"),
            _ => {}
        }
    }
}

impl Board for Laptop {
    /// The computer's own temperature; where none is told it is made up.
    fn measure(&mut self) -> i32 {
        let told = std::fs::read_to_string(THERMOMETER).ok().and_then(|text| text.trim().parse().ok());
        told.unwrap_or_else(|| self.sensor.measure())
    }

    fn set_led(&mut self, on: bool) {
        eprintln!("the light is {}", if on { "on" } else { "off" });
    }

    fn tell(&mut self, news: News<'_>) {
        if let News::Room(event) = news {
            self.tell_room(event);
        }
    }
}

/// A reader that went away is no reason to stop.
fn print_line(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
