use super::*;
use crate::engine::local_history::LocalHistories;
use crate::engine::session::tests::{LOBBY, Recorder};
use crate::temporary_dir;

const RENAME: u8 = Request::Rename { name: "" }.code();
const REMOVE: u8 = Request::Remove { seq: 0 }.code();

/// A member called anna.
fn anna(recorder: &Recorder) -> Person {
    let (_home, dir) = temporary_dir();
    let mut person = {
        let history = LocalHistories::new(dir).of("ANNA");
        Person::load(history, kabar_core::session::Fingerprint([7; 20]), LOBBY.server, &recorder.sink)
    };
    person.set_name("anna", LOBBY.server, &recorder.sink);
    recorder.take();
    person
}

fn pending(changes: &[Change]) -> Requests {
    let mut requests = Requests::default();
    changes.iter().for_each(|change| requests.expect(change.clone(), Instant::ZERO));
    requests
}

#[test]
fn answers_belong_to_requests_in_their_order() {
    let changes = [Change::Rename, Change::Remove(17), Change::Remove(18), Change::Rename];
    let (recorder, mut requests) = (Recorder::default(), pending(&changes));
    let mut anna = anna(&recorder);
    let mut answered = |request, code, text| requests.answered(request, code, text, &mut anna, recorder.lobby());
    assert_eq!(answered(RENAME, AnswerCode::DONE, "Ann"), Effect::None);
    assert_eq!(answered(REMOVE, AnswerCode::NOT_PERMITTED, "too old"), Effect::None);
    assert_eq!(answered(REMOVE, AnswerCode::DONE, ""), Effect::None);
    assert_eq!(answered(RENAME, AnswerCode::NAME_TAKEN, "it is Bob's"), Effect::None);
    let expected = ["name Ann", "You are Ann now.", "message 17 stays: too old", "you stay Ann: it is Bob's"];
    assert_eq!(recorder.take(), expected);
    assert_eq!(answered(RENAME, AnswerCode::DONE, "x"), Effect::None, "nothing was requested");
    assert_eq!(recorder.take(), [""; 0]);
}

#[test]
fn refusal_without_a_text_has_a_sentence() {
    let recorder = Recorder::default();
    let mut anna = anna(&recorder);
    for code in (1..=8).map(AnswerCode) {
        let mut requests = pending(&[Change::Rename, Change::Remove(17)]);
        requests.answered(RENAME, code, "", &mut anna, recorder.lobby());
        requests.answered(REMOVE, code, "", &mut anna, recorder.lobby());
        for line in recorder.take() {
            assert!(!line.ends_with(": "), "{code:?}: {line}");
        }
    }
}

#[test]
fn results_of_operators_are_in_the_words_of_the_server() {
    const OPERATE: u8 = Request::Operate { command: "" }.code();
    let kick = Change::Operate("/kick".to_owned());
    let (recorder, mut requests) = (Recorder::default(), pending(&[kick.clone(), kick.clone(), kick]));
    let mut anna = anna(&recorder);
    let mut answered = |code, text| requests.answered(OPERATE, code, text, &mut anna, recorder.lobby());
    answered(AnswerCode::DONE, "bob was kicked");
    answered(AnswerCode::NOT_PERMITTED, "only an operator may do that");
    answered(AnswerCode::DONE, "");
    assert_eq!(recorder.take(), ["bob was kicked", "/kick: only an operator may do that"]);
}

#[test]
fn missing_answers_are_reported_once() {
    let (recorder, mut requests) = (Recorder::default(), pending(&[Change::Rename, Change::Remove(17)]));
    requests.check(recorder.lobby(), Instant::ZERO);
    assert_eq!(recorder.take(), [""; 0]);
    let late = requests.deadline().unwrap();
    requests.check(recorder.lobby(), late);
    assert_eq!(recorder.take().len(), 2);
    requests.lost(recorder.lobby());
    assert_eq!((recorder.take().len(), requests.deadline()), (0, None));
    let mut requests = pending(&[Change::Rename]);
    requests.lost(recorder.lobby());
    assert!(recorder.take()[0].contains("/nick"));
}
