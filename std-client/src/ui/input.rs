//! Lines from standard input, in bounded memory.

use std::io::{self, BufRead};

use kabar_core::chat::MAX_TEXT_LEN;

/// One thing that was typed or came through the pipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// A line without its end, at most [`MAX_TEXT_LEN`] bytes long.
    Line(String),
    /// A line of so many bytes, which is too long.
    TooLong(usize),
    /// A line that is not UTF-8.
    NotText,
    /// There is no more.
    End,
}

/// Reads the next line. What is too long is counted, not kept.
///
/// # Errors
/// Those of `from`.
pub fn read_line(from: &mut impl BufRead) -> io::Result<Typed> {
    let (mut line, mut len, mut is_any) = (Vec::new(), 0usize, false);
    loop {
        let waiting = match from.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            waiting => waiting?,
        };
        if waiting.is_empty() {
            return Ok(if is_any { complete(line, len) } else { Typed::End });
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

fn complete(mut line: Vec<u8>, mut len: usize) -> Typed {
    if len == line.len() && line.last() == Some(&b'\r') {
        line.pop();
        len -= 1;
    }
    if len > MAX_TEXT_LEN {
        return Typed::TooLong(len);
    }
    String::from_utf8(line).map_or(Typed::NotText, Typed::Line)
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn read(input: &[u8], buffer: usize) -> Vec<Typed> {
        let mut from = BufReader::with_capacity(buffer, input);
        let mut all = Vec::new();
        loop {
            match read_line(&mut from).unwrap() {
                Typed::End => return all,
                typed => all.push(typed),
            }
        }
    }

    #[test]
    fn lines_come_without_their_ends_whatever_the_buffer() {
        let line = |text: &str| Typed::Line(text.to_owned());
        for buffer in [1, 2, 3, 7, 8192] {
            assert_eq!(
                read("one\ntw\u{f6}\r\n\nlast".as_bytes(), buffer),
                [line("one"), line("tw\u{f6}"), line(""), line("last")]
            );
            assert_eq!(read(b"", buffer), []);
            assert_eq!(read(b"\n", buffer), [line("")]);
            assert_eq!(read(b"a\xff\nb\n", buffer), [Typed::NotText, line("b")]);
        }
    }

    #[test]
    fn the_longest_text_passes_and_one_byte_more_does_not() {
        for end in ["\n", "\r\n", ""] {
            let longest = "x".repeat(MAX_TEXT_LEN);
            assert_eq!(read(format!("{longest}{end}").as_bytes(), 100), [Typed::Line(longest.clone())]);
            let len = MAX_TEXT_LEN + 1;
            assert_eq!(read(format!("{longest}x{end}").as_bytes(), 100), [Typed::TooLong(len)]);
        }
        let endless = "x".repeat(1 << 20);
        assert_eq!(
            read(format!("{endless}\nshort\n").as_bytes(), 8192),
            [Typed::TooLong(1 << 20), Typed::Line("short".into())]
        );
    }
}
