//! What people are told when something does not work, and with which exit code.

use std::fmt;
use std::io;

use kabar_core::chat::{PostRefusedCode, RefusedCode};
use kabar_core::client::{EndReason, Lost};
use kabar_core::wire::frame::CloseCode;
use kabar_std::address::{HostPort, Places};

use crate::exit::{Exit, ExitReport};
use crate::resolve::NotFound;

/// Hosts and their ports, in words.
struct Place<'a>(&'a Places);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, HostPort { host, port }) in self.0.iter().enumerate() {
            write!(f, "{}{host} port {port}", if at == 0 { "" } else { " or " })?;
        }
        Ok(())
    }
}

/// Nothing came back.
#[must_use]
pub fn no_answer(server: &Places, seconds: u64) -> ExitReport {
    let line = format!(
        "no answer from {} in {seconds} s: wrong address, a firewall, or the room is not running",
        Place(server)
    );
    ExitReport::new(Exit::Unreachable, line)
}

/// The computer is there and said that nobody listens.
#[must_use]
pub fn refused(server: &Places) -> ExitReport {
    ExitReport::new(Exit::Unreachable, format!("{} refused: the room is not running there", Place(server)))
}

/// The system knows no way.
#[must_use]
pub fn no_route(server: &Places, error: &io::Error) -> ExitReport {
    ExitReport::new(Exit::Unreachable, format!("cannot reach {}: {error}", Place(server)))
}

/// A name means nothing, or an address cannot be used here.
#[must_use]
pub fn not_found(place: &HostPort, error: &NotFound) -> ExitReport {
    ExitReport::new(
        Exit::Unreachable,
        match error {
            NotFound::Zone(error) => error.to_string(),
            NotFound::Empty => format!("no such host: {}", place.host),
            NotFound::Name(error) => format!("no such host: {} ({error})", place.host),
        },
    )
}

/// The name server does not answer.
#[must_use]
pub fn no_name_service(server: &Places, seconds: u64) -> ExitReport {
    ExitReport::new(Exit::Unreachable, format!("the address of {} was not found in {seconds} s", server.first().host))
}

/// Somebody is there, and nothing comes of it.
#[must_use]
pub fn not_let_in(server: &Places, seconds: u64) -> ExitReport {
    ExitReport::new(Exit::Unreachable, format!("{} answers, but did not let in within {seconds} s", Place(server)))
}

/// Another key than the one that is expected at this address.
#[must_use]
pub fn other_key(server: &Places, expected: &str) -> ExitReport {
    let line = format!(
        "the server at {} has not the key that is expected there ({expected}): somebody may be in between. \
         If you know why it changed, join with a new invite, or take the new key with: kabar servers accept {}",
        Place(server),
        server.first()
    );
    ExitReport::new(Exit::NotTrusted, line)
}

/// A key that nobody vouched for.
#[must_use]
pub fn unknown_key(server: &Places, found: &str) -> ExitReport {
    let line = format!(
        "the key of the server at {} is not known: join with an invite, with --fingerprint {found} if that is the one you were told, \
         or with --accept-new",
        Place(server)
    );
    ExitReport::new(Exit::NotTrusted, line)
}

/// What was shown to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialUsed {
    /// The room's secret.
    Secret,
    /// A password.
    Password,
    /// Nothing but who one is.
    Nothing,
}

/// How a client's own end is told; `None` for the end that was asked for.
#[must_use]
pub fn ended(reason: EndReason, server: &Places, name: &str, room: &str, shown: CredentialUsed) -> Option<ExitReport> {
    let (exit, line) = match reason {
        EndReason::Left => return None,
        EndReason::KeyDeclined => (Exit::NotTrusted, "the server's key was declined".to_owned()),
        EndReason::KeyMismatch => {
            (Exit::NotTrusted, format!("the server at {} has not the key of the invite", Place(server)))
        }
        EndReason::Impostor => (
            Exit::NotTrusted,
            format!("the server at {} does not know the room's secret: it is not the room's", Place(server)),
        ),
        EndReason::Refused(code) => refused_join(code, name, room, shown),
        EndReason::Closed(CloseCode::REPLACED) => {
            (Exit::ByRoom, format!("{name} joined from elsewhere: this one was replaced"))
        }
        EndReason::Closed(CloseCode::KICKED) => (Exit::ByRoom, "you were put out of the room".to_owned()),
        EndReason::Closed(CloseCode::BANNED) => (Exit::ByRoom, "you are banned from this room".to_owned()),
        EndReason::Closed(code) => (Exit::ByRoom, format!("the room closed the connection ({code:?})")),
        other => (Exit::Error, format!("ended: {other:?}")),
    };
    Some(ExitReport::new(exit, line))
}

fn refused_join(code: RefusedCode, name: &str, room: &str, shown: CredentialUsed) -> (Exit, String) {
    match code {
        RefusedCode::AUTHENTICATION => {
            let line = match shown {
                CredentialUsed::Secret => format!("wrong secret: this is not, or no longer, an invite to {room}"),
                CredentialUsed::Password => "wrong password".to_owned(),
                CredentialUsed::Nothing => {
                    format!("{room} asks for an invite, or for its password (--password-file, KABAR_PASSWORD)")
                }
            };
            (Exit::NotTrusted, line)
        }
        RefusedCode::NAME_TAKEN => {
            let line = format!(
                "the name {name} is taken by somebody else (upper and lower case make no other name): choose another with --name"
            );
            (Exit::Name, line)
        }
        RefusedCode::NAME_NOT_ALLOWED => {
            (Exit::Name, format!("the name {name} is not allowed: choose another with --name"))
        }
        RefusedCode::UNKNOWN_ROOM => (Exit::ByRoom, format!("there is no room {room} here")),
        RefusedCode::ROOM_FULL => (Exit::ByRoom, "the room is full".to_owned()),
        RefusedCode::BANNED => (Exit::ByRoom, "you are banned from this room".to_owned()),
        RefusedCode::VERSION => (Exit::ByRoom, "the server speaks another version".to_owned()),
        code => (Exit::Error, format!("the server refused: {}", kabar_std::text::refusal(code))),
    }
}

/// Why a connection was lost.
#[must_use]
pub fn lost(why: Lost) -> &'static str {
    match why {
        Lost::Silent => "nothing is heard from the server",
        // Started again, or this computer was silent for too long: the next Joined tells.
        Lost::Unknown => "the server does not know this connection any more",
        Lost::Shutdown => "the server stops",
        Lost::TryLater => "the server asks to try again later",
        _ => "the connection was closed",
    }
}

/// The way back into the room was found.
#[derive(Clone, Copy, Debug)]
pub struct Back {
    /// How long it took.
    pub seconds: u64,
    /// Nothing was missed.
    pub is_resumed: bool,
    /// It is another run of the server than before.
    pub is_restarted: bool,
    /// Members present, if that was said.
    pub members: Option<u16>,
}

/// That somebody is in the room again.
#[must_use]
pub fn back(back: Back) -> String {
    let Back { seconds, is_resumed, is_restarted, members } = back;
    let restarted = if is_restarted { "; the server was restarted" } else { "" };
    let missed = if is_resumed { "; nothing was missed" } else { "" };
    let here = members.map(|members| format!("; {members} here")).unwrap_or_default();
    format!("Connected again after {seconds} s{restarted}{missed}{here}.")
}

/// Why a post is refused for good.
#[must_use]
pub fn refused_post(code: PostRefusedCode) -> &'static str {
    match code {
        PostRefusedCode::TOO_LONG => "it is too long",
        PostRefusedCode::MUTED => "you may not speak here",
        PostRefusedCode::KIND => "members do not say such things",
        _ => "the server refused it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Places {
        "192.168.0.160".parse().unwrap()
    }

    #[test]
    fn several_addresses_are_all_said() {
        let line = refused(&"192.0.2.1,[fd00::1]:7".parse().unwrap()).line.unwrap();
        assert!(line.starts_with("192.0.2.1 port 9999 or fd00::1 port 7 refused"), "{line}");
    }

    #[test]
    fn a_wrong_address_says_what_may_be_wrong() {
        let ending = no_answer(&server(), 5);
        let line =
            "no answer from 192.168.0.160 port 9999 in 5 s: wrong address, a firewall, or the room is not running";
        assert_eq!(ending, ExitReport::new(Exit::Unreachable, line));
    }

    #[test]
    fn only_another_run_of_the_server_is_a_restart() {
        let all = [Lost::Silent, Lost::Unknown, Lost::Shutdown, Lost::TryLater];
        assert!(!all.iter().any(|why| lost(*why).contains("start")));
        let same = Back { seconds: 3, is_resumed: true, is_restarted: false, members: Some(2) };
        assert_eq!(back(same), "Connected again after 3 s; nothing was missed; 2 here.");
        let other = Back { is_restarted: true, ..same };
        assert_eq!(back(other), "Connected again after 3 s; the server was restarted; nothing was missed; 2 here.");
        let recovered = Back { members: None, ..same };
        assert_eq!(back(recovered), "Connected again after 3 s; nothing was missed.");
    }

    #[test]
    fn every_end_has_its_code_and_one_line() {
        let code = |reason| {
            let ending = ended(reason, &server(), "anna", "lobby", CredentialUsed::Secret).unwrap();
            assert!(!ending.line.unwrap().contains('\n'));
            ending.exit.code()
        };
        assert_eq!(code(EndReason::KeyDeclined), 4);
        assert_eq!(code(EndReason::KeyMismatch), 4);
        assert_eq!(code(EndReason::Impostor), 4);
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
        assert_eq!(ended(EndReason::Left, &server(), "anna", "lobby", CredentialUsed::Secret), None);
    }
}
