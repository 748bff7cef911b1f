pub(super) mod translated;

use kabar_core::chat::{EndedCode, RefusedCode};
use kabar_core::client::{DisconnectReason, EndReason};
use kabar_core::connection::CloseCode;
use kabar_std::address::Places;
use kabar_std::data_dir::FileError;
use kabar_std::invite::RoomName;
use kabar_std::text::clean_line;

use super::errors::{client_end, connect_error};
use super::*;
use crate::connect::ConnectError;
use crate::engine::event::{ClientEnd, CredentialUsed};
use crate::outcome::Loss;

fn server() -> Places {
    "192.168.0.160".parse().unwrap()
}

fn end(reason: EndReason) -> (Exit, String) {
    end_with(reason, "")
}

fn end_with(reason: EndReason, server_text: &str) -> (Exit, String) {
    client_end(&ClientEnd {
        reason,
        server_text: server_text.to_owned(),
        server: server(),
        name: "anna".to_owned(),
        room: RoomName::new("lobby").unwrap(),
        credential: CredentialUsed::Secret,
    })
}

#[test]
fn names_all_addresses_of_a_server() {
    let line = connect_error(&ConnectError::Refused("192.0.2.1,[fd00::1]:7".parse().unwrap()));
    assert!(line.starts_with("192.0.2.1:9999 or [fd00::1]:7 refused"), "{line}");
}

#[test]
fn missing_response_names_the_likely_causes() {
    let (exit, line) = session_error(&ConnectError::NoResponse(server()).into());
    let expected =
        "no response from 192.168.0.160:9999 after 5 s: wrong address, a firewall, or the room is not running";
    assert_eq!((exit, line.as_str()), (Exit::Unreachable, expected));
}

#[test]
fn every_end_has_its_code_and_one_line() {
    let code = |reason| {
        let (exit, line) = end(reason);
        assert!(!line.contains('\n'), "{line}");
        exit.code()
    };
    assert_eq!(code(EndReason::KeyRejected), 4);
    assert_eq!(code(EndReason::KeyMismatch), 4);
    assert_eq!(code(EndReason::ServerProofInvalid), 4);
    assert_eq!(code(EndReason::Refused(RefusedCode::AUTHENTICATION)), 4);
    assert_eq!(code(EndReason::Refused(RefusedCode::NAME_TAKEN)), 5);
    assert_eq!(code(EndReason::Refused(RefusedCode::NAME_NOT_ALLOWED)), 5);
    for refused in [RefusedCode::UNKNOWN_ROOM, RefusedCode::ROOM_FULL, RefusedCode::BANNED, RefusedCode::VERSION] {
        assert_eq!(code(EndReason::Refused(refused)), 7);
    }
    assert_eq!(code(EndReason::Refused(RefusedCode::SIGNATURE)), 1);
    for closed in [CloseCode::REPLACED, CloseCode::KICKED, CloseCode::BANNED] {
        assert_eq!(code(EndReason::Closed(closed)), 7);
    }
}

#[test]
fn server_text_follows_the_sentence_of_a_refusal_without_control_characters() {
    let reason = EndReason::Refused(RefusedCode::ROOM_FULL);
    let line = |text| end_with(reason, text).1;
    assert_eq!(line(""), "the room is full");
    assert_eq!(line("the room is full"), "the room is full");
    assert_eq!(
        line("until\nnoon \x1b[2J"),
        format!("the room is full (server: {})", clean_line("until\nnoon \x1b[2J"))
    );
    assert!(!line("until\nnoon \x1b[2J").contains(char::is_control));
    let kicked = [EndReason::Closed(CloseCode::KICKED), EndReason::EndedByServer(EndedCode::KICKED)];
    for reason in kicked {
        assert_eq!(end_with(reason, "").1, "you were kicked from the room");
        assert_eq!(end_with(reason, "spam").1, "you were kicked from the room (server: spam)");
    }
    let later = |why, text| events::loss_reason(why, text);
    assert!(later(DisconnectReason::TryLater, "too many").ends_with(" at the moment (server: too many)"));
    assert_eq!(later(DisconnectReason::Shutdown, "too many"), later(DisconnectReason::Shutdown, ""));
}

#[test]
fn every_refusal_has_its_own_sentence() {
    let lines: Vec<_> = (0..=11).map(|code| end(EndReason::Refused(RefusedCode(code))).1).collect();
    for (code, line) in lines.iter().enumerate() {
        assert_eq!(lines.iter().filter(|other| *other == line).count(), 1, "{line}");
        assert_eq!(line.contains("reason"), matches!(code, 0 | 11), "{line}");
    }
}

#[test]
fn losses_follow_the_end() {
    let error = FileError::new("write", "/a".as_ref())(std::io::ErrorKind::StorageFull.into());
    let losses = vec![Loss::PositionNotSaved(error.into()), Loss::Transcript { path: "/t".into(), lines: 2 }];
    let report = session_report(&SessionReport { end: SessionEnd::Left, losses });
    let line = "could not save your position in this room: cannot write /a: no storage space; \
                2 lines are missing at the end of the transcript /t; the history has them";
    assert_eq!(report, ExitReport::new(Exit::Error, line));
    let unsent =
        |lost, kept| session_report(&SessionReport { end: SessionEnd::Unsent { lost, kept }, losses: Vec::new() });
    assert_eq!(unsent(1, 0), ExitReport::new(Exit::Unsent, "1 line was not sent"));
    let both = "2 lines were not sent; 1 line is kept and sent the next time";
    assert_eq!(unsent(2, 1), ExitReport::new(Exit::Unsent, both));
}
