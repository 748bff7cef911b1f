use super::*;
use crate::classic::{CUT_MARK, PrivateKey};
use proptest::prelude::*;
use std::string::{String, ToString};

const TIME: DateTime = DateTime { year: 2026, month: 11, day: 29, hour: 7, minute: 5, second: 9 };

fn line(body: LineBody<'_>, len: usize) -> String {
    let mut out = [0; 2000];
    let len = Line { time: TIME, body }.encode(&mut out[..len]);
    String::from_utf8(out[..len].to_vec()).unwrap()
}

fn post(name: &str, message: &str) -> String {
    let mut out = [0; 9000];
    let len = Post { name, message }.encode(&mut out).unwrap();
    String::from_utf8(out[..len].to_vec()).unwrap()
}

#[test]
fn tells_the_datagrams_of_a_client_apart() {
    assert_eq!(Request::decode(b"GET_PUBLIC_KEY"), Some(Request::PublicKey));
    assert_eq!(Request::decode(b"12,5,0"), Some(Request::Encrypted(b"12,5,0")));
    for datagram in
        ["", "GET_PUBLIC_KEY\n", "GET_PUBLIC_KE", "get_public_key", ",1", "1 2", "1,a", "Incorrect password."]
    {
        assert_eq!(Request::decode(datagram.as_bytes()), None, "{datagram:?}");
    }
    assert!((0x10..=0x1f).all(|byte| !is_first_byte(byte)), "no packet of version 1");
}

#[test]
fn a_login_is_split_at_its_first_colon() {
    let login = Login::parse("ani:a:b").unwrap();
    assert_eq!((login.name, login.password), ("ani", "a:b"));
    assert_eq!(Login::parse("ani"), None);
    assert_eq!(Login::parse(":"), Some(Login { name: "", password: "" }));
    let mut out = [0; 7];
    assert_eq!(login.encode(&mut out), Ok(7));
    assert_eq!(&out, b"ani:a:b");
    assert_eq!(login.encode(&mut [0; 6]), Err(BufferFull));
    assert!(!std::format!("{login:?}").contains("a:b"), "the password");
}

#[test]
fn known_crcs_are_right() {
    for (message, crc) in [
        ("haloooo", 2_784_623_526_u32),
        ("helllooo", 2_437_258_575),
        ("tesss", 1_562_471_065),
        ("tosss", 849_119_997),
        ("uyyy", 4_053_915_466),
        ("toossss", 2_242_422_173),
        ("cek", 2_000_325_465),
        ("cok", 2_379_572_179),
    ] {
        assert_eq!(post("ani", message), std::format!("ani:{message}:{crc}"));
        assert_eq!(Post::parse(&post("ani", message)), Ok(Post { name: "ani", message }));
    }
}

#[test]
fn a_post_has_a_name_a_message_and_its_crc() {
    for text in
        ["", "ani", "ani:cek", "ani:cek:", "ani:cek:x", "ani:cek:2000325465 ", "ani:cek:-", "ani:cek:12.0", "cek:1"]
    {
        assert_eq!(Post::parse(text), Err(PostError::Format), "{text:?}");
    }
    for crc in ["2000325466", "0", "-2000325465", "2000325465000000000000000000", "18446744075709877081"] {
        assert_eq!(Post::parse(&std::format!("ani:cek:{crc}")), Err(PostError::Integrity), "{crc}");
    }
    assert_eq!(Post::parse("ani:cok:2000325465"), Err(PostError::Integrity));
    assert_eq!(Post::parse("ani::0"), Ok(Post { name: "ani", message: "" }));
}

#[test]
fn a_post_is_split_at_its_last_two_colons() {
    assert_eq!(Post::parse(&post("a:b:c", "cek")), Ok(Post { name: "a:b:c", message: "cek" }));
    assert_eq!(Post::parse(&post("ani", "jam 10:30")), Err(PostError::Integrity));
}

#[test]
fn answers_are_the_words_of_the_original() {
    let answers = [
        (Answer::IncorrectPassword, "Incorrect password."),
        (Answer::NameTaken, "Name already taken."),
        (Answer::InvalidFormat, "Invalid message format."),
        (Answer::IntegrityCompromised, "Message integrity compromised!"),
        (Answer::Joined("ani"), "ani joined!"),
        (Answer::Accepted, "Password accepted. You are now connected."),
    ];
    for (answer, words) in answers {
        assert_eq!(answer.to_string(), words);
        assert_eq!(Answer::parse(words), Some(answer));
        let mut out = [0; 64];
        assert_eq!(answer.encode(&mut out), Ok(words.len()));
        assert_eq!(&out[..words.len()], words.as_bytes());
        assert_eq!(answer.encode(&mut out[..words.len() - 1]), Err(BufferFull));
    }
    assert_eq!(Answer::parse("Incorrect password"), None);
    assert_eq!(Answer::parse("[2026-11-29 07:05:09] ani: she joined!"), None);
}

#[test]
fn lines_have_their_time_in_brackets() {
    let message = LineBody::Message { name: "ani", text: "jam: 10:30" };
    assert_eq!(line(message, 2000), "[2026-11-29 07:05:09] ani: jam: 10:30");
    assert_eq!(line(LineBody::Joined("ani"), 2000), "[2026-11-29 07:05:09] ani has joined the chat!");
    for body in [message, LineBody::Joined("ani"), LineBody::Other("closed")] {
        assert_eq!(Line::parse(&line(body, 2000)), Some(Line { time: TIME, body }));
    }
    for text in [
        "",
        "[",
        "ani: hi",
        "[2026-11-29 07:05:09]",
        "[2026-11-29 07:05:09]x",
        "[2026-11-29T07:05:09] x",
        "[2026-13-29 07:05:09] x",
        "[2026-11-00 07:05:09] x",
        "[2026-11-29 24:05:09] x",
        "[2026-11-29 07:60:09] x",
        "[2026-11-29 7:005:09] x",
        "[+026-11-29 07:05:09] x",
        "[2026-11-29-07:05:09] x",
        "[2026-11-2é 07:05:09] x",
    ] {
        assert_eq!(Line::parse(text), None, "{text:?}");
    }
}

#[test]
fn a_long_line_is_cut_at_a_character_and_marked() {
    let text = "é".repeat(1000);
    let body = LineBody::Message { name: "ani", text: &text };
    let cut = line(body, 2000);
    assert!((MAX_DATAGRAM - 1..=MAX_DATAGRAM).contains(&cut.len()) && cut.ends_with(CUT_MARK));
    assert!(cut.strip_suffix(CUT_MARK).unwrap().ends_with('é'));
    for len in 0..100 {
        let cut = line(body, len);
        assert!(cut.len() <= len && (cut.is_empty() || cut.ends_with(CUT_MARK)), "{cut:?}");
        assert!(len < CUT_MARK.len() || !cut.is_empty());
    }
    let exact = "x".repeat(MAX_DATAGRAM - "[2026-11-29 07:05:09] ani: ".len());
    let whole = line(LineBody::Message { name: "ani", text: &exact }, 2000);
    assert!(whole.len() == MAX_DATAGRAM && whole.ends_with("xxx"));
}

#[test]
fn no_text_shows_as_another_line() {
    let text = "a\n[2026-11-29 07:05:09] budi: b\r\x1b[2J\u{85}";
    let shown = line(LineBody::Message { name: "ani", text }, 2000);
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
}

#[test]
fn long_posts_are_split_where_their_datagram_is_full() {
    let key = *PrivateKey::from_primes(49_999, 49_993, 65_537).unwrap().public();
    let message = "selamat pagi, dünia 😀 ".repeat(40);
    let (mut rest, mut pieces) = (&message[..], 0);
    while !rest.is_empty() {
        let len = Post { name: "ani", message: rest }.fitting_len(&key, " >").unwrap();
        let (piece, after) = rest.split_at(len);
        let text = post("ani", &std::format!("{piece} >"));
        let mut out = [0; MAX_DATAGRAM];
        let encrypted = key.encrypt(&text, &mut out).unwrap();
        // The longest CRC was assumed, and the next character has at most ten digits.
        assert!(after.is_empty() || encrypted > MAX_DATAGRAM - 60, "{encrypted}");
        (rest, pieces) = (after, pieces + 1);
    }
    assert!(pieces > 5);
    let small = PrivateKey::from_primes(1009, 1013, 17).unwrap();
    let fitting = |name: &str, message: &str| Post { name, message }.fitting_len(small.public(), "");
    assert_eq!(fitting("ani", "ab\u{10ffff}"), Err(EncryptError::CodePoint('\u{10ffff}')));
    assert_eq!(fitting(&"n".repeat(200), "ab"), Err(EncryptError::BufferFull));
    assert_eq!(fitting("ani", ""), Ok(0));
}

proptest! {
    #[test]
    fn posts_round_trip(name in ".{0,40}", message in "[^:]{0,200}") {
        let text = post(&name, &message);
        prop_assert_eq!(Post::parse(&text), Ok(Post { name: &name, message: &message }));
    }

    #[test]
    fn any_text_is_parsed_without_a_panic(text in ".{0,80}", time in "\\[[0-9 :é-]{15,20}\\].{0,9}") {
        for text in [&text, &time] {
            let _ = (Post::parse(text), Login::parse(text), Request::decode(text.as_bytes()));
            if let Some(answer) = Answer::parse(text) {
                prop_assert_eq!(&answer.to_string(), text);
            }
            if let Some(parsed) = Line::parse(text) {
                prop_assert_eq!(&std::format!("[{}] {}", parsed.time, parsed.body), text);
            }
        }
    }
}
