//! The computer as a probe's board.

use std::eprintln;
use std::format;
use std::io::{self, Write};
use std::string::String;

use kabar_core::chat::Info;
use kabar_core::client::Event;
use kabar_device::DeviceEvent;

use super::show;
use crate::probe::{Board, SimulatedSensor};

/// The file in which Linux reports a temperature, in thousandths of a degree.
const THERMOMETER: &str = "/sys/class/thermal/thermal_zone0/temp";

/// Prints the room's entries on standard output, and everything else on standard error.
#[derive(Debug, Default)]
pub struct HostBoard {
    sensor: SimulatedSensor,
    /// Every post up to this one is stored.
    stored: u64,
    /// A post that was refused, and why.
    refused: Option<(u64, String)>,
}

impl HostBoard {
    /// Whether a post is stored or refused.
    #[must_use]
    pub fn is_settled(&self, number: u64) -> bool {
        self.stored >= number || self.refused.as_ref().is_some_and(|(refused, _)| *refused == number)
    }

    /// Why the latest refused post was refused.
    #[must_use]
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_ref().map(|(_, why)| why.as_str())
    }

    fn on_room_event(&mut self, event: Event<'_>) {
        match event {
            Event::Joined { name, members, is_resumed: false, .. } => {
                eprintln!("joined as {}; {members} here", show::text(name.as_bytes()));
            }
            Event::Joined { .. } => eprintln!("connected again"),
            Event::Entry { header, body, .. } => print_line(&show::entry(&header, body)),
            Event::EntryTooLarge { header, size, .. } => {
                print_line(&format!("{} ({size} bytes, too long for this device)", show::entry(&header, b"")));
            }
            Event::Stored { number, .. } => self.stored = number,
            Event::PostRefused { number, code, .. } => {
                self.refused = Some((number, format!("the line was refused: {code:?}")));
            }
            Event::Info { info, .. } => {
                if let Info::Notice { text, .. } | Info::Ended { text, .. } = info {
                    eprintln!("{}", show::text(text.as_bytes()));
                }
            }
            Event::Refused { text, .. } => eprintln!("not admitted: {}", show::text(text.as_bytes())),
            Event::Reset { .. } => eprintln!("the server's history was replaced"),
            Event::Disconnected(why) => eprintln!("connection lost ({why:?}), reconnecting"),
            Event::Gap { .. }
            | Event::UnknownServerKey(_)
            | Event::OutboxWritable { .. }
            | Event::RoomEnded { .. }
            | Event::Reconnected
            | Event::Ended(_) => {}
        }
    }
}

impl Board for HostBoard {
    /// The computer's temperature; simulated where the computer reports none.
    fn measure(&mut self) -> i32 {
        let reported = std::fs::read_to_string(THERMOMETER).ok().and_then(|text| text.trim().parse().ok());
        reported.unwrap_or_else(|| self.sensor.measure())
    }

    fn set_led(&mut self, on: bool) {
        eprintln!("the light is {}", if on { "on" } else { "off" });
    }

    fn on_event(&mut self, event: DeviceEvent<'_>) {
        if let DeviceEvent::Room(event) = event {
            self.on_room_event(event);
        }
    }
}

/// A closed pipe does not end the program.
fn print_line(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
