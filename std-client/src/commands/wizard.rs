//! `kabar` without a subcommand: opens everything that is known in a full screen. With lines, or if
//! nothing is known, it asks for a room and a name, and offers the rooms that are known.

use std::io::{self, Write};
use std::path::PathBuf;

use kabar_std::address::{DEFAULT_PORT, Host, HostPort, Places};
use kabar_std::data_dir::DataDir;
use kabar_std::names::Name;
use kabar_std::password::from_first_line;
use zeroize::Zeroizing;

use super::arguments::SessionArguments;
use super::known;
use super::open;
use super::request::{Rooms, at_server, with_invite};
use super::session::{FrontEnd, SessionConfig, is_at_terminal};
use super::target::Target;
use crate::config::Config;
use crate::engine::{KeyPolicy, ServerRequest};
use crate::identity::{IdentityError, login_name};
use crate::known_servers::{KnownRoom, KnownServers};
use crate::line::stdin::read_answer;
use crate::line::terminal::read_password;
use crate::messages::{command_error, wizard};
use crate::outcome::{ChoiceError, CommandError, Outcome, TargetError, WizardError};

/// Number of known rooms that are offered.
const MAX_OFFERED: usize = 9;

/// The room to join.
#[derive(Debug, PartialEq, Eq)]
enum Choice {
    Known(usize),
    Other(Target),
}

pub(crate) fn run(data_dir: Option<PathBuf>, settings: Config) -> Result<Outcome, CommandError> {
    if !is_at_terminal() {
        return Err(WizardError::NotATerminal.into());
    }
    let dir = open(data_dir)?;
    let how = SessionArguments::default();
    let front_end = FrontEnd::choose(&how, &settings);
    let known = if front_end == FrontEnd::Screen { known::servers(&dir, &how)? } else { Vec::new() };
    let session = match known.is_empty() {
        true => SessionConfig::of(vec![ask(&dir, how)?], dir, &SessionArguments::default(), settings, front_end),
        false => SessionConfig { outlives_servers: true, ..SessionConfig::of(known, dir, &how, settings, front_end) },
    };
    Ok(Outcome::Session(session.run(drop)))
}

/// Asks for everything that a session needs.
fn ask(dir: &DataDir, how: SessionArguments) -> Result<ServerRequest, CommandError> {
    let rooms = KnownServers::load(dir)?.rooms();
    let rooms: Vec<_> = rooms.into_iter().filter(|known| !known.addresses.is_empty()).take(MAX_OFFERED).collect();
    let choice = ask_place(&rooms)?;
    let (server, rooms, usual) = match choice {
        Choice::Other(Target::Invite(invite)) => {
            let known = KnownServers::load(dir)?.find_key(&invite.fingerprint, &invite.room);
            let how = ask_name(known.and_then(|known| known.name), how)?;
            return with_invite(invite, Rooms::default(), &how, dir);
        }
        Choice::Known(at) => {
            let known = rooms.into_iter().nth(at).ok_or(WizardError::EndOfInput)?;
            let KnownRoom { fingerprint, addresses, room, name, .. } = known;
            let places = Places::of(addresses).ok_or(WizardError::EndOfInput)?;
            // All rooms of the server that the user has not left, this one first.
            let mut rooms = Rooms::of_options(KnownServers::load(dir)?.rooms_of(&fingerprint));
            rooms.put_first(room, None);
            (places, rooms, Some(name).filter(|name| !name.is_empty()))
        }
        Choice::Other(Target::Server(server)) => (server, Rooms::default(), None),
        Choice::Other(Target::Word(host)) => {
            let host: Host = host.parse().map_err(TargetError::Address)?;
            (ask_port(&host)?.into(), Rooms::default(), None)
        }
    };
    let known = KnownServers::load(dir)?.find_any(&server, &rooms.first());
    let how = ask_name(usual.or_else(|| known.as_ref().and_then(|known| known.name.clone())), how)?;
    let password = if known.is_some() { None } else { ask_password()? };
    at_server(server, rooms, KeyPolicy::Ask, password, &how, dir)
}

fn ask_place(rooms: &[KnownRoom]) -> Result<Choice, WizardError> {
    print(&wizard::rooms(rooms));
    loop {
        match choose(&read(&wizard::room(!rooms.is_empty()))?, rooms.len()) {
            Ok(choice) => return Ok(choice),
            Err(error) => print_line(&wizard::no_choice(&error)),
        }
    }
}

fn choose(answer: &str, rooms: usize) -> Result<Choice, ChoiceError> {
    let answer = answer.trim();
    match answer.parse::<usize>() {
        _ if answer.is_empty() && rooms > 0 => return Ok(Choice::Known(0)),
        Ok(number) if (1..=rooms).contains(&number) => return Ok(Choice::Known(number - 1)),
        Ok(_) if rooms > 0 => return Err(ChoiceError::NoSuchNumber(rooms)),
        _ if answer.is_empty() => return Err(ChoiceError::NoAddress),
        _ => {}
    }
    // A host without a port: the port is the next question.
    if let Ok(host) = answer.parse::<Host>() {
        host.check_zone().map_err(ChoiceError::Zone)?;
        return Ok(Choice::Other(Target::Word(host.to_string())));
    }
    Ok(Choice::Other(Target::parse(answer)?))
}

fn ask_port(host: &Host) -> Result<HostPort, WizardError> {
    loop {
        let answer = read(&wizard::port())?;
        let port = if answer.is_empty() { DEFAULT_PORT.to_string() } else { answer };
        match HostPort::from_parts(&host.to_string(), &port) {
            Ok(server) => return Ok(server),
            Err(error) => print_line(&command_error(&TargetError::from(error).into()).1),
        }
    }
}

fn ask_name(usual: Option<String>, how: SessionArguments) -> Result<SessionArguments, WizardError> {
    let usual = usual.unwrap_or_else(login_name);
    loop {
        let answer = read(&wizard::name(&usual))?;
        let name = Some(answer).filter(|answer| !answer.is_empty());
        let new = name.as_deref().filter(|name| *name != usual);
        match new.map(Name::new).transpose() {
            Ok(_) => return Ok(SessionArguments { name, ..how }),
            Err(error) => print_line(&command_error(&IdentityError::Name(error).into()).1),
        }
    }
}

fn ask_password() -> Result<Option<Zeroizing<String>>, WizardError> {
    loop {
        let question = |was_not_utf8| print(&wizard::password(was_not_utf8));
        let password = read_password(question).map_err(|_| WizardError::EndOfInput)?;
        if password.is_empty() {
            return Ok(None);
        }
        match from_first_line(&password) {
            Ok(password) => return Ok(Some(password)),
            Err(why) => print_line(&wizard::no_password(why)),
        }
    }
}

fn read(question: &str) -> Result<String, WizardError> {
    loop {
        print(question);
        match read_answer(&mut io::stdin().lock()) {
            Ok(Some(Some(answer))) => return Ok(answer),
            Ok(Some(None)) => print_line(&wizard::not_text()),
            Ok(None) => {
                print_line("");
                return Err(WizardError::EndOfInput);
            }
            Err(error) => return Err(WizardError::Terminal(error)),
        }
    }
}

fn print_line(line: &str) {
    print(&format!("{line}\n"));
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
        assert_eq!(choose("3", 2), Err(ChoiceError::NoSuchNumber(2)));
        assert_eq!(choose("", 0), Err(ChoiceError::NoAddress));
        assert_eq!(choose("192.168.0.7", 0), Ok(Choice::Other(Target::Word("192.168.0.7".to_owned()))));
        assert_eq!(choose("here:7", 1), Ok(Choice::Other(Target::Server("here:7".parse().unwrap()))));
        for (wrong, line) in [
            ("3", "no room with this number: 1 to 2"),
            ("kabar://x", "cut off"),
            ("fe80::1", "needs the interface"),
            ("a b", "host"),
        ] {
            let error = choose(wrong, 2).unwrap_err();
            assert!(wizard::no_choice(&error).contains(line), "{wrong}: {error}");
        }
    }
}
