//! The room's password: from a file, from standard input, or from the environment. Asks nobody.

use std::io;
use std::path::Path;

use kabar_core::chat::MAX_PASSWORD_LEN;
use kabar_std::password::from_first_line;
use kabar_std::reading::{first_line, first_line_of_file};
use zeroize::Zeroizing;

use crate::outcome::{PasswordError, PasswordSource};

const VARIABLE: &str = "KABAR_PASSWORD";

/// Reads the password; `None` if there is no source.
///
/// # Errors
/// [`PasswordError`].
pub fn read(file: Option<&Path>, is_on_stdin: bool) -> Result<Option<Zeroizing<String>>, PasswordError> {
    let (from, text) = match (file, std::env::var_os(VARIABLE)) {
        (Some(path), _) => (PasswordSource::File(path.to_path_buf()), first_line_of_file(path, MAX_PASSWORD_LEN)),
        (None, _) if is_on_stdin => (PasswordSource::Stdin, first_line(io::stdin().lock(), MAX_PASSWORD_LEN)),
        (None, Some(value)) => {
            let value = Zeroizing::new(value.into_encoded_bytes());
            (PasswordSource::Variable(VARIABLE), first_line(value.as_slice(), MAX_PASSWORD_LEN))
        }
        (None, None) => return Ok(None),
    };
    let text = text.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => PasswordError::NotText { from, error },
        _ => PasswordError::Read { from, error },
    })?;
    Ok(Some(from_first_line(&text)?))
}
