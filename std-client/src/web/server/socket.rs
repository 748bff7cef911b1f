//! The WebSocket of a page.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use super::input::{Input, InputSender, PageId};
use super::listener::IDLE_TIMEOUT;
use super::queue::{PageQueue, queue};
use crate::web::protocol::FromPage;

/// Pages at a time.
pub(super) const MAX_SOCKETS: usize = 16;
/// Bytes of a message of a page. The longest text has half of it.
pub(super) const MAX_MESSAGE_LEN: usize = 128 << 10;
/// How often a page is asked whether it is there. More often than a connection may be idle.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// How long a message may take to be written.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long pages may take to read what was sent to them before the end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// The close code of a page that did not read, or sent what is not a message: it may come again.
const TRY_AGAIN: u16 = 1013;

/// The WebSockets of a server.
#[derive(Debug)]
pub(super) struct Sockets {
    inputs: mpsc::Sender<Input>,
    permits: Arc<Semaphore>,
    next_page: AtomicU64,
}

impl Sockets {
    pub(super) fn new(inputs: &InputSender) -> Self {
        let (inputs, permits) = (inputs.inputs.clone(), Arc::new(Semaphore::new(MAX_SOCKETS)));
        Self { inputs, permits, next_page: AtomicU64::new(0) }
    }

    /// Waits until no WebSocket is open, for a moment at most.
    pub(super) async fn closed(&self) {
        let all = u32::try_from(MAX_SOCKETS).unwrap_or(u32::MAX);
        let _ = timeout(CLOSE_TIMEOUT, self.permits.acquire_many(all)).await;
    }
}

/// Answers the request for a WebSocket.
pub(super) async fn upgrade(State(sockets): State<Arc<Sockets>>, upgrade: WebSocketUpgrade) -> Response {
    let Ok(permit) = Arc::clone(&sockets.permits).try_acquire_owned() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let upgrade = upgrade.max_message_size(MAX_MESSAGE_LEN).max_frame_size(MAX_MESSAGE_LEN);
    upgrade.on_upgrade(async move |mut socket| {
        let page = PageId(sockets.next_page.fetch_add(1, Ordering::Relaxed));
        let (sender, messages) = queue();
        if sockets.inputs.send(Input::Opened(page, sender)).await.is_ok() {
            run(page, &mut socket, messages, &sockets).await;
            let _ = sockets.inputs.send(Input::Closed(page)).await;
        }
        drop(permit);
    })
}

/// Passes messages on in both directions until one of them ends.
async fn run(page: PageId, socket: &mut WebSocket, mut messages: PageQueue, sockets: &Sockets) {
    let mut ping = interval(PING_INTERVAL);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut received_at = Instant::now();
    loop {
        let message = tokio::select! {
            text = messages.recv() => text.map(Message::Text),
            _ = ping.tick() => Some(Message::Ping(Default::default())),
            // A page answers pings.
            () = sleep_until(received_at + IDLE_TIMEOUT) => return,
            received = socket.recv() => match received.inspect(|_| received_at = Instant::now()) {
                Some(Ok(Message::Text(text))) => match serde_json::from_str::<FromPage>(&text) {
                    Ok(message) => {
                        if sockets.inputs.send(Input::Message(page, message)).await.is_err() {
                            return;
                        }
                        continue;
                    }
                    Err(_) => None,
                },
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(Message::Binary(_))) => None,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
        };
        let is_last = message.is_none();
        let close = || Message::Close(Some(CloseFrame { code: TRY_AGAIN, reason: Utf8Bytes::default() }));
        let is_written = timeout(WRITE_TIMEOUT, socket.send(message.unwrap_or_else(close))).await;
        if is_last || !matches!(is_written, Ok(Ok(()))) {
            return;
        }
    }
}
