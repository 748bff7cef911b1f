use kabar_core::classic::PrivateKey;
use proptest::prelude::*;

use super::*;

/// The largest numbers, so that the fewest characters fit.
fn key() -> PrivateKey {
    PrivateKey::from_primes(49_999, 49_993, 17).unwrap()
}

/// The messages that a server reads.
fn read(prepared: &Prepared, name: &str) -> Vec<String> {
    let message = |datagram: &Vec<u8>| {
        assert!(datagram.len() <= MAX_DATAGRAM);
        let mut text = [0; MAX_TEXT_LEN];
        let post = Post::parse(key().decrypt(datagram, &mut text).unwrap()).unwrap();
        assert_eq!(post.name, name);
        post.message.to_owned()
    };
    prepared.datagrams.iter().map(message).collect()
}

#[test]
fn long_lines_are_split_between_words_and_marked() {
    let text = "word ".repeat(60);
    let messages = read(&prepare("anna", text.trim_end(), key().public()).unwrap(), "anna");
    assert!(messages.len() > 2);
    let (first, last) = (&messages[0], &messages[messages.len() - 1]);
    assert!(first.starts_with("word word") && first.ends_with("word\u{2026}"), "{first}");
    assert!(last.starts_with("\u{2026}word") && last.ends_with("word"), "{last}");
    let words: usize = messages.iter().map(|message| message.matches("word").count()).sum();
    assert_eq!(words, 60);
}

#[test]
fn colons_and_lines_are_what_the_dialect_can_have() {
    let prepared = prepare("anna", "at 10:30\n\nhttp://x", key().public()).unwrap();
    assert_eq!(read(&prepared, "anna"), ["at 10\u{ff1a}30", "http\u{ff1a}//x"]);
    assert!(prepared.had_colons && prepared.text.starts_with("at 10\u{ff1a}30\n"));
    assert!(!prepare("anna", "no", key().public()).unwrap().had_colons);
    assert_eq!(prepare("anna", " \n", key().public()), Err(NotPosted::Empty));
}

#[test]
fn what_the_key_is_too_small_for_is_refused_as_a_whole() {
    let small = PrivateKey::from_primes(1_009, 1_013, 5).unwrap();
    let text = format!("{}\u{10ffff}", "a ".repeat(500));
    assert_eq!(prepare("anna", &text, small.public()), Err(NotPosted::NotInKey('\u{10ffff}')));
    let emoji = prepare("anna", "\u{1f44b}\u{1f1ee}\u{1f1e9}", small.public()).unwrap();
    assert_eq!(emoji.datagrams.len(), 1, "every emoji is below N");
}

proptest! {
    #[test]
    fn nothing_is_lost_or_too_long(name in "[a-z\u{e9}]{1,24}", text in "[^:\\s\u{2026}]{1,1000}") {
        let messages = read(&prepare(&name, &text, key().public()).unwrap(), &name);
        prop_assert_eq!(messages.concat().replace(CUT, ""), text);
    }
}
