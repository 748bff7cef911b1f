//! A session as the command line describes it, and the front end that displays it: the full screen
//! on a terminal that can, lines otherwise.

use std::io::{self, IsTerminal};

use kabar_std::data_dir::DataDir;
use kabar_std::output::remark;

use super::arguments::SessionArguments;
use super::request::{Rooms, with_invite};
use crate::config::Config;
use crate::engine::{ConnectRequest, ServerRequest};
use crate::known_servers::KnownServers;
use crate::line::app_event::AppEvent;
use crate::line::{self, LineConfig};
use crate::messages::screen as messages;
use crate::outcome::SessionReport;
use crate::screen::{self, Connect, ScreenConfig};

/// A session, however it is displayed.
#[derive(Debug)]
pub struct SessionConfig {
    /// The servers to connect to.
    pub servers: Vec<ConnectRequest>,
    /// Holds the known servers and the positions in rooms.
    pub dir: DataDir,
    /// The settings of the person.
    pub settings: Config,
    /// Lines of standard input that were read before.
    pub lines_taken: u64,
    /// What displays it.
    pub front_end: FrontEnd,
    /// The label of the person, if it is not the user's own identity.
    pub identity: Option<String>,
    /// The rooms that this process hosts.
    pub hosting: Option<Hosting>,
    /// Whether it goes on without any server.
    pub outlives_servers: bool,
}

/// What displays a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrontEnd {
    /// A full screen.
    Screen,
    /// Lines: with a prompt on a terminal, and as they are elsewhere.
    Lines,
    /// Lines of JSON.
    Objects,
}

/// Rooms that this process hosts.
#[derive(Clone, Debug)]
pub struct Hosting {
    /// The invite.
    pub invite: String,
    /// The address that the server listens on.
    pub address: String,
    /// How others join.
    pub text: String,
}

/// Displays texts in the session, from any thread.
pub type ShowText = Box<dyn Fn(String) + Send>;

impl FrontEnd {
    /// Chooses the front end, and says why there is no full screen on a terminal.
    #[must_use]
    pub fn choose(how: &SessionArguments, settings: &Config) -> Self {
        if how.json {
            return Self::Objects;
        }
        if settings.is_plain || !is_at_terminal() {
            return Self::Lines;
        }
        match screen::unusable() {
            Some(why) => {
                remark(&messages::no_screen(&why));
                Self::Lines
            }
            None => Self::Screen,
        }
    }
}

/// Whether a person types and reads.
#[must_use]
pub fn is_at_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

impl SessionConfig {
    /// A session on one server.
    #[must_use]
    pub fn on(server: impl Into<ConnectRequest>, dir: DataDir, how: &SessionArguments, settings: Config) -> Self {
        let front_end = FrontEnd::choose(how, &settings);
        Self::of([server], dir, how, settings, front_end)
    }

    /// A session on these servers, displayed by `front_end`.
    #[must_use]
    pub fn of(
        servers: impl IntoIterator<Item: Into<ConnectRequest>>,
        dir: DataDir,
        how: &SessionArguments,
        settings: Config,
        front_end: FrontEnd,
    ) -> Self {
        let servers = servers.into_iter().map(Into::into).collect();
        let (identity, hosting, lines_taken) = (how.identity.clone(), None, how.lines_taken);
        Self { servers, dir, settings, lines_taken, front_end, identity, hosting, outlives_servers: false }
    }

    /// Runs the session. `on_start` gets a way to display texts, and `None` when there is none any
    /// longer.
    #[must_use]
    pub fn run(self, mut on_start: impl FnMut(Option<ShowText>)) -> SessionReport {
        let Self { mut servers, dir, settings, lines_taken, front_end, identity, hosting, outlives_servers } = self;
        let Config { give_up, downloads, appearance, .. } = settings;
        if front_end == FrontEnd::Screen {
            servers = servers.into_iter().map(retried_if_kabar).collect();
            let opening = hosting.map(|hosting| format!("{}\n{}", hosting.text, messages::hosting()));
            let config = ScreenConfig {
                servers,
                dir: dir.clone(),
                give_up,
                downloads,
                ends_with_servers: !outlives_servers,
                opening,
                connect: connect_as(identity, dir),
                appearance,
            };
            return screen::run(config, |sender| {
                on_start(sender.map(|sender| Box::new(move |text| sender.send(text)) as ShowText));
            });
        }
        let is_json = front_end == FrontEnd::Objects;
        let hosting = hosting.map(|hosting| (hosting.invite, hosting.address));
        line::run(LineConfig { servers, dir, give_up, downloads, lines_taken, is_json, hosting }, |sender| {
            on_start(sender.map(|sender| Box::new(move |text| sender.send(AppEvent::Transcript(text))) as ShowText));
        })
    }
}

/// Connects to the servers of invites that are typed, as the person with this label, with the name
/// that was used last.
fn connect_as(identity: Option<String>, dir: DataDir) -> Connect {
    Box::new(move |invite| {
        let known = KnownServers::load(&dir)?.rooms();
        let last_name = known.into_iter().map(|room| room.name).find(|name| !name.is_empty());
        let how = SessionArguments { identity: identity.clone(), last_name, ..SessionArguments::default() };
        with_invite(invite, Rooms::default(), &how, &dir).map(retried)
    })
}

fn retried_if_kabar(server: ConnectRequest) -> ConnectRequest {
    match server {
        ConnectRequest::Kabar(server) => retried(server).into(),
        ConnectRequest::Classic(server) => ConnectRequest::Classic(server),
    }
}

/// In a full screen, a server that is not reached is tried again: the status line shows why, and
/// the person leaves when they want to. Elsewhere a script waits for the exit code.
fn retried(server: ServerRequest) -> ServerRequest {
    ServerRequest { retries: !server.is_host, ..server }
}
