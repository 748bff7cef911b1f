//! `kabar` without a command: asks for a room and a name, and offers the rooms that are known.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use kabar_std::address::{DEFAULT_PORT, Host, HostPort, Places};
use kabar_std::invite::RoomName;
use kabar_std::password::from_first_line;
use zeroize::Zeroizing;

use super::join::{at_server, check_name, with_invite};
use super::target::{Target, TargetError};
use super::{CommandError, open};
use crate::cli::SessionArguments;
use crate::identity::login_name;
use crate::known_servers::{KnownRoom, KnownServers};
use crate::messages::command_error;
use crate::session::{KeyPolicy, SessionConfig};
use crate::ui::stdin::read_answer;
use crate::ui::terminal::read_password;

/// Number of known rooms that are offered.
const MAX_OFFERED: usize = 9;

/// Why the questions were not answered.
#[derive(Debug, thiserror::Error)]
pub enum WizardError {
    /// Nobody can be asked.
    #[error("not a terminal")]
    NotATerminal,
    /// The input ended, or was interrupted.
    #[error("end of input")]
    EndOfInput,
    /// The terminal cannot be read.
    #[error(transparent)]
    Terminal(io::Error),
}

/// The room to join.
#[derive(Debug, PartialEq, Eq)]
enum Choice {
    Known(usize),
    Other(Target),
}

/// Asks for everything that a session needs.
///
/// # Errors
/// [`CommandError`].
pub(super) fn ask(data_dir: Option<PathBuf>) -> Result<SessionConfig, CommandError> {
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        return Err(WizardError::NotATerminal.into());
    }
    let dir = open(data_dir)?;
    let rooms = KnownServers::load(&dir)?.rooms();
    let rooms: Vec<_> = rooms.into_iter().filter(|known| !known.addresses.is_empty()).take(MAX_OFFERED).collect();
    let choice = ask_place(&rooms)?;
    let (server, room, usual) = match choice {
        Choice::Other(Target::Invite(invite)) => {
            let known = KnownServers::load(&dir)?.find_key(&invite.fingerprint, &invite.room);
            let how = ask_name(known.and_then(|known| known.name))?;
            return with_invite(invite, how, dir);
        }
        Choice::Known(at) => {
            let known = rooms.into_iter().nth(at).ok_or(WizardError::EndOfInput)?;
            let KnownRoom { addresses, room, name, .. } = known;
            let places = Places::of(addresses).ok_or(WizardError::EndOfInput)?;
            (places, room, Some(name).filter(|name| !name.is_empty()))
        }
        Choice::Other(Target::Server(server)) => (server, RoomName::default(), None),
        Choice::Other(Target::Word(host)) => {
            let host: Host = host.parse().map_err(TargetError::Address)?;
            (ask_port(&host)?.into(), RoomName::default(), None)
        }
    };
    let known = KnownServers::load(&dir)?.find_any(&server, &room);
    let how = ask_name(usual.or_else(|| known.as_ref().and_then(|known| known.name.clone())))?;
    let password = if known.is_some() { None } else { ask_password()? };
    at_server(server, room, KeyPolicy::Ask, password, how, dir)
}

fn ask_place(rooms: &[KnownRoom]) -> Result<Choice, WizardError> {
    if rooms.is_empty() {
        print("Where is the room? An invite (kabar://...) or the address of its host; `kabar host` creates a room.\n");
    } else {
        print("Rooms you know:\n");
    }
    for (number, known) in rooms.iter().enumerate() {
        let address = known.addresses.first().map(ToString::to_string).unwrap_or_default();
        let name = if known.name.is_empty() { String::new() } else { format!(", as {}", known.name) };
        print(&format!("  {}  {} at {address}{name}\n", number + 1, known.room));
    }
    let question = if rooms.is_empty() { "Address: " } else { "Number, invite or address [1]: " };
    loop {
        match choose(&read(question)?, rooms.len()) {
            Ok(choice) => return Ok(choice),
            Err(why) => print(&format!("{why}\n")),
        }
    }
}

fn choose(answer: &str, rooms: usize) -> Result<Choice, String> {
    let answer = answer.trim();
    match answer.parse::<usize>() {
        _ if answer.is_empty() && rooms > 0 => return Ok(Choice::Known(0)),
        Ok(number) if (1..=rooms).contains(&number) => return Ok(Choice::Known(number - 1)),
        Ok(_) if rooms > 0 => return Err(format!("no room with this number: 1 to {rooms}")),
        _ if answer.is_empty() => return Err("an address is needed, as 192.168.0.162 or 192.168.0.162:9999".to_owned()),
        _ => {}
    }
    // A host without a port: the port is the next question.
    if let Ok(host) = answer.parse::<Host>() {
        host.check_zone().map_err(|error| error.to_string())?;
        return Ok(Choice::Other(Target::Word(host.to_string())));
    }
    Target::parse(answer).map(Choice::Other).map_err(|error| command_error(&error.into()).1)
}

fn ask_port(host: &Host) -> Result<HostPort, WizardError> {
    loop {
        let answer = read(&format!("Port [{DEFAULT_PORT}]: "))?;
        let port = if answer.is_empty() { DEFAULT_PORT.to_string() } else { answer };
        match HostPort::from_parts(&host.to_string(), &port) {
            Ok(server) => return Ok(server),
            Err(error) => print(&format!("{error}\n")),
        }
    }
}

fn ask_name(usual: Option<String>) -> Result<SessionArguments, WizardError> {
    let usual = usual.unwrap_or_else(login_name);
    loop {
        let answer = read(&format!("Nickname [{usual}]: "))?;
        let name = if answer.is_empty() { usual.clone() } else { answer };
        match check_name(Some(&name)) {
            Ok(()) => return Ok(SessionArguments { name: Some(name), ..SessionArguments::default() }),
            Err(error) => print(&format!("{}\n", command_error(&error.into()).1)),
        }
    }
}

fn ask_password() -> Result<Option<Zeroizing<String>>, WizardError> {
    loop {
        let question = |why: &str| print(&format!("{why}Password (Enter if there is none): "));
        let password = read_password(question).map_err(|_| WizardError::EndOfInput)?;
        if password.is_empty() {
            return Ok(None);
        }
        match from_first_line(&password) {
            Ok(password) => return Ok(Some(password)),
            Err(why) => print(&format!("{why}\n")),
        }
    }
}

fn read(question: &str) -> Result<String, WizardError> {
    loop {
        print(question);
        match read_answer(&mut io::stdin().lock()) {
            Ok(Some(Some(answer))) => return Ok(answer),
            Ok(Some(None)) => print("not UTF-8 text, or far too long: set this terminal to UTF-8\n"),
            Ok(None) => {
                print("\n");
                return Err(WizardError::EndOfInput);
            }
            Err(error) => return Err(WizardError::Terminal(error)),
        }
    }
}

fn print(text: &str) {
    let mut out = io::stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_is_a_number_an_invite_or_an_address() {
        assert_eq!(choose("", 2), Ok(Choice::Known(0)), "Enter selects the last room joined");
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
