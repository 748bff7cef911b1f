//! Many small rooms: memory per member beside one room of as many members, and processor time per
//! post beside one small room.

use std::io::Write as _;
use std::process::{Command, Stdio};

use kabar_core::client::Event;
use kabar_core::time::Duration;
use serde::Serialize;

use super::fleet::Fleet;
use super::joining::{join, seconds, settle};
use super::server::Server;
use super::{Error, Setup, digits, ratio};

/// Members joining at the same time.
const AT_ONCE: usize = 12;
/// Idle timeout that members state: long, so that no keep-alives are sent during the measurement.
const IDLE_S: u16 = 3_600;
/// Members that share a socket: systems limit the number of open files.
const PER_SOCKET: usize = 3;
/// Time without a datagram after which everything is acknowledged.
const QUIET: Duration = Duration::from_secs(2);
/// Time without a delivery after which the measurement fails.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes per post.
const BODY: usize = 64;
/// Time between two posts, in both cases. A post is acknowledged by then, so that the packets per
/// post do not depend on how many members the next one has in common with it.
const GAP: Duration = Duration::from_millis(10);
/// The posts are divided into this number of parts. Many rooms and one take turns.
const PARTS: usize = 10;

/// Parameters.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Number of rooms.
    pub rooms: usize,
    /// Members of each room, at least 2.
    pub members: usize,
    /// Posts, in one room after the other.
    pub posts: usize,
}

/// Results.
#[derive(Debug, Serialize)]
pub struct Report {
    mode: &'static str,
    rooms: usize,
    members_per_room: usize,
    posts: usize,
    many: Figures,
    /// One room of as many members as all rooms together.
    one_large: Figures,
    /// One room of as many members as each.
    one_small: Figures,
    /// Memory per member, relative to the large room.
    memory_to_one_large: Option<f64>,
    /// Processor time per post, relative to the small room: the median of the parts.
    cpu_to_one_small: Option<f64>,
    /// The same for each part, in increasing order.
    parts: Vec<f64>,
}

/// The results for one server.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Figures {
    join_s: f64,
    /// Growth of the resident memory while members join, per member.
    bytes_per_member: f64,
    /// Processor time of the server per post, each of which is delivered before the next one.
    cpu_us_per_post: Option<f64>,
}

/// Runs the measurement.
///
/// # Errors
/// [`Error`], also if a post is missing at a member.
pub fn run(setup: &Setup, options: Options) -> Result<Report, Error> {
    let Options { rooms, members, posts } = options;
    let mut many = Case::open(setup, rooms, members)?;
    let mut small = Case::open(setup, 1, members)?;
    let each = posts.div_ceil(PARTS);
    let (mut many_s, mut small_s, mut parts) = (0.0, 0.0, Vec::new());
    for _ in 0..PARTS {
        let (in_one, in_many) = (small.post(each)?, many.post(each)?);
        (small_s, many_s) = (small_s + in_one, many_s + in_many);
        parts.extend(ratio(in_many, in_one));
    }
    parts.sort_by(f64::total_cmp);
    let per_post = |seconds: f64| ratio(seconds * 1e6, (each * PARTS) as f64);
    let one_small = Figures { cpu_us_per_post: per_post(small_s), ..small.figures };
    let many = Figures { cpu_us_per_post: per_post(many_s), ..many.close() };
    drop(small);
    let one_large = Case::open(setup, 1, rooms * members)?.close();
    Ok(Report {
        mode: "rooms",
        rooms,
        members_per_room: members,
        posts: each * PARTS,
        many,
        one_large,
        one_small,
        memory_to_one_large: ratio(many.bytes_per_member, one_large.bytes_per_member),
        cpu_to_one_small: parts.get(parts.len() / 2).copied(),
        parts,
    })
}

/// A server with members in its rooms.
struct Case {
    server: Server,
    fleet: Fleet,
    rooms: usize,
    members: usize,
    /// Number of posts so far.
    posts: usize,
    figures: Figures,
}

impl Case {
    fn open(setup: &Setup, rooms: usize, members: usize) -> Result<Self, Error> {
        let mut setup = setup.clone();
        let count = rooms * members;
        let least = [("connections", 16_384), ("identities", 32_768), ("members", 10_000), ("rooms", 16_384)];
        for (name, least) in least {
            setup.server_arguments.push(format!("--max-{name}={}", least.max(count + 64)));
        }
        let server = Server::start(&setup, None)?;
        create(&setup, &server, rooms)?;
        let before = server.resident()?;
        let mut fleet = Fleet::new(server.target(), IDLE_S)?;
        fleet.spread(members);
        fleet.share_sockets(PER_SOCKET);
        let begin = fleet.now();
        join(&mut fleet, count, 0, AT_ONCE)?;
        let join_s = seconds(fleet.now().saturating_since(begin));
        settle(&mut fleet, QUIET)?;
        let bytes = server.resident()?.saturating_sub(before) as f64;
        let bytes_per_member = digits(bytes / count as f64, 1);
        let figures = Figures { join_s: digits(join_s, 3), bytes_per_member, cpu_us_per_post: None };
        Ok(Self { server, fleet, rooms, members, posts: 0, figures })
    }

    /// Ends the server and returns its figures.
    fn close(self) -> Figures {
        self.figures
    }

    /// Posts `count` times, in one room after the other. Returns the processor time of the server
    /// in seconds.
    fn post(&mut self, count: usize) -> Result<f64, Error> {
        let begin = self.server.cpu_time()?;
        for _ in 0..count {
            let next = self.fleet.now() + GAP;
            deliver(&mut self.fleet, (self.posts % self.rooms) * self.members, self.members)?;
            while self.fleet.now() < next {
                self.fleet.turn(next, &mut |_, _, _| {})?;
            }
            self.posts += 1;
        }
        Ok(self.server.cpu_time()? - begin)
    }
}

/// Creates the rooms, through the server's control socket.
fn create(setup: &Setup, server: &Server, rooms: usize) -> Result<(), Error> {
    let mut command = Command::new(&setup.server);
    command.arg("ctl").arg("--data-dir").arg(server.data_dir());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().map_err(Error::io("operate the server"))?;
    if let Some(mut stdin) = child.stdin.take() {
        let commands: String = (0..rooms).map(|room| format!("room add {}\n", Fleet::room_name(room))).collect();
        stdin.write_all(commands.as_bytes()).map_err(Error::io("operate the server"))?;
    }
    let status = child.wait().map_err(Error::io("operate the server"))?;
    if status.success() { Ok(()) } else { Err(Error::new("the rooms cannot be created")) }
}

/// Posts as the first member of a room, and waits until all its members have the post.
fn deliver(fleet: &mut Fleet, first: usize, members: usize) -> Result<(), Error> {
    if !fleet.post(first, &[b'x'; BODY])? {
        return Err(Error::new("an outbox is full"));
    }
    let (mut missing, begin) = (members, fleet.now());
    while missing > 0 {
        fleet.turn(fleet.now() + Duration::from_millis(100), &mut |slot, event, _| {
            let is_here = (first..first + members).contains(&slot);
            missing -= usize::from(is_here && matches!(event, Event::Entry { .. }));
        })?;
        if fleet.now().saturating_since(begin) > TIMEOUT {
            return Err(Error::new("a post did not arrive"));
        }
    }
    Ok(())
}
