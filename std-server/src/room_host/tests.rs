use super::*;
use kabar_std::address::parse_advertised;

fn host(data_dir: &Path, listen: &str, advertise: Option<&str>) -> Result<RoomHost, RoomHostError> {
    let room = RoomName::new("lobby").unwrap();
    let listen = listen.parse().unwrap();
    let advertise = advertise.map(|text| parse_advertised(text).unwrap()).unwrap_or_default();
    RoomHost::builder(data_dir, room, listen).advertise(advertise).start(|| (), |_| (), |_| ())
}

#[test]
fn an_address_in_use_is_reported_before_an_older_history_is_migrated() {
    let home = tempfile::tempdir().unwrap();
    let dir = DataDir::open(home.path()).unwrap();
    let path = dir.join("history.db");
    let history = rusqlite::Connection::open(&path).unwrap();
    history.execute_batch(include_str!("../store/sqlite/tests/version1.sql")).unwrap();
    drop(history);
    let before = std::fs::read(&path).unwrap();
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let refused = host(home.path(), &taken.local_addr().unwrap().to_string(), None);
    assert!(matches!(refused, Err(RoomHostError::Start(StartError::Bind(..)))), "{refused:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let names = std::fs::read_dir(home.path()).unwrap().map(|file| file.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["history.db", "server.lock"]);
    drop(taken);
}

#[test]
fn the_invite_names_the_advertised_address_or_else_the_local_one() {
    let home = tempfile::tempdir().unwrap();
    let here = host(home.path(), "127.0.0.1:0", None).unwrap();
    let (port, invite) = (here.local_addr().port(), here.invite().clone());
    assert_eq!(invite.places.to_string(), format!("127.0.0.1:{port}"));
    assert!(here.is_local_only());
    here.stop().unwrap();

    let there = host(home.path(), "127.0.0.1:0", Some("chat.example:1234")).unwrap();
    assert_eq!(there.invite().places.to_string(), "chat.example:1234");
    assert!(!there.is_local_only());
    assert_eq!(there.invite().fingerprint, invite.fingerprint, "the same key,");
    assert_eq!(there.invite().secret, invite.secret, "and the same secret");
    there.stop().unwrap();

    let everywhere = host(home.path(), "0.0.0.0:0", Some("10.0.0.1")).unwrap();
    assert_eq!(everywhere.invite().places.first().port, everywhere.local_addr().port());
    assert_eq!(everywhere.same_host_addr().ip(), IpAddr::from([127, 0, 0, 1]));
}

/// A disk that has no room for one more file does not keep a server from starting whose files
/// do not change.
#[cfg(unix)]
#[test]
fn a_second_start_creates_no_file() {
    use std::os::unix::fs::MetadataExt;
    let home = tempfile::tempdir().unwrap();
    let room = RoomName::new("lobby").unwrap();
    let start = |listen: SocketAddr| {
        let host = RoomHost::builder(home.path(), room.clone(), listen).password(Some("sesame"));
        let hosted = host.start(|| (), |_| (), |_| ()).unwrap();
        let local = hosted.local_addr();
        hosted.stop().unwrap();
        local
    };
    let files = || {
        let folders = [home.path().to_path_buf(), home.path().join("rooms")];
        let entries = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
        files.sort();
        files.into_iter().map(|path| (std::fs::metadata(&path).unwrap().ino(), path)).collect::<Vec<_>>()
    };
    let local = start("127.0.0.1:0".parse().unwrap());
    let before = files();
    assert!(before.len() >= 5, "{before:?}");
    start(local);
    assert_eq!(files(), before);
}

#[test]
fn several_advertised_addresses_are_named_in_order_and_remembered() {
    let home = tempfile::tempdir().unwrap();
    let room = RoomName::new("lobby").unwrap();
    let last = || last_places(&DataDir::open(home.path()).unwrap(), &room).unwrap();
    let hosted = host(home.path(), "127.0.0.1:0", Some("chat.example:7,192.0.2.1,[fd00::1]:8,fe80::1")).unwrap();
    let port = hosted.local_addr().port();
    let meant = format!("chat.example:7,192.0.2.1:{port},[fd00::1]:8,[fe80::1]:{port}");
    assert_eq!(hosted.invite().places.to_string(), meant);
    assert!(hosted.candidate_addrs().is_empty(), "what was said is not asked again");
    assert!(matches!(hosted.missing_zone(), Some(AddressError::NoZone(_))));
    assert_eq!(last().unwrap(), hosted.invite().places);
    assert_eq!(hosted.invite().to_string().parse(), Ok(hosted.invite().clone()));
    // As an earlier version stored it.
    DataDir::open(home.path()).unwrap().replace(&address_file(&room), b"[fd00::1]:7\n").unwrap();
    assert_eq!(last().unwrap().to_string(), "[fd00::1]:7");
}

#[test]
fn a_directory_is_for_one_server_at_a_time() {
    let home = tempfile::tempdir().unwrap();
    let first = host(home.path(), "127.0.0.1:0", None).unwrap();
    let second = host(home.path(), "127.0.0.1:0", None).unwrap_err();
    assert!(matches!(second, RoomHostError::InUse(_, Some(id)) if id == std::process::id()), "{second}");
    assert!(second.to_string().contains(&std::process::id().to_string()));
    drop(first);
    host(home.path(), "127.0.0.1:0", None).unwrap();
}

#[test]
fn a_taken_port_is_named() {
    let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = host(home.path(), "127.0.0.1:0", None).unwrap();
    let address = first.local_addr().to_string();
    let error = host(other.path(), &address, None).unwrap_err().to_string();
    assert!(error.contains(&address) && error.contains("in use") && !error.contains('\n'), "{error}");
}
