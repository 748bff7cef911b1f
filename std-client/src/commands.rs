//! `kabar host` and `kabar join`: from the command line to a visit.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use kabar_server::address::{Host, HostPort};
use kabar_server::data_dir::{DataDir, FileError};
use kabar_server::hosting::{Hosted, Hosting};
use kabar_server::invite::{Invite, SCHEME};
use kabar_server::password::from_first_line;
use zeroize::Zeroizing;

use crate::cli::{HostArguments, JoinArguments};
use crate::ending::{Ending, Exit};
use crate::identity::Person;
use crate::known::KnownServers;
use crate::talk::{Entrance, Plan, Trust, visit};

const PASSWORD_VARIABLE: &str = "KABAR_PASSWORD";

/// `kabar host`: a server inside this process, and a visit to it.
#[must_use]
pub fn host(arguments: HostArguments) -> Ending {
    begin_host(arguments).unwrap_or_else(|ending| ending)
}

/// `kabar join`.
#[must_use]
pub fn join(arguments: JoinArguments) -> Ending {
    begin_join(arguments).map_or_else(|ending| ending, visit)
}

fn begin_host(arguments: HostArguments) -> Result<Ending, Ending> {
    let HostArguments { person, listen, advertise, room, password_file } = arguments;
    let dir = open(person.data_dir)?;
    let password = password_file.map(|path| read_password(&path)).transpose()?;
    let give_up = person.give_up;
    let person = Person::become_one(&dir, person.name.as_deref())?;
    let password = password.as_ref().map(|password| password.as_str());
    let hosting = Hosting { data_dir: dir.path(), room: room.clone(), listen, advertise, password };
    let slow = || eprintln!("making this room's key (once) ...");
    // The client in the same process shows what happens.
    let hosted = hosting.start(slow, |_| ()).map_err(Ending::error)?;
    eprint!("{}", first_screen(&hosted));
    let near = hosted.near_addr();
    let plan = Plan {
        server: HostPort { host: Host::Ip(near.ip()), port: near.port() },
        room,
        person,
        trust: Trust::Invited(hosted.invite().fingerprint),
        entrance: Entrance::Secret(hosted.invite().secret.clone()),
        known_in: None,
        give_up,
        is_host: true,
    };
    let ending = visit(plan);
    match hosted.stop() {
        Err(error) if ending.exit == Exit::Done => Err(Ending::error(error)),
        _ => Ok(ending),
    }
}

/// What a host sees first; how others come in.
fn first_screen(hosted: &Hosted) -> String {
    let invite = hosted.invite();
    let reach = if hosted.is_local_only() {
        "With this address only this computer can join:"
    } else {
        "Others on this network join with:"
    };
    format!(
        "Kabar room \"{room}\", hosted on this computer (history: in memory; it ends with the room)\n\
         {reach}\n  kabar join {invite}\n\
         If they cannot reach you: allow UDP port {port} in this computer's firewall.\n",
        room = invite.room,
        port = hosted.local_addr().port(),
    )
}

fn begin_join(arguments: JoinArguments) -> Result<Plan, Ending> {
    let target = match arguments.target.as_str() {
        "-" => first_line_of_stdin()?,
        target => target.to_owned(),
    };
    // What is wrong with the command line is said before anything is made.
    let target = Target::parse(&target)?;
    if matches!(target, Target::Invite(_)) && (arguments.fingerprint.is_some() || arguments.accept_new) {
        return Err(Ending::usage("an invite says which key is taken: --fingerprint and --accept-new are for hosts"));
    }
    let password = password(&arguments)?;
    let dir = open(arguments.person.data_dir)?;
    let (server, room, trust, entrance) = match target {
        Target::Invite(Invite { host, port, room, fingerprint, secret }) => {
            (HostPort { host, port }, room, Trust::Invited(fingerprint), Entrance::Secret(secret))
        }
        Target::Server(server) => {
            let known = KnownServers::load(&dir).map_err(Ending::error)?.find(&server, &arguments.room);
            let trust = match (&arguments.fingerprint, &known) {
                (Some(typed), _) => Trust::Expected(*typed),
                (None, Some(known)) => Trust::Expected(known.fingerprint),
                (None, None) if arguments.accept_new => Trust::AcceptNew,
                (None, None) => Trust::Ask,
            };
            // A secret is for the server that it was got from.
            let secret =
                known.filter(|known| trust == Trust::Expected(known.fingerprint)).and_then(|known| known.secret);
            let entrance = match (password, secret) {
                (Some(password), _) => Entrance::Password(password),
                (None, Some(secret)) => Entrance::Secret(secret),
                (None, None) => Entrance::None,
            };
            (server, arguments.room, trust, entrance)
        }
    };
    let person = Person::become_one(&dir, arguments.person.name.as_deref())?;
    let give_up = arguments.person.give_up;
    Ok(Plan { server, room, person, trust, entrance, known_in: Some(dir), give_up, is_host: false })
}

/// What is to be joined.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    Invite(Invite),
    Server(HostPort),
}

impl Target {
    fn parse(text: &str) -> Result<Self, Ending> {
        let text = text.trim();
        // Any scheme at all means an invite, so that a mistyped one is told as such.
        if text.contains("://") || text.starts_with(SCHEME) {
            return text.parse().map(Self::Invite).map_err(Ending::usage);
        }
        text.parse().map(Self::Server).map_err(Ending::usage)
    }
}

fn open(data_dir: Option<PathBuf>) -> Result<DataDir, Ending> {
    let path = data_dir.or_else(DataDir::default_path);
    let path = path.ok_or_else(|| Ending::error("there is no home directory: use --data-dir DIR"))?;
    DataDir::open(&path).map_err(Ending::error)
}

fn password(arguments: &JoinArguments) -> Result<Option<Zeroizing<String>>, Ending> {
    if let Some(path) = &arguments.password_file {
        return read_password(path).map(Some);
    }
    if arguments.password_stdin {
        return first_line_of_stdin().map(|line| Some(Zeroizing::new(line)));
    }
    let text = std::env::var(PASSWORD_VARIABLE).ok().map(Zeroizing::new);
    text.map(|text| from_first_line(&text).map(|password| Zeroizing::new(password.to_owned())).map_err(Ending::usage))
        .transpose()
}

fn read_password(path: &Path) -> Result<Zeroizing<String>, Ending> {
    let text = std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(FileError::new("read", path))
        .map_err(Ending::error)?;
    from_first_line(&text).map(|password| Zeroizing::new(password.to_owned())).map_err(Ending::usage)
}

fn first_line_of_stdin() -> Result<String, Ending> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(Ending::error)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_an_invite_or_a_server() {
        let invite = "kabar://192.168.0.162:9999/lobby/AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT.AAAQEAYEAUDAOCAJBIFQYDIOB4";
        assert_eq!(Target::parse(invite), Ok(Target::Invite(invite.parse().unwrap())));
        assert_eq!(Target::parse(" 192.168.0.162 "), Ok(Target::Server("192.168.0.162:9999".parse().unwrap())));
        for wrong in ["", "kabar://", "http://192.168.0.162:9999/lobby/A.B", "a b", "here:99999"] {
            let ending = Target::parse(wrong).unwrap_err();
            assert_eq!(ending.exit, Exit::Usage);
            assert!(!ending.line.unwrap().contains('\n'), "{wrong}");
        }
    }
}
