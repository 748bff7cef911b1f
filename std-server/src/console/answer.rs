//! What an operator's command comes to, in lines.

use kabar_core::time::Duration;

use super::command::{Named, Plain, Typed, help, parse};
use crate::driver::Control;
use crate::hub::{CounterValue, Counters, LIMITS, MemberInfo, OperatorError};
use crate::store::{Sanction, SanctionKind};
use kabar_std::text::{Lines, clean_line};

/// Carries out what operators type.
#[derive(Clone, Debug)]
pub struct Operator {
    control: Control,
    lines: Lines,
    invite: String,
}

impl Operator {
    /// Of the server behind `control`, whose invite is `invite`.
    #[must_use]
    pub fn new(control: Control, invite: String) -> Self {
        Self { control, lines: Lines::new(), invite }
    }

    /// Carries out a line; what is to be shown for it.
    #[must_use]
    pub fn run(&self, line: &str) -> Vec<String> {
        match parse(line) {
            Ok(Typed::Nothing) => Vec::new(),
            Ok(Typed::Say(text)) => {
                self.control.say(&text);
                Vec::new()
            }
            Ok(Typed::Plain(command)) => self.plain(command),
            Ok(Typed::Named(command, name)) => vec![self.named(command, &name)],
            Err(error) => vec![error.to_string()],
        }
    }

    fn plain(&self, command: Plain) -> Vec<String> {
        match command {
            Plain::Who => {
                let here = self.control.who();
                let head = format!("{} here", people(here.len()));
                [head].into_iter().chain(here.iter().map(|presence| self.presence(presence))).collect()
            }
            Plain::Bans => {
                let sanctions = self.control.sanctions();
                let none = sanctions.is_empty().then(|| "nobody is banned or muted".to_owned());
                none.into_iter().chain(sanctions.iter().map(|sanction| self.sanction(sanction))).collect()
            }
            Plain::Stats => self.stats(),
            Plain::Invite => vec![self.invite.clone()],
            Plain::Stop => {
                self.control.stop();
                Vec::new()
            }
            Plain::Help => help().collect(),
        }
    }

    fn named(&self, command: Named, name: &str) -> String {
        let control = &self.control;
        let (outcome, done) = match command {
            Named::Kick => (control.kick(name), "was put out"),
            Named::Ban => (control.ban(name), "is banned; the name stays taken (/release NAME frees it)"),
            Named::Unban => (control.unban(name), "may come in again"),
            Named::Mute => (control.mute(name), "may only listen now"),
            Named::Unmute => (control.unmute(name), "may speak again"),
            Named::Release => (control.release(name), "is free for whoever takes it first"),
        };
        match outcome {
            Ok(shown) => format!("{} {done}", clean_line(&shown)),
            Err(error) => format!("{}: {}", clean_line(name), complaint(command, error)),
        }
    }

    fn presence(&self, presence: &MemberInfo) -> String {
        let MemberInfo { name, address, since_ms, idle, rtt, is_muted } = presence;
        let since = self.lines.stamp(*since_ms);
        let rtt = rtt.map_or_else(|| "not measured".to_owned(), milliseconds);
        let muted = if *is_muted { ", muted" } else { "" };
        let idle = idle.as_micros() / 1_000_000;
        format!("  {} ({address}) since {since}, idle {idle} s, round trip {rtt}{muted}", clean_line(name))
    }

    fn sanction(&self, sanction: &Sanction) -> String {
        let what = match sanction.kind {
            SanctionKind::Ban => "banned",
            SanctionKind::Mute => "muted",
        };
        format!("  {} {what} since {}", clean_line(&sanction.name), self.lines.stamp(sanction.since_ms))
    }

    fn stats(&self) -> Vec<String> {
        let (counters, status) = (self.control.counters(), self.control.status());
        let limits = self.control.limits();
        let mut lines = vec![
            format!(
                "{} of at most {}; log {} to {}",
                people(status.members),
                limits.members,
                status.first,
                status.head
            ),
            format!(
                "{} connections, {} not joined, {} half-open, {} handshakes waiting",
                status.connections, status.unjoined, status.half_open, status.handshakes
            ),
        ];
        lines.extend(traffic(&counters));
        let meters = self.control.meters();
        let mean = |mean: Option<f64>, factor: f64| mean.map_or(0.0, |mean| mean * factor);
        lines.push(format!(
            "stored: {} entries in {} commits, {:.1} ms and {:.1} entries each on average; {} failed or uncertain",
            counters.entries,
            counters.commits,
            mean(meters.commit_time.snapshot().mean(), 1e3),
            mean(meters.batch_entries.snapshot().mean(), 1.0),
            counters.commits_failed + counters.commits_uncertain,
        ));
        let met: Vec<String> = LIMITS
            .iter()
            .map(|limit| (limit, limit.met(&counters)))
            .filter(|(_, times)| *times > 0)
            .map(|(limit, times)| format!("{} {times}", limit.name))
            .collect();
        lines.push(if met.is_empty() { "no limit was met".into() } else { format!("limits met: {}", met.join(", ")) });
        lines
    }
}

/// What went over the network, and what of it was wrong.
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
            "out: {transmits} datagrams, {bytes_out} bytes, {messages_out} messages ({per_datagram:.2} each), resent {}, lost {}",
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

fn complaint(command: Named, error: OperatorError) -> &'static str {
    match (command, error) {
        (Named::Ban, OperatorError::AlreadyInEffect) => "is banned already",
        (Named::Mute, OperatorError::AlreadyInEffect) => "is muted already",
        (Named::Unban, OperatorError::NotInEffect) => "is not banned; /bans lists who is",
        (Named::Unmute, OperatorError::NotInEffect) => "is not muted; /bans lists who is",
        (Named::Kick, OperatorError::NotHere) => "nobody of that name is here; /who lists who is",
        (Named::Release, OperatorError::InUse) => "its owner is here, or was a moment ago",
        (Named::Release, OperatorError::NoSuchName) => "nobody owns this name",
        (_, OperatorError::NoSuchName) => "nobody has this name",
        (_, OperatorError::Stopped) => "the server has stopped",
        (_, OperatorError::AlreadyInEffect) => "that is so already",
        (_, OperatorError::Full) => "there are too many bans and mutes: lift some, or raise --max-sanctions",
        (_, OperatorError::NotInEffect | OperatorError::NotHere | OperatorError::InUse) => "that cannot be done",
    }
}

fn people(count: usize) -> String {
    if count == 1 { "1 member".to_owned() } else { format!("{count} members") }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_micros() as f64 / 1e3)
}
