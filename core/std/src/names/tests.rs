use proptest::prelude::*;

use super::*;

fn same(a: &str, b: &str) -> bool {
    Name::new(a).expect("allowed").folded() == Name::new(b).expect("allowed").folded()
}

#[test]
fn accepts_names_of_people() {
    for name in ["darryl", "Farhan", "Jörg Müller", "李小龍", "Ольга", "عمر", "अनिल", "x", "a.b-c_d!", "7", "🦀"]
    {
        assert_eq!(Name::new(name).expect(name).shown(), name);
    }
}

#[test]
fn rejects_empty_and_long_names() {
    assert_eq!(Name::new(""), Err(NameError::Empty));
    assert!(Name::new(&"n".repeat(32)).is_ok());
    assert_eq!(Name::new(&"n".repeat(33)), Err(NameError::TooLong));
    assert_eq!(Name::new(&"n".repeat(100_000)), Err(NameError::TooLong));
    // One character that NFKC expands to 33 bytes.
    assert_eq!(Name::new("\u{fdfa}"), Err(NameError::TooLong));
    // 33 bytes that NFKC reduces to 22.
    assert!(Name::new(&"e\u{301}".repeat(11)).is_ok());
}

#[test]
fn rejects_invisible_and_reserved_characters() {
    let bad = [
        '\0',
        '\n',
        '\u{7f}',
        '\u{9b}',
        '\u{ad}',
        '\u{200b}',
        '\u{200d}',
        '\u{200e}',
        '\u{202e}',
        '\u{2066}',
        '\u{2028}',
        '\u{feff}',
        '\u{fe0f}',
        '\u{e0041}',
        '\u{61c}',
        '\u{3164}',
        ':',
        '~',
        '/',
        '@',
    ];
    for character in bad {
        assert!(matches!(Name::new(&format!("a{character}b")), Err(NameError::Character(_))), "{character:?}");
    }
    // The result of NFKC counts: a/c, a fullwidth colon.
    assert_eq!(Name::new("\u{2100}"), Err(NameError::Character('/')));
    assert_eq!(Name::new("a\u{ff1a}b"), Err(NameError::Character(':')));
}

#[test]
fn rejects_spaces_at_the_ends_only() {
    assert!(Name::new("Anna Lena").is_ok());
    for name in [" a", "a ", "\u{a0}a", "a\u{3000}", " "] {
        assert_eq!(Name::new(name), Err(NameError::EdgeSpace), "{name:?}");
    }
}

#[test]
fn reserves_server_however_it_is_written() {
    for name in ["server", "Server", "SERVER", "ｓｅｒｖｅｒ", "ſerver"] {
        assert_eq!(Name::new(name), Err(NameError::Reserved), "{name}");
    }
    assert!(Name::new("server2").is_ok());
}

#[test]
fn compares_after_normalisation_and_case_folding() {
    assert!(same("Darryl", "dARRYL"));
    assert!(same("Straße", "STRASSE"));
    assert!(same("Ｄarryl", "darryl"));
    assert!(same("Jo\u{308}rg", "JÖRG"));
    assert!(same("ΣΊΣΥΦΟΣ", "σίσυφος"));
    assert!(same("ﬁn", "FIN"));
    assert!(!same("Darryl", "Daryl"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn normalising_twice_changes_nothing(text in "\\PC{1,12}") {
        if let Ok(name) = Name::new(&text) {
            prop_assert_eq!(&Name::new(name.shown()).expect("still allowed"), &name);
            prop_assert_eq!(fold(name.folded()), name.folded());
        }
    }
}
