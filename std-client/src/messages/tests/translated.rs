//! Every error and every loss, in both languages.

use std::io;
use std::path::PathBuf;

use kabar_server::driver::{ServerFailed, StartError};
use kabar_server::room_host::RoomHostError;
use kabar_server::store::{OpenError as HostedHistory, ReadError, StoreErrorKind};
use kabar_server::transcript::TranscriptWarning;
use kabar_std::config_file::{ConfigFileError, LineError, Origin};
use kabar_std::data_dir::{FileError, Unusable};
use kabar_std::password::NoPassword;
use kabar_std::reading::NotText;

use super::super::{causes, host_errors, notices};
use crate::history::TooManyAside;
use crate::input::InputError;
use crate::language::tests::{english_in, indonesian};
use crate::language::{Language, with};
use crate::messages::command_error;
use crate::outcome::{
    CommandError, ConfigError, HostError, InvalidValue, Loss, OutputStream, PasswordError, PasswordSource, TargetError,
    ThreadFailed, ValueError,
};

fn path() -> PathBuf {
    "/a".into()
}

const ALL_NOT_TEXT: [NotText; 4] = [NotText::Utf16, NotText::NotUtf8(2), NotText::ZeroByte(3), NotText::TooLong(9)];

fn system(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number)
}

/// An error of each kind that has a sentence, and of each cause of this program.
fn io_errors() -> Vec<io::Error> {
    let not_text = ALL_NOT_TEXT.map(|why| io::Error::new(io::ErrorKind::InvalidData, why));
    let unusable = [
        Unusable::NotADirectory,
        Unusable::FarTooLong,
        Unusable::DamagedKey,
        Unusable::DamagedSecret,
        Unusable::DamagedText,
        Unusable::DamagedAndReplaced,
    ];
    let mut all: Vec<_> = not_text.into_iter().chain(unusable.map(io::Error::other)).collect();
    all.extend([io::Error::other(TooManyAside), io::Error::other(ThreadFailed)]);
    #[cfg(unix)]
    all.push(io::Error::other(crate::bridge::NotAPort));
    // EPERM, ENOENT, EAGAIN, ENOMEM, EACCES, EBUSY, EEXIST, ENOTDIR, EISDIR, EINVAL, ENFILE,
    // EMFILE, EFBIG, ENOSPC, EROFS, EPIPE: the same on every Unix.
    all.extend([1, 2, 12, 13, 16, 17, 20, 21, 22, 23, 24, 27, 28, 30, 32].map(system));
    all
}

/// Asserts that a sentence is that of the error in English, and none in Indonesian.
fn assert_translated(sentence: impl Fn() -> String, display: &str) {
    assert_eq!(sentence(), display);
    assert_no_english(sentence);
}

fn assert_no_english(sentence: impl Fn() -> String) {
    let (english, other) = (with(Language::ENGLISH, &sentence), with(indonesian(), &sentence));
    assert_ne!(english, other);
    assert_eq!(english_in(&other), None, "{other}");
    assert!(!other.contains("os error"), "{other}");
}

#[test]
fn an_english_part_of_a_sentence_is_found() {
    let error = FileError::damaged(&path(), Unusable::DamagedText);
    assert_eq!(english_in(&format!("tidak: {error}")).as_deref(), Some("the file is damaged; correct or remove it"));
}

#[test]
fn causes_in_files_and_of_the_system() {
    for error in io_errors() {
        let display = error.to_string();
        assert_translated(|| causes::io(&error), &display);
    }
    for action in ["create", "make private", "set aside", "read", "use", "write", "write to", "lock"] {
        let error = FileError::new(action, &path())(system(28));
        let display = error.to_string();
        let sentence = || command_error(&CommandError::File(FileError::new(action, &path())(system(28)))).1;
        assert_translated(sentence, &display);
    }
    for (_, name) in causes::KINDS {
        let known = with(indonesian(), || crate::language::message!("system-error", kind = name, text = "other"));
        assert_ne!(known, "other", "{name}");
    }
}

#[test]
fn passwords() {
    let sources = [PasswordSource::File(path()), PasswordSource::Stdin, PasswordSource::Variable("KABAR_PASSWORD")];
    for from in sources {
        for why in ALL_NOT_TEXT {
            let error = || io::Error::new(io::ErrorKind::InvalidData, why);
            let error = || PasswordError::NotText { from: from.clone(), error: error() };
            assert_no_english(|| command_error(&error().into()).1);
        }
        let error = || PasswordError::Read { from: from.clone(), error: system(2) };
        assert_no_english(|| command_error(&error().into()).1);
    }
    for why in [NoPassword::Empty, NoPassword::TooLong] {
        assert_translated(|| command_error(&PasswordError::NotAllowed(why).into()).1, &why.to_string());
    }
}

#[test]
fn settings() {
    let origins = [Origin::File(path(), 3), Origin::Flag("joins"), Origin::Environment("KABAR_JOINS".to_owned())];
    let values = [
        ValueError::NotOneOf { others: vec!["folded".to_owned(), "shown".to_owned()], last: "hidden".to_owned() },
        ValueError::NotSeconds,
        ValueError::NotAKey,
        ValueError::KeyBound { key: "f2".to_owned(), first: Origin::File(path(), 2) },
    ];
    for (origin, why) in origins.iter().flat_map(|origin| values.iter().map(move |why| (origin, why))) {
        let (name, value) = ("joins".to_owned(), "no".to_owned());
        let invalid = InvalidValue { name, value, origin: origin.clone(), why: why.clone() };
        let error = || ConfigError::from(Box::new(invalid.clone()));
        assert_translated(|| command_error(&error().into()).1, &error().to_string());
    }
    let lines = [
        LineError::NotToml("key with no value".to_owned()),
        LineError::UnknownKey { key: "x".to_owned(), listed_by: "kabar config" },
        LineError::NotSingle("x".to_owned()),
        LineError::NotTexts("x".to_owned()),
    ];
    for why in lines {
        let error = || ConfigError::File(ConfigFileError::Line { place: Origin::File(path(), 3), why: why.clone() });
        assert_translated(|| command_error(&error().into()).1, &error().to_string());
    }
    let error = || ConfigError::File(ConfigFileError::Read { path: path(), error: system(2) });
    assert_translated(|| command_error(&error().into()).1, &error().to_string());
    let error = || ConfigError::NoSetting("x");
    assert_translated(|| command_error(&error().into()).1, &error().to_string());
}

/// All errors of a store.
pub(in crate::messages) fn store_errors() -> Vec<StoreErrorKind> {
    vec![
        StoreErrorKind::DiskFull,
        StoreErrorKind::Locked,
        StoreErrorKind::ReadOnly,
        StoreErrorKind::Moved,
        StoreErrorKind::Damaged,
        StoreErrorKind::TooManyFiles,
        StoreErrorKind::Memory,
        StoreErrorKind::NoLocks,
        StoreErrorKind::Disk(10),
        StoreErrorKind::Contradiction,
        StoreErrorKind::Other(-1),
    ]
}

#[test]
fn rooms_that_are_not_hosted() {
    let host = |error: RoomHostError| command_error(&HostError::Start(error).into()).1;
    let histories: [fn(PathBuf) -> HostedHistory; 9] = [
        HostedHistory::Missing,
        HostedHistory::Foreign,
        HostedHistory::Newer,
        HostedHistory::Older,
        HostedHistory::Directory,
        HostedHistory::Empty,
        HostedHistory::LogOnly,
        HostedHistory::ForeignLog,
        HostedHistory::Restoring,
    ];
    for history in histories {
        assert_translated(|| host(history(path()).into()), &history(path()).to_string());
    }
    for kind in store_errors() {
        let error = || HostedHistory::Unusable(path(), kind);
        assert_translated(|| host(error().into()), &error().to_string());
        let error = || RoomHostError::Start(StartError::Store(ReadError(kind)));
        assert_translated(|| host(error()), &error().to_string());
    }
    let address = "127.0.0.1:9999".parse().unwrap();
    let starts: [&dyn Fn() -> RoomHostError; 6] = [
        &|| RoomHostError::InUse(path(), None),
        &|| RoomHostError::InUse(path(), Some(7)),
        &|| RoomHostError::File(FileError::damaged(&path(), Unusable::DamagedSecret)),
        &|| RoomHostError::Start(StartError::Bind(address, io::ErrorKind::AddrInUse.into())),
        &|| RoomHostError::Start(StartError::Bind(address, system(13))),
        &|| RoomHostError::Start(StartError::System(system(24))),
    ];
    for error in starts {
        assert_translated(|| host(error()), &error().to_string());
    }
    assert_translated(|| command_error(&HostError::Failed(ServerFailed).into()).1, &ServerFailed.to_string());
}

#[test]
fn transcripts() {
    let file = || FileError::new("write the transcript", &path())(system(28));
    let warnings: [&dyn Fn() -> TranscriptWarning; 5] = [
        &|| TranscriptWarning::NotReopened(FileError::new("open the transcript again", &path())(system(2))),
        &|| TranscriptWarning::NotWritable(file()),
        &|| TranscriptWarning::WritableAgain(path()),
        &|| TranscriptWarning::Incomplete { path: path(), lines: 1 },
        &|| TranscriptWarning::Incomplete { path: path(), lines: 2 },
    ];
    for warning in warnings {
        assert_translated(|| host_errors::transcript(&warning()), &warning().to_string());
    }
}

#[test]
fn losses() {
    let file = || FileError::new("write", &path())(system(28));
    let losses = [
        Loss::Input(InputError::Stdin(system(21).into())),
        Loss::Input(InputError::Terminal(system(1).into())),
        Loss::ServerNotStored(crate::known_servers::KnownServersError::File(file()).into()),
        Loss::Output { stream: OutputStream::Stdout, error: system(28).into() },
        Loss::OutputNotRead(OutputStream::Stderr),
        Loss::PositionNotSaved(file().into()),
        Loss::Transcript { path: path(), lines: 2 },
    ];
    for loss in losses {
        assert_no_english(|| notices::loss(&loss));
    }
    let error = || TargetError::from(io::Error::new(io::ErrorKind::InvalidData, NotText::Utf16));
    assert_translated(|| command_error(&error().into()).1, &error().to_string());
}
