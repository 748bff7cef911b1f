//! Reads lines and answers from standard input, in bounded memory. Does not interpret them.

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
                return Input::Failed(InputError::Stdin(error.into()));
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
    Ok(matches!(answer.to_lowercase().as_str(), "y" | "yes" | "ya"))
}

#[cfg(test)]
mod tests;
