//! Errors of commands and sessions: the exit code and the sentence of each.

use kabar_core::chat::{EndedCode, MAX_PASSWORD_LEN, RefusedCode};
use kabar_core::client::EndReason;
use kabar_core::connection::CloseCode;
use kabar_std::address::Places;
use kabar_std::invite::{DEFAULT_ROOM, show_fingerprint};
use kabar_std::text::clean_line;

use super::{causes, host_errors, reasons, settings};
#[cfg(unix)]
use crate::bridge::BridgeError;
use crate::connect::{CONNECT_TIMEOUT, ConnectError, JOIN_TIMEOUT};
use crate::engine::event::{ClientEnd, CredentialUsed, SessionError};
use crate::exit::Exit;
use crate::identity::{ExportError, IdentityError};
use crate::known_servers::KnownServersError;
use crate::language::message;
use crate::outcome::{
    CommandError, HistoryCommandError, IdentityCommandError, PasswordError, PasswordSource, ServersCommandError,
    TargetError, TransferError, WebError, WizardError,
};
use crate::probe::ProbeError;
use crate::resolve::ResolveError;

/// Returns the exit code and the sentence of an error.
#[must_use]
pub fn command_error(error: &CommandError) -> (Exit, String) {
    match error {
        CommandError::CommandLine(line) => (Exit::Usage, line.clone()),
        CommandError::Config(error) => (Exit::Usage, settings::error(error)),
        CommandError::NoDataDir => (Exit::Error, message!("no-data-dir")),
        CommandError::Identity(error) => identity_error(error),
        CommandError::Password(error) => password_error(error),
        CommandError::Target(error) => (Exit::Usage, target_error(error)),
        CommandError::IdentityCommand(error) => identity_command_error(error),
        CommandError::ServersCommand(error) => servers_command_error(error),
        CommandError::History(error) => history_command_error(error),
        CommandError::Wizard(error) => wizard_error(error),
        CommandError::TooManyAdvertised(error) => {
            (Exit::Usage, message!("too-many-advertised", reason = reasons::address(error)))
        }
        CommandError::Transfer(error) => transfer_error(error),
        #[cfg(unix)]
        CommandError::Bridge(error) => bridge_error(error),
        CommandError::Host(error) => (Exit::Error, host_errors::host(error)),
        CommandError::File(error) => (Exit::Error, reasons::file(error)),
        CommandError::KnownServers(error) => (Exit::Error, known_servers_error(error)),
        CommandError::Web(error) => (Exit::Error, web_error(error)),
        CommandError::Print(error) => (Exit::Error, message!("cannot-print", error = causes::io(error))),
    }
}

pub(super) fn identity_error(error: &IdentityError) -> (Exit, String) {
    match error {
        IdentityError::Name(error) => (Exit::Name, message!("name-choose-another", reason = reasons::name(error))),
        IdentityError::File(error) => (Exit::Error, reasons::file(error)),
    }
}

pub(super) fn known_servers_error(error: &KnownServersError) -> String {
    match error {
        KnownServersError::File(error) => reasons::file(error),
        KnownServersError::Encode(error) => message!("known-servers-encode", %error),
    }
}

fn transfer_error(error: &TransferError) -> (Exit, String) {
    match error {
        TransferError::OneName => (Exit::Usage, message!("send-one-name")),
        TransferError::Name(path) => (Exit::Usage, message!("send-no-name", path = %path.display())),
        TransferError::NoRoom => (Exit::Usage, message!("get-no-room")),
        TransferError::Start(error) => (Exit::Error, message!("cannot-start", error = causes::io(error))),
        TransferError::Failed { is_upload: true, files } => (Exit::Unsent, message!("files-not-sent", files = *files)),
        TransferError::Failed { is_upload: false, .. } => (Exit::Error, message!("file-not-received")),
    }
}

fn web_error(error: &WebError) -> String {
    match error {
        WebError::Listen { port, error } => {
            message!("web-cannot-listen", port = port.to_string(), error = causes::io(error))
        }
        WebError::Start(error) => message!("cannot-start", error = causes::io(error)),
    }
}

fn password_error(error: &PasswordError) -> (Exit, String) {
    match error {
        PasswordError::NotText { from, error } => {
            (Exit::Usage, message!("password-not-text", source = password_source(from), reason = causes::io(error)))
        }
        PasswordError::Read { from, error } => {
            (Exit::Error, message!("password-cannot-read", source = password_source(from), error = causes::io(error)))
        }
        PasswordError::NotAllowed(why) => (Exit::Usage, reasons::password(*why)),
    }
}

fn password_source(from: &PasswordSource) -> String {
    match from {
        PasswordSource::File(path) => path.display().to_string(),
        PasswordSource::Stdin => message!("stdin"),
        PasswordSource::Variable(name) => (*name).to_owned(),
    }
}

pub(super) fn target_error(error: &TargetError) -> String {
    match error {
        TargetError::BothOnStdin => message!("target-both-on-stdin"),
        TargetError::Stdin(error) => message!("target-stdin", error = causes::io(error)),
        TargetError::KeyOptionWithInvite => message!("target-key-option"),
        TargetError::NoUsableAddress(error) => message!("target-no-address", reason = reasons::address(error)),
        TargetError::OtherServer => message!("target-other-server"),
        TargetError::InviteNotFirst => message!("target-invite-not-first"),
        TargetError::NoRoom(typed) => message!("target-no-room", typed = clean_line(typed)),
        TargetError::TooManyRooms => message!("target-too-many", rooms = crate::profile::ROOMS),
        TargetError::Ambiguous(rooms) => {
            let choices: Vec<_> = rooms
                .iter()
                .map(|(places, room)| {
                    let option = if room.as_str() == DEFAULT_ROOM { String::new() } else { format!(" --room {room}") };
                    format!("\n  kabar join {}{option}", places.first())
                })
                .collect();
            message!("target-ambiguous", rooms = rooms.len()) + &choices.concat()
        }
        TargetError::Invite(error) => reasons::invite(error),
        TargetError::Address(error) => reasons::address(error),
    }
}

fn identity_command_error(error: &IdentityCommandError) -> (Exit, String) {
    match error {
        IdentityCommandError::NoIdentity(None) => (Exit::Error, message!("no-identity")),
        IdentityCommandError::NoIdentity(Some(label)) => (Exit::Error, message!("no-identity-labelled", label)),
        IdentityCommandError::OtherIdentity(present) => (
            Exit::Error,
            message!("other-identity", fingerprint = %present.key.fingerprint(), path = %present.path.display()),
        ),
        IdentityCommandError::Exported(error) => exported_error(error),
        IdentityCommandError::Passphrase => (Exit::Usage, message!("passphrase-invalid", max = MAX_PASSWORD_LEN)),
        IdentityCommandError::Mistyped => (Exit::Error, message!("passphrase-mistyped")),
        IdentityCommandError::NoTerminal => (Exit::Usage, message!("passphrase-no-terminal")),
        IdentityCommandError::Identity(error) => identity_error(error),
        IdentityCommandError::NotText { file, why } => {
            (Exit::Error, message!("identity-not-text", file = %file.display(), reason = causes::not_text(*why)))
        }
        IdentityCommandError::File(error) => (Exit::Error, reasons::file(error)),
        IdentityCommandError::Terminal(error) => {
            (Exit::Error, message!("cannot-read-terminal", error = causes::io(error)))
        }
    }
}

fn exported_error(error: &ExportError) -> (Exit, String) {
    let line = match error {
        ExportError::Damaged => message!("exported-damaged"),
        ExportError::Newer => message!("exported-newer"),
        ExportError::PassphraseRequired => message!("exported-passphrase-required"),
        ExportError::WrongPassphrase => return (Exit::NotTrusted, message!("exported-wrong-passphrase")),
        ExportError::OtherFile => message!("exported-other-file"),
        ExportError::Random(error) => message!("exported-random", error),
    };
    (Exit::Error, line)
}

fn history_command_error(error: &HistoryCommandError) -> (Exit, String) {
    match error {
        HistoryCommandError::None => (Exit::Error, message!("history-none")),
        HistoryCommandError::NoRoom(room, rooms) => {
            (Exit::Error, message!("history-no-room", room = clean_line(room), rooms = rooms.join(", ")))
        }
        HistoryCommandError::Identity(error) => identity_command_error(error),
        HistoryCommandError::Open(error) => (Exit::Error, reasons::history(error)),
        HistoryCommandError::Storage(error) => (Exit::Error, reasons::store(error.0)),
    }
}

fn servers_command_error(error: &ServersCommandError) -> (Exit, String) {
    match error {
        ServersCommandError::NotKnown(target) => (Exit::Error, message!("server-not-known", target)),
        ServersCommandError::OtherKey { server, found } => {
            (Exit::NotTrusted, message!("key-not-accepted-other", %server, fingerprint = show_fingerprint(found)))
        }
        ServersCommandError::NotConfirmed { found } => {
            (Exit::NotTrusted, message!("key-not-confirmed", fingerprint = show_fingerprint(found)))
        }
        ServersCommandError::Declined => (Exit::NotTrusted, message!("key-not-accepted")),
        ServersCommandError::Probe(ProbeError::Connect(error)) => (Exit::Unreachable, connect_error(error)),
        ServersCommandError::Probe(ProbeError::Start(error)) => {
            (Exit::Error, message!("cannot-start", error = causes::io(error)))
        }
        ServersCommandError::KnownServers(error) => (Exit::Error, known_servers_error(error)),
        ServersCommandError::Terminal(error) => {
            (Exit::Error, message!("cannot-read-terminal", error = causes::io(error)))
        }
    }
}

fn wizard_error(error: &WizardError) -> (Exit, String) {
    match error {
        WizardError::NotATerminal => (Exit::Usage, message!("wizard-no-terminal")),
        WizardError::EndOfInput => (Exit::Interrupted, error.to_string()),
        WizardError::Terminal(error) => (Exit::Error, message!("cannot-read-terminal", error = causes::io(error))),
    }
}

#[cfg(unix)]
fn bridge_error(error: &BridgeError) -> (Exit, String) {
    match error {
        BridgeError::Unresolved(server) => (Exit::Unreachable, message!("bridge-unresolved", %server)),
        BridgeError::Open { path, error } => {
            (Exit::Error, message!("bridge-cannot-open", path = %path.display(), error = causes::io(error)))
        }
        BridgeError::Listen { path, error } => {
            (Exit::Error, message!("bridge-cannot-listen", path = %path.display(), error = causes::io(error)))
        }
        BridgeError::System(error) => (Exit::Error, causes::io(error)),
    }
}

/// Returns the exit code and the sentence of an error that ended a session.
#[must_use]
pub fn session_error(error: &SessionError) -> (Exit, String) {
    match error {
        SessionError::Connect(error) => (Exit::Unreachable, connect_error(error)),
        SessionError::KeyChanged { server, expected } => {
            let line = message!(
                "key-changed",
                server = alternatives(server),
                fingerprint = show_fingerprint(expected),
                first = %server.first(),
            );
            (Exit::NotTrusted, line)
        }
        SessionError::UnknownKey { server, found } => {
            let line = message!("key-unknown", server = alternatives(server), fingerprint = show_fingerprint(found));
            (Exit::NotTrusted, line)
        }
        SessionError::PasswordRequired => (Exit::NotTrusted, message!("password-required")),
        SessionError::Client(end) => client_end(end),
        SessionError::ClassicPasswordRequired => (Exit::NotTrusted, message!("classic-password-required")),
        SessionError::LoginNotUnderstood { text } => {
            (Exit::ByRoom, message!("classic-login-not-understood", text = clean_line(text)))
        }
        SessionError::LoginTooLong => (Exit::Usage, message!("classic-login-too-long")),
        SessionError::NotInKey(character) => {
            (Exit::Usage, message!("classic-login-not-in-key", character = shown(*character)))
        }
        SessionError::Identity(error) => identity_error(error),
        SessionError::File(error) => (Exit::Error, reasons::file(error)),
        SessionError::Start(error) => (Exit::Error, message!("cannot-start", error = causes::io(error))),
    }
}

/// A character that may be invisible.
pub(super) fn shown(character: char) -> String {
    format!("{} (U+{:04X})", clean_line(&character.to_string()), u32::from(character))
}

pub(super) fn connect_error(error: &ConnectError) -> String {
    let seconds = |timeout: kabar_core::time::Duration| timeout.as_millis() / 1_000;
    match error {
        ConnectError::Resolve { place, error } => match error {
            ResolveError::Zone(error) => reasons::address(error),
            ResolveError::NoAddress => message!("no-such-host", host = %place.host),
            ResolveError::Lookup(error) => {
                message!("no-such-host-because", host = %place.host, error = causes::io(error))
            }
        },
        ConnectError::ResolveTimeout(server) => {
            message!("resolve-timeout", host = %server.first().host, seconds = seconds(CONNECT_TIMEOUT))
        }
        ConnectError::NoResponse(server) => {
            message!("no-response", server = alternatives(server), seconds = seconds(CONNECT_TIMEOUT))
        }
        ConnectError::Refused(server) => message!("connection-refused", server = alternatives(server)),
        ConnectError::Unreachable { server, error } => {
            message!("unreachable", server = alternatives(server), error = causes::io(error))
        }
        ConnectError::NotAdmitted(server) => {
            message!("not-admitted", server = alternatives(server), seconds = seconds(JOIN_TIMEOUT))
        }
    }
}

pub(super) fn client_end(end: &ClientEnd) -> (Exit, String) {
    let ClientEnd { reason, server, name, .. } = end;
    let by_room = |line| (Exit::ByRoom, with_server_text(line, &end.server_text));
    match *reason {
        EndReason::KeyRejected => (Exit::NotTrusted, message!("end-key-rejected")),
        EndReason::KeyMismatch => (Exit::NotTrusted, message!("end-key-mismatch", server = alternatives(server))),
        EndReason::ServerProofInvalid => {
            (Exit::NotTrusted, message!("end-proof-invalid", server = alternatives(server)))
        }
        EndReason::Refused(code) => {
            let (exit, line) = join_refused(code, end);
            (exit, with_server_text(line, &end.server_text))
        }
        EndReason::Closed(CloseCode::REPLACED) => (Exit::ByRoom, message!("end-replaced", name)),
        EndReason::EndedByServer(EndedCode::KICKED) | EndReason::Closed(CloseCode::KICKED) => {
            by_room(message!("end-kicked"))
        }
        EndReason::EndedByServer(EndedCode::BANNED) | EndReason::Closed(CloseCode::BANNED) => {
            by_room(message!("end-banned"))
        }
        EndReason::EndedByServer(EndedCode::CLOSED) => by_room(message!("end-room-closed")),
        EndReason::EndedByServer(code) => by_room(message!("end-other", code = format!("{code:?}"))),
        EndReason::Closed(code) => (Exit::ByRoom, message!("end-closed", code = format!("{code:?}"))),
        EndReason::Left => (Exit::Error, message!("end-left")),
    }
}

fn join_refused(code: RefusedCode, end: &ClientEnd) -> (Exit, String) {
    let ClientEnd { name, room, credential, .. } = end;
    match code {
        RefusedCode::AUTHENTICATION => {
            let line = match credential {
                CredentialUsed::Secret => message!("refused-secret", %room),
                CredentialUsed::Password => message!("refused-password"),
                CredentialUsed::None => message!("refused-no-credential", %room),
            };
            (Exit::NotTrusted, line)
        }
        RefusedCode::NAME_TAKEN => (Exit::Name, message!("join-name-taken", name)),
        RefusedCode::NAME_NOT_ALLOWED => (Exit::Name, message!("join-name-not-allowed", name)),
        RefusedCode::UNKNOWN_ROOM => (Exit::ByRoom, message!("join-unknown-room", %room)),
        RefusedCode::ROOM_FULL => (Exit::ByRoom, message!("join-room-full")),
        RefusedCode::BANNED => (Exit::ByRoom, message!("end-banned")),
        RefusedCode::VERSION => (Exit::ByRoom, message!("join-version")),
        code => (Exit::Error, message!("join-refused", reason = refused_reason(code))),
    }
}

/// Why the server refused, for codes that have nothing to do with what a person entered.
fn refused_reason(code: RefusedCode) -> String {
    match code {
        RefusedCode::SIGNATURE => message!("join-signature"),
        RefusedCode::TRY_LATER => message!("refused-try-later"),
        RefusedCode::INSTANCE => message!("join-instance"),
        RefusedCode(code) => message!("join-unknown-reason", code),
    }
}

/// Appends the server's text to a sentence, unless the sentence has it.
pub(super) fn with_server_text(line: String, text: &str) -> String {
    let text = clean_line(text);
    if line.contains(&text) { line } else { message!("with-server-text", line, text) }
}

/// Formats the addresses of one server.
fn alternatives(server: &Places) -> String {
    let all = server.iter().map(ToString::to_string);
    all.reduce(|first, second| message!("alternatives", first, second)).unwrap_or_default()
}
