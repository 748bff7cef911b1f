//! Decides which requests are answered.
//!
//! 1. `Host` is `127.0.0.1:PORT` or `localhost:PORT`: a foreign name that resolves to this computer
//!    (DNS rebinding) is not.
//! 2. `Origin` of a POST and of a WebSocket is one of these: no other site writes, or reads a
//!    socket. Any other request has none, or one of these.
//! 3. The token of the printed address was exchanged for the cookie: other users of this computer,
//!    who reach the port too, have neither. Only what that exchange needs is public.
//!
//! Token and cookie are different random values of one run of the program. The name of the cookie
//! has the port, because cookies do not depend on it.

use std::io;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64URL_NOPAD;
use kabar_core::crypto::ct_eq;
use kabar_std::random::random_bytes;

use super::files;

/// Bytes of the token and of the cookie.
const SECRET_LEN: usize = 32;

/// The path of the page that exchanges the token.
pub const ENTER: &str = "/enter";
/// The path where the token is exchanged.
pub(super) const SESSION: &str = "/session";
/// The path of the WebSocket.
pub(super) const SOCKET: &str = "/socket";

/// The content of a page comes from this server alone, scripts are files, and strings are never
/// parsed as markup (`require-trusted-types-for`).
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' blob:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// Headers of every response.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::CACHE_CONTROL, "no-store"),
];

/// The secrets of one run, and the names of the server.
#[derive(Debug)]
pub struct Guard {
    token: Secret,
    cookie: Secret,
    cookie_name: String,
    hosts: [String; 2],
}

/// A random text. Not displayed by `Debug`.
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    fn random() -> io::Result<Self> {
        Ok(Self(BASE64URL_NOPAD.encode(&random_bytes::<SECRET_LEN>()?)))
    }

    fn is(&self, text: &[u8]) -> bool {
        ct_eq(self.0.as_bytes(), text)
    }
}

impl Guard {
    /// Creates the secrets of a server on `port`.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn new(port: u16) -> io::Result<Self> {
        Ok(Self {
            token: Secret::random()?,
            cookie: Secret::random()?,
            cookie_name: format!("kabar-{port}"),
            hosts: [format!("127.0.0.1:{port}"), format!("localhost:{port}")],
        })
    }

    /// Returns the address that opens the page.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{ENTER}#{}", self.hosts[0], self.token.0)
    }

    /// Returns the value of the `Set-Cookie` header, if this is the token.
    pub(super) fn exchange(&self, token: &[u8]) -> Option<String> {
        let cookie = || format!("{}={}; Path=/; HttpOnly; SameSite=Strict", self.cookie_name, self.cookie.0);
        self.token.is(token).then(cookie)
    }

    fn is_host(&self, headers: &HeaderMap) -> bool {
        only(headers, header::HOST).is_some_and(|host| self.hosts.iter().any(|own| own == host))
    }

    fn is_origin(&self, headers: &HeaderMap) -> bool {
        let host = only(headers, header::ORIGIN).and_then(|origin| origin.strip_prefix("http://"));
        host.is_some_and(|host| self.hosts.iter().any(|own| own == host))
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut cookies = lines.flat_map(|line| line.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
        cookies.any(|(name, value)| name == self.cookie_name && self.cookie.is(value.as_bytes()))
    }

    fn check(&self, request: &Request) -> Result<(), StatusCode> {
        let (headers, path) = (request.headers(), request.uri().path());
        if !self.is_host(headers) {
            return Err(StatusCode::FORBIDDEN);
        }
        let writes = match *request.method() {
            Method::GET => path == SOCKET,
            Method::POST => true,
            _ => return Err(StatusCode::METHOD_NOT_ALLOWED),
        };
        let is_public = path == SESSION || files::is_public(path);
        let needs_origin = writes || headers.contains_key(header::ORIGIN);
        if (needs_origin && !self.is_origin(headers)) || !(is_public || self.has_cookie(headers)) {
            return Err(StatusCode::FORBIDDEN);
        }
        Ok(())
    }
}

/// Returns the text of a header that is there once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Checks a request before it is answered, and adds the headers of every response.
pub(super) async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let mut response = match guard.check(&request) {
        Ok(()) => next.run(request).await,
        Err(StatusCode::FORBIDDEN) => files::refused(),
        Err(status) => status.into_response(),
    };
    for (name, value) in HEADERS {
        // The answer with a content sets a stricter policy itself.
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
