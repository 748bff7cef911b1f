//! Opens the page in the user's browser.
//!
//! The address has the token, and the arguments of a process can be read by all users of the
//! computer. So the browser gets the path of a file that only the user can read, which leads to the
//! address.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use kabar_std::data_dir::{DataDir, FileError};

/// The file that leads to the page.
const FILE: &str = "web.html";

/// The file that leads to the page, which is removed when this is dropped.
#[derive(Debug)]
pub struct OpenedPage {
    path: PathBuf,
}

impl Drop for OpenedPage {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Opens an address, which needs no escaping in markup. `None`: there is no display, or no browser
/// was started. Nothing but the opener of the desktop is executed.
///
/// # Errors
/// [`FileError`].
pub fn open(dir: &DataDir, url: &str) -> Result<Option<OpenedPage>, FileError> {
    let Some(opener) = opener() else { return Ok(None) };
    let redirect =
        format!("<!doctype html><meta http-equiv=\"refresh\" content=\"0;url={url}\"><title>Kabar</title>\n");
    dir.replace(FILE, redirect.as_bytes())?;
    let page = OpenedPage { path: dir.join(FILE) };
    let mut command = Command::new(opener);
    command.arg(&page.path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else { return Ok(None) };
    // Reaps it. Without a thread, it remains until the end of the program.
    let _ = std::thread::Builder::new().spawn(move || drop(child.wait()));
    Ok(Some(page))
}

fn opener() -> Option<&'static str> {
    if cfg!(target_os = "macos") {
        return Some("open");
    }
    let has = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    (has("DISPLAY") || has("WAYLAND_DISPLAY")).then_some("xdg-open")
}
