use super::*;

const KEYS: Keys = Keys {
    form: |name| match name {
        "room" | "max-members" | "listen" | "colours.text" => Some(Form::Single),
        "advertise" | "colours.names" => Some(Form::List),
        _ => None,
    },
    tables: &["colours"],
    listed_by: "program config",
};

fn parse(text: &str) -> Result<File, String> {
    File::parse(Path::new("/etc/kabar-server.toml"), text, KEYS).map_err(|error| error.to_string())
}

#[test]
fn gives_texts_and_numbers_with_their_lines() {
    let file = parse("# a comment\nroom = \"den\"\n\nmax-members = 1_000\n").unwrap();
    let (value, origin) = file.get("max-members").unwrap();
    assert_eq!((value.to_str(), origin.to_string().as_str()), (Some("1000"), "/etc/kabar-server.toml:4"));
    assert_eq!(file.get("room").unwrap().0, "den");
    assert!(file.get("listen").is_none());
}

#[test]
fn takes_a_list_where_several_values_are_taken() {
    let file = parse("advertise = [\"a:1\", \"b\"]\n").unwrap();
    assert_eq!(file.get("advertise").unwrap().0, "a:1,b");
    for wrong in ["advertise = [1]\n", "advertise = []\n", "advertise = [[\"a\"]]\n", "room = [\"a\"]\n"] {
        assert!(parse(wrong).unwrap_err().starts_with("/etc/kabar-server.toml:1: "), "{wrong}");
    }
}

#[test]
fn an_error_names_file_line_and_key() {
    for (text, place, what) in [
        ("room = \"den\"\nmax-membrs = 7\n", "/etc/kabar-server.toml:2", "max-membrs"),
        ("room = \"den\"\n[limits]\nmax-members = 7\n", "/etc/kabar-server.toml:2", "limits"),
        ("\nmax-members = {}\n", "/etc/kabar-server.toml:2", "max-members"),
        ("room = \"den\"\n[colours]\ntext = \"red\"\nname = \"x\"\n", "/etc/kabar-server.toml:4", "colours.name"),
        ("[colours.text]\nroom = 1", "/etc/kabar-server.toml:1", "colours.text"),
        ("colours = 1", "/etc/kabar-server.toml:1", "colours"),
        ("max-members = 0x10", "/etc/kabar-server.toml:1", "max-members"),
        ("config = \"x\"", "/etc/kabar-server.toml:1", "config"),
        ("room = \"den\"\nroom = \"lobby\"\n", "/etc/kabar-server.toml:2", ""),
        ("room = den\n", "/etc/kabar-server.toml:1", ""),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.starts_with(place) && error.contains(what) && !error.contains('\n'), "{text}: {error}");
    }
}

#[test]
fn accepts_a_byte_order_mark_and_names_the_line_that_is_not_utf8() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("kabar-server.toml");
    let read = |content: &[u8]| {
        std::fs::write(&path, content).unwrap();
        File::read(&path, true, KEYS)
    };
    let file = read(b"\xef\xbb\xbfroom = \"den\"\r\n# caf\xc3\xa9\r\nmax-members = 7\r\n").unwrap();
    assert_eq!(
        (file.get("room").unwrap().0.to_str(), file.get("max-members").unwrap().0.to_str()),
        (Some("den"), Some("7"))
    );
    for (content, named) in [
        (b"room = \"den\"\n# caf\xe9\n".as_slice(), "line 2 is not UTF-8"),
        (b"room = \"d\0n\"\n", "line 1 contains a zero byte"),
        (b"\xff\xfer\0o\0", "UTF-16"),
    ] {
        let error = read(content).unwrap_err().to_string();
        assert!(error.contains("kabar-server.toml") && error.contains(named) && !error.contains('\n'), "{error}");
    }
}

#[test]
fn a_file_that_is_not_there_is_an_error_only_if_it_was_named() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("none.toml");
    assert!(File::read(&path, false, KEYS).unwrap().get("room").is_none());
    assert!(File::read(&path, true, KEYS).unwrap_err().to_string().contains("none.toml"));
}

#[test]
fn keys_in_tables_have_their_name_and_line() {
    let file = parse("room = true\n[colours]\nnames = [\"red\", \"blue\"]\ntext = 3\n").unwrap();
    let (value, origin) = file.get("colours.names").unwrap();
    assert_eq!((value.to_str(), origin.to_string().as_str()), (Some("red,blue"), "/etc/kabar-server.toml:3"));
    assert_eq!((file.get("colours.text").unwrap().0, file.get("room").unwrap().0), ("3".into(), "true".into()));
    assert_eq!(file.names().collect::<Vec<_>>(), ["colours.names", "colours.text", "room"]);
}
