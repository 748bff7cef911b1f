//! Requests to the router, without a socket; and the bounds of real ones.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, header};
use kabar_core::content::{ROOT_LEN, Root};
use tower::ServiceExt;

use super::input::{Input, Inputs, inputs};
use super::*;
use crate::web::picture::{self, tests::png};

const PORT: u16 = 4_242;
const OWN: &str = "127.0.0.1:4242";

/// A router, and what a browser knows of it.
struct Page {
    guard: Arc<Guard>,
    router: Router,
    inputs: Inputs,
    spool: PathBuf,
    cache: Cache,
    _home: tempfile::TempDir,
}

impl Page {
    fn new() -> Self {
        let guard = Arc::new(Guard::new(PORT).unwrap());
        let (sender, inputs) = inputs();
        let (home, dir) = crate::temporary_dir();
        let cache = Cache::open(&dir).unwrap();
        let uploads = Arc::new(Uploads::new(&sender, Spool::open(&dir).unwrap()));
        let router = router(Arc::clone(&guard), Arc::new(Sockets::new(&sender)), uploads, cache.clone());
        Self { guard, router, inputs, spool: dir.join("spool"), cache, _home: home }
    }

    fn spooled(&self) -> usize {
        std::fs::read_dir(&self.spool).unwrap().count()
    }

    fn token(&self) -> String {
        self.guard.url().split_once('#').unwrap().1.to_owned()
    }

    fn cookie(&self) -> String {
        let set = self.guard.exchange(self.token().as_bytes()).unwrap();
        set.split(';').next().unwrap().to_owned()
    }

    fn answer(&self, request: Request<Body>) -> Response<Body> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(self.router.clone().oneshot(request)).unwrap()
    }

    fn status(&self, request: Request<Body>) -> u16 {
        self.answer(request).status().as_u16()
    }

    fn exchange(&self, token: &str, origin: Option<&str>) -> Response<Body> {
        let request = Request::post("/session").header(header::HOST, OWN);
        let request = origin.into_iter().fold(request, |request, origin| request.header(header::ORIGIN, origin));
        self.answer(request.body(Body::from(token.to_owned())).unwrap())
    }
}

fn get(path: &str, host: &str, cookie: Option<&str>) -> Request<Body> {
    let request = Request::get(path).header(header::HOST, host);
    cookie
        .into_iter()
        .fold(request, |request, cookie| request.header(header::COOKIE, cookie))
        .body(Body::empty())
        .unwrap()
}

/// A request that sends a file.
fn upload(path: &str, origin: Option<&str>, cookie: Option<&str>, body: impl Into<Body>) -> Request<Body> {
    let mut request = get(path, OWN, cookie);
    *request.method_mut() = Method::POST;
    origin.map(|origin| request.headers_mut().insert(header::ORIGIN, origin.parse().unwrap()));
    request.map(|_| body.into())
}

fn socket(page: &Page, origin: Option<&str>, cookie: Option<&str>) -> u16 {
    let mut request = get("/socket", OWN, cookie);
    let headers = request.headers_mut();
    origin.map(|origin| headers.insert(header::ORIGIN, origin.parse().unwrap()));
    for (name, value) in [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    page.status(request)
}

#[test]
fn token_is_exchanged_for_a_cookie_that_opens_the_page() {
    let page = Page::new();
    let response = page.exchange(&page.token(), Some("http://127.0.0.1:4242"));
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    let set = response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(set.starts_with("kabar-4242=") && set.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{set}");
    let cookie = set.split(';').next().unwrap();
    assert!(!cookie.contains(&page.token()), "the cookie is another secret");
    for path in files::FILES.iter().map(|file| file.path).chain(["/texts.json", "/emoji.json"]) {
        assert_eq!(page.status(get(path, OWN, Some(cookie))), 200, "{path}");
    }
    let several = format!("other=1; {cookie}; kabar-1=x");
    assert_eq!(page.status(get("/", "localhost:4242", Some(&several))), 200);
}

#[test]
fn wrong_token_gives_no_cookie() {
    let page = Page::new();
    let token = page.token();
    let swapped = token.chars().rev().collect::<String>();
    for wrong in ["", "x", &token[1..], &format!("{token}x"), &swapped] {
        let response = page.exchange(wrong, Some("http://127.0.0.1:4242"));
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{wrong}");
        assert!(!response.headers().contains_key(header::SET_COOKIE));
    }
    let long = page.exchange(&"x".repeat(MAX_TOKEN_LEN + 1), Some("http://127.0.0.1:4242"));
    assert_eq!(long.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[test]
fn nothing_but_the_entrance_is_served_without_the_cookie() {
    let page = Page::new();
    let (other, token) = (Page::new().cookie(), format!("kabar-4242={}", page.token()));
    let renamed = page.cookie().replace("kabar-4242", "kabar-4243");
    for path in files::FILES.iter().map(|file| file.path).chain(["/texts.json", "/emoji.json", "/socket", "/x"]) {
        let is_public = ["/enter", "/enter.js", "/icon.svg", "/style.css"].contains(&path);
        for cookie in [None, Some(other.as_str()), Some(&token), Some(&renamed), Some("kabar-4242=")] {
            let expected = if is_public { 200 } else { 403 };
            assert_eq!(page.status(get(path, OWN, cookie)), expected, "{path} with {cookie:?}");
        }
    }
}

#[test]
fn refused_page_says_what_to_do() {
    let page = Page::new();
    let response = page.answer(get("/", OWN, None));
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let body = runtime.block_on(axum::body::to_bytes(response.into_body(), 1 << 20)).unwrap();
    let body = std::str::from_utf8(&body).unwrap();
    assert!(body.contains("that <code>kabar web</code> printed") && body.contains("lang=\"id\""));
}

#[test]
fn foreign_host_is_refused() {
    let page = Page::new();
    let cookie = page.cookie();
    for host in [
        "evil.example",
        "evil.example:4242",
        "127.0.0.1",
        "127.0.0.1:4243",
        "localhost",
        "[::1]:4242",
        "127.0.0.2:4242",
        "",
    ] {
        assert_eq!(page.status(get("/", host, Some(&cookie))), 403, "{host}");
        assert_eq!(page.status(get("/enter", host, None)), 403, "{host}");
    }
    let mut twice = get("/", OWN, Some(&cookie));
    twice.headers_mut().append(header::HOST, "evil.example".parse().unwrap());
    assert_eq!(page.status(twice), 403);
    let mut none = get("/", OWN, Some(&cookie));
    none.headers_mut().remove(header::HOST);
    assert_eq!(page.status(none), 403);
}

#[test]
fn foreign_origin_is_refused() {
    let page = Page::new();
    let (token, cookie) = (page.token(), page.cookie());
    let foreign =
        ["http://evil.example", "https://127.0.0.1:4242", "http://127.0.0.1:4243", "http://127.0.0.1", "null", ""];
    for origin in foreign.map(Some).into_iter().chain([None]) {
        assert_eq!(page.exchange(&token, origin).status(), StatusCode::FORBIDDEN, "{origin:?}");
        assert_eq!(socket(&page, origin, Some(&cookie)), 403, "{origin:?}");
    }
    let own = Some("http://127.0.0.1:4242");
    assert_eq!(socket(&page, own, None), 403, "the origin alone is not enough");
    // Without a connection that can be upgraded, the request gets this far.
    assert_eq!(socket(&page, own, Some(&cookie)), 426);
}

#[test]
fn file_of_the_page_is_passed_on_with_its_room_and_name() {
    let mut page = Page::new();
    let (cookie, own) = (page.cookie(), "http://127.0.0.1:4242");
    let path = "/upload/0.7/..%2F..%2Fa%20%C3%A9.txt";
    assert_eq!(page.status(upload(path, Some(own), Some(&cookie), "the content")), 204);
    let Some(Input::Uploaded(room, name, file)) = page.inputs.recv() else { panic!("no file") };
    assert_eq!((room.0.index, name.as_str()), (7, "../../a \u{e9}.txt"));
    assert_eq!(std::fs::read_to_string(file.path()).unwrap(), "the content");
    assert_eq!(file.path().parent(), Some(page.spool.as_path()), "the name is no path");
    file.remove();
    assert_eq!(page.status(upload("/upload/0.7/empty", Some(own), Some(&cookie), "")), 204);
    for wrong in ["/upload/0/x", "/upload/a.b/x"] {
        assert_eq!(page.status(upload(wrong, Some(own), Some(&cookie), "x")), 400, "{wrong}");
    }
}

#[test]
fn file_of_another_site_or_user_is_refused_and_not_stored() {
    let page = Page::new();
    let (cookie, own) = (page.cookie(), "http://127.0.0.1:4242");
    let status = |origin, cookie| page.status(upload("/upload/0.0/x", origin, cookie, "x"));
    for foreign in [None, Some("null"), Some("http://127.0.0.1:4243"), Some("http://evil.example")] {
        assert_eq!(status(foreign, Some(&*cookie)), 403, "{foreign:?}");
    }
    for wrong in [None, Some("kabar-4242=x")] {
        assert_eq!(status(Some(own), wrong), 403, "{wrong:?}");
    }
    assert_eq!(page.spooled(), 0);
}

#[test]
fn files_that_are_stored_at_once_are_bounded_and_unfinished_ones_are_removed() {
    let page = Page::new();
    let (cookie, own) = (page.cookie(), "http://127.0.0.1:4242");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut slow: Vec<_> = (0..upload::MAX_UPLOADS)
        .map(|_| {
            let body = Body::new(Unfinished { is_given: false });
            Box::pin(page.router.clone().oneshot(upload("/upload/0.0/x", Some(own), Some(&cookie), body)))
        })
        .collect();
    runtime.block_on(async {
        for request in &mut slow {
            assert!(tokio::time::timeout(Duration::from_millis(50), request).await.is_err(), "it waits");
        }
    });
    assert_eq!(page.spooled(), upload::MAX_UPLOADS);
    assert_eq!(page.status(upload("/upload/0.0/x", Some(own), Some(&cookie), "x")), 503);
    // The browser is gone.
    drop(slow);
    assert_eq!(page.spooled(), 0);
    assert_eq!(page.status(upload("/upload/0.0/x", Some(own), Some(&cookie), "x")), 204);
}

/// The paths of a stored content: as a picture, and as a file.
fn content(page: &Page, number: u8, content: &[u8]) -> [String; 2] {
    let root = Root([number; ROOT_LEN]);
    std::fs::write(page.cache.path(root), content).unwrap();
    ["picture", "file"].map(|kind| format!("/{kind}/{root}/..%2Fa%C3%A9.html"))
}

/// The status of a response, its body, and a function that returns a header.
fn whole(response: Response<Body>) -> (u16, Vec<u8>, impl Fn(&str) -> String) {
    let (parts, body) = response.into_parts();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let body = runtime.block_on(axum::body::to_bytes(body, 64 << 20)).unwrap().to_vec();
    let header = move |name: &str| parts.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    (parts.status.as_u16(), body, header)
}

#[test]
fn content_is_a_picture_or_an_attachment_and_has_no_rights() {
    let page = Page::new();
    let cookie = page.cookie();
    let answer = |path: &str| whole(page.answer(get(path, OWN, Some(&cookie))));
    let bytes = [png(3, 4), vec![7; 200_000]].concat();
    let [picture, file] = content(&page, 1, &bytes);
    let expected = [(picture, "image/png", "inline"), (file, "application/octet-stream", "attachment")];
    for (path, media_type, how) in expected {
        let (status, body, header) = answer(&path);
        assert_eq!((status, header("content-type").as_str()), (200, media_type));
        assert!(body == bytes && header("content-length") == bytes.len().to_string());
        assert_eq!(
            header("content-disposition"),
            format!("{how}; filename=\"_a_.html\"; filename*=UTF-8''_a%C3%A9.html")
        );
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        assert!(header("content-security-policy").starts_with("sandbox; default-src 'none'"));
    }
    for markup in [&b"<html><script>1</script>"[..], b"<svg xmlns='http://www.w3.org/2000/svg'/>", b""] {
        let [picture, file] = content(&page, 2, markup);
        assert_eq!(answer(&picture).0, 404);
        assert_eq!(answer(&file).2("content-type"), "application/octet-stream");
    }
}

#[test]
fn content_is_served_to_the_page_alone_and_only_from_the_cache() {
    let page = Page::new();
    let cookie = page.cookie();
    for path in content(&page, 1, &png(3, 4)) {
        for wrong in [None, Some("kabar-4242=x")] {
            assert_eq!(page.status(get(&path, OWN, wrong)), 403, "{path}");
        }
        let from = |origin: &str| {
            let mut request = get(&path, OWN, Some(&cookie));
            request.headers_mut().insert(header::ORIGIN, origin.parse().unwrap());
            page.status(request)
        };
        assert_eq!((from("http://evil.example"), from("null"), from("http://127.0.0.1:4242")), (403, 403, 200));
    }
    let missing = "0".repeat(64);
    for root in ["..", "..%2F..%2Fetc", "x", &missing, &"A".repeat(64)] {
        for kind in ["picture", "file"] {
            assert_eq!(page.status(get(&format!("/{kind}/{root}/x"), OWN, Some(&cookie))), 404, "{root}");
        }
    }
}

#[test]
fn large_content_is_removed_when_the_browser_has_it() {
    let page = Page::new();
    let cookie = page.cookie();
    let [_, path] = content(&page, 1, b"");
    let stored = page.cache.path(Root([1; ROOT_LEN]));
    let len = picture::MAX_LEN + 1;
    std::fs::File::options().write(true).open(&stored).unwrap().set_len(len).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let request = || page.router.clone().oneshot(get(&path, OWN, Some(&cookie)));
        drop(request().await.unwrap());
        assert!(stored.exists(), "nothing of it was read");
        let body = axum::body::to_bytes(request().await.unwrap().into_body(), 64 << 20).await.unwrap();
        assert_eq!(body.len() as u64, len);
    });
    // Waits for the thread that removes it.
    drop(runtime);
    assert!(!stored.exists());
}

/// A body whose end does not come.
struct Unfinished {
    is_given: bool,
}

impl axum::body::HttpBody for Unfinished {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        match std::mem::replace(&mut self.is_given, true) {
            true => Poll::Pending,
            false => Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(b"a part"))))),
        }
    }
}

#[test]
fn other_methods_are_refused() {
    let page = Page::new();
    let cookie = page.cookie();
    for method in [Method::PUT, Method::DELETE, Method::OPTIONS, Method::HEAD, Method::PATCH, Method::TRACE] {
        let mut request = get("/", OWN, Some(&cookie));
        *request.method_mut() = method.clone();
        assert_eq!(page.status(request), 405, "{method}");
    }
}

#[test]
fn every_response_has_the_headers_that_restrict_the_page() {
    let page = Page::new();
    for (path, cookie) in [("/", Some(page.cookie())), ("/", None), ("/enter", None), ("/nothing", Some(page.cookie()))]
    {
        let response = page.answer(get(path, OWN, cookie.as_deref()));
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        let policy = header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' blob:",
            "connect-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        ] {
            assert!(policy.split("; ").any(|directive| directive == part), "{path}: {part} in {policy}");
        }
        assert!(!policy.contains("unsafe"));
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(header("cache-control"), "no-store");
    }
}

#[test]
fn page_has_no_markup_from_strings() {
    for file in files::FILES.iter().filter(|file| file.path.ends_with(".js")) {
        for word in
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "DOMParser"]
        {
            assert!(!file.content().contains(word), "{} has {word}", file.path);
        }
    }
}

#[test]
fn secrets_are_not_displayed() {
    let page = Page::new();
    let debug = format!("{:?}", page.guard);
    let cookie = page.cookie();
    assert!(!debug.contains(&page.token()) && !debug.contains(cookie.split_once('=').unwrap().1), "{debug}");
}

/// A WebSocket of raw bytes, after its handshake.
fn open_socket(server: &Server, cookie: &str) -> (TcpStream, String) {
    let host = &server.guard.url()["http://".len()..].split('/').next().unwrap().to_owned();
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let request = format!(
        "GET /socket HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nCookie: {cookie}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let status = String::from_utf8(head).unwrap().lines().next().unwrap().to_owned();
    (stream, status)
}

#[test]
fn sockets_are_bounded_in_number_and_size() {
    let (sender, mut inputs) = inputs();
    let (_home, dir) = crate::temporary_dir();
    let server = Server::start(0, &sender, Spool::open(&dir).unwrap(), Cache::open(&dir).unwrap()).unwrap();
    let token = server.url().split_once('#').unwrap().1.to_owned();
    let cookie = server.guard.exchange(token.as_bytes()).unwrap().split(';').next().unwrap().to_owned();
    let mut open: Vec<_> = (0..socket::MAX_SOCKETS).map(|_| open_socket(&server, &cookie)).collect();
    assert!(open.iter().all(|(_, status)| status.contains(" 101 ")));
    assert!(open_socket(&server, &cookie).1.contains(" 503 "));
    // A frame of text that is longer than a message may be, by its header alone.
    let len = (socket::MAX_MESSAGE_LEN as u64 + 1).to_be_bytes();
    let (stream, _) = &mut open[0];
    stream.write_all(&[&[0x81, 0x80 | 127][..], &len, &[0; 4]].concat()).unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    // It has ended, so there is place for another one.
    let mut closed = false;
    while !closed {
        closed = matches!(inputs.recv(), Some(Input::Closed(_)));
    }
    drop(inputs);
}
