//! `kabar-server invite`: prints the invite from the files of the data directory, also while no
//! server runs.

use std::io::{self, IsTerminal};

use kabar_core::crypto::rsa::PrivateKey;
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

use super::{CommandError, PROGRAM, print};
use crate::config::{Config, InviteArgs};
use crate::key_file::{generate_secret, load_key, load_secret};
use crate::room_host::{last_places, places};
use kabar_core::session::Fingerprint;
use kabar_std::address::Places;
use kabar_std::advertise::reachable;
use kabar_std::data_dir::{DataDir, LockError, SERVER_LOCK};
use kabar_std::invite::Invite;
use kabar_std::output::remark;

/// Arguments of `invite`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    invite_args: InviteArgs,
    /// Generates a new secret first: all earlier invites stop working, for members too, when the
    /// server is restarted.
    #[arg(long)]
    new: bool,
    /// Also shows the invite as a QR code.
    #[arg(long)]
    qr: bool,
}

/// Prints the invite.
///
/// # Errors
/// [`CommandError`].
pub fn run(arguments: &Arguments) -> Result<(), CommandError> {
    let config = arguments.invite_args.resolve().map_err(CommandError::Usage)?;
    let unused = || {
        let path = config.data_dir.display();
        CommandError::Failed(format!("no server has run in {path} yet: start {PROGRAM} there once"))
    };
    if !config.data_dir.is_dir() {
        return Err(unused());
    }
    let dir = DataDir::open(&config.data_dir).map_err(CommandError::failed)?;
    let key = load_key(&dir).map_err(CommandError::failed)?.ok_or_else(unused)?;
    let places = find_places(&dir, &config)?;
    let (secret, notice) = if arguments.new {
        // Held while the secret is written, so that no server reads the old one meanwhile.
        let lock = dir.lock(SERVER_LOCK);
        let secret = generate_secret(&dir, &config.room).map_err(CommandError::failed)?;
        let again = match lock {
            Ok(_) => "when the server is started".to_owned(),
            Err(LockError::Held(Some(id))) => format!("when the running server (process {id}) is started again"),
            Err(LockError::Held(None)) => "when the running server is started again".to_owned(),
            Err(LockError::File(error)) => return Err(CommandError::failed(error)),
        };
        (secret, Some(format!("new secret: all earlier invites stop working, and this one starts working, {again}")))
    } else {
        (load_secret(&dir, &config.room).map_err(CommandError::failed)?.ok_or_else(unused)?, None)
    };
    let invite = Invite { places, room: config.room, fingerprint: Fingerprint::of_modulus(key.modulus()), secret };
    let invite = invite.to_string();
    let picture = if arguments.qr { qr_code(&invite, io::stdout().is_terminal()) } else { String::new() };
    if let Some(notice) = notice {
        remark(&format!("{PROGRAM}: {notice}"));
    }
    print(format!("{invite}\n{picture}").as_bytes())
}

/// Returns the addresses that the server puts into its invites: the advertised ones, else those of
/// the last invite.
fn find_places(dir: &DataDir, config: &Config) -> Result<Places, CommandError> {
    let last = last_places(dir, &config.room).map_err(CommandError::failed)?;
    let port =
        last.as_ref().map(|last| last.first().port).or((config.listen.port() != 0).then_some(config.listen.port()));
    let missing = || {
        let why = "the server chooses its port when it starts, and has not run yet";
        CommandError::Failed(format!("{why}: start it once, or use --advertise HOST:PORT"))
    };
    let has_ports = !config.advertise.is_empty() && config.advertise.iter().all(|place| place.port.is_some());
    match last {
        Some(last) if config.advertise.is_empty() => Ok(last),
        _ if has_ports => Ok(places(&config.advertise, &[], 0)),
        _ => Ok(places(&config.advertise, &reachable(config.listen.ip()), port.ok_or_else(missing)?)),
    }
}

/// Renders a QR code, two rows per line. On a terminal it sets colours, because cameras need dark
/// on light.
fn qr_code(invite: &str, is_terminal: bool) -> String {
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
        let picture = qr_code(INVITE, false);
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
        let picture = qr_code(&INVITE.replace("192.168.0.162:9999", places), false);
        let width = picture.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(width <= 80 && picture.lines().count() <= 40, "{width}");
    }

    #[test]
    fn a_terminal_gets_dark_on_light_whatever_its_colours_are() {
        let picture = qr_code(INVITE, true);
        assert!(picture.lines().all(|line| line.starts_with("\x1b[30;107m") && line.ends_with("\x1b[0m")));
    }
}
