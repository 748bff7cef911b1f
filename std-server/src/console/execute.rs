//! Executes an operator's commands, whoever passed them on: the console, the control socket, or a
//! client.

use std::path::{Path, PathBuf};

use kabar_core::chat::AnswerCode;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Duration;

use super::command::{Input, InputError, NoArg, SLASH, WithName, help, parse, parse_command};
use super::invites::{InviteCommand, describe_invite, invite_text};
use crate::driver::Control;
use crate::hub::{
    CounterValue, Counters, InviteInfo, LIMITS, MAX_ANSWER_LEN, MemberInfo, OperationId, OperatorError, WaitingInfo,
};
use crate::key_file::generate_secret;
use crate::store::{InviteRecord, InviteState, Privilege, PrivilegeKind, Sanction, SanctionKind};
use kabar_std::data_dir::DataDir;
use kabar_std::invite::Invite;
use kabar_std::text::{LineFormatter, clean_line};

/// The answer to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The lines to show.
    pub lines: Vec<String>,
    /// Why the command was not carried out.
    pub error: Option<String>,
    /// The result, as a client is informed of it.
    pub code: AnswerCode,
    /// The server is to be stopped once this was shown: [`Operator::stop`].
    pub stops: bool,
}

impl Answer {
    fn of(lines: Vec<String>) -> Self {
        Self { lines, ..Self::default() }
    }

    pub(super) fn error(code: AnswerCode, error: String) -> Self {
        Self { error: Some(error), code, ..Self::default() }
    }
}

impl Default for Answer {
    fn default() -> Self {
        Self { lines: Vec::new(), error: None, code: AnswerCode::DONE, stops: false }
    }
}

/// A command of a member, which [`HubEvent::Operate`](crate::hub::HubEvent::Operate) reports.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The member.
    pub by: PublicIdentity,
    /// The command.
    pub command: String,
    /// Identifies it in its answer.
    pub id: OperationId,
}

/// Executes the commands of an operator.
#[derive(Clone, Debug)]
pub struct Operator {
    control: Control,
    lines: LineFormatter,
    /// With the standing secret of the start.
    invite: Invite,
    data_dir: PathBuf,
}

impl Operator {
    /// Operates the server of `control`, whose invite is `invite` and whose files are in
    /// `data_dir`.
    #[must_use]
    pub fn new(control: Control, invite: Invite, data_dir: &Path) -> Self {
        Self { control, lines: LineFormatter::new(), invite, data_dir: data_dir.to_owned() }
    }

    /// Executes a line of the console.
    #[must_use]
    pub fn run(&self, line: &str) -> Answer {
        self.execute(parse(line), None, SLASH)
    }

    /// Executes a command that is written without `/`.
    #[must_use]
    pub fn run_command(&self, line: &str) -> Answer {
        self.execute(parse_command(line), None, "")
    }

    /// Executes a command of a member, who is an operator.
    #[must_use]
    pub fn run_for(&self, by: PublicIdentity, line: &str) -> Answer {
        // Members type a slash, which their client leaves out.
        let input = parse(&format!("{SLASH}{line}"));
        if input.as_ref().is_ok_and(|input| !input.is_for_members()) {
            return Answer::error(AnswerCode::NOT_PERMITTED, "this is possible only where the server runs".to_owned());
        }
        self.execute(input, Some(by), SLASH)
    }

    /// Executes a command of a member, and answers it.
    pub fn answer(&self, Operation { by, command, id }: Operation) {
        let Answer { mut lines, error, code, .. } = if self.control.is_operator(by) {
            self.run_for(by, &command)
        } else {
            // It was no longer an operator when its turn came.
            Answer::error(AnswerCode::NOT_PERMITTED, "only an operator may do that".to_owned())
        };
        let text = match error {
            Some(error) => error,
            None if lines.len() == 1 && lines[0].len() <= MAX_ANSWER_LEN => lines.remove(0),
            None => String::new(),
        };
        self.control.answer_operation(id, code, lines, text);
    }

    /// Returns the names of the members who are connected.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.control.who().into_iter().map(|member| member.name).collect()
    }

    /// Stops the server. Commands only ask for it, so that their answer is written before.
    pub fn stop(&self) {
        self.control.stop();
    }

    fn execute(&self, input: Result<Input, InputError>, by: Option<PublicIdentity>, prefix: &str) -> Answer {
        match input {
            Ok(Input::Nothing) => Answer::default(),
            Ok(Input::Say(text)) => {
                self.control.say(&text);
                Answer::default()
            }
            Ok(Input::NoArg(NoArg::Help)) => Answer::of(help(prefix)),
            Ok(Input::NoArg(NoArg::Stop)) => Answer { stops: true, ..Answer::default() },
            Ok(Input::NoArg(command)) => Answer::of(self.execute_no_arg(command)),
            Ok(Input::Invite(command)) => {
                let refused = |error| Answer::error(AnswerCode::NOT_FOUND, error);
                self.execute_invite(command).map_or_else(refused, Answer::of)
            }
            Ok(Input::Delete(seq)) => match self.control.delete(seq) {
                Ok(true) => Answer::of(vec![format!("entry {seq} is removed")]),
                Ok(false) => Answer::of(vec![format!("entry {seq} is being removed")]),
                Err(error) => Answer::error(answer_code(error), format!("entry {seq}: {error}")),
            },
            Ok(Input::WithName(command, name)) => self.execute_with_name(command, &name, by, prefix),
            Err(error) => Answer::error(AnswerCode::NOT_UNDERSTOOD, error.to_string()),
        }
    }

    fn execute_no_arg(&self, command: NoArg) -> Vec<String> {
        match command {
            NoArg::Who => {
                let here = self.control.who();
                let head = format!("{} here", count_members(here.len()));
                let here = here.iter().map(|presence| self.presence(presence));
                let waiting = self.control.waiting();
                [head].into_iter().chain(here).chain(waiting.iter().map(|it| self.waiting(it))).collect()
            }
            NoArg::Bans => {
                let sanctions = self.control.sanctions();
                let none = sanctions.is_empty().then(|| "no bans or mutes".to_owned());
                none.into_iter().chain(sanctions.iter().map(|sanction| self.sanction(sanction))).collect()
            }
            NoArg::Ops => {
                let privileges = self.control.privileges();
                let none = privileges.is_empty().then(|| "no command appointed operators".to_owned());
                none.into_iter().chain(privileges.iter().map(|privilege| self.privilege(privilege))).collect()
            }
            NoArg::Stats => self.stats(),
            NoArg::Stop | NoArg::Help => Vec::new(),
        }
    }

    fn execute_invite(&self, command: InviteCommand) -> Result<Vec<String>, String> {
        let text = |secret| invite_text(&self.invite, &secret);
        match command {
            InviteCommand::Show => {
                let mut invites = self.control.invites().into_iter();
                let standing = invites.find(|it| it.record.is_standing && it.state == InviteState::InForce);
                standing.map(|it| vec![text(it.record.secret)]).ok_or_else(|| OperatorError::Stopped.to_string())
            }
            InviteCommand::List { with_secrets } => {
                let show = |info: InviteInfo| {
                    let is_shown = with_secrets && info.state == InviteState::InForce;
                    [describe_invite(&self.lines, &info)].into_iter().chain(is_shown.then(|| text(info.record.secret)))
                };
                Ok(self.control.invites().into_iter().flat_map(show).collect())
            }
            InviteCommand::New(terms) => {
                let made = self.control.create_invite(terms);
                made.map(|InviteRecord { secret, .. }| vec![text(secret)]).map_err(|error| error.to_string())
            }
            InviteCommand::Revoke(id) => match self.control.revoke_invite(id) {
                Ok(_) => Ok(vec![format!("invite {id} is revoked; whoever it has admitted stays admitted")]),
                Err(OperatorError::AlreadyInEffect) => Err(format!("invite {id} is revoked already")),
                Err(OperatorError::StandingInvite) => {
                    Err(format!("invite {id} is the standing one: invite revoke standing replaces it"))
                }
                Err(error) => Err(format!("invite {id}: {error}")),
            },
            InviteCommand::RevokeStanding => {
                // The file first: it decides which invite is the standing one at the next start.
                let dir = DataDir::open(&self.data_dir).map_err(|error| error.to_string())?;
                let secret = generate_secret(&dir, &self.invite.room).map_err(|error| error.to_string())?;
                self.control.replace_standing_invite(*secret.expose()).map_err(|error| error.to_string())?;
                Ok(vec![text(*secret.expose())])
            }
        }
    }

    fn waiting(&self, waiting: &WaitingInfo) -> String {
        let WaitingInfo { name, address, since_ms } = waiting;
        format!("  {} ({address}) waits to be let in since {}", clean_line(name), self.lines.stamp(*since_ms))
    }

    fn execute_with_name(&self, command: WithName, argument: &str, by: Option<PublicIdentity>, prefix: &str) -> Answer {
        let control = &self.control;
        let (name, reason) =
            if command.takes_reason() { control.split_name(argument) } else { (argument.to_owned(), None) };
        let (name, reason) = (name.as_str(), reason.as_deref());
        let (outcome, done) = match command {
            WithName::Kick => (control.kick(by, name, reason), "was kicked"),
            WithName::Ban => (control.ban(by, name, reason), "is banned; the name stays reserved"),
            WithName::Unban => (control.unban(name), "is no longer banned"),
            WithName::Mute => (control.mute(by, name, reason), "is muted"),
            WithName::Unmute => (control.unmute(name), "is no longer muted"),
            WithName::Release => (control.release(name), "is free for anyone to take"),
            WithName::Op => (control.grant(by, name, PrivilegeKind::Operator), "is an operator now"),
            WithName::Deop => (control.revoke(by, name, PrivilegeKind::Operator), "is no longer an operator"),
            WithName::Trust => (control.grant(by, name, PrivilegeKind::Trusted), "may post at any rate now"),
            WithName::Untrust => (control.revoke(by, name, PrivilegeKind::Trusted), "is no longer trusted"),
            WithName::Accept => (control.accept(name), "is let in"),
            WithName::Reject => (control.reject(name), "was refused"),
        };
        match outcome {
            Ok(shown) if command == WithName::Ban => {
                Answer::of(vec![format!("{} {done} ({prefix}release NAME frees it)", clean_line(&shown))])
            }
            Ok(shown) => Answer::of(vec![format!("{} {done}", clean_line(&shown))]),
            Err(error) => {
                let why = describe_error(command, error, prefix);
                Answer::error(answer_code(error), format!("{}: {why}", clean_line(name)))
            }
        }
    }

    fn presence(&self, presence: &MemberInfo) -> String {
        let MemberInfo { name, address, since_ms, idle, rtt, is_muted, sessions } = presence;
        let since = self.lines.stamp(*since_ms);
        let rtt = rtt.map_or_else(|| "unknown".to_owned(), milliseconds);
        let muted = if *is_muted { ", muted" } else { "" };
        let idle = idle.as_micros() / 1_000_000;
        let others = if *sessions > 1 { format!(", {sessions} connections") } else { String::new() };
        format!("  {} ({address}) since {since}, idle {idle} s, round trip {rtt}{muted}{others}", clean_line(name))
    }

    fn privilege(&self, privilege: &Privilege) -> String {
        let what = match privilege.kind {
            PrivilegeKind::Operator => "operator",
            PrivilegeKind::Trusted => "trusted",
        };
        format!("  {} {what} since {}", clean_line(&privilege.name), self.lines.stamp(privilege.since_ms))
    }

    fn sanction(&self, sanction: &Sanction) -> String {
        let what = match sanction.kind {
            SanctionKind::Ban => "banned",
            SanctionKind::Mute => "muted",
        };
        let reason = sanction.reason.as_deref().map(|reason| format!(": {}", clean_line(reason))).unwrap_or_default();
        format!("  {} {what} since {}{reason}", clean_line(&sanction.name), self.lines.stamp(sanction.since_ms))
    }

    fn stats(&self) -> Vec<String> {
        let (counters, status) = (self.control.counters(), self.control.status());
        let limits = self.control.limits();
        let mut lines = vec![
            format!(
                "{} of at most {}; history from entry {} to {}",
                count_members(status.members),
                limits.members,
                status.first,
                status.head
            ),
            format!(
                "{} connections, {} not joined, {} half-open, {} handshakes in progress",
                status.connections, status.unjoined, status.half_open, status.handshakes
            ),
        ];
        lines.extend(traffic(&counters));
        let metrics = self.control.metrics();
        let mean = |mean: Option<f64>, factor: f64| mean.map_or(0.0, |mean| mean * factor);
        lines.push(format!(
            "stored: {} entries in {} commits, {:.1} ms and {:.1} entries each on average; {} failed or uncertain",
            counters.entries,
            counters.commits,
            mean(metrics.commit_time.snapshot().mean(), 1e3),
            mean(metrics.batch_entries.snapshot().mean(), 1.0),
            counters.commits_failed + counters.commits_uncertain,
        ));
        let met: Vec<String> = LIMITS
            .iter()
            .map(|limit| (limit, limit.hits(&counters)))
            .filter(|(_, times)| *times > 0)
            .map(|(limit, times)| format!("{} {times}", limit.name))
            .collect();
        lines.push(if met.is_empty() { "no limit was hit".into() } else { format!("limits hit: {}", met.join(", ")) });
        lines
    }
}

/// Returns the lines about network traffic and dropped datagrams.
fn traffic(counters: &Counters) -> [String; 3] {
    let Counters { datagrams, bytes_in, transmits, bytes_out, messages_out, messages_in, .. } = *counters;
    let per_datagram = if transmits > 0 { messages_out as f64 / transmits as f64 } else { 0.0 };
    let shown_always = ["damaged", "not_authentic", "replayed"];
    let others: Vec<String> = counters
        .all()
        .filter(|it| it.is_drop && it.value > 0 && !shown_always.contains(&it.name))
        .map(|CounterValue { name, value, .. }| format!(", {} {value}", name.replace('_', " ")))
        .collect();
    [
        format!("in: {datagrams} datagrams, {bytes_in} bytes, {messages_in} messages"),
        format!(
            "out: {transmits} datagrams, {bytes_out} bytes, {messages_out} messages ({per_datagram:.2} per datagram), packets resent {}, lost {}",
            counters.packets_resent, counters.packets_lost
        ),
        format!(
            "dropped: damaged {}, not authentic {}, replayed {}{}",
            counters.damaged,
            counters.not_authentic,
            counters.replayed,
            others.concat()
        ),
    ]
}

fn describe_error(command: WithName, error: OperatorError, prefix: &str) -> String {
    let why = match (command, error) {
        (WithName::Ban, OperatorError::AlreadyInEffect) => "is already banned",
        (WithName::Mute, OperatorError::AlreadyInEffect) => "is already muted",
        (WithName::Unban, OperatorError::NotInEffect) => return format!("is not banned (see {prefix}bans)"),
        (WithName::Unmute, OperatorError::NotInEffect) => return format!("is not muted (see {prefix}bans)"),
        (WithName::Kick, OperatorError::NotHere) => return format!("no such member is connected (see {prefix}who)"),
        (WithName::Release, OperatorError::InUse) => "the owner of this name is connected, or was a moment ago",
        (WithName::Release, OperatorError::NoSuchName) => "no one owns this name",
        (_, OperatorError::NotWaiting) => return format!("nobody waits under this name (see {prefix}who)"),
        (_, OperatorError::NoSuchRoom) => "no such room",
        (_, OperatorError::RoomExists) => "there is a room of this name",
        (_, OperatorError::ReservedName) => "this name is a word of the commands: choose another one",
        (_, OperatorError::TooManyRooms) => "too many rooms: raise --max-rooms",
        (_, OperatorError::FirstRoom) => "the room of the configuration cannot be closed",
        (_, OperatorError::NoSuchName) => "no such name",
        (_, OperatorError::Stopped) => "the server has stopped",
        (WithName::Op, OperatorError::AlreadyInEffect) => "is an operator already",
        (WithName::Trust, OperatorError::AlreadyInEffect) => "is trusted already",
        (WithName::Deop, OperatorError::NotInEffect) => return format!("is not an operator (see {prefix}ops)"),
        (WithName::Untrust, OperatorError::NotInEffect) => return format!("is not trusted (see {prefix}ops)"),
        (WithName::Deop, OperatorError::Configured) => {
            "is an operator by the server's configuration, which no command changes"
        }
        (_, OperatorError::Configured) => "is an operator by the server's configuration; only its console can do that",
        (_, OperatorError::Oneself) => "you cannot do that to yourself",
        (_, OperatorError::TooManyPrivileges) => {
            "too many operators and trusted members: deop or untrust some, or raise --max-privileges"
        }
        (_, OperatorError::AlreadyInEffect) => "already in effect",
        (_, OperatorError::Full) => "too many bans and mutes: lift some, or raise --max-sanctions",
        (
            _,
            OperatorError::NotInEffect
            | OperatorError::NotHere
            | OperatorError::InUse
            | OperatorError::NoSuchInvite
            | OperatorError::StandingInvite
            | OperatorError::TooManyInvites
            | OperatorError::NoSuchEntry
            | OperatorError::NotMessage
            | OperatorError::Busy,
        ) => "not possible",
    };
    why.to_owned()
}

/// The code of an error in an answer to a client.
fn answer_code(error: OperatorError) -> AnswerCode {
    match error {
        OperatorError::NoSuchRoom
        | OperatorError::NoSuchName
        | OperatorError::NotHere
        | OperatorError::NoSuchEntry
        | OperatorError::NoSuchInvite
        | OperatorError::NotWaiting => AnswerCode::NOT_FOUND,
        OperatorError::AlreadyInEffect | OperatorError::NotInEffect => AnswerCode::UNCHANGED,
        OperatorError::Full
        | OperatorError::TooManyPrivileges
        | OperatorError::TooManyInvites
        | OperatorError::TooManyRooms => AnswerCode::LIMIT,
        OperatorError::Busy | OperatorError::Stopped => AnswerCode::TRY_LATER,
        OperatorError::InUse
        | OperatorError::RoomExists
        | OperatorError::ReservedName
        | OperatorError::FirstRoom
        | OperatorError::NotMessage
        | OperatorError::Configured
        | OperatorError::Oneself
        | OperatorError::StandingInvite => AnswerCode::NOT_PERMITTED,
    }
}

fn count_members(count: usize) -> String {
    if count == 1 { "1 member".to_owned() } else { format!("{count} members") }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_micros() as f64 / 1e3)
}
