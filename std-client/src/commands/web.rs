//! `kabar web`: a page in the browser, with everything that is known.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use kabar_std::data_dir::DataDir;
use kabar_std::output::remark;
use kabar_std::signals::{self, AfterHangup};

use super::arguments::SessionArguments;
use super::request::{Rooms, at_server, with_invite};
use super::target::{Found, Target, find_room};
use super::{known, open};
use crate::config::Config;
use crate::config::settings::seconds;
use crate::engine::{self, Command, EngineConfig, KeyPolicy, ServerRequest};
use crate::messages::{command_error, web as messages};
use crate::outcome::{CommandError, Outcome, WebError};
use crate::web::browser;
use crate::web::cache::Cache;
use crate::web::front::{Front, FrontConfig};
use crate::web::server::Server;
use crate::web::server::input::{InputSender, inputs};
use crate::web::spool::Spool;

/// `kabar web`.
#[derive(Debug, Args)]
pub struct WebArguments {
    /// An invite (kabar://...), a host with or without port, or the name of a room you know, to be
    /// joined as well. Everything that you were in is opened anyway.
    #[arg(value_name = "INVITE|HOST[:PORT]|ROOM")]
    pub target: Vec<String>,

    /// The port on 127.0.0.1 [default: any].
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub port: u16,

    /// Do not open the browser: only print the address.
    #[arg(long)]
    pub no_open: bool,

    /// Your name in rooms that you join: exactly this one.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// Be another person of this computer, with a key under this label.
    #[arg(long, value_name = "LABEL")]
    pub identity: Option<String>,

    /// Seconds that may pass, at the end, until the next line is stored [default: 60].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub give_up: Option<Duration>,
}

pub(crate) fn run(
    arguments: WebArguments,
    data_dir: Option<PathBuf>,
    settings: Option<&Path>,
) -> Result<Outcome, CommandError> {
    let WebArguments { target, port, no_open, name, identity, give_up } = arguments;
    let session = SessionArguments { name, identity, give_up, ..SessionArguments::default() };
    let Config { give_up, downloads, shows_pictures, .. } = session.settings(settings)?;
    session.check_names()?;
    let targets: Vec<_> = target.iter().map(|target| Target::parse(target)).collect::<Result<_, _>>()?;
    let dir = open(data_dir)?;
    let mut requests = known::servers(&dir, &session)?;
    for target in targets {
        add(&mut requests, request(target, &dir, &session)?);
    }
    let (spool, cache) = (Spool::open(&dir)?, Cache::open(&dir)?);
    let (sender, mut inputs) = inputs();
    let waker = sender.clone();
    let config = EngineConfig {
        dir: dir.clone(),
        context: 0,
        replays_history: false,
        ends_with_servers: false,
        downloads,
        wake: Box::new(move || waker.wake()),
    };
    let (engine, events) = engine::start(config).map_err(WebError::Start)?;
    take_signals(&sender).map_err(WebError::Start)?;
    let server =
        Server::start(port, &sender, spool, cache.clone()).map_err(|error| WebError::Listen { port, error })?;
    drop(sender);
    requests.into_iter().map(for_page).for_each(|request| engine.send(Command::Connect(Box::new(request.into()))));
    let url = server.url();
    let page = if no_open { None } else { browser::open(&dir, &url)? };
    remark(&messages::started(&url, page.is_some()));
    let connector = {
        let dir = dir.clone();
        Box::new(move |typed: &str| {
            let target = Target::parse(typed).map_err(CommandError::from);
            let request = target.and_then(|target| request(target, &dir, &session));
            request.map(for_page).map_err(|error| command_error(&error).1)
        })
    };
    let config = FrontConfig { dir, engine, events, connector, cache, shows_pictures, give_up };
    let report = Front::new(config).run(&mut inputs);
    server.close();
    Ok(Outcome::Session(report))
}

/// Ends at Ctrl-C and SIGTERM, and when the terminal is closed, except after `nohup`.
fn take_signals(sender: &InputSender) -> io::Result<()> {
    let stopper = sender.clone();
    let stop = move || stopper.stop();
    if signals::is_hangup_ignored() {
        return signals::on_stop(stop);
    }
    signals::on_stop_or_hangup(stop, || AfterHangup::Stop)
}

/// Requests a target that was typed.
fn request(target: Target, dir: &DataDir, session: &SessionArguments) -> Result<ServerRequest, CommandError> {
    let (places, rooms) = match target {
        Target::Invite(invite) => return with_invite(invite, Rooms::default(), session, dir),
        Target::Server(places) => (places, Rooms::default()),
        Target::Word(word) => match find_room(&word, dir)?? {
            Found::Room(places, room) => (places, Rooms::of_options([room])),
            Found::Host(places) => (places, Rooms::default()),
        },
    };
    at_server(places, rooms, KeyPolicy::Ask, None, session, dir)
}

/// On the page questions are asked, and a server that is not reached is tried again.
fn for_page(request: ServerRequest) -> ServerRequest {
    ServerRequest { can_ask: true, retries: true, ..request }
}

/// Adds a request. One for a server that is requested already only adds its rooms.
fn add(requests: &mut Vec<ServerRequest>, request: ServerRequest) {
    let key = |policy: KeyPolicy| match policy {
        KeyPolicy::Invited(key) | KeyPolicy::Expected(key) => Some(key),
        KeyPolicy::AcceptNew | KeyPolicy::Ask => None,
    };
    let is_same = |known: &&mut ServerRequest| {
        key(known.key_policy).is_some() && key(known.key_policy) == key(request.key_policy)
    };
    let Some(known) = requests.iter_mut().find(is_same) else { return requests.push(request) };
    for room in request.rooms {
        known.rooms.retain(|known| known.name != room.name);
        known.rooms.insert(0, room);
    }
    // Those of an invite are newer.
    if let KeyPolicy::Invited(_) = request.key_policy {
        known.places = request.places;
    }
}
