use std::sync::OnceLock;

use super::*;

fn key_text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        format_key(&AnyRsaPrivateKey::generate(KeySize::Bits2048, &mut ChaCha20Rng::from_seed([1; 32]))).to_string()
    })
}

#[test]
fn a_server_keeps_its_key_and_secret() {
    let (_home, dir) = crate::temporary_dir();
    let lobby = RoomName::new("lobby").unwrap();
    let first = load_or_create_key(&dir, KeySize::Bits2048, || ()).unwrap();
    let second = load_or_create_key(&dir, KeySize::Bits4096, || panic!("a key is there")).unwrap();
    assert_eq!(first.modulus(), second.modulus());
    let secret = load_or_create_secret(&dir, &lobby).unwrap();
    assert_eq!(load_or_create_secret(&dir, &lobby).unwrap(), secret);
    // It is the server's, whatever its first room is called.
    assert_eq!(load_or_create_secret(&dir, &RoomName::new("other").unwrap()).unwrap(), secret);
    let replaced = generate_secret(&dir).unwrap();
    assert_ne!(replaced, secret);
    assert_eq!(load_secret(&dir, &lobby).unwrap(), Some(replaced));
}

#[test]
fn the_secret_of_a_room_becomes_that_of_the_server() {
    let (_home, dir) = crate::temporary_dir();
    let [lobby, other] = ["lobby", "other"].map(|name| RoomName::new(name).unwrap());
    dir.replace("rooms/lobby.secret", b"kabar room secret 1\nAAAQEAYEAUDAOCAJBIFQYDIOB4\n").unwrap();
    assert_eq!(load_secret(&dir, &other).unwrap(), None);
    let secret = load_or_create_secret(&dir, &lobby).unwrap();
    assert_eq!(secret.to_base32(), "AAAQEAYEAUDAOCAJBIFQYDIOB4");
    assert_eq!(load_or_create_secret(&dir, &other).unwrap(), secret);
    // The old file has no meaning any more.
    let replaced = generate_secret(&dir).unwrap();
    assert_eq!(load_or_create_secret(&dir, &lobby).unwrap(), replaced);
}

#[test]
fn a_key_survives_being_written() {
    assert_eq!(format_key(&parse_key(key_text()).unwrap()).as_str(), key_text());
}

#[test]
fn a_damaged_key_is_reported_and_never_replaced() {
    let (_home, dir) = crate::temporary_dir();
    let text = key_text();
    for damaged in [
        "",
        &text[..text.len() / 2],
        &text.replacen('1', "2", 1),
        &text.replacen("p ", "p 00", 1),
        &text.replacen("\nq ", "\nq x", 1),
        // One bit of p, then one character of the fingerprint.
        &text.replacen(&text[30..31], if &text[30..31] == "0" { "1" } else { "0" }, 1),
        &text.replacen("fingerprint ", "fingerprint A", 1),
    ] {
        assert_ne!(damaged, text);
        dir.replace(KEY_FILE, damaged.as_bytes()).unwrap();
        let error = load_or_create_key(&dir, KeySize::Bits2048, || ()).unwrap_err().to_string();
        assert!(error.contains("server.key") && error.contains("damaged"), "{error}");
        assert_eq!(dir.read(KEY_FILE).unwrap().unwrap().as_str(), damaged);
    }
}

#[test]
fn a_key_that_is_not_the_one_it_was_is_damaged() {
    let other = format_key(&AnyRsaPrivateKey::generate(KeySize::Bits2048, &mut ChaCha20Rng::from_seed([2; 32])));
    let (numbers, _) = other.split_once("fingerprint").unwrap();
    let (_, fingerprint) = key_text().split_once("fingerprint").unwrap();
    assert!(parse_key(&format!("{numbers}fingerprint{fingerprint}")).is_none());
}

#[test]
fn a_damaged_secret_is_reported_and_never_replaced() {
    let (_home, dir) = crate::temporary_dir();
    let lobby = RoomName::new("lobby").unwrap();
    for file in ["rooms/lobby.secret", "standing.secret"] {
        for damaged in
            ["", "kabar room secret 2\nAAAQEAYEAUDAOCAJBIFQYDIOB4\n", "kabar room secret 1\nAAAQEAYEAUDAOCAJ\n"]
        {
            dir.replace(file, damaged.as_bytes()).unwrap();
            let error = load_or_create_secret(&dir, &lobby).unwrap_err().to_string();
            assert!(error.contains(file.rsplit('/').next().unwrap()), "{error}");
            assert_eq!(dir.read(file).unwrap().unwrap().as_str(), damaged);
        }
    }
}
