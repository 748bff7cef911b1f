//! Writes messages to a connection, and closes it.

use core::net::SocketAddr;

use kabar_core::chat::{Info, MAX_MESSAGE_LEN, NOTICE_REASON, RefusedCode, ServerMessage};
use kabar_core::connection::{CloseCode, StreamId};
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::{Peer, Phase};
use crate::hub::context::Context;
use crate::hub::counters::Counters;
use crate::hub::events::HubEvent;
use crate::hub::timers::Timer;

/// Longest reason in bytes that a Close carries (SPEC 5.7).
const MAX_CLOSE_REASON_LEN: usize = 64;

impl<P: Provider> Peer<P> {
    /// Writes a message to its stream; whole or not at all.
    pub(in crate::hub) fn send(&mut self, now: Instant, counters: &mut Counters, message: &ServerMessage<'_>) -> bool {
        let mut buffer = [0; MAX_MESSAGE_LEN];
        let Ok(len) = message.encode(&mut buffer) else { return false };
        let was_sent = self.connection.send(now, StreamId::Chat, &[&buffer[..len]]).is_ok();
        counters.messages_out += u64::from(was_sent);
        was_sent
    }

    /// Refuses its Join. The connection is closed when the client has acknowledged the reason, or
    /// soon anyway (SPEC 6.3).
    pub(in crate::hub) fn refuse(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        name: &str,
        code: RefusedCode,
        text: &str,
    ) {
        context.counters.refused += 1;
        let was_sent = self.send(now, &mut context.counters, &ServerMessage::Refused { code, text, room: "" });
        context.emit(HubEvent::Refused { name: name.to_owned(), from: self.address, code });
        self.close_after(now, context, was_sent, CloseCode::REFUSED, text);
    }

    /// Closes it, and states the reason if there is one. A member has to be removed from its room
    /// before. The connection is closed when the client has acknowledged the reason, or soon
    /// anyway.
    pub(in crate::hub) fn expel(&mut self, now: Instant, context: &mut Context<P>, code: CloseCode, reason: &str) {
        if reason.is_empty() {
            return self.close(now, context, code, "");
        }
        let notice = ServerMessage::Info(Info::Notice { code: NOTICE_REASON, text: reason });
        let was_sent = self.send(now, &mut context.counters, &notice);
        self.close_after(now, context, was_sent, code, reason);
    }

    /// Closes it with `code` once the message with the reason is acknowledged; at once if that
    /// could not be sent.
    fn close_after(&mut self, now: Instant, context: &mut Context<P>, was_sent: bool, code: CloseCode, reason: &str) {
        self.set_phase(context, Phase::Refused(code));
        context.timers.set(Timer::Phase(self.id), Some(now + context.config.limits.refusal_time));
        if !was_sent {
            self.close(now, context, code, &reason[..reason.floor_char_boundary(MAX_CLOSE_REASON_LEN)]);
        }
        context.turns.mark_ready(&mut self.turn);
    }

    /// Closes it. A member has to be removed from its room before.
    pub(in crate::hub) fn close(&mut self, now: Instant, context: &mut Context<P>, code: CloseCode, reason: &str) {
        self.set_phase(context, Phase::Closed);
        context.timers.set(Timer::Phase(self.id), None);
        self.connection.close(now, code, reason);
        context.turns.mark_ready(&mut self.turn);
    }

    pub(in crate::hub) fn set_phase(&mut self, context: &mut Context<P>, phase: Phase) {
        context.census.change(self.id, self.prefix, self.phase.standing(), phase.standing());
        self.phase = phase;
    }

    /// Leaves its next message, and everything after it, unread until `at`.
    pub(in crate::hub) fn read_later(&mut self, context: &mut Context<P>, at: Instant) {
        self.turn.is_held = true;
        context.timers.set(Timer::Read(self.id), Some(at));
    }

    /// Handles its move to another address.
    pub(in crate::hub) fn on_moved(&mut self, context: &mut Context<P>, to: SocketAddr) {
        self.address = to;
        if let Some(name) = self.member().map(|member| member.name.shown().to_owned()) {
            context.emit(HubEvent::Moved { name, to });
        }
    }
}
