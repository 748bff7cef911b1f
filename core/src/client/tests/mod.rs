//! Tests of the client, room by room.

mod outbox;
