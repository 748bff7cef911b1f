//! `kabar-server run`: hosts a room, prints its invite and events, and takes commands.

use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kabar_core::chat::MAX_PASSWORD_LEN;
use tracing::{error, info, warn};
use zeroize::Zeroizing;

use super::{CommandError, PROGRAM};
use crate::config::{Admission, Config, CreateRooms, Origin, RunFlags, variable};
#[cfg(unix)]
use crate::console::control_socket::{self, ControlSocket};
use crate::console::editor;
use crate::console::execute::{Answer, Operator};
use crate::console::format_event;
use crate::console::input::{self, ConsoleInput};
use crate::console::state::Console;
use crate::logging;
use crate::metrics::{listener, text};
use crate::notify::{READY, STOPPING, is_output_kept, notify};
use crate::room_host::{Classic, RoomHost};
use crate::transcript::{Reopener, TranscriptWarning};
use kabar_std::advertise::Found;
use kabar_std::line_editor::gate::TerminalGate;
use kabar_std::line_editor::{self, SavedTerminal};
use kabar_std::output::{Lost, Output, OutputSender};
use kabar_std::password::{from_first_line, normalize};
use kabar_std::reading::{first_line, first_line_of_file};
use kabar_std::signals;
use kabar_std::signals::{AfterHangup, TerminalWatch};
use kabar_std::text::LineFormatter;

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Arguments {
    #[command(flatten)]
    flags: RunFlags,
}

/// Serves until a signal or the operator stops the server.
///
/// # Errors
/// [`CommandError`]; a failure after the first line of output is [`CommandError::AlreadyReported`].
pub fn run(arguments: &Arguments) -> Result<(), CommandError> {
    let config = Config::from_process(&arguments.flags.flags).map_err(CommandError::Usage)?;
    let password = find_password(&config, arguments.flags.password_stdin)?;
    let classic = find_classic(&config, password.as_ref().map(|password| password.as_str()))?;
    let metrics = config.metrics.map(|address| {
        let failed = |error| CommandError::Failed(format!("cannot answer metrics on {address}: {error}"));
        TcpListener::bind(address).map_err(failed)
    });
    let metrics = metrics.transpose()?;

    // From here on all lines go through one queue, whole and in order; a reader that does not read
    // blocks nothing else.
    let terminal = line_editor::is_possible().then(|| (Arc::new(TerminalGate::default()), SavedTerminal::save()));
    let gate = terminal.as_ref().map(|(gate, _)| gate);
    let output = match gate {
        Some(gate) => Output::above_prompt(PROGRAM, gate),
        None => Output::of_process(PROGRAM),
    };
    let output = output.map_err(CommandError::failed)?;
    logging::install(PROGRAM, config.log_format, config.log_level, output.sender());
    let password = password.as_ref().map(|password| password.as_str());
    let served = serve(&config, password, classic, metrics, gate, &output.sender());
    if let Some((gate, saved)) = terminal {
        line_editor::stop(&gate);
        saved.restore();
    }
    if let Err(error @ (CommandError::Usage(_) | CommandError::Failed(_))) = &served {
        error!("{error}");
    }
    let lost = output.finish();
    match served {
        Err(error) => Err(CommandError::AlreadyReported(error.exit_code())),
        Ok(()) if lost != Lost::default() => Err(CommandError::AlreadyReported(1)),
        Ok(()) => Ok(()),
    }
}

fn serve(
    config: &Config,
    password: Option<&str>,
    classic: Option<Classic>,
    metrics: Option<TcpListener>,
    gate: Option<&Arc<TerminalGate>>,
    said: &OutputSender,
) -> Result<(), CommandError> {
    let lines = LineFormatter::new();
    let tell = {
        let said = said.clone();
        move |event| {
            logging::log_event(&event);
            said.line(format_event(&lines, &event));
        }
    };
    let has_trouble = Arc::new(AtomicBool::new(false));
    let transcript_trouble = Arc::clone(&has_trouble);
    let on_warning = move |warning: TranscriptWarning| {
        let is_loss = matches!(warning, TranscriptWarning::Incomplete { .. });
        transcript_trouble.fetch_or(is_loss, Ordering::Relaxed);
        error!("{warning}");
    };
    check_control_socket(&config.data_dir)?;
    let host = RoomHost::builder(&config.data_dir, config.room.clone(), config.listen)
        .advertise(config.advertise.clone())
        .password(password)
        .needs_approval(config.admission == Admission::Approve)
        .members_create_rooms(config.create_rooms == CreateRooms::Members)
        .transcript(config.transcript.as_deref())
        .key_size(config.key_size)
        .limits(config.limits)
        .operators(config.operators.clone())
        .classic(classic);
    let on_slow_key = || info!("generating the server key (once) ...");
    let hosted = host.start(on_slow_key, tell, on_warning).map_err(CommandError::failed)?;
    listen_to_signals(&hosted).map_err(CommandError::failed)?;
    let operator = Operator::new(hosted.control().clone(), hosted.invite().clone(), &config.data_dir);
    // Its file is removed when the server has stopped.
    let _socket = control_socket(&config.data_dir, &operator)?;
    said.line(format!("listening on {}", hosted.local_addr()));
    if is_output_kept() {
        let data_dir = config.data_dir.display();
        info!("the invite is a secret and this output is kept: `{PROGRAM} invite --data-dir {data_dir}` prints it");
    } else {
        said.line(hosted.invite().to_string());
    }
    warn_about(&hosted, config);
    if let Some(metrics) = metrics {
        let control = hosted.control().clone();
        let local = listener::listen(metrics, move || text::page(&control)).map_err(CommandError::failed)?;
        info!("metrics on http://{local}/metrics");
    }
    let answer = said.clone();
    let console = Console::new(operator);
    let completing = console.clone();
    let take = move |typed: ConsoleInput<'_>| match typed {
        ConsoleInput::Line(line) => {
            let Answer { lines, error, stops, .. } = console.run(line);
            lines.into_iter().chain(error).for_each(|line| answer.line(line));
            if stops {
                console.stop();
            }
        }
        ConsoleInput::NotText => {
            answer.line("not sent: the line is not UTF-8 text; set this terminal to UTF-8".to_owned())
        }
        ConsoleInput::Interrupt => console.stop(),
        ConsoleInput::ReadError(error) => error!("standard input cannot be read: {error}"),
    };
    let reading = match gate {
        Some(gate) => editor::edit_lines(Arc::clone(gate), move || completing.names(), take),
        None => input::read_stdin(take),
    };
    reading.map_err(CommandError::failed)?;
    let manage = |state| {
        if let Err(error) = notify(state) {
            warn!("{error}");
        }
    };
    manage(READY);

    let served = hosted.wait();
    manage(STOPPING);
    served.map_err(CommandError::failed)?;
    // The transcript ended with the server.
    if has_trouble.load(Ordering::Relaxed) { Err(CommandError::AlreadyReported(1)) } else { Ok(()) }
}

/// Checks that nobody else could operate the server, before it starts.
#[cfg(unix)]
fn check_control_socket(dir: &Path) -> Result<(), CommandError> {
    control_socket::check(dir).map_err(CommandError::failed)
}

/// Lets `kabar-server ctl` operate the server.
#[cfg(unix)]
fn control_socket(dir: &Path, operator: &Operator) -> Result<Option<ControlSocket>, CommandError> {
    match ControlSocket::bind(dir) {
        Ok(socket) => {
            socket.serve(operator).map_err(CommandError::failed)?;
            Ok(Some(socket))
        }
        Err(error) if error.is_tolerable() => {
            warn!("`{PROGRAM} ctl` cannot operate this server: {error}");
            Ok(None)
        }
        Err(error) => Err(CommandError::failed(error)),
    }
}

/// There are no Unix sockets.
#[cfg(not(unix))]
fn check_control_socket(_: &Path) -> Result<(), CommandError> {
    Ok(())
}

/// There are no Unix sockets.
#[cfg(not(unix))]
fn control_socket(_: &Path, _: &Operator) -> Result<(), CommandError> {
    Ok(())
}

/// Stops the server at SIGTERM, Ctrl-C or when its terminal hangs up; reopens the transcript at any
/// other SIGHUP.
fn listen_to_signals(hosted: &RoomHost) -> io::Result<()> {
    let (control, reopener, terminal) = (hosted.control().clone(), hosted.reopener(), TerminalWatch::start());
    let hang_up = move || {
        if terminal.is_gone() {
            return AfterHangup::Stop;
        }
        reopener.iter().for_each(Reopener::reopen);
        AfterHangup::GoOn
    };
    signals::on_stop_or_hangup(move || control.stop(), hang_up)
}

/// Reports facts that the operator may not expect.
fn warn_about(hosted: &RoomHost, config: &Config) {
    if hosted.is_local_only() {
        warn!("with this invite only this computer can join; others need --advertise HOST");
    }
    if let Some(error) = hosted.missing_zone() {
        warn!("people who join add an interface of their computer to the invite: {error}");
    }
    let (named, others): (Vec<_>, Vec<_>) = hosted.candidate_addrs().into_iter().partition(|(_, is_named)| *is_named);
    if !others.is_empty() {
        let list = |all: Vec<(&Found, bool)>| -> String {
            all.iter().map(|(found, _)| found.to_string()).collect::<Vec<_>>().join(", ")
        };
        info!("the invite names {}; --advertise HOST names others: {}", list(named), list(others));
    }
    if hosted.key_size() != config.key_size && config.origin("key-bits") != Some(&Origin::Default) {
        let bits = hosted.key_size().modulus_len() * 8;
        warn!("key-bits changes nothing: this server has a key already, of {bits} bits");
    }
    if config.classic {
        warn!(
            "classic clients are admitted: whoever is between them and this server reads and changes all that they \
             write and read, their password included"
        );
    }
    info!("history: {}", config.data_dir.display());
}

/// How classic clients are admitted, if they are. `password` is that of the room.
fn find_classic(config: &Config, password: Option<&str>) -> Result<Option<Classic>, CommandError> {
    if !config.classic {
        return Ok(None);
    }
    let source = PasswordSource { setting: "classic-password-file", variable: "classic-password", from_stdin: false };
    let Some(classic) = source.read(config, config.classic_password_file.as_deref())? else {
        let name = variable("classic-password");
        let text = format!("--classic needs a password for classic clients: --classic-password-file FILE, or {name}");
        return Err(CommandError::Usage(text));
    };
    if password.is_some_and(|password| normalize(password) == normalize(&classic)) {
        let text =
            "the password of classic clients is that of the room: it is sent in effective clear, so choose another one";
        return Err(CommandError::Usage(text.to_owned()));
    }
    Ok(Some(Classic { password: classic, room: config.classic_room.clone().unwrap_or_else(|| config.room.clone()) }))
}

/// Reads the password of the room.
fn find_password(config: &Config, from_stdin: bool) -> Result<Option<Zeroizing<String>>, CommandError> {
    let source = PasswordSource { setting: "password-file", variable: "password", from_stdin };
    source.read(config, config.password_file.as_deref())
}

/// Where a password comes from: the flag takes precedence over the environment, and that over the
/// configuration file.
struct PasswordSource {
    setting: &'static str,
    variable: &'static str,
    from_stdin: bool,
}

impl PasswordSource {
    fn read(&self, config: &Config, file: Option<&Path>) -> Result<Option<Zeroizing<String>>, CommandError> {
        let from_stdin = self.from_stdin;
        let by_flag = matches!(config.origin(self.setting), Some(Origin::Flag(_)));
        let name = variable(self.variable);
        let in_environment = std::env::var_os(&name).filter(|_| !by_flag && !from_stdin);
        let (source, text) = match (from_stdin, in_environment, file) {
            (true, ..) => ("--password-stdin".to_owned(), first_line(io::stdin().lock(), MAX_PASSWORD_LEN)),
            (_, Some(value), _) => {
                let value = Zeroizing::new(value.into_encoded_bytes());
                (name, first_line(value.as_slice(), MAX_PASSWORD_LEN))
            }
            (_, None, Some(path)) => (path.display().to_string(), first_line_of_file(path, MAX_PASSWORD_LEN)),
            (_, None, None) => return Ok(None),
        };
        let text = text.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => CommandError::Usage(format!("{source}: {error}")),
            _ => CommandError::Failed(format!("cannot read {source}: {error}")),
        })?;
        // As typed, not normalised: an earlier version hashed it so.
        from_first_line(&text).map_err(|error| CommandError::Usage(format!("{source}: {error}")))?;
        Ok(Some(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned())))
    }
}
