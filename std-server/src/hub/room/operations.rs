//! Commands that operators send from their clients (SPEC 6.7). The hub checks who sent one; the
//! program around it executes it, and returns the answer.

use std::collections::VecDeque;

use kabar_core::chat::{AnswerCode, Info, ServerMessage};
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::Room;
use super::delivery::Progress;
use crate::hub::context::Context;
use crate::hub::events::{HubEvent, OperationId};
use crate::hub::peer::member::AnswerResult;
use crate::hub::peer::{Peer, Peers};

/// Longest text of an Answer in bytes: its length is a u8.
pub const MAX_ANSWER_LEN: usize = 255;
/// Bytes of an OutputLine without its text.
const OUTPUT_LINE_OVERHEAD: usize = 6;

/// Passes on a command, and returns its number; `Err`: the answer.
pub(super) fn request_operation<P: Provider>(
    context: &mut Context<P>,
    peer: &mut Peer<P>,
    command: &str,
) -> Result<u64, AnswerResult> {
    let id = peer.id;
    let Some(member) = peer.member() else { return Ok(0) };
    if !context.privileges.is_operator(member.identity) {
        context.counters.operations_refused += 1;
        let text = "only an operator may do that".to_owned();
        return Err(AnswerResult { code: AnswerCode::NOT_PERMITTED, text });
    }
    context.counters.operations += 1;
    context.operations += 1;
    let (by, name) = (member.identity, member.name.shown().to_owned());
    let id = OperationId { peer: id, number: context.operations };
    context.emit(HubEvent::Operate { by, name, command: command.to_owned(), id });
    Ok(context.operations)
}

/// Answers a command, if its member still waits for it.
pub(in crate::hub) fn answer_operation<P: Provider>(
    peers: &mut Peers<P>,
    context: &mut Context<P>,
    id: OperationId,
    code: AnswerCode,
    mut lines: Vec<String>,
    text: &str,
) {
    let Some(peer) = peers.get_mut(id.peer) else { return };
    let change = peer.member_mut().and_then(|member| member.answers.change.as_mut());
    let Some(change) = change.filter(|change| change.operation == Some(id.number)) else { return };
    let most = context.config.limits.output_lines;
    let surplus = lines.len().saturating_sub(most);
    if surplus > 0 {
        lines.truncate(most);
        lines.push(format!("... {surplus} more"));
        context.counters.outputs_cut += 1;
    }
    change.operation = None;
    change.output = VecDeque::from(lines);
    super::rename::answer(peers, context, id.peer, code, &text[..text.floor_char_boundary(MAX_ANSWER_LEN)]);
}

impl Room {
    /// Sends the next line of the output of a command.
    pub(super) fn deliver_output<P: Provider>(
        &self,
        now: Instant,
        context: &mut Context<P>,
        peer: &mut Peer<P>,
    ) -> Progress {
        let most = usize::from(peer.message_limit).saturating_sub(OUTPUT_LINE_OVERHEAD);
        let change = peer.member_mut().and_then(|member| member.answers.change.as_mut());
        let line = change.and_then(|change| change.output.pop_front());
        let Some(line) = line else { return Progress::Nothing };
        let text = &line[..line.floor_char_boundary(most)];
        let message = ServerMessage::Info(Info::OutputLine { handle: self.handle(), text });
        if peer.send(now, &mut context.counters, &message) {
            return Progress::Done;
        }
        if let Some(change) = peer.member_mut().and_then(|member| member.answers.change.as_mut()) {
            change.output.push_front(line);
        }
        Progress::Full
    }
}
