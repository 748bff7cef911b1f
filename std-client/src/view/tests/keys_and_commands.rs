use kabar_core::chat::MAX_TEXT_LEN;
use kabar_core::session::Fingerprint;
use kabar_std::invite::{Invite, RoomSecret};

use super::fixture::*;
use crate::engine::event::{ListedRoom, NotPosted, ServerEnd};
use crate::engine::{Command, Event};
use crate::view::Effect;

fn posts(commands: Vec<Command>) -> Vec<String> {
    let posts = commands.into_iter().filter_map(|command| match command {
        Command::Post { text, .. } => Some(text),
        _ => None,
    });
    posts.collect()
}

#[test]
fn posts_what_is_typed_and_counts_what_is_unsent() {
    let mut fixture = Fixture::joined(60, 10, &["lobby"]);
    fixture.send("hello");
    fixture.type_text("two");
    fixture.press("alt-enter");
    fixture.send("lines");
    assert_eq!(posts(fixture.commands()), ["hello", "two\nlines"]);
    assert!(fixture.shows("2 unsent") && fixture.shows("\u{2026} two lines"));
    fixture.event(Event::Posted { room: room(0), number: 1 });
    fixture.event(Event::NotPosted { room: room(0), why: NotPosted::TooMany });
    assert!(fixture.shows("1 unsent") && fixture.shows("not sent: two"));
    fixture.event(Event::Stored { room: room(0), number: 1, seq: 1 });
    assert!(!fixture.shows("unsent") && !fixture.shows("\u{2026}"));
    fixture.press("up");
    assert_eq!(fixture.typed(), "two\nlines", "it can be recalled");
}

#[test]
fn the_text_alone_has_whole_lines() {
    let mut fixture = Fixture::joined(40, 10, &["lobby"]);
    let long = "a line that is longer than the screen is wide, ".repeat(3);
    fixture.event(Event::Output { room: room(0), text: format!("\x1b{long}|") });
    fixture.press("alt-l");
    let effect = fixture.effects.pop();
    assert!(
        matches!(&effect, Some(Effect::Bare(lines)) if lines.iter().any(|line| line.ends_with(&format!("{long}|")))
            && lines.iter().all(|line| !line.contains('\x1b'))),
        "{effect:?}"
    );
}

#[test]
fn a_message_or_the_last_invite_is_copied() {
    let mut fixture = Fixture::joined(80, 12, &["lobby"]);
    let copied = |fixture: &mut Fixture| {
        fixture.press("alt-c");
        let copy = |effect| if let Effect::Copy(text) = effect { Some(text) } else { None };
        std::mem::take(&mut fixture.effects).into_iter().find_map(copy)
    };
    assert_eq!(copied(&mut fixture), None);
    assert!(fixture.shows("no message is selected"));
    let (fingerprint, secret) = ("PGF5DQOYMHZMD7NXJ74BGKQ6ZQ5M5QCK", "DLAQ7RJBBXIXRLFEMYVJP4YM3E");
    let invite = |room: &str| format!("kabar://192.0.2.2:9999/{room}/{fingerprint}.{secret}");
    fixture.event(Event::Output { room: room(0), text: format!("others join by\n  {}", invite("ops")) });
    fixture.text(0, "anna", &format!("join {}", invite("other")));
    assert_eq!(copied(&mut fixture), Some(invite("ops")), "a notice before what a member writes");
    fixture.press("alt-up");
    assert_eq!(copied(&mut fixture), Some(format!("join {}", invite("other"))));
}

#[test]
fn a_text_that_cannot_be_sent_stays() {
    let mut fixture = Fixture::joined(60, 10, &["lobby"]);
    let long = "x".repeat(MAX_TEXT_LEN + 1);
    fixture.effects.extend(fixture.view.on_paste(&long));
    fixture.press("enter");
    assert!(fixture.shows("not sent: 4097 bytes, at most 4096") && fixture.typed() == long);
    fixture.press("backspace enter");
    assert_eq!(posts(fixture.commands()).len(), 1);
    fixture.send(" /who");
    assert!(fixture.shows("remove the space") && fixture.typed() == " /who");
}

#[test]
fn unknown_commands_suggest() {
    let mut fixture = Fixture::joined(100, 10, &["lobby"]);
    fixture.send("/helpp");
    assert!(fixture.shows("unknown command /helpp: did you mean /help?"), "{:#?}", fixture.screen());
    fixture.send("/delete x");
    assert!(fixture.shows("usage: /delete [NUMBER]"));
    assert!(posts(fixture.commands()).is_empty());
}

#[test]
fn commands_go_to_the_engine() {
    let mut fixture = Fixture::joined(80, 10, &["lobby", "ops"]);
    let mut sent = |line: &str| {
        fixture.send(line);
        let commands = fixture.commands();
        format!("{commands:?}").split([' ', '(']).next().unwrap_or_default().trim_matches(['[', ']']).to_owned()
    };
    for (line, command) in [
        ("/who", "ListMembers"),
        ("/nick x", "Rename"),
        ("/delete 3", "Remove"),
        ("/ignore bob", "Ignore"),
        ("/ignore", "ListIgnored"),
        ("/unignore bob", "Unignore"),
        ("/joins off", "ShowJoins"),
        ("/notify all", "SetNotify"),
        ("/rooms", "ListRooms"),
        ("/join #garden", "Join"),
        ("/part ops", "Part"),
        ("/topic new", "Operate"),
        ("/kick bob", "Operate"),
        ("/stats", "Stats"),
        ("/me waves", "Post"),
        ("/topic", ""),
        ("/history", ""),
    ] {
        assert_eq!(sent(line), command, "{line}");
    }
    fixture.send("/quit");
    assert!(matches!(fixture.effects[..], [Effect::Leave { at_once: false }]));
    fixture.send("/room #ops");
    assert_eq!(fixture.view.layout().title, "#ops");
    fixture.send("/join lobby");
    assert_eq!(fixture.view.layout().title, "#lobby");
}

#[test]
fn a_list_is_displayed_only_if_it_was_requested() {
    let mut fixture = Fixture::joined(60, 10, &["lobby"]);
    fixture.members(0, &["anna", "me"]);
    assert!(!fixture.shows("2 here"));
    fixture.send("/who");
    fixture.members(0, &["anna", "me"]);
    assert!(fixture.shows("2 here: anna, me"));
    let garden = ListedRoom { name: "garden".to_owned(), topic: "plants".to_owned(), members: 3, is_private: false };
    fixture.event(Event::RoomList { server: SERVER, rooms: vec![garden.clone()] });
    assert!(!fixture.shows("plants"));
    fixture.send("/rooms");
    fixture.event(Event::RoomList { server: SERVER, rooms: vec![garden] });
    assert!(fixture.shows("#garden  3 here  plants"));
    fixture.type_text("/join g");
    fixture.press("tab");
    assert_eq!(fixture.typed(), "/join garden ");
}

#[test]
fn completes_by_tab() {
    let mut fixture = Fixture::joined(60, 10, &["lobby"]);
    fixture.members(0, &["anna", "anton", "me"]);
    fixture.text(0, "anton", "hello");
    fixture.type_text("an");
    fixture.press("tab");
    assert_eq!(fixture.typed(), "anton: ");
    assert!(fixture.shows(" anton: anna:"), "the others are displayed");
    fixture.press("tab");
    assert_eq!(fixture.typed(), "anna: ");
    fixture.press("shift-tab");
    fixture.type_text("hi :+1");
    fixture.press("tab tab tab");
    assert_eq!(fixture.typed(), "anton: hi \u{1f44d} ");
}

#[test]
fn interrupt_clears_and_then_asks() {
    let mut fixture = Fixture::joined(60, 10, &["lobby"]);
    fixture.type_text("hello");
    fixture.press("ctrl-c");
    assert_eq!(fixture.typed(), "");
    fixture.press("ctrl-_");
    assert_eq!(fixture.typed(), "hello");
    fixture.press("ctrl-c ctrl-c");
    assert!(fixture.shows("leave? (y/n"));
    fixture.press("x n");
    assert!(!fixture.shows("leave?") && fixture.commands().is_empty());
    fixture.press("ctrl-c y");
    assert!(matches!(fixture.effects[..], [Effect::Leave { at_once: false }]));
    fixture.effects.clear();
    fixture.press("ctrl-c ctrl-c");
    assert!(matches!(fixture.effects[..], [Effect::Leave { at_once: true }]));
}

#[test]
fn drafts_stay_in_their_rooms() {
    let mut fixture = Fixture::joined(60, 10, &["lobby", "ops"]);
    fixture.type_text("a draft");
    fixture.press("ctrl-n");
    assert_eq!(fixture.typed(), "");
    assert!(
        fixture
            .commands()
            .iter()
            .any(|command| matches!(command, Command::SaveDraft { text, .. } if text == "a draft"))
    );
    fixture.press("ctrl-p");
    assert_eq!(fixture.typed(), "a draft");
    assert_eq!(fixture.view.drafts().len(), 1);
}

#[test]
fn questions_take_the_place_of_the_input() {
    let mut fixture = Fixture::joined(80, 10, &["lobby"]);
    fixture.type_text("draft");
    fixture.event(Event::KeyQuestion { server: SERVER, found: Fingerprint([1; 20]) });
    fixture.event(Event::PasswordQuestion { server: SERVER, room: "lobby".parse().unwrap(), was_wrong: true });
    assert!(fixture.shows("the key is not known") && fixture.shows("accept the key of kabar.example:7777? (y/n)"));
    fixture.press("x y");
    assert!(matches!(fixture.commands()[..], [Command::AnswerKey { accept: true, .. }]));
    fixture.type_text("secret");
    fixture.press("backspace");
    assert!(fixture.shows("wrong password; password of #lobby: *****") && !fixture.shows("secre"));
    fixture.press("enter");
    let commands = fixture.commands();
    assert!(matches!(&commands[..], [Command::Password { password: Some(it), .. }] if **it == "secre"));
    // Until the server has answered, what is typed may be meant as a password.
    fixture.send("secret");
    assert!(fixture.shows("checking the password of #lobby") && fixture.commands().is_empty());
    fixture.event(Event::PasswordQuestion { server: SERVER, room: "lobby".parse().unwrap(), was_wrong: true });
    assert!(fixture.shows("wrong password; password of #lobby:") && !fixture.shows("checking"));
    fixture.send("right");
    fixture.join(0, 0, None, true);
    assert_eq!((fixture.typed(), fixture.shows("checking")), ("draft", false));
}

#[test]
fn an_invite_joins_on_its_server_or_connects_to_it() {
    let invite = |key: u8, room: &str| Invite {
        places: "there.example:1".parse().unwrap(),
        room: room.parse().unwrap(),
        fingerprint: Fingerprint([key; 20]),
        secret: RoomSecret::from_base32(&"A".repeat(26)).unwrap(),
    };
    let mut fixture = Fixture::joined(80, 10, &["lobby"]);
    fixture.send(&format!("/join {}", invite(0, "den")));
    assert!(matches!(&fixture.commands()[..], [Command::Join { server: SERVER, room }] if room.credentials.len() == 2));
    fixture.event(Event::RoomAdded { room: room(1), name: "den".parse().unwrap() });
    assert!(fixture.shows("[#den]"), "the room that was asked for is shown");
    fixture.effects.clear();
    fixture.send(&format!("/join {}", invite(7, "lobby")));
    let effects = std::mem::take(&mut fixture.effects);
    assert!(matches!(&effects[..], [Effect::Connect(other)] if **other == invite(7, "lobby")), "{effects:?}");
    fixture.send("/join kabar://cut");
    assert!(fixture.effects.is_empty() && fixture.shows("cut off"));
}

#[test]
fn a_server_that_was_left_is_not_displayed_any_longer() {
    let mut fixture = Fixture::joined(80, 10, &["lobby"]);
    fixture.event(Event::ServerEnded { server: SERVER, end: ServerEnd::Left, unsent: 0, kept: 0 });
    assert!(!fixture.shows("lobby") && fixture.shows("You are in no room"), "{:?}", fixture.screen());
}

#[test]
fn the_opening_text_is_below_what_the_room_had() {
    let mut fixture = Fixture::empty(80, 12);
    fixture.view.set_opening("others join with".to_owned());
    let places = "kabar.example:7777".parse().unwrap();
    fixture.event(Event::ServerAdded { server: SERVER, places, is_host: true });
    fixture.event(Event::RoomAdded { room: room(0), name: "lobby".parse().unwrap() });
    fixture.join(0, 2, None, false);
    fixture.text(0, "anna", "one");
    assert!(!fixture.shows("others join with"));
    fixture.text(0, "anna", "two");
    fixture.text(0, "anna", "three");
    let screen = fixture.screen();
    let row = |text: &str| screen.iter().position(|row| row.contains(text)).unwrap();
    assert!(row("two") < row("others join with") && row("others join with") < row("three"), "{screen:?}");
}

#[test]
fn searches_and_marks() {
    let mut fixture = Fixture::joined(40, 10, &["lobby"]);
    (1..=60).for_each(|number| {
        fixture.text(0, "anna", &format!("#{number}. {}", if number % 20 == 0 { "Needle" } else { "hay" }))
    });
    fixture.press("ctrl-f");
    fixture.type_text("needle");
    assert!(fixture.shows("#60.") && fixture.shows("search: needle"));
    fixture.press("up");
    assert!(fixture.shows("#40.") && !fixture.shows("#60."));
    let marked: Vec<_> = fixture
        .view
        .layout()
        .areas
        .into_iter()
        .flat_map(|area| area.rows)
        .flat_map(|row| row.spans)
        .filter(|span| span.is_match)
        .map(|span| span.text)
        .collect();
    assert_eq!(marked, ["Needle"]);
    fixture.press("up up");
    assert!(fixture.shows("#20.") && fixture.shows("not found: needle"));
    fixture.press("down enter");
    assert!(fixture.shows("#40.") && fixture.shows("[#lobby]"));
    fixture.press("ctrl-f escape");
    assert!(fixture.shows("#60."));
}

#[test]
fn quotes_the_selected_message() {
    let mut fixture = Fixture::joined(40, 12, &["lobby"]);
    fixture.text(0, "anna", "first");
    fixture.text(0, "bob", "second\nline");
    fixture.press("alt-q");
    assert_eq!(fixture.typed(), "> bob: second\n> line\n");
    fixture.press("ctrl-c alt-up alt-up alt-q");
    assert_eq!(fixture.typed(), "> anna: first\n");
}

#[test]
fn help_shows_keys_and_commands() {
    let mut fixture = Fixture::joined(80, 20, &["lobby"]);
    fixture.press("f1");
    assert!(fixture.shows("ctrl-n, alt-right, ctrl-p, alt-left") && fixture.shows("next, previous room"));
    fixture.press("pagedown pagedown pagedown");
    assert!(fixture.shows("/help  this list"));
    fixture.press("escape");
    assert!(!fixture.shows("/help  this list"));
    fixture.send("/help");
    assert!(fixture.shows("Keys"));
}

#[test]
fn a_click_shows_a_room_and_the_wheel_scrolls() {
    let mut fixture = Fixture::joined(80, 10, &["lobby", "ops"]);
    (0..30).for_each(|_| fixture.text(0, "anna", "hello"));
    assert!(fixture.view.on_wheel(true).is_empty() && fixture.shows("more below"));
    assert!(fixture.view.on_wheel(false).is_empty() && !fixture.shows("more below"));
    fixture.effects = fixture.view.on_click(3, 1);
    assert_eq!(fixture.view.layout().title, "#ops");
    for cell in [(3, 5), (40, 3), (0, 9), (500, 500)] {
        assert!(fixture.view.on_click(cell.0, cell.1).is_empty());
    }
}

#[test]
fn without_a_room_it_says_so() {
    let mut fixture = Fixture::empty(40, 6);
    fixture.send("hello");
    assert!(fixture.shows("you are in no room") && fixture.typed() == "hello");
    fixture.press("ctrl-c alt-1 ctrl-n alt-a ctrl-f tab alt-q alt-up pageup");
    fixture.send("/who");
    assert!(fixture.shows("you are on no server"));
}
