//! `kabar-server run`: a room, its invite, and a line for everything that happens.

use std::io::{self, BufRead};
use std::net::TcpListener;

use kabar_core::chat::MAX_PASSWORD_LEN;
use zeroize::Zeroizing;

use super::CommandError;
use crate::advertise::Found;
use crate::cli::PROGRAM;
use crate::config::{Config, Origin, RunFlags, variable};
use crate::console::answer::Operator;
use crate::console::{input, show_event};
use crate::data_dir::FileError;
use crate::hosting::{Hosted, Hosting};
use crate::metrics::{listener, text};
use crate::notify::{READY, STOPPING, notify};
use crate::output::{Output, OutputSender};
use crate::text::Lines;
use crate::{password, signals};

/// Of `run`.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Arguments {
    #[command(flatten)]
    flags: RunFlags,
}

/// Serves until it is told to stop.
///
/// # Errors
/// [`CommandError`].
pub fn run(arguments: &Arguments) -> Result<(), CommandError> {
    let config = Config::from_process(&arguments.flags.flags).map_err(CommandError::Usage)?;
    let password = find_password(&config, arguments.flags.password_stdin)?;
    let metrics = config.metrics.map(|address| {
        let failed = |error| CommandError::Failed(format!("cannot answer metrics on {address}: {error}"));
        TcpListener::bind(address).map_err(failed)
    });
    let metrics = metrics.transpose()?;

    // Both on threads of their own: whoever does not read what is said blocks nothing else.
    let screen = Output::start(io::stdout()).map_err(CommandError::failed)?;
    let remarks = Output::start(io::stderr()).map_err(CommandError::failed)?;
    let (said, remark) = (screen.sender(), remarks.sender());
    let lines = Lines::new();
    let tell = {
        let said = said.clone();
        move |event| said.line(show_event(&lines, &event))
    };
    let hosting = Hosting {
        advertise: config.advertise.clone(),
        password: password.as_ref().map(|password| password.as_str()),
        transcript: config.transcript.as_deref(),
        key_size: config.key_size,
        limits: config.limits,
        ..Hosting::new(&config.data_dir, config.room.clone(), config.listen)
    };
    let slow = || remark.line(format!("{PROGRAM}: making this room's key (once) ..."));
    let hosted = hosting.start(slow, tell).map_err(CommandError::failed)?;
    let control = hosted.control().clone();
    signals::on_stop(move || control.stop()).map_err(CommandError::failed)?;
    said.line(format!("listening on {}", hosted.local_addr()));
    said.line(hosted.invite().to_string());
    remark_on(&hosted, &config, &remark);
    if let Some(metrics) = metrics {
        let control = hosted.control().clone();
        let local = listener::listen(metrics, move || text::page(&control)).map_err(CommandError::failed)?;
        remark.line(format!("{PROGRAM}: metrics on http://{local}/metrics"));
    }
    let operator = Operator::new(hosted.control().clone(), hosted.invite().to_string());
    let answer = said.clone();
    input::read_stdin(move |line| operator.run(line).into_iter().for_each(|line| answer.line(line)))
        .map_err(CommandError::failed)?;
    notify(READY);

    let served = hosted.wait();
    notify(STOPPING);
    drop((said, remark));
    screen.finish();
    remarks.finish();
    served.map_err(CommandError::failed)
}

/// What an operator may not expect.
fn remark_on(hosted: &Hosted, config: &Config, remark: &OutputSender) {
    if hosted.is_local_only() {
        remark.line(format!("{PROGRAM}: with this invite only this computer can join; others need --advertise HOST"));
    }
    if let Some(error) = hosted.without_zone() {
        remark.line(format!("{PROGRAM}: whoever joins by this invite adds an interface of theirs: {error}"));
    }
    let (named, others): (Vec<_>, Vec<_>) = hosted.choices().into_iter().partition(|(_, is_named)| *is_named);
    if !others.is_empty() {
        let list = |all: Vec<(&Found, bool)>| -> String {
            all.iter().map(|(found, _)| found.to_string()).collect::<Vec<_>>().join(", ")
        };
        let (named, others) = (list(named), list(others));
        remark.line(format!("{PROGRAM}: the invite names {named}; --advertise HOST names others: {others}"));
    }
    if hosted.key_size() != config.key_size && config.origin("key-bits") != Some(&Origin::Default) {
        let bits = hosted.key_size().modulus_len() * 8;
        remark.line(format!("{PROGRAM}: key-bits changes nothing: this server has a key already, of {bits} bits"));
    }
    remark.line(format!("{PROGRAM}: history: {}", config.data_dir.display()));
}

/// Flag before environment before configuration file.
fn find_password(config: &Config, from_stdin: bool) -> Result<Option<Zeroizing<String>>, CommandError> {
    let told = if from_stdin {
        Some(("--password-stdin".to_owned(), first_line(io::stdin().lock()).map_err(CommandError::failed)?))
    } else {
        let by_flag = matches!(config.origin("password-file"), Some(Origin::Flag(_)));
        let name = variable("password");
        match std::env::var_os(&name).filter(|_| !by_flag) {
            Some(value) => {
                let not_text = |_| CommandError::Usage(format!("{name}: it is not UTF-8"));
                Some((name.clone(), Zeroizing::new(value.into_string().map_err(not_text)?)))
            }
            None => config
                .password_file
                .as_ref()
                .map(|path| {
                    let text = std::fs::read_to_string(path).map(Zeroizing::new);
                    let text = text.map_err(FileError::new("read", path)).map_err(CommandError::failed)?;
                    Ok((path.display().to_string(), text))
                })
                .transpose()?,
        }
    };
    let Some((source, text)) = told else { return Ok(None) };
    // As it was typed: an earlier version hashed it so.
    password::from_first_line(&text).map_err(|error| CommandError::Usage(format!("{source}: {error}")))?;
    Ok(Some(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned())))
}

/// One line of bounded length, with nothing read behind it; what comes next is for the console.
fn first_line(from: impl BufRead) -> io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::with_capacity(MAX_PASSWORD_LEN + 3));
    from.take(MAX_PASSWORD_LEN as u64 + 3).read_line(&mut line)?;
    Ok(line)
}
