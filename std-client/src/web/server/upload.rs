//! Files that a page sends: the body of a request is a file, its path names the room and the file.
//!
//! The body is stored first ([`Spool`]), because a transfer reads a file several times. It is read
//! as fast as the disk takes it, and nothing of it is kept in memory.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use http_body::Frame;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::spawn_blocking;

use super::input::{Input, InputSender};
use crate::transfers::MAX_FILE_LEN;
use crate::web::protocol::RoomKey;
use crate::web::spool::{IncomingFile, Spool, SpoolError, SpooledFile};

/// Files that are being stored at a time.
pub(super) const MAX_UPLOADS: usize = 4;

/// Where files of pages go.
#[derive(Debug)]
pub(super) struct Uploads {
    inputs: mpsc::Sender<Input>,
    spool: Spool,
    permits: Semaphore,
}

impl Uploads {
    pub(super) fn new(inputs: &InputSender, spool: Spool) -> Self {
        Self { inputs: inputs.inputs.clone(), spool, permits: Semaphore::new(MAX_UPLOADS) }
    }
}

/// Takes a file.
pub(super) async fn take(
    State(uploads): State<Arc<Uploads>>,
    Path((room, name)): Path<(RoomKey, String)>,
    mut body: Body,
) -> StatusCode {
    match store(&uploads, &mut body).await {
        Ok(file) => match uploads.inputs.send(Input::Uploaded(room, name, file)).await {
            Ok(()) => StatusCode::NO_CONTENT,
            Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        },
        Err(status) => {
            // A browser reads the answer only after it has sent everything.
            while let Some(Ok(_)) = next(&mut body).await {}
            status
        }
    }
}

async fn store(uploads: &Uploads, body: &mut Body) -> Result<SpooledFile, StatusCode> {
    if body.size_hint().lower() > MAX_FILE_LEN {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let _permit = uploads.permits.try_acquire().map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let mut file = uploads.spool.create().map_err(|error| status(&error))?;
    while let Some(frame) = next(body).await {
        let Ok(bytes) = frame.map_err(|_| StatusCode::BAD_REQUEST)?.into_data() else { continue };
        file = on_disk(move || file.write(&bytes).map(|()| file)).await?;
    }
    on_disk(move || IncomingFile::finish(file)).await
}

/// Takes the next part of a body.
async fn next(body: &mut Body) -> Option<Result<Frame<Bytes>, axum::Error>> {
    poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await
}

/// Runs work on a file, in which a slow disk delays no page.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SpoolError> + Send + 'static,
) -> Result<T, StatusCode> {
    let done = spawn_blocking(work).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    done.map_err(|error| status(&error))
}

fn status(error: &SpoolError) -> StatusCode {
    match error {
        SpoolError::Busy => StatusCode::SERVICE_UNAVAILABLE,
        SpoolError::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
        SpoolError::Full => StatusCode::INSUFFICIENT_STORAGE,
        SpoolError::Io(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
