//! Reads lines and answers from standard input, in bounded memory. Knows nothing of what they mean.

use std::io::{self, BufRead, Read};

use kabar_core::chat::MAX_TEXT_LEN;
use kabar_std::reading::{decode, trim_pasted};

use crate::input::{Input, InputError};

/// Reads the next line. A line that is too long is counted, not kept.
///
/// # Errors
/// Those of `from`.
pub fn read_line(from: &mut impl BufRead) -> io::Result<Input> {
    let (mut line, mut len, mut is_any) = (Vec::new(), 0usize, false);
    loop {
        let waiting = match from.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            waiting => waiting?,
        };
        if waiting.is_empty() {
            return Ok(if is_any { complete(line, len) } else { Input::End });
        }
        is_any = true;
        let end = waiting.iter().position(|byte| *byte == b'\n');
        let part = waiting.get(..end.unwrap_or(waiting.len())).unwrap_or_default();
        // One more for a carriage return, one more to know that it is too long.
        let room = (MAX_TEXT_LEN + 2).saturating_sub(line.len());
        line.extend(part.iter().take(room));
        len = len.saturating_add(part.len());
        let used = part.len() + usize::from(end.is_some());
        from.consume(used);
        if end.is_some() {
            return Ok(complete(line, len));
        }
    }
}

fn complete(mut line: Vec<u8>, mut len: usize) -> Input {
    if len == line.len() && line.last() == Some(&b'\r') {
        line.pop();
        len -= 1;
    }
    if len > MAX_TEXT_LEN {
        return Input::TooLong(len);
    }
    String::from_utf8(line).map_or(Input::NotUtf8, Input::Line)
}

/// Number of consecutive errors after which reading is given up: a closed terminal never comes
/// back.
pub const MAX_ERRORS: u32 = 3;

/// Distinguishes transient errors from permanent ones.
#[derive(Debug, Default)]
pub struct RetryBudget(u32);

impl RetryBudget {
    /// Restores the budget after a successful read.
    pub fn reset(&mut self) {
        self.0 = 0;
    }

    /// Counts an error. Returns whether to try again.
    #[must_use]
    pub fn try_again(&mut self) -> bool {
        self.0 += 1;
        self.0 < MAX_ERRORS
    }
}

/// Reads the next line; a permanent error is an end.
pub fn read_line_retrying(from: &mut impl BufRead) -> Input {
    let mut budget = RetryBudget::default();
    loop {
        match read_line(from) {
            Ok(typed) => return typed,
            Err(error) if !budget.try_again() => {
                return Input::Failed(InputError::Stdin(error.to_string()));
            }
            Err(_) => {}
        }
    }
}

/// Longest answer to a question, in bytes.
const MAX_ANSWER_LEN: u64 = 4_096;

/// Reads an answer. `None`: the end of input; `Some(None)`: the answer is not UTF-8, or far too
/// long.
///
/// # Errors
/// Those of `from`.
pub fn read_answer(from: &mut impl BufRead) -> io::Result<Option<Option<String>>> {
    let mut answer = Vec::new();
    let len = from.by_ref().take(MAX_ANSWER_LEN).read_until(b'\n', &mut answer)?;
    if len == 0 {
        return Ok(None);
    }
    let is_whole = answer.ends_with(b"\n") || (len as u64) < MAX_ANSWER_LEN;
    let answer = decode(&answer).ok().filter(|_| is_whole);
    Ok(Some(answer.map(|answer| trim_pasted(answer).to_owned())))
}

/// Reads an answer and returns whether it means yes. No answer, and one that is not text, means no.
///
/// # Errors
/// Those of `from`.
pub fn read_yes(from: &mut impl BufRead) -> io::Result<bool> {
    let answer = read_answer(from)?.flatten().unwrap_or_default();
    Ok(matches!(answer.to_lowercase().as_str(), "y" | "yes"))
}

#[cfg(test)]
mod tests {
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
        assert_eq!(read(9), Input::Failed(InputError::Stdin("broken".to_owned())));
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
}
