//! Errors of the parts that client and server share, as sentences or parts of them. What the
//! operating system says is in its own language.

use kabar_core::chat::MAX_PASSWORD_LEN;
use kabar_core::invite::ParseInviteError;
use kabar_std::address::{AddressError, MAX_PLACES};
use kabar_std::data_dir::FileError;
use kabar_std::interfaces::link_local_names;
use kabar_std::invite::InviteError;
use kabar_std::names::NameError;
use kabar_std::password::NoPassword;
use kabar_std::sqlite::{StoreErrorKind, open_file_limit};

use super::causes;
use crate::history::{OpenError, SetAsideReason};
use crate::language::message;
#[cfg(unix)]
use crate::resolve::ResolveError;

/// Why a name is not allowed.
pub(super) fn name(error: &NameError) -> String {
    match error {
        NameError::Empty => message!("name-empty"),
        NameError::TooLong => message!("name-too-long"),
        NameError::Character(character) => message!("name-character", character = format!("{character:?}")),
        NameError::EdgeSpace => message!("name-edge-space"),
        NameError::Reserved(word) => message!("name-reserved", word = format!("{word:?}")),
        NameError::LooksReserved(word) => message!("name-looks-reserved", word = format!("{word:?}")),
        NameError::MixedScripts(one, other) => {
            message!("name-mixed-scripts", one = one.full_name(), other = other.full_name())
        }
        NameError::Direction => message!("name-direction"),
        error => error.to_string(),
    }
}

/// Why an address is not usable.
pub(super) fn address(error: &AddressError) -> String {
    match error {
        AddressError::Host => message!("address-host"),
        AddressError::Port => message!("address-port"),
        AddressError::NoZone(address) => {
            let names = link_local_names();
            let example = names.first().map_or("eth0", String::as_str).to_owned();
            message!("address-no-zone", %address, example, available = available(&names))
        }
        AddressError::NeedlessZone(address) => message!("address-needless-zone", %address),
        AddressError::UnknownZone(zone) => {
            message!("address-unknown-zone", %zone, available = available(&link_local_names()))
        }
        AddressError::AdvertisedZone(address, zone) => message!("address-advertised-zone", %address, %zone),
        AddressError::TooMany => message!("address-too-many", max = MAX_PLACES),
        error => error.to_string(),
    }
}

/// Why the addresses of a host are not found.
#[cfg(unix)]
pub(super) fn resolve(error: &ResolveError) -> String {
    match error {
        ResolveError::Zone(error) => address(error),
        ResolveError::NoAddress => message!("resolve-no-address"),
        ResolveError::Lookup(error) => causes::io(error),
    }
}

/// The interfaces that an address may name.
fn available(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { message!("address-available", names = names.join(", ")) }
}

/// Why an invite is not usable.
pub(super) fn invite(error: &InviteError) -> String {
    match error {
        InviteError::Parts(ParseInviteError::Scheme) => message!("invite-scheme"),
        InviteError::Parts(ParseInviteError::CutOff) => message!("invite-cut-off"),
        InviteError::Parts(ParseInviteError::Room) => message!("invite-room"),
        InviteError::Parts(ParseInviteError::Fingerprint) => message!("invite-fingerprint"),
        InviteError::Parts(ParseInviteError::Secret) => message!("invite-secret"),
        InviteError::NoPort => message!("invite-no-port"),
        InviteError::TooMany => message!("invite-too-many", max = MAX_PLACES),
        InviteError::Address(error) => message!("invite-address", reason = address(error)),
        error => error.to_string(),
    }
}

/// Why a file cannot be used.
pub(super) fn file(error: &FileError) -> String {
    let action = error.action();
    // The identifier of a form has no spaces.
    let key = action.replace(' ', "-");
    message!("file-error", action, key, path = %error.path().display(), cause = causes::io(error.cause()))
}

/// Why a database cannot be used.
pub(super) fn store(kind: StoreErrorKind) -> String {
    match kind {
        StoreErrorKind::DiskFull => message!("store-disk-full"),
        StoreErrorKind::Locked => message!("store-locked"),
        StoreErrorKind::ReadOnly => message!("store-read-only"),
        StoreErrorKind::Moved => message!("store-moved"),
        StoreErrorKind::Damaged => message!("store-damaged"),
        StoreErrorKind::TooManyFiles => {
            let limit = open_file_limit().map(|limit| message!("store-file-limit", limit = %limit));
            message!("store-too-many-files", limit = limit.unwrap_or_default())
        }
        StoreErrorKind::Memory => message!("store-memory"),
        StoreErrorKind::NoLocks => message!("store-no-locks"),
        StoreErrorKind::Disk(code) => message!("store-disk", code = %code),
        StoreErrorKind::Contradiction => message!("store-contradiction"),
        StoreErrorKind::Other(code) => message!("store-other", code = %code),
        kind => kind.to_string(),
    }
}

/// Why a text is no password.
pub(super) fn password(why: NoPassword) -> String {
    match why {
        NoPassword::Empty => message!("password-empty"),
        NoPassword::TooLong => message!("password-too-long", max = MAX_PASSWORD_LEN),
    }
}

/// Why the local history cannot be opened.
pub(super) fn history(error: &OpenError) -> String {
    match error {
        OpenError::File(error) => file(error),
        OpenError::Missing(path) => message!("history-missing", path = %path.display()),
        OpenError::Older(path) => message!("history-older", path = %path.display()),
        OpenError::Unusable(path, reason) => {
            message!("history-unusable", path = %path.display(), reason = set_aside(*reason))
        }
        OpenError::Storage(path, kind) => {
            message!("history-storage", path = %path.display(), reason = store(*kind))
        }
    }
}

/// Why a file of the local history is not used.
pub(super) fn set_aside(reason: SetAsideReason) -> String {
    match reason {
        SetAsideReason::Damaged => message!("history-is-damaged"),
        SetAsideReason::Newer => message!("history-is-newer"),
        SetAsideReason::Foreign => message!("history-is-foreign"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::tests::translated::store_errors;
    use super::*;

    #[test]
    fn english_sentences_are_those_of_the_errors() {
        let address_errors = [
            AddressError::Host,
            AddressError::Port,
            AddressError::NeedlessZone("2001:db8::1".parse().unwrap()),
            AddressError::NoZone("fe80::1".parse().unwrap()),
            AddressError::TooMany,
        ];
        let parts = ["http://a", "kabar://a", "kabar://a:1/R/x.y", "kabar://a:1/lobby/x.y"];
        for text in parts {
            let error = text.parse::<kabar_std::invite::Invite>().unwrap_err();
            assert_eq!(invite(&error), error.to_string());
        }
        for error in address_errors {
            assert_eq!(address(&error), error.to_string());
            assert_eq!(invite(&InviteError::Address(error)), InviteError::Address(error).to_string());
        }
        let names = [NameError::Empty, NameError::TooLong, NameError::Character('\u{7}'), NameError::EdgeSpace];
        for error in
            names.into_iter().chain([NameError::Reserved("x"), NameError::LooksReserved("x"), NameError::Direction])
        {
            assert_eq!(name(&error), error.to_string());
        }
        for kind in store_errors() {
            assert_eq!(store(kind), kind.to_string());
            let error = OpenError::Storage(PathBuf::from("/a"), kind);
            assert_eq!(history(&error), error.to_string());
        }
        for reason in [SetAsideReason::Damaged, SetAsideReason::Newer, SetAsideReason::Foreign] {
            let error = OpenError::Unusable(PathBuf::from("/a"), reason);
            assert_eq!(history(&error), error.to_string());
        }
        for error in [OpenError::Missing("/a".into()), OpenError::Older("/a".into())] {
            assert_eq!(history(&error), error.to_string());
        }
        for action in ["create", "make private", "set aside", "read", "no such action"] {
            let error = FileError::new(action, "/a".as_ref())(std::io::ErrorKind::NotFound.into());
            assert_eq!(file(&error), error.to_string());
        }
    }
}
