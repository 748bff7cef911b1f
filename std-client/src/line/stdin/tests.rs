use std::io::BufReader;

use super::*;

fn read(input: &[u8], buffer: usize) -> Vec<Input> {
    let mut from = BufReader::with_capacity(buffer, input);
    let mut all = Vec::new();
    loop {
        match read_line(&mut from).unwrap() {
            Input::End => return all,
            typed => all.push(typed),
        }
    }
}

#[test]
fn reads_lines_without_their_ends_with_any_buffer() {
    let line = |text: &str| Input::Line(text.to_owned());
    for buffer in [1, 2, 3, 7, 8192] {
        assert_eq!(
            read("one\ntw\u{f6}\r\n\nlast".as_bytes(), buffer),
            [line("one"), line("tw\u{f6}"), line(""), line("last")]
        );
        assert_eq!(read(b"", buffer), []);
        assert_eq!(read(b"\n", buffer), [line("")]);
        assert_eq!(read(b"a\xff\nb\n", buffer), [Input::NotUtf8, line("b")]);
    }
}

#[test]
fn answer_is_one_line_of_any_encoding() {
    let answer = |bytes: &[u8]| read_answer(&mut &*bytes).unwrap();
    assert_eq!(answer(b"\xef\xbb\xbf anna \r\nnext"), Some(Some("anna".to_owned())));
    assert_eq!((answer(b"ann\xe1\n"), answer(&[b'x'; 5_000]), answer(b"")), (Some(None), Some(None), None));
    let yes = |bytes: &[u8]| read_yes(&mut &*bytes).unwrap();
    assert!(yes(b"y\n") && yes(b"YES") && !yes(b"y\xe9s\n") && !yes(b"") && !yes(b"n\n"));
}

#[test]
fn permanent_error_is_an_end_and_transient_error_is_not() {
    struct Broken(u32);
    impl io::Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 -= 1;
            if self.0 > 0 {
                return Err(io::Error::other("broken"));
            }
            buffer[..4].copy_from_slice(b"one\n");
            Ok(4)
        }
    }
    let read = |errors: u32| read_line_retrying(&mut BufReader::new(Broken(errors + 1)));
    assert_eq!(read(2), Input::Line("one".to_owned()));
    assert_eq!(read(9), Input::Failed(InputError::Stdin(io::Error::other("broken").into())));
}

#[test]
fn accepts_the_longest_text_and_no_longer_one() {
    for end in ["\n", "\r\n", ""] {
        let longest = "x".repeat(MAX_TEXT_LEN);
        assert_eq!(read(format!("{longest}{end}").as_bytes(), 100), [Input::Line(longest.clone())]);
        let len = MAX_TEXT_LEN + 1;
        assert_eq!(read(format!("{longest}x{end}").as_bytes(), 100), [Input::TooLong(len)]);
    }
    let endless = "x".repeat(1 << 20);
    assert_eq!(
        read(format!("{endless}\nshort\n").as_bytes(), 8192),
        [Input::TooLong(1 << 20), Input::Line("short".into())]
    );
}
