use std::collections::BTreeMap;

use proptest::prelude::*;
use unicode_bidi::{BidiInfo, Level};

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
        assert_eq!(Name::new(name), Err(NameError::Reserved("server")), "{name}");
    }
    assert!(Name::new("server2").is_ok());
}

#[test]
fn reserves_what_looks_like_a_reserved_name() {
    let cases = [
        ("admin", ["ADMIN", "Admin"], ["adrnin", "ADMlN"]),
        ("operator", ["OPERATOR", "Operator"], ["0perator", "οреrаtоr"]),
        ("system", ["SYSTEM", "System"], ["systern", "ѕуѕtеm"]),
        ("server", ["SERVER", "Server"], ["sеrver", "ѕеrvеr"]),
        ("moderator", ["MODERATOR", "Moderator"], ["rnoderator", "m0derat0r"]),
        ("administrator", ["ADMINISTRATOR", "Administrator"], ["adm1n1strator", "Admlnlstrator"]),
    ];
    for (reserved, same, alike) in cases {
        assert!(RESERVED.contains(&reserved));
        for name in same.into_iter().chain([reserved]) {
            assert_eq!(Name::new(name), Err(NameError::Reserved(reserved)), "{name}");
        }
        for name in alike {
            assert_eq!(Name::new(name), Err(NameError::LooksReserved(reserved)), "{name}");
        }
    }
    assert_eq!(cases.len(), RESERVED.len());
    for name in ["admin2", "operators", "sysop", "root", "Сервер"] {
        assert!(Name::new(name).is_ok(), "{name}");
    }
}

#[test]
fn a_name_that_somebody_has_is_not_held_to_the_rules_for_new_ones() {
    for name in ["admin", "ADMlN", "annа"] {
        assert!(Name::new(name).is_err(), "{name}");
        assert_eq!(Name::existing(name).expect(name).shown(), name);
    }
    assert_eq!(Name::existing("a:b"), Err(NameError::Character(':')));
}

/// Pairs from confusables.txt of UTS 39, and what follows from them with case folding.
#[test]
fn names_that_look_alike_have_one_skeleton() {
    let pairs = [
        // Within Latin.
        ("Ian", "lan"),
        ("Ian", "1an"),
        ("Ian", "|an"),
        ("Bill", "BlLL"),
        ("michael", "MlCHAEL"),
        ("b0b", "bob"),
        ("B0B", "bob"),
        ("modern", "modem"),
        ("MODERN", "modem"),
        ("ann\u{251}", "anna"),
        // Latin and Cyrillic, each name in one script.
        ("сосо", "coco"),
        ("СОСО", "coco"),
        ("АХ", "AX"),
        ("МАХ", "max"),
        ("ѕсоре", "scope"),
        // Latin and Greek.
        ("ΑΒΒΑ", "ABBA"),
        ("ΑΒΒΑ", "abba"),
        ("ονο", "ovo"),
        // Greek and Cyrillic.
        ("ΑΒΒΑ", "АВВА"),
        // Full-width and mathematical letters are letters after NFKC.
        ("ｉａｎ", "ian"),
        ("ｌａｎ", "Ian"),
        ("𝐚𝐧𝐧𝐚", "anna"),
        // Cherokee, Armenian, Hebrew.
        ("ᎪᏴ", "AB"),
        ("օօ", "oo"),
        ("וו", "ll"),
        // One character that looks like several; marks in another order.
        ("ꝏ", "oo"),
        ("a\u{323}\u{302}", "a\u{302}\u{323}"),
        // Spaces.
        ("Anna  Lena", "Anna Lena"),
        ("Anna\u{2003}Lena", "Anna Lena"),
    ];
    for (one, other) in pairs {
        let skeleton = |name| Name::existing(name).expect(name).skeleton();
        assert_eq!(skeleton(one), skeleton(other), "{one} {other}");
    }
}

#[test]
fn names_that_readers_tell_apart_have_different_skeletons() {
    let pairs = [
        ("anna", "ann"),
        ("anna", "hanna"),
        ("anna", "anna2"),
        ("anna", "änna"),
        ("Jörg", "Jorg"),
        ("anna", "Анна"),
        ("вова", "BOBA"),
        ("Ольга", "Олега"),
        ("Нина", "Hina"),
        ("李小龍", "李小红"),
        ("ubuntu-2", "ubuntu-3"),
        ("Anna Lena", "AnnaLena"),
        ("ser-ver", "ser ver"),
        ("eve", "ewe"),
        ("5am", "Sam"),
        ("e", "c"),
        ("🦀", "🦞"),
    ];
    for (one, other) in pairs {
        let skeleton = |name| Name::new(name).expect(name).skeleton();
        assert_ne!(skeleton(one), skeleton(other), "{one} {other}");
    }
}

#[test]
fn refuses_letters_of_scripts_that_are_not_written_together() {
    let cases = [
        ("annа", "Latin", "Cyrillic"),
        ("аnna", "Cyrillic", "Latin"),
        ("Anna Анна", "Latin", "Cyrillic"),
        ("αnna", "Greek", "Latin"),
        ("ΑННА", "Greek", "Cyrillic"),
        ("李小龍 a б", "Han", "Cyrillic"),
        ("Anil अनिल", "Latin", "Devanagari"),
        ("omar عمر", "Latin", "Arabic"),
        ("2 annа!", "Latin", "Cyrillic"),
        ("カタ한글", "Katakana", "Hangul"),
    ];
    for (name, one, other) in cases {
        let error = Name::new(name).expect_err(name);
        let expected = format!("the name mixes {one} and {other} letters, which can look alike");
        assert_eq!(error.to_string(), expected, "{name}");
    }
    for name in [
        "Bruce 李小龍",
        "ツ (tsu)",
        "さくらサクラ桜 Sakura",
        "김철수 Kim",
        "ㄅㄆ注音abc",
        "Ольга-2 🦀",
        "عمر ٣",
        "café",
    ] {
        assert!(Name::new(name).is_ok(), "{name}");
    }
}

#[test]
fn refuses_what_is_displayed_on_another_side_of_right_to_left_letters() {
    // In a line from left to right, the first two are displayed alike.
    for (name, is_allowed) in [
        ("אב1", true),
        ("1אב", false),
        ("אב-1", true),
        ("אב-", false),
        ("-אב", false),
        ("عمر 2", true),
        ("٣عمر", false),
    ] {
        let refused = Name::new(name).err();
        assert_eq!(refused, (!is_allowed).then_some(NameError::Direction), "{name:?}");
        assert!(Name::existing(name).is_ok(), "{name:?}");
    }
    for name in ["1a", "-a-", "٣", "דוד המלך", "مُحَمَّد"] {
        assert_eq!(Name::new(name).err(), (name == "٣").then_some(NameError::Direction), "{name:?}");
    }
}

/// All short names of these characters, as lines in both directions display them. Names of digits
/// and punctuation alone follow the line, so they are compared in lines from left to right only.
#[test]
fn no_two_names_are_displayed_alike() {
    let alphabet = ['א', 'ב', 'ع', '1', '2', '٣', '-', '$', ' ', '\u{5b0}'];
    let mut names = vec![String::new()];
    for _ in 0..4 {
        let longer: Vec<String> =
            names.iter().flat_map(|name| alphabet.map(|character| format!("{name}{character}"))).collect();
        names.extend(longer);
    }
    names.sort();
    names.dedup();
    // A mark on a digit or on punctuation is not about the order.
    names.retain(|name| Name::new(name).is_ok() && (name.contains(['א', 'ב', 'ع']) || !name.contains('\u{5b0}')));
    assert!(names.len() > 1_000, "{}", names.len());
    for level in [Level::ltr(), Level::rtl()] {
        let mut displayed = BTreeMap::new();
        for name in names.iter().filter(|name| level.is_ltr() || name.contains(['א', 'ב', 'ع'])) {
            let info = BidiInfo::new(name, Some(level));
            let line = info.reorder_line(&info.paragraphs[0], 0..name.len()).into_owned();
            let other = displayed.insert(line, name);
            assert_eq!(other, None, "displayed like {name:?}");
        }
    }
}

#[test]
fn every_sentence_fits_a_refusal() {
    let sentences = ["", &"n".repeat(33), "a\u{e0041}", " a", "admin", "ADMlN", "annа", "1אב"];
    for name in sentences {
        let sentence = Name::new(name).expect_err(name).to_string();
        assert!(sentence.starts_with("the name ") && sentence.len() <= 255, "{sentence}");
    }
    // The script with the longest name, twice.
    let longest = Script::Inscriptional_Parthian;
    assert!(NameError::MixedScripts(longest, longest).to_string().len() <= 255);
}

/// Rounds end long before their bound, and no skeleton is much longer than the name.
#[test]
fn the_skeleton_of_every_character_is_its_own_skeleton() {
    let mut longest = 0;
    for character in '\0'..=char::MAX {
        let shown: String = character.to_string().nfkc().collect();
        let skeleton = confusables::skeleton(&shown);
        assert_eq!(confusables::skeleton(&skeleton), skeleton, "{character:?}");
        longest = longest.max(skeleton.len());
    }
    assert!(longest <= 30, "{longest}");
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
            prop_assert_eq!(confusables::skeleton(&name.skeleton()), name.skeleton());
        }
    }

    #[test]
    fn any_text_has_a_skeleton_of_bounded_length_and_it_is_its_own(text in "(.|\\n){0,200}") {
        let skeleton = confusables::skeleton(&text);
        prop_assert_eq!(confusables::skeleton(&skeleton), skeleton.clone());
        // No character of a name has more than 30 bytes of skeleton.
        let shown: String = text.nfkc().collect();
        prop_assert!(confusables::skeleton(&shown).len() <= 30 * shown.chars().count().max(1));
        confusables::mixed_scripts(&text);
    }

    #[test]
    fn case_of_ascii_letters_changes_no_skeleton(text in "[!-~]{1,32}") {
        prop_assert_eq!(confusables::skeleton(&text.to_uppercase()), confusables::skeleton(&text));
    }

    #[test]
    fn a_long_text_is_no_name_and_takes_no_time(character in any::<char>(), count in 257_usize..100_000) {
        let text: String = std::iter::repeat_n(character, count).collect();
        prop_assert_eq!(Name::new(&text), Err(NameError::TooLong));
    }
}

#[test]
fn only_classic_names_end_with_the_mark() {
    let name = Name::classic("Ani").unwrap();
    assert_eq!((name.shown(), name.folded(), name.is_classic()), ("Ani~", "ani~", true));
    // Stored, or typed by an operator.
    assert_eq!(Name::existing("Ani~"), Ok(name.clone()));
    assert_ne!(name.skeleton(), Name::new("Ani").unwrap().skeleton());
    let mark = NameError::Character('~');
    for stated in ["Ani~", "~", "~Ani", "A~ni", "Ani~~"] {
        assert_eq!(Name::new(stated), Err(mark), "{stated}");
        assert_eq!(Name::classic(stated), Err(mark), "{stated}");
    }
    for name in ["~", "~Ani", "A~ni", "Ani~~"] {
        assert_eq!(Name::existing(name), Err(mark), "{name}");
    }
    assert_eq!(Name::existing("Ani ~"), Err(NameError::EdgeSpace));
    // The rules for new names apply to what is before the mark, and 32 bytes to all of it.
    assert_eq!(Name::classic("server"), Err(NameError::Reserved("server")));
    assert_eq!(Name::classic(""), Err(NameError::Empty));
    assert!(Name::classic(&"a".repeat(31)).is_ok());
    assert_eq!(Name::classic(&"a".repeat(32)), Err(NameError::TooLong));
    assert_eq!(name.clone().for_member(true), Ok(name.clone()));
    assert_eq!(name.for_member(false), Err(mark));
    assert_eq!(Name::new("Ani").unwrap().for_member(true), Err(mark));
}
