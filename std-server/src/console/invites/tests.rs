use super::*;

#[test]
fn every_command_is_read_as_it_is_written() {
    let day = 24 * 3_600 * 1_000;
    let commands = [
        ("", InviteCommand::Show),
        ("list", InviteCommand::List { with_secrets: false, as_json: false }),
        ("list --secrets", InviteCommand::List { with_secrets: true, as_json: false }),
        ("list --json", InviteCommand::List { with_secrets: false, as_json: true }),
        ("list --secrets --json", InviteCommand::List { with_secrets: true, as_json: true }),
        ("new", InviteCommand::New(InviteTerms::default())),
        ("new cellar", InviteCommand::New(InviteTerms { room: Some("cellar".into()), ..InviteTerms::default() })),
        (
            "new --expires 7d --uses 1",
            InviteCommand::New(InviteTerms { valid_ms: Some(7 * day), uses: Some(1), ..InviteTerms::default() }),
        ),
        ("revoke 7", InviteCommand::Revoke(7)),
        ("revoke standing", InviteCommand::RevokeStanding),
    ];
    for (text, command) in commands {
        assert_eq!((InviteCommand::parse(text), command.arguments().as_str()), (Some(command), text));
    }
    let for_one = InviteCommand::New(InviteTerms { uses: Some(1), ..InviteTerms::default() });
    assert_eq!(InviteCommand::parse("--uses 1"), Some(for_one), "`new` may be left out");
    for wrong in [
        "list all",
        "new 7d 1",
        "new --uses",
        "cellar attic",
        "Cellar",
        "new --uses 0",
        "new --expires 0",
        "revoke",
        "revoke x",
        "list --json --json",
        "list all",
    ] {
        assert_eq!(InviteCommand::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn an_invite_is_described_without_its_secret_as_text_and_as_json() {
    let record = InviteRecord {
        id: 7,
        room: Some("lobby".into()),
        secret: *b"AAAAAAAAAAAAAAAA",
        is_standing: false,
        made_by: None,
        made_ms: 1_730_457_430_000,
        expires_ms: Some(1_730_457_490_000),
        uses_left: Some(2),
        used: 1,
        is_revoked: false,
    };
    let used_by = vec![("ben\x1b[2J".to_owned(), 1_730_457_440_000)];
    let info = InviteInfo { record, state: InviteState::InForce, made_by: Some("anna".into()), used_by };
    let object = invite_json(&info, None);
    assert_eq!(
        object,
        r#"{"id":7,"state":"in force","is_standing":false,"room":"lobby","made_by":"anna","made_ms":1730457430000,"#
            .to_owned()
            + r#""expires_ms":1730457490000,"used":1,"uses_left":2,"#
            + r#""used_by":[{"name":"ben\u001b[2J","time_ms":1730457440000}]}"#
    );
    let line = describe_invite(&LineFormatter::new(), &info, 1_730_457_470_000);
    assert!(line.starts_with("  7: in force, for the room lobby, made by anna 40 s ago, until 2024-11-01 "), "{line}");
    assert!(line.ends_with(", used 1 of 3 times (by ben[2J)"), "{line}");
    assert!(!line.contains("AAAA") && !format!("{info:?}").contains("65, 65"), "{info:?}");
}
