//! The HTTP server: one thread, on 127.0.0.1. The only part that knows tokio.
//!
//! * [`guard`]: the requests that are refused. `files`: the page. `socket`: its WebSocket.
//!   `upload`: files that it sends. `content`: files that it displays or saves.
//! * [`input`]: what is passed to the front end. [`queue`]: messages to a page. `listener`:
//!   connections.

mod content;
mod files;
pub mod guard;
pub mod input;
mod listener;
pub mod queue;
mod socket;
#[cfg(test)]
mod tests;
mod upload;

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::http::header::{ACCEPT_LANGUAGE, HeaderMap, SET_COOKIE};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::sync::oneshot;

use super::cache::Cache;
use super::protocol;
use super::spool::Spool;
use crate::language::{self, Language, locale};
use guard::Guard;
use input::InputSender;
use socket::Sockets;
use upload::Uploads;

/// Bytes of a token that is to be exchanged.
const MAX_TOKEN_LEN: usize = 1 << 10;

/// Threads that read and write files, for a moment each.
const MAX_DISK_THREADS: usize = 4;

/// A running server. Dropping it closes all connections.
#[derive(Debug)]
pub struct Server {
    guard: Arc<Guard>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Server {
    /// Starts a server on 127.0.0.1; port 0: any.
    ///
    /// # Errors
    /// If the port is in use, or the operating system gives no thread or randomness.
    pub fn start(port: u16, inputs: &InputSender, spool: Spool, cache: Cache) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let guard = Arc::new(Guard::new(listener.local_addr()?.port())?);
        let sockets = Arc::new(Sockets::new(inputs));
        let uploads = Arc::new(Uploads::new(inputs, spool));
        let router = router(Arc::clone(&guard), Arc::clone(&sockets), uploads, cache);
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_io().enable_time().max_blocking_threads(MAX_DISK_THREADS).build()?;
        let (stop, is_stopped) = oneshot::channel::<()>();
        let serve = async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            tokio::select! {
                result = axum::serve(listener::BoundedListener::new(listener), router) => result,
                () = async {
                    let _ = is_stopped.await;
                    sockets.closed().await;
                } => Ok(()),
            }
        };
        let run = move || drop(runtime.block_on(serve));
        let thread = std::thread::Builder::new().name("kabar-web".to_owned()).spawn(run)?;
        Ok(Self { guard, stop, thread })
    }

    /// Returns the address that opens the page. It has the token.
    #[must_use]
    pub fn url(&self) -> String {
        self.guard.url()
    }

    /// Ends when pages have got what was sent to them, for a moment at most.
    pub fn close(self) {
        drop(self.stop);
        let _ = self.thread.join();
    }
}

fn router(guard: Arc<Guard>, sockets: Arc<Sockets>, uploads: Arc<Uploads>, cache: Cache) -> Router {
    let exchange = post(exchange).layer(DefaultBodyLimit::max(MAX_TOKEN_LEN));
    let router =
        files::FILES.iter().fold(Router::new(), |router, file| router.route(file.path, get(async move || file)));
    router
        .route("/texts.json", get(texts))
        .route("/emoji.json", get(async || files::json(protocol::emoji_names())))
        .route(guard::SOCKET, get(socket::upgrade).with_state(sockets))
        .route(guard::SESSION, exchange)
        .route("/upload/{room}/{name}", post(upload::take).with_state(uploads))
        .route("/picture/{root}/{name}", get(content::picture).with_state(cache.clone()))
        .route("/file/{root}/{name}", get(content::file).with_state(cache))
        .layer(middleware::from_fn_with_state(Arc::clone(&guard), guard::check))
        .with_state(guard)
}

/// Exchanges the token for the cookie.
async fn exchange(State(guard): State<Arc<Guard>>, token: Bytes) -> Response {
    match guard.exchange(&token) {
        Some(cookie) => (StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response(),
        None => files::refused(),
    }
}

/// The texts of the page, in the language of the process. If none is chosen, the first browser
/// chooses it.
async fn texts(headers: HeaderMap) -> Response {
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let preferred = accepted.and_then(locale::accepted).unwrap_or(Language::ENGLISH);
    files::json(language::texts::of_page(language::choose(preferred)))
}
