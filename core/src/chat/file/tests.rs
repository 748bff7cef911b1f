use std::string::String;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::chat::EntryKind;
use crate::crypto::testing::hex_vec;

const ROOT: Root = Root([0xab; ROOT_LEN]);

fn encode(file: &File<'_>) -> Vec<u8> {
    let mut out = [0; MAX_FILE_BODY_LEN];
    let len = file.encode(&mut out).expect("the longest body fits");
    out[..len].to_vec()
}

#[test]
fn encodes_a_file_as_specified() {
    let root = Root::of(b"");
    let file = File::new("kosong.txt", 0, root, "text/plain").expect("permitted");
    let expected = [
        "0a6b6f736f6e672e747874",
        "0000000000000000",
        "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
        "0a746578742f706c61696e",
    ];
    assert_eq!(encode(&file), hex_vec(&expected.concat()));
    assert_eq!(File::decode(&encode(&file)), Ok(file));
    assert_eq!((file.name(), file.size(), file.root(), file.media_type()), ("kosong.txt", 0, root, "text/plain"));
}

#[test]
fn the_longest_file_fits_an_entry() {
    let (name, media_type) = ("n".repeat(MAX_FILE_NAME_LEN), "m".repeat(MAX_MEDIA_TYPE_LEN));
    let file = File::new(&name, u64::MAX, ROOT, &media_type).expect("permitted");
    assert_eq!(encode(&file).len(), MAX_FILE_BODY_LEN);
    assert_eq!(file.encode(&mut [0; MAX_FILE_BODY_LEN - 1]), Err(BufferFull));
}

#[test]
fn rejects_names_and_media_types_that_are_not_permitted() {
    let (long_name, long_type) = ("n".repeat(256), "m".repeat(128));
    for name in ["", "a\nb", "\u{1b}[2J", "a\0", "\u{7f}", "\u{85}", &long_name] {
        assert_eq!(File::new(name, 1, ROOT, ""), None, "{name:?}");
    }
    for media_type in ["text/plain\r\n", "text plain", "text/\u{e9}", "\u{7f}", &long_type] {
        assert_eq!(File::new("a", 1, ROOT, media_type), None, "{media_type:?}");
    }
    // The same, as bytes of a peer.
    let mut body = encode(&File::new("ab", 1, ROOT, "x").expect("permitted"));
    for (at, byte) in [(1, 0x0a), (1, 0xff), (body.len() - 1, b' ')] {
        let before = core::mem::replace(&mut body[at], byte);
        assert_eq!(File::decode(&body), Err(DecodeError::Value), "{at}");
        body[at] = before;
    }
    assert!(File::decode(&body).is_ok());
}

#[test]
fn rejects_a_short_body_and_ignores_bytes_after_it() {
    let file = File::new("a.tar", 7, ROOT, "application/x-tar").expect("permitted");
    let mut body = encode(&file);
    for len in 0..body.len() {
        assert_eq!(File::decode(&body[..len]), Err(DecodeError::Truncated), "{len}");
    }
    body.extend_from_slice(b"later");
    assert_eq!(File::decode(&body), Ok(file));
}

#[test]
fn members_post_files() {
    assert!(EntryKind::FILE.is_postable() && !EntryKind::FILE.is_text());
}

proptest! {
    #[test]
    fn files_round_trip(name in "\\PC{1,40}", size: u64, root: [u8; ROOT_LEN], media_type in "[!-~]{0,127}") {
        prop_assume!(name.len() <= MAX_FILE_NAME_LEN);
        let file = File::new(&name, size, Root(root), &media_type).expect("no control characters");
        let body = encode(&file);
        prop_assert_eq!(File::decode(&body), Ok(file));
    }

    #[test]
    fn decoding_never_panics(body in prop::collection::vec(any::<u8>(), 0..500)) {
        if let Ok(file) = File::decode(&body) {
            prop_assert!(body.starts_with(&encode(&file)));
            prop_assert!(!String::from(file.name()).chars().any(char::is_control));
        }
    }
}
