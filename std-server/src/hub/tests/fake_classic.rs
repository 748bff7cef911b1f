//! Clients of the classic dialect (SPEC 11), without logic.

use core::net::SocketAddr;
use std::sync::Arc;

use kabar_core::classic::{KEY_REQUEST, Line, LineBody, Post, PublicKey};
use kabar_std::text::LineFormatter;
use zeroize::Zeroizing;

use super::fake_client::ROOM;
use super::world::World;
use crate::hub::{ClassicConfig, HubConfig};

/// The password of classic members.
pub(super) const CLASSIC_PASSWORD: &str = "kata sandi";

/// Admits classic members.
pub(super) fn classic(config: &mut HubConfig) {
    config.classic = Some(ClassicConfig {
        password: Zeroizing::new(CLASSIC_PASSWORD.to_owned()),
        room: ROOM.to_owned(),
        secret: Zeroizing::new([9; 32]),
        lines: Arc::new(LineFormatter::new()),
    });
}

/// An address, and the key that the server has given to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct FakeClassic {
    pub(super) address: SocketAddr,
    pub(super) key: PublicKey,
}

impl FakeClassic {
    /// The datagram of a text.
    pub(super) fn encrypt(&self, text: &str) -> Vec<u8> {
        let mut out = [0; 1200];
        let len = self.key.encrypt(text, &mut out).expect("it fits");
        out[..len].to_vec()
    }
}

/// The text of a post with its CRC.
pub(super) fn post_text(name: &str, message: &str) -> String {
    let mut out = [0; 1200];
    let len = Post { name, message }.encode(&mut out).expect("it fits");
    String::from_utf8(out[..len].to_vec()).expect("text")
}

/// A line without its time.
pub(super) fn body(line: &str) -> String {
    match Line::parse(line).unwrap_or_else(|| panic!("no line: {line:?}")).body {
        LineBody::Message { name, text } => format!("{name}: {text}"),
        LineBody::Joined(name) => format!("{name} has joined the chat!"),
        LineBody::Other(text) => text.to_owned(),
        _ => panic!("{line:?}"),
    }
}

impl World {
    /// A room that admits classic members.
    pub(super) fn with_classic() -> Self {
        Self::with(classic)
    }

    /// The texts that the server has sent to an address since the last call.
    pub(super) fn heard(&mut self, address: SocketAddr) -> Vec<String> {
        let (here, others) = core::mem::take(&mut self.to_others).into_iter().partition(|(to, _)| *to == address);
        self.to_others = others;
        let here: Vec<(SocketAddr, Vec<u8>)> = here;
        here.into_iter().map(|(_, bytes)| String::from_utf8(bytes).expect("UTF-8")).collect()
    }

    /// Asks for a key.
    pub(super) fn ask_key(&mut self, address: SocketAddr) -> FakeClassic {
        self.inject(address, KEY_REQUEST.as_bytes());
        let answer = self.heard(address);
        let key = PublicKey::parse(answer[0].as_bytes()).expect("a key");
        FakeClassic { address, key }
    }

    /// A client on a separate host, at port `5000 + number`.
    pub(super) fn classic(&mut self, number: u8) -> FakeClassic {
        self.ask_key(SocketAddr::from(([10, 7, 0, number], 5_000 + u16::from(number))))
    }

    /// Sends a text and returns what is answered within 100 ms.
    pub(super) fn say(&mut self, client: FakeClassic, text: &str) -> Vec<String> {
        self.inject(client.address, &client.encrypt(text));
        self.run_ms(100);
        self.heard(client.address)
    }

    /// Sends a post with its CRC.
    pub(super) fn say_post(&mut self, client: FakeClassic, name: &str, message: &str) -> Vec<String> {
        self.say(client, &post_text(name, message))
    }

    /// A client that has logged in, and what it was answered.
    pub(super) fn log_in(&mut self, number: u8, name: &str) -> (FakeClassic, Vec<String>) {
        let client = self.classic(number);
        let answers = self.say(client, &format!("{name}:{CLASSIC_PASSWORD}"));
        (client, answers)
    }

    /// A client that is a member.
    pub(super) fn classic_member(&mut self, number: u8, name: &str) -> FakeClassic {
        let (client, answers) = self.log_in(number, name);
        let expected = [format!("{name} joined!"), "Password accepted. You are now connected.".to_owned()];
        assert_eq!(answers.get(..2), Some(&expected[..]), "{answers:?}");
        client
    }
}
