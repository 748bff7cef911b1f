//! Sentences about commands that are not carried out, and their codes in answers to clients.

use kabar_core::chat::AnswerCode;

use super::command::WithName;
use crate::hub::OperatorError;

/// Why a command about an invite is not carried out.
pub(super) fn describe_invite_error(id: u32, error: OperatorError) -> String {
    match error {
        OperatorError::AlreadyInEffect => format!("invite {id} is revoked already"),
        OperatorError::StandingInvite => format!("invite {id} is a standing one: invite revoke standing replaces it"),
        _ => format!("invite {id}: {error}"),
    }
}

/// Why a command about a name is not carried out. `prefix` is written before commands.
pub(super) fn describe_error(command: WithName, error: OperatorError, prefix: &str) -> String {
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
pub(super) fn answer_code(error: OperatorError) -> AnswerCode {
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
