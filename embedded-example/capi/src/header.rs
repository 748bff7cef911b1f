//! Numbers that the header states, read from it while compiling: they stand in one place.

const HEADER: &[u8] = include_bytes!("../include/kabar.h");

/// The number that `#define NAME` gives; with `bits`, that of `NAME_BITS`.
pub(crate) const fn defined(name: &str, bits: u32) -> usize {
    let mut at = 0;
    while at < HEADER.len() {
        if let Some(behind) = follows(at, b"#define ")
            && let Some(mut behind) = follows(behind, name.as_bytes())
        {
            if bits == 64 {
                behind = skip(behind, b"_64");
            } else if bits != 0 {
                behind = skip(behind, b"_32");
            }
            if HEADER[behind] == b' ' && HEADER[behind + 1].is_ascii_digit() {
                return number(behind + 1);
            }
        }
        at += 1;
    }
    panic!("the header does not define it")
}

const fn skip(at: usize, suffix: &[u8]) -> usize {
    match follows(at, suffix) {
        Some(behind) => behind,
        None => at,
    }
}

/// The place behind `text`, if it stands at `at`.
const fn follows(at: usize, text: &[u8]) -> Option<usize> {
    let mut len = 0;
    while len < text.len() {
        if at + len >= HEADER.len() || HEADER[at + len] != text[len] {
            return None;
        }
        len += 1;
    }
    Some(at + len)
}

const fn number(mut at: usize) -> usize {
    let mut number = 0;
    while HEADER[at].is_ascii_digit() {
        number = number * 10 + (HEADER[at] - b'0') as usize;
        at += 1;
    }
    number
}
