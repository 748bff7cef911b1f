//! The commands of operators (SPEC 6.7): at the console, or from the client of a member. Both are
//! written and parsed as people write them.

use kabar_core::chat::AnswerCode;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_server::console::command::{Input, WithName, parse_command};
use kabar_server::console::rooms::RoomCommand;
use kabar_server::hub::{OperatorError, PrivilegeInfo, RoomChange};
use kabar_server::store::{PrivilegeKind, SanctionKind, Visibility};

use super::{ROOMS, World};
use crate::sim::coverage::Seen;
use crate::sim::model::{Checked, Kept, demand, sanction_number, sanction_reason};
use crate::sim::scenario::{Bound, Command};

impl World {
    /// Executes a command at the console.
    pub(super) fn operate(&mut self, room: usize, command: &Command) -> Checked {
        let text = self.write_command(room, command);
        self.execute(None, room, &text);
        self.serve()
    }

    /// Executes the command of a member, as the hub passes it on.
    pub(super) fn operate_for(
        &mut self,
        by: PublicIdentity,
        room: &str,
        command: &str,
    ) -> Result<AnswerCode, crate::sim::model::Violation> {
        let devices = &self.devices;
        let is_configured = devices.iter().any(|device| device.plan.is_operator && device.public == by);
        let is_operator = is_configured || self.operator.appointed.contains(&by);
        demand!(is_operator, Operation, "the server passes on {command:?} of {by:?}, who is no operator");
        self.coverage.count(Seen::Operated);
        let room = self.room_named(room).unwrap_or_default();
        Ok(self.execute(Some(by), room, command))
    }

    /// A command as it is typed.
    pub(super) fn write_command(&mut self, room: usize, command: &Command) -> String {
        let room = ROOMS[room];
        let name_of = |device: usize, name: usize| self.devices[device].plan.name_of(name);
        match *command {
            Command::Topic { is_empty: true } => format!("room set {room} topic"),
            Command::Topic { is_empty: false } => format!("topic {}", self.new_topic()),
            Command::Close => format!("room close {room}"),
            Command::Open { has_topic } => {
                let is_private =
                    self.scenario.rooms.iter().zip(ROOMS).any(|(plan, name)| name == room && plan.is_private);
                let private = if is_private { "private " } else { "" };
                let topic = if has_topic { self.new_topic() } else { String::new() };
                format!("room add {room} {private}{topic}")
            }
            Command::Keep(bound, value) => {
                let (property, unit) = match bound {
                    Bound::Age => ("keep-age", "s"),
                    Bound::Entries => ("keep-entries", ""),
                    Bound::Bytes => ("keep-bytes", ""),
                };
                let value = value.map_or_else(|| "default".to_owned(), |value| format!("{value}{unit}"));
                format!("room set {room} {property} {value}")
            }
            Command::Kick { device, name } => format!("kick {}", name_of(device, name)),
            Command::Appoint { device, name, is_ended } => {
                format!("{} {}", if is_ended { "deop" } else { "op" }, name_of(device, name))
            }
            Command::Sanction { device, name, kind, is_lifted } => {
                let name = name_of(device, name);
                let word = match kind {
                    SanctionKind::Ban => "ban",
                    SanctionKind::Mute => "mute",
                };
                if is_lifted { format!("un{word} {name}") } else { format!("{word} {name} {}", self.new_reason()) }
            }
        }
    }

    /// A topic that no room had.
    fn new_topic(&mut self) -> String {
        self.operator.topics += 1;
        format!("topic {}", self.operator.topics)
    }

    /// The reason of a sanction, which no other has.
    pub(super) fn new_reason(&mut self) -> String {
        self.operator.sanctions += 1;
        sanction_reason(self.operator.sanctions)
    }

    /// Executes a command that acts on a room, unless it names another one. `by`: the member who
    /// gave it.
    fn execute(&mut self, by: Option<PublicIdentity>, room: usize, text: &str) -> AnswerCode {
        let named = |name: &str| self.room_named(name).ok_or(OperatorError::NoSuchRoom);
        let done = match parse_command(text) {
            Ok(Input::Topic(Some(topic))) => self.set_room(by, room, RoomChange::Topic(topic)),
            Ok(Input::Rooms(RoomCommand::Set { name, change })) => {
                named(name.as_str()).and_then(|room| self.set_room(by, room, change))
            }
            Ok(Input::Rooms(RoomCommand::Add { name, visibility, topic })) => {
                named(name.as_str()).and_then(|room| self.open_again(by, room, visibility, &topic))
            }
            Ok(Input::Rooms(RoomCommand::Close { name })) => {
                named(name.as_str()).and_then(|room| self.close_room(room))
            }
            Ok(Input::WithName(command, argument)) => self.act_on(by, room, command, &argument),
            _ => return AnswerCode::NOT_UNDERSTOOD,
        };
        match done {
            Ok(()) => AnswerCode::DONE,
            Err(OperatorError::AlreadyInEffect) => AnswerCode::UNCHANGED,
            Err(_) => AnswerCode::NOT_FOUND,
        }
    }

    fn set_room(&mut self, by: Option<PublicIdentity>, room: usize, change: RoomChange) -> Result<(), OperatorError> {
        let now = self.now();
        let (hub, id) = self.server.open_room(now, room).ok_or(OperatorError::NoSuchRoom)?;
        let is_topic = matches!(change, RoomChange::Topic(_));
        hub.set_room(now, id, by, change)?;
        self.coverage.count(if is_topic { Seen::TopicSet } else { Seen::RetentionSet });
        let kept = self.kept(room);
        self.models[room].bounded(kept);
        Ok(())
    }

    fn open_again(
        &mut self,
        by: Option<PublicIdentity>,
        room: usize,
        visibility: Visibility,
        topic: &str,
    ) -> Result<(), OperatorError> {
        let now = self.now();
        let hub = self.server.hub_mut().ok_or(OperatorError::Stopped)?;
        hub.add_room(now, by, ROOMS[room], visibility, topic)?;
        self.coverage.count(Seen::RoomOpened);
        self.models[room].opened(topic);
        self.learn_room_invites();
        Ok(())
    }

    fn close_room(&mut self, room: usize) -> Result<(), OperatorError> {
        let now = self.now();
        let (hub, id) = self.server.open_room(now, room).ok_or(OperatorError::NoSuchRoom)?;
        hub.close_room(now, id)?;
        self.coverage.count(Seen::RoomClosed);
        self.models[room].closed();
        Ok(())
    }

    /// How much is kept of the log of a room, as the running server decided.
    pub(super) fn kept(&self, room: usize) -> Kept {
        let record = self.server.record(room);
        Kept::of(&self.scenario.limits, record.map(|record| record.retention).unwrap_or_default())
    }

    /// A command about a member.
    fn act_on(
        &mut self,
        by: Option<PublicIdentity>,
        room: usize,
        command: WithName,
        argument: &str,
    ) -> Result<(), OperatorError> {
        let now = self.now();
        let (hub, id) = self.server.open_room(now, room).ok_or(OperatorError::NoSuchRoom)?;
        let (name, reason) = if command.takes_reason() { hub.split_name(id, argument) } else { (argument, None) };
        match command {
            WithName::Kick => {
                hub.kick(now, id, by, name, reason)?;
                let named = self.devices.iter().filter(|device| device.plan.is_name(name));
                self.kicked.extend(named.map(|device| device.plan.name.clone()));
            }
            WithName::Op => {
                hub.grant(now, id, by, name, PrivilegeKind::Operator)?;
                self.coverage.count(Seen::Appointed);
                self.learn_operators();
            }
            WithName::Deop => drop(hub.revoke(now, id, by, name, PrivilegeKind::Operator)?),
            WithName::Ban | WithName::Mute | WithName::Unban | WithName::Unmute => {
                let before = hub.sanctions(id);
                match command {
                    WithName::Ban => hub.ban(now, id, by, name, reason)?,
                    WithName::Mute => hub.mute(now, id, by, name, reason)?,
                    WithName::Unban => hub.unban(now, id, by, name)?,
                    _ => hub.unmute(now, id, by, name)?,
                };
                let after = hub.sanctions(id);
                let number = reason.and_then(sanction_number);
                self.note_sanctions(room, number, &before, &after);
            }
            _ => return Err(OperatorError::NotHere),
        }
        Ok(())
    }

    /// Records who is an operator besides those of the configuration.
    pub(super) fn learn_operators(&mut self) {
        let Some(hub) = self.server.hub_mut() else { return };
        for info in hub.privileges() {
            let PrivilegeInfo::Granted { privilege, .. } = info else { continue };
            if self.operator.appointed.insert(privilege.identity) {
                let device = self.devices.iter().find(|device| device.public == privilege.identity);
                let identity = device.map(|device| device.plan.identity);
                let models = self.models.iter_mut();
                models.for_each(|model| identity.into_iter().for_each(|identity| model.appointed(identity)));
            }
        }
    }
}
