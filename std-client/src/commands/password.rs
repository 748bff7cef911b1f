//! The room's password: from a file, from standard input, or from the environment.

use std::io;
use std::path::Path;

use kabar_core::chat::MAX_PASSWORD_LEN;
use kabar_std::password::from_first_line;
use kabar_std::reading::{first_line, first_line_of_file};
use zeroize::Zeroizing;

const VARIABLE: &str = "KABAR_PASSWORD";

/// Why no password was read.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The source has other bytes than text.
    #[error("{source_name}: {error}")]
    NotText {
        /// The file, standard input or the variable.
        source_name: String,
        /// What is wrong.
        error: io::Error,
    },
    /// The source cannot be read.
    #[error("cannot read {source_name}: {error}")]
    Read {
        /// The file, standard input or the variable.
        source_name: String,
        /// The operating system's error.
        error: io::Error,
    },
    /// The password is empty or too long; the reason.
    #[error("{0}")]
    NotAllowed(String),
}

/// Reads the password; `None` if there is no source.
///
/// # Errors
/// [`PasswordError`].
pub fn read(file: Option<&Path>, is_on_stdin: bool) -> Result<Option<Zeroizing<String>>, PasswordError> {
    let (source_name, text) = match (file, std::env::var_os(VARIABLE)) {
        (Some(path), _) => (path.display().to_string(), first_line_of_file(path, MAX_PASSWORD_LEN)),
        (None, _) if is_on_stdin => ("standard input".to_owned(), first_line(io::stdin().lock(), MAX_PASSWORD_LEN)),
        (None, Some(value)) => {
            let value = Zeroizing::new(value.into_encoded_bytes());
            (VARIABLE.to_owned(), first_line(value.as_slice(), MAX_PASSWORD_LEN))
        }
        (None, None) => return Ok(None),
    };
    let text = text.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => PasswordError::NotText { source_name, error },
        _ => PasswordError::Read { source_name, error },
    })?;
    from_first_line(&text).map(Some).map_err(PasswordError::NotAllowed)
}
