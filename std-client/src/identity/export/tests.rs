use super::*;

fn key() -> Key {
    Key::from_seed(Zeroizing::new([7; SEED_LEN]))
}

#[test]
fn exported_key_is_imported() {
    let text = Exported::format(&key(), Some("Anna Lena"), None).unwrap();
    let exported = Exported::parse(&text).unwrap();
    assert_eq!((exported.name.as_deref(), exported.is_protected()), (Some("Anna Lena"), false));
    assert_eq!(exported.open(None), Ok(key()));
    for copied in [format!("\u{feff}{}", text.replace('\n', "\r\n")), format!("\n{}\n\n", *text)] {
        assert_eq!(Exported::parse(&copied).unwrap().open(None), Ok(key()), "{copied:?}");
    }
}

#[test]
fn sealed_key_needs_its_passphrase() {
    let text = Exported::format(&key(), Some("anna"), Some("s\u{e9}same")).unwrap();
    assert!(!text.contains(&HEXLOWER.encode(key().seed())));
    let open = |passphrase| Exported::parse(&text).unwrap().open(passphrase);
    assert!(Exported::parse(&text).unwrap().is_protected());
    assert_eq!(open(Some("se\u{301}same")), Ok(key()), "the same passphrase on another keyboard");
    assert_eq!(open(Some("sesame")), Err(ExportError::WrongPassphrase));
    assert_eq!(open(None), Err(ExportError::PassphraseRequired));
    assert_ne!(*text, *Exported::format(&key(), Some("anna"), Some("s\u{e9}same")).unwrap(), "another salt");
}

#[test]
fn damage_of_every_line_is_noticed() {
    for passphrase in [None, Some("sesame")] {
        let text = Exported::format(&key(), Some("anna"), passphrase).unwrap();
        for len in 0..text.len() {
            assert!(Exported::parse(&text[..len]).is_err() || text[len..].trim().is_empty(), "cut to {len}");
        }
        for at in VERSION.len() + 1..text.len() - 1 {
            let mut damaged = text.as_bytes().to_vec();
            damaged[at] ^= 1;
            let damaged = String::from_utf8(damaged).unwrap();
            assert_eq!(Exported::parse(&damaged).unwrap_err(), ExportError::Damaged, "byte {at}");
        }
    }
}

#[test]
fn other_files_and_newer_versions_are_named_as_such() {
    let text = Exported::format(&key(), None, None).unwrap();
    let error = |text: &str| Exported::parse(text).unwrap_err();
    assert_eq!(error(&text.replace("export 2", "export 3")), ExportError::Newer);
    assert_eq!(error("kabar identity 3\n"), ExportError::Newer);
    assert_eq!(error("kabar identity 1\nseed 00\n"), ExportError::Damaged);
    for other in ["", "hello", "-----BEGIN OPENSSH PRIVATE KEY-----\n"] {
        assert_eq!(error(other), ExportError::OtherFile, "{other}");
    }
}

#[test]
fn file_of_an_earlier_version_is_imported() {
    let stored = key_file::format(&key(), false);
    let with_name = stored.replace("identity 1\n", "identity 1\nname Anna\n");
    let exported = Exported::parse(&with_name).unwrap();
    assert_eq!(exported.name.as_deref(), Some("Anna"));
    assert_eq!(exported.open(None), Ok(key()));
}

#[test]
fn excessive_costs_are_rejected() {
    let text = Exported::format(&key(), None, Some("sesame")).unwrap();
    for (cost, other) in [("65536 3 1", "4294967295 3 1"), ("65536 3 1", "65536 4294967295 1")] {
        let changed = text.replace(cost, other);
        let end = changed.find("check ").unwrap();
        let changed = format!("{}check {}\n", &changed[..end], HEXLOWER.encode(&check(&changed[..end])));
        assert_eq!(Exported::parse(&changed).unwrap().open(Some("sesame")).unwrap_err(), ExportError::Damaged);
    }
}
