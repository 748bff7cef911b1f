//! From the command line to a visit, and what else `kabar` can do.
//!
//! * this file: `kabar host` and `kabar join`. [`bare`]: `kabar` alone, which asks.
//! * [`servers`], [`identity`]: what is kept. [`shell`]: completions and manual pages.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use kabar_core::chat::MAX_PASSWORD_LEN;
use kabar_server::room_host::RoomHost;
use kabar_server::transcript::TranscriptWarning;
use kabar_std::address::{AddressError, MAX_PLACES, Places};
use kabar_std::data_dir::DataDir;
use kabar_std::invite::{DEFAULT_ROOM, Invite, RoomName, SCHEME};
use kabar_std::output::remark;
use kabar_std::password::from_first_line;
use kabar_std::reading::{first_line, first_line_of_file, trim_pasted};
use zeroize::Zeroizing;

use crate::cli::{Cli, Command, HostArguments, JoinArguments, VisitArguments};
use crate::ending::{Ending, Exit};
use crate::identity::{Person, check_name};
use crate::known::{KnownRoom, KnownServers};
use crate::mail::{Mail, Mailer};
use crate::talk::{Entrance, Plan, Trust, visit};
use crate::ui::json::Object;

pub mod bare;
pub mod identity;
pub mod servers;
pub mod shell;

const PASSWORD_VARIABLE: &str = "KABAR_PASSWORD";
/// Longest line that is read as an invite, in bytes.
const MAX_INVITE_LEN: usize = 16 << 10;

/// Does what the command line says.
#[must_use]
pub fn run(cli: Cli) -> Ending {
    let data_dir = cli.data_dir;
    let done = match cli.command {
        Some(Command::Host(arguments)) => host(arguments, data_dir),
        Some(Command::Join(arguments)) => plan_join(arguments, data_dir).map(visit),
        None => bare::ask(data_dir).map(visit),
        Some(Command::Servers { action }) => servers::run(action, data_dir),
        Some(Command::Identity { action }) => identity::run(action, data_dir),
        #[cfg(unix)]
        Some(Command::Bridge(arguments)) => Ok(crate::bridge::bridge(arguments)),
        Some(Command::Completions { shell }) => shell::completions(shell),
        Some(Command::Man { out }) => shell::manual(out.as_deref()),
    };
    done.unwrap_or_else(|ending| ending)
}

fn host(arguments: HostArguments, data_dir: Option<PathBuf>) -> Result<Ending, Ending> {
    let HostArguments { visit: mut how, listen, advertise, room, password_file, password_stdin, key_bits, transcript } =
        arguments;
    how.name.as_deref().map_or(Ok(()), check_name)?;
    if advertise.len() > MAX_PLACES {
        return Err(Ending::usage(format_args!("--advertise: {}", AddressError::TooMany)));
    }
    let password = read_password(password_file.as_deref(), password_stdin)?;
    how.lines_taken = u64::from(password_stdin);
    let dir = open(data_dir)?;
    let person = Person::become_one(&dir, how.name.as_deref(), None)?;
    let password = password.as_ref().map(|password| password.as_str());
    let transcript = transcript.as_deref();
    let host = RoomHost::builder(dir.path(), room.clone(), listen)
        .advertise(advertise)
        .password(password)
        .transcript(transcript)
        .key_size(key_bits);
    let slow = || remark("making this room's key (once) ...");
    let remarks = Remarks::default();
    let transcript_remarks = remarks.clone();
    // The client in the same process shows what happens.
    let hosted = host.start(slow, drop, move |said| transcript_remarks.say(said)).map_err(Ending::error)?;
    remark(first_screen(&hosted, dir.path()).trim_end());
    let near = hosted.same_host_addr();
    let (invite, address) = (hosted.invite().to_string(), hosted.local_addr().to_string());
    let plan = Plan {
        server: Places::one(near.into()),
        room,
        person,
        trust: Trust::Invited(hosted.invite().fingerprint),
        entrance: Entrance::Secret(hosted.invite().secret.clone()),
        dir,
        wanted: how.wanted(),
        give_up: how.give_up,
        is_host: true,
        is_json: how.json,
        first_object: Some(Object::Hosting { invite, address }),
        lines_taken: how.lines_taken,
        remarks: remarks.clone(),
    };
    let ending = visit(plan);
    let stopped = hosted.stop();
    // The transcript has ended with the server.
    let ending = remarks.take_loss().into_iter().fold(ending, |ending, loss| ending.and(&loss));
    match stopped {
        Err(error) if ending.exit == Exit::Done => Err(Ending::error(error)),
        _ => Ok(ending),
    }
}

/// The way of what is to be said about the transcript: to the visit, as long as there is one.
#[derive(Clone, Debug, Default)]
pub struct Remarks(Arc<Mutex<(Option<Mailer>, Option<String>)>>);

impl Remarks {
    fn say(&self, said: TranscriptWarning) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (&state.0, said) {
            (_, TranscriptWarning { message: words, is_loss: true }) => state.1 = Some(words),
            (Some(mailer), TranscriptWarning { message: words, .. }) => {
                mailer.send(Mail::Trouble(format!("({words})")))
            }
            (None, TranscriptWarning { message: words, .. }) => remark(&words),
        }
    }

    /// From now on it is mail; with `None`, said on standard error again.
    pub fn send_to(&self, mailer: Option<Mailer>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = mailer;
    }

    /// What is missing in the transcript at its end, if anything is.
    fn take_loss(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.take()
    }
}

/// What a host sees first; how others come in.
fn first_screen(hosted: &RoomHost, history: &Path) -> String {
    let invite = hosted.invite();
    let mut choices = String::new();
    for (at, (found, is_named)) in hosted.candidate_addrs().iter().enumerate() {
        if at == 0 {
            choices.push_str(
                "This computer's addresses (the invite names those marked *; --advertise HOST names others):\n",
            );
        }
        choices.push_str(&format!("  {} {found}\n", if *is_named { '*' } else { ' ' }));
    }
    if let Some(why) = hosted.missing_zone() {
        choices.push_str(&format!("Who joins puts an interface of their computer into the invite: {why}\n"));
    }
    let (reach, otherwise) = if hosted.is_local_only() {
        ("With this address only this computer can join:", String::new())
    } else {
        let port = hosted.local_addr().port();
        let otherwise = format!("If they cannot reach you: allow UDP port {port} in this computer's firewall.\n");
        ("Others on this network join with:", otherwise)
    };
    format!(
        "Kabar room \"{room}\", hosted on this computer (history: {history})\n\
         {reach}\n  kabar join {invite}\n\
         {choices}{otherwise}",
        room = invite.room,
        history = from_home(history),
    )
}

/// A path as people write it.
fn from_home(path: &Path) -> String {
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    match home.and_then(|home| path.strip_prefix(home).ok().map(Path::to_path_buf)) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}

fn plan_join(arguments: JoinArguments, data_dir: Option<PathBuf>) -> Result<Plan, Ending> {
    let JoinArguments { target, visit: mut how, room, accept_new, fingerprint, password_file, password_stdin } =
        arguments;
    let is_on_stdin = target == "-";
    let target = match target.as_str() {
        "-" if password_stdin => {
            return Err(Ending::usage("standard input can have the invite or the password, not both"));
        }
        "-" => {
            let line = first_line(io::stdin().lock(), MAX_INVITE_LEN);
            line.map_err(|error| Ending::usage(format_args!("standard input: {error}")))?.to_string()
        }
        target => target.to_owned(),
    };
    how.lines_taken = u64::from(password_stdin || is_on_stdin);
    // What is wrong with the command line is said before anything is made.
    let target = Target::parse(&target)?;
    how.name.as_deref().map_or(Ok(()), check_name)?;
    if matches!(target, Target::Invite(_)) && (fingerprint.is_some() || accept_new) {
        return Err(Ending::usage("an invite says which key is taken: --fingerprint and --accept-new are for hosts"));
    }
    let password = read_password(password_file.as_deref(), password_stdin)?;
    let dir = open(data_dir)?;
    let (server, room) = match target {
        Target::Invite(invite) => return invited(invite, how, dir),
        Target::Server(server) => (server, room),
        Target::Word(word) => find_room(&word, room, &dir)?,
    };
    let trust = match (fingerprint, accept_new) {
        (Some(typed), _) => Trust::Expected(typed),
        (None, true) => Trust::AcceptNew,
        (None, false) => Trust::Ask,
    };
    at_server(server, room, trust, password, how, dir)
}

/// The way in that an invite gives.
fn invited(invite: Invite, how: VisitArguments, dir: DataDir) -> Result<Plan, Ending> {
    let Invite { places, room, fingerprint, secret } = invite;
    let places = usable(places)?;
    let known = KnownServers::load(&dir).map_err(Ending::error)?.find_key(&fingerprint, &room);
    let usual = known.and_then(|known| known.name);
    let (trust, entrance) = (Trust::Invited(fingerprint), Entrance::Secret(secret));
    plan(places, room, trust, entrance, usual.as_deref(), how, dir)
}

/// The addresses of an invite that can be used: a link-local one needs an interface of this computer,
/// which only a person can add.
fn usable(places: Places) -> Result<Places, Ending> {
    let whole = places.iter().filter(|place| place.host.check_zone().is_ok()).cloned();
    match (Places::of(whole), places.first().host.check_zone()) {
        (None, Err(why)) => Err(Ending::usage(format_args!("{why}; put it into the invite"))),
        (whole, _) => Ok(whole.unwrap_or(places)),
    }
}

/// The way in to a room at a typed address: by what is known of it, by a password, or as who was there before. A key that is known there
/// is the one that is expected, unless another was typed.
fn at_server(
    server: Places,
    room: RoomName,
    trust: Trust,
    password: Option<Zeroizing<String>>,
    how: VisitArguments,
    dir: DataDir,
) -> Result<Plan, Ending> {
    let known = KnownServers::load(&dir).map_err(Ending::error)?.find_any(&server, &room);
    let trust = match (trust, &known) {
        (Trust::Ask | Trust::AcceptNew, Some(known)) => Trust::Expected(known.fingerprint),
        (trust, _) => trust,
    };
    // A secret is for the server that it was got from.
    let known = known.filter(|known| trust == Trust::Expected(known.fingerprint));
    let usual = known.as_ref().and_then(|known| known.name.clone());
    let entrance = match (password, known.and_then(|known| known.secret)) {
        (Some(password), _) => Entrance::Password(password),
        (None, Some(secret)) => Entrance::Secret(secret),
        (None, None) => Entrance::None,
    };
    plan(server, room, trust, entrance, usual.as_deref(), how, dir)
}

fn plan(
    server: Places,
    room: RoomName,
    trust: Trust,
    entrance: Entrance,
    usual: Option<&str>,
    how: VisitArguments,
    dir: DataDir,
) -> Result<Plan, Ending> {
    let person = Person::become_one(&dir, how.name.as_deref(), usual)?;
    let (wanted, give_up, is_json, lines_taken) = (how.wanted(), how.give_up, how.json, how.lines_taken);
    let (is_host, first_object, remarks) = (false, None, Remarks::default());
    Ok(Plan {
        server,
        room,
        person,
        trust,
        entrance,
        dir,
        wanted,
        give_up,
        is_host,
        is_json,
        first_object,
        lines_taken,
        remarks,
    })
}

/// What is to be joined.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    Invite(Invite),
    Server(Places),
    /// The name of a room that is known, or else of a host.
    Word(String),
}

impl Target {
    fn parse(text: &str) -> Result<Self, Ending> {
        let text = trim_pasted(text);
        // Any scheme at all means an invite, so that a mistyped one is told as such.
        if text.contains("://") || text.starts_with(SCHEME) {
            return text.parse().map(Self::Invite).map_err(Ending::usage);
        }
        if RoomName::new(text).is_ok() {
            return Ok(Self::Word(text.to_owned()));
        }
        text.parse().map(Self::Server).map_err(Ending::usage)
    }
}

/// The room that is known by this name; if there is none, the host of this name.
fn find_room(word: &str, room: RoomName, dir: &DataDir) -> Result<(Places, RoomName), Ending> {
    let rooms = KnownServers::load(dir).map_err(Ending::error)?.rooms();
    let named = |known: &KnownRoom| known.room.as_str() == word;
    let found: Vec<_> =
        rooms.into_iter().filter(named).filter_map(|known| Some((Places::of(known.addresses)?, known.room))).collect();
    match found.as_slice() {
        [] => word.parse().map(|server| (server, room)).map_err(Ending::usage),
        [one] => Ok(one.clone()),
        several => {
            let ways: Vec<_> = several
                .iter()
                .map(|(places, room)| format!("\n  kabar join {}{}", places.first(), option(room)))
                .collect();
            Err(Ending::usage(format_args!(
                "you know {} rooms of that name; say which:{}",
                several.len(),
                ways.concat()
            )))
        }
    }
}

/// How the room is said beside a host.
fn option(room: &RoomName) -> String {
    if room.as_str() == DEFAULT_ROOM { String::new() } else { format!(" --room {room}") }
}

/// Opens the data directory that was asked for, or the user's.
///
/// # Errors
/// In one line: there is none, or it cannot be made.
pub fn open(data_dir: Option<PathBuf>) -> Result<DataDir, Ending> {
    let path = data_dir.or_else(DataDir::default_path);
    let path = path.ok_or_else(|| Ending::error("there is no home directory: use --data-dir DIR"))?;
    DataDir::open(&path).map_err(Ending::error)
}

/// From the file, from standard input, or from the environment.
fn read_password(file: Option<&Path>, is_on_stdin: bool) -> Result<Option<Zeroizing<String>>, Ending> {
    let (source, text) = match (file, std::env::var_os(PASSWORD_VARIABLE)) {
        (Some(path), _) => (path.display().to_string(), first_line_of_file(path, MAX_PASSWORD_LEN)),
        (None, _) if is_on_stdin => ("standard input".to_owned(), first_line(io::stdin().lock(), MAX_PASSWORD_LEN)),
        (None, Some(value)) => {
            let value = Zeroizing::new(value.into_encoded_bytes());
            (PASSWORD_VARIABLE.to_owned(), first_line(value.as_slice(), MAX_PASSWORD_LEN))
        }
        (None, None) => return Ok(None),
    };
    let text = text.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => Ending::usage(format_args!("{source}: {error}")),
        _ => Ending::error(format_args!("cannot read {source}: {error}")),
    })?;
    from_first_line(&text).map(Some).map_err(Ending::usage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temporary_dir;

    #[test]
    fn a_target_is_an_invite_a_server_or_a_room() {
        let invite = "kabar://192.168.0.162:9999/lobby/AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT.AAAQEAYEAUDAOCAJBIFQYDIOB4";
        assert_eq!(Target::parse(invite), Ok(Target::Invite(invite.parse().unwrap())));
        assert_eq!(Target::parse(" 192.168.0.162 "), Ok(Target::Server("192.168.0.162:9999".parse().unwrap())));
        assert_eq!(Target::parse("here:7"), Ok(Target::Server("here:7".parse().unwrap())));
        let several = "192.168.0.162,here:7,fe80::1%eth0";
        assert_eq!(Target::parse(several), Ok(Target::Server(several.parse().unwrap())));
        assert_eq!(Target::parse("lobby"), Ok(Target::Word("lobby".to_owned())));
        for around in [format!(" \t{invite}\r\n"), format!("\u{feff}{invite}\u{a0}\n"), format!("\n{invite}\0")] {
            assert_eq!(Target::parse(&around), Ok(Target::Invite(invite.parse().unwrap())), "{around:?}");
        }
        for wrong in [
            "",
            "kabar://",
            "http://192.168.0.162:9999/lobby/A.B",
            "a b",
            "here:99999",
            "fe80::1",
            "[fe80::1]:7",
            "here,fe80::1",
        ] {
            let ending = Target::parse(wrong).unwrap_err();
            assert_eq!(ending.exit, Exit::Usage);
            assert!(!ending.line.unwrap().contains('\n'), "{wrong}");
        }
    }

    #[test]
    fn an_invite_is_followed_where_it_can_be() {
        let usable = |text: &str| {
            let invite = format!("kabar://{text}/lobby/AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT.AAAQEAYEAUDAOCAJBIFQYDIOB4");
            usable(invite.parse::<Invite>().unwrap().places).map(|places| places.to_string())
        };
        assert_eq!(usable("fe80::1:7,192.0.2.1:7"), Ok("192.0.2.1:7".to_owned()));
        assert_eq!(usable("fe80::1%eth0:7,fe80::2:7"), Ok("[fe80::1%eth0]:7".to_owned()));
        let ending = usable("fe80::1:7").unwrap_err();
        let line = ending.line.unwrap();
        assert_eq!(ending.exit, Exit::Usage);
        assert!(line.contains("fe80::1%") && line.contains("put it into the invite"), "{line}");
    }

    #[test]
    fn a_word_is_a_room_that_is_known_or_a_host() {
        let (_home, dir) = temporary_dir();
        let lobby = RoomName::new("lobby").unwrap();
        let learn = |address: &str, key: u8, room: &str| {
            let (address, fingerprint) = (address.parse().unwrap(), kabar_core::session::Fingerprint([key; 20]));
            KnownServers::accept(&dir, &address, &fingerprint, &RoomName::new(room).unwrap(), None).unwrap();
        };
        assert_eq!(find_room("books", lobby.clone(), &dir).unwrap().0, "books:9999".parse().unwrap());
        learn("here:7", 1, "books");
        let found = find_room("books", lobby.clone(), &dir).unwrap();
        assert_eq!((found.0.to_string().as_str(), found.1.as_str()), ("here:7", "books"));
        learn("elsewhere:7", 1, "books");
        let found = find_room("books", lobby.clone(), &dir).unwrap();
        assert_eq!(found.0.to_string(), "elsewhere:7,here:7", "every address where it was");
        learn("there:8", 2, "books");
        let ending = find_room("books", lobby, &dir).unwrap_err();
        let line = ending.line.unwrap();
        assert_eq!(ending.exit, Exit::Usage);
        assert!(
            line.contains("kabar join elsewhere:7 --room books") && line.contains("kabar join there:8 --room books"),
            "{line}"
        );
    }
}
