//! Sentences for people, and the exit codes that belong to errors.
//!
//! The other modules return typed errors and outcomes; only this one and `main` decide what is
//! printed about them. [`notices`] are displayed during a session.

pub mod notices;
mod stats;

use std::fmt;
use std::path::Path;

use kabar_core::chat::RefusedCode;
use kabar_core::client::EndReason;
use kabar_core::connection::CloseCode;
use kabar_std::address::Places;
use kabar_std::invite::{DEFAULT_ROOM, show_fingerprint};

use crate::commands::identity::IdentityCommandError;
use crate::commands::password::PasswordError;
use crate::commands::servers::ServersCommandError;
use crate::commands::target::TargetError;
use crate::commands::wizard::WizardError;
use crate::commands::{CommandError, Outcome};
use crate::connect::{CONNECT_TIMEOUT, ConnectError, JOIN_TIMEOUT};
use crate::exit::{Exit, ExitReport};
use crate::identity::IdentityError;
use crate::probe::ProbeError;
use crate::resolve::ResolveError;
use crate::session::{ClientEnd, CredentialUsed, SessionEnd, SessionError, SessionReport};

/// Reports the outcome of a command.
#[must_use]
pub fn report(result: &Result<Outcome, CommandError>) -> ExitReport {
    match result {
        Ok(outcome) => outcome_report(outcome),
        Err(error) => {
            let (exit, line) = command_error(error);
            ExitReport { exit, line: Some(line).filter(|_| exit != Exit::Interrupted) }
        }
    }
}

fn outcome_report(outcome: &Outcome) -> ExitReport {
    let done = |line: String| ExitReport::new(Exit::Done, line);
    match outcome {
        Outcome::Done => ExitReport::quiet(Exit::Done),
        Outcome::Session(report) => session_report(report),
        Outcome::BridgeStopped { to_server, to_devices } => {
            done(format!("forwarded {to_server} packets to the server and {to_devices} to devices"))
        }
        Outcome::ServersForgotten { target, rooms: 1 } => done(format!("forgotten: {target}")),
        Outcome::ServersForgotten { target, rooms } => done(format!("forgotten: {target} ({rooms} rooms)")),
        Outcome::KeyAlreadyKnown { server, found } => {
            done(format!("{} is already the key for {server}", show_fingerprint(found)))
        }
        Outcome::KeyAccepted { server, found } => done(format!(
            "accepted: {} is now the key for {server}; join with a new invite or the password",
            show_fingerprint(found)
        )),
        Outcome::IdentityForgotten(name) => done(format!("forgotten: {name}")),
        Outcome::IdentityExported { name, file } => {
            done(format!("the key of {name} is in {}: anyone with this file can use the name {name}", file.display()))
        }
        Outcome::IdentityImported { name, fingerprint } => {
            done(format!("you can use the name {name} on this computer now: {fingerprint}"))
        }
    }
}

/// Reports the end of a session and its losses.
#[must_use]
pub fn session_report(report: &SessionReport) -> ExitReport {
    let end = match &report.end {
        SessionEnd::Left => ExitReport::quiet(Exit::Done),
        SessionEnd::Interrupted => ExitReport::quiet(Exit::Interrupted),
        SessionEnd::Unsent(lines) => ExitReport::new(Exit::Unsent, notices::unsent(*lines)),
        SessionEnd::Failed(error) => {
            let (exit, line) = session_error(error);
            ExitReport::new(exit, line)
        }
    };
    report.losses.iter().fold(end, |end, loss| end.and(&notices::loss(loss)))
}

/// Returns the exit code and the sentence of an error.
#[must_use]
pub fn command_error(error: &CommandError) -> (Exit, String) {
    match error {
        CommandError::CommandLine(line) => (Exit::Usage, line.clone()),
        CommandError::NoDataDir => (Exit::Error, "there is no home directory: use --data-dir DIR".to_owned()),
        CommandError::Identity(error) => identity_error(error),
        CommandError::Password(error) => password_error(error),
        CommandError::Target(error) => (Exit::Usage, target_error(error)),
        CommandError::IdentityCommand(error) => identity_command_error(error),
        CommandError::ServersCommand(error) => servers_command_error(error),
        CommandError::Wizard(error) => wizard_error(error),
        CommandError::TooManyAdvertised(error) => (Exit::Usage, format!("--advertise: {error}")),
        CommandError::BridgeUnresolved(server) => {
            (Exit::Unreachable, format!("the address of {server} was never resolved"))
        }
        CommandError::Host(_)
        | CommandError::File(_)
        | CommandError::KnownServers(_)
        | CommandError::Bridge(_)
        | CommandError::Print(_) => (Exit::Error, error.to_string()),
    }
}

fn identity_error(error: &IdentityError) -> (Exit, String) {
    match error {
        IdentityError::Name(error) => (Exit::Name, format!("{error}: choose another name")),
        IdentityError::NoFreeName => (Exit::Name, "no free name found: choose one with --name".to_owned()),
        IdentityError::Lock(_) | IdentityError::File(_) => (Exit::Error, error.to_string()),
    }
}

fn password_error(error: &PasswordError) -> (Exit, String) {
    let exit = match error {
        PasswordError::NotText { .. } | PasswordError::NotAllowed(_) => Exit::Usage,
        PasswordError::Read { .. } => Exit::Error,
    };
    (exit, error.to_string())
}

fn target_error(error: &TargetError) -> String {
    match error {
        TargetError::BothOnStdin => "standard input can have the invite or the password, not both".to_owned(),
        TargetError::Stdin(error) => format!("standard input: {error}"),
        TargetError::KeyOptionWithInvite => {
            "an invite names the accepted key: use --fingerprint and --accept-new only with a host".to_owned()
        }
        TargetError::NoUsableAddress(error) => format!("{error}; put it into the invite"),
        TargetError::Ambiguous(rooms) => {
            let choices: Vec<_> = rooms
                .iter()
                .map(|(places, room)| {
                    let option = if room.as_str() == DEFAULT_ROOM { String::new() } else { format!(" --room {room}") };
                    format!("\n  kabar join {}{option}", places.first())
                })
                .collect();
            format!("you know {} rooms with this name; choose one:{}", rooms.len(), choices.concat())
        }
        TargetError::Invite(_) | TargetError::Address(_) => error.to_string(),
    }
}

fn identity_command_error(error: &IdentityCommandError) -> (Exit, String) {
    match error {
        IdentityCommandError::NoKey(name) => {
            (Exit::Error, format!("no key for {name} on this computer (kabar identity lists them)"))
        }
        IdentityCommandError::NoNameInFile => (Exit::Usage, "the file contains no name: use --name NAME".to_owned()),
        IdentityCommandError::OtherKey(name) => (
            Exit::Error,
            format!(
                "{name} has another key on this computer: export it, forget it with `kabar identity forget {name}`, then import"
            ),
        ),
        IdentityCommandError::NotConfirmed => {
            (Exit::Usage, "nothing was forgotten: use --yes to forget without a question".to_owned())
        }
        IdentityCommandError::Declined => (Exit::Error, "nothing was forgotten".to_owned()),
        IdentityCommandError::Identity(error) => identity_error(error),
        IdentityCommandError::NotText { file, why } => (Exit::Error, format!("cannot use {}: {why}", path(file))),
        IdentityCommandError::File(_) | IdentityCommandError::Terminal(_) => (Exit::Error, error.to_string()),
    }
}

fn servers_command_error(error: &ServersCommandError) -> (Exit, String) {
    match error {
        ServersCommandError::NotKnown(target) => {
            (Exit::Error, format!("{target} is not known (kabar servers lists known servers)"))
        }
        ServersCommandError::OtherKey { server, found } => {
            (Exit::NotTrusted, format!("not accepted: the key for {server} is {}", show_fingerprint(found)))
        }
        ServersCommandError::NotConfirmed { found } => (
            Exit::NotTrusted,
            format!("not accepted: use --fingerprint {} if that is its key", show_fingerprint(found)),
        ),
        ServersCommandError::Declined => (Exit::NotTrusted, "not accepted".to_owned()),
        ServersCommandError::Probe(ProbeError::Connect(error)) => (Exit::Unreachable, connect_error(error)),
        ServersCommandError::Probe(ProbeError::Start(_))
        | ServersCommandError::KnownServers(_)
        | ServersCommandError::Terminal(_) => (Exit::Error, error.to_string()),
    }
}

fn wizard_error(error: &WizardError) -> (Exit, String) {
    match error {
        WizardError::NotATerminal => (
            Exit::Usage,
            "kabar asks where to go only at a terminal: use `kabar join INVITE` or `kabar host`, or see kabar --help"
                .to_owned(),
        ),
        WizardError::EndOfInput => (Exit::Interrupted, error.to_string()),
        WizardError::Terminal(error) => (Exit::Error, format!("cannot read from the terminal: {error}")),
    }
}

/// Returns the exit code and the sentence of an error that ended a session.
#[must_use]
pub fn session_error(error: &SessionError) -> (Exit, String) {
    match error {
        SessionError::Connect(error) => (Exit::Unreachable, connect_error(error)),
        SessionError::KeyChanged { server, expected } => {
            let line = format!(
                "the key of {} has changed (expected {}): someone may be intercepting the connection. If you know why it \
                 changed, join with a new invite, or accept the new key with: kabar servers accept {}",
                Alternatives(server),
                show_fingerprint(expected),
                server.first()
            );
            (Exit::NotTrusted, line)
        }
        SessionError::UnknownKey { server, found } => {
            let line = format!(
                "the key of {} is not known: join with an invite, with --fingerprint {} if the host confirms it, \
                 or with --accept-new",
                Alternatives(server),
                show_fingerprint(found)
            );
            (Exit::NotTrusted, line)
        }
        SessionError::PasswordRequired => (Exit::NotTrusted, "this room requires an invite or its password".to_owned()),
        SessionError::Client(end) => client_end(end),
        SessionError::Identity(error) => identity_error(error),
        SessionError::File(_) | SessionError::Start(_) => (Exit::Error, error.to_string()),
    }
}

fn connect_error(error: &ConnectError) -> String {
    let seconds = |timeout: kabar_core::time::Duration| timeout.as_millis() / 1_000;
    match error {
        ConnectError::Resolve { place, error } => match error {
            ResolveError::Zone(error) => error.to_string(),
            ResolveError::NoAddress => format!("no such host: {}", place.host),
            ResolveError::Lookup(error) => format!("no such host: {} ({error})", place.host),
        },
        ConnectError::ResolveTimeout(server) => {
            format!("could not resolve {} within {} s", server.first().host, seconds(CONNECT_TIMEOUT))
        }
        ConnectError::NoResponse(server) => format!(
            "no response from {} after {} s: wrong address, a firewall, or the room is not running",
            Alternatives(server),
            seconds(CONNECT_TIMEOUT)
        ),
        ConnectError::Refused(server) => {
            format!("{} refused the connection: the room is not running there", Alternatives(server))
        }
        ConnectError::Unreachable { server, error } => format!("cannot reach {}: {error}", Alternatives(server)),
        ConnectError::NotAdmitted(server) => {
            format!("{} answered but did not admit you within {} s", Alternatives(server), seconds(JOIN_TIMEOUT))
        }
    }
}

fn client_end(end: &ClientEnd) -> (Exit, String) {
    let ClientEnd { reason, server, name, .. } = end;
    let by_room = |line: &str| (Exit::ByRoom, line.to_owned());
    match *reason {
        EndReason::KeyRejected => (Exit::NotTrusted, "the server's key was declined".to_owned()),
        EndReason::KeyMismatch => (
            Exit::NotTrusted,
            format!("the server at {} does not have the key named in the invite", Alternatives(server)),
        ),
        EndReason::ServerProofInvalid => (
            Exit::NotTrusted,
            format!(
                "the server at {} does not know the room's secret: it does not host this room",
                Alternatives(server)
            ),
        ),
        EndReason::Refused(code) => join_refused(code, end),
        EndReason::Closed(CloseCode::REPLACED) => {
            (Exit::ByRoom, format!("{name} joined from another place: this session was replaced"))
        }
        EndReason::Closed(CloseCode::KICKED) => by_room("you were kicked from the room"),
        EndReason::Closed(CloseCode::BANNED) => by_room("you are banned from this room"),
        EndReason::Closed(code) => (Exit::ByRoom, format!("the server closed the connection ({code:?})")),
        other => (Exit::Error, format!("the session ended ({other:?})")),
    }
}

fn join_refused(code: RefusedCode, end: &ClientEnd) -> (Exit, String) {
    let ClientEnd { name, room, credential, .. } = end;
    match code {
        RefusedCode::AUTHENTICATION => {
            let line = match credential {
                CredentialUsed::Secret => {
                    format!("wrong secret: this is not a valid invite to {room}, or no longer one")
                }
                CredentialUsed::Password => "wrong password".to_owned(),
                CredentialUsed::None => {
                    format!("{room} requires an invite or its password (--password-file, KABAR_PASSWORD)")
                }
            };
            (Exit::NotTrusted, line)
        }
        RefusedCode::NAME_TAKEN => (
            Exit::Name,
            format!("the name {name} is taken (upper and lower case count as the same): choose another with --name"),
        ),
        RefusedCode::NAME_NOT_ALLOWED => {
            (Exit::Name, format!("the name {name} is not allowed: choose another with --name"))
        }
        RefusedCode::UNKNOWN_ROOM => (Exit::ByRoom, format!("there is no room {room} on this server")),
        RefusedCode::ROOM_FULL => (Exit::ByRoom, "the room is full".to_owned()),
        RefusedCode::BANNED => (Exit::ByRoom, "you are banned from this room".to_owned()),
        RefusedCode::VERSION => (Exit::ByRoom, "the server uses another version of the chat protocol".to_owned()),
        code => (Exit::Error, format!("the server refused to admit you: {}", kabar_std::text::refusal(code))),
    }
}

fn path(path: &Path) -> impl fmt::Display + '_ {
    path.display()
}

/// Formats the addresses of one server.
struct Alternatives<'a>(&'a Places);

impl fmt::Display for Alternatives<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, place) in self.0.iter().enumerate() {
            write!(f, "{}{place}", if at == 0 { "" } else { " or " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use kabar_std::invite::RoomName;

    use super::*;
    use crate::session::Loss;

    fn server() -> Places {
        "192.168.0.160".parse().unwrap()
    }

    fn end(reason: EndReason) -> (Exit, String) {
        client_end(&ClientEnd {
            reason,
            server: server(),
            name: "anna".to_owned(),
            room: RoomName::new("lobby").unwrap(),
            credential: CredentialUsed::Secret,
        })
    }

    #[test]
    fn names_all_addresses_of_a_server() {
        let line = connect_error(&ConnectError::Refused("192.0.2.1,[fd00::1]:7".parse().unwrap()));
        assert!(line.starts_with("192.0.2.1:9999 or [fd00::1]:7 refused"), "{line}");
    }

    #[test]
    fn missing_response_names_the_likely_causes() {
        let (exit, line) = session_error(&ConnectError::NoResponse(server()).into());
        let expected =
            "no response from 192.168.0.160:9999 after 5 s: wrong address, a firewall, or the room is not running";
        assert_eq!((exit, line.as_str()), (Exit::Unreachable, expected));
    }

    #[test]
    fn every_end_has_its_code_and_one_line() {
        let code = |reason| {
            let (exit, line) = end(reason);
            assert!(!line.contains('\n'), "{line}");
            exit.code()
        };
        assert_eq!(code(EndReason::KeyRejected), 4);
        assert_eq!(code(EndReason::KeyMismatch), 4);
        assert_eq!(code(EndReason::ServerProofInvalid), 4);
        assert_eq!(code(EndReason::Refused(RefusedCode::AUTHENTICATION)), 4);
        assert_eq!(code(EndReason::Refused(RefusedCode::NAME_TAKEN)), 5);
        assert_eq!(code(EndReason::Refused(RefusedCode::NAME_NOT_ALLOWED)), 5);
        for refused in [RefusedCode::UNKNOWN_ROOM, RefusedCode::ROOM_FULL, RefusedCode::BANNED, RefusedCode::VERSION] {
            assert_eq!(code(EndReason::Refused(refused)), 7);
        }
        assert_eq!(code(EndReason::Refused(RefusedCode::SIGNATURE)), 1);
        for closed in [CloseCode::REPLACED, CloseCode::KICKED, CloseCode::BANNED] {
            assert_eq!(code(EndReason::Closed(closed)), 7);
        }
    }

    #[test]
    fn every_refusal_has_its_own_sentence() {
        let lines: Vec<_> = (0..=11).map(|code| end(EndReason::Refused(RefusedCode(code))).1).collect();
        for (code, line) in lines.iter().enumerate() {
            assert_eq!(lines.iter().filter(|other| *other == line).count(), 1, "{line}");
            assert_eq!(line.contains("reason"), matches!(code, 0 | 11), "{line}");
        }
    }

    #[test]
    fn losses_follow_the_end() {
        let losses = vec![Loss::PositionNotSaved("full".to_owned()), Loss::Transcript("2 lines".to_owned())];
        let report = session_report(&SessionReport { end: SessionEnd::Left, losses });
        let line = "could not save your position in this room: full; 2 lines";
        assert_eq!(report, ExitReport::new(Exit::Error, line));
        let unsent = session_report(&SessionReport { end: SessionEnd::Unsent(1), losses: Vec::new() });
        assert_eq!(unsent, ExitReport::new(Exit::Unsent, "1 line was not sent"));
    }
}
