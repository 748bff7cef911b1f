//! Executes an operator's commands, whoever passed them on: the console or the control socket.

use kabar_core::time::Duration;

use super::command::{Input, InputError, NoArg, SLASH, WithName, help, parse, parse_command};
use crate::driver::Control;
use crate::hub::{CounterValue, Counters, LIMITS, MemberInfo, OperatorError};
use crate::store::{Sanction, SanctionKind};
use kabar_std::text::{LineFormatter, clean_line};

/// The answer to a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The lines to show.
    pub lines: Vec<String>,
    /// Why the command was not carried out.
    pub error: Option<String>,
    /// The server is to be stopped once this was shown: [`Operator::stop`].
    pub stops: bool,
}

impl Answer {
    fn of(lines: Vec<String>) -> Self {
        Self { lines, ..Self::default() }
    }

    pub(super) fn error(error: String) -> Self {
        Self { error: Some(error), ..Self::default() }
    }
}

/// Executes the commands of an operator.
#[derive(Clone, Debug)]
pub struct Operator {
    control: Control,
    lines: LineFormatter,
    invite: String,
}

impl Operator {
    /// Operates the server of `control`, whose invite is `invite`.
    #[must_use]
    pub fn new(control: Control, invite: String) -> Self {
        Self { control, lines: LineFormatter::new(), invite }
    }

    /// Executes a line of the console.
    #[must_use]
    pub fn run(&self, line: &str) -> Answer {
        self.execute(parse(line), SLASH)
    }

    /// Executes a command that is written without `/`.
    #[must_use]
    pub fn run_command(&self, line: &str) -> Answer {
        self.execute(parse_command(line), "")
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

    fn execute(&self, input: Result<Input, InputError>, prefix: &str) -> Answer {
        match input {
            Ok(Input::Nothing) => Answer::default(),
            Ok(Input::Say(text)) => {
                self.control.say(&text);
                Answer::default()
            }
            Ok(Input::NoArg(NoArg::Help)) => Answer::of(help(prefix)),
            Ok(Input::NoArg(NoArg::Stop)) => Answer { stops: true, ..Answer::default() },
            Ok(Input::NoArg(command)) => Answer::of(self.execute_no_arg(command)),
            Ok(Input::Delete(seq)) => match self.control.delete(seq) {
                Ok(true) => Answer::of(vec![format!("entry {seq} is removed")]),
                Ok(false) => Answer::of(vec![format!("entry {seq} is being removed")]),
                Err(error) => Answer::error(format!("entry {seq}: {error}")),
            },
            Ok(Input::WithName(command, name)) => self.execute_with_name(command, &name, prefix),
            Err(error) => Answer::error(error.to_string()),
        }
    }

    fn execute_no_arg(&self, command: NoArg) -> Vec<String> {
        match command {
            NoArg::Who => {
                let here = self.control.who();
                let head = format!("{} here", count_members(here.len()));
                [head].into_iter().chain(here.iter().map(|presence| self.presence(presence))).collect()
            }
            NoArg::Bans => {
                let sanctions = self.control.sanctions();
                let none = sanctions.is_empty().then(|| "no bans or mutes".to_owned());
                none.into_iter().chain(sanctions.iter().map(|sanction| self.sanction(sanction))).collect()
            }
            NoArg::Stats => self.stats(),
            NoArg::Invite => vec![self.invite.clone()],
            NoArg::Stop | NoArg::Help => Vec::new(),
        }
    }

    fn execute_with_name(&self, command: WithName, argument: &str, prefix: &str) -> Answer {
        let control = &self.control;
        let (name, reason) =
            if command.takes_reason() { control.split_name(argument) } else { (argument.to_owned(), None) };
        let (name, reason) = (name.as_str(), reason.as_deref());
        let (outcome, done) = match command {
            WithName::Kick => (control.kick(name, reason), "was kicked"),
            WithName::Ban => (control.ban(name, reason), "is banned; the name stays reserved"),
            WithName::Unban => (control.unban(name), "is no longer banned"),
            WithName::Mute => (control.mute(name, reason), "is muted"),
            WithName::Unmute => (control.unmute(name), "is no longer muted"),
            WithName::Release => (control.release(name), "is free for anyone to take"),
        };
        match outcome {
            Ok(shown) if command == WithName::Ban => {
                Answer::of(vec![format!("{} {done} ({prefix}release NAME frees it)", clean_line(&shown))])
            }
            Ok(shown) => Answer::of(vec![format!("{} {done}", clean_line(&shown))]),
            Err(error) => Answer::error(format!("{}: {}", clean_line(name), describe_error(command, error, prefix))),
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
        (_, OperatorError::NoSuchRoom) => "no such room",
        (_, OperatorError::NoSuchName) => "no such name",
        (_, OperatorError::Stopped) => "the server has stopped",
        (_, OperatorError::AlreadyInEffect) => "already in effect",
        (_, OperatorError::Full) => "too many bans and mutes: lift some, or raise --max-sanctions",
        (
            _,
            OperatorError::NotInEffect
            | OperatorError::NotHere
            | OperatorError::InUse
            | OperatorError::NoSuchEntry
            | OperatorError::NotMessage
            | OperatorError::Busy,
        ) => "not possible",
    };
    why.to_owned()
}

fn count_members(count: usize) -> String {
    if count == 1 { "1 member".to_owned() } else { format!("{count} members") }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_micros() as f64 / 1e3)
}
