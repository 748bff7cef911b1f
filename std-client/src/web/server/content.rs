//! Contents of files, for a page: a picture that is displayed, or a file that the browser saves.
//! Nothing of them is executed: a picture is one by its first bytes, and everything else is an
//! attachment without a type. A browser that opens one anyway gives it no rights (`sandbox`).

use std::io::{self, Read};
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body::{Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::transfers::names::safe_name;
use crate::web::cache::{self, Cache, OpenContent};
use crate::web::picture;

/// What a content may do in a browser.
const CONTENT_SECURITY_POLICY: HeaderValue =
    HeaderValue::from_static("sandbox; default-src 'none'; frame-ancestors 'none'");
/// The type of everything that is not a picture.
const UNKNOWN: &str = "application/octet-stream";
/// Bytes that are read at once.
const PART_LEN: usize = 64 << 10;

/// Answers with a picture, to be displayed.
pub(super) async fn picture(State(cache): State<Cache>, Path((root, name)): Path<(String, String)>) -> Response {
    match open(&cache, &root).await {
        Ok(content) => match content.picture {
            Some(picture) => respond(content, picture.media_type, "inline", &name, None),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        Err(status) => status.into_response(),
    }
}

/// Answers with a file, to be saved.
pub(super) async fn file(State(cache): State<Cache>, Path((root, name)): Path<(String, String)>) -> Response {
    match open(&cache, &root).await {
        Ok(content) => {
            // The browser has it then. What is small may be displayed again.
            let is_large = content.len > picture::MAX_LEN;
            let to_remove = cache::parse_root(&root).filter(|_| is_large).map(|root| cache.path(root));
            respond(content, UNKNOWN, "attachment", &name, to_remove)
        }
        Err(status) => status.into_response(),
    }
}

async fn open(cache: &Cache, root: &str) -> Result<OpenContent, StatusCode> {
    let root = cache::parse_root(root).ok_or(StatusCode::NOT_FOUND)?;
    let cache = cache.clone();
    match spawn_blocking(move || cache.get(root)).await {
        Ok(Ok(Some(content))) => Ok(content),
        Ok(Ok(None)) => Err(StatusCode::NOT_FOUND),
        Ok(Err(_)) | Err(_) => Err(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

fn respond(
    content: OpenContent,
    media_type: &'static str,
    how: &str,
    name: &str,
    to_remove: Option<PathBuf>,
) -> Response {
    let Ok(disposition) = HeaderValue::try_from(disposition(how, name)) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let headers: [(HeaderName, HeaderValue); 4] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CONTENT_LENGTH, content.len.into()),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    ];
    let body = FileBody { reading: ReadState::Waiting(content.file), left: content.len, to_remove };
    (headers, Body::new(body)).into_response()
}

/// Returns the value of `Content-Disposition` (RFC 6266): the name in ASCII for old programs, and
/// as it is (RFC 8187).
fn disposition(how: &str, name: &str) -> String {
    let name = safe_name(name);
    let plain = |c: char| if c.is_ascii() && !matches!(c, '"' | '\\' | '%') { c } else { '_' };
    let ascii: String = name.chars().map(plain).collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        match byte {
            b'.' | b'-' | b'_' => encoded.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("{how}; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

/// A file as the body of a response. A slow disk delays no page.
#[derive(Debug)]
struct FileBody {
    reading: ReadState,
    left: u64,
    /// What is removed when everything was sent.
    to_remove: Option<PathBuf>,
}

#[derive(Debug)]
enum ReadState {
    Waiting(std::fs::File),
    Reading(JoinHandle<(std::fs::File, io::Result<Bytes>)>),
    Ended,
}

impl HttpBody for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            match std::mem::replace(&mut self.reading, ReadState::Ended) {
                ReadState::Waiting(_) if self.left == 0 => {
                    if let Some(path) = self.to_remove.take() {
                        spawn_blocking(move || cache::remove(&path));
                    }
                    return Poll::Ready(None);
                }
                ReadState::Waiting(mut file) => {
                    let len = usize::try_from(self.left).unwrap_or(PART_LEN).min(PART_LEN);
                    self.reading = ReadState::Reading(spawn_blocking(move || {
                        let mut part = vec![0; len];
                        let read = file.read_exact(&mut part).map(|()| part.into());
                        (file, read)
                    }));
                }
                ReadState::Reading(mut thread) => {
                    let Poll::Ready(done) = Pin::new(&mut thread).poll(context) else {
                        self.reading = ReadState::Reading(thread);
                        return Poll::Pending;
                    };
                    let (file, read) = done.map_err(io::Error::other)?;
                    let part = read?;
                    self.left = self.left.saturating_sub(u64::try_from(part.len()).unwrap_or(u64::MAX));
                    self.reading = ReadState::Waiting(file);
                    return Poll::Ready(Some(Ok(Frame::data(part))));
                }
                ReadState::Ended => return Poll::Ready(None),
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_in_a_header_and_on_a_disk() {
        let plain = "attachment; filename=\"a-1.txt\"; filename*=UTF-8''a-1.txt";
        assert_eq!(disposition("attachment", "a-1.txt"), plain);
        let accented = "attachment; filename=\"_ _.txt\"; filename*=UTF-8''%C3%A9%20_.txt";
        assert_eq!(disposition("attachment", "\u{e9} \".txt"), accented);
        for name in ["../../x\r\nSet-Cookie: a=b", "a\"; filename=b", "\u{202e}gnp.exe", "", "..", "%2e%2e/x"] {
            let value = disposition("attachment", name);
            assert!(HeaderValue::try_from(&value).is_ok() && !value.contains(['/', '\r', '\n']), "{value}");
            assert_eq!(value.matches('"').count(), 2, "{value}");
        }
    }
}
