//! Executes an operator's commands, whoever passed them on: the console, the control socket, or a
//! client.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kabar_core::chat::AnswerCode;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Duration;

use super::command::{Input, InputError, NoArg, SLASH, WithName, help, parse, parse_command};
use super::invites::{InviteCommand, invite_text, list_invites};
use super::rooms::{RoomCommand, describe_room};
use super::stats::{count_members, stats};
use super::unix_ms;
use crate::driver::{Control, RoomControl};
use crate::hub::{
    InviteTerms, MAX_ANSWER_LEN, MemberInfo, OperationId, OperatorError, PrivilegeInfo, RoomChange, SanctionInfo,
    WaitingInfo,
};
use crate::key_file::generate_secret;
use crate::store::{InviteRecord, PrivilegeKind, SanctionKind, Visibility};
use kabar_std::data_dir::DataDir;
use kabar_std::invite::{Invite, RoomName};
use kabar_std::text::{LineFormatter, clean_line};

/// After a name that is banned: the invites by which it came are revoked, too.
const ALL: &str = "all";

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

    pub(super) fn line(line: String) -> Self {
        Self::of(vec![line])
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
    /// The name of the room in which it was given.
    pub room: Arc<str>,
    /// The command.
    pub command: String,
    /// Identifies it in its answer.
    pub id: OperationId,
}

/// Who gives a command, and where.
#[derive(Clone, Copy, Debug)]
struct Issuer<'a> {
    /// The member; `None`: it is given where the server runs.
    by: Option<PublicIdentity>,
    /// The name of the room that it acts on.
    room: &'a str,
    /// Written before commands there.
    prefix: &'static str,
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

    /// The name of the room that commands act on if none is named.
    #[must_use]
    pub fn first_room(&self) -> &RoomName {
        &self.invite.room
    }

    /// Executes a command that acts on a room and is written without `/`.
    #[must_use]
    pub fn run_command(&self, room: &str, line: &str) -> Answer {
        self.execute(parse_command(line), Issuer { by: None, room, prefix: "" })
    }

    /// Executes what was typed at the console, unless that is a command of the console itself.
    pub(super) fn run_typed(&self, room: &str, input: Result<Input, InputError>) -> Answer {
        self.execute(input, Issuer { by: None, room, prefix: SLASH })
    }

    /// Executes a command of a member, who is an operator, in a room.
    #[must_use]
    pub fn run_for(&self, by: PublicIdentity, room: &str, line: &str) -> Answer {
        // Members type a slash, which their client leaves out.
        let input = parse(&format!("{SLASH}{line}"));
        if input.as_ref().is_ok_and(|input| !input.is_for_members()) {
            return Answer::error(AnswerCode::NOT_PERMITTED, "this is possible only where the server runs".to_owned());
        }
        self.execute(input, Issuer { by: Some(by), room, prefix: SLASH })
    }

    /// Executes a command of a member, and answers it.
    pub fn answer(&self, Operation { by, room, command, id }: Operation) {
        let is_permitted = match parse(&format!("{SLASH}{command}")) {
            Ok(Input::Rooms(RoomCommand::Add { .. })) => self.control.may_create_rooms(by),
            _ => self.control.is_operator(by),
        };
        let Answer { mut lines, error, code, .. } = if is_permitted {
            self.run_for(by, &room, &command)
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

    /// Returns the names of the members who are connected in a room.
    #[must_use]
    pub fn names(&self, room: &str) -> Vec<String> {
        let here = self.control.open_room(room).map(|room| room.who()).unwrap_or_default();
        here.into_iter().map(|member| member.name).collect()
    }

    /// Checks that there is a room of this name.
    pub(super) fn check_room(&self, room: &str) -> Result<(), String> {
        self.control.open_room(room).map(drop).map_err(|error| format!("{room}: {error}"))
    }

    /// Stops the server. Commands only ask for it, so that their answer is written before.
    pub fn stop(&self) {
        self.control.stop();
    }

    fn execute(&self, input: Result<Input, InputError>, issuer: Issuer<'_>) -> Answer {
        let input = match input {
            Ok(Input::Nothing) => return Answer::default(),
            Ok(Input::NoArg(NoArg::Help)) => return Answer::of(help(issuer.prefix)),
            Ok(Input::NoArg(NoArg::Stop)) => return Answer { stops: true, ..Answer::default() },
            Ok(Input::Rooms(command)) => return self.execute_rooms(command, issuer),
            Ok(input) => input,
            Err(error) => return Answer::error(AnswerCode::NOT_UNDERSTOOD, error.to_string()),
        };
        let room = match self.control.open_room(issuer.room) {
            Ok(room) => room,
            Err(error) => return Answer::error(answer_code(error), format!("{}: {error}", issuer.room)),
        };
        match input {
            Input::Say(text) => {
                room.say(&text);
                Answer::default()
            }
            Input::Invite(command) => self.execute_invite(command, &room, issuer),
            Input::Room(_) => Answer::error(
                AnswerCode::NOT_PERMITTED,
                "only the console has a room of its own; ctl --room NAME names one".to_owned(),
            ),
            Input::Delete(seq) => match room.delete(seq) {
                Ok(true) => Answer::of(vec![format!("entry {seq} is removed")]),
                Ok(false) => Answer::of(vec![format!("entry {seq} is being removed")]),
                Err(error) => Answer::error(answer_code(error), format!("entry {seq}: {error}")),
            },
            Input::WithName(command, name) => self.execute_with_name(command, &name, &room, issuer),
            Input::NoArg(command) => Answer::of(self.execute_no_arg(command, &room)),
            Input::Topic(None) => Answer::of(vec![self.topic(issuer.room)]),
            Input::Topic(Some(topic)) => match room.set(issuer.by, RoomChange::Topic(topic)) {
                Ok(()) => Answer::of(vec![self.topic(issuer.room)]),
                Err(error) => Answer::error(answer_code(error), format!("topic: {error}")),
            },
            Input::Nothing | Input::Rooms(_) => Answer::default(),
        }
    }

    fn execute_rooms(&self, command: RoomCommand, issuer: Issuer<'_>) -> Answer {
        let mut invite = None;
        let (name, done) = match command {
            RoomCommand::List => return Answer::of(self.control.rooms().iter().map(describe_room).collect()),
            RoomCommand::Add { name, visibility, topic } => {
                let added = self.control.add_room(issuer.by, &name, visibility, &topic);
                if added.is_ok() && visibility == Visibility::Private {
                    // Nobody finds it without.
                    let record = self.control.private_room_invite(&name);
                    invite = record.map(|record| invite_text(&self.invite, &record, &name));
                }
                (name, added.map(|()| "is open now"))
            }
            RoomCommand::Set { name, change } => {
                let room = self.control.open_room(name.as_str());
                let set = room.and_then(|room| room.set(issuer.by, change));
                (name, set.map(|()| "is changed"))
            }
            RoomCommand::Close { name } => {
                let closed = self.control.open_room(name.as_str()).and_then(|room| room.close());
                (name, closed.map(|()| "is closed; its log stays"))
            }
        };
        match done {
            Ok(done) => Answer::of([format!("room {name} {done}")].into_iter().chain(invite).collect()),
            Err(error) => Answer::error(answer_code(error), format!("room {name}: {error}")),
        }
    }

    /// The topic of a room, as it is shown.
    fn topic(&self, room: &str) -> String {
        let topic = self.control.rooms().into_iter().find(|info| info.record.name == room);
        match topic.map(|info| info.record.topic).filter(|topic| !topic.is_empty()) {
            Some(topic) => format!("topic of {room}: {}", clean_line(&topic)),
            None => format!("{room} has no topic"),
        }
    }

    fn execute_no_arg(&self, command: NoArg, room: &RoomControl<'_>) -> Vec<String> {
        match command {
            NoArg::Who => {
                let here = room.who();
                let head = format!("{} here", count_members(here.len()));
                let here = here.iter().map(|presence| self.presence(presence));
                let waiting = room.waiting();
                [head].into_iter().chain(here).chain(waiting.iter().map(|it| self.waiting(it))).collect()
            }
            NoArg::Bans => {
                let sanctions = room.sanctions();
                let none = sanctions.is_empty().then(|| "no bans or mutes".to_owned());
                none.into_iter().chain(sanctions.iter().map(|sanction| self.sanction(sanction))).collect()
            }
            NoArg::Ops => {
                let privileges = self.control.privileges();
                let none = privileges.is_empty().then(|| "no operators".to_owned());
                none.into_iter().chain(privileges.iter().map(|privilege| self.privilege(privilege))).collect()
            }
            NoArg::Stats => stats(&self.control),
            NoArg::Stop | NoArg::Help => Vec::new(),
        }
    }

    fn execute_invite(&self, command: InviteCommand, room: &RoomControl<'_>, issuer: Issuer<'_>) -> Answer {
        let text = |record: &InviteRecord| {
            let room = issuer.room.parse().unwrap_or_else(|_| self.invite.room.clone());
            invite_text(&self.invite, record, &room)
        };
        let shown = |record: Result<InviteRecord, OperatorError>| {
            record.map(|record| vec![text(&record)]).map_err(|error| (error, error.to_string()))
        };
        let done = match command {
            InviteCommand::Show => shown(match issuer.by {
                Some(by) => self.control.own_invite(by, issuer.room),
                None => room.standing_invite().ok_or(OperatorError::Stopped),
            }),
            InviteCommand::List { with_secrets, as_json } => {
                Ok(list_invites(&self.lines, self.control.invites(), with_secrets, as_json, unix_ms(), text))
            }
            InviteCommand::New(terms) => {
                // A member's is for the room where it is.
                let here = || issuer.by.map(|_| issuer.room.to_owned()).or_else(|| room.invite_scope());
                let room = terms.room.clone().or_else(here);
                shown(self.control.create_invite(InviteTerms { room, made_by: issuer.by, ..terms }))
            }
            InviteCommand::Revoke(id) => match self.control.revoke_invite(id) {
                Ok(_) => Ok(vec![format!("invite {id} is revoked; whoever it has admitted stays admitted")]),
                Err(error) => Err((error, describe_invite_error(id, error))),
            },
            InviteCommand::RevokeStanding => match self.replace_standing(room.invite_scope()) {
                Ok(record) => Ok(vec![text(&record)]),
                Err(error) => return Answer::error(AnswerCode::TRY_LATER, error),
            },
        };
        match done {
            Ok(lines) => Answer::of(lines),
            Err((error, why)) => Answer::error(answer_code(error), why),
        }
    }

    /// Replaces the standing invite of a private room or of the server (`None`).
    fn replace_standing(&self, room: Option<String>) -> Result<InviteRecord, String> {
        if let Some(room) = room {
            return self.control.replace_room_invite(&room).map_err(|error| error.to_string());
        }
        // The file first: it decides which invite is the standing one at the next start.
        let dir = DataDir::open(&self.data_dir).map_err(|error| error.to_string())?;
        let secret = generate_secret(&dir, &self.invite.room).map_err(|error| error.to_string())?;
        self.control.replace_standing_invite(*secret.expose()).map_err(|error| error.to_string())
    }

    fn waiting(&self, waiting: &WaitingInfo) -> String {
        let WaitingInfo { name, address, since_ms } = waiting;
        format!("  {} ({address}) waits to be let in since {}", clean_line(name), self.lines.stamp(*since_ms))
    }

    fn execute_with_name(
        &self,
        command: WithName,
        argument: &str,
        room: &RoomControl<'_>,
        issuer: Issuer<'_>,
    ) -> Answer {
        let Issuer { by, prefix, .. } = issuer;
        let (name, reason) =
            if command.takes_reason() { room.split_name(argument) } else { (argument.to_owned(), None) };
        let (name, reason) = (name.as_str(), reason.as_deref());
        let (outcome, done) = match command {
            WithName::Ban => return self.ban(name, reason, room, issuer),
            WithName::Kick => (room.kick(by, name, reason), "was kicked"),
            WithName::Unban => (room.unban(by, name), "is no longer banned"),
            WithName::Mute => (room.mute(by, name, reason), "is muted"),
            WithName::Unmute => (room.unmute(by, name), "is no longer muted"),
            WithName::Release => (room.release(by, name), "is free for anyone to take"),
            WithName::Op => (room.grant(by, name, PrivilegeKind::Operator), "is an operator now"),
            WithName::Deop => (room.revoke(by, name, PrivilegeKind::Operator), "is no longer an operator"),
            WithName::Trust => (room.grant(by, name, PrivilegeKind::Trusted), "may post at any rate now"),
            WithName::Untrust => (room.revoke(by, name, PrivilegeKind::Trusted), "is no longer trusted"),
            WithName::Accept => (room.accept(name), "is let in"),
            WithName::Reject => (room.reject(name), "was refused"),
        };
        match outcome {
            Ok(shown) => Answer::of(vec![format!("{} {done}", clean_line(&shown))]),
            Err(error) => {
                let why = describe_error(command, error, prefix);
                Answer::error(answer_code(error), format!("{}: {why}", clean_line(name)))
            }
        }
    }

    /// Bans an identity. If the reason begins with the word `all`, the invites end by which it
    /// came: then it needs a new one from somebody.
    fn ban(&self, name: &str, reason: Option<&str>, room: &RoomControl<'_>, issuer: Issuer<'_>) -> Answer {
        let (first, rest) = reason.map_or(("", ""), |text| text.split_once(char::is_whitespace).unwrap_or((text, "")));
        let with_invites = first == ALL;
        let reason = if with_invites { Some(rest.trim()).filter(|rest| !rest.is_empty()) } else { reason };
        let invites = room.invites_of(name);
        let banned = room.ban(issuer.by, name, reason);
        let is_repeated = with_invites && banned == Err(OperatorError::AlreadyInEffect) && !invites.is_empty();
        let (shown, prefix) = (clean_line(name), issuer.prefix);
        let mut lines = match banned {
            Ok(shown) => {
                let shown = clean_line(&shown);
                vec![format!("{shown} is banned; the name stays reserved ({prefix}release NAME frees it)")]
            }
            Err(_) if is_repeated => vec![format!("{shown} is banned already")],
            Err(error) => {
                let why = describe_error(WithName::Ban, error, prefix);
                return Answer::error(answer_code(error), format!("{shown}: {why}"));
            }
        };
        for invite in invites {
            let id = invite.id;
            lines.push(match (with_invites, invite.is_standing) {
                (false, is_standing) => {
                    let which = if is_standing { "the standing invite".to_owned() } else { format!("invite {id}") };
                    format!("{shown} came by {which}, which is still valid: {prefix}ban NAME {ALL} revokes it, too")
                }
                (true, true) => match self.replace_standing(invite.room.clone()) {
                    Ok(_) => format!("the standing invite, by which {shown} came, is replaced ({prefix}invite)"),
                    Err(error) => format!("the standing invite, by which {shown} came, is still valid: {error}"),
                },
                (true, false) => match self.control.revoke_invite(id) {
                    Ok(_) => format!("invite {id}, by which {shown} came, is revoked"),
                    Err(error) => format!("invite {id}: {error}"),
                },
            });
        }
        Answer::of(lines)
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

    fn privilege(&self, privilege: &PrivilegeInfo) -> String {
        match privilege {
            PrivilegeInfo::Configured { fingerprint, name } => {
                let name = name.as_deref().map_or_else(|| fingerprint.to_string(), clean_line);
                format!("  {name} operator by the configuration")
            }
            PrivilegeInfo::Granted { privilege, by } => {
                let what = match privilege.kind {
                    PrivilegeKind::Operator => "operator",
                    PrivilegeKind::Trusted => "trusted",
                };
                let (name, since) = (clean_line(&privilege.name), self.lines.stamp(privilege.since_ms));
                format!("  {name} {what} since {since} by {}", issuer(by.as_deref()))
            }
        }
    }

    fn sanction(&self, SanctionInfo { sanction, by }: &SanctionInfo) -> String {
        let what = match sanction.kind {
            SanctionKind::Ban => "banned",
            SanctionKind::Mute => "muted",
        };
        let reason = sanction.reason.as_deref().map(|reason| format!(": {}", clean_line(reason))).unwrap_or_default();
        let (name, since) = (clean_line(&sanction.name), self.lines.stamp(sanction.since_ms));
        format!("  {name} {what} since {since} by {}{reason}", issuer(by.as_deref()))
    }
}

/// The name of the operator who did something; `None`: at the console.
fn issuer(by: Option<&str>) -> String {
    by.map_or_else(|| "server".to_owned(), clean_line)
}

fn describe_invite_error(id: u32, error: OperatorError) -> String {
    match error {
        OperatorError::AlreadyInEffect => format!("invite {id} is revoked already"),
        OperatorError::StandingInvite => format!("invite {id} is a standing one: invite revoke standing replaces it"),
        _ => format!("invite {id}: {error}"),
    }
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

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_micros() as f64 / 1e3)
}
