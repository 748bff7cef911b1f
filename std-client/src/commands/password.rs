//! The room's password: from a file, from standard input, or from the environment. Asks nobody.

use std::io;
use std::path::Path;

use kabar_core::chat::MAX_PASSWORD_LEN;
use kabar_std::password::from_first_line;
use kabar_std::reading::{first_line, first_line_of_file};
use zeroize::Zeroizing;

use crate::outcome::{PasswordError, PasswordSource};

/// Holds the password of a room.
pub(super) const VARIABLE: &str = "KABAR_PASSWORD";
/// Holds the password of a classic server: another one, since everyone on the way learns it.
pub(super) const CLASSIC_VARIABLE: &str = "KABAR_CLASSIC_PASSWORD";

/// Reads the password; `None` if there is no source.
///
/// # Errors
/// [`PasswordError`].
pub fn read(file: Option<&Path>, is_on_stdin: bool) -> Result<Option<Zeroizing<String>>, PasswordError> {
    read_or(file, is_on_stdin, VARIABLE)
}

/// Reads the password, from this variable of the environment if it is nowhere else.
pub(super) fn read_or(
    file: Option<&Path>,
    is_on_stdin: bool,
    variable: &'static str,
) -> Result<Option<Zeroizing<String>>, PasswordError> {
    let (from, text) = match (file, std::env::var_os(variable)) {
        (Some(path), _) => (PasswordSource::File(path.to_path_buf()), first_line_of_file(path, MAX_PASSWORD_LEN)),
        (None, _) if is_on_stdin => (PasswordSource::Stdin, first_line(io::stdin().lock(), MAX_PASSWORD_LEN)),
        (None, Some(value)) => {
            let value = Zeroizing::new(value.into_encoded_bytes());
            (PasswordSource::Variable(variable), first_line(value.as_slice(), MAX_PASSWORD_LEN))
        }
        (None, None) => return Ok(None),
    };
    let text = text.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => PasswordError::NotText { from, error },
        _ => PasswordError::Read { from, error },
    })?;
    Ok(Some(from_first_line(&text)?))
}
