//! Posts in the durable outbox.

use super::*;

/// Connects a front end and waits until the room is joined.
fn run(dir: &DataDir, address: SocketAddr) -> (Front, RoomId) {
    let mut front = Front::start_in(dir.clone(), true);
    front.connect(address, "lobby", "anna");
    let room = front.joined(ServerId(0));
    (front, room)
}

fn ended(front: &Front) -> Option<(u64, u64)> {
    front.seen.iter().find_map(|event| match event {
        Event::ServerEnded { unsent, kept, .. } => Some((*unsent, *kept)),
        _ => None,
    })
}

#[test]
fn a_post_that_was_not_sent_is_sent_by_the_next_run() {
    let server = serve("lobby", 0);
    let (address, (_home, dir)) = (server.local_addr(), temporary_dir());
    let (mut first, room) = run(&dir, address);
    first.post(room, "stored");
    first.text(room, "stored");
    server.stop().unwrap();
    first.until("ConnectionLost", |event| matches!(event, Event::ConnectionLost { .. }).then_some(()));
    for number in [2, 3] {
        first.post(room, &format!("kept {number}"));
        first.until("Posted", |event| matches!(event, Event::Posted { number: n, .. } if *n == number).then_some(()));
    }
    first.stop(Stop::Abort);
    assert_eq!(ended(&first), Some((0, 2)));
    let _server = serve("lobby", address.port());
    let (mut second, room) = run(&dir, address);
    second.ever("OutboxResumed", |event| matches!(event, Event::OutboxResumed { lines: 2, .. }).then_some(()));
    second.post(room, "new");
    second.until("Posted", |event| matches!(event, Event::Posted { number: 1, .. }).then_some(()));
    second.text(room, "new");
    second.ever("Stored", |event| matches!(event, Event::Stored { number: 1, .. }).then_some(()));
    second.stop(LEAVE);
    assert_eq!(ended(&second), Some((0, 0)));
    let (mut third, room) = run(&dir, address);
    third.post(room, "end");
    third.text(room, "end");
    third.handle.send(Command::History { room, before: 0, count: 50 });
    let page = third
        .until("HistoryPage", |event| if let Event::HistoryPage(page) = event { Some(page.clone()) } else { None });
    let texts: Vec<_> = page.entries.iter().filter(|entry| entry.kind == EntryKind::TEXT).map(body).collect();
    assert_eq!(texts, ["kept 2", "kept 3", "new", "end"], "each once, in order");
    third.stop(LEAVE);
}

#[test]
fn more_posts_than_the_client_holds_arrive_in_order() {
    const POSTS: usize = 100;
    let server = serve("lobby", 0);
    let (_home, dir) = temporary_dir();
    let (mut front, room) = run(&dir, server.local_addr());
    let text = |number: usize| format!("{number:->4000}");
    (0..POSTS).for_each(|number| front.post(room, &text(number)));
    for number in 0..POSTS {
        front.ever("the post", |event| {
            matches!(event, Event::Entry(entry) if body(entry) == text(number)).then_some(())
        });
    }
    let numbers = front
        .seen
        .iter()
        .filter_map(|event| if let Event::Posted { number, .. } = event { Some(*number) } else { None });
    assert!(numbers.eq(1..=POSTS as u64));
    front.stop(LEAVE);
}

#[test]
fn posts_without_a_history_are_as_long_as_the_process() {
    let server = serve("lobby", 0);
    let (_home, dir) = temporary_dir();
    std::fs::write(dir.join("history"), "no directory").unwrap();
    let (mut front, room) = run(&dir, server.local_addr());
    server.stop().unwrap();
    front.until("ConnectionLost", |event| matches!(event, Event::ConnectionLost { .. }).then_some(()));
    front.post(room, "lost");
    front.until("Posted", |event| matches!(event, Event::Posted { .. }).then_some(()));
    front.stop(Stop::Abort);
    assert_eq!(ended(&front), Some((1, 0)));
}

#[test]
fn posts_of_all_killed_processes_are_sent_by_the_next_run() {
    let servers = [("lobby", serve("lobby", 0)), ("ops", serve("ops", 0))];
    let (_home, dir) = temporary_dir();
    // Both run at the same time, so each has an outbox.
    let killed = servers.map(|(name, server)| {
        let address = server.local_addr();
        let mut front = Front::start_in(dir.clone(), true);
        front.connect(address, name, "anna");
        let room = front.joined(ServerId(0));
        server.stop().unwrap();
        front.until("ConnectionLost", |event| matches!(event, Event::ConnectionLost { .. }).then_some(()));
        front.post(room, &format!("kept in {name}"));
        front.until("Posted", |event| matches!(event, Event::Posted { .. }).then_some(()));
        (name, address, front)
    });
    let places = killed.map(|(name, address, mut front)| {
        front.stop(Stop::Abort);
        assert_eq!(ended(&front), Some((0, 1)));
        (name, address)
    });
    let _servers = places.map(|(name, address)| serve(name, address.port()));
    let mut next = Front::start_in(dir, true);
    for (name, address) in places {
        next.connect(address, name, "anna");
    }
    for (name, _) in places {
        next.ever(name, |event| match event {
            Event::Entry(entry) => (body(entry) == format!("kept in {name}")).then_some(()),
            _ => None,
        });
    }
    next.stop(LEAVE);
    assert_eq!(ended(&next), Some((0, 0)));
}

#[test]
fn posts_of_three_killed_processes_in_one_room_are_sent_by_the_next_run() {
    let server = serve("lobby", 0);
    let (address, (_home, dir)) = (server.local_addr(), temporary_dir());
    let mut killed: Vec<_> = (0..3).map(|_| run(&dir, address)).collect();
    server.stop().unwrap();
    for (number, (front, room)) in (1..).zip(&mut killed) {
        front.until("ConnectionLost", |event| matches!(event, Event::ConnectionLost { .. }).then_some(()));
        front.post(*room, &format!("kept by {number}"));
        front.until("Posted", |event| matches!(event, Event::Posted { .. }).then_some(()));
    }
    for (mut front, _) in killed {
        front.stop(Stop::Abort);
        assert_eq!(ended(&front), Some((0, 1)));
    }
    let _server = serve("lobby", address.port());
    let (mut next, room) = run(&dir, address);
    for number in 1..=3 {
        next.ever("what was kept", |event| match event {
            Event::Entry(entry) => (body(entry) == format!("kept by {number}")).then_some(()),
            _ => None,
        });
    }
    next.post(room, "new");
    next.text(room, "new");
    next.stop(LEAVE);
    assert_eq!(ended(&next), Some((0, 0)));
    let is_hidden = |event: &Event| {
        let server = match event {
            Event::ServerAdded { server, .. } | Event::ServerEnded { server, .. } => *server,
            Event::Joined(joined) => joined.room.server,
            Event::Entry(entry) => entry.room.server,
            Event::OutboxResumed { room, .. } => room.server,
            _ => return true,
        };
        server == ServerId(0)
    };
    assert!(next.seen.iter().all(is_hidden), "{:?}", next.seen);
    let resumed = next.seen.iter().filter(|event| matches!(event, Event::OutboxResumed { lines: 1, .. }));
    assert_eq!(resumed.count(), 3);
    let entries = next.seen.iter().filter_map(|event| if let Event::Entry(entry) = event { Some(entry) } else { None });
    let kept = entries.filter(|entry| entry.kind == EntryKind::TEXT && body(entry).starts_with("kept"));
    assert_eq!(kept.count(), 3, "each once");
    let (mut last, room) = run(&dir, address);
    last.post(room, "end");
    last.text(room, "end");
    assert!(!last.seen.iter().any(|event| matches!(event, Event::OutboxResumed { .. })), "nothing waits");
    last.stop(LEAVE);
}
