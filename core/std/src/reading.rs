//! Reads text of any encoding and length: files, standard input, environment variables.
//!
//! | place | bytes that are not UTF-8 | byte order mark, CRLF |
//! |---|---|---|
//! | prompt of `kabar` | dropped, with the bytes that were read together with them; the line stays at the prompt; reported once per line | accepted |
//! | pipe into `kabar` | that line is refused by its number, the exit code is 6; the others are sent | CR is dropped |
//! | console of `kabar-server` | that line is refused; the others are taken | CR is dropped |
//! | questions of `kabar` | asked again; a yes-or-no question counts as no | dropped |
//! | password: file, standard input, variable | refused with the name of the source | dropped |
//! | settings, known servers, keys, secrets, cursors | refused with the file and the line | dropped |
//! | invites, typed or read | refused as an invite | dropped, with surrounding spaces |
//! | command line and variables | values refused by name; paths are used as they are | |

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use zeroize::Zeroizing;

/// Why bytes are no text, or too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotText {
    /// They are UTF-16.
    #[error("the text is UTF-16; save it as UTF-8")]
    Utf16,
    /// This line is not UTF-8.
    #[error("line {0} is not UTF-8; save it as UTF-8")]
    NotUtf8(usize),
    /// This line contains a zero byte.
    #[error("line {0} contains a zero byte; save it as UTF-8")]
    ZeroByte(usize),
    /// They are more than this number.
    #[error("longer than {0} bytes")]
    TooLong(usize),
}

/// Some editors write it before UTF-8 text.
const BYTE_ORDER_MARK: char = '\u{feff}';
/// Bytes of a line besides its text: a byte order mark, CR and LF, and one more to detect a longer
/// line.
const AROUND_A_LINE: usize = 6;

/// Decodes UTF-8, without a byte order mark.
///
/// # Errors
/// [`NotText`], with the number of the line.
pub fn decode(bytes: &[u8]) -> Result<&str, NotText> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(NotText::Utf16);
    }
    let line_of = |at: usize| 1 + bytes.iter().take(at).filter(|byte| **byte == b'\n').count();
    let text = std::str::from_utf8(bytes).map_err(|error| NotText::NotUtf8(line_of(error.valid_up_to())))?;
    match text.find('\0') {
        Some(at) => Err(NotText::ZeroByte(line_of(at))),
        None => Ok(without_mark(text)),
    }
}

/// Returns `text` without a byte order mark.
#[must_use]
pub fn without_mark(text: &str) -> &str {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// Returns `text` without the spaces, line ends and byte order marks around pasted text.
#[must_use]
pub fn trim_pasted(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == BYTE_ORDER_MARK || c == '\0')
}

/// Reads a whole file of at most `max` bytes.
///
/// # Errors
/// Those of the file; [`io::ErrorKind::InvalidData`] with [`NotText`] if it is not text, or longer.
pub fn read_file(path: &Path, max: usize) -> io::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(path)?.take(max as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > max {
        return Err(invalid(NotText::TooLong(max)));
    }
    decode(&bytes).map(|text| Zeroizing::new(text.to_owned())).map_err(invalid)
}

/// Reads the first line of a file, without its end. A line longer than `max` bytes is cut to a
/// length that is still more than `max`.
///
/// # Errors
/// As [`read_file`].
pub fn first_line_of_file(path: &Path, max: usize) -> io::Result<Zeroizing<String>> {
    first_line(BufReader::new(File::open(path)?), max)
}

/// Reads the first line of `from`, without its end, and leaves the rest there. A line longer than
/// `max` bytes is cut to a length that is still more than `max`.
///
/// # Errors
/// Those of `from`; [`io::ErrorKind::InvalidData`] with [`NotText`] if it is not text.
pub fn first_line(from: impl BufRead, max: usize) -> io::Result<Zeroizing<String>> {
    let cap = max.saturating_add(AROUND_A_LINE);
    // Allocated at once, so that growing leaves no copy of a secret in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(cap));
    from.take(cap as u64).read_until(b'\n', &mut bytes)?;
    // Cut within a character: the text before it is too long already.
    let end = match std::str::from_utf8(&bytes) {
        Err(error) if error.error_len().is_none() && bytes.len() == cap => error.valid_up_to(),
        _ => bytes.len(),
    };
    let line = decode(bytes.get(..end).unwrap_or_default()).map_err(invalid)?;
    let line = line.strip_suffix('\n').unwrap_or(line);
    Ok(Zeroizing::new(line.strip_suffix('\r').unwrap_or(line).to_owned()))
}

fn invalid(why: NotText) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_the_line_that_is_not_text() {
        assert_eq!(decode(b"one\ntw\xc3\xb6\n"), Ok("one\ntw\u{f6}\n"));
        assert_eq!(decode(b"\xef\xbb\xbfone\r\n"), Ok("one\r\n"));
        assert_eq!(decode(b"one\ntw\xf6\n"), Err(NotText::NotUtf8(2)));
        assert_eq!(decode(b"one\ntwo\0\n"), Err(NotText::ZeroByte(2)));
        assert_eq!(decode(b"\xff\xfet\0"), Err(NotText::Utf16));
        assert_eq!(decode(b""), Ok(""));
    }

    #[test]
    fn trims_pasted_text() {
        assert_eq!(trim_pasted("\u{feff} kabar://x\r\n"), "kabar://x");
        assert_eq!(trim_pasted(""), "");
    }

    #[test]
    fn reads_one_line_and_leaves_the_rest() {
        let mut from: &[u8] = b"\xef\xbb\xbfopen\r\nnext\n";
        assert_eq!(first_line(&mut from, 10).unwrap().as_str(), "open");
        assert_eq!(from, b"next\n");
        assert_eq!(first_line(b"".as_slice(), 10).unwrap().as_str(), "");
        assert_eq!(first_line(b"op\xe9n\n".as_slice(), 10).unwrap_err().kind(), io::ErrorKind::InvalidData);
        for endless in ["x".repeat(1_000), "\u{20ac}".repeat(1_000), format!("x{}", "\u{20ac}".repeat(1_000))] {
            let line = first_line(endless.as_bytes(), 10).unwrap();
            assert!(line.len() > 10 && line.len() <= 16, "{}", line.len());
        }
    }

    #[test]
    fn rejects_an_endless_file() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        std::fs::write(&path, "x".repeat(11)).unwrap();
        assert!(read_file(&path, 10).unwrap_err().to_string().contains("longer"));
        assert_eq!(read_file(&path, 11).unwrap().len(), 11);
    }
}
