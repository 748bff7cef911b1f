//! Texts of the classic dialect (SPEC 11): a login becomes a Join, and what a member writes a Post.

use core::net::SocketAddr;

use kabar_core::chat::message::{client_proof, join_statement};
use kabar_core::chat::{Authentication, ClientMessage, Join, MAX_BODY_LEN, MAX_MESSAGE_LEN, Start};
use kabar_core::classic::{Answer, Login, Post, PostError, PrivateKey, Request};
use kabar_core::connection::Transmit;
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;
use kabar_std::names::Name;
use rand_core::Rng;

use super::Hub;
use super::classic::{Classic, ClassicLink, HISTORY, NewLink};
use super::connection_events::on_connection_input;
use super::fairness::prefix::Prefix;
use super::peer::{NewPeer, Peers, Route};

/// The answer to a text of somebody who is no member any more.
const NOT_JOINED: &str = "You are no longer in the chat: join again.";
/// The answer to a login when the table is full.
const FULL: &str = "Not admitted: the chat is full.";
/// The answer to a login that the server has no place for at the moment.
const BUSY: &str = "Not admitted: try again later.";
/// Length of the statement that a Join signs, with the longest name of a room.
const STATEMENT_LEN: usize = 11 + 32 + 32 + 255;

impl<P: Provider> Hub<P> {
    /// Handles a datagram that begins as those of the dialect do. Nothing is answered but the exact
    /// request for a key, and texts that were encrypted with the key of their address.
    pub(super) fn receive_classic(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        let Some(classic) = &mut self.classic else { return };
        let wall_ms = self.context.wall_ms(now);
        let counters = &mut self.context.counters;
        counters.classic_bytes += datagram.len() as u64;
        match Request::decode(datagram) {
            None => counters.malformed += 1,
            Some(_) if self.context.is_stopping => {}
            Some(Request::PublicKey) => counters.classic_limited += u64::from(!classic.answer_key(now, wall_ms, from)),
            Some(Request::Encrypted(datagram)) => match self.classic_member(from) {
                Some(id) => self.receive_member_text(now, from, id, datagram),
                None => self.receive_stranger_text(now, from, datagram),
            },
        }
    }

    /// The connection of a member at an address.
    fn classic_member(&self, from: SocketAddr) -> Option<u32> {
        let id = self.classic.as_ref()?.connection(from)?;
        self.peers.get(id).filter(|peer| is_at(&peer.link.connection, from)).map(|_| id)
    }

    fn receive_member_text(&mut self, now: Instant, from: SocketAddr, id: u32, datagram: &[u8]) {
        let Self { classic: Some(classic), peers, rooms, context, .. } = self else { return };
        let Some(peer) = peers.get_mut(id) else { return };
        let Some(link) = peer.link.connection.classic_mut() else { return };
        if !link.may_decrypt(now) {
            context.counters.classic_limited += 1;
            return;
        }
        let answer = match classic.decrypt(context.wall_ms(now), from, Some(*link.key()), datagram) {
            None => {
                context.counters.classic_undecrypted += 1;
                link.take_error(now).then_some(Answer::InvalidFormat)
            }
            Some((key, text)) => {
                link.note_text(now, key, datagram.len());
                match Post::parse(&text) {
                    Ok(post) if post.name == link.name() => {
                        context.counters.classic_limited += u64::from(!link.post(post.message));
                        None
                    }
                    Err(PostError::Integrity) => Some(Answer::IntegrityCompromised),
                    // The answers to its login were lost.
                    Err(_) if is_login(classic, link, &text) => {
                        link.answer_login();
                        None
                    }
                    Ok(_) | Err(_) => Some(Answer::InvalidFormat),
                }
            }
        };
        if let Some(answer) = answer {
            context.counters.classic_refused += 1;
            link.answer(answer);
        }
        on_connection_input(now, rooms, context, peer);
    }

    fn receive_stranger_text(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        let Self { classic: Some(classic), context, .. } = self else { return };
        let wall_ms = context.wall_ms(now);
        let counters = &mut context.counters;
        if !classic.take_text(now, from) {
            counters.classic_limited += 1;
            return;
        }
        let Some((key, text)) = classic.decrypt(wall_ms, from, None, datagram) else {
            counters.classic_undecrypted += 1;
            return;
        };
        let answer = match Login::parse(&text) {
            _ if Post::parse(&text).is_ok() => NOT_JOINED.to_owned(),
            None => Answer::InvalidFormat.to_string(),
            Some(login) => match classic.check_password(now, from, &login) {
                None => {
                    counters.passwords_limited += 1;
                    return;
                }
                Some(true) => return self.log_in(now, from, key, login.name),
                Some(false) => {
                    counters.wrong_passwords += 1;
                    Answer::IncorrectPassword.to_string()
                }
            },
        };
        counters.classic_refused += 1;
        // Two or three numbers that were made up may decrypt: that must not pay.
        if answer.len() <= datagram.len() {
            classic.answer(from, &answer);
        }
    }

    /// Joins a client that knows the password.
    fn log_in(&mut self, now: Instant, from: SocketAddr, key: PrivateKey, stated: &str) {
        self.context.counters.classic_logins += 1;
        let name = match self.check_login(now, stated) {
            Ok(name) => name,
            Err(text) => {
                self.context.counters.classic_refused += 1;
                self.classic.as_mut().map(|classic| classic.answer(from, &text));
                return;
            }
        };
        if !self.make_room(now, Prefix::of(from)) {
            self.classic.as_mut().map(|classic| classic.answer(from, BUSY));
            return;
        }
        let Self { door, classic: Some(classic), peers, rooms, context } = self else { return };
        let mut exporter = [0; 32];
        context.rng.fill_bytes(&mut exporter);
        let id = loop {
            let id = context.rng.next_u32();
            if id != 0 && peers.get(id).is_none() && !door.has_half_open(id) {
                break id;
            }
        };
        let (identity, room) = (classic.identity(&name), classic.room());
        let mut statement = [0; STATEMENT_LEN];
        let len = join_statement(&exporter, &identity.public(), room, &mut statement).unwrap_or_default();
        // Whoever knows this password is admitted as by the standing invite, under the same rules.
        let invite = context.invites.standing(Some(room)).or_else(|| context.invites.standing(None));
        let join = ClientMessage::Join(Join {
            room,
            name: name.shown(),
            identity: identity.public(),
            signature: identity.sign(&statement[..len]),
            authentication: invite
                .map_or(Authentication::None, |invite| Authentication::Secret(client_proof(&invite.secret, &exporter))),
            instance: 0,
            start: Start::Last(HISTORY),
            max_entry_len: MAX_BODY_LEN as u16,
            is_default_name: false,
        });
        let mut buffer = [0; MAX_MESSAGE_LEN];
        let Ok(len) = join.encode(&mut buffer) else { return };
        let timeout = context.config.limits.classic_timeout;
        let new = NewLink { address: from, key, name: stated, exporter, lines: classic.lines(), timeout };
        let connection = Route::Classic(Box::new(ClassicLink::new(now, new, &buffer[..len])));
        let idle_s = u16::try_from(timeout.as_micros() / 1_000_000).unwrap_or(u16::MAX);
        let message_limit = MAX_MESSAGE_LEN as u16;
        let peer = Peers::create(NewPeer { id, address: from, ordinal: 0, connection, message_limit, idle_s });
        classic.add_connection(from, id);
        if let Some(peer) = peers.insert(now, context, peer) {
            on_connection_input(now, rooms, context, peer);
        }
    }

    /// The marked name of a client that logs in, or what it is answered.
    fn check_login(&mut self, now: Instant, stated: &str) -> Result<Name, String> {
        let Self { classic: Some(classic), peers, context, .. } = self else { return Err(String::new()) };
        let names = Name::new(stated).and_then(|unmarked| Ok((unmarked, Name::classic(stated)?)));
        let (unmarked, name) = names.map_err(|why| format!("Not admitted: {why}."))?;
        let exists = |address, id| peers.get(id).is_some_and(|peer| is_at(&peer.link.connection, address));
        let others: Vec<u32> = classic.connections(exists).collect();
        let is_taken = others.iter().filter_map(|id| peers.get(*id)?.link.identity).any(|other| {
            // Other spellings of a name have the same identity, and would be the same member.
            other == classic.identity(&name).public()
        });
        // The name without its mark may belong to somebody.
        let owner = context.people.check_name(now, &unmarked, &classic.identity(&name).public());
        if is_taken || owner.is_err() {
            return Err(Answer::NameTaken.to_string());
        }
        if others.len() >= context.config.limits.classic_members {
            context.counters.classic_full += 1;
            return Err(FULL.to_owned());
        }
        Ok(name)
    }

    pub(super) fn has_classic_answers(&self) -> bool {
        self.classic.as_ref().is_some_and(Classic::has_answers)
    }

    /// The next answer to a classic client that is no member, in `out`.
    pub(super) fn poll_classic_answer(&mut self, out: &mut [u8]) -> Option<Transmit> {
        let transmit = self.classic.as_mut()?.poll_transmit(out)?;
        self.context.counters.classic_bytes += transmit.len as u64;
        Some(transmit)
    }
}

/// Whether a route is that of a classic client at an address.
fn is_at<P: Provider>(route: &Route<P>, address: SocketAddr) -> bool {
    route.is_classic() && route.is_open() && route.remote() == Some(address)
}

/// Whether a text is the login of the member that wrote it.
fn is_login(classic: &Classic, link: &ClassicLink, text: &str) -> bool {
    Login::parse(text).is_some_and(|login| login.name == link.name() && classic.is_password(login.password))
}
