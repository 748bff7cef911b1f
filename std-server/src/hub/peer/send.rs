//! Writes messages to a connection, and closes it.

use core::net::SocketAddr;

use kabar_core::chat::{EndedCode, Info, MAX_MESSAGE_LEN, RefusedCode, ServerMessage};
use kabar_core::connection::{CloseCode, StreamId};
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::{Link, Peer, Phase};
use crate::hub::context::Context;
use crate::hub::counters::Counters;
use crate::hub::events::HubEvent;
use crate::hub::timers::Timer;

/// Longest reason in bytes that a Close carries (SPEC 5.7).
const MAX_CLOSE_REASON_LEN: usize = 64;
/// Longest text in bytes that Ended carries: its length is a u8.
const MAX_TEXT_LEN: usize = 255;

impl<P: Provider> Link<P> {
    /// Writes a message to its stream; whole or not at all.
    pub(in crate::hub) fn send(&mut self, now: Instant, counters: &mut Counters, message: &ServerMessage<'_>) -> bool {
        let mut buffer = [0; MAX_MESSAGE_LEN];
        let Ok(len) = message.encode(&mut buffer) else { return false };
        let was_sent = self.connection.send(now, StreamId::Chat, &[&buffer[..len]]).is_ok();
        counters.messages_out += u64::from(was_sent);
        was_sent
    }

    /// Writes a message to its stream, now or once there is space.
    fn send_later(&mut self, now: Instant, counters: &mut Counters, message: &ServerMessage<'_>) {
        let mut buffer = [0; MAX_MESSAGE_LEN];
        let Ok(len) = message.encode(&mut buffer) else { return };
        self.endings.push_unsent(buffer[..len].into());
        self.send_unsent(now, counters);
    }

    /// Writes the messages that had to wait for space. `false`: some still have to.
    pub(in crate::hub) fn send_unsent(&mut self, now: Instant, counters: &mut Counters) -> bool {
        let Self { connection, endings, .. } = self;
        let sent = endings.unsent().iter().take_while(|it| connection.send(now, StreamId::Chat, &[it]).is_ok());
        let sent = sent.count();
        endings.remove_sent(sent);
        counters.messages_out += sent as u64;
        endings.unsent().is_empty()
    }

    /// Whether messages wait for space. While there are any, nothing is read.
    pub(in crate::hub) fn has_unsent(&self) -> bool {
        !self.endings.unsent().is_empty()
    }

    /// Leaves its next message, and everything after it, unread until `at`.
    pub(in crate::hub) fn read_later(&mut self, context: &mut Context<P>, at: Instant) {
        self.turn.is_held = true;
        context.timers.set(Timer::Read(self.id), Some(at));
    }
}

impl<P: Provider> Peer<P> {
    /// Refuses a Join for the room of this name, which must not be in its table. If it is in no
    /// room then, it is closed when the client has acknowledged the reason, or soon anyway (SPEC
    /// 6.3).
    pub(in crate::hub) fn refuse(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        room: &str,
        name: &str,
        code: RefusedCode,
        text: &str,
    ) {
        context.counters.refused += 1;
        self.link.endings.add(room);
        context.emit(HubEvent::Refused { name: name.to_owned(), from: self.link.address, code });
        let refused = ServerMessage::Refused { code, text, room };
        self.send_reason(now, context, &refused, Some(CloseCode::REFUSED), text);
    }

    /// Informs the client that the server has ended a membership, which must not be in its table.
    /// If it is in no room then, and is not to join again, it is closed when the client has
    /// acknowledged that, or soon anyway (SPEC 6.3).
    pub(in crate::hub) fn send_ended(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        handle: u8,
        code: EndedCode,
        text: &str,
    ) {
        self.memberships.retire_handles();
        let text = &text[..text.floor_char_boundary(MAX_TEXT_LEN)];
        let close = match code {
            EndedCode::KICKED => Some(CloseCode::KICKED),
            EndedCode::BANNED => Some(CloseCode::BANNED),
            EndedCode::GAP => None,
            _ => Some(CloseCode::REFUSED),
        };
        let ended = ServerMessage::Info(Info::Ended { handle, code, text });
        self.send_reason(now, context, &ended, close, text);
    }

    /// Sends the reason why a Join is refused or a membership has ended. If it is in no room, it is
    /// closed with `close` once that is acknowledged; at once if it could not be sent.
    fn send_reason(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        message: &ServerMessage<'_>,
        close: Option<CloseCode>,
        reason: &str,
    ) {
        context.turns.mark_ready(&mut self.link.turn);
        let Some(code) = close.filter(|_| self.memberships.is_empty()) else {
            self.link.send_later(now, &mut context.counters, message);
            // Its next message may have waited for this.
            return context.turns.defer(&mut self.link.turn);
        };
        let was_sent =
            self.link.send_unsent(now, &mut context.counters) && self.link.send(now, &mut context.counters, message);
        // More Joins that are refused do not postpone it.
        if !matches!(self.link.phase, Phase::Closing(_)) {
            context.timers.set(Timer::Phase(self.link.id), Some(now + context.config.limits.refusal_time));
        }
        self.set_phase(context, Phase::Closing(code));
        if !was_sent {
            self.close(now, context, code, &reason[..reason.floor_char_boundary(MAX_CLOSE_REASON_LEN)]);
        }
    }

    /// Closes it once everything that was sent is acknowledged, or soon anyway. Its memberships
    /// have to be ended before.
    pub(in crate::hub) fn close_after_delivery(&mut self, now: Instant, context: &mut Context<P>, code: CloseCode) {
        context.timers.set(Timer::Phase(self.link.id), Some(now + context.config.limits.refusal_time));
        self.set_phase(context, Phase::Closing(code));
        context.turns.mark_ready(&mut self.link.turn);
    }

    /// Closes it. Its memberships have to be ended before.
    pub(in crate::hub) fn close(&mut self, now: Instant, context: &mut Context<P>, code: CloseCode, reason: &str) {
        self.on_closed(context);
        self.link.connection.close(now, code, reason);
    }

    /// Handles its end. Its memberships have to be ended before.
    pub(in crate::hub) fn on_closed(&mut self, context: &mut Context<P>) {
        self.set_phase(context, Phase::Closed);
        context.timers.set(Timer::Phase(self.link.id), None);
        context.transfers.forget_connection(self.link.id);
        context.turns.mark_ready(&mut self.link.turn);
    }

    /// Handles its move to another address.
    pub(in crate::hub) fn on_moved(&mut self, context: &mut Context<P>, to: SocketAddr) {
        self.link.address = to;
        if let Some(name) = self.memberships.members().next().map(|member| member.name.shown().to_owned()) {
            context.emit(HubEvent::Moved { name, to });
        }
    }
}
