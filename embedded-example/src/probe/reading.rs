//! A measurement, as text for people and as data for programs.

use kabar_device::text::Text;

/// Length of an encoded reading in bytes.
pub const READING_LEN: usize = 13;
/// The first byte of an encoded reading: names the layout.
pub const READING_TAG: u8 = 1;

/// A sensor for boards without one: the value rises from 21 to 71 degrees and starts again.
#[derive(Clone, Copy, Debug, Default)]
pub struct SimulatedSensor(u16);

impl SimulatedSensor {
    /// The next temperature in thousandths of a degree Celsius.
    pub fn measure(&mut self) -> i32 {
        self.0 = (self.0 + 1) % 1000;
        21_000 + i32::from(self.0) * 50
    }
}

/// One reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// 1, 2, 3, ... since the device started.
    pub number: u32,
    /// Time of the reading in seconds since the device started.
    pub uptime_s: u32,
    /// Temperature in thousandths of a degree Celsius.
    pub milli_celsius: i32,
}

impl Reading {
    /// Encodes the body of a `Data` entry.
    ///
    /// ```text
    /// tag 1 | number 4 | uptime_s 4 | milli_celsius 4          big-endian
    /// ```
    #[must_use]
    pub fn encode(&self) -> [u8; READING_LEN] {
        let [n0, n1, n2, n3] = self.number.to_be_bytes();
        let [u0, u1, u2, u3] = self.uptime_s.to_be_bytes();
        let [c0, c1, c2, c3] = self.milli_celsius.to_be_bytes();
        [READING_TAG, n0, n1, n2, n3, u0, u1, u2, u3, c0, c1, c2, c3]
    }

    /// Decodes the body of a `Data` entry; `None` if it is something else. Bytes after the known
    /// fields are ignored.
    #[must_use]
    pub fn decode(body: &[u8]) -> Option<Self> {
        let [READING_TAG, n0, n1, n2, n3, u0, u1, u2, u3, c0, c1, c2, c3] = *body.first_chunk()? else { return None };
        Some(Self {
            number: u32::from_be_bytes([n0, n1, n2, n3]),
            uptime_s: u32::from_be_bytes([u0, u1, u2, u3]),
            milli_celsius: i32::from_be_bytes([c0, c1, c2, c3]),
        })
    }

    /// For people: `reading 7: 21.500 °C`.
    pub(super) fn text(&self) -> Text {
        let mut text = Text::new();
        text.push("reading ");
        text.push_number(self.number);
        text.push(": ");
        self.write_value(&mut text);
        text
    }

    /// `21.500 °C`
    pub(super) fn write_value(&self, text: &mut Text) {
        let value = self.milli_celsius.unsigned_abs();
        text.push(if self.milli_celsius < 0 { "-" } else { "" });
        text.push_number(value / 1000);
        text.push(".");
        text.push_digits(value % 1000, 3);
        text.push(" \u{b0}C");
    }
}

#[cfg(all(test, feature = "host"))]
mod tests {
    use super::*;

    #[test]
    fn writes_degrees_with_three_decimals() {
        for (milli_celsius, text) in
            [(21_500, "reading 7: 21.500 \u{b0}C"), (-5, "reading 7: -0.005 \u{b0}C"), (0, "reading 7: 0.000 \u{b0}C")]
        {
            assert_eq!(Reading { number: 7, uptime_s: 1, milli_celsius }.text().as_str(), text);
        }
        let longest = Reading { number: u32::MAX, uptime_s: 0, milli_celsius: i32::MIN };
        assert_eq!(longest.text().as_str(), "reading 4294967295: -2147483.648 \u{b0}C");
    }

    #[test]
    fn round_trips_and_rejects_other_data() {
        let reading = Reading { number: 258, uptime_s: 70_000, milli_celsius: -40_001 };
        let body = reading.encode();
        assert_eq!(Reading::decode(&body), Some(reading));
        let mut longer = body.to_vec();
        longer.push(9);
        assert_eq!(Reading::decode(&longer), Some(reading));
        assert_eq!(Reading::decode(&body[..READING_LEN - 1]), None);
        assert_eq!(Reading::decode(b""), None);
        longer[0] = 2;
        assert_eq!(Reading::decode(&longer), None);
    }
}
