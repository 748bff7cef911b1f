//! `kabar host`: a room in this process, and a session in it. The only file that runs a server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clap::Args;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::crypto::rsa::KeySize;
use kabar_core::session::Fingerprint;
use kabar_server::config::{SETTINGS, Setting, parse_key_size};
use kabar_server::room_host::RoomHost;
use kabar_server::transcript::TranscriptWarning;
use kabar_std::address::{AddressError, Advertised, MAX_PLACES, Places, parse_listen};
use kabar_std::invite::RoomName;
use kabar_std::output::remark;

use super::arguments::SessionArguments;
use super::session::{Hosting, SessionConfig, ShowText};
use super::{open, password};
use crate::config::Config;
use crate::engine::{KeyPolicy, RoomCredential, RoomRequest, ServerRequest};
use crate::identity::login_name;
use crate::line;
use crate::messages::host_errors::transcript;
use crate::messages::hosting::{HostedRoom, first_screen, generating_key};
use crate::outcome::{CommandError, HostError, Loss, Outcome, SessionEnd};

/// `kabar host`.
#[derive(Debug, Args)]
pub struct HostArguments {
    /// The session in the room.
    #[command(flatten)]
    pub session: SessionArguments,

    /// The address to listen on.
    #[arg(long, value_name = value_of("listen"), help = help_of("listen"), default_value = default_of("listen"), value_parser = parse_listen)]
    pub listen: SocketAddr,

    /// The addresses in the invite.
    #[arg(long, value_name = value_of("advertise"), help = help_of("advertise"), value_delimiter = ',')]
    pub advertise: Vec<Advertised>,

    /// The rooms.
    #[arg(long, value_name = value_of("room"), help = format!("{}; further ones are created and joined as well", help_of("room")), default_value = default_of("room"))]
    pub room: Vec<RoomName>,

    /// The file with the room's password.
    #[arg(long, value_name = value_of("password-file"), help = help_of("password-file"), conflicts_with = "password_stdin")]
    pub password_file: Option<PathBuf>,

    /// Read that password from the first line of standard input; the lines after it are posted
    /// (also: KABAR_PASSWORD in the environment).
    #[arg(long)]
    pub password_stdin: bool,

    /// The size of a new key.
    #[arg(long, value_name = value_of("key-bits"), help = help_of("key-bits"), default_value = default_of("key-bits"), value_parser = parse_key_size)]
    pub key_bits: KeySize,

    /// The file for a transcript.
    #[arg(long, value_name = value_of("transcript"), help = help_of("transcript"))]
    pub transcript: Option<PathBuf>,
}

pub(crate) fn run(
    arguments: HostArguments,
    data_dir: Option<PathBuf>,
    settings: Config,
) -> Result<Outcome, CommandError> {
    let HostArguments {
        session: mut how,
        listen,
        advertise,
        room,
        password_file,
        password_stdin,
        key_bits,
        transcript,
    } = arguments;
    how.check_names()?;
    if advertise.len() > MAX_PLACES {
        return Err(CommandError::TooManyAdvertised(AddressError::TooMany));
    }
    let password = password::read(password_file.as_deref(), password_stdin)?;
    how.lines_taken = u64::from(password_stdin);
    let dir = open(data_dir)?;
    let identity = how.open_identity(&dir, Some(&login_name()))?;
    let password = password.as_ref().map(|password| password.as_str());
    let transcript = transcript.as_deref();
    let mut names = room.into_iter();
    let room = names.next().unwrap_or_default();
    let host = RoomHost::builder(dir.path(), room.clone(), listen)
        .advertise(advertise)
        .password(password)
        .transcript(transcript)
        .key_size(key_bits)
        .operators(vec![Fingerprint::of_identity(&PublicIdentity(identity.key.public()))]);
    let slow = || remark(&generating_key());
    let transcript_state = TranscriptState::default();
    let for_transcript = transcript_state.clone();
    // The session in this process displays the events of the room.
    let hosted = host.start(slow, drop, move |said| for_transcript.take(said)).map_err(HostError::Start)?;
    let text = first_screen(&HostedRoom {
        invite: hosted.invite(),
        candidates: &hosted.candidate_addrs(),
        missing_zone: hosted.missing_zone(),
        open_port: if hosted.is_local_only() { None } else { Some(hosted.local_addr().port()) },
        history: dir.path(),
    });
    remark(&text);
    let (invite, address) = (hosted.invite().to_string(), hosted.local_addr().to_string());
    let credentials = vec![RoomCredential::Secret(hosted.invite().secret.clone())];
    let others = names.map(|name| RoomRequest { name, credentials: Vec::new() });
    let rooms = std::iter::once(RoomRequest { name: room, credentials }).chain(others).collect();
    let server = ServerRequest {
        places: Places::one(hosted.same_host_addr().into()),
        rooms,
        identity,
        key_policy: KeyPolicy::Invited(hosted.invite().fingerprint),
        replay_from: how.replay_from(),
        can_ask: line::can_ask(),
        hide_joins: how.hide_joins,
        retries: false,
        is_host: true,
    };
    let hosting = Some(Hosting { invite, address, text });
    let session = SessionConfig { hosting, ..SessionConfig::on(server, dir, &how, settings) };
    let mut report = session.run(|show| transcript_state.send_to(show));
    let stopped = hosted.stop();
    // The transcript ends with the server.
    report.losses.extend(transcript_state.take_loss());
    match stopped {
        Err(error) if matches!(report.end, SessionEnd::Left) && report.losses.is_empty() => {
            Err(HostError::Failed(error).into())
        }
        _ => Ok(Outcome::Session(report)),
    }
}

/// Forwards reports about the transcript to the session while there is one, and to standard error
/// otherwise.
#[derive(Clone, Default)]
struct TranscriptState(Arc<Mutex<Transcript>>);

#[derive(Default)]
struct Transcript {
    /// Displays texts in the session.
    show: Option<ShowText>,
    /// That lines are missing at its end.
    loss: Option<Loss>,
}

impl TranscriptState {
    fn take(&self, report: TranscriptWarning) {
        let mut state = self.lock();
        match (&state.show, report) {
            (_, TranscriptWarning::Incomplete { path, lines }) => state.loss = Some(Loss::Transcript { path, lines }),
            (Some(show), warning) => show(transcript(&warning)),
            (None, warning) => remark(&transcript(&warning)),
        }
    }

    fn send_to(&self, show: Option<ShowText>) {
        self.lock().show = show;
    }

    fn take_loss(&self) -> Option<Loss> {
        self.lock().loss.take()
    }

    fn lock(&self) -> MutexGuard<'_, Transcript> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Options that `kabar-server` has too are described and preset as there.
fn setting(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

fn value_of(name: &str) -> &'static str {
    setting(name).map_or("", |setting| setting.value)
}

fn help_of(name: &str) -> &'static str {
    setting(name).map_or("", |setting| setting.help)
}

fn default_of(name: &str) -> &'static str {
    setting(name).and_then(|setting| setting.default).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_the_server_have_its_help() {
        let host = HostArguments::augment_args(clap::Command::new("host"));
        for name in ["listen", "advertise", "password-file", "key-bits", "transcript"] {
            let help = host.get_arguments().find(|argument| argument.get_long() == Some(name)).unwrap().get_help();
            assert_eq!(help.map(ToString::to_string).as_deref(), setting(name).map(|setting| setting.help), "{name}");
        }
    }
}
