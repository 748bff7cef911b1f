//! How the server handles messages: it admits, stores and delivers.

use super::*;

impl Server {
    pub(super) fn answer(&mut self, at: usize, now: Instant, message: &[u8]) {
        match ClientMessage::decode(message).unwrap().unwrap() {
            ClientMessage::Join(join) => self.join(at, now, &join),
            ClientMessage::Post(post) => self.post(at, &post),
            ClientMessage::Request { handle, request } => self.answer_request(at, handle, request),
            ClientMessage::Leave { handle } => {
                self.left += 1;
                self.left_rooms.push(NAMES[usize::from(handle - HANDLE)]);
                self.peers[at].members.retain(|member| member.handle() != handle);
            }
        }
    }

    fn answer_request(&mut self, at: usize, handle: u8, request: Request<'_>) {
        let room = usize::from(handle - HANDLE);
        if let Request::History { before, count } = request {
            let before = if before == 0 { self.rooms[room].head() + 1 } else { before };
            for seq in before.saturating_sub(u64::from(count)).max(1)..before {
                let logged = self.rooms[room].log[seq as usize - 1].clone();
                let entry = Entry { header: header_of(seq, &logged), body: &logged.body };
                let remaining = (before - seq - 1) as u16;
                self.send_info(at, Info::HistoryEntry { handle, remaining, entry: Some(entry) });
            }
        } else {
            self.send_info(at, Info::MemberListed { handle, remaining: 0, name: Some("bob") });
        }
    }

    pub(super) fn send_info(&mut self, at: usize, info: Info<'_>) {
        self.send(at, &ServerMessage::Info(info));
    }

    fn join(&mut self, at: usize, now: Instant, join: &Join<'_>) {
        let exporter = *self.peers[at].connection.exporter().unwrap();
        let mut statement = [0; 160];
        let len = join_statement(&exporter, &join.identity, join.room, &mut statement).unwrap();
        assert!(join.identity.verify(&statement[..len], &join.signature), "the signature is over this connection");
        self.joins.push(Joined {
            room: join.room.into(),
            instance: join.instance,
            start: join.start,
            password: match join.authentication {
                Authentication::Password(password) => Some(password.to_vec()),
                _ => None,
            },
            is_default_name: join.is_default_name,
        });
        if self.rules.is_mute || self.rules.is_mute_in == Some(join.room) {
            return;
        }
        let Some(room) = NAMES.iter().position(|name| *name == join.room) else {
            self.refuse(at, join.room, RefusedCode::UNKNOWN_ROOM);
            return;
        };
        let is_member = self.peers[at].members.iter().any(|member| member.room == room);
        assert!(!is_member, "SPEC 6.2: one Join per room");
        let is_admitted = match join.authentication {
            Authentication::None => true,
            Authentication::Secret(proof) => proof == hmac(&SECRET, &[&exporter, b"c"]),
            Authentication::Password(password) => password == PASSWORD,
        };
        let refused = self.rules.refuses.or((!is_admitted).then_some(RefusedCode::AUTHENTICATION));
        let refused_in = self.rules.refuses_in.filter(|(name, _)| *name == join.room).map(|(_, code)| code);
        if let Some(code) = refused.or(refused_in) {
            self.refuse(at, join.room, code);
            return;
        }
        // SPEC 5.7: the later connection of an identity replaces the earlier one.
        for (other, peer) in self.peers.iter_mut().enumerate() {
            if other != at && peer.members.iter().any(|member| member.identity == join.identity) {
                peer.connection.close(now, CloseCode::REPLACED, "");
                peer.members.clear();
            }
        }
        let instances = &mut self.rooms[room].instances;
        let instance = match instances.iter().find(|known| known.instance == join.instance) {
            Some(known) => known.instance,
            None => {
                self.given += 1;
                let instance = 0x1000 + self.given;
                instances.push(Instances { instance, identity: join.identity, highest: 0 });
                instance
            }
        };
        let known = instances.iter().find(|known| known.instance == instance).unwrap();
        assert_eq!(known.identity, join.identity);
        let highest = known.highest;
        if let Some(raw) = self.rules.before_welcome.clone() {
            self.peers[at].outgoing.push_back(raw);
        }
        let (start, is_reset) = self.start(room, join.start);
        let start = self.rules.starts_at.unwrap_or(start);
        if is_reset {
            self.send(at, &ServerMessage::Reset { handle: handle_of(room) });
        }
        let is_impostor = self.rules.is_impostor || self.rules.is_impostor_in == Some(join.room);
        let proof = server_proof(if is_impostor { b"another secret.." } else { &SECRET }, &exporter);
        let (term, head) = (self.terms.last().unwrap().0, self.rooms[room].head());
        let first = self.rules.first.unwrap_or(self.rooms[room].dropped + 1);
        self.send(
            at,
            &ServerMessage::Welcome(Welcome {
                handle: self
                    .rules
                    .handle_in
                    .filter(|(name, _)| *name == join.room)
                    .map_or(handle_of(room), |(_, it)| it),
                room: join.room,
                name: join.name,
                term,
                first,
                head,
                start,
                instance,
                highest_stored: highest,
                members: 1,
                proof,
            }),
        );
        self.peers[at].closes = None;
        self.peers[at].members.push(Member {
            room,
            name: join.name.into(),
            identity: join.identity,
            instance,
            cursor: start,
            largest: usize::from(join.max_entry_len),
            refused: 0,
        });
    }

    /// SPEC 6.3: the connection is closed if it is in no room. Every Join is answered at once, so
    /// none is in progress.
    fn refuse(&mut self, at: usize, room: &str, code: RefusedCode) {
        let room = if self.rules.omits_room { "" } else { room };
        self.send(at, &ServerMessage::Refused { code, text: REFUSAL, room });
        self.peers[at].closes = Some(CloseCode::REFUSED);
    }

    /// SPEC 7: where delivery begins, and whether the cursor was not valid.
    fn start(&self, room: usize, start: Start) -> (u64, bool) {
        let (head, dropped) = (self.rooms[room].head(), self.rooms[room].dropped);
        let last = |count: u32| head.saturating_sub(u64::from(count)).max(dropped);
        match start {
            Start::Head => (head, false),
            Start::Last(count) => (last(count), false),
            Start::After { seq, term, fallback_count } => {
                let at = self.terms.iter().position(|(known, _)| *known == term);
                let is_valid = at.is_some_and(|at| {
                    let end = self.terms.get(at + 1).map_or(head, |(_, first)| first[room] - 1);
                    seq <= end
                });
                if is_valid { (seq.max(dropped), false) } else { (last(fallback_count), true) }
            }
        }
    }

    /// SPEC 6.5.
    fn post(&mut self, at: usize, post: &Post<'_>) {
        self.posts.push((post.number, post.settled));
        let member = self.peers[at].members.iter_mut().find(|member| member.handle() == post.handle);
        let Some(member) = member else { panic!("a post to a room that it is not in") };
        assert_eq!(post.instance, member.instance);
        let (handle, room) = (member.handle(), member.room);
        if self.rules.ignores_posts || self.rules.ignores_posts_in == Some(NAMES[room]) || member.refused > post.settled
        {
            return;
        }
        let name = member.name.clone();
        let instance = self.rooms[room].instances.iter_mut().find(|known| known.instance == post.instance).unwrap();
        if post.number > instance.highest {
            assert!(post.number - 1 <= instance.highest.max(post.settled), "nothing below may be open");
            if self.rules.refuses_post.as_deref() == Some(post.body) {
                member.refused = post.number;
                let (instance, number) = (post.instance, post.number);
                self.send(at, &ServerMessage::PostRefused { handle, instance, number, code: PostRefusedCode::MUTED });
                return;
            }
            instance.highest = post.number;
            self.rooms[room].log.push(Logged {
                author: name,
                instance: post.instance,
                number: post.number,
                kind: post.kind,
                body: post.body.to_vec(),
            });
        }
        if !self.rules.is_silent {
            let number =
                self.rooms[room].instances.iter().find(|known| known.instance == post.instance).unwrap().highest;
            let seq = self.rooms[room].head();
            self.send(at, &ServerMessage::Stored { handle, instance: post.instance, number, seq });
        }
    }

    /// An entry of each room in turn.
    pub(super) fn deliver(&mut self, at: usize) {
        while (0..self.peers[at].members.len()).filter(|member| self.deliver_one(at, *member)).count() > 0 {}
    }

    fn deliver_one(&mut self, at: usize, member: usize) -> bool {
        if !self.rules.holds_entries && self.peers[at].outgoing.len() < 4 {
            let member = &mut self.peers[at].members[member];
            let (room, handle) = (member.room, member.handle());
            if member.cursor >= self.rooms[room].head() {
                return false;
            }
            member.cursor += 1;
            let (seq, largest) = (member.cursor, member.largest);
            let logged = self.rooms[room].log[seq as usize - 1].clone();
            let entry_header = header_of(seq, &logged);
            if self.rules.skips == Some(seq) {
                return true;
            }
            let times = if self.rules.repeats == Some(seq) { 2 } else { 1 };
            for _ in 0..times {
                if logged.body.len() > largest {
                    let size = logged.body.len() as u16;
                    self.send(at, &ServerMessage::Stub { handle, header: entry_header, size });
                } else {
                    let entry = Entry { header: entry_header, body: &logged.body };
                    self.send(at, &ServerMessage::Entry { handle, entry });
                }
            }
            return true;
        }
        false
    }
}
