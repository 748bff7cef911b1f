//! `kabar` alone: asks where to go and who to be, as the original did, and offers the rooms that are known.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use kabar_std::address::{DEFAULT_PORT, Host, HostPort, Places};
use kabar_std::invite::{DEFAULT_ROOM, RoomName};
use kabar_std::password::from_first_line;
use zeroize::Zeroizing;

use super::{Target, at_server, invited, open};
use crate::cli::SessionArguments;
use crate::exit::{Exit, ExitReport};
use crate::identity::{check_name, login_name};
use crate::known_servers::{KnownRoom, KnownServers};
use crate::session::{KeyPolicy, SessionConfig};
use crate::ui::input::read_answer;
use crate::ui::terminal::read_password;

/// Rooms that are offered.
const OFFERED: usize = 9;

/// Where to go.
#[derive(Debug, PartialEq, Eq)]
enum Choice {
    Known(usize),
    Other(Target),
}

/// Asks until it is known what is to be joined.
///
/// # Errors
/// [`Exit::Usage`] where nobody can answer.
pub(super) fn ask(data_dir: Option<PathBuf>) -> Result<SessionConfig, ExitReport> {
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        return Err(ExitReport::usage(
            "kabar asks where to go only at a terminal: say `kabar join INVITE` or `kabar host`, or see kabar --help",
        ));
    }
    let dir = open(data_dir)?;
    let rooms = KnownServers::load(&dir).map_err(ExitReport::error)?.rooms();
    let rooms: Vec<_> = rooms.into_iter().filter(|known| !known.addresses.is_empty()).take(OFFERED).collect();
    let choice = ask_place(&rooms)?;
    let (server, room, usual) = match choice {
        Choice::Other(Target::Invite(invite)) => {
            let known =
                KnownServers::load(&dir).map_err(ExitReport::error)?.find_key(&invite.fingerprint, &invite.room);
            let how = ask_name(known.and_then(|known| known.name))?;
            return invited(invite, how, dir);
        }
        Choice::Known(at) => {
            let KnownRoom { addresses, room, name, .. } = rooms.into_iter().nth(at).ok_or_else(gone)?;
            (Places::of(addresses).ok_or_else(gone)?, room, Some(name).filter(|name| !name.is_empty()))
        }
        Choice::Other(Target::Server(server)) => {
            (server, RoomName::new(DEFAULT_ROOM).map_err(ExitReport::error)?, None)
        }
        Choice::Other(Target::Word(host)) => {
            let host: Host = host.parse().map_err(ExitReport::usage)?;
            (ask_port(host)?.into(), RoomName::new(DEFAULT_ROOM).map_err(ExitReport::error)?, None)
        }
    };
    let known = KnownServers::load(&dir).map_err(ExitReport::error)?.find_any(&server, &room);
    let how = ask_name(usual.or_else(|| known.as_ref().and_then(|known| known.name.clone())))?;
    let password = if known.is_some() { None } else { ask_password()? };
    at_server(server, room, KeyPolicy::Ask, password, how, dir)
}

fn ask_place(rooms: &[KnownRoom]) -> Result<Choice, ExitReport> {
    if rooms.is_empty() {
        say(
            "Where is the room? An invite (kabar://...) or the address of its host; `kabar host` makes a room of your own.\n",
        );
    } else {
        say("Rooms you know:\n");
    }
    for (number, known) in rooms.iter().enumerate() {
        let address = known.addresses.first().map(ToString::to_string).unwrap_or_default();
        let name = if known.name.is_empty() { String::new() } else { format!(", as {}", known.name) };
        say(&format!("  {}  {} at {address}{name}\n", number + 1, known.room));
    }
    let question = if rooms.is_empty() { "Address: " } else { "Number, invite or address [1]: " };
    loop {
        match choose(&line(question)?, rooms.len()) {
            Ok(choice) => return Ok(choice),
            Err(why) => say(&format!("{why}\n")),
        }
    }
}

fn choose(answer: &str, rooms: usize) -> Result<Choice, String> {
    let answer = answer.trim();
    match answer.parse::<usize>() {
        _ if answer.is_empty() && rooms > 0 => return Ok(Choice::Known(0)),
        Ok(number) if (1..=rooms).contains(&number) => return Ok(Choice::Known(number - 1)),
        Ok(_) if rooms > 0 => return Err(format!("there is no room of that number: 1 to {rooms}")),
        _ if answer.is_empty() => return Err("an address is needed, as 192.168.0.162 or 192.168.0.162:9999".to_owned()),
        _ => {}
    }
    // What has no port is asked for one.
    if let Ok(host) = answer.parse::<Host>() {
        host.check_zone().map_err(|error| error.to_string())?;
        return Ok(Choice::Other(Target::Word(host.to_string())));
    }
    Target::parse(answer).map(Choice::Other).map_err(|ending| ending.line.unwrap_or_default())
}

fn ask_port(host: Host) -> Result<HostPort, ExitReport> {
    loop {
        let answer = line(&format!("Port [{DEFAULT_PORT}]: "))?;
        let port = if answer.is_empty() { DEFAULT_PORT.to_string() } else { answer };
        match HostPort::from_parts(&host.to_string(), &port) {
            Ok(server) => return Ok(server),
            Err(why) => say(&format!("{why}\n")),
        }
    }
}

fn ask_name(usual: Option<String>) -> Result<SessionArguments, ExitReport> {
    let usual = usual.unwrap_or_else(login_name);
    let mut how = SessionArguments::plain();
    loop {
        let answer = line(&format!("Nickname [{usual}]: "))?;
        let name = if answer.is_empty() { usual.clone() } else { answer };
        match check_name(&name) {
            Ok(()) => {
                how.name = Some(name);
                return Ok(how);
            }
            Err(why) => say(&format!("{}\n", why.line.unwrap_or_default())),
        }
    }
}

fn ask_password() -> Result<Option<Zeroizing<String>>, ExitReport> {
    loop {
        let Ok(password) = read_password(|why| say(&format!("{why}Password (Enter if there is none): "))) else {
            return Err(gone());
        };
        if password.is_empty() {
            return Ok(None);
        }
        match from_first_line(&password) {
            Ok(password) => return Ok(Some(password)),
            Err(why) => say(&format!("{why}\n")),
        }
    }
}

fn line(question: &str) -> Result<String, ExitReport> {
    loop {
        say(question);
        match read_answer(&mut io::stdin().lock()) {
            Ok(Some(Some(answer))) => return Ok(answer),
            Ok(Some(None)) => say("that is not UTF-8 text, or far too long: set this terminal to UTF-8\n"),
            Ok(None) => {
                say("\n");
                return Err(gone());
            }
            Err(error) => return Err(ExitReport::error(format_args!("the terminal cannot be read: {error}"))),
        }
    }
}

fn say(text: &str) {
    let mut out = io::stdout();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Nobody answers any more.
fn gone() -> ExitReport {
    ExitReport::quiet(Exit::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_number_an_invite_or_an_address() {
        assert_eq!(choose("", 2), Ok(Choice::Known(0)), "Enter takes the last one joined");
        assert_eq!(choose(" 2 ", 2), Ok(Choice::Known(1)));
        assert!(choose("3", 2).unwrap_err().contains("1 to 2"));
        assert!(choose("", 0).unwrap_err().contains("needed"));
        assert_eq!(choose("192.168.0.7", 0), Ok(Choice::Other(Target::Word("192.168.0.7".to_owned()))));
        assert_eq!(choose("here:7", 1), Ok(Choice::Other(Target::Server("here:7".parse().unwrap()))));
        assert!(choose("kabar://x", 1).unwrap_err().contains("cut off"));
        assert!(choose("fe80::1", 1).unwrap_err().contains("needs the interface"));
        assert!(choose("a b", 1).unwrap_err().contains("host"));
    }
}
