use super::*;
use crate::session::tests::Screen;

const RENAME: u8 = Request::Rename { name: "" }.code();
const REMOVE: u8 = Request::Remove { seq: 0 }.code();

fn pending(changes: &[Change]) -> Requests {
    let mut requests = Requests::default();
    changes.iter().for_each(|change| requests.expect(*change, Instant::ZERO));
    requests
}

#[test]
fn answers_belong_to_requests_in_their_order() {
    let (screen, mut requests) =
        (Screen::default(), pending(&[Change::Rename, Change::Remove(17), Change::Remove(18), Change::Rename]));
    assert_eq!(
        requests.answered(RENAME, AnswerCode::DONE, "Ann", "anna", screen.lobby()),
        Effect::Renamed("Ann".to_owned())
    );
    assert_eq!(requests.answered(REMOVE, AnswerCode::NOT_PERMITTED, "too old", "Ann", screen.lobby()), Effect::None);
    assert_eq!(requests.answered(REMOVE, AnswerCode::DONE, "", "Ann", screen.lobby()), Effect::None);
    assert_eq!(requests.answered(RENAME, AnswerCode::NAME_TAKEN, "it is Bob's", "Ann", screen.lobby()), Effect::None);
    let expected = ["You are Ann now.", "message 17 stays: too old", "you stay Ann: it is Bob's"];
    assert_eq!(screen.take(), expected);
    assert_eq!(
        requests.answered(RENAME, AnswerCode::DONE, "x", "Ann", screen.lobby()),
        Effect::None,
        "nothing was requested"
    );
    assert_eq!(screen.take(), [""; 0]);
}

#[test]
fn refusal_without_a_text_has_a_sentence() {
    let screen = Screen::default();
    for code in (1..=8).map(AnswerCode) {
        let mut requests = pending(&[Change::Rename, Change::Remove(17)]);
        requests.answered(RENAME, code, "", "anna", screen.lobby());
        requests.answered(REMOVE, code, "", "anna", screen.lobby());
        for line in screen.take() {
            assert!(!line.ends_with(": "), "{code:?}: {line}");
        }
    }
}

#[test]
fn results_of_operators_are_displayed_in_the_words_of_the_server() {
    const OPERATE: u8 = Request::Operate { command: "" }.code();
    let (screen, mut requests) = (Screen::default(), pending(&[Change::Operate("/kick"); 3]));
    requests.answered(OPERATE, AnswerCode::DONE, "bob was kicked", "anna", screen.lobby());
    requests.answered(OPERATE, AnswerCode::NOT_PERMITTED, "only an operator may do that", "anna", screen.lobby());
    requests.answered(OPERATE, AnswerCode::DONE, "", "anna", screen.lobby());
    assert_eq!(screen.take(), ["bob was kicked", "/kick: only an operator may do that"]);
}

#[test]
fn missing_answers_are_reported_once() {
    let (screen, mut requests) = (Screen::default(), pending(&[Change::Rename, Change::Remove(17)]));
    requests.check(screen.lobby(), Instant::ZERO);
    assert_eq!(screen.take(), [""; 0]);
    let late = requests.deadline().unwrap();
    requests.check(screen.lobby(), late);
    assert_eq!(screen.take().len(), 2);
    requests.lost(screen.lobby());
    assert_eq!((screen.take().len(), requests.deadline()), (0, None));
    let mut requests = pending(&[Change::Rename]);
    requests.lost(screen.lobby());
    assert!(screen.take()[0].contains("/nick"));
}
