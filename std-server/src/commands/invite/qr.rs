//! QR codes of invites.

use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

/// Renders a QR code, two rows per line. On a terminal it sets colours, because cameras need dark
/// on light.
pub(super) fn code(invite: &str, is_terminal: bool) -> String {
    let Ok(code) = QrCode::with_error_correction_level(invite, EcLevel::L) else { return String::new() };
    let picture = code.render::<Dense1x2>().quiet_zone(true).build();
    let (start, end) = if is_terminal { ("\x1b[30;107m", "\x1b[0m") } else { ("", "") };
    picture.lines().map(|line| format!("{start}{line}{end}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &str = "kabar://192.168.0.162:9999/lobby/AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT.AAAQEAYEAUDAOCAJBIFQYDIOB4";

    #[test]
    fn the_picture_holds_every_module_and_fits_a_terminal() {
        let picture = super::code(INVITE, false);
        let code = QrCode::with_error_correction_level(INVITE, EcLevel::L).unwrap();
        let (width, quiet) = (code.width(), 4);
        let lines: Vec<Vec<char>> = picture.lines().map(|line| line.chars().collect()).collect();
        assert!(width + 2 * quiet <= 80 && lines.len() <= 40, "{width}");
        for y in 0..width {
            for x in 0..width {
                let (row, column) = (y + quiet, x + quiet);
                let is_drawn = match lines[row / 2][column] {
                    '\u{2588}' => true,
                    '\u{2580}' => row % 2 == 0,
                    '\u{2584}' => row % 2 == 1,
                    _ => false,
                };
                assert_eq!(is_drawn, code[(x, y)] == qrcode::Color::Dark, "{x} {y}");
            }
        }
    }

    #[test]
    fn the_picture_of_an_invite_with_three_addresses_fits_a_terminal() {
        let places = "192.168.100.162:9999,192.168.101.162:9999,2001:db8:1111:2222:3333:4444:5555:6666:9999";
        let picture = code(&INVITE.replace("192.168.0.162:9999", places), false);
        let width = picture.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(width <= 80 && picture.lines().count() <= 40, "{width}");
    }

    #[test]
    fn a_terminal_gets_dark_on_light_whatever_its_colours_are() {
        let picture = code(INVITE, true);
        assert!(picture.lines().all(|line| line.starts_with("\x1b[30;107m") && line.ends_with("\x1b[0m")));
    }
}
