//! The files of the page, which are part of the program.

use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SVG: &str = "image/svg+xml";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// A file.
#[derive(Debug)]
pub(super) struct File {
    /// Its path.
    pub(super) path: &'static str,
    media_type: &'static str,
    content: &'static str,
    /// Whether it is also served without the cookie.
    is_public: bool,
}

macro_rules! file {
    ($path:literal, $media_type:expr, $file:literal, $is_public:literal) => {
        File {
            path: $path,
            media_type: $media_type,
            content: include_str!(concat!("../page/", $file)),
            is_public: $is_public,
        }
    };
}

/// All files.
pub(super) const FILES: &[File] = &[
    file!("/", HTML, "index.html", false),
    file!("/enter", HTML, "enter.html", true),
    file!("/enter.js", SCRIPT, "enter.js", true),
    file!("/attach.svg", SVG, "attach.svg", false),
    file!("/icon.svg", SVG, "icon.svg", true),
    file!("/members.svg", SVG, "members.svg", false),
    file!("/menu.svg", SVG, "menu.svg", false),
    file!("/search.svg", SVG, "search.svg", false),
    file!("/style.css", CSS, "style.css", true),
    file!("/app.js", SCRIPT, "app.js", false),
    file!("/composer.js", SCRIPT, "composer.js", false),
    file!("/connection.js", SCRIPT, "connection.js", false),
    file!("/contents.js", SCRIPT, "contents.js", false),
    file!("/dialogs.js", SCRIPT, "dialogs.js", false),
    file!("/dom.js", SCRIPT, "dom.js", false),
    file!("/files.js", SCRIPT, "files.js", false),
    file!("/lists.js", SCRIPT, "lists.js", false),
    file!("/lines.js", SCRIPT, "lines.js", false),
    file!("/notify.js", SCRIPT, "notify.js", false),
    file!("/state.js", SCRIPT, "state.js", false),
    file!("/texts.js", SCRIPT, "texts.js", false),
    file!("/transcript.js", SCRIPT, "transcript.js", false),
    file!("/transfers.js", SCRIPT, "transfers.js", false),
];

const REFUSED: &str = include_str!("../page/refused.html");

/// Whether a path is served without the cookie.
pub(super) fn is_public(path: &str) -> bool {
    FILES.iter().any(|file| file.is_public && file.path == path)
}

/// The answer to a request without permission.
pub(super) fn refused() -> Response {
    (StatusCode::FORBIDDEN, [(header::CONTENT_TYPE, HTML)], REFUSED).into_response()
}

#[cfg(test)]
impl File {
    pub(super) fn content(&self) -> &'static str {
        self.content
    }
}

impl IntoResponse for &'static File {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, self.media_type)], self.content).into_response()
    }
}

/// The answer with JSON.
pub(super) fn json(content: String) -> Response {
    let headers: [(HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];
    (headers, content).into_response()
}
