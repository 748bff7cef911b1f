//! Errors of commands and sessions: the exit code and the sentence of each.

use std::fmt;

use kabar_core::chat::{EndedCode, MAX_PASSWORD_LEN, RefusedCode};
use kabar_core::client::EndReason;
use kabar_core::connection::CloseCode;
use kabar_std::address::Places;
use kabar_std::invite::{DEFAULT_ROOM, show_fingerprint};
use kabar_std::text::clean_line;

#[cfg(unix)]
use crate::bridge::BridgeError;
use crate::connect::{CONNECT_TIMEOUT, ConnectError, JOIN_TIMEOUT};
use crate::engine::event::{ClientEnd, CredentialUsed, SessionError};
use crate::exit::Exit;
use crate::identity::{ExportError, IdentityError};
use crate::outcome::{
    CommandError, HistoryCommandError, IdentityCommandError, PasswordError, ServersCommandError, TargetError,
    WizardError,
};
use crate::probe::ProbeError;
use crate::resolve::ResolveError;

/// Returns the exit code and the sentence of an error.
#[must_use]
pub fn command_error(error: &CommandError) -> (Exit, String) {
    match error {
        CommandError::CommandLine(line) | CommandError::Config(line) => (Exit::Usage, line.clone()),
        CommandError::NoDataDir => (Exit::Error, "there is no home directory: use --data-dir DIR".to_owned()),
        CommandError::Identity(error) => identity_error(error),
        CommandError::Password(error) => password_error(error),
        CommandError::Target(error) => (Exit::Usage, target_error(error)),
        CommandError::IdentityCommand(error) => identity_command_error(error),
        CommandError::ServersCommand(error) => servers_command_error(error),
        CommandError::History(error) => history_command_error(error),
        CommandError::Wizard(error) => wizard_error(error),
        CommandError::TooManyAdvertised(error) => (Exit::Usage, format!("--advertise: {error}")),
        #[cfg(unix)]
        CommandError::Bridge(error) => bridge_error(error),
        CommandError::Host(_)
        | CommandError::File(_)
        | CommandError::KnownServers(_)
        | CommandError::Web(_)
        | CommandError::Print(_) => (Exit::Error, error.to_string()),
    }
}

pub(super) fn identity_error(error: &IdentityError) -> (Exit, String) {
    match error {
        IdentityError::Name(error) => (Exit::Name, format!("{error}: choose another name")),
        IdentityError::File(_) => (Exit::Error, error.to_string()),
    }
}

fn password_error(error: &PasswordError) -> (Exit, String) {
    let exit = match error {
        PasswordError::NotText { .. } | PasswordError::NotAllowed(_) => Exit::Usage,
        PasswordError::Read { .. } => Exit::Error,
    };
    (exit, error.to_string())
}

pub(super) fn target_error(error: &TargetError) -> String {
    match error {
        TargetError::BothOnStdin => "standard input can have the invite or the password, not both".to_owned(),
        TargetError::Stdin(error) => format!("standard input: {error}"),
        TargetError::KeyOptionWithInvite => {
            "an invite names the accepted key: use --fingerprint and --accept-new only with a host".to_owned()
        }
        TargetError::NoUsableAddress(error) => format!("{error}; put it into the invite"),
        TargetError::OtherServer => {
            "all invites must be for one server: join the other server at another terminal".to_owned()
        }
        TargetError::InviteNotFirst => "further invites can only follow an invite: put one of them first".to_owned(),
        TargetError::NoRoom(typed) => format!("{} is not the name of a room, nor an invite to one", clean_line(typed)),
        TargetError::TooManyRooms => format!("{} rooms are as many as can be joined at once", crate::profile::ROOMS),
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
        IdentityCommandError::NoIdentity(None) => {
            (Exit::Error, "no identity yet: it is made when you first join or host a room".to_owned())
        }
        IdentityCommandError::NoIdentity(Some(label)) => {
            (Exit::Error, format!("no identity with the label {label} on this computer (kabar identity lists them)"))
        }
        IdentityCommandError::OtherIdentity(present) => (
            Exit::Error,
            format!(
                "you are somebody else on this computer: {} in {}. Use --replace to keep that key in a file and be the \
                 imported one, or --identity LABEL to be either",
                present.key.fingerprint(),
                present.path.display()
            ),
        ),
        IdentityCommandError::Exported(error) => exported_error(error),
        IdentityCommandError::Passphrase => {
            (Exit::Usage, format!("a passphrase is one line of text, of at most {MAX_PASSWORD_LEN} bytes"))
        }
        IdentityCommandError::Mistyped => (Exit::Error, "the passphrases differ: nothing was written".to_owned()),
        IdentityCommandError::NoTerminal => {
            (Exit::Usage, "a passphrase is typed at a terminal; without one, use --passphrase-file FILE".to_owned())
        }
        IdentityCommandError::Identity(error) => identity_error(error),
        IdentityCommandError::NotText { file, why } => (Exit::Error, format!("cannot use {}: {why}", file.display())),
        IdentityCommandError::File(_) | IdentityCommandError::Terminal(_) => (Exit::Error, error.to_string()),
    }
}

fn exported_error(error: &ExportError) -> (Exit, String) {
    let hint = match error {
        ExportError::Damaged => ": copy it again, in full",
        ExportError::Newer => ": update kabar on this computer",
        ExportError::PassphraseRequired => ": use --passphrase-file FILE, or type it at a terminal",
        ExportError::WrongPassphrase => return (Exit::NotTrusted, "wrong passphrase: nothing was imported".to_owned()),
        ExportError::OtherFile | ExportError::Random(_) => "",
    };
    (Exit::Error, format!("{error}{hint}"))
}

fn history_command_error(error: &HistoryCommandError) -> (Exit, String) {
    match error {
        HistoryCommandError::None => {
            (Exit::Error, "there is no history on this computer yet: it begins when you join a room".to_owned())
        }
        HistoryCommandError::NoRoom(room, rooms) => {
            (Exit::Error, format!("no room {} in your history: {}", clean_line(room), rooms.join(", ")))
        }
        HistoryCommandError::Identity(error) => identity_command_error(error),
        HistoryCommandError::Open(_) | HistoryCommandError::Storage(_) => (Exit::Error, error.to_string()),
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

#[cfg(unix)]
fn bridge_error(error: &BridgeError) -> (Exit, String) {
    match error {
        BridgeError::Unresolved(server) => (Exit::Unreachable, format!("the address of {server} was never resolved")),
        BridgeError::Open { .. } | BridgeError::Listen { .. } | BridgeError::System(_) => {
            (Exit::Error, error.to_string())
        }
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

pub(super) fn connect_error(error: &ConnectError) -> String {
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

pub(super) fn client_end(end: &ClientEnd) -> (Exit, String) {
    let ClientEnd { reason, server, name, .. } = end;
    let by_room = |line: &str| (Exit::ByRoom, with_server_text(line.to_owned(), &end.server_text));
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
        EndReason::Refused(code) => {
            let (exit, line) = join_refused(code, end);
            (exit, with_server_text(line, &end.server_text))
        }
        EndReason::Closed(CloseCode::REPLACED) => {
            (Exit::ByRoom, format!("{name} joined from too many places: this session was replaced"))
        }
        EndReason::EndedByServer(EndedCode::KICKED) | EndReason::Closed(CloseCode::KICKED) => {
            by_room("you were kicked from the room")
        }
        EndReason::EndedByServer(EndedCode::BANNED) | EndReason::Closed(CloseCode::BANNED) => {
            by_room("you are banned from this room")
        }
        EndReason::EndedByServer(EndedCode::CLOSED) => by_room("the room is closed"),
        EndReason::EndedByServer(code) => by_room(&format!("the server ended the membership ({code:?})")),
        EndReason::Closed(code) => (Exit::ByRoom, format!("the server closed the connection ({code:?})")),
        EndReason::Left => (Exit::Error, "the session ended".to_owned()),
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
        RefusedCode::NAME_TAKEN => (Exit::Name, format!("the name {name} is taken: choose another with --name")),
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

/// Appends the server's text to a sentence, unless the sentence has it.
pub(super) fn with_server_text(line: String, text: &str) -> String {
    let text = clean_line(text);
    if line.contains(&text) { line } else { format!("{line} (server: {text})") }
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
