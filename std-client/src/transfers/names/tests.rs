//! Names of received files.

use std::path::Component;

use proptest::prelude::*;

use super::*;

#[test]
fn a_received_name_is_one_component() {
    for (received, name) in [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("..\\..\\boot.ini", "_.._boot.ini"),
        ("/etc/passwd", "_etc_passwd"),
        ("C:\\x", "C__x"),
        ("file:stream", "file_stream"),
        ("", "file"),
        (".", "file"),
        ("..", "file"),
        (" . ", "file"),
        (".bashrc", "bashrc"),
        ("name. . ", "name"),
    ] {
        assert_eq!(safe_name(received), name, "{received:?}");
    }
}

#[test]
fn characters_that_deceive_are_dropped() {
    assert_eq!(safe_name("gpj.\u{202e}exe"), "gpj.exe");
    assert_eq!(safe_name("a\u{1b}[2Jb\0c\u{7f}"), "a[2Jbc");
    assert_eq!(safe_name("a\nb"), "a b");
}

#[test]
fn names_of_devices_are_no_longer_that() {
    for device in ["CON", "nul.txt", "Com1", "lpt9.tar.gz", "aux ", "COM\u{b9}.log", "conout$", "nul .txt"] {
        let name = safe_name(device);
        assert!(name.starts_with('_'), "{device}: {name}");
    }
    for name in ["console", "com", "com10", "lpt", "nullable.txt"] {
        assert_eq!(safe_name(name), name);
    }
}

#[test]
fn a_long_name_keeps_its_extension() {
    let long = format!("{}.tar", "\u{e9}".repeat(200));
    let name = safe_name(&long);
    assert!(name.len() <= MAX_LEN && name.len() >= MAX_LEN - 1 && name.ends_with("\u{e9}.tar"), "{name}");
    let copy = numbered(&name, 12);
    assert!(copy.len() <= MAX_LEN && copy.ends_with(" (12).tar"), "{copy}");
    assert_eq!(numbered("a.txt", 0), "a.txt");
    assert_eq!(numbered("a.txt", 1), "a (1).txt");
    assert_eq!(numbered("a", 2), "a (2)");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_received_name_stays_in_its_folder(received in "(\\.|/|\\\\|[a-z]|\\PC|[\\x00-\\x20]){0,300}", number in 0u32..9) {
        let name = safe_name(&received);
        let name = numbered(&name, number);
        let parts: Vec<_> = Path::new(&*name).components().collect();
        prop_assert!(matches!(parts[..], [Component::Normal(part)] if part == &*name), "{:?}", name);
        prop_assert!((1..=MAX_LEN).contains(&name.len()) && !name.starts_with('.'));
        prop_assert_eq!(clean_line(&name), &*name);
    }
}
