//! Commands that operators send from their clients (SPEC 6.7). The hub checks who sent one; the
//! program around it executes it, and returns the answer.

use std::collections::VecDeque;
use std::sync::Arc;

use kabar_core::chat::{AnswerCode, Info, ServerMessage};
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::delivery::Progress;
use crate::hub::context::Context;
use crate::hub::events::{HubEvent, OperationId};
use crate::hub::peer::member::{AnswerResult, Member};
use crate::hub::peer::{Link, Peers};

/// Longest text of an Answer in bytes: its length is a u8.
pub const MAX_ANSWER_LEN: usize = 255;
/// Bytes of an OutputLine without its text.
const OUTPUT_LINE_OVERHEAD: usize = 6;

/// Passes on a command, and returns its number; `Err`: the answer.
pub(super) fn request_operation<P: Provider>(
    context: &mut Context<P>,
    peer: u32,
    room: Arc<str>,
    member: &Member,
    command: &str,
) -> Result<u64, AnswerResult> {
    let may_create = context.config.members_create_rooms && is_creation(command);
    if !may_create && !context.privileges.is_operator(member.identity) {
        context.counters.operations_refused += 1;
        let text = "only an operator may do that".to_owned();
        return Err(AnswerResult { code: AnswerCode::NOT_PERMITTED, text });
    }
    context.counters.operations += 1;
    context.operations += 1;
    let (by, name) = (member.identity, member.name.shown().to_owned());
    let id = OperationId { peer, number: context.operations };
    context.emit(HubEvent::Operate { by, name, room, command: command.to_owned(), id });
    Ok(context.operations)
}

/// Whether a command creates a room. It is parsed by the program around the hub.
fn is_creation(command: &str) -> bool {
    let mut words = command.split_whitespace();
    words.next().is_some_and(|word| word.eq_ignore_ascii_case("room")) && words.next() == Some("add")
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
    let mut changes = peer.memberships.members_mut().filter_map(|(_, member)| member.answers.change.as_mut());
    let Some(change) = changes.find(|change| change.operation == Some(id.number)) else { return };
    let most = context.config.limits.output_lines;
    let surplus = lines.len().saturating_sub(most);
    if surplus > 0 {
        lines.truncate(most);
        lines.push(format!("... {surplus} more"));
        context.counters.outputs_cut += 1;
    }
    change.operation = None;
    change.output = VecDeque::from(lines);
    let text = text[..text.floor_char_boundary(MAX_ANSWER_LEN)].to_owned();
    change.result = Some(AnswerResult { code, text });
    context.turns.mark_ready(&mut peer.link.turn);
}

/// Sends the next line of the output of a command.
pub(super) fn deliver_output<P: Provider>(
    now: Instant,
    context: &mut Context<P>,
    link: &mut Link<P>,
    member: &mut Member,
) -> Progress {
    let most = usize::from(link.message_limit).saturating_sub(OUTPUT_LINE_OVERHEAD);
    let Some(change) = &mut member.answers.change else { return Progress::Nothing };
    let Some(line) = change.output.front() else { return Progress::Nothing };
    let text = &line[..line.floor_char_boundary(most)];
    let message = ServerMessage::Info(Info::OutputLine { handle: member.handle, text });
    if !link.send(now, &mut context.counters, &message) {
        return Progress::Full;
    }
    change.output.pop_front();
    Progress::Done
}
